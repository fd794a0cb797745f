// From (account, nonce, index) to the order's slot. A table of heads; orders with the same place in it are
// linked through Order::index_next, the newest first. So an order is put in without a search, and mostly
// found and taken out at the first look; what open addressing saves in links it loses in loops whose length
// no processor guesses. At most half as many orders as places, and above 1,024 places at least a sixteenth
// once the table was resized.
//
// Resizing is spread over the following changes: each moves the orders of a few places of the former table,
// and until it is empty both are searched. So no single order waits for all the others. Logic thread only.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/huge_pages.h"
#include "base/prefetch.h"
#include "exchange/book/order_pool.h"
#include "exchange/market/index_hash.h"

namespace peerbook::exchange {

class OrderIndex {
  public:
    // `pool` outlives the index.
    OrderIndex(OrderPool& pool, std::uint64_t seed);

    // Of a key, for what takes it below.
    std::uint32_t hash(std::uint32_t account, std::uint64_t nonce, std::uint32_t index) const {
        return static_cast<std::uint32_t>(hash_(std::uint64_t{account} << 32 | index, nonce) >> 32);
    }
    // Slot or no_order.
    OrderSlot find(std::uint32_t hashed, std::uint32_t account, std::uint64_t nonce,
                   std::uint32_t index) const {
        const OrderSlot slot = find_in(table_, hashed, account, nonce, index);
        if (slot != no_order || former_.heads == nullptr) [[likely]]
            return slot;
        return find_in(former_, hashed, account, nonce, index);
    }
    // The line where a search begins, and, once that is there, the order that it meets first.
    void prefetch(std::uint32_t hashed) const { prefetch_line(&table_.heads[hashed & table_.mask]); }
    OrderSlot first(std::uint32_t hashed) const { return table_.heads[hashed & table_.mask]; }
    // Precondition: no entry of this key. Nonces are burnt once, so the engine has none. `order` is the
    // slot's, for writing; `hashed` its key's.
    void insert(OrderSlot slot, Order& order, std::uint32_t hashed) {
        put(table_, hashed, order, slot);
        if (++size_ > size_max_) [[unlikely]]
            grow();
    }
    // Precondition: the slot's order is in the index.
    void erase(OrderSlot slot, const Order& order) {
        const std::uint32_t hashed = hash(order.account, order.nonce, order.index);
        OrderSlot& head = table_.heads[hashed & table_.mask];
        if (head == slot) [[likely]]
            head = order.index_next;
        else
            erase_behind(hashed, slot);
        if (--size_ < size_min_) [[unlikely]]
            shrink();
    }

    std::size_t size() const { return size_; }
    std::size_t memory_bytes() const {
        return (table_.mask + 1 + (former_.heads != nullptr ? former_.mask + 1 : 0)) * sizeof(OrderSlot);
    }

  private:
    struct Free {
        void operator()(OrderSlot* heads) const { std::free(heads); }
    };
    struct Table {
        OrderSlot* heads = nullptr;  // of one of the two
        std::size_t mask = 0;
        std::unique_ptr<OrderSlot[], Free> on_heap;
        HugeRegion region;
    };
    static Table make_table(std::size_t capacity);

    OrderSlot find_in(const Table& table, std::uint32_t hashed, std::uint32_t account, std::uint64_t nonce,
                      std::uint32_t index) const {
        OrderSlot slot = table.heads[hashed & table.mask];
        for (; slot != no_order; slot = pool_[slot].index_next) {
            const Order& order = pool_[slot];
            if (order.nonce == nonce && order.account == account && order.index == index) break;
        }
        return slot;
    }
    void put(Table& table, std::uint32_t hashed, Order& order, OrderSlot slot) {
        OrderSlot& head = table.heads[hashed & table.mask];
        order.index_next = head;
        head = slot;
    }
    // For a slot that is not the head of its place in the table.
    void erase_behind(std::uint32_t hashed, OrderSlot slot);
    // False if the slot is not linked from `head` on.
    bool unlink(OrderSlot& head, OrderSlot slot);
    void grow();
    void shrink();
    void resize(std::size_t capacity);
    void move_some();
    void set_limits();

    OrderPool& pool_;
    IndexHash hash_;
    Table table_;
    Table former_;          // while resizing; else without heads
    std::size_t next_ = 0;  // place in it that is moved next
    std::size_t size_ = 0;
    // Beyond them a change has more to do than itself; while resizing every change has.
    std::size_t size_min_ = 0, size_max_ = 0;
};

}  // namespace peerbook::exchange
