#include "app/shell/line_language.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace peerbook::app {
namespace {

using ::testing::HasSubstr;

class LineLanguageTest : public ::testing::Test {
  protected:
    template <typename T>
    T read(std::string line) {
        line_ = std::move(line);
        auto parsed = parse_line(line_);
        if (const auto* error = std::get_if<LineError>(&parsed)) {
            ADD_FAILURE() << line_ << ": " << error->message;
            return T{};
        }
        const T* action = std::get_if<T>(&std::get<Action>(parsed));
        if (!action) {
            ADD_FAILURE() << line_ << " is another action";
            return T{};
        }
        return *action;
    }
    OrderFields command(std::string line) { return read<CommandAction>(std::move(line)).fields; }
    LineError mistake(std::string line) {
        line_ = std::move(line);
        auto parsed = parse_line(line_);
        const auto* error = std::get_if<LineError>(&parsed);
        EXPECT_TRUE(error) << line_;
        return error ? *error : LineError{};
    }
    void expect_mistake(const std::string& line, std::size_t column, const std::string& words) {
        const LineError error = mistake(line);
        EXPECT_EQ(error.column, column) << line << ": " << error.message;
        EXPECT_THAT(error.message, HasSubstr(words)) << line;
        EXPECT_FALSE(error.example.empty()) << line;
    }
    static std::string_view text(const OrderFields& fields, OrderField field) { return fields[field].text; }

