// Where open orders are kept: an account's table grows bit by bit and loses nothing meanwhile, and memory
// comes back when orders are gone.
#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/random.h"
#include "exchange/book/account_orders.h"
#include "exchange/book/order_book.h"

namespace peerbook::exchange {
namespace {

class Orders : public testing::Test {
  protected:
    OrderSlot place(std::uint64_t nonce) {
        const OrderSlot slot = pool.allocate();
        Order& order = pool.edit(slot);
        order = Order();
        order.nonce = nonce;
        order.is_live = 1;
        account.insert(pool, slot, order, hash(nonce, 0));
        slots.emplace(nonce, slot);
        return slot;
    }
    void remove(std::uint64_t nonce) {
        const OrderSlot slot = slots.at(nonce);
        account.erase(pool, slot, pool[slot]);
        pool.release(slot);
        slots.erase(nonce);
    }
    // The first one from `nonce` on, else the first of all.
    void remove_near(std::uint64_t nonce) {
        const auto found = slots.lower_bound(nonce);
        remove(found == slots.end() ? slots.begin()->first : found->first);
    }
    void expect_all_found() {
        for (const auto& [nonce, slot] : slots)
            ASSERT_EQ(find(nonce), slot) << "nonce " << nonce;
        EXPECT_EQ(account.count(), slots.size());
    }
    OrderSlot find(std::uint64_t nonce) const { return account.find(pool, hash(nonce, 0), nonce, 0); }

