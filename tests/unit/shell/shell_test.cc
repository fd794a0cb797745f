#include "app/shell/shell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/api/fake_node.h"

namespace peerbook::app {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ShellTest : public ::testing::Test {
  protected:
    void open(bool json, p2p::PeerNetwork* network) {
        ShellOptions options;
        options.json = json;
        options.node = testing::node_key();
        options.network = network;
        shell_ = std::make_unique<Shell>(node_, options,
                                         [this](const std::string& text) { said_.push_back(text); });
    }
    ShellTest() { open(false, &peers_); }

    // The one answer to a line that is answered at once.
    std::string say(const std::string& line) {
        said_.clear();
        shell_->run(line);
        EXPECT_EQ(said_.size(), 1u) << line;
        return said_.empty() ? "" : said_.front();
    }

    testing::FakeNode node_;
    testing::FakePeers peers_;
    std::vector<std::string> said_;
    std::unique_ptr<Shell> shell_;
};

TEST_F(ShellTest, AnOrderIsSubmittedForTheCurrentAccount) {
    node_.will_answer(testing::partial_fill());
    const std::string answer = say("buy BTC-USD 0.5 @ 60000");
    EXPECT_THAT(answer, StartsWith("partially_filled  id aaaa"));
    EXPECT_THAT(answer, HasSubstr("filled 0.2  leaves 0.3  (provisional)"));
    EXPECT_THAT(answer, HasSubstr("0.2 at 60000, fee 1.5 USD"));
    EXPECT_EQ(node_.submitted.at(0).intents.at(0).account, "me");
    EXPECT_EQ(say("as alice"), "now speaking for alice");
    EXPECT_EQ(shell_->account(), "alice");
    say("sell BTC-USD 0.5 @ 60000");
    EXPECT_EQ(node_.submitted.at(1).intents.at(0).account, "alice");
}

TEST_F(ShellTest, JsonAnswersAreThoseOfRest) {
    open(true, &peers_);
    node_.will_answer(testing::partial_fill());
    const std::string answer = say(R"({"market":"BTC-USD","side":"buy","price":"60000","quantity":"0.5"})");
    EXPECT_THAT(answer, StartsWith(R"({"order_id":"aaaa)"));
    EXPECT_THAT(answer, HasSubstr(R"("status":"partially_filled")"));
    EXPECT_EQ(answer.find('\n'), std::string::npos);
    EXPECT_EQ(say("as bob"), R"({"account":"bob"})");
    EXPECT_THAT(say("peers"), StartsWith(R"({"enabled":true)"));
    node_.will_tell(MarketsAnswer{{{}, {}}});
    EXPECT_THAT(say("markets"), StartsWith(R"({"markets":[{"market":"BTC-USD")"));
    EXPECT_THAT(say("help"), StartsWith(R"({"help":)"));
}

TEST_F(ShellTest, ARejectionIsSaidInASentence) {
    node_.will_answer(testing::rejection(exchange::Reason::insufficient_balance));
    EXPECT_EQ(say("buy BTC-USD 0.5 @ 60000"),
              std::string("rejected: ") + exchange::describe(exchange::Reason::insufficient_balance));
}

TEST_F(ShellTest, MistakesNameTheColumnAndAnExample) {
    const std::string form = say("buy BTC-USD 0.5 60000");
    EXPECT_THAT(form, StartsWith("error: column 17: "));
    EXPECT_THAT(form, HasSubstr("\n  example: buy BTC-USD 0.5 @ 60000"));
    EXPECT_THAT(say("buy BTC-EUR 0.5 @ 60000"), StartsWith("error: column 5: market: no market \"BTC-EUR\""));
    EXPECT_THAT(say("buy BTC-USD 0.5 @ 60000.001"), StartsWith("error: column 19: price: "));
    EXPECT_TRUE(node_.submitted.empty());
}

TEST_F(ShellTest, MistakesInJson) {
    open(true, &peers_);
    EXPECT_THAT(say("buy BTC-USD 0.5 60000"), StartsWith(R"({"code":"invalid_input","message":)"));
    EXPECT_THAT(say("buy BTC-USD 0.5 60000"),
                HasSubstr(R"(,"column":"17","example":"buy BTC-USD 0.5 @ 60000"})"));
    const std::string price = say(R"({"market":"BTC-USD","side":"buy","price":"6e4","quantity":"0.5"})");
    EXPECT_THAT(price, HasSubstr(R"("field":"price")"));
    EXPECT_THAT(price, HasSubstr(R"("column":)"));
    EXPECT_EQ(price.back(), '}');
}

TEST_F(ShellTest, ReduceAsksForTheOrdersMarket) {
    OrderAnswer order;
    order.order.market = testing::eth_usd;
    node_.will_tell(order);
    say("reduce " + std::string(32, 'a') + " by 3");
    const auto& body = std::get<exchange::ReduceOrder>(node_.submitted.at(0).intents.at(0).body);
    EXPECT_EQ(body.by, exchange::Quantity(3));
    node_.will_not_tell({ErrorCode::not_found, "no such order"});
    EXPECT_EQ(say("reduce " + std::string(32, 'b') + " by 3"), "error: no such order");
    EXPECT_THAT(say("reduce xyz by 3"), StartsWith("error: column 8: order_id"));
}

TEST_F(ShellTest, MarketOrdersNeedALastPrice) {
    node_.will_tell(BookAnswer{});
    EXPECT_THAT(say("market buy BTC-USD 0.1"), HasSubstr("give a protection price"));
    BookAnswer book;
    book.last = exchange::Price(6'000'000);
    node_.will_tell(book);
    say("market buy BTC-USD 0.1");
    EXPECT_EQ(node_.submitted.size(), 1u);
}

TEST_F(ShellTest, TheBookIsDrawn) {
    BookAnswer book;
    book.bids = {{exchange::Price(5'999'900), exchange::Quantity(5'000), 2}};
    book.asks = {{exchange::Price(6'000'100), exchange::Quantity(2'500), 1}};
    node_.will_tell(book);
    const std::string answer = say("book btc-usd 5");
    EXPECT_THAT(answer, HasSubstr("59999"));
    EXPECT_THAT(answer, HasSubstr("60001"));
    EXPECT_EQ(std::get<BookQuery>(node_.asked.back()).depth, 5u);
    EXPECT_THAT(say("book NO-SUCH"), HasSubstr("no market \"NO-SUCH\""));
}

TEST_F(ShellTest, OrdersTradesAndBalances) {
    node_.will_tell(OrdersAnswer{});
    EXPECT_EQ(say("orders"), "no open orders");
    EXPECT_EQ(std::get<OrdersQuery>(node_.asked.back()).account, "me");
    OrderView order;
    order.quantity = order.leaves = exchange::Quantity(5'000);
    order.price = exchange::Price(6'000'000);
    node_.will_tell(OrdersAnswer{{order}});
    EXPECT_THAT(say("orders"), HasSubstr("60000"));
    node_.will_tell(TradesAnswer{});
    EXPECT_EQ(say("trades"), "no trades");
    TradeView trade;
    trade.price = exchange::Price(6'000'000);
    trade.quantity = exchange::Quantity(1);
    node_.will_tell(TradesAnswer{{trade}});
    EXPECT_THAT(say("trades BTC-USD"), HasSubstr("provisional"));
    EXPECT_EQ(std::get<TradesQuery>(node_.asked.back()).market, testing::btc_usd);
    EXPECT_THAT(say("trades NO-SUCH"), HasSubstr("no market"));
    AccountView account;
    account.balances = {{exchange::AssetId(2), 1'500'000, 500'000}};
    node_.will_tell(AccountsAnswer{{account}});
    EXPECT_THAT(say("balances"), HasSubstr("1.5"));
    node_.will_tell(AccountsAnswer{});
    EXPECT_THAT(say("balances"), HasSubstr("not been opened"));
}

TEST_F(ShellTest, StatusSaysWhatTheNodeSays) {
    StatusAnswer status;
    status.says = "waits for two members";
    node_.will_tell(status);
    EXPECT_THAT(say("status"), HasSubstr("waits for two members"));
    node_.will_not_tell({ErrorCode::unavailable, "shutting down"});
    EXPECT_EQ(say("status"), "error: shutting down");
}

TEST_F(ShellTest, PeersAndConnect) {
    EXPECT_THAT(say("peers"), HasSubstr("no peers"));
    p2p::PeerInfo peer;
    peer.address = "192.0.2.7:3000";
    peer.state = "connected";
    peers_.known.push_back(peer);
    EXPECT_THAT(say("peers"), HasSubstr("192.0.2.7:3000"));
    EXPECT_THAT(say("connect 192.0.2.8:3000"), HasSubstr("connecting"));
    EXPECT_EQ(peers_.connected_to.at(0), "192.0.2.8:3000");
    peers_.refusal = Error{ErrorCode::unavailable, "the table is full"};
    EXPECT_EQ(say("connect 192.0.2.8:3000"), "error: the table is full");
    open(false, nullptr);
    EXPECT_THAT(say("peers"), HasSubstr("switched off"));
    EXPECT_THAT(say("connect 192.0.2.8:3000"), HasSubstr("switched off"));
}

TEST_F(ShellTest, HelpAndMarkets) {
    EXPECT_THAT(say("help"), HasSubstr("market buy MARKET QUANTITY"));
    MarketsAnswer states;
    states.markets.resize(2);
    states.markets[1].phase = exchange::MarketPhase::auction;
    states.markets[1].auction_ends_at = WallTime{1'700'000'000'000};
    states.markets[1].indicative_price = exchange::Price(200);
    states.markets[1].indicative_quantity = exchange::Quantity(3);
    node_.will_tell(states);
    const std::string markets = say("markets");
    EXPECT_THAT(markets, HasSubstr("BTC-USD  trading  continuous"));
    EXPECT_THAT(markets, HasSubstr("ends 2023-11-14T22:13:20.000Z, now 3 at 200"));
}

TEST_F(ShellTest, ReplaceAsksForTheOrdersMarketToo) {
    OrderAnswer order;
    order.order.market = testing::eth_usd;
    node_.will_tell(order);
    say("replace " + std::string(32, 'a') + " 3 @ 200");
    const auto& body = *std::get<Boxed<exchange::ReplaceOrder>>(node_.submitted.at(0).intents.at(0).body);
    EXPECT_EQ(body.quantity, exchange::Quantity(3));
    EXPECT_EQ(body.price, exchange::Price(200));
}

class HandClock final : public Clock {
  public:
    Now now() const override { return {{}, WallTime{1'000'000}}; }
};

TEST_F(ShellTest, SpansAreCountedFromTheClock) {
    EXPECT_THAT(say("buy BTC-USD 0.5 @ 60000 gtd 60s"), HasSubstr("column 29: expires_at"));
    ShellOptions options;
    options.node = testing::node_key();
    options.clock = std::make_shared<HandClock>();
    shell_ =
        std::make_unique<Shell>(node_, options, [this](const std::string& text) { said_.push_back(text); });
    say("buy BTC-USD 0.5 @ 60000 gtd 60s");
    EXPECT_EQ(std::get<Boxed<exchange::SpecialOrder>>(node_.submitted.at(0).intents.at(0).body)->expires_at,
              WallTime{1'060'000});
}

TEST_F(ShellTest, OpenOrdersShowTheirTerms) {
    OrderView order;
    order.quantity = order.leaves = exchange::Quantity(5'000);
    order.shown = exchange::Quantity(1'000);
    order.display = exchange::Quantity(1'000);
    order.expires_at = WallTime{1'700'000'000'000};
    order.ref = {7, 2};
    node_.will_tell(OrdersAnswer{{order}});
    std::string answer = say("orders");
    EXPECT_THAT(answer, HasSubstr(" 7/2 "));
    EXPECT_THAT(answer, HasSubstr("resting  shows 0.1 of display 0.1  gtd 2023-11-14T22:13:20.000Z"));
    order.trigger = exchange::Trigger{exchange::Price(5'500'000), exchange::TriggerWhen::at_or_below};
    order.side = exchange::Side::sell;
    node_.will_tell(OrdersAnswer{{order}});
    EXPECT_THAT(say("orders"), HasSubstr("waiting  stop_limit 55000"));
    OrderAnswer ended{order};
    ended.state = OrderState::cancelled;
    ended.reason = exchange::Reason::cancel_after;
    node_.will_tell(ended);
    EXPECT_THAT(say("show " + std::string(32, 'a')),
                HasSubstr(exchange::describe(exchange::Reason::cancel_after)));
    EXPECT_THAT(say("show 12"), HasSubstr("32 hexadecimal digits"));
}

TEST_F(ShellTest, WithdrawalsOfTheAccountOrOfAnAsset) {
    WithdrawalsAnswer answer;
    answer.withdrawals.push_back({{}, "alice", {{7, 0}, exchange::AssetId(2), 2'500'000, "bank 12"}});
    node_.will_tell(answer);
    EXPECT_THAT(say("withdrawals"), HasSubstr("alice        7     2.5  USD    bank 12"));
    EXPECT_EQ(std::get<WithdrawalsQuery>(node_.asked.back()).account, "me");
    node_.will_tell(WithdrawalsAnswer{});
    EXPECT_EQ(say("withdrawals usd"), "no withdrawals wait");
    EXPECT_EQ(std::get<WithdrawalsQuery>(node_.asked.back()).asset, exchange::AssetId(2));
    EXPECT_THAT(say("withdrawals EUR"), HasSubstr("no asset \"EUR\""));
}

TEST_F(ShellTest, BlankLinesAreNotAnswered) {
    shell_->run("");
    shell_->run("# note");
    EXPECT_TRUE(said_.empty());
}

TEST_F(ShellTest, AnswersMayComeLaterOrNever) {
    node_.hold();
    shell_->run("orders");
    shell_->run("buy BTC-USD 0.5 @ 60000");
    EXPECT_EQ(shell_->under_way(), 2u);
    EXPECT_TRUE(said_.empty());
    node_.release();
    EXPECT_EQ(shell_->under_way(), 1u);
    EXPECT_EQ(said_.size(), 1u);
    shell_.reset();
    node_.release();
    EXPECT_EQ(said_.size(), 1u);
}

}  // namespace
}  // namespace peerbook::app