    std::string line_;
};

TEST_F(LineLanguageTest, BuyAndSell) {
    OrderFields fields = command("buy BTC-USD 0.5 @ 60000");
    EXPECT_EQ(text(fields, OrderField::op), "limit");
    EXPECT_EQ(text(fields, OrderField::side), "buy");
    EXPECT_EQ(text(fields, OrderField::market), "BTC-USD");
    EXPECT_EQ(text(fields, OrderField::quantity), "0.5");
    EXPECT_EQ(text(fields, OrderField::price), "60000");
    EXPECT_FALSE(fields.has(OrderField::time_in_force));
    EXPECT_EQ(text(command("sell BTC-USD 1 @ 2"), OrderField::side), "sell");
}

TEST_F(LineLanguageTest, BlanksAndCaseDoNotMatter) {
    OrderFields fields = command("\t BUY btc-usd 0.5@60000  IOC \r");
    EXPECT_EQ(text(fields, OrderField::market), "BTC-USD");
    EXPECT_EQ(text(fields, OrderField::quantity), "0.5");
    EXPECT_EQ(text(fields, OrderField::price), "60000");
    EXPECT_EQ(text(fields, OrderField::time_in_force), "ioc");
}

TEST_F(LineLanguageTest, TimeInForceAndPost) {
    for (const char* word : {"gtc", "ioc", "fok"})
        EXPECT_EQ(text(command(std::string("buy A-B 1 @ 2 ") + word), OrderField::time_in_force), word);
    EXPECT_EQ(text(command("buy A-B 1 @ 2 post"), OrderField::post_only), "true");
    expect_mistake("buy A-B 1 @ 2 day", 15, "gtc, ioc, fok, post");
}

TEST_F(LineLanguageTest, MarketOrders) {
    OrderFields fields = command("market sell BTC-USD 0.1 protect 59000");
    EXPECT_EQ(text(fields, OrderField::op), "market");
    EXPECT_EQ(text(fields, OrderField::side), "sell");
    EXPECT_EQ(text(fields, OrderField::protection), "59000");
    EXPECT_FALSE(command("market buy BTC-USD 0.1").has(OrderField::protection));
    expect_mistake("market BTC-USD 0.1", 8, "buy or sell");
    expect_mistake("market buy BTC-USD 0.1 limit", 24, "protect");
}

TEST_F(LineLanguageTest, CancelAndReduce) {
    const std::string id(32, 'a');
    EXPECT_EQ(text(command("cancel " + id), OrderField::order_id), id);
    EXPECT_EQ(text(command("cancel 17"), OrderField::target_nonce), "17");
    const std::string digits(32, '7');
    EXPECT_EQ(text(command("cancel " + digits), OrderField::order_id), digits);
    OrderFields fields = command("reduce " + id + " by 0.1");
    EXPECT_EQ(text(fields, OrderField::by), "0.1");
    EXPECT_FALSE(fields.has(OrderField::market));
    EXPECT_EQ(text(command("reduce 17 by 0.1 in btc-usd"), OrderField::market), "BTC-USD");
    expect_mistake("reduce 17 by 0.1", 17, "market");
    expect_mistake("reduce 17 0.1", 11, "\"by\"");
    expect_mistake("cancel", 7, "order id");
}

TEST_F(LineLanguageTest, Money) {
    OrderFields fields = command("faucet usd 1000");
    EXPECT_EQ(text(fields, OrderField::op), "faucet");
    EXPECT_EQ(text(fields, OrderField::asset), "USD");
    EXPECT_EQ(text(fields, OrderField::amount), "1000");
    fields = command("transfer 10 usd to Bob");
    EXPECT_EQ(text(fields, OrderField::op), "transfer");
    EXPECT_EQ(text(fields, OrderField::to), "bob");
    EXPECT_EQ(text(fields, OrderField::amount), "10");
    EXPECT_EQ(text(command("open"), OrderField::op), "open");
    expect_mistake("transfer 10 USD bob", 17, "\"to\"");
    expect_mistake("faucet USD", 11, "amount");
}

TEST_F(LineLanguageTest, Questions) {
    EXPECT_EQ(read<BookAction>("book btc-usd").market, "BTC-USD");
    EXPECT_EQ(read<BookAction>("book BTC-USD 3").depth, 3u);
    EXPECT_EQ(read<TradesAction>("trades").market, "");
    EXPECT_EQ(read<TradesAction>("trades eth-usd").market, "ETH-USD");
    EXPECT_EQ(read<PlainAction>("orders"), PlainAction::orders);
    EXPECT_EQ(read<PlainAction>("balances"), PlainAction::balances);
    EXPECT_EQ(read<PlainAction>("markets"), PlainAction::markets);
    EXPECT_EQ(read<PlainAction>("peers"), PlainAction::peers);
    EXPECT_EQ(read<PlainAction>("Status"), PlainAction::status);
    EXPECT_EQ(read<PlainAction>("help"), PlainAction::help);
    expect_mistake("book", 5, "market");
    expect_mistake("book BTC-USD 0", 14, "from 1 to 1000");
    expect_mistake("book BTC-USD x", 14, "whole number");
    expect_mistake("orders now", 8, "nothing more");
}

TEST_F(LineLanguageTest, ConnectAndAs) {
    EXPECT_EQ(read<ConnectAction>("connect 192.0.2.7:3000").address, "192.0.2.7:3000");
    EXPECT_EQ(read<UseAccountAction>("as Alice").name, "alice");
    expect_mistake("connect nowhere", 9, "host:port");
    expect_mistake("connect", 8, "address");
    expect_mistake("as al/ice", 4, "account name");
}

TEST_F(LineLanguageTest, NothingIsSaidToBlankLinesAndComments) {
    for (const char* line : {"", "   \t\r", "# buy everything"})
        EXPECT_EQ(read<PlainAction>(line), PlainAction::nothing) << line;
}

TEST_F(LineLanguageTest, WhatIsMissingIsSaidWithItsPlace) {
    expect_mistake("buy", 4, "market");
    expect_mistake("buy BTC-USD", 12, "quantity");
    expect_mistake("buy BTC-USD 0.5 60000", 17, "\"@\"");
    expect_mistake("buy BTC-USD 0.5 @", 18, "price");
    expect_mistake("buy BTC-USD 0.5 @ 60000 ioc now", 29, "nothing more");
}

TEST_F(LineLanguageTest, UnknownWordsComeWithTheNearest) {
    expect_mistake("  byu BTC-USD 1 @ 2", 3, "did you mean \"buy\"");
    expect_mistake("frobnicate", 1, "help");
}

TEST_F(LineLanguageTest, JsonLines) {
    OrderFields fields = command(R"(  {"op":"limit","market":"BTC-USD","price":60000,"account":"bob"})");
    EXPECT_EQ(text(fields, OrderField::price), "60000");
    EXPECT_EQ(text(fields, OrderField::account), "bob");
    expect_mistake(R"({"price":60000,)", 16, "malformed JSON");
    const LineError error = mistake(R"({"prise":1})");
    EXPECT_THAT(error.message, HasSubstr("did you mean \"price\""));
    EXPECT_TRUE(error.column);
}

TEST_F(LineLanguageTest, AnObjectALineAndNoMore) {
    EXPECT_THAT(mistake("[{}]").message, HasSubstr("unknown command"));
    EXPECT_THAT(mistake("{} {}").message, HasSubstr("malformed JSON"));
}

TEST_F(LineLanguageTest, LongLinesAreRefused) {
    EXPECT_THAT(mistake(std::string(line_bytes_max + 1, 'b')).message, HasSubstr("65536"));
    EXPECT_THAT(mistake(std::string(line_bytes_max, '@')).message, HasSubstr("too many words"));
}

TEST_F(LineLanguageTest, LaterErrorsFindTheirColumn) {
    const OrderFields fields = command("buy BTC-USD 0.5 @ 60000");
    EXPECT_EQ(column_of(line_, fields, "price"), 19u);
    EXPECT_EQ(column_of(line_, fields, "market"), 5u);
    EXPECT_EQ(column_of(line_, fields, "side"), std::nullopt);  // not a word of the line
    EXPECT_EQ(column_of(line_, fields, "nonce"), std::nullopt);
    EXPECT_EQ(column_of(line_, fields, "no field"), std::nullopt);
}

}  // namespace
}  // namespace peerbook::app
