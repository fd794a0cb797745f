#include "exchange/book/order_index.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/prefetch.h"

namespace peerbook::exchange {

namespace {

constexpr std::size_t capacity_min = 1'024;
// Places of the former table that a change moves on, so that it is empty after an eighth as many changes as
// it has places. Meanwhile the new one is not resized: growing, it starts a quarter full and gains 1/16 at
// most; shrinking to a half, it starts 1/8 full and gains 1/4 at most.
constexpr std::size_t places_at_once = 8;

}  // namespace

OrderIndex::OrderIndex(OrderPool& pool, std::uint64_t seed)
    : pool_(pool), hash_(seed), table_(make_table(capacity_min)) {
    set_limits();
}

void OrderIndex::set_limits() {
    const std::size_t capacity = table_.mask + 1;
    const bool is_resizing = former_.heads != nullptr;
    size_max_ = is_resizing ? 0 : capacity / 2;
    size_min_ = is_resizing ? capacity : capacity == capacity_min ? 0 : capacity / 16;
}

// Zeroed memory that costs nothing until it is touched, and zero is no_order.
OrderIndex::Table OrderIndex::make_table(std::size_t capacity) {
    static_assert(no_order == 0);
    const std::size_t bytes = capacity * sizeof(OrderSlot);
    Table table;
    table.mask = capacity - 1;
    if (bytes >= huge_page_bytes) {
        table.region = HugeRegion(bytes);
        table.heads = static_cast<OrderSlot*>(table.region.data());
    } else {
        table.on_heap.reset(static_cast<OrderSlot*>(std::calloc(capacity, sizeof(OrderSlot))));
        table.heads = table.on_heap.get();
        if (table.heads == nullptr) throw std::bad_alloc();
    }
    return table;
}

bool OrderIndex::unlink(OrderSlot& head, OrderSlot slot) {
    if (head == slot) {
        head = pool_[slot].index_next;
        return true;
    }
    for (OrderSlot before = head; before != no_order; before = pool_[before].index_next) {
        if (pool_[before].index_next != slot) continue;
        pool_.edit(before).index_next = pool_[slot].index_next;
        return true;
    }
    return false;
}

void OrderIndex::erase_behind(std::uint32_t hashed, OrderSlot slot) {
    const bool is_found = unlink(table_.heads[hashed & table_.mask], slot) ||
                          (former_.heads != nullptr && unlink(former_.heads[hashed & former_.mask], slot));
    PB_CHECK(is_found, "an order that leaves the book must be in the index");
}

void OrderIndex::grow() {
    if (former_.heads != nullptr)
        move_some();
    else
        resize((table_.mask + 1) * 2);
}

void OrderIndex::shrink() {
    if (former_.heads != nullptr)
        move_some();
    else
        resize((table_.mask + 1) / 2);
}

void OrderIndex::resize(std::size_t capacity) {
    former_ = std::exchange(table_, make_table(capacity));
    next_ = 0;
    set_limits();
}

// The orders of the next places are asked for here and moved by the next change, once they are there.
void OrderIndex::move_some() {
    const std::size_t end = std::min(next_ + places_at_once, former_.mask + 1);
    for (; next_ < end; ++next_) {
        OrderSlot slot = former_.heads[next_];
        former_.heads[next_] = no_order;
        while (slot != no_order) {
            Order& order = pool_.edit(slot);
            const OrderSlot after = order.index_next;
            put(table_, hash(order.account, order.nonce, order.index), order, slot);
            slot = after;
        }
    }
    if (next_ > former_.mask) {
        former_ = Table();
        set_limits();
        return;
    }
    for (std::size_t i = next_; i < std::min(next_ + places_at_once, former_.mask + 1); ++i)
        prefetch_line(&pool_[former_.heads[i]]);
}

}  // namespace peerbook::exchange
