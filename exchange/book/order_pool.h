// Orders of all markets, one cache line each, named by 32-bit slots. A slot keeps its content after its order
// left the book, until release(): undo puts the order back by its links alone. Memory grows in slabs and
// never moves, so that growing neither copies nor doubles. Logic thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace peerbook::exchange {

using OrderSlot = std::uint32_t;
// End of a linked list.
inline constexpr OrderSlot no_order = 0xffff'ffff;

struct Order {
    std::uint64_t nonce;
    std::int64_t price;     // ticks
    std::int64_t leaves;    // lots
    std::int64_t quantity;  // lots, as placed
    std::uint32_t index;
    std::uint32_t account;
    OrderSlot previous, next;                  // in its level, oldest first
    OrderSlot account_previous, account_next;  // among its account's open orders, newest first
    std::uint32_t market_and_side;             // market × 2 + (1 for a sell)
    std::uint32_t fee_carry;                   // ledger/fees.h

    std::uint32_t market() const { return market_and_side >> 1; }
    bool is_sell() const { return (market_and_side & 1) != 0; }
};
static_assert(sizeof(Order) == 64);

class OrderPool {
  public:
    Order& operator[](OrderSlot slot) { return slabs_[slot >> slab_bits][slot & slab_mask]; }
    const Order& operator[](OrderSlot slot) const { return slabs_[slot >> slab_bits][slot & slab_mask]; }

    OrderSlot allocate() {
        if (free_ == no_order) [[unlikely]]
            grow();
        const OrderSlot slot = free_;
        free_ = (*this)[slot].next;
        return slot;
    }
    void release(OrderSlot slot) {
        (*this)[slot].next = free_;
        free_ = slot;
    }
    std::size_t memory_bytes() const { return slabs_.size() * slab_size * sizeof(Order); }

  private:
    static constexpr unsigned slab_bits = 12;
    static constexpr std::size_t slab_size = std::size_t{1} << slab_bits;
    static constexpr std::size_t slab_mask = slab_size - 1;

    struct alignas(64) Line {
        Order order;
    };
    struct Slab {
        std::unique_ptr<Line[]> lines;
        Order& operator[](std::size_t i) { return lines[i].order; }
        const Order& operator[](std::size_t i) const { return lines[i].order; }
    };
    void grow();

    std::vector<Slab> slabs_;
    OrderSlot free_ = no_order;
};

}  // namespace peerbook::exchange