    OrderPool pool;
    OrderNameHash hash{7};
    AccountOrders account;
    std::map<std::uint64_t, OrderSlot> slots;
};

TEST_F(Orders, AreFoundWhileTheTableGrowsAndShrinks) {
    Random random(1);
    std::uint64_t nonce = 0;
    for (const std::size_t goal : {5'000u, 200u, 20'000u, 0u, 3'000u}) {
        while (slots.size() != goal) {
            const bool grows = random.below(10) < (slots.size() < goal ? 8u : 2u);
            if (grows || slots.empty())
                place(++nonce);
            else
                remove_near(random.below(nonce + 1));
            if (random.below(500) == 0) expect_all_found();
        }
        expect_all_found();
        EXPECT_EQ(find(nonce + 1), no_order);
    }
}

// The table has shrunk by then, and moves its entries while it grows again.
TEST_F(Orders, AreFoundWhenManyComeRightAfterMostWent) {
    for (const std::uint64_t orders : {1'600u, 6'400u, 50'000u}) {
        const std::uint64_t first = slots.empty() ? 1 : slots.rbegin()->first + 1;
        for (std::uint64_t nonce = first; nonce < first + orders; ++nonce)
            place(nonce);
        while (slots.size() > 200)
            remove(slots.begin()->first);
        for (std::uint64_t nonce = first + orders; nonce < first + 3 * orders; ++nonce)
            place(nonce);
        expect_all_found();
    }
}

TEST_F(Orders, GiveTheirMemoryBackWhenTheyAreGone) {
    const std::size_t empty_pool = pool.memory_bytes();
    for (std::uint64_t nonce = 1; nonce <= 250'000; ++nonce)
        place(nonce);
    const std::size_t full = pool.memory_bytes() + account.memory_bytes();
    EXPECT_LE(full / 250'000, 96u);
    for (std::uint64_t nonce = 1; nonce <= 250'000; ++nonce)
        remove(nonce);
    EXPECT_LE(account.memory_bytes(), 1'024u);
    EXPECT_LE(pool.memory_bytes(), empty_pool + full / 20);
}

TEST_F(Orders, AreMovedAFewAtATimeWhenTheirTableShrinks) {
    const std::uint64_t many = 260'000;
    for (std::uint64_t nonce = 1; nonce <= many; ++nonce)
        place(nonce);
    // The head of a place is found there in the new table, or not at all yet.
    const auto moved = [this] {
        std::size_t at_new_place = 0;
        for (const auto& [nonce, slot] : slots)
            for (OrderSlot at = account.first(hash(nonce, 0)); at != no_order; at = pool[at].index_next)
                at_new_place += at == slot ? 1u : 0u;
        return at_new_place;
    };
    std::size_t resized = 0, most_at_once = 0;
    std::uint64_t leaving = 1;
    for (std::size_t memory = account.memory_bytes(); slots.size() > 1'000; memory = account.memory_bytes()) {
        remove(leaving++);
        if (account.memory_bytes() <= memory) continue;  // no second table
        ++resized;
        const std::size_t before = moved();
        EXPECT_EQ(before, 0u);
        remove(leaving++);
        most_at_once = std::max(most_at_once, moved());
    }
    EXPECT_GE(resized, 3u);
    EXPECT_LE(most_at_once, 64u);
    expect_all_found();
}

TEST_F(Orders, ReuseSlotsBeforeTheyTakeMorePages) {
    for (std::uint64_t nonce = 1; nonce <= 1'000; ++nonce)
        place(nonce);
    const std::size_t before = pool.memory_bytes();
    for (std::uint64_t round = 0; round < 50; ++round)
        for (std::uint64_t nonce = 1; nonce <= 1'000; nonce += 3) {
            remove(nonce);
            place(nonce);
        }
    EXPECT_EQ(pool.memory_bytes(), before);
    expect_all_found();
}

// Half of the slots that were asked for are open at any time, and none is given out twice.
TEST_F(Orders, HaveSlotsOfTheirOwnWhateverOrderTheyLeaveIn) {
    Random random(3);
    std::uint64_t nonce = 0;
    std::set<OrderSlot> open;
    for (int i = 0; i < 40'000; ++i) {
        if (random.below(2) == 0 || slots.empty()) {
            const OrderSlot slot = place(++nonce);
            EXPECT_NE(slot, no_order);
            EXPECT_TRUE(open.insert(slot).second) << "slot " << slot;
        } else {
            const auto found = slots.lower_bound(random.below(nonce + 1));
            const auto leaving = found == slots.end() ? slots.begin() : found;
            open.erase(leaving->second);
            remove(leaving->first);
        }
    }
    expect_all_found();
}

// Two orders of one place in the table: whichever leaves first, the other is found.
TEST_F(Orders, AreFoundBehindOthersOfTheirPlace) {
    for (std::uint64_t nonce = 1; nonce <= 5'000; ++nonce)  // dozens of lines stand on one another
        place(nonce);
    for (std::uint64_t nonce = 1; nonce <= 5'000; nonce += 2)
        remove(nonce);
    expect_all_found();
    for (std::uint64_t nonce = 5'000; nonce > 0; nonce -= 2)
        remove(nonce);
    EXPECT_EQ(account.count(), 0u);
}

TEST_F(Orders, StandBehindFewOthersHoweverTheirNoncesCountUp) {
    for (const std::uint64_t step : {1u, 3u, 16u, 64u, 4'096u}) {
        for (std::uint64_t i = 1; i <= 10'000; ++i)
            place(i * step);
        std::size_t looked_at = 0;
        for (const auto& [nonce, slot] : slots) {
            ++looked_at;
            for (OrderSlot at = account.first(hash(nonce, 0)); at != slot; at = pool[at].index_next)
                ++looked_at;
        }
        EXPECT_LT(looked_at, slots.size() * 2) << "step " << step;
        while (!slots.empty())
            remove(slots.begin()->first);
    }
}

TEST_F(Orders, OfOneNonceAreToldApartByTheirIndexes) {
    std::map<std::uint32_t, OrderSlot> by_index;
    for (std::uint32_t index = 0; index < 1'000; ++index) {
        const OrderSlot slot = by_index[index] = pool.allocate();
        Order& order = pool.edit(slot);
        order = Order();
        order.nonce = 9;
        order.index = index & 0x3ff;
        account.insert(pool, slot, order, hash(9, index));
    }
    for (const auto& [index, slot] : by_index)
        EXPECT_EQ(account.find(pool, hash(9, index), 9, index), slot) << "index " << index;
    EXPECT_EQ(account.find(pool, hash(9, 1'000), 9, 1'000), no_order);
}

// Whoever chooses nonces that would share a place without the hash gains nothing.
TEST_F(Orders, HashesOfNoncesFarApartDiffer) {
    for (const unsigned apart : {4u, 10u, 16u, 20u, 32u}) {
        std::map<std::uint32_t, int> places;
        for (std::uint64_t i = 1; i <= 10'000; ++i)
            ++places[hash(i << apart, 0) & 0x7fff];
        int most = 0;
        for (const auto& [place, count] : places)
            most = std::max(most, count);
        // Of 2,048 lines 10,000 take 4.9 each.
        EXPECT_LE(most, 25) << "2^" << apart << " apart";
        EXPECT_GT(places.size(), 1'900u) << "2^" << apart << " apart";
    }
}

TEST_F(Orders, OfFollowingNoncesShareALine) {
    for (std::uint64_t nonce = 64; nonce < 128; ++nonce)
        EXPECT_EQ(hash(nonce, 0) >> 4, hash(nonce | 15, 0) >> 4);
}

TEST_F(Orders, AreVisitedAlsoWhileTheTableGrows) {
    for (std::uint64_t nonce = 1; nonce <= 3'000; ++nonce) {
        place(nonce);
        if (nonce % 100 != 0) continue;
        std::set<OrderSlot> visited, expected;
        account.for_each(pool, [&](OrderSlot slot) { return visited.insert(slot).second; });
        for (const auto& [name, slot] : slots)
            expected.insert(slot);
        ASSERT_EQ(visited, expected) << nonce << " orders";
    }
    int visited = 0;
    account.for_each(pool, [&](OrderSlot) { return ++visited < 3; });
    EXPECT_EQ(visited, 3);
}

TEST_F(Orders, StayInAFrozenViewAfterTheirPageWasGivenBack) {
    for (std::uint64_t nonce = 1; nonce <= 20'000; ++nonce)
        place(nonce);
    const OrderSlot slot = slots.at(10'000);
    const OrderPool::FrozenOrders frozen = pool.freeze_orders();
    for (std::uint64_t nonce = 1; nonce <= 20'000; ++nonce)
        remove(nonce);
    EXPECT_EQ(frozen[slot].nonce, 10'000u);
    place(20'001);
    EXPECT_EQ(frozen[slot].nonce, 10'000u);
    EXPECT_EQ(pool[slots.at(20'001)].nonce, 20'001u);
}

}  // namespace
}  // namespace peerbook::exchange
