#include "app/cli/node_requests.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace peerbook::app::cli {
namespace {

OrderArguments buy(std::vector<std::string> terms) {
    OrderArguments order;
    order.side = "buy";
    order.market = "BTC-USD";
    order.terms = std::move(terms);
    return order;
}

TEST(OrderRequest, WritesALimitOrder) {
    const auto request = order_request(buy({"0.5", "@", "60000"}), {});
    ASSERT_TRUE(request.ok()) << request.error().message;
    EXPECT_EQ(request->method, "POST");
    EXPECT_EQ(request->target, "/api/v1/orders");
    EXPECT_EQ(
        request->body,
        R"({"op":"limit","account":"me","market":"BTC-USD","side":"buy","quantity":"0.5","price":"60000"})");
}

TEST(OrderRequest, TakesQuantityAndPriceInAllTheWaysPeopleWriteThem) {
    const std::string body = order_request(buy({"0.5", "@", "60000"}), {})->body;
    for (const auto& terms : std::vector<std::vector<std::string>>{
             {"0.5", "60000"}, {"0.5@60000"}, {"0.5@", "60000"}, {"0.5", "@60000"}}) {
        const auto request = order_request(buy(terms), {});
        ASSERT_TRUE(request.ok()) << terms[0];
        EXPECT_EQ(request->body, body) << terms[0];
    }
}

TEST(OrderRequest, CarriesEveryOption) {
    OrderArguments order = buy({"1", "2"});
    order.side = "sell";
    order.time_in_force = "fok";
    order.post_only = true;
    const auto request = order_request(order, {"alice", "7", "settled"});
    ASSERT_TRUE(request.ok());
    EXPECT_EQ(request->target, "/api/v1/orders?wait=settled");
    EXPECT_EQ(
        request->body,
        R"({"op":"limit","account":"alice","nonce":"7","market":"BTC-USD","side":"sell","quantity":"1",)"
        R"("price":"2","time_in_force":"fok","post_only":true})");
}

TEST(OrderRequest, WritesAMarketOrder) {
    OrderArguments order = buy({"0.5"});
    order.market_order = true;
    EXPECT_EQ(order_request(order, {})->body,
              R"({"op":"market","account":"me","market":"BTC-USD","side":"buy","quantity":"0.5"})");
    order.protection = "61000";
    EXPECT_EQ(
        order_request(order, {})->body,
        R"({"op":"market","account":"me","market":"BTC-USD","side":"buy","quantity":"0.5","protection":"61000"})");
}

TEST(OrderRequest, RefusesWhatIsNoOrderWithAnExample) {
    std::vector<OrderArguments> mistakes = {
        buy({}),          buy({"@"}),     buy({"1"}),           buy({"@", "1", "2"}), buy({"1", "2", "3"}),
        buy({"1", "2@"}), buy({"1@2@3"}), buy({"1", "@", "@2"})};
    OrderArguments priced_market = buy({"1", "2"});
    priced_market.market_order = true;
    mistakes.push_back(priced_market);
    OrderArguments post_only_market = buy({"1"});
    post_only_market.market_order = post_only_market.post_only = true;
    mistakes.push_back(post_only_market);
    OrderArguments protected_limit = buy({"1", "2"});
    protected_limit.protection = "3";
    mistakes.push_back(protected_limit);
    for (const OrderArguments& order : mistakes) {
        const auto request = order_request(order, {});
        ASSERT_FALSE(request.ok()) << ::testing::PrintToString(order.terms);
        EXPECT_EQ(request.error().code, ErrorCode::invalid_input);
        EXPECT_NE(request.error().message.find("peerbook order buy BTC-USD 0.5 @ 60000"), std::string::npos);
    }
}

TEST(OrderRequest, WritesEveryTermByItsNameInRest) {
    OrderArguments order = buy({"0.5@60000"});
    order.time_in_force = "gtd";
    order.expires_at = "60s";
    order.display = "0.1";
    order.self_trade = "cancel_both";
    order.stop = "61000";
    EXPECT_EQ(order_request(order, {})->body,
              R"({"op":"stop_limit","account":"me","market":"BTC-USD","side":"buy","quantity":"0.5",)"
              R"("price":"60000","time_in_force":"gtd","expires_at":"60s","display":"0.1",)"
              R"("self_trade":"cancel_both","trigger":"61000"})");
    order.stop.clear();
    order.take_profit = "59000";
    EXPECT_NE(order_request(order, {})->body.find(R"("op":"take_profit_limit")"), std::string::npos);
}

TEST(OrderRequest, MarketOrdersMayWaitAndMayHaveABudget) {
    OrderArguments order = buy({});
    order.budget = "1000";
    EXPECT_EQ(order_request(order, {})->body,
              R"({"op":"market","account":"me","market":"BTC-USD","side":"buy","budget":"1000"})");
    order.take_profit = "59000";
    EXPECT_EQ(
        order_request(order, {})->body,
        R"({"op":"take_profit","account":"me","market":"BTC-USD","side":"buy","budget":"1000","trigger":"59000"})");
    order = buy({"0.5"});
    order.market_order = true;
    order.stop = "61000";
    EXPECT_EQ(
        order_request(order, {})->body,
        R"({"op":"stop","account":"me","market":"BTC-USD","side":"buy","quantity":"0.5","trigger":"61000"})");
}

TEST(OrderRequest, RefusesTermsThatDoNotGoTogether) {
    OrderArguments twice = buy({"1", "2"});
    twice.stop = twice.take_profit = "3";
    OrderArguments both = buy({"1"});
    both.budget = "5";
    OrderArguments dated = buy({"1"});
    dated.market_order = true;
    dated.expires_at = "60s";
    OrderArguments shown = buy({"1"});
    shown.market_order = true;
    shown.display = "1";
    OrderArguments signed_quantity = buy({"1", "@"});
    signed_quantity.market_order = true;
    for (const OrderArguments& order : {twice, both, dated, shown, signed_quantity}) {
        const auto request = order_request(order, {});
        ASSERT_FALSE(request.ok());
        EXPECT_NE(request.error().message.find("Example: peerbook order buy"), std::string::npos);
    }
}

TEST(CommandRequest, WritesChangesOfOrders) {
    EXPECT_EQ(cancel_request("7/2", {}).body,
              R"({"op":"cancel","account":"me","target_nonce":"7","target_index":"2"})");
    EXPECT_EQ(replace_request({"BTC-USD", "ab", {"0.4", "@", "60100"}, true, "decrement", "59000"}, {})->body,
              R"({"op":"replace","account":"me","market":"BTC-USD","order_id":"ab","quantity":"0.4",)"
              R"("price":"60100","self_trade":"decrement","trigger":"59000","post_only":true})");
    EXPECT_FALSE(replace_request({"BTC-USD", "ab", {"0.4"}, false, "", ""}, {}).ok());
    EXPECT_EQ(cancel_all_request({"BTC-USD", "sell"}, {}).body,
              R"({"op":"cancel_all","account":"me","market":"BTC-USD","side":"sell"})");
    EXPECT_EQ(cancel_all_request({}, {}).body, R"({"op":"cancel_all","account":"me"})");
    EXPECT_EQ(cancel_after_request("60s", {}).body,
              R"({"op":"cancel_after","account":"me","timeout":"60s"})");
    EXPECT_EQ(mass_quote_request({"A-B", {"buy", "1", "@", "2", "sell", "3@4"}}, {})->body,
              R"({"op":"mass_quote","account":"me","market":"A-B","quotes":[)"
              R"({"side":"buy","quantity":"1","price":"2"},{"side":"sell","quantity":"3","price":"4"}]})");
    EXPECT_EQ(mass_quote_request({"A-B", {}}, {})->body,
              R"({"op":"mass_quote","account":"me","market":"A-B","quotes":[]})");
    EXPECT_FALSE(mass_quote_request({"A-B", {"buy", "1"}}, {}).ok());
}

TEST(CommandRequest, WritesWhatIssuersAndAdministratorsDo) {
    EXPECT_EQ(issue_request("bob", {"USD", "5"}, {}).body,
              R"({"op":"issue","account":"me","to":"bob","asset":"USD","amount":"5"})");
    EXPECT_EQ(redeem_request({"USD", "5"}, {}).body,
              R"({"op":"redeem","account":"me","asset":"USD","amount":"5"})");
    EXPECT_EQ(withdraw_request("bank 12", {"USD", "5"}, {}).body,
              R"({"op":"withdraw","account":"me","asset":"USD","amount":"5","destination":"bank 12"})");
    EXPECT_EQ(settle_request({"alice", "7", true, false}, {})->body,
              R"({"op":"settle","account":"me","from":"alice","target_nonce":"7","paid":true})");
    EXPECT_FALSE(settle_request({"alice", "seven", true, false}, {}).ok());
    EXPECT_FALSE(settle_request({"alice", "7", true, true}, {}).ok());
    EXPECT_FALSE(settle_request({"alice", "7", false, false}, {}).ok());
    EXPECT_NE(settle_request({"alice", "7", false, true}, {})->body.find(R"("paid":false)"),
              std::string::npos);
    EXPECT_EQ(withdrawals_request("alice", "USD").target, "/api/v1/withdrawals?account=alice&asset=USD");
    EXPECT_EQ(create_market_request("ETH-USD", {{"tick", "0.01"}, {"lot", "1"}, {"base", ""}}, {}).body,
              R"({"op":"create_market","account":"me","market":"ETH-USD","tick":"0.01","lot":"1"})");
    EXPECT_EQ(phase_request("halt", "ETH-USD", "4", {}).body,
              R"({"op":"halt","account":"me","market":"ETH-USD","reference":"4"})");
    EXPECT_EQ(phase_request("resume", "ETH-USD", "", {}).body,
              R"({"op":"resume","account":"me","market":"ETH-USD"})");
}

TEST(OrderRequest, EscapesWhatPeopleWrite) {
    OrderArguments order = buy({"1", "2"});
    order.market = "a\"b\n";
    EXPECT_NE(order_request(order, {})->body.find(R"("market":"a\"b\n")"), std::string::npos);
    EXPECT_EQ(book_request("A/B?", "5", false).target, "/api/v1/book/A%2FB%3F?depth=5&level=2");
    EXPECT_EQ(order_show_request("../x").target, "/api/v1/orders/..%2Fx");
}

TEST(CommandRequest, WritesTheOtherCommands) {
    EXPECT_EQ(cancel_request("ab", {}).body, R"({"op":"cancel","account":"me","order_id":"ab"})");
    EXPECT_EQ(reduce_request({"BTC-USD", "ab", "0.1"}, {}).body,
              R"({"op":"reduce","account":"me","market":"BTC-USD","order_id":"ab","by":"0.1"})");
    EXPECT_EQ(faucet_request({"USD", "5"}, {"bob", "", ""}).body,
              R"({"op":"faucet","account":"bob","asset":"USD","amount":"5"})");
    EXPECT_EQ(transfer_request("bob", {"USD", "5"}, {}).body,
              R"({"op":"transfer","account":"me","to":"bob","asset":"USD","amount":"5"})");
    EXPECT_EQ(cancel_request("ab", {"me", "", "settled"}).target, "/api/v1/orders?wait=settled");
}

TEST(ReadingRequest, NamesOnlyWhatWasAskedFor) {
    EXPECT_EQ(trades_request({})->target, "/api/v1/trades");
    EXPECT_EQ(trades_request({"BTC-USD", "alice", "9", "5"})->target,
              "/api/v1/trades?market=BTC-USD&account=alice&after=9&limit=5");
    EXPECT_FALSE(trades_request({"", "", "9", ""}).ok());
    EXPECT_EQ(book_request("BTC-USD", "10", true).target, "/api/v1/book/BTC-USD?depth=10&level=3");
    EXPECT_EQ(orders_request("me", "").target, "/api/v1/orders?account=me");
    EXPECT_EQ(balances_request("me").target, "/api/v1/accounts/me");
}

TEST(LedgerRequest, NamesWhatIsAdoptedOrForked) {
    const std::string id(64, 'a'), other(64, 'b');
    EXPECT_EQ(adopt_request(id)->target, "/api/v1/ledgers/adopt");
    EXPECT_EQ(adopt_request(id)->body, R"({"ledger":")" + id + R"("})");
    EXPECT_EQ(fork_request({}, "")->body, R"({"members":[]})");
    EXPECT_EQ(fork_request({id, other}, "")->body, R"({"members":[")" + id + R"(",")" + other + R"("]})");
    EXPECT_EQ(fork_request({}, id)->body, R"({"accept":")" + id + R"("})");
    EXPECT_FALSE(fork_request({other}, id).ok());
    EXPECT_EQ(trades_request({"M", "", "", "", "ab"})->target, "/api/v1/trades?market=M&ledger=ab");
}

TEST(LedgerRequest, IsNotMadeOfWhatIsNoId) {
    const std::string id(64, 'a');
    for (const std::string& bad : {std::string(), std::string("ab"), id + "a", std::string(64, 'g')})
        EXPECT_EQ(adopt_request(bad).error().code, ErrorCode::invalid_input) << bad;
    EXPECT_EQ(fork_request({id, "c\""}, "").error().message,
              R"("c"" is no node's id, which has 64 hexadecimal digits)");
    EXPECT_EQ(fork_request({}, "ab").error().message,
              R"("ab" is no ledger's id, which has 64 hexadecimal digits)");
}

}  // namespace
}  // namespace peerbook::app::cli
