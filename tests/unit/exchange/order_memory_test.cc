// Where open orders are kept: the index resizes bit by bit and loses nothing meanwhile, and memory comes back
// when orders are gone.
#include <map>

#include <gtest/gtest.h>

#include "base/random.h"
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
        index.insert(slot);
        slots.emplace(nonce, slot);
        return slot;
    }
    void remove(std::uint64_t nonce) {
        const OrderSlot slot = slots.at(nonce);
        index.erase(slot);
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
            ASSERT_EQ(index.find(0, nonce, 0), slot) << "nonce " << nonce;
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
        EXPECT_EQ(index.find(0, nonce + 1, 0), no_order);
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
