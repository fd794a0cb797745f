#include "app/api/native_api.h"

#include "app/api/batch_codec.h"
#include "app/api/json_read.h"
#include "base/codec.h"
#include "tests/unit/api/native_api_fixture.h"

namespace peerbook::app {
namespace {

using ::testing::HasSubstr;

constexpr const char* limit_order =
    R"({"account":"alice","market":"BTC-USD","side":"buy","price":"60000","quantity":"0.5"})";

TEST_F(NativeApiTest, HealthNeedsNoCookie) {
    expect(call("GET", "/health", "", ""), 200, R"({"status":"ok"})");
    EXPECT_EQ(call("POST", "/health", "", "").status, 405u);
}

TEST_F(NativeApiTest, ReadySaysWhyNot) {
    StatusAnswer status;
    status.ready = true;
    node_.will_tell(status);
    expect(call("GET", "/ready", "", ""), 200, "ready");
    status.ready = false;
    status.says = "waits for two members";
    node_.will_tell(status);
    expect(call("GET", "/ready", "", ""), 503, "waits for two members");
    node_.will_not_tell({ErrorCode::unavailable, "shutting down"});
    EXPECT_EQ(call("GET", "/ready", "", "").status, 503u);
    EXPECT_EQ(call("POST", "/ready", "", "").status, 405u);
}

class HandClock final : public Clock {
  public:
    Now now() const override { return now_; }
    void advance(Duration by) { now_.mono = now_.mono + by; }

  private:
    Now now_;
};

TEST_F(NativeApiTest, ReadinessIsAskedOnceForManyWhoAsk) {
    const auto clock = std::make_shared<HandClock>();
    NativeApi api(node_, Access("secret"), {testing::node_key(), nullptr, clock});
    std::vector<unsigned> answers;
    const auto ask = [&] {
        ApiRequest request;
        request.method = "GET";
        request.path = "/ready";
        api.handle(request, [&answers](ApiResponse response) { answers.push_back(response.status); });
    };
    StatusAnswer status;
    status.ready = true;
    node_.will_tell(status);
    status.ready = false;
    node_.will_tell(status);
    node_.hold();
    ask();
    ask();
    EXPECT_EQ(node_.held(), 1u) << "the second waits for the first one's answer";
    node_.release();
    ask();
    EXPECT_EQ(answers, (std::vector<unsigned>{200, 200, 200}));
    EXPECT_EQ(node_.asked.size(), 1u);
    clock->advance(ready_time_max);
    ask();
    node_.release();
    EXPECT_EQ(answers.back(), 503u);
    EXPECT_EQ(node_.asked.size(), 2u);
}

TEST_F(NativeApiTest, EverythingElseNeedsTheCookie) {
    for (const char* path : {"/api/v1/status", "/api/v1/orders", "/api/v1/nothing"}) {
        expect(call("GET", path, "", ""), 401, R"("code":"unauthorized")");
        EXPECT_EQ(call("GET", path, "", "Bearer wrong").status, 401u);
    }
    EXPECT_EQ(call("GET", "/nothing", "", "").status, 401u);
    EXPECT_TRUE(node_.asked.empty());
}

TEST_F(NativeApiTest, UnknownPathsAreNotFound) {
    for (const char* path : {"/", "/api", "/api/v1", "/api/v2/status", "/api/v1/nothing", "/api/v1/book",
                             "/api/v1/book/a/b", "/api/v1/status/x", "/api/v1/orders/a/b", "/a/b/c/d/e/f/g"})
        EXPECT_EQ(call("GET", path).status, 404u) << path;
}

TEST_F(NativeApiTest, WrongMethodsAreRefusedWithTheRightOnes) {
    for (const char* path : {"/api/v1/status", "/api/v1/network", "/api/v1/markets", "/api/v1/digests",
                             "/api/v1/trades", "/api/v1/accounts", "/api/v1/accounts/alice",
                             "/api/v1/book/BTC-USD", "/api/v1/blocks/1", "/api/v1/orders", "/api/v1/orders/x",
                             "/api/v1/peers", "/api/v1/peers/ban", "/api/v1/batch", "/api/v1/signed"}) {
        const ApiResponse response = call("PATCH", path);
        EXPECT_EQ(response.status, 405u) << path;
        EXPECT_NE(response.allow, nullptr) << path;
    }
}

TEST_F(NativeApiTest, AnOrderIsSubmittedAndItsResultWritten) {
    node_.will_answer(testing::partial_fill());
    const ApiResponse response = call("POST", "/api/v1/orders", limit_order);
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(
        response.body,
        R"({"order_id":")" + std::string(32, 'a') +
            R"(","nonce":"7","status":"partially_filled","reason":"none","message":"","filled":"0.2",)" +
            R"("leaves":"0.3","fills":[{"trade_id":")" + std::string(32, 'b') + R"(","maker_order_id":")" +
            std::string(32, 'c') +
            R"(","price":"60000","quantity":"0.2","fee":"1.5"}],"durable":true,"grade":"provisional",)" +
            R"("block":"17"})");
    ASSERT_EQ(node_.submitted.size(), 1u);
    EXPECT_EQ(node_.submitted[0].wait_for, Grade::provisional);
    EXPECT_EQ(node_.submitted[0].intents.at(0).account, "alice");
}

