// Where open orders are kept: the index resizes bit by bit and loses nothing meanwhile, and memory comes back
// when orders are gone.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/random.h"
#include "exchange/book/account_orders.h"
#include "exchange/book/order_book.h"
#include "exchange/book/order_index.h"

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
        index.insert(slot, order, index.hash(0, nonce, 0));
        slots.emplace(nonce, slot);
        return slot;
    }
    void remove(std::uint64_t nonce) {
        const OrderSlot slot = slots.at(nonce);
        index.erase(slot, pool[slot]);
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
            ASSERT_EQ(index.find(index.hash(0, nonce, 0), 0, nonce, 0), slot) << "nonce " << nonce;
        EXPECT_EQ(index.size(), slots.size());
    }

    OrderPool pool;
    OrderIndex index{pool, 7};
    std::map<std::uint64_t, OrderSlot> slots;
};

TEST_F(Orders, AreFoundWhileTheIndexGrowsAndShrinks) {
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
        EXPECT_EQ(index.find(index.hash(0, nonce + 1, 0), 0, nonce + 1, 0), no_order);
    }
}

// The index shrinks when 511 are left and moves its entries while it grows again.
TEST_F(Orders, AreFoundWhenManyComeRightAfterMostWent) {
    for (const std::uint64_t orders : {1'600u, 6'400u, 50'000u}) {
        const std::uint64_t first = slots.empty() ? 1 : slots.rbegin()->first + 1;
        for (std::uint64_t nonce = first; nonce < first + orders; ++nonce)
            place(nonce);
        while (slots.size() > 511)
            remove(slots.begin()->first);
        for (std::uint64_t nonce = first + orders; nonce < first + 3 * orders; ++nonce)
            place(nonce);
        expect_all_found();
    }
}

TEST_F(Orders, GiveTheirMemoryBackWhenTheyAreGone) {
    const std::size_t empty_pool = pool.memory_bytes();
    const std::size_t empty_index = index.memory_bytes();
    for (std::uint64_t nonce = 1; nonce <= 250'000; ++nonce)
        place(nonce);
    const std::size_t full = pool.memory_bytes() + index.memory_bytes();
    EXPECT_LE(full / 250'000, 96u);
    for (std::uint64_t nonce = 1; nonce <= 250'000; ++nonce)
        remove(nonce);
    for (std::uint64_t nonce = 1; nonce <= 100'000;
         ++nonce) {  // the index shrinks with the work that goes on
        place(nonce);
        remove(nonce);
    }
    EXPECT_EQ(index.memory_bytes(), empty_index);
    EXPECT_LE(pool.memory_bytes(), empty_pool + full / 20);
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

// Two orders of one place in the index: whichever leaves first, the other is found.
TEST_F(Orders, AreFoundBehindOthersOfTheirPlaceInTheIndex) {
    for (std::uint64_t nonce = 1; nonce <= 500; ++nonce)  // of 1,024 places: dozens share one
        place(nonce);
    for (std::uint64_t nonce = 1; nonce <= 500; nonce += 2)
        remove(nonce);
    expect_all_found();
    for (std::uint64_t nonce = 500; nonce > 0; nonce -= 2)
        remove(nonce);
    EXPECT_EQ(index.size(), 0u);
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

class OpenOrders : public testing::Test {
  protected:
    void add(OrderSlot slot) { place_of[slot] = orders.add(slot); }
    void take_out(OrderSlot slot) {
        orders.take_out(place_of.at(slot));
        place_of.erase(slot);
        if (orders.is_untidy())
            orders.tidy([&](OrderSlot moved, std::uint32_t place) { place_of.at(moved) = place; });
    }
    void expect_same() {
        std::set<OrderSlot> listed, expected;
        orders.for_each([&](OrderSlot slot) { return listed.insert(slot).second; });
        for (const auto& [slot, place] : place_of)
            expected.insert(slot);
        EXPECT_EQ(listed, expected);
        EXPECT_EQ(orders.count(), expected.size());
    }

    AccountOrders orders;
    std::map<OrderSlot, std::uint32_t> place_of;
};

TEST_F(OpenOrders, AreTheOnesThatWereAddedAndNotTakenOut) {
    Random random(5);
    for (const std::size_t goal : {300u, 3u, 5'000u, 600u, 0u, 100u}) {
        while (place_of.size() != goal) {
            const auto slot = static_cast<OrderSlot>(1 + random.below(1'000'000));
            const auto found = place_of.lower_bound(slot);
            if (place_of.size() < goal ? !place_of.contains(slot) : found == place_of.end())
                add(slot);
            else if (found != place_of.end())
                take_out(found->first);
        }
        expect_same();
    }
}

TEST_F(OpenOrders, GiveTheMemoryOfABurstBack) {
    for (OrderSlot slot = 1; slot <= 100'000; ++slot)
        add(slot);
    const std::size_t full = orders.memory_bytes();
    for (OrderSlot slot = 1; slot <= 99'000; ++slot)
        take_out(slot);
    EXPECT_LE(orders.memory_bytes(), full / 8);
    expect_same();
}

TEST_F(OpenOrders, AreVisitedUntilTheVisitorHasEnough) {
    for (OrderSlot slot = 1; slot <= 10; ++slot)
        add(slot);
    int visited = 0;
    orders.for_each([&](OrderSlot) { return ++visited < 3; });
    EXPECT_EQ(visited, 3);
}

}  // namespace
}  // namespace peerbook::exchange
