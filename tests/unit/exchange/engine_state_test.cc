// What stops the node at once, because going on would cost somebody money, and the counts of a commit.
#include <map>

#include <gtest/gtest.h>

#include "base/random.h"
#include "exchange/engine/account_counts.h"
#include "exchange/engine/engine_state.h"
#include "tests/unit/exchange/market_fixture.h"

namespace peerbook::exchange {
namespace {

class AlwaysOnChecks : public testing::Test {
  protected:
    AlwaysOnChecks() {
        state.set_issued(AssetId(0), 100);
        state.add_to_balance(alice, 100);
        state.check_conservation();
    }
    OrderSlot place(Side side, std::int64_t price) {
        NewOrder order;
        order.key = OrderKey(AccountIndex(1), {++nonce, 0});
        order.side = side;
        order.price = price;
        order.quantity = order.leaves = 5;
        return state.insert_order(order);
    }

    EngineState state{test_rules()};
    const BalanceSlot alice = state.balances.slot(AccountIndex(1), AssetId(0));
    const BalanceSlot bob = state.balances.slot(AccountIndex(2), AssetId(0));
    std::uint64_t nonce = 0;
};

TEST_F(AlwaysOnChecks, PassWhatMovesMoneyOnly) {
    state.add_to_reserved(alice, 60);
    state.set_balance(alice, 70, 30);
    state.add_to_balance(bob, 30);
    state.set_reserved(alice, 0);
    state.check_conservation();
    state.set_issued(AssetId(0), 90);
    state.add_to_balance(alice, -10);
    state.check_conservation();
}

TEST_F(AlwaysOnChecks, StopWhoeverHasLessThanNothing) {
    EXPECT_DEATH(state.add_to_balance(alice, -101), "less than nothing");
    EXPECT_DEATH(state.add_to_reserved(alice, 101), "less than nothing");
    EXPECT_DEATH(state.add_to_reserved(alice, -1), "less than nothing");
    EXPECT_DEATH(state.set_reserved(alice, -1), "less than nothing");
    EXPECT_DEATH(state.set_balance(alice, 50, 51), "less than nothing");
    EXPECT_DEATH(state.set_balance(alice, -50, -60), "less than nothing");
}

TEST_F(AlwaysOnChecks, StopWhoMakesOrLosesMoney) {
    state.add_to_balance(bob, 1);
    EXPECT_DEATH(state.check_conservation(), "neither make nor lose money");
    state.add_to_balance(alice, -1);
    state.check_conservation();
    state.set_balance(bob, 0, 0);
    EXPECT_DEATH(state.check_conservation(), "neither make nor lose money");
    state.set_issued(AssetId(0), 99);
    state.check_conservation();
    // What one asset loses another does not make good.
    state.add_to_balance(alice, -1);
    state.add_to_balance(state.balances.slot(AccountIndex(1), AssetId(1)), 1);
    EXPECT_DEATH(state.check_conservation(), "neither make nor lose money");
}

TEST_F(AlwaysOnChecks, UndoIsNoMovement) {
    const std::uint64_t mark = state.undo.position();
    state.add_to_balance(alice, -40);
    state.add_to_balance(bob, 40);
    state.check_conservation();
    state.undo_to(mark);
    state.check_conservation();
    EXPECT_TRUE(state.balances[alice].total == 100);
}

TEST_F(AlwaysOnChecks, StopABookThatStaysCrossed) {
    place(Side::buy, 99);
    state.check_not_crossed(MarketId(0));
    place(Side::sell, 100);
    state.check_not_crossed(MarketId(0));
    place(Side::sell, 99);
    EXPECT_DEATH(state.check_not_crossed(MarketId(0)), "what crosses must have traded");
}

TEST_F(AlwaysOnChecks, StopASideThatLosesMoreLotsThanItHad) {
    const OrderSlot slot = place(Side::buy, 99);
    const_cast<Order&>(state.books.owned(slot)).leaves = 6;
    EXPECT_DEATH(state.remove_order(slot), "fewer lots than its orders");
}

TEST(AccountCounts, AgreeWithAMapCommitForCommit) {
    AccountCounts counts(7);
    Random random(1);
    for (int commit = 0; commit < 200; ++commit) {
        std::map<std::uint32_t, std::uint64_t> expected;
        const std::uint64_t accounts = 1 + random.below(1'000);
        for (std::uint64_t i = random.below(2'000); i > 0; --i) {
            const auto account = static_cast<std::uint32_t>(random.below(accounts) << random.below(20));
            const std::uint64_t more = random.below(9);
            counts[AccountIndex(account)] += more;
            expected[account] += more;
        }
        for (const auto& [account, number] : expected)
            ASSERT_EQ(counts[AccountIndex(account)], number) << "account " << account;
        counts.clear();
    }
}

}  // namespace
}  // namespace peerbook::exchange