TEST_F(NativeApiTest, WaitSettledIsPassedOn) {
    call("POST", "/api/v1/orders?wait=settled", limit_order);
    EXPECT_EQ(node_.submitted.at(0).wait_for, Grade::settled);
    call("POST", "/api/v1/orders?wait=attested", limit_order);
    EXPECT_EQ(node_.submitted.at(1).wait_for, Grade::attested);
    expect(call("POST", "/api/v1/orders?wait=soon", limit_order), 400, R"("field":"wait")");
}

TEST_F(NativeApiTest, ARejectedOrderIsUnprocessable) {
    node_.will_answer(testing::rejection(exchange::Reason::insufficient_balance));
    const ApiResponse response = call("POST", "/api/v1/orders", limit_order);
    expect(response, 422, R"("code":"rejected")");
    EXPECT_THAT(response.body, HasSubstr(R"("reason":"insufficient_balance")"));
    EXPECT_THAT(response.body, HasSubstr(R"("status":"rejected")"));
    EXPECT_THAT(response.body, HasSubstr(exchange::describe(exchange::Reason::insufficient_balance)));
}

TEST_F(NativeApiTest, ARejectionInAnArrayFailsNobodyElse) {
    SubmitAnswer answer = testing::partial_fill();
    answer.results.push_back(testing::rejection(exchange::Reason::nonce_used).results[0]);
    node_.will_answer(answer);
    const ApiResponse response =
        call("POST", "/api/v1/orders", "[" + std::string(limit_order) + "," + limit_order + "]");
    expect(response, 200, R"({"results":[{"order_id")");
    EXPECT_THAT(response.body, HasSubstr(R"("reason":"nonce_used")"));
    EXPECT_EQ(node_.submitted.at(0).intents.size(), 2u);
}

TEST_F(NativeApiTest, AnArrayOfOneIsAnsweredAsAnArray) {
    expect(call("POST", "/api/v1/orders", "[" + std::string(limit_order) + "]"), 200, R"({"results":[)");
    node_.will_answer(testing::rejection(exchange::Reason::nonce_used));
    expect(call("POST", "/api/v1/orders", "[" + std::string(limit_order) + "]"), 200, R"("nonce_used")");
}

TEST_F(NativeApiTest, AMistakeInAnArrayNamesTheElementAndSubmitsNothing) {
    const ApiResponse response =
        call("POST", "/api/v1/orders", "[" + std::string(limit_order) + R"(,{"account":"bob"}])");
    expect(response, 400, R"("field":"[1].market")");
    EXPECT_TRUE(node_.submitted.empty());
}

