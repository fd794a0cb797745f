// Open orders of all markets, one cache line each, named by 32-bit slots. A slot keeps its content after its
// order left, until release(): undo puts the order back by its links alone. What few orders have (iceberg,
// expiry, trigger, budget) stands in an extension beside. Logic thread only; frozen views anywhere.
#pragma once

#include <cstdint>

#include "exchange/book/slot_pool.h"
#include "exchange/market/types.h"

namespace peerbook::exchange {

using OrderSlot = std::uint32_t;
// End of a linked list. The pool has a slot of this number that is never given out: linking and unlinking at
// the end of a list write their links there, and so need no branch that the processor could guess wrongly.
inline constexpr OrderSlot no_order = 0;
inline constexpr OrderSlot order_slots_max = slots_max;

struct Order {
    std::uint64_t nonce = 0;
    std::int64_t price = 0;   // ticks; of a waiting order its trigger's
    std::int64_t leaves = 0;  // lots that are shown; of a waiting order all
    // Lots as placed; of an extended order the place of its extension, which has them.
    std::int64_t quantity_or_extension = 0;
    std::uint64_t sequence : 48 = 0;  // priority; 2^48 orders are nine years of a million a second
    std::uint64_t market_number : 12 = 0;
    std::uint64_t is_sell : 1 = 0;
    std::uint64_t is_waiting : 1 = 0;   // for its trigger
    std::uint64_t waits_below : 1 = 0;  // TriggerWhen::at_or_below
    std::uint64_t is_quote : 1 = 0;     // of a mass quote
    std::uint32_t account = 0;
    std::uint32_t fee_carry : 20 = 0;  // ledger/fees.h
    std::uint32_t index : 10 = 0;
    std::uint32_t is_extended : 1 = 0;
    std::uint32_t is_live : 1 = 0;  // in a book or waiting; else the slot only waits for release
    OrderSlot previous = no_order;  // in its level, oldest first
    OrderSlot next = no_order;
    OrderSlot index_next = no_order;  // with the same place among its account's orders
    std::uint32_t name_hash = 0;      // account_orders.h

    MarketId market() const { return MarketId(static_cast<std::uint32_t>(market_number)); }
    Side side() const { return is_sell != 0 ? Side::sell : Side::buy; }
    OrderKey key() const { return {AccountIndex(account), {nonce, index}}; }
};
static_assert(sizeof(Order) == 64);

struct OrderExtension {
    std::int64_t quantity = 0;                     // lots as placed
    std::int64_t hidden = 0;                       // lots beyond what is shown
    std::int64_t display = 0;                      // the most that is shown at once; 0: no iceberg
    std::int64_t expires_at_ms = 0;                // 0: never
    std::int64_t limit = 0;                        // ticks; of a waiting order, what it will trade up to
    Amount budget = 0;                             // of a waiting order; 0: it has a quantity
    std::uint32_t refreshes = 0;                   // how often a new part was shown
    TimeInForce time_in_force = TimeInForce::gtc;  // of a waiting order, like the next two
    SelfTradePrevention self_trade = SelfTradePrevention::cancel_newest;
    bool post_only = false;

    friend bool operator==(const OrderExtension&, const OrderExtension&) = default;
};

class OrderPool {
  public:
    // A commit frees as many orders at once, and the next one takes them.
    using Orders = SlotPool<Order, 256>;
    using Extensions = SlotPool<OrderExtension, 64>;
    using FrozenOrders = Orders::Frozen;
    using FrozenExtensions = Extensions::Frozen;

    OrderPool() { PB_CHECK(orders_.allocate() == no_order, "the first slot is the one that is nobody's"); }

    const Order& operator[](OrderSlot slot) const { return orders_[slot]; }
    Order& edit(OrderSlot slot) { return orders_.edit(slot); }
    // Precondition: order.is_extended.
    const OrderExtension& extension(const Order& order) const { return extensions_[place_of(order)]; }
    OrderExtension& edit_extension(const Order& order) { return extensions_.edit(place_of(order)); }
    // Lots as placed.
    std::int64_t quantity(const Order& order) const {
        return order.is_extended != 0 ? extension(order).quantity : order.quantity_or_extension;
    }
    // Shown and hidden.
    std::int64_t whole_leaves(const Order& order) const {
        return order.leaves + (order.is_extended != 0 ? extension(order).hidden : 0);
    }

    OrderSlot allocate() { return orders_.allocate(); }
    // The lines of the next slots that allocate() gives.
    void prefetch_next(std::size_t count) const { orders_.prefetch_next(count); }
    // Place of a new extension, for Order::quantity_or_extension.
    std::int64_t allocate_extension(const OrderExtension& extension) {
        const std::uint32_t place = extensions_.allocate();
        extensions_.edit(place) = extension;
        return place;
    }
    // Frees the slot and its order's extension.
    void release(OrderSlot slot) { release(slot, orders_[slot].is_extended != 0); }
    // `is_extended`: whether the order is. Most orders are not even read then.
    void release(OrderSlot slot, bool is_extended) {
        if (is_extended) [[unlikely]]
            release_extension(slot);
        orders_.release(slot);
    }

    FrozenOrders freeze_orders() { return orders_.freeze(); }
    FrozenExtensions freeze_extensions() { return extensions_.freeze(); }
    std::size_t memory_bytes() const { return orders_.memory_bytes() + extensions_.memory_bytes(); }

  private:
    static std::uint32_t place_of(const Order& order) {
        return static_cast<std::uint32_t>(order.quantity_or_extension);
    }
    [[gnu::noinline]] void release_extension(OrderSlot slot) {
        Order& order = orders_.edit(slot);
        extensions_.release(place_of(order));
        order.is_extended = 0;
    }

    Orders orders_;
    Extensions extensions_;
};

}  // namespace peerbook::exchange
