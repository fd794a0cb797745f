#include "exchange/book/order_index.h"

#include <new>
#include <utility>

#include "base/check.h"

namespace peerbook::exchange {

namespace {

constexpr std::size_t capacity_min = 1'024;
// Places of the former table that a change moves on, so that it is empty after an eighth as many changes as
// it has places. Meanwhile the new one is not resized: growing, it starts 3/8 full and gains 1/16 at most;
// shrinking to a half, it starts 1/4 full and gains 1/4 at most.
constexpr std::size_t places_at_once = 8;

}  // namespace

OrderIndex::OrderIndex(const OrderPool& pool, std::uint64_t seed)
    : pool_(pool), hash_(seed), table_(make_table(capacity_min)) {}

// From calloc, because large zeroed memory costs nothing until it is touched.
OrderIndex::Table OrderIndex::make_table(std::size_t capacity) {
    auto* entries = static_cast<Entry*>(std::calloc(capacity, sizeof(Entry)));
    if (entries == nullptr) throw std::bad_alloc();
    return {std::unique_ptr<Entry[], Free>(entries), capacity - 1};
}

void OrderIndex::put(Table& table, Entry entry) {
    std::size_t at = entry.hash & table.mask;
    while (table.entries[at].slot_plus_one != 0)
        at = (at + 1) & table.mask;
    table.entries[at] = entry;
}

// An entry may move back to the gap unless its own home lies between the gap and the entry.
void OrderIndex::close_gap(Table& table, std::size_t at) {
    for (std::size_t next = (at + 1) & table.mask; table.entries[next].slot_plus_one != 0;
         next = (next + 1) & table.mask) {
        const std::size_t home = table.entries[next].hash & table.mask;
        if (((next - home) & table.mask) < ((next - at) & table.mask)) continue;
        table.entries[at] = table.entries[next];
        at = next;
    }
    table.entries[at].slot_plus_one = 0;
}

bool OrderIndex::take_out(Table& table, std::uint32_t hashed, OrderSlot slot) {
    std::size_t at = hashed & table.mask;
    while (table.entries[at].slot_plus_one != slot + 1) {
        if (table.entries[at].slot_plus_one == 0) return false;
        at = (at + 1) & table.mask;
    }
    close_gap(table, at);
    return true;
}

void OrderIndex::insert(OrderSlot slot) {
    const Order& order = pool_[slot];
    put(table_, {hash(order.account, order.nonce, order.index), slot + 1});
    ++size_;
    PB_CHECK(size_ <= table_.mask, "the index always has an empty place, where searches end");
    if (former_.entries != nullptr) [[unlikely]]
        move_some();
    else if (size_ * 4 > (table_.mask + 1) * 3) [[unlikely]]
        resize((table_.mask + 1) * 2);
}

void OrderIndex::erase(OrderSlot slot) {
    const Order& order = pool_[slot];
    const std::uint32_t hashed = hash(order.account, order.nonce, order.index);
    if (!take_out(table_, hashed, slot)) {
        const bool is_in_former = former_.entries != nullptr && take_out(former_, hashed, slot);
        PB_CHECK(is_in_former, "an order that leaves the book must be in the index");
    }
    --size_;
    if (former_.entries != nullptr) [[unlikely]]
        move_some();
    else if (size_ * 8 < table_.mask + 1 && table_.mask + 1 > capacity_min) [[unlikely]]
        resize((table_.mask + 1) / 2);
}

void OrderIndex::resize(std::size_t capacity) {
    former_ = std::exchange(table_, make_table(capacity));
    next_ = 0;
}

// Closing a gap may bring the next entry to the same place, so a place counts once it is empty.
void OrderIndex::move_some() {
    for (std::size_t i = 0; i < places_at_once; ++i, ++next_) {
        if (next_ > former_.mask) {
            former_ = Table();
            return;
        }
        while (former_.entries[next_].slot_plus_one != 0) {
            put(table_, former_.entries[next_]);
            close_gap(former_, next_);
        }
    }
}

}  // namespace peerbook::exchange