TEST_F(NativeApiTest, BadBodiesAreRefused) {
    expect(call("POST", "/api/v1/orders", "{\"account\":"), 400, "malformed JSON at byte");
    expect(call("POST", "/api/v1/orders", R"({"acount":"alice"})"), 400, R"("field":"acount")");
    expect(call("POST", "/api/v1/orders", R"({"account":"alice","price":6e4})"), 400, R"("field":"market")");
    expect(call("POST", "/api/v1/orders?watch=1", limit_order), 400, R"("field":"watch")");
    EXPECT_TRUE(node_.submitted.empty());
}

TEST_F(NativeApiTest, ABusyNodeIsServiceUnavailable) {
    node_.will_refuse({ErrorCode::unavailable, "the queue is full; try again"});
    expect(call("POST", "/api/v1/orders", limit_order), 503, R"("code":"unavailable")");
}

TEST_F(NativeApiTest, EachErrorCodeHasItsStatus) {
    EXPECT_EQ(http_status(ErrorCode::invalid_input), 400u);
    EXPECT_EQ(http_status(ErrorCode::unauthorized), 401u);
    EXPECT_EQ(http_status(ErrorCode::not_found), 404u);
    EXPECT_EQ(http_status(ErrorCode::timed_out), 504u);
    EXPECT_EQ(http_status(ErrorCode::conflict), 409u);
    EXPECT_EQ(http_status(ErrorCode::too_large), 413u);
    EXPECT_EQ(http_status(ErrorCode::corrupt), 500u);
    EXPECT_EQ(http_status(ErrorCode::io), 500u);
    EXPECT_EQ(http_status(ErrorCode::unavailable), 503u);
}

TEST_F(NativeApiTest, CancelByPath) {
    const std::string id = to_hex(testing::order_id(0xab));
    EXPECT_EQ(call("DELETE", "/api/v1/orders/" + id + "?account=alice").status, 200u);
    EXPECT_EQ(node_.submitted.at(0).intents.at(0).target_order, testing::order_id(0xab));
    EXPECT_EQ(node_.submitted.at(0).intents.at(0).account, "alice");
    expect(call("DELETE", "/api/v1/orders/" + id), 400, R"("field":"account")");
    expect(call("DELETE", "/api/v1/orders/12?account=alice"), 400, R"("field":"order_id")");
    node_.will_answer(testing::rejection(exchange::Reason::unknown_order));
    expect(call("DELETE", "/api/v1/orders/" + id + "?account=alice"), 422, R"("reason":"unknown_order")");
    node_.will_refuse({ErrorCode::unavailable, "busy"});
    EXPECT_EQ(call("DELETE", "/api/v1/orders/" + id + "?account=alice").status, 503u);
}

TEST_F(NativeApiTest, MarketOrderTakesItsProtectionFromTheBook) {
    BookAnswer book;
    book.last = exchange::Price(6'000'000);
    node_.will_tell(book);
    const char* order = R"({"op":"market","account":"alice","market":"BTC-USD","side":"buy","quantity":"1"})";
    EXPECT_EQ(call("POST", "/api/v1/orders", order).status, 200u);
    EXPECT_EQ(std::get<exchange::MarketOrder>(node_.submitted.at(0).intents.at(0).body).protection,
              exchange::Price(6'300'000));
    node_.will_tell(BookAnswer{});
    expect(call("POST", "/api/v1/orders", order), 400, R"("field":"protection")");
}

