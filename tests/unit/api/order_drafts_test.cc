// Each op of the gateway and each of its mistakes, beyond the plain orders of order_fields_test.cc.
#include "app/api/order_drafts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/api/json_read.h"
#include "tests/unit/api/fake_node.h"

namespace peerbook::app {
namespace {

using exchange::Price;
using exchange::Quantity;
using exchange::SelfTradePrevention;
using exchange::SpecialOrder;
using exchange::TimeInForce;
using exchange::TriggerWhen;
using ::testing::HasSubstr;

class OrderDraftsTest : public ::testing::Test {
  protected:
    // `fields` are JSON without account and braces, single quotes for double ones.
    ApiResult<Draft> draft(const std::string& fields) {
        body_ = "{'account':'alice'," + fields + "}";
        for (char& c : body_)
            if (c == '\'') c = '"';
        auto list = read_orders(body_);
        if (!list.ok()) return list.error();
        list_ = std::move(list.value());
        return make_draft(list_.orders.front(), {markets_, testing::node_key(), {}, now_});
    }
    Draft accepted(const std::string& fields) {
        auto made = draft(fields);
        EXPECT_TRUE(made.ok()) << fields << ": " << made.error().message;
        return made.ok() ? std::move(made.value()) : Draft{};
    }
    template <typename T>
    T body(const std::string& fields) {
        const Draft made = accepted(fields);
        const T* typed = std::get_if<T>(&made.intent.body);
        EXPECT_TRUE(typed) << fields << " is another command";
        return typed ? *typed : T{};
    }
    template <typename T>
    T boxed(const std::string& fields) {
        return *body<Boxed<T>>(fields);
    }
    void expect_refused(const std::string& fields, const std::string& field, const std::string& words) {
        auto made = draft(fields);
        ASSERT_FALSE(made.ok()) << fields;
        EXPECT_EQ(made.error().field, field) << fields << ": " << made.error().message;
        EXPECT_THAT(made.error().message, HasSubstr(words)) << fields;
    }
    // In the engine's own words.
    void expect_excluded(const std::string& fields, const std::string& field) {
        expect_refused(fields, field, exchange::describe(exchange::Reason::bad_order_terms));
    }

