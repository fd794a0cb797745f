// From (account, nonce, index) to the order's slot. Open addressing, linear probing, deletion by shifting
// back (no tombstones, so add/cancel traffic never degrades it). An entry holds 32 bits of hash, so that
// moving and probing do not touch the orders. At most 3/4 full, and above 1,024 orders at least 1/8 once the
// table was resized.
//
// Resizing is spread over the following changes: each moves a few entries of the former table, and until it
// is empty both are searched. So no single order waits for all the others. Logic thread only.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "exchange/book/order_pool.h"
#include "exchange/market/index_hash.h"

namespace peerbook::exchange {

class OrderIndex {
  public:
    OrderIndex(const OrderPool& pool, std::uint64_t seed);

    std::uint32_t hash(std::uint32_t account, std::uint64_t nonce, std::uint32_t index) const {
        return static_cast<std::uint32_t>(hash_(std::uint64_t{account} << 32 | index, nonce) >> 32);
    }
    // Slot or no_order.
    OrderSlot find(std::uint32_t account, std::uint64_t nonce, std::uint32_t index) const {
        const std::uint32_t wanted = hash(account, nonce, index);
        const OrderSlot slot = find_in(table_, wanted, account, nonce, index);
        if (slot != no_order || former_.entries == nullptr) [[likely]]
            return slot;
        return find_in(former_, wanted, account, nonce, index);
    }
    void prefetch(std::uint32_t account, std::uint64_t nonce, std::uint32_t index) const {
        __builtin_prefetch(&table_.entries[hash(account, nonce, index) & table_.mask]);
    }
    // Precondition: no entry of this key. Nonces are burnt once, so the engine has none.
    void insert(OrderSlot slot);
    // Precondition: the slot's order is in the index.
    void erase(OrderSlot slot);

    std::size_t size() const { return size_; }
    std::size_t memory_bytes() const {
        return (table_.mask + 1 + (former_.entries != nullptr ? former_.mask + 1 : 0)) * sizeof(Entry);
    }

  private:
    struct Entry {
        std::uint32_t hash;
        std::uint32_t slot_plus_one;  // 0: empty, so that fresh zeroed memory is an empty table
    };
    struct Free {
        void operator()(Entry* entries) const { std::free(entries); }
    };
    struct Table {
        std::unique_ptr<Entry[], Free> entries;
        std::size_t mask = 0;
    };
    static Table make_table(std::size_t capacity);

    OrderSlot find_in(const Table& table, std::uint32_t wanted, std::uint32_t account, std::uint64_t nonce,
                      std::uint32_t index) const {
        for (std::size_t at = wanted & table.mask;; at = (at + 1) & table.mask) {
            const Entry& entry = table.entries[at];
            if (entry.slot_plus_one == 0) return no_order;
            if (entry.hash != wanted) continue;
            const Order& order = pool_[entry.slot_plus_one - 1];
            if (order.nonce == nonce && order.account == account && order.index == index)
                return entry.slot_plus_one - 1;
        }
    }
    static void put(Table& table, Entry entry);
    // False if the slot is not in this table.
    static bool take_out(Table& table, std::uint32_t hashed, OrderSlot slot);
    static void close_gap(Table& table, std::size_t at);
    void resize(std::size_t capacity);
    void move_some();

    const OrderPool& pool_;
    IndexHash hash_;
    Table table_;
    Table former_;          // while resizing; else without entries
    std::size_t next_ = 0;  // place in it that is moved next
    std::size_t size_ = 0;
};

}  // namespace peerbook::exchange