OrderView some_order() {
    OrderView order;
    order.id = testing::order_id(0xaa);
    order.ref.nonce = 7;
    order.side = exchange::Side::sell;
    order.price = exchange::Price(6'000'050);
    order.quantity = exchange::Quantity(10'000);
    order.leaves = order.shown = exchange::Quantity(5'000);
    return order;
}

TEST_F(NativeApiTest, OpenOrdersOfAnAccount) {
    node_.will_tell(OrdersAnswer{{some_order()}});
    const ApiResponse response = call("GET", "/api/v1/orders?account=alice&limit=5");
    expect(response, 200, R"({"orders":[{"order_id":"aaaa)");
    EXPECT_THAT(response.body,
                HasSubstr(R"("side":"sell","price":"60000.5","quantity":"1","leaves":"0.5","type":"limit",)"
                          R"("state":"resting","time_in_force":"gtc","shown":"0.5"}]})"));
    EXPECT_EQ(asked<OrdersQuery>().account, "alice");
    EXPECT_EQ(asked<OrdersQuery>().limit, 5u);
    expect(call("GET", "/api/v1/orders"), 400, R"("field":"account")");
    expect(call("GET", "/api/v1/orders?account=alice&limit=0"), 400, R"("field":"limit")");
}

TEST_F(NativeApiTest, OneOrder) {
    node_.will_tell(OrderAnswer{some_order()});
    expect(call("GET", "/api/v1/orders/" + to_hex(testing::order_id(0xaa))), 200, R"({"order_id":"aaaa)");
    node_.will_not_tell({ErrorCode::not_found, "no such order"});
    expect(call("GET", "/api/v1/orders/" + to_hex(testing::order_id(0xab))), 404, "no such order");
    expect(call("GET", "/api/v1/orders/xyz"), 400, R"("field":"order_id")");
}

TEST_F(NativeApiTest, AWaitingOrderShowsWhatItWaitsForAndWhatItWillBe) {
    OrderView order = some_order();
    order.shown = {};
    order.trigger = exchange::Trigger{exchange::Price(5'500'000), exchange::TriggerWhen::at_or_below};
    order.expires_at = WallTime{1'700'000'000'000};
    order.display = exchange::Quantity(1'000);
    node_.will_tell(OrdersAnswer{{order}});
    expect(call("GET", "/api/v1/orders?account=alice"), 200,
           R"("leaves":"0.5","type":"stop_limit","state":"waiting","time_in_force":"gtd","shown":"0",)"
           R"("display":"0.1","expires_at":"1700000000000","trigger":"55000","trigger_when":"at_or_below",)"
           R"("post_only":false}]})");
    order.time_in_force = exchange::TimeInForce::ioc;
    order.expires_at.reset();
    order.trigger->when = exchange::TriggerWhen::at_or_above;
    order.budget = 1'500'000;
    node_.will_tell(OrdersAnswer{{order}});
    const ApiResponse response = call("GET", "/api/v1/orders?account=alice");
    EXPECT_THAT(response.body, HasSubstr(R"("type":"take_profit","state":"waiting","time_in_force":"ioc")"));
    EXPECT_THAT(response.body, HasSubstr(R"("budget":"1.5"})"));
}

TEST_F(NativeApiTest, AnOrderThatEndedSaysHow) {
    OrderAnswer answer{some_order()};
    answer.state = OrderState::cancelled;
    answer.was_triggered = true;
    answer.reason = exchange::Reason::price_band;
    answer.grade = Grade::settled;
    node_.will_tell(answer);
    const ApiResponse response = call("GET", "/api/v1/orders/" + to_hex(testing::order_id(0xaa)));
    EXPECT_THAT(response.body, HasSubstr(R"("state":"cancelled")"));
    EXPECT_THAT(response.body,
                HasSubstr(R"("grade":"settled","was_triggered":true,"reason":"price_band","message":")"));
    answer = OrderAnswer{some_order()};
    answer.state = OrderState::replaced;
    answer.replaced_by = testing::order_id(0xbb);
    node_.will_tell(answer);
    expect(call("GET", "/api/v1/orders/" + to_hex(testing::order_id(0xaa))), 200,
           R"("replaced_by":")" + std::string(32, 'b') + R"("})");
}

TEST_F(NativeApiTest, AMassQuoteIsAnsweredQuoteByQuote) {
    SubmitAnswer answer;
    answer.block = 4;
    CommandResult& result = answer.results.emplace_back();
    result.market = testing::btc_usd;
    result.orders_cancelled = 2;
    CommandResult quote;
    quote.order = testing::order_id(0xaa);
    quote.market = testing::btc_usd;
    quote.status = CommandStatus::resting;
    quote.leaves = exchange::Quantity(5'000);
    result.quotes.push_back(quote);
    quote.ref.index = 1;
    quote.status = CommandStatus::rejected;
    quote.reason = exchange::Reason::would_trade;
    quote.leaves = {};
    result.quotes.push_back(quote);
    node_.will_answer(answer);
    const ApiResponse response = call(
        "POST", "/api/v1/orders",
        R"({"op":"mass_quote","account":"alice","market":"BTC-USD","quotes":[)"
        R"({"side":"buy","price":"59000","quantity":0.5},{"side":"sell","price":61000,"quantity":"1"}]})");
    expect(response, 200, R"("orders_cancelled":"2","quotes":[{"order_id":"aaaa)");
    EXPECT_THAT(response.body, HasSubstr(R"("index":0,"status":"resting","reason":"none","message":"",)"
                                         R"("leaves":"0.5"},{"order_id":"aaaa)"));
    EXPECT_THAT(response.body, HasSubstr(R"("index":1,"status":"rejected","reason":"would_trade")"));
    const auto& body = std::get<exchange::MassQuote>(node_.submitted.at(0).intents.at(0).body);
    ASSERT_EQ(body.quotes.size(), 2u);
    EXPECT_EQ(body.quotes[1], (exchange::Quote{exchange::Side::sell, exchange::Price(6'100'000),
                                               exchange::Quantity(10'000)}));
    expect(call("POST", "/api/v1/orders",
                R"([{"op":"mass_quote","account":"alice","market":"BTC-USD","quotes":[)"
                R"({"side":"buy","price":"59000.001","quantity":"0.5"}]}])"),
           400, R"("field":"[0].quotes[0].price")");
}

TEST_F(NativeApiTest, ARateLimitSaysWhenToTryAgain) {
    SubmitAnswer answer = testing::rejection(exchange::Reason::rate_limit);
    answer.results[0].limit = 10;
    answer.results[0].try_again_at = WallTime{1'700'000'001'000};
    node_.will_answer(answer);
    const ApiResponse response = call("POST", "/api/v1/orders", limit_order);
    expect(response, 422, R"("limit":"10","try_again_at":"1700000001000")");
    EXPECT_THAT(response.body, HasSubstr("Try again from 2023-11-14T22:13:21.000Z."));
}

TEST_F(NativeApiTest, AdministratorsSeeHowManyAgree) {
    SubmitAnswer answer;
    answer.results.emplace_back();
    answer.results[0].approvals = 1;
    answer.results[0].approvals_needed = 2;
    node_.will_answer(answer);
    expect(call("POST", "/api/v1/orders", R"({"op":"halt","account":"root","market":"BTC-USD"})"), 200,
           R"("approvals":1,"approvals_needed":2)");
}

TEST_F(NativeApiTest, MarketsThatOpenLaterAreKnown) {
    expect(call("GET", "/api/v1/book/SOL-USD"), 404, "no market");
    exchange::NetworkRules rules = testing::two_markets();
    rules.markets.push_back(rules.markets[0]);
    rules.markets.back().symbol = "SOL-USD";
    node_.change_rules(std::move(rules));
    BookAnswer book;
    book.market = exchange::MarketId(2);
    node_.will_tell(book);
    expect(call("GET", "/api/v1/book/SOL-USD"), 200, R"({"market":"SOL-USD")");
    EXPECT_EQ(asked<BookQuery>().market, exchange::MarketId(2));
}

TEST_F(NativeApiTest, Withdrawals) {
    WithdrawalsAnswer answer;
    WithdrawalsAnswer::Item item;
    item.name = "alice";
    item.withdrawal = {{7, 0}, exchange::AssetId(2), 2'500'000, "IBAN 1\n2"};
    answer.withdrawals.push_back(item);
    node_.will_tell(answer);
    const ApiResponse response = call("GET", "/api/v1/withdrawals?account=alice&asset=USD&limit=5");
    expect(response, 200, R"({"withdrawals":[{"account":"alice","id":"0000)");
    EXPECT_THAT(response.body, HasSubstr(R"("nonce":"7","index":0,"asset":"USD","amount":"2.5",)"
                                         R"("destination":"IBAN 1?2"}]})"));
    EXPECT_EQ(asked<WithdrawalsQuery>().account, "alice");
    EXPECT_EQ(asked<WithdrawalsQuery>().asset, exchange::AssetId(2));
    EXPECT_EQ(asked<WithdrawalsQuery>().limit, 5u);
    expect(call("GET", "/api/v1/withdrawals?asset=EUR"), 400, R"("field":"asset")");
    EXPECT_EQ(call("POST", "/api/v1/withdrawals").status, 405u);
}

TEST_F(NativeApiTest, BookByLevels) {
    BookAnswer book;
    book.commit = 12;
    book.last = exchange::Price(6'000'000);
    book.bids = {{exchange::Price(5'999'900), exchange::Quantity(5'000), 2}};
    node_.will_tell(book);
    const ApiResponse response = call("GET", "/api/v1/book/BTC-USD?depth=5");
    EXPECT_EQ(
        response.body,
        R"({"market":"BTC-USD","commit":"12","last":"60000","phase":"trading","bids":[["59999","0.5",2]],"asks":[]})");
    EXPECT_EQ(asked<BookQuery>().depth, 5u);
    EXPECT_FALSE(asked<BookQuery>().orders);
}

TEST_F(NativeApiTest, BookByOrders) {
    BookAnswer book;
    book.ask_orders = {{testing::order_id(0xaa), exchange::Price(6'000'000), exchange::Quantity(1)}};
    node_.will_tell(book);
    expect(call("GET", "/api/v1/book/BTC-USD?level=3"), 200,
           R"("last":"","phase":"trading","bids":[],"asks":[["60000","0.0001",")" + std::string(32, 'a') +
               R"("]]})");
    EXPECT_TRUE(asked<BookQuery>().orders);
}

TEST_F(NativeApiTest, BookMistakes) {
    expect(call("GET", "/api/v1/book/BTC-EUR"), 404, R"("field":"market")");
    expect(call("GET", "/api/v1/book/BTC-USD?depth=0"), 400, R"("field":"depth")");
    expect(call("GET", "/api/v1/book/BTC-USD?level=4"), 400, R"("field":"level")");
    EXPECT_EQ(call("GET", "/api/v1/book/%zz").status, 404u);
}

TEST_F(NativeApiTest, Trades) {
    TradeView trade;
    trade.ordinal = 3;
    trade.grade = Grade::settled;
    trade.price = exchange::Price(6'000'000);
    trade.quantity = exchange::Quantity(1);
    trade.taker_fee = 5;
    trade.time.ms = 1'700'000'000'000;
    node_.will_tell(TradesAnswer{{trade}});
    const ApiResponse response = call("GET", "/api/v1/trades?market=BTC-USD&after=2&limit=7&account=alice");
    expect(response, 200, R"("ordinal":"3","grade":"settled","price":"60000","quantity":"0.0001")");
    EXPECT_THAT(response.body, HasSubstr(R"("taker_fee":"0.000005","time":"1700000000000"}]})"));
    EXPECT_EQ(asked<TradesQuery>().market, testing::btc_usd);
    EXPECT_EQ(asked<TradesQuery>().after, 2u);
    EXPECT_EQ(asked<TradesQuery>().limit, 7u);
    EXPECT_EQ(asked<TradesQuery>().account, "alice");
}

TEST_F(NativeApiTest, TradesMistakes) {
    expect(call("GET", "/api/v1/trades?market=X"), 400, R"("field":"market")");
    expect(call("GET", "/api/v1/trades?after=2"), 400, R"("field":"market")");
    expect(call("GET", "/api/v1/trades?market=BTC-USD&after=x"), 400, R"("field":"after")");
    expect(call("GET", "/api/v1/trades?limit=1001"), 400, R"("field":"limit")");
}

TEST_F(NativeApiTest, Accounts) {
    AccountView account;
    account.name = "alice";
    account.next_nonce = 8;
    account.balances = {{exchange::AssetId(2), 1'500'000, 500'000}};
    node_.will_tell(AccountsAnswer{{account}});
    expect(call("GET", "/api/v1/accounts"), 200, R"({"accounts":[{"account":"alice","id":"0000)");
    node_.will_tell(AccountsAnswer{{account}});
    const ApiResponse response = call("GET", "/api/v1/accounts/alice");
    expect(response, 200, R"("balances":[{"asset":"USD","total":"1.5","reserved":"0.5","available":"1"}]})");
    EXPECT_EQ(asked<AccountQuery>().account, "alice");
    node_.will_tell(AccountsAnswer{});
    EXPECT_EQ(call("GET", "/api/v1/accounts/bob").status, 404u);
    EXPECT_EQ(call("GET", "/api/v1/accounts/%4").status, 400u);
}

TEST_F(NativeApiTest, StatusAndDigests) {
    StatusAnswer status;
    status.role = "member";
    status.says = "ready";
    status.commits = 5;
    status.member_list.resize(1);
    node_.will_tell(status);
    const ApiResponse response = call("GET", "/api/v1/status");
    expect(response, 200, R"("role":"member","says":"ready","ready":false)");
    EXPECT_THAT(response.body, HasSubstr(R"("commits":"5")"));
    EXPECT_THAT(response.body, HasSubstr(R"("member_list":[{"node":"0000)"));
    DigestsAnswer digests;
    digests.settled_trades = 4;
    node_.will_tell(digests);
    expect(call("GET", "/api/v1/digests"), 200, R"("settled_trades":"4","trades":"0000)");
    expect(call("GET", "/api/v1/status?verbose=1"), 400, R"("field":"verbose")");
}

TEST_F(NativeApiTest, NetworkAndMarkets) {
    const ApiResponse network = call("GET", "/api/v1/network");
    expect(network, 200, R"({"name":"test","network":"1111)");
    EXPECT_THAT(network.body, HasSubstr(R"({"asset":"USD","decimals":6,"faucet_max":"1000000"})"));
    MarketsAnswer states;
    states.markets.resize(2);
    states.markets[0].last = exchange::Price(6'000'000);
    states.markets[1].phase = exchange::MarketPhase::auction;
    states.markets[1].auction_ends_at = WallTime{1'700'000'000'000};
    states.markets[1].indicative_price = exchange::Price(200);
    states.markets[1].indicative_quantity = exchange::Quantity(3);
    node_.will_tell(states);
    const ApiResponse markets = call("GET", "/api/v1/markets");
    expect(markets, 200,
           R"({"markets":[{"market":"BTC-USD","base":"BTC","quote":"USD","tick":"0.01","lot":"0.0001")");
    EXPECT_THAT(markets.body,
                HasSubstr(R"("quantity_min":"0.0001","quantity_max":"100000","notional_min":"0",)"
                          R"("maker_fee_ppm":0,"taker_fee_ppm":0,"band_ppm":0,"matching":"continuous",)"
                          R"("auction_ms":"0","last":"60000","phase":"trading"})"));
    EXPECT_THAT(markets.body, HasSubstr(R"("last":"","phase":"auction","auction_ends_at":"1700000000000",)"
                                        R"("indicative_price":"200","indicative_quantity":"3"}]})"));
}

TEST_F(NativeApiTest, ABlockIsAnsweredWhenItIsSettled) {
    node_.will_tell(SettledAnswer{7});
    expect(call("GET", "/api/v1/blocks/7?wait=settled"), 200, R"({"block":"7","grade":"settled"})");
    EXPECT_EQ(asked<SettledQuery>().seq, 7u);
    expect(call("GET", "/api/v1/blocks/7"), 400, R"("field":"wait")");
    expect(call("GET", "/api/v1/blocks/x?wait=settled"), 400, R"("field":"seq")");
}

TEST_F(NativeApiTest, ABinaryBatch) {
    BatchRequest batch;
    batch.names = {"alice"};
    batch.commands.push_back({0, 5, exchange::OpenAccount{"alice"}});
    Bytes bytes;
    encode_batch_request(batch, bytes);
    const ApiResponse response = call("POST", "/api/v1/batch", std::string(as_text(bytes)), "Bearer secret",
                                      "application/octet-stream");
    EXPECT_EQ(response.status, 200u);
    EXPECT_STREQ(response.content_type, "application/octet-stream");
    auto reply = decode_batch_reply(as_bytes(response.body));
    ASSERT_TRUE(reply.ok());
    EXPECT_EQ(reply->results.at(0).nonce, 5u);
}

TEST_F(NativeApiTest, BatchMistakes) {
    expect(call("POST", "/api/v1/batch", "xx"), 400, "Content-Type");
    expect(call("POST", "/api/v1/batch", "xx", "Bearer secret", "application/octet-stream"), 400,
           "malformed at byte");
    expect(call("POST", "/api/v1/batch?wait=x", "xx"), 400, R"("field":"wait")");
}

TEST_F(NativeApiTest, ASignedBatchIsHandedToTheNode) {
    const std::string bytes("\x02 some batch \0 with all bytes", 30);
    const auto post = [&](const std::string& target, const std::string& body) {
        return call("POST", target, body, "Bearer secret", "application/octet-stream");
    };
    node_.will_answer(testing::partial_fill());
    expect(post("/api/v1/signed?wait=settled", bytes), 200, R"({"results":[{"order_id":"aaaa)");
    ASSERT_EQ(node_.submitted.size(), 1u);
    EXPECT_EQ(as_text(node_.submitted[0].signed_batch), bytes);
    EXPECT_EQ(node_.submitted[0].wait_for, Grade::settled);
    EXPECT_TRUE(node_.submitted[0].intents.empty());
    node_.will_refuse({ErrorCode::unauthorized, "the signature is wrong"});
    expect(post("/api/v1/signed", bytes), 401, "the signature is wrong");
    node_.will_refuse({ErrorCode::invalid_input, "malformed at byte 3"});
    expect(post("/api/v1/signed", bytes), 400, "malformed at byte 3");
}

TEST_F(NativeApiTest, SignedBatchMistakes) {
    expect(call("POST", "/api/v1/signed", "xx"), 400, "Content-Type");
    expect(call("POST", "/api/v1/signed?wait=x", "xx"), 400, R"("field":"wait")");
    expect(call("POST", "/api/v1/signed", "", "Bearer secret", "application/octet-stream"), 400, "empty");
    EXPECT_EQ(call("POST", "/api/v1/signed", "xx", "").status, 401u);
    EXPECT_TRUE(node_.submitted.empty());
}

TEST_F(NativeApiTest, WhatStandsInNoBlockIsNotDurable) {
    SubmitAnswer refused = testing::rejection(exchange::Reason::unknown_order);
    refused.block = 0;
    refused.results[0].ref = {};
    node_.will_answer(refused);
    const ApiResponse alone = call("POST", "/api/v1/orders", limit_order);
    expect(alone, 422, R"("durable":false})");
    EXPECT_THAT(alone.body, ::testing::Not(HasSubstr("grade")));
    EXPECT_THAT(alone.body, ::testing::Not(HasSubstr("block")));

    SubmitAnswer mixed = testing::partial_fill();
    mixed.results.push_back(refused.results[0]);
    node_.will_answer(mixed);
    const ApiResponse both =
        call("POST", "/api/v1/orders", "[" + std::string(limit_order) + "," + limit_order + "]");
    EXPECT_THAT(both.body, HasSubstr(R"("durable":true,"grade":"provisional","block":"17"})"));
    EXPECT_THAT(both.body, HasSubstr(R"("durable":false})"));
}

TEST_F(NativeApiTest, AnAnswerMayComeAfterTheApiIsGone) {
    node_.hold();
    unsigned status = 0;
    {
        NativeApi brief(node_, Access("secret"), {testing::node_key(), nullptr});
        ApiRequest request;
        request.method = "POST";
        request.path = "/api/v1/orders";
        request.authorization = "Bearer secret";
        request.body = limit_order;
        brief.handle(request, [&status](ApiResponse response) { status = response.status; });
    }
    ASSERT_EQ(node_.held(), 1u);
    node_.release();
    EXPECT_EQ(status, 200u);
}

}  // namespace
}  // namespace peerbook::app
