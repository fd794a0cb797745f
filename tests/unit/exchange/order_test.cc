#include "tests/unit/exchange/market_fixture.h"

namespace peerbook::exchange {
namespace {

class Orders : public Market {};

TEST_F(Orders, RestAndKeepPriceThenTimePriority) {
    EXPECT_EQ(buy("alice", 10, 99), (Lines{"accepted", "rested 10"}));
    buy("bob", 5, 100);
    buy("carol", 7, 99);
    EXPECT_EQ(book(Side::buy), "5@100 bob, 10@99 alice, 7@99 carol");
    EXPECT_EQ(sell("carol", 8, 99), (Lines{"accepted", "filled 5@100 bob fees 1/1 leaves 3/0",
                                           "filled 3@99 alice fees 1/1 leaves 0/7"}));
    EXPECT_EQ(engine.last_price(MarketId(0)), Price(99));
    EXPECT_EQ(engine.best(MarketId(0), Side::buy), Price(99));
    EXPECT_FALSE(engine.best(MarketId(0), Side::sell).has_value());
}

TEST_F(Orders, FillsPrintAtTheRestingPriceAndTheRestOfTheLimitOrderRests) {
    sell("alice", 4, 100);
    EXPECT_EQ(buy("bob", 10, 105), (Lines{"accepted", "filled 4@100 alice fees 1/1 leaves 6/0", "rested 6"}));
    EXPECT_EQ(book(Side::buy), "6@105 bob");
    EXPECT_EQ(book(Side::sell), "");
}

TEST_F(Orders, ImmediateOrCancelNeverRests) {
    sell("alice", 4, 100);
    EXPECT_EQ(
        buy("bob", 10, 100, TimeInForce::ioc),
        (Lines{"accepted", "filled 4@100 alice fees 1/1 leaves 6/0", "cancelled 6 immediate_or_cancel"}));
    EXPECT_EQ(book(Side::buy), "");
    EXPECT_EQ(reserved("bob", 0), 0);
}

TEST_F(Orders, FillOrKillFillsWhollyOverSeveralLevelsOrDoesNothing) {
    sell("alice", 4, 100);
    sell("carol", 4, 101);
    EXPECT_EQ(buy("bob", 9, 101, TimeInForce::fok), (Lines{"rejected not_fillable"}));
    EXPECT_EQ(buy("bob", 8, 100, TimeInForce::fok), (Lines{"rejected not_fillable"}));
    EXPECT_EQ(book(Side::sell), "4@100 alice, 4@101 carol");
    EXPECT_EQ(buy("bob", 7, 101, TimeInForce::fok).size(), 3u);
    EXPECT_EQ(book(Side::sell), "1@101 carol");
}

TEST_F(Orders, FillOrKillSeesItsOwnOrderInTheWay) {
    sell("alice", 4, 100);
    sell("bob", 1, 100);
    sell("carol", 4, 100);
    EXPECT_EQ(buy("bob", 6, 100, TimeInForce::fok), (Lines{"rejected not_fillable"}));
    EXPECT_EQ(buy("bob", 4, 100, TimeInForce::fok).size(), 2u);
}

TEST_F(Orders, PostOnlyIsRefusedWhereItWouldTradeAndRestsElsewhere) {
    sell("alice", 4, 100);
    EXPECT_EQ(run("bob", limit(Side::buy, 1, 100, TimeInForce::gtc, true)), (Lines{"rejected would_trade"}));
    EXPECT_EQ(run("bob", limit(Side::buy, 1, 99, TimeInForce::gtc, true)), (Lines{"accepted", "rested 1"}));
}

TEST_F(Orders, MarketOrderTakesUpToItsProtectionAndCancelsTheRest) {
    sell("alice", 4, 100);
    sell("alice", 4, 103);
    EXPECT_EQ(
        run("bob", MarketOrder{MarketId(0), Side::buy, Quantity(10), Price(102)}),
        (Lines{"accepted", "filled 4@100 alice fees 1/1 leaves 6/0", "cancelled 6 immediate_or_cancel"}));
}

TEST_F(Orders, SelfTradePreventionCancelsTheNewest) {
    sell("alice", 4, 100);
    sell("bob", 4, 100);
    EXPECT_EQ(buy("bob", 10, 100),
              (Lines{"accepted", "filled 4@100 alice fees 1/1 leaves 6/0", "cancelled 6 self_trade"}));
    EXPECT_EQ(book(Side::sell), "4@100 bob");
    EXPECT_EQ(book(Side::buy), "");
}

TEST_F(Orders, CancelReleasesAndNamesTheOrder) {
    buy("alice", 10, 99);
    const std::uint64_t nonce = last_nonce("alice");
    EXPECT_EQ(reserved("alice", 0), 990 + 2);  // 990 × 2,000 ppm, rounded up
    EXPECT_EQ(run("alice", CancelOrder{{nonce, 0}}), (Lines{"accepted", "cancelled 10 requested"}));
    EXPECT_EQ(events[1].order.ref.nonce, nonce);
    EXPECT_EQ(reserved("alice", 0), 0);
    EXPECT_EQ(run("alice", CancelOrder{{nonce, 0}}), (Lines{"rejected unknown_order"}));
}

TEST_F(Orders, CancelOfANonceNeverSeenBurnsIt) {
    const std::uint64_t nonce = next_nonce("alice");
    EXPECT_EQ(run_as("alice", nonce + 1, CancelOrder{{nonce, 0}}), (Lines{"rejected unknown_order"}));
    EXPECT_EQ(run_as("alice", nonce, limit(Side::buy, 1, 1)), (Lines{"rejected nonce_used"}));
}

TEST_F(Orders, NobodyCancelsForAnother) {
    buy("alice", 10, 99);
    EXPECT_EQ(run("bob", CancelOrder{{last_nonce("alice"), 0}}), (Lines{"rejected unknown_order"}));
    EXPECT_EQ(book(Side::buy), "10@99 alice");
}

TEST_F(Orders, ReduceKeepsPriorityAndCancelsAtOrAboveTheRest) {
    buy("alice", 10, 99);
    const std::uint64_t nonce = last_nonce("alice");
    buy("bob", 10, 99);
    EXPECT_EQ(run("alice", ReduceOrder{{nonce, 0}, Quantity(4)}), (Lines{"accepted", "reduced 4 leaves 6"}));
    EXPECT_EQ(book(Side::buy), "6@99 alice, 10@99 bob");
    EXPECT_EQ(reserved("alice", 0), 594 + 2);
    EXPECT_EQ(engine.find_order({account("alice"), {nonce, 0}})->quantity, Quantity(10));
    EXPECT_EQ(run("alice", ReduceOrder{{nonce, 0}, Quantity(0)}), (Lines{"rejected quantity_out_of_range"}));
    EXPECT_EQ(run("alice", ReduceOrder{{nonce, 0}, Quantity(6)}),
              (Lines{"accepted", "cancelled 6 requested"}));
    EXPECT_EQ(run("alice", ReduceOrder{{nonce, 0}, Quantity(1)}), (Lines{"rejected unknown_order"}));
}

TEST_F(Orders, ViewsShowLevelsAndOpenOrdersByNonce) {
    buy("alice", 10, 99);
    buy("bob", 5, 99);
    buy("alice", 1, 98);
    const std::vector<LevelView> levels = engine.levels(MarketId(0), Side::buy, 1);
    ASSERT_EQ(levels.size(), 1u);
    EXPECT_EQ(levels[0].price, Price(99));
    EXPECT_EQ(levels[0].quantity, Quantity(15));
    EXPECT_EQ(levels[0].orders, 2u);
    const std::vector<RestingOrderView> open = engine.open_orders(account("alice"), 10);
    ASSERT_EQ(open.size(), 2u);
    EXPECT_LT(open[0].order.ref, open[1].order.ref);
    EXPECT_EQ(engine.open_orders(account("alice"), 1).size(), 1u);
}

TEST_F(Orders, EveryOrderOfASignedBatchSharesTheNonceAndPassesOnce) {
    CommandBatch batch;
    batch.kind = BatchKind::self_custodied;
    batch.signer = test_key(42);
    AccountId own;
    own.data = batch.signer.data;
    batch.commands.push_back({own, {1, 0}, OpenAccount{}});
    batch.commands.push_back({own, {1, 1}, Faucet{AssetId(0), 1'000}});
    batch.commands.push_back({own, {1, 2}, limit(Side::buy, 1, 50)});
    batch.commands.push_back({own, {1, 3}, limit(Side::buy, 2, 50)});
    EXPECT_EQ(run_batch(batch), (Lines{"accepted", "opened", "accepted", "issued 1000", "accepted",
                                       "rested 1", "accepted", "rested 2"}));
    EXPECT_EQ(run_batch(batch), (Lines{"rejected nonce_used", "rejected nonce_used", "rejected nonce_used",
                                       "rejected nonce_used"}));
    batch.commands = {{own, {2, 0}, CancelOrder{{1, 3}}}};
    EXPECT_EQ(run_batch(batch), (Lines{"accepted", "cancelled 2 requested"}));
}

TEST_F(Orders, UndoRestoresQueuesMoneyNoncesAndAccounts) {
    sell("alice", 4, 100);
    sell("bob", 4, 100);
    const Digest before = engine.state_digest();
    const UndoMark mark = engine.mark();
    buy("carol", 6, 101);
    run("carol", CancelOrder{{last_nonce("carol"), 0}});
    run("bob", Transfer{id("alice"), AssetId(0), 5});
    run("dave", OpenAccount{"dave"});
    const AccountIndex dave = account("dave");
    EXPECT_NE(engine.state_digest(), before);
    engine.undo_to(mark);
    EXPECT_EQ(engine.state_digest(), before);
    EXPECT_EQ(book(Side::sell), "4@100 alice, 4@100 bob");
    EXPECT_FALSE(engine.find_account(id("dave")).has_value());
    EXPECT_FALSE(engine.is_open(dave));
    run("dave", OpenAccount{"dave"});
    EXPECT_EQ(account("dave"), dave);
}

TEST_F(Orders, SteadyTrafficReusesItsMemory) {
    const auto churn = [&](int rounds) {
        for (int i = 0; i < rounds; ++i) {
            buy("alice", 1, 90 + i % 5);
            run("alice", CancelOrder{{last_nonce("alice"), 0}});
            engine.prune_undo(engine.mark());
        }
    };
    churn(2'000);
    const std::uint64_t bytes = engine.stats().memory_bytes;
    churn(5'000);
    EXPECT_EQ(engine.stats().memory_bytes, bytes);
    EXPECT_EQ(engine.stats().undo_bytes, 0u);
}

}  // namespace
}  // namespace peerbook::exchange
