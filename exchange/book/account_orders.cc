#include "exchange/book/account_orders.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "base/check.h"

namespace peerbook::exchange {

namespace {

// Places of the former table that a change moves on, so that it is empty after an eighth as many changes as
// it has places. Meanwhile the new one, three eighths full at first, gains a sixteenth at most and is not
// resized.
constexpr std::uint32_t places_at_once = 8;
// The same where the former one is the larger. With 16 places and more for each of c orders it is empty after
// about c / 2 changes; the new one, with room for 3 c, holds a half to three halves of c then.
constexpr std::uint32_t sparse_places_at_once = 32;

// False if the slot is not linked from `head` on.
bool unlink(OrderPool& pool, OrderSlot& head, OrderSlot slot) {
    if (head == slot) {
        head = pool[slot].index_next;
        return true;
    }
    for (OrderSlot before = head; before != no_order; before = pool[before].index_next) {
        if (pool[before].index_next != slot) continue;
        pool.edit(before).index_next = pool[slot].index_next;
        return true;
    }
    return false;
}

}  // namespace

// Zeroed, and zero is no_order.
AccountOrders::Heads AccountOrders::make_heads(std::uint32_t places) {
    static_assert(no_order == 0);
    Heads heads(static_cast<OrderSlot*>(std::calloc(places, sizeof(OrderSlot))));
    if (heads == nullptr) throw std::bad_alloc();
    return heads;
}

void AccountOrders::erase_behind(OrderPool& pool, OrderSlot slot, const Order& order) {
    const bool is_found =
        unlink(pool, heads_[order.name_hash & mask_], slot) ||
        (former_ != nullptr && unlink(pool, former_->heads[order.name_hash & former_->mask], slot));
    PB_CHECK(is_found, "an order that leaves the book must be among its account's");
}

void AccountOrders::grow(OrderPool& pool) {
    if (room_ == 0) return set_places(make_heads(places_first), places_first);
    PB_CHECK(former_ == nullptr, "a table of orders is not resized while it moves");
    const std::uint32_t places = mask_ + 1;
    begin_moving(places * 2);
    if (places <= places_kept) move_places(pool, places);
}

void AccountOrders::shrink() {
    if (former_ == nullptr) begin_moving(std::max(places_kept, std::bit_ceil(count_ * 4)));
}

void AccountOrders::begin_moving(std::uint32_t places) {
    former_ = std::make_unique<Former>(Former{std::move(heads_), mask_, 0});
    set_places(make_heads(places), places);
}

// The orders of the next places are asked for here and moved by the next change, once they are there.
void AccountOrders::move_some(OrderPool& pool) {
    const std::uint32_t at_once = former_->mask > mask_ ? sparse_places_at_once : places_at_once;
    move_places(pool, at_once);
    if (former_ == nullptr) return;
    const std::uint32_t end = std::min(former_->next + at_once, former_->mask + 1);
    for (std::uint32_t i = former_->next; i < end; ++i)
        prefetch_line(&pool[former_->heads[i]]);
}

void AccountOrders::move_places(OrderPool& pool, std::uint32_t count) {
    const std::uint32_t places = former_->mask + 1;
    const std::uint32_t end = std::min(former_->next + std::min(count, places), places);
    for (; former_->next < end; ++former_->next) {
        OrderSlot slot = std::exchange(former_->heads[former_->next], no_order);
        while (slot != no_order) {
            Order& order = pool.edit(slot);
            const OrderSlot after = order.index_next;
            put(slot, order);
            slot = after;
        }
    }
    if (former_->next == places) former_.reset();
}

}  // namespace peerbook::exchange
