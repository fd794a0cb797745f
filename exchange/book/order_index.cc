#include "exchange/book/order_index.h"

#include <utility>

#include "base/check.h"

namespace peerbook::exchange {

void OrderIndex::rehash(std::size_t capacity) {
    std::vector<Entry> old = std::exchange(entries_, std::vector<Entry>(capacity));
    mask_ = capacity - 1;
    for (const Entry& entry : old) {
        if (entry.slot == no_order) continue;
        std::size_t at = entry.hash & mask_;
        while (entries_[at].slot != no_order)
            at = (at + 1) & mask_;
        entries_[at] = entry;
    }
}

void OrderIndex::insert(OrderSlot slot) {
    if ((size_ + 1) * 4 > entries_.size() * 3) [[unlikely]]
        rehash(entries_.size() * 2);
    const Order& order = pool_[slot];
    const std::uint32_t hashed = hash(order.account, order.nonce, order.index);
    std::size_t at = hashed & mask_;
    while (entries_[at].slot != no_order)
        at = (at + 1) & mask_;
    entries_[at] = {hashed, slot};
    ++size_;
}

void OrderIndex::erase(OrderSlot slot) {
    const Order& order = pool_[slot];
    std::size_t at = hash(order.account, order.nonce, order.index) & mask_;
    while (entries_[at].slot != slot) {
        PB_CHECK(entries_[at].slot != no_order, "an order that leaves the book must be in the index");
        at = (at + 1) & mask_;
    }
    // Close the gap: an entry may move back to it unless its own home lies between the gap and the entry.
    for (std::size_t next = (at + 1) & mask_; entries_[next].slot != no_order; next = (next + 1) & mask_) {
        const std::size_t home = entries_[next].hash & mask_;
        if (((next - home) & mask_) < ((next - at) & mask_)) continue;
        entries_[at] = entries_[next];
        at = next;
    }
    entries_[at].slot = no_order;
    --size_;
}

}  // namespace peerbook::exchange
