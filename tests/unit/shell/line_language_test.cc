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
    expect_mistake("buy A-B 1 @ 2 day", 15, "gtc, gtd, ioc, fok, post");
    expect_mistake("buy A-B 1 @ 2 ioc fok", 19, "given twice");
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

TEST_F(LineLanguageTest, TermsOfALimitOrder) {
    OrderFields fields = command("buy BTC-USD 0.5 @ 60000 GTD 60s post display 0.1 self-trade cancel-oldest");
    EXPECT_EQ(text(fields, OrderField::op), "limit");
    EXPECT_EQ(text(fields, OrderField::time_in_force), "gtd");
    EXPECT_EQ(text(fields, OrderField::expires_at), "60s");
    EXPECT_EQ(text(fields, OrderField::post_only), "true");
    EXPECT_EQ(text(fields, OrderField::display), "0.1");
    EXPECT_EQ(text(fields, OrderField::self_trade), "cancel_oldest");
    EXPECT_EQ(text(command("buy A-B 1 @ 2 gtd 2026-11-20T12:00:00Z"), OrderField::expires_at),
              "2026-11-20T12:00:00Z");
    expect_mistake("buy A-B 1 @ 2 gtd", 18, "a time such as 60s is missing");
    expect_mistake("buy A-B 1 @ 2 display", 22, "display quantity");
    expect_mistake("buy A-B 1 @ 2 self-trade", 25, "cancel_newest");
    expect_mistake("buy A-B 1 @ 2 display 1 display 1", 25, "given twice");
}

TEST_F(LineLanguageTest, OrdersThatWait) {
    OrderFields fields = command("sell BTC-USD 0.5 @ 54900 stop 55000 post");
    EXPECT_EQ(text(fields, OrderField::op), "stop_limit");
    EXPECT_EQ(text(fields, OrderField::trigger), "55000");
    EXPECT_EQ(text(fields, OrderField::post_only), "true");
    EXPECT_EQ(text(command("sell A-B 1 @ 2 take_profit 3"), OrderField::op), "take_profit_limit");
    fields = command("market sell BTC-USD 0.5 stop 55000 protect 54000");
    EXPECT_EQ(text(fields, OrderField::op), "stop");
    EXPECT_EQ(text(fields, OrderField::protection), "54000");
    EXPECT_EQ(text(command("market buy A-B 1 take-profit 3"), OrderField::op), "take_profit");
    expect_mistake("sell A-B 1 @ 2 stop", 20, "trigger price");
    expect_mistake("sell A-B 1 @ 2 stop 3 take-profit 4", 23, "given twice");
}

TEST_F(LineLanguageTest, BudgetsTakeThePlaceOfQuantities) {
    OrderFields fields = command("market buy BTC-USD budget 1000 self-trade cancel_both");
    EXPECT_EQ(text(fields, OrderField::op), "market");
    EXPECT_EQ(text(fields, OrderField::budget), "1000");
    EXPECT_EQ(text(fields, OrderField::self_trade), "cancel_both");
    EXPECT_FALSE(fields.has(OrderField::quantity));
    expect_mistake("market buy BTC-USD budget", 26, "budget");
    expect_mistake("market buy BTC-USD", 19, "\"budget\"");
}

TEST_F(LineLanguageTest, MassQuotes) {
    const OrderFields fields = command("mass-quote btc-usd buy 0.5 @ 59000 SELL 0.4@61000");
    EXPECT_EQ(text(fields, OrderField::op), "mass_quote");
    EXPECT_EQ(text(fields, OrderField::market), "BTC-USD");
    EXPECT_EQ(fields[OrderField::quotes].kind, FieldKind::list);
    ASSERT_EQ(fields.quotes.size(), 2u);
    EXPECT_EQ(fields.quotes[1].side.text, "sell");
    EXPECT_EQ(fields.quotes[1].quantity.text, "0.4");
    EXPECT_EQ(fields.quotes[1].price.text, "61000");
    EXPECT_EQ(column_of(line_, fields, "quotes[1].price"), 45u);
    EXPECT_TRUE(command("mass-quote A-B").quotes.empty());
    expect_mistake("mass-quote", 11, "market");
    expect_mistake("mass-quote A-B 0.5 @ 1", 16, "buy, sell");
    expect_mistake("mass-quote A-B buy 0.5", 23, "\"@\"");
}

