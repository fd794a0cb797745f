// What clients read of orders, undo and memory. How orders behave is in the scenarios.
#include "tests/unit/exchange/market_fixture.h"

namespace peerbook::exchange {
namespace {

class EngineViews : public Market {};

TEST_F(EngineViews, ViewsShowLevelsAndOpenOrdersByNonce) {
    buy("alice", 10, 99);
    buy("bob", 5, 99);
    buy("alice", 1, 98);
    const std::vector<LevelView> levels = engine.levels(MarketId(0), Side::buy, 1);
    ASSERT_EQ(levels.size(), 1u);
    EXPECT_EQ(levels[0].price, Price(99));
    EXPECT_EQ(levels[0].quantity, Quantity(15));
    EXPECT_EQ(levels[0].orders, 2u);
    EXPECT_EQ(engine.best(MarketId(0), Side::buy), Price(99));
    EXPECT_FALSE(engine.best(MarketId(0), Side::sell).has_value());
    const std::vector<RestingOrderView> open = engine.open_orders(account("alice"), 10);
    ASSERT_EQ(open.size(), 2u);
    EXPECT_LT(open[0].order, open[1].order);
    EXPECT_EQ(engine.open_orders(account("alice"), 1).size(), 1u);
}

TEST_F(EngineViews, ViewsSayWhatAnOrderIs) {
    SpecialOrder special;
    special.order = limit(Side::sell, 10, 120);
    special.display = Quantity(4);
    special.expires_at = WallTime{time.ms + 1'000};
    run("alice", special);
    const std::optional<RestingOrderView> iceberg =
        engine.find_order({account("alice"), {last_nonce("alice"), 0}});
    ASSERT_TRUE(iceberg.has_value());
    EXPECT_EQ(iceberg->quantity, Quantity(10));
    EXPECT_EQ(iceberg->leaves, Quantity(10));
    EXPECT_EQ(iceberg->shown, Quantity(4));
    EXPECT_EQ(iceberg->display, Quantity(4));
    EXPECT_EQ(iceberg->expires_at, special.expires_at);
    EXPECT_FALSE(iceberg->trigger.has_value());
    EXPECT_EQ(engine.levels(MarketId(0), Side::sell, 1)[0].quantity, Quantity(4));

    SpecialOrder stop;
    stop.order = limit(Side::buy, 0, 150);
    stop.order.time_in_force = TimeInForce::ioc;
    stop.trigger = Trigger{Price(140), TriggerWhen::at_or_above};
    stop.budget = 1'000;
    run("bob", stop);
    const std::vector<RestingOrderView> waiting = engine.waiting_orders(MarketId(0), 10);
    ASSERT_EQ(waiting.size(), 1u);
    EXPECT_EQ(waiting[0].order, (OrderKey{account("bob"), {last_nonce("bob"), 0}}));
    EXPECT_EQ(waiting[0].trigger, stop.trigger);
    EXPECT_EQ(waiting[0].budget, stop.budget);
    EXPECT_EQ(waiting[0].price, Price(150));
    EXPECT_EQ(waiting[0].shown, Quantity(0));
    EXPECT_TRUE(engine.orders(MarketId(0), Side::buy, 10).empty());
    EXPECT_EQ(engine.open_orders(account("bob"), 10).size(), 1u);
}

TEST_F(EngineViews, EventsNameOrderPriceAndWhatIsLeft) {
    sell("alice", 4, 100);
    const OrderKey maker{account("alice"), {last_nonce("alice"), 0}};
    buy("bob", 3, 105);
    ASSERT_EQ(events.size(), 2u);
    const Event& filled = events[1];
    EXPECT_EQ(filled.kind, EventKind::filled);
    EXPECT_EQ(filled.order, (OrderKey{account("bob"), {last_nonce("bob"), 0}}));
    EXPECT_EQ(filled.maker, maker);
    EXPECT_EQ(filled.price, Price(100));
    EXPECT_EQ(filled.amount, 300);
    EXPECT_EQ(filled.leaves, Quantity(0));
    EXPECT_EQ(filled.maker_leaves, Quantity(1));
    EXPECT_EQ(filled.command, 0u);
    run("alice", CancelOrder{maker.ref()});
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[1].order, maker);
    EXPECT_EQ(events[1].price, Price(100));
    EXPECT_EQ(events[1].side, Side::sell);
}

TEST_F(EngineViews, WhatIsDueByTimeIsOfNoCommand) {
    SpecialOrder special;
    special.order = limit(Side::buy, 1, 50);
    special.expires_at = WallTime{time.ms + 1};
    run("alice", special);
    EXPECT_EQ(engine.next_deadline(), special.expires_at);
    time.ms += 1;
    buy("bob", 1, 49);
    ASSERT_EQ(events.size(), 3u);
    EXPECT_EQ(events[0].kind, EventKind::expired);
    EXPECT_EQ(events[0].command, no_command);
    EXPECT_EQ(events[1].command, 0u);
    EXPECT_FALSE(engine.next_deadline().has_value());
}

TEST_F(EngineViews, UndoRestoresQueuesMoneyNoncesAndAccounts) {
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
    const std::vector<RestingOrderView> asks = engine.orders(MarketId(0), Side::sell, 10);
    ASSERT_EQ(asks.size(), 2u);
    EXPECT_EQ(asks[0].order.account, account("alice"));
    EXPECT_FALSE(engine.find_account(id("dave")).has_value());
    EXPECT_FALSE(engine.is_open(dave));
    run("dave", OpenAccount{"dave"});
    EXPECT_EQ(account("dave"), dave);
}

TEST_F(EngineViews, SteadyTrafficReusesItsMemory) {
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
