#include "app/api/order_drafts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/api/fake_node.h"

namespace peerbook::app {
namespace {

using ::testing::HasSubstr;

class OrderFieldsTest : public ::testing::Test {
  protected:
    OrderFieldsTest() {
        give(OrderField::account, "alice");
        give(OrderField::market, "BTC-USD");
        give(OrderField::side, "buy");
        give(OrderField::price, "60000");
        give(OrderField::quantity, "0.5");
    }

    void give(OrderField field, std::string_view text) { fields_.set_text(field, text); }
    void drop(OrderField field) { fields_[field] = {}; }
    void command(std::string_view op) {
        fields_ = {};
        give(OrderField::op, op);
        give(OrderField::account, "alice");
    }

    Draft accepted() {
        auto draft = make_draft(fields_, context_);
        EXPECT_TRUE(draft.ok()) << draft.error().message;
        return draft.ok() ? std::move(draft.value()) : Draft{};
    }
    ApiError refused() {
        auto draft = make_draft(fields_, context_);
        EXPECT_FALSE(draft.ok());
        return draft.ok() ? ApiError() : std::move(draft.error());
    }
    void expect_refused(const std::string& field, const std::string& words) {
        const ApiError error = refused();
        EXPECT_EQ(error.field, field);
        EXPECT_THAT(error.message, HasSubstr(words));
    }

