// From (account, nonce, index) to the order's slot. Open addressing, linear probing, deletion by shifting
// back (no tombstones, so add/cancel traffic never degrades it). An entry holds 32 bits of hash, so that
// growing and probing do not touch the orders. At most 3/4 full. Logic thread only.
#pragma once

#include <cstdint>
#include <vector>

#include "exchange/book/order_pool.h"
#include "exchange/market/index_hash.h"

namespace peerbook::exchange {

class OrderIndex {
  public:
    OrderIndex(const OrderPool& pool, std::uint64_t seed) : pool_(pool), hash_(seed) { rehash(1024); }

    std::uint32_t hash(std::uint32_t account, std::uint64_t nonce, std::uint32_t index) const {
        return static_cast<std::uint32_t>(hash_(std::uint64_t{account} << 32 | index, nonce) >> 32);
    }
    // Slot or no_order.
    OrderSlot find(std::uint32_t account, std::uint64_t nonce, std::uint32_t index) const {
        const std::uint32_t wanted = hash(account, nonce, index);
        for (std::size_t at = wanted & mask_;; at = (at + 1) & mask_) {
            const Entry& entry = entries_[at];
            if (entry.slot == no_order) return no_order;
            if (entry.hash != wanted) continue;
            const Order& order = pool_[entry.slot];
            if (order.nonce == nonce && order.account == account && order.index == index) return entry.slot;
        }
    }
    void prefetch(std::uint32_t account, std::uint64_t nonce, std::uint32_t index) const {
        __builtin_prefetch(&entries_[hash(account, nonce, index) & mask_]);
    }
    // Precondition: no entry of this key. Nonces are burnt once, so the engine has none.
    void insert(OrderSlot slot);
    // Precondition: the slot's order is in the index.
    void erase(OrderSlot slot);

    std::size_t size() const { return size_; }
    std::size_t memory_bytes() const { return entries_.capacity() * sizeof(Entry); }

  private:
    struct Entry {
        std::uint32_t hash = 0;
        OrderSlot slot = no_order;
    };
    void rehash(std::size_t capacity);

    const OrderPool& pool_;
    IndexHash hash_;
    std::vector<Entry> entries_;
    std::size_t mask_ = 0;
    std::size_t size_ = 0;
};

}  // namespace peerbook::exchange
