// Open orders of all markets, one cache line each, named by 32-bit slots. A slot keeps its content after its
// order left, until release(): undo puts the order back by its links alone. What few orders have (iceberg,
// expiry, trigger, budget) stands in an extension beside. Memory grows in pages and never moves; a page whose
// slots are all free gives its memory back. Slots come from one page until it is full, so that orders placed
// together stand together. Logic thread only; frozen views anywhere.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "base/paged_array.h"
#include "base/prefetch.h"
#include "exchange/market/types.h"

namespace peerbook::exchange {

using OrderSlot = std::uint32_t;
// End of a linked list. The pool has a slot of this number that is never given out: linking and unlinking at
// the end of a list write their links there, and so need no branch that the processor could guess wrongly.
inline constexpr OrderSlot no_order = 0;
inline constexpr OrderSlot order_slots_max = 0x8000'0000;

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
    OrderSlot index_next = no_order;  // with the same place in the index
    std::uint32_t account_place = 0;  // among its account's open orders

    MarketId market() const { return MarketId(static_cast<std::uint32_t>(market_number)); }
    Side side() const { return is_sell != 0 ? Side::sell : Side::buy; }
    OrderKey key() const { return {AccountIndex(account), {nonce, index}}; }
};
static_assert(sizeof(Order) == 64);

struct OrderExtension {
    static constexpr std::uint32_t no_extension = 0xffff'ffff;

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
    std::uint32_t next_free = no_extension;

    friend bool operator==(const OrderExtension&, const OrderExtension&) = default;
};

class OrderPool {
  public:
    using FrozenOrders = PagedArray<Order>::Frozen;
    using FrozenExtensions = PagedArray<OrderExtension>::Frozen;

    OrderPool();

    const Order& operator[](OrderSlot slot) const { return orders_[slot]; }
    Order& edit(OrderSlot slot) { return orders_.edit(slot); }
    // Precondition: order.is_extended.
    const OrderExtension& extension(const Order& order) const {
        return extensions_[static_cast<std::size_t>(order.quantity_or_extension)];
    }
    OrderExtension& edit_extension(const Order& order) {
        return extensions_.edit(static_cast<std::size_t>(order.quantity_or_extension));
    }
    // Lots as placed.
    std::int64_t quantity(const Order& order) const {
        return order.is_extended != 0 ? extension(order).quantity : order.quantity_or_extension;
    }
    // Shown and hidden.
    std::int64_t whole_leaves(const Order& order) const {
        return order.leaves + (order.is_extended != 0 ? extension(order).hidden : 0);
    }

    OrderSlot allocate() {
        if (spare_count_ != 0) [[likely]]
            return spares_[spare_count_--];
        if (first_with_room_ == no_page) [[unlikely]]
            make_room();
        const std::uint32_t number = first_with_room_;
        PageRoom& page = rooms_[number];
        const auto place = static_cast<std::uint32_t>(std::countr_zero(page.free));
        if (page.free == all_free) --empty_pages_;
        page.free &= page.free - 1;
        if (page.free == 0) unlink(number);
        return number * page_size + place;
    }
    // The lines of the next slots that allocate() gives, which may have been out of use for long.
    void prefetch_next(std::size_t count) const {
        for (std::size_t i = 0; i < std::min(count, spare_count_); ++i)
            prefetch_line(&orders_[spares_[spare_count_ - i]]);
    }
    // Place of a new extension, for Order::quantity_or_extension.
    std::int64_t allocate_extension(const OrderExtension& extension);
    // Frees the slot and its order's extension.
    void release(OrderSlot slot) {
        if (orders_[slot].is_extended != 0) [[unlikely]]
            release_extension(slot);
        if (spare_count_ != spares_max) [[likely]] {
            spares_[++spare_count_] = slot;
            return;
        }
        const std::uint32_t number = slot / page_size;
        PageRoom& page = rooms_[number];
        if (page.free == 0) link_first(number);
        page.free |= std::uint64_t{1} << slot % page_size;
        if (page.free == all_free) [[unlikely]]
            count_empty(number);
    }

    FrozenOrders freeze_orders() { return orders_.freeze(); }
    FrozenExtensions freeze_extensions() { return extensions_.freeze(); }
    std::size_t memory_bytes() const {
        return orders_.memory_bytes() + extensions_.memory_bytes() + rooms_.capacity() * sizeof(PageRoom) +
               released_.capacity() * sizeof(std::uint32_t);
    }

  private:
    static constexpr std::uint32_t page_size = PagedArray<Order>::page_size;
    static_assert(page_size == 64);
    static constexpr std::uint64_t all_free = ~std::uint64_t{0};
    static constexpr std::uint32_t no_page = 0xffff'ffff;
    // Empty pages that are kept, so that a book that breathes does not allocate.
    static constexpr std::uint32_t empty_pages_max = 64;
    static constexpr std::uint32_t spares_max = 512;

    // The free slots of a page; pages with some are linked, the one that got room last first.
    struct PageRoom {
        std::uint64_t free = 0;  // bit i: slot i of the page
        std::uint32_t previous = no_page;
        std::uint32_t next = no_page;
    };
    void link_first(std::uint32_t number) {
        PageRoom& page = rooms_[number];
        page.previous = no_page;
        page.next = first_with_room_;
        if (first_with_room_ != no_page) rooms_[first_with_room_].previous = number;
        first_with_room_ = number;
    }
    void unlink(std::uint32_t number) {
        const PageRoom& page = rooms_[number];
        (page.previous == no_page ? first_with_room_ : rooms_[page.previous].next) = page.next;
        if (page.next != no_page) rooms_[page.next].previous = page.previous;
    }
    void make_room();
    void count_empty(std::uint32_t number);
    void release_extension(OrderSlot slot);

    PagedArray<Order> orders_;
    PagedArray<OrderExtension> extensions_;
    std::vector<PageRoom> rooms_;
    std::vector<std::uint32_t> released_;  // pages without memory; not linked
    // Slots that were released last and are given out next, so that steady work does not come to the pages.
    // For their pages they are not free. The first stands at place 1.
    std::array<OrderSlot, spares_max + 1> spares_{};
    std::size_t spare_count_ = 0;
    std::uint32_t first_with_room_ = no_page;
    std::uint32_t empty_pages_ = 0;  // among the linked ones
    std::uint32_t free_extension_ = OrderExtension::no_extension;
};

}  // namespace peerbook::exchange
