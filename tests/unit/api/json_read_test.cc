#include "app/api/json_read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace peerbook::app {
namespace {

using ::testing::HasSubstr;

ApiError error_of(std::string body) {
    auto list = read_orders(body);
    EXPECT_FALSE(list.ok());
    return list.ok() ? ApiError() : std::move(list.error());
}

TEST(ReadOrders, KeepsNumbersAsText) {
    std::string body = R"( {"price":60000.10,"quantity":0.5,"nonce":18446744073709551615,"side":"buy"} )";
    auto list = read_orders(body);
    ASSERT_TRUE(list.ok()) << list.error().message;
    EXPECT_FALSE(list.value().is_array);
    ASSERT_EQ(list.value().orders.size(), 1u);
    const OrderFields& fields = list.value().orders[0];
    EXPECT_EQ(fields[OrderField::price].text, "60000.10");
    EXPECT_EQ(fields[OrderField::price].kind, FieldKind::number);
    EXPECT_EQ(fields[OrderField::quantity].text, "0.5");
    EXPECT_EQ(fields[OrderField::nonce].text, "18446744073709551615");
    EXPECT_EQ(fields[OrderField::side].text, "buy");
    EXPECT_EQ(fields[OrderField::side].kind, FieldKind::text);
    EXPECT_FALSE(fields.has(OrderField::market));
}

TEST(ReadOrders, NumbersAtEveryPlaceOfAnArray) {
    std::string body = "[{\"nonce\":1},{\"nonce\":-2.5e3 ,\"price\":\n3}]";
    auto list = read_orders(body);
    ASSERT_TRUE(list.ok()) << list.error().message;
    EXPECT_TRUE(list.value().is_array);
    ASSERT_EQ(list.value().orders.size(), 2u);
    EXPECT_EQ(list.value().orders[0][OrderField::nonce].text, "1");
    EXPECT_EQ(list.value().orders[1][OrderField::nonce].text, "-2.5e3");
    EXPECT_EQ(list.value().orders[1][OrderField::price].text, "3");
}

TEST(ReadOrders, EscapesAreDecodedInPlace) {
    std::string body = R"({"account":"\u0061li\u0063e","nonce":5})";
    auto list = read_orders(body);
    ASSERT_TRUE(list.ok());
    EXPECT_EQ(list.value().orders[0][OrderField::account].text, "alice");
    EXPECT_EQ(list.value().orders[0][OrderField::nonce].text, "5");
}

TEST(ReadOrders, NullIsTheSameAsAbsent) {
    std::string body = R"({"account":"alice","nonce":null,"post_only":true})";
    auto list = read_orders(body);
    ASSERT_TRUE(list.ok());
    EXPECT_FALSE(list.value().orders[0].has(OrderField::nonce));
    EXPECT_EQ(list.value().orders[0][OrderField::post_only].kind, FieldKind::boolean);
}

TEST(ReadOrders, MalformedJsonSaysWhere) {
    const ApiError error = error_of(R"({"price":60000,)");
    EXPECT_THAT(error.message, HasSubstr("malformed JSON at byte 15"));
    EXPECT_EQ(error.at, 15u);
    EXPECT_THAT(error_of(R"({"price":60000} x)").message, HasSubstr("malformed JSON at byte 16"));
    EXPECT_THAT(error_of(R"({"price":.5})").message, HasSubstr("malformed JSON at byte 9"));
    EXPECT_THAT(error_of("{\"account\":\"\xff\"}").message, HasSubstr("malformed JSON at byte 1"));
}

TEST(ReadOrders, ATextThatEndsInsideACharacterIsMalformed) {
    for (const char* lead : {"\xc3", "\xe7", "\xe7\x95", "\xf0", "\xf0\x9f\x92"}) {
        const ApiError error = error_of(std::string("{\"account\":\"") + lead);
        EXPECT_THAT(error.message, HasSubstr("malformed JSON"));
        ASSERT_TRUE(error.at);
    }
}

TEST(ReadOrders, EmptyBodyIsSaidPlainly) {
    EXPECT_THAT(error_of("").message, HasSubstr("empty"));
    EXPECT_THAT(error_of("   ").message, HasSubstr("empty"));
    EXPECT_THAT(error_of("[]").message, HasSubstr("empty"));
}

TEST(ReadOrders, ZeroBytesDoNotHideWhatFollows) {
    std::string body = "{}";
    body.push_back('\0');
    body += "{}";
    const ApiError error = error_of(body);
    EXPECT_THAT(error.message, HasSubstr("zero byte"));
    EXPECT_EQ(error.at, 2u);
}

TEST(ReadOrders, UnknownFieldIsNamedWithTheNearest) {
    const ApiError error = error_of(R"({"prise":"1"})");
    EXPECT_EQ(error.field, "prise");
    EXPECT_THAT(error.message, HasSubstr("did you mean \"price\""));
    EXPECT_EQ(error_of(R"([{"side":"buy"},{"zzzzzz":1}])").field, "[1].zzzzzz");
}

TEST(ReadOrders, DoubledFieldIsRefused) {
    const ApiError error = error_of(R"({"price":"1","price":"2"})");
    EXPECT_EQ(error.field, "price");
    EXPECT_THAT(error.message, HasSubstr("twice"));
}

TEST(ReadOrders, NestedValuesAreRefused) {
    EXPECT_EQ(error_of(R"({"price":{"a":1}})").field, "price");
    EXPECT_EQ(error_of(R"({"price":[1]})").field, "price");
    EXPECT_EQ(error_of(R"([[{}]])").field, "[0]");
    EXPECT_THAT(error_of("7").message, HasSubstr("must be an object"));
    EXPECT_THAT(error_of("null").message, HasSubstr("must be an object"));
    EXPECT_THAT(error_of(R"("text")").message, HasSubstr("must be an object"));
}

TEST(ReadOrders, QuotesAreAList) {
    std::string body =
        R"([{"op":"mass_quote","quotes":[{"side":"buy","price":1.50,"quantity":"2"},{}]},{"side":"buy"}])";
    auto list = read_orders(body);
    ASSERT_TRUE(list.ok()) << list.error().message;
    ASSERT_EQ(list.value().orders.size(), 2u);
    const OrderFields& fields = list.value().orders[0];
    EXPECT_EQ(fields[OrderField::quotes].kind, FieldKind::list);
    ASSERT_EQ(fields.quotes.size(), 2u);
    EXPECT_EQ(fields.quotes[0].price.text, "1.50");
    EXPECT_EQ(fields.quotes[0].price.kind, FieldKind::number);
    EXPECT_EQ(fields.quotes[1].side.kind, FieldKind::absent);
    EXPECT_EQ(fields.find("quotes[0].quantity")->text, "2");
    EXPECT_EQ(fields.find("quotes[2].quantity"), nullptr);
    EXPECT_EQ(fields.find("quotes[0].account"), nullptr);
    EXPECT_FALSE(list.value().orders[1].has(OrderField::quotes));
}

TEST(ReadOrders, MistakesInQuotesAreNamed) {
    EXPECT_EQ(error_of(R"({"quotes":[{"account":"a"}]})").field, "quotes[0].account");
    EXPECT_EQ(error_of(R"([{},{"quotes":[{},{"price":"1","price":"2"}]}])").field, "[1].quotes[1].price");
    EXPECT_EQ(error_of(R"({"quotes":[{"price":[]}]})").field, "quotes[0].price");
    EXPECT_EQ(error_of(R"({"quotes":[[]]})").field, "quotes[0]");
    EXPECT_EQ(error_of(R"({"quotes":[{},7]})").field, "quotes[1]");
    EXPECT_EQ(error_of(R"({"quotes":[null]})").field, "quotes[0]");
    EXPECT_EQ(error_of(R"({"quotes":{}})").field, "quotes");
    EXPECT_EQ(error_of(R"({"quotes":[],"quotes":[]})").field, "quotes");
    EXPECT_EQ(error_of(R"({"quotes":[{"price":1e999}]})").field, "quotes[0].price");
    EXPECT_THAT(error_of(R"({"quotes":[{"price":1)").message, HasSubstr("malformed JSON"));
}

TEST(ReadOrders, QuotesOfARequestAreBounded) {
    std::string list = "{}";
    for (std::size_t i = 0; i < quotes_per_request_max; ++i)
        list += ",{}";
    EXPECT_THAT(error_of("{\"quotes\":[" + list + "]}").message, HasSubstr("at most 4000 quotes"));
}

TEST(ReadOrders, DeepNestingEndsAtOnce) {
    EXPECT_THAT(error_of(std::string(1'000'000, '[')).message, HasSubstr("must be an object"));
}

TEST(ReadOrders, HugeNumbersNameTheirField) {
    const ApiError error = error_of("{\"side\":\"buy\",\"price\":" + std::string(400, '9') + "}");
    EXPECT_EQ(error.field, "price");
    EXPECT_THAT(error.message, HasSubstr("too long"));
    EXPECT_EQ(error_of(R"([{"quantity":1e999}])").field, "[0].quantity");
}

TEST(ReadOrders, AtMostAThousandOrders) {
    std::string body = "[{}";
    for (std::size_t i = 1; i < orders_per_request_max; ++i)
        body += ",{}";
    std::string full = body + "]";
    auto list = read_orders(full);
    ASSERT_TRUE(list.ok());
    EXPECT_EQ(list.value().orders.size(), orders_per_request_max);
    EXPECT_THAT(error_of(body + ",{}]").message, HasSubstr("at most 1000"));
}

TEST(ReadFlatObject, TakesTextsAndNumbersAsText) {
    std::string body = R"({"id":"ab","hours":24})";
    auto fields = read_flat_object(body, {"id", "hours"});
    ASSERT_TRUE(fields.ok());
    EXPECT_EQ(fields.value().find("id")->second, "ab");
    EXPECT_EQ(fields.value().find("hours")->second, "24");
    std::string empty = "{}";
    EXPECT_TRUE(read_flat_object(empty, {"id"}).value().empty());
}

TEST(ReadFlatObject, RefusesAnythingElseAndNamesTheField) {
    for (const char* text : {R"({"address":{}})", R"({"address":[]})", R"({"address":null})",
                             R"({"address":true})", R"({"adress":"x:1"})", "[]", "7", "\"x\"", "null", "",
                             "{", R"({"address":"x:1","address":"y:1"})", R"({"address":"x"}})"}) {
        std::string body = text;
        EXPECT_FALSE(read_flat_object(body, {"address"}).ok()) << text;
    }
    std::string body = R"({"address":[7]})";
    EXPECT_EQ(read_flat_object(body, {"address"}).error().field, "address");
}

TEST(IsHostAndPort, KnowsBrackets) {
    EXPECT_TRUE(is_host_and_port("node.example:1"));
    EXPECT_TRUE(is_host_and_port("[::1]:3000"));
    EXPECT_FALSE(is_host_and_port("::1:3000"));
    EXPECT_FALSE(is_host_and_port(":3000"));
    EXPECT_FALSE(is_host_and_port("http://x:3000"));
}

}  // namespace
}  // namespace peerbook::app
