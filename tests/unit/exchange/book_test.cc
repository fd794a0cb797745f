#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "base/random.h"
#include "exchange/book/order_book.h"

namespace peerbook::exchange {
namespace {

// Random levels against std::map: prices drift, jump, and swing between two far regions.
void compare_with_map(Side side, std::uint64_t seed, std::int64_t spread, std::int64_t jump) {
    std::pmr::unsynchronized_pool_resource memory;
    PriceLevels levels(side, &memory);
    std::map<std::int64_t, std::uint32_t> expected;
    Random random(seed);
    std::int64_t centre = 1'000'000;
    for (int i = 0; i < 30'000; ++i) {
        if (random.below(2'000) == 0) centre += static_cast<std::int64_t>(random.below(5)) * jump - 2 * jump;
        centre = std::max<std::int64_t>(centre, 500'000);
        const std::int64_t price =
            centre + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(spread)));
        if (expected.count(price) > 0 && random.below(2) == 0) {
            levels.take_from(price, [](Level& level) { level.orders = 0; });
            expected.erase(price);
        } else {
            ++levels.get_or_add(price).orders;
            ++expected[price];
        }
        ASSERT_EQ(levels.size(), expected.size());
        ASSERT_EQ(levels.empty(), expected.empty());
        if (!expected.empty()) {
            ASSERT_EQ(levels.best_price(),
                      side == Side::sell ? expected.begin()->first : expected.rbegin()->first);
            ASSERT_EQ(levels.best().orders, expected[levels.best_price()]);
        }
        if (i % 1'000 != 0) continue;
        ASSERT_TRUE(levels.is_consistent());
        std::map<std::int64_t, std::uint32_t> seen;
        levels.for_each([&](std::int64_t at, const Level& level) {
            seen[at] = level.orders;
            return true;
        });
        ASSERT_EQ(seen, expected);
    }
}

TEST(PriceLevels, AgreeWithAMapInsideTheWindow) {
    compare_with_map(Side::buy, 1, 300, 100);
    compare_with_map(Side::sell, 2, 300, 100);
}

TEST(PriceLevels, AgreeWithAMapWhenPricesLeaveTheWindow) {
    compare_with_map(Side::buy, 3, 20'000, 30'000);
    compare_with_map(Side::sell, 4, 20'000, 30'000);
    compare_with_map(Side::sell, 5, 50, 100'000);
    compare_with_map(Side::buy, 6, 50, 100'000);
}

OrderKey key(std::uint32_t account, std::uint64_t nonce) {
    return {AccountIndex(account), {nonce, 0}};
}

NewOrder new_order(OrderKey name, Side side, std::int64_t price, std::int64_t quantity) {
    NewOrder order;
    order.key = name;
    order.side = side;
    order.price = price;
    order.quantity = order.leaves = quantity;
    return order;
}

TEST(OrderBooks, FindsEachOrderAmongManyThatComeAndGo) {
    OrderBooks books(1, 7);
    std::map<std::pair<std::uint32_t, std::uint64_t>, OrderSlot> expected;
    Random random(7);
    std::uint64_t nonce = 0;
    for (int i = 0; i < 40'000; ++i) {
        const auto account = static_cast<std::uint32_t>(random.below(50));
        if (random.below(3) > 0) {
            ++nonce;
            expected[{account, nonce}] = books.insert(new_order(
                key(account, nonce), Side::buy, 1 + static_cast<std::int64_t>(random.below(100)), 5));
        } else if (!expected.empty()) {
            auto any = expected.lower_bound({account, random.below(nonce + 1)});
            if (any == expected.end()) any = expected.begin();
            books.remove(any->second);
            books.release(any->second);
            expected.erase(any);
        }
    }
    ASSERT_EQ(books.size(), expected.size());
    for (const auto& [name, slot] : expected)
        ASSERT_EQ(books.find(key(name.first, name.second)), slot);
    EXPECT_EQ(books.find(key(1, nonce + 1)), no_order);
}

TEST(OrderBooks, AnOrderIsWhatWasPlaced) {
    OrderBooks books(4'096, 7);
    OrderExtension extension;
    extension.quantity = 77;
    for (unsigned bits = 0; bits < 32; ++bits) {
        NewOrder placed = new_order({AccountIndex(bits * 3), {~std::uint64_t{0} - bits, 1'023 - bits}},
                                    (bits & 1) != 0 ? Side::sell : Side::buy, 1'000 + bits, 50 + bits);
        placed.market = MarketId(4'095 - bits);
        placed.is_quote = (bits & 2) != 0;
        placed.is_waiting = (bits & 4) != 0;
        placed.waits_below = (bits & 8) != 0;
        placed.fee_carry = 0xf'ffff - bits;
        placed.leaves = 9 + bits;
        if ((bits & 16) != 0) placed.extension = &extension;
        const std::uint64_t sequence = (std::uint64_t{1} << 48) - 100 + bits;
        const Order& order = books.order(books.restore(placed, sequence));
        EXPECT_EQ(order.key(), placed.key);
        EXPECT_EQ(order.market(), placed.market);
        EXPECT_EQ(order.side(), placed.side);
        EXPECT_EQ(order.is_quote != 0, placed.is_quote);
        EXPECT_EQ(order.is_waiting != 0, placed.is_waiting);
        EXPECT_EQ(order.waits_below != 0, placed.waits_below);
        EXPECT_EQ(order.is_extended != 0, placed.extension != nullptr);
        EXPECT_EQ(order.is_live, 1u);
        EXPECT_EQ(order.fee_carry, placed.fee_carry);
        EXPECT_EQ(order.sequence, sequence);
        EXPECT_EQ(order.price, placed.price);
        EXPECT_EQ(order.leaves, placed.leaves);
        EXPECT_EQ(books.quantity(order), placed.extension != nullptr ? 77 : placed.quantity);
        EXPECT_EQ(books.find(placed.key), books.find(placed.key, books.hash(placed.key)));
        EXPECT_EQ(&books.order(books.find(placed.key)), &order);
    }
}

TEST(OrderBooks, AMillionRestingOrdersStayWithinTheirBytes) {
    OrderBooks books(1, 7);
    const std::size_t empty = books.memory_bytes();
    for (std::uint64_t i = 0; i < 1'000'000; ++i)
        books.insert(new_order(key(static_cast<std::uint32_t>(i % 1'000), i), Side::buy,
                               1'000'000 - static_cast<std::int64_t>(i % 3'000), 1));
    EXPECT_LE((books.memory_bytes() - empty) / 1'000'000, 96u);
}

TEST(OrderBooks, RemovalIsUndoneInTheMiddleOfAQueue) {
    OrderBooks books(1, 7);
    const OrderSlot first = books.insert(new_order(key(1, 1), Side::sell, 10, 1));
    const OrderSlot second = books.insert(new_order(key(2, 1), Side::sell, 10, 2));
    const OrderSlot third = books.insert(new_order(key(1, 2), Side::sell, 10, 3));
    books.remove(second);
    books.remove(first);
    books.remove(third);
    EXPECT_TRUE(books.levels(MarketId(0), Side::sell).empty());
    books.undo_remove(third);
    books.undo_remove(first);
    books.undo_remove(second);
    const Level& level = books.levels(MarketId(0), Side::sell).best();
    EXPECT_EQ(level.head, first);
    EXPECT_EQ(books.order(first).next, second);
    EXPECT_EQ(books.order(second).next, third);
    EXPECT_EQ(level.tail, third);
    EXPECT_EQ(level.quantity, 6);
    EXPECT_EQ(books.open_order_count(AccountIndex(1)), 2u);
    std::set<OrderSlot> open;
    books.for_each_open_order(AccountIndex(1), [&](OrderSlot slot) { return open.insert(slot).second; });
    EXPECT_EQ(open, (std::set<OrderSlot>{first, third}));
    EXPECT_EQ(books.find(key(2, 1)), second);
}

}  // namespace
}  // namespace peerbook::exchange