    MarketTable markets_{std::make_shared<const exchange::NetworkRules>(testing::two_markets())};
    DraftContext context_{markets_, testing::node_key(), {}};
    OrderFields fields_;
};

TEST_F(OrderFieldsTest, LimitOrderBecomesTicksAndLots) {
    const Draft draft = accepted();
    EXPECT_EQ(draft.intent.account, "alice");
    EXPECT_FALSE(draft.intent.nonce);
    const auto& order = std::get<exchange::LimitOrder>(draft.intent.body);
    EXPECT_EQ(order.market, testing::btc_usd);
    EXPECT_EQ(order.side, exchange::Side::buy);
    EXPECT_EQ(order.price, exchange::Price(6'000'000));
    EXPECT_EQ(order.quantity, exchange::Quantity(5'000));
    EXPECT_EQ(order.time_in_force, exchange::TimeInForce::gtc);
    EXPECT_FALSE(order.post_only);
}

TEST_F(OrderFieldsTest, OptionsOfALimitOrderAreTaken) {
    give(OrderField::nonce, "7");
    give(OrderField::time_in_force, "fok");
    give(OrderField::side, "sell");
    const Draft draft = accepted();
    EXPECT_EQ(draft.intent.nonce, 7u);
    EXPECT_EQ(std::get<exchange::LimitOrder>(draft.intent.body).time_in_force, exchange::TimeInForce::fok);
    EXPECT_EQ(std::get<exchange::LimitOrder>(draft.intent.body).side, exchange::Side::sell);
}

TEST_F(OrderFieldsTest, PostOnlyRestsOnly) {
    fields_[OrderField::post_only] = {FieldKind::boolean, "true"};
    EXPECT_TRUE(std::get<exchange::LimitOrder>(accepted().intent.body).post_only);
    give(OrderField::time_in_force, "ioc");
    expect_refused("post_only", "gtc");
}

TEST_F(OrderFieldsTest, UnknownMarketIsNamed) {
    give(OrderField::market, "BTC-EUR");
    expect_refused("market", "\"BTC-EUR\"");
}

TEST_F(OrderFieldsTest, EachMissingFieldIsNamed) {
    for (OrderField field : {OrderField::market, OrderField::side, OrderField::price, OrderField::quantity}) {
        const auto kept = fields_[field];
        drop(field);
        expect_refused(std::string(to_string(field)), "missing");
        fields_[field] = kept;
    }
    drop(OrderField::account);
    expect_refused("account", "missing");
}

TEST_F(OrderFieldsTest, WrongTickIsNamed) {
    give(OrderField::price, "60000.005");
    expect_refused("price", "tick");
}

TEST_F(OrderFieldsTest, WrongLotIsNamed) {
    give(OrderField::quantity, "0.00005");
    expect_refused("quantity", "lot");
}

TEST_F(OrderFieldsTest, ZeroNegativeAndOverflowAreRefused) {
    give(OrderField::price, "0");
    expect_refused("price", "zero");
    give(OrderField::price, "-1");
    expect_refused("price", "negative");
    const std::string huge = "1" + std::string(60, '0');
    give(OrderField::price, huge);
    const ApiError error = refused();
    EXPECT_EQ(error.field, "price");
    EXPECT_THAT(error.message, HasSubstr("maximum"));
}

TEST_F(OrderFieldsTest, ExponentsAreRefusedByName) {
    fields_[OrderField::price] = {FieldKind::number, "6e4"};
    expect_refused("price", "exponent");
}

TEST_F(OrderFieldsTest, VeryLongNumbersAreRefusedByName) {
    const std::string digits(400, '9');
    give(OrderField::quantity, digits);
    expect_refused("quantity", "400 characters");
}

TEST_F(OrderFieldsTest, ErrorsNameTheFieldOnce) {
    give(OrderField::price, "0");
    EXPECT_EQ(refused().message.find("price: price"), std::string::npos);
}

TEST_F(OrderFieldsTest, TextsThatMeanNothingAreRefused) {
    give(OrderField::side, "long");
    expect_refused("side", "\"long\"");
    give(OrderField::side, "buy");
    give(OrderField::time_in_force, "day");
    expect_refused("time_in_force", "\"day\"");
    drop(OrderField::time_in_force);
    fields_[OrderField::post_only] = {FieldKind::number, "1"};
    expect_refused("post_only", "true or false");
    fields_[OrderField::post_only] = {};
    fields_[OrderField::price] = {FieldKind::boolean, "true"};
    expect_refused("price", "must be a text");
}

TEST_F(OrderFieldsTest, NoncesAreWholeAndPositive) {
    give(OrderField::nonce, "0");
    expect_refused("nonce", "above zero");
    give(OrderField::nonce, "-1");
    expect_refused("nonce", "whole number");
    give(OrderField::nonce, "18446744073709551616");
    expect_refused("nonce", "64 bits");
    give(OrderField::nonce, "18446744073709551615");
    EXPECT_EQ(accepted().intent.nonce, UINT64_MAX);
}

TEST_F(OrderFieldsTest, AccountNamesAreChecked) {
    give(OrderField::account, "Alice!");
    expect_refused("account", "\"Alice!\"");
    const std::string name(65, 'a');
    give(OrderField::account, name);
    expect_refused("account", "1 to 64");
}

TEST_F(OrderFieldsTest, DefaultAccountStandsInForAMissingOne) {
    drop(OrderField::account);
    DraftContext context{markets_, testing::node_key(), "me"};
    auto draft = make_draft(fields_, context);
    ASSERT_TRUE(draft.ok());
    EXPECT_EQ(draft.value().intent.account, "me");
}

TEST_F(OrderFieldsTest, FieldsOfAnotherOpAreRefused) {
    give(OrderField::asset, "USD");
    expect_refused("asset", "does not belong to op \"limit\"");
}

TEST_F(OrderFieldsTest, UnknownOpComesWithTheNearest) {
    give(OrderField::op, "limt");
    expect_refused("op", "did you mean \"limit\"");
    give(OrderField::op, "swap-everything");
    expect_refused("op", "transfer");
}

TEST_F(OrderFieldsTest, MarketOrderWithProtection) {
    drop(OrderField::price);
    give(OrderField::op, "market");
    give(OrderField::protection, "61000");
    const Draft draft = accepted();
    EXPECT_FALSE(draft.needs_protection);
    EXPECT_EQ(std::get<exchange::MarketOrder>(draft.intent.body).protection, exchange::Price(6'100'000));
}

TEST_F(OrderFieldsTest, MarketOrderWithoutProtectionNeedsOne) {
    drop(OrderField::price);
    give(OrderField::op, "market");
    EXPECT_TRUE(accepted().needs_protection);
}

TEST_F(OrderFieldsTest, CancelByIdOrByNonce) {
    command("cancel");
    expect_refused("order_id", "missing");
    const std::string id = to_hex(testing::order_id(0xab));
    give(OrderField::order_id, id);
    EXPECT_EQ(accepted().intent.target_order, testing::order_id(0xab));
    give(OrderField::target_nonce, "7");
    expect_refused("order_id", "not both");
    drop(OrderField::order_id);
    give(OrderField::target_index, "2");
    const Draft draft = accepted();
    EXPECT_FALSE(draft.intent.target_order);
    EXPECT_EQ(std::get<exchange::CancelOrder>(draft.intent.body).target, (exchange::CommandRef{7, 2}));
    give(OrderField::target_index, "1000");
    expect_refused("target_index", "at most 999");
}

TEST_F(OrderFieldsTest, BadOrderIdIsNamed) {
    command("cancel");
    give(OrderField::order_id, "12");
    expect_refused("order_id", "32 hexadecimal digits");
}

TEST_F(OrderFieldsTest, ReduceNeedsMarketAndQuantity) {
    command("reduce");
    give(OrderField::target_nonce, "7");
    expect_refused("market", "missing");
    give(OrderField::market, "BTC-USD");
    expect_refused("by", "missing");
    give(OrderField::by, "0.1");
    EXPECT_EQ(std::get<exchange::ReduceOrder>(accepted().intent.body).by, exchange::Quantity(1'000));
}

TEST_F(OrderFieldsTest, OpenCarriesItsName) {
    command("open");
    EXPECT_EQ(std::get<exchange::OpenAccount>(accepted().intent.body).name, "alice");
}

TEST_F(OrderFieldsTest, FaucetInBaseUnits) {
    command("faucet");
    give(OrderField::asset, "USD");
    give(OrderField::amount, "1000.5");
    const Draft draft = accepted();
    EXPECT_EQ(std::get<exchange::Faucet>(draft.intent.body).asset, exchange::AssetId(2));
    EXPECT_TRUE(std::get<exchange::Faucet>(draft.intent.body).amount == 1'000'500'000);
    give(OrderField::amount, "0");
    expect_refused("amount", "above zero");
    give(OrderField::amount, "0.0000001");
    expect_refused("amount", "decimal places");
    give(OrderField::asset, "EUR");
    expect_refused("asset", "\"EUR\"");
}

TEST_F(OrderFieldsTest, TransferToANameOrAnId) {
    command("transfer");
    give(OrderField::asset, "USD");
    give(OrderField::amount, "10");
    expect_refused("to", "missing");
    give(OrderField::to, "bob");
    EXPECT_EQ(std::get<Boxed<exchange::Transfer>>(accepted().intent.body)->to,
              exchange::hosted_account_id(testing::node_key(), "bob"));
    exchange::AccountId id;
    id.data.fill(0x5a);
    const std::string hex = to_hex(id);
    give(OrderField::to, hex);
    EXPECT_EQ(std::get<Boxed<exchange::Transfer>>(accepted().intent.body)->to, id);
    give(OrderField::to, "Bob Smith");
    expect_refused("to", "\"Bob Smith\"");
}

TEST_F(OrderFieldsTest, WhatIsEchoedIsShortAndPrintable) {
    const std::string ugly = "\x1b[31m\xff" + std::string(500, 'x');
    give(OrderField::market, ugly);
    const std::string message = refused().message;
    EXPECT_LT(message.size(), 200u);
    for (char c : message)
        EXPECT_TRUE(c >= 0x20 && c < 0x7f);
}

TEST(NearestWord, FindsTyposAndNotStrangers) {
    constexpr std::string_view words[] = {"price", "quantity"};
    EXPECT_EQ(nearest_word("prise", words, 2), "price");
    EXPECT_EQ(nearest_word("quantty", words, 2), "quantity");
    EXPECT_EQ(nearest_word("account", words, 2), "");
    EXPECT_EQ(nearest_word("", words, 2), "");
}

}  // namespace
}  // namespace peerbook::app