TEST_F(LineLanguageTest, ReplaceCancelAllAndTheDeadManSwitch) {
    const std::string id(32, 'a');
    OrderFields fields = command("replace " + id + " 0.4 @ 60100 post trigger 59000");
    EXPECT_EQ(text(fields, OrderField::order_id), id);
    EXPECT_EQ(text(fields, OrderField::quantity), "0.4");
    EXPECT_EQ(text(fields, OrderField::price), "60100");
    EXPECT_EQ(text(fields, OrderField::trigger), "59000");
    fields = command("replace 7/2 0.4 @ 60100 in btc-usd");
    EXPECT_EQ(text(fields, OrderField::target_nonce), "7");
    EXPECT_EQ(text(fields, OrderField::target_index), "2");
    EXPECT_EQ(text(fields, OrderField::market), "BTC-USD");
    expect_mistake("replace 7 0.4 @ 60100", 22, "market");
    expect_mistake("replace " + id + " 0.4 60100", 46, "\"@\"");

    EXPECT_FALSE(command("cancel-all").has(OrderField::market));
    EXPECT_EQ(text(command("cancel-all sell"), OrderField::side), "sell");
    fields = command("CANCEL_ALL btc-usd buy");
    EXPECT_EQ(text(fields, OrderField::market), "BTC-USD");
    EXPECT_EQ(text(fields, OrderField::side), "buy");
    expect_mistake("cancel-all BTC-USD now", 20, "nothing more");

    EXPECT_EQ(text(command("cancel-after 60s"), OrderField::timeout), "60s");
    EXPECT_EQ(text(command("cancel-after OFF"), OrderField::timeout), "off");
    expect_mistake("cancel-after", 13, "off");
}

TEST_F(LineLanguageTest, WhatIssuersDo) {
    OrderFields fields = command("issue 1000 usd to Bob");
    EXPECT_EQ(text(fields, OrderField::op), "issue");
    EXPECT_EQ(text(fields, OrderField::to), "bob");
    fields = command("redeem 10 usd");
    EXPECT_EQ(text(fields, OrderField::op), "redeem");
    EXPECT_EQ(text(fields, OrderField::asset), "USD");
    fields = command("withdraw 2.5 usd to  IBAN DE12 @ home ");
    EXPECT_EQ(text(fields, OrderField::op), "withdraw");
    EXPECT_EQ(text(fields, OrderField::amount), "2.5");
    EXPECT_EQ(text(fields, OrderField::destination), "IBAN DE12 @ home");
    fields = command("settle Alice 7 paid");
    EXPECT_EQ(text(fields, OrderField::from), "alice");
    EXPECT_EQ(text(fields, OrderField::target_nonce), "7");
    EXPECT_EQ(text(fields, OrderField::paid), "true");
    EXPECT_EQ(text(command("settle alice 7/1 refused"), OrderField::paid), "false");
    EXPECT_EQ(read<WithdrawalsAction>("withdrawals").asset, "");
    EXPECT_EQ(read<WithdrawalsAction>("withdrawals usd").asset, "USD");
    expect_mistake("withdraw 2.5 USD", 17, "\"to\"");
    expect_mistake("withdraw 2.5 USD to", 20, "destination");
    expect_mistake("settle alice seven paid", 14, "nonce");
    expect_mistake("settle alice 7", 15, "paid or refused");
}

TEST_F(LineLanguageTest, WhatAdministratorsDo) {
    OrderFields fields = command(
        "create-market eth-usd tick 0.01 lot 0.001 Base eth taker-fee-ppm 500 auction 30s reference 3");
    EXPECT_EQ(text(fields, OrderField::op), "create_market");
    EXPECT_EQ(text(fields, OrderField::market), "ETH-USD");
    EXPECT_EQ(text(fields, OrderField::tick), "0.01");
    EXPECT_EQ(text(fields, OrderField::base), "ETH");
    EXPECT_EQ(text(fields, OrderField::taker_fee_ppm), "500");
    EXPECT_EQ(text(fields, OrderField::auction), "30s");
    EXPECT_EQ(text(fields, OrderField::reference), "3");
    expect_mistake("create-market ETH-USD tik 0.01", 23, "did you mean \"tick\"");
    expect_mistake("create-market ETH-USD tick", 27, "tick");
    fields = command("halt btc-usd reference 4");
    EXPECT_EQ(text(fields, OrderField::op), "halt");
    EXPECT_EQ(text(fields, OrderField::market), "BTC-USD");
    EXPECT_EQ(text(fields, OrderField::reference), "4");
    EXPECT_EQ(text(command("resume BTC-USD"), OrderField::op), "resume");
    expect_mistake("halt", 5, "market");
    expect_mistake("halt BTC-USD 4", 14, "nothing more");
}

TEST_F(LineLanguageTest, CancelAndReduce) {
    const std::string id(32, 'a');
    EXPECT_EQ(text(command("cancel " + id), OrderField::order_id), id);
    EXPECT_EQ(text(command("cancel 17"), OrderField::target_nonce), "17");
    EXPECT_EQ(text(command("cancel 17/3"), OrderField::target_index), "3");
    EXPECT_EQ(text(command("cancel 17/"), OrderField::order_id), "17/");
    EXPECT_EQ(read<ShowOrderAction>("show " + id).id, id);
    expect_mistake("show", 5, "order id");
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
    expect_mistake("buy BTC-USD 0.5 @ 60000 ioc now", 29, "or nothing is expected here");
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