    std::string body_;
    OrderList list_;
    std::optional<WallTime> now_ = WallTime{1'000'000};
    MarketTable markets_{std::make_shared<const exchange::NetworkRules>(testing::two_markets())};
};

const std::string limit = "'market':'BTC-USD','side':'buy','price':'60000','quantity':'0.5'";
const std::string limit_sell = "'market':'BTC-USD','side':'sell','price':'60000','quantity':'0.5'";
const std::string buy = "'market':'BTC-USD','side':'buy'";
const std::string sell = "'market':'BTC-USD','side':'sell'";

TEST_F(OrderDraftsTest, AnOrderWithATimeToExpire) {
    const auto order =
        boxed<SpecialOrder>(limit + ",'time_in_force':'gtd','expires_at':'2026-11-20T12:00:00Z'");
    EXPECT_EQ(order.expires_at, WallTime{1'795'176'000'000});
    EXPECT_EQ(order.order.time_in_force, TimeInForce::gtc);
    EXPECT_EQ(order.order.price, Price(6'000'000));
    EXPECT_EQ(boxed<SpecialOrder>(limit + ",'expires_at':1795176000000").expires_at,
              WallTime{1'795'176'000'000});
    EXPECT_EQ(boxed<SpecialOrder>(limit + ",'expires_at':'60s'").expires_at, WallTime{1'060'000});
    expect_refused(limit + ",'time_in_force':'gtd'", "expires_at", "missing");
    expect_refused(limit + ",'expires_at':'tomorrow'", "expires_at", "\"tomorrow\"");
    expect_refused(limit + ",'expires_at':'2026-13-01T00:00:00Z'", "expires_at", "must be a time");
    expect_excluded(limit + ",'time_in_force':'ioc','expires_at':'60s'", "expires_at");
    expect_excluded(limit + ",'time_in_force':'gtc','expires_at':'60s'", "expires_at");
    now_.reset();
    expect_refused(limit + ",'expires_at':'60s'", "expires_at", "not understood here");
}

TEST_F(OrderDraftsTest, AnIcebergShowsAPart) {
    const auto order = boxed<SpecialOrder>(limit + ",'display':'0.1','post_only':true");
    EXPECT_EQ(order.display, Quantity(1'000));
    EXPECT_TRUE(order.order.post_only);
    expect_refused(limit + ",'display':'0.6'", "display", "not be above the quantity");
    expect_refused(limit + ",'display':'0.00001'", "display", "lot");
    expect_excluded(limit + ",'display':'0.1','time_in_force':'fok'", "display");
    expect_excluded(limit + ",'post_only':true,'time_in_force':'ioc'", "post_only");
}

TEST_F(OrderDraftsTest, PlainOrdersStayPlain) {
    EXPECT_EQ(body<exchange::LimitOrder>(limit + ",'self_trade':'decrement'").self_trade,
              SelfTradePrevention::decrement);
    for (const auto& [name, mode] : {std::pair{"cancel_newest", SelfTradePrevention::cancel_newest},
                                     std::pair{"cancel_oldest", SelfTradePrevention::cancel_oldest},
                                     std::pair{"cancel_both", SelfTradePrevention::cancel_both}})
        EXPECT_EQ(body<exchange::LimitOrder>(limit + ",'self_trade':'" + name + "'").self_trade, mode);
    expect_refused(limit + ",'self_trade':'yes'", "self_trade", "decrement");
}

TEST_F(OrderDraftsTest, MarketOrdersByQuantityOrBudget) {
    const Draft by_budget = accepted("'op':'market'," + buy + ",'budget':'1000.5'");
    EXPECT_TRUE(by_budget.needs_protection);
    const auto& order = std::get<exchange::BudgetOrder>(by_budget.intent.body);
    EXPECT_TRUE(order.budget == 1'000'500'000);
    const auto with_price =
        body<exchange::BudgetOrder>("'op':'market'," + buy + ",'budget':'1','protection':'61000'");
    EXPECT_EQ(with_price.protection, Price(6'100'000));
    expect_refused("'op':'market'," + buy, "quantity", "or a budget");
    expect_excluded("'op':'market'," + buy + ",'budget':'1','quantity':'1'", "budget");
    expect_excluded("'op':'market'," + sell + ",'budget':'1'", "budget");
    expect_excluded("'op':'market'," + buy + ",'budget':'1','self_trade':'decrement'", "self_trade");
    expect_refused("'op':'market'," + buy + ",'budget':'0'", "budget", "above zero");
    expect_refused("'op':'market'," + buy + ",'quantity':'1','price':'1'", "price", "does not belong");
}

TEST_F(OrderDraftsTest, StopsWaitForWorseAndTakeProfitsForBetter) {
    const auto when = [this](const std::string& op, const std::string& side) {
        return boxed<SpecialOrder>("'op':'" + op + "'," + side + ",'quantity':'1','trigger':'50000'")
            .trigger->when;
    };
    EXPECT_EQ(when("stop", buy), TriggerWhen::at_or_above);
    EXPECT_EQ(when("stop", sell), TriggerWhen::at_or_below);
    EXPECT_EQ(when("take_profit", buy), TriggerWhen::at_or_below);
    EXPECT_EQ(when("take_profit", sell), TriggerWhen::at_or_above);
}

TEST_F(OrderDraftsTest, AStopIsProtectedFromItsTrigger) {
    const Draft made = accepted("'op':'stop'," + sell + ",'quantity':'1','trigger':'50000'");
    EXPECT_FALSE(made.needs_protection);
    const auto& order = *std::get<Boxed<SpecialOrder>>(made.intent.body);
    EXPECT_EQ(order.order.price, Price(4'750'000));
    EXPECT_EQ(order.order.time_in_force, TimeInForce::ioc);
    EXPECT_EQ(order.trigger->price, Price(5'000'000));
    const auto chosen =
        boxed<SpecialOrder>("'op':'stop'," + buy + ",'budget':'1000','trigger':'61000','protection':'62000'");
    EXPECT_EQ(chosen.order.price, Price(6'200'000));
    EXPECT_EQ(chosen.order.quantity, Quantity(0));
    EXPECT_TRUE(chosen.budget == 1'000'000'000);
    expect_refused("'op':'stop'," + sell + ",'quantity':'1'", "trigger", "missing");
    expect_refused("'op':'stop'," + sell + ",'quantity':'1','trigger':'0'", "trigger", "zero");
    expect_excluded("'op':'take_profit'," + sell + ",'budget':'1','trigger':'50000'", "budget");
}

TEST_F(OrderDraftsTest, LimitsThatWaitKeepTheirTerms) {
    const auto order = boxed<SpecialOrder>("'op':'stop_limit'," + limit_sell +
                                           ",'trigger':'61000','display':'0.1','expires_at':'1h'");
    EXPECT_EQ(order.order.price, Price(6'000'000));
    EXPECT_EQ(order.order.time_in_force, TimeInForce::gtc);
    EXPECT_EQ(order.trigger->when, TriggerWhen::at_or_below);
    EXPECT_EQ(order.display, Quantity(1'000));
    EXPECT_TRUE(order.expires_at);
    const auto take = boxed<SpecialOrder>("'op':'take_profit_limit'," + limit_sell + ",'trigger':'61000'");
    EXPECT_EQ(take.trigger->when, TriggerWhen::at_or_above);
    expect_refused("'op':'stop_limit'," + limit, "trigger", "missing");
    expect_refused(limit + ",'trigger':'1'", "trigger", "does not belong to op \"limit\"");
}

TEST_F(OrderDraftsTest, ReplaceNamesTheOldAndDescribesTheNew) {
    const std::string terms = "'market':'BTC-USD','price':'60100','quantity':'0.4'";
    const auto order = boxed<exchange::ReplaceOrder>("'op':'replace','target_nonce':7," + terms +
                                                     ",'post_only':true,'trigger':'59000'");
    EXPECT_EQ(order.target, (exchange::CommandRef{7, 0}));
    EXPECT_EQ(order.price, Price(6'010'000));
    EXPECT_EQ(order.quantity, Quantity(4'000));
    EXPECT_TRUE(order.post_only);
    EXPECT_EQ(order.trigger, Price(5'900'000));
    const Draft by_id = accepted("'op':'replace','order_id':'" + std::string(32, 'a') + "'," + terms);
    EXPECT_EQ(by_id.intent.target_order, testing::order_id(0xaa));
    expect_refused("'op':'replace'," + terms, "order_id", "missing");
    expect_refused("'op':'replace','target_nonce':7,'price':'1','quantity':'1'", "market", "missing");
    expect_refused("'op':'replace','target_nonce':7,'market':'BTC-USD','price':'1'", "quantity", "missing");
}

TEST_F(OrderDraftsTest, CancelAllOfAnAccountAMarketOrASide) {
    const auto all = body<exchange::CancelAll>("'op':'cancel_all'");
    EXPECT_FALSE(all.market);
    EXPECT_FALSE(all.side);
    const auto some = body<exchange::CancelAll>("'op':'cancel_all','market':'ETH-USD','side':'sell'");
    EXPECT_EQ(some.market, testing::eth_usd);
    EXPECT_EQ(some.side, exchange::Side::sell);
    expect_refused("'op':'cancel_all','market':'X'", "market", "no market");
    expect_refused("'op':'cancel_all','side':'both'", "side", "\"both\"");
}

TEST_F(OrderDraftsTest, TheDeadManSwitchTakesASpanOrOff) {
    EXPECT_EQ(body<exchange::CancelAfter>("'op':'cancel_after','timeout':'60s'").timeout,
              Duration::seconds(60));
    EXPECT_EQ(body<exchange::CancelAfter>("'op':'cancel_after','timeout':1500").timeout,
              Duration::milliseconds(1'500));
    EXPECT_FALSE(body<exchange::CancelAfter>("'op':'cancel_after','timeout':'off'").timeout);
    expect_refused("'op':'cancel_after'", "timeout", "missing");
    expect_refused("'op':'cancel_after','timeout':0", "timeout", "from 1ms to 86400s");
    expect_refused("'op':'cancel_after','timeout':'25h'", "timeout", "from 1ms to 86400s");
    expect_refused("'op':'cancel_after','timeout':'soon'", "timeout", "must be a span");
    expect_refused("'op':'cancel_after','timeout':'-1s'", "timeout", "must be a span");
}

TEST_F(OrderDraftsTest, MassQuotes) {
    const std::string head = "'op':'mass_quote','market':'BTC-USD'";
    const auto quotes =
        body<exchange::MassQuote>(head +
                                  ",'quotes':[{'side':'buy','price':'59000','quantity':'0.5'},"
                                  "{'quantity':1,'price':61000,'side':'sell'}]");
    ASSERT_EQ(quotes.quotes.size(), 2u);
    EXPECT_EQ(quotes.quotes[0], (exchange::Quote{exchange::Side::buy, Price(5'900'000), Quantity(5'000)}));
    EXPECT_EQ(quotes.quotes[1], (exchange::Quote{exchange::Side::sell, Price(6'100'000), Quantity(10'000)}));
    EXPECT_TRUE(body<exchange::MassQuote>(head + ",'quotes':[]").quotes.empty());
    expect_refused(head, "quotes", "must be a list");
    expect_refused(head + ",'quotes':7", "quotes", "must be a list");
    expect_refused(head + ",'quotes':[{'side':'buy','price':'1'}]", "quotes[0].quantity", "missing");
    expect_refused(head + ",'quotes':[{'side':'up','price':'1','quantity':'1'}]", "quotes[0].side", "\"up\"");
    expect_refused(limit + ",'quotes':[]", "quotes", "does not belong");
    std::string many = "{'side':'buy','price':'1','quantity':'1'}";
    std::string list = many;
    for (std::size_t i = 0; i < exchange::signed_batch_commands_max; ++i)
        list += "," + many;
    expect_refused(head + ",'quotes':[" + list + "]", "quotes", "has 1001 quotes; at most 1000");
}

TEST_F(OrderDraftsTest, IssuersIssueRedeemAndSettle) {
    const auto issue = boxed<exchange::Issue>("'op':'issue','to':'bob','asset':'USD','amount':'5'");
    EXPECT_EQ(issue.to, exchange::hosted_account_id(testing::node_key(), "bob"));
    EXPECT_TRUE(issue.amount == 5'000'000);
    EXPECT_TRUE(body<exchange::Redeem>("'op':'redeem','asset':'USD','amount':'5'").amount == 5'000'000);
    const auto settle = boxed<exchange::SettleWithdrawal>(
        "'op':'settle','from':'bob','target_nonce':'7','target_index':2,'paid':true");
    EXPECT_EQ(settle.account, exchange::hosted_account_id(testing::node_key(), "bob"));
    EXPECT_EQ(settle.request, (exchange::CommandRef{7, 2}));
    EXPECT_TRUE(settle.is_paid);
    EXPECT_FALSE(boxed<exchange::SettleWithdrawal>("'op':'settle','from':'bob','target_nonce':7,'paid':false")
                     .is_paid);
    expect_refused("'op':'settle','from':'bob','target_nonce':7", "paid", "true or false");
    expect_refused("'op':'settle','from':'bob','paid':true", "target_nonce", "missing");
    expect_refused("'op':'settle','from':'Bob!','target_nonce':7,'paid':true", "from", "account name");
    expect_refused("'op':'redeem','asset':'EUR','amount':'5'", "asset", "\"EUR\"");
    expect_refused("'op':'issue','asset':'USD','amount':'5'", "to", "missing");
}

TEST_F(OrderDraftsTest, WithdrawalsSayWhereTo) {
    const auto request = boxed<exchange::RequestWithdrawal>(
        "'op':'withdraw','asset':'USD','amount':'2.5','destination':'bank account 12-345'");
    EXPECT_EQ(request.destination, "bank account 12-345");
    EXPECT_TRUE(request.amount == 2'500'000);
    const std::string head = "'op':'withdraw','asset':'USD','amount':'2.5'";
    expect_refused(head, "destination", "missing");
    expect_refused(head + ",'destination':''", "destination", "from 1 to 256 bytes");
    expect_refused(head + ",'destination':'" + std::string(257, 'x') + "'", "destination", "not 257");
}

TEST_F(OrderDraftsTest, AdministratorsOpenMarkets) {
    const auto word = boxed<exchange::Administer>(
        "'op':'create_market','market':'ETH-BTC','tick':'0.00001','lot':'0.001','quantity_min':'0.01',"
        "'notional_min':'0.001','price_max':'1','quantity_max':'1000','maker_fee_ppm':10,'taker_fee_ppm':'20'"
        ","
        "'band_ppm':100000,'matching':'batch','auction':'30s','reference':9");
    EXPECT_EQ(word.reference, 9u);
    const auto& create = std::get<exchange::CreateMarket>(word.action);
    EXPECT_EQ(create.base, exchange::AssetId(1));
    EXPECT_EQ(create.quote, exchange::AssetId(0));
    EXPECT_EQ(create.spec.symbol, "ETH-BTC");
    EXPECT_EQ(create.spec.quantity_min, "0.01");
    EXPECT_EQ(create.spec.notional_min, "0.001");
    EXPECT_EQ(create.spec.taker_fee_ppm, 20u);
    EXPECT_EQ(create.spec.matching, exchange::MatchingMode::batch);
    EXPECT_EQ(create.spec.auction, Duration::seconds(30));
}

TEST_F(OrderDraftsTest, MarketsThatCannotBeAreRefusedWithTheReason) {
    const std::string head = "'op':'create_market','tick':'0.01','lot':'0.01'";
    expect_refused(head + ",'market':'eth usd'", "market", "A-Z, 0-9");
    expect_refused(head + ",'market':'ETHUSD'", "base", "does not say it");
    expect_refused(head + ",'market':'ETH-EUR'", "quote", "does not say it");
    EXPECT_EQ(std::get<exchange::CreateMarket>(
                  boxed<exchange::Administer>(head + ",'market':'X','base':'BTC','quote':'USD'").action)
                  .base,
              exchange::AssetId(0));
    expect_refused(head + ",'market':'X','base':'BTC','quote':'BTC'", "quote", "another asset");
    expect_refused("'op':'create_market','market':'ETH-USD','lot':'1'", "tick", "missing");
    // A tick times a lot is less than a base unit of the quote asset.
    expect_refused("'op':'create_market','market':'ETH-USD','tick':'0.0001','lot':'0.0001'", "market", "");
    expect_refused(head + ",'market':'ETH-USD','matching':'fast'", "matching", "\"fast\"");
    expect_refused(head + ",'market':'ETH-USD','band_ppm':1000000", "band_ppm", "at most 999999");
    expect_refused(head + ",'market':'ETH-USD','taker_fee_ppm':100001", "taker_fee_ppm", "at most 100000");
    expect_refused(head + ",'market':'ETH-USD','auction':'25h'", "auction", "86400s");
}

TEST_F(OrderDraftsTest, AdministratorsHaltAndResume) {
    const auto halt = boxed<exchange::Administer>("'op':'halt','market':'ETH-USD'");
    EXPECT_EQ(halt.action, exchange::AdminAction(exchange::HaltMarket{testing::eth_usd}));
    EXPECT_EQ(halt.reference, 0u);
    const auto resume = boxed<exchange::Administer>("'op':'resume','market':'ETH-USD','reference':'5'");
    EXPECT_EQ(resume.action, exchange::AdminAction(exchange::ResumeMarket{testing::eth_usd}));
    EXPECT_EQ(resume.reference, 5u);
    expect_refused("'op':'halt'", "market", "missing");
    expect_refused("'op':'halt','market':'ETH-USD','reference':-1", "reference", "whole number");
}

TEST_F(OrderDraftsTest, UnknownOpsComeWithTheList) {
    expect_refused("'op':'stop-limit'", "op", "did you mean \"stop_limit\"");
    expect_refused("'op':'everything-else'", "op", "mass_quote");
}

}  // namespace
}  // namespace peerbook::app
