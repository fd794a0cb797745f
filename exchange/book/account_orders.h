// The open orders of one account, found by nonce and index. A table of heads; orders with the same place in
// it are linked through Order::index_next, the newest first. So an order is put in without a search, and
// mostly found and taken out at the first look; what open addressing saves in links it loses in loops whose
// length no processor guesses. At most three quarters as many orders as places, and above places_kept at
// least a sixteenth.
//
// A table for each account, so that one line of it tells both where an order is and that it is the account's.
// Sixteen nonces that follow each other share a line: a client that counts up writes where it wrote last.
// Which line is told by a hash with a seed, because nonces are their owner's choice.
//
// A large table is resized bit by bit: each of the following changes moves the orders of a few places of the
// former one, and until it is empty both are searched. So no single order waits for all the others. Logic
// thread only.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/opaque.h"
#include "base/prefetch.h"
#include "exchange/book/order_pool.h"
#include "exchange/market/index_hash.h"

namespace peerbook::exchange {

// What tells an order's place in its account's table.
class OrderNameHash {
  public:
    // `seed`: market/index_hash.h.
    explicit OrderNameHash(std::uint64_t seed) : hash_(seed) {}
    // Of the 16 × 16 names that share a line, 16 share a place. Which of the line's places is told by the
    // seed as well, or nonces that count up by 16 would all stand in one of 16 places.
    std::uint32_t operator()(std::uint64_t nonce, std::uint32_t index) const {
        const auto line = static_cast<std::uint32_t>(hash_(index >> 4, nonce >> 4) >> 32);
        return line << 4 | ((static_cast<std::uint32_t>(nonce + index) + (line >> 28)) & 15);
    }

  private:
    IndexHash hash_;
};

class AccountOrders {
  public:
    std::uint32_t count() const { return count_; }

    // Slot or no_order. `hashed` is the name's.
    OrderSlot find(const OrderPool& pool, std::uint32_t hashed, std::uint64_t nonce,
                   std::uint32_t index) const {
        const OrderSlot slot = find_from(pool, heads_[hashed & mask_], nonce, index);
        if (slot != no_order || former_ == nullptr) [[likely]]
            return slot;
        return find_from(pool, former_->heads[hashed & former_->mask], nonce, index);
    }
    // The line where a search begins, and, once that is there, the order that it meets first.
    void prefetch(std::uint32_t hashed) const { prefetch_line(&heads_[hashed & mask_]); }
    OrderSlot first(std::uint32_t hashed) const { return heads_[hashed & mask_]; }

    // Precondition: no entry of this name. Nonces are burnt once, so the engine has none. `order` is the
    // slot's, for writing; `hashed` its name's.
    void insert(OrderPool& pool, OrderSlot slot, Order& order, std::uint32_t hashed) {
        if (count_ == room_) [[unlikely]]
            grow(pool);
        if (former_ != nullptr) [[unlikely]]
            move_some(pool);
        order.name_hash = hashed;
        put(slot, order);
        ++count_;
    }
    // Precondition: the slot's order is here.
    void erase(OrderPool& pool, OrderSlot slot, const Order& order) {
        OrderSlot& head = heads_[order.name_hash & mask_];
        if (head == slot) [[likely]]
            head = order.index_next;
        else
            erase_behind(pool, slot, order);
        --count_;
        if (former_ != nullptr) [[unlikely]]
            move_some(pool);
        if (count_ < mask_ / 16 && mask_ >= places_kept) [[unlikely]]
            shrink();
    }
    // Calls visit(slot) for all, in no order, until it returns false.
    template <typename Visit>
    void for_each(const OrderPool& pool, Visit visit) const {
        if (visit_all(pool, heads_.get(), mask_, visit) && former_ != nullptr)
            visit_all(pool, former_->heads.get(), former_->mask, visit);
    }
    std::size_t memory_bytes() const {
        return (room_ == 0 ? 0 : (std::size_t{mask_} + 1) * sizeof(OrderSlot)) +
               (former_ == nullptr ? 0
                                   : (std::size_t{former_->mask} + 1) * sizeof(OrderSlot) + sizeof(Former));
    }

  private:
    static constexpr std::uint32_t places_first = 8;
    static constexpr std::uint32_t places_kept = 256;  // never fewer once there were as many
    static inline OrderSlot no_places = no_order;      // of accounts without orders

    struct Free {
        void operator()(OrderSlot* heads) const {
            if (heads != &no_places) std::free(heads);
        }
    };
    using Heads = std::unique_ptr<OrderSlot[], Free>;
    struct Former {
        Heads heads;
        std::uint32_t mask;
        std::uint32_t next = 0;  // place that is moved next
    };

    static OrderSlot find_from(const OrderPool& pool, OrderSlot slot, std::uint64_t nonce,
                               std::uint32_t index) {
        // One branch for both ends, because no processor can guess whether an order is there. The order in
        // no_order's slot may be read like others.
        for (;; slot = pool[slot].index_next) {
            const Order& order = pool[slot];
            const unsigned is_it =
                static_cast<unsigned>(order.nonce == nonce) & static_cast<unsigned>(order.index == index);
            if (opaque(is_it | static_cast<unsigned>(slot == no_order)) != 0) [[likely]]
                return slot;
        }
    }
    template <typename Visit>
    static bool visit_all(const OrderPool& pool, const OrderSlot* heads, std::uint32_t mask, Visit& visit) {
        for (std::uint32_t i = 0; i <= mask; ++i)
            for (OrderSlot slot = heads[i]; slot != no_order; slot = pool[slot].index_next)
                if (!visit(slot)) return false;
        return true;
    }
    void put(OrderSlot slot, Order& order) {
        OrderSlot& head = heads_[order.name_hash & mask_];
        order.index_next = head;
        head = slot;
    }
    static Heads make_heads(std::uint32_t places);
    // For a slot that is not the head of its place.
    void erase_behind(OrderPool& pool, OrderSlot slot, const Order& order);
    void grow(OrderPool& pool);
    void shrink();
    // The table becomes the former one of a new one, into which nothing is moved yet.
    void begin_moving(std::uint32_t places);
    void move_some(OrderPool& pool);
    // Moves what stands in the next places of the former table.
    void move_places(OrderPool& pool, std::uint32_t count);
    void set_places(Heads heads, std::uint32_t places) {
        heads_ = std::move(heads);
        mask_ = places - 1;
        room_ = places / 4 * 3;
    }

    Heads heads_{&no_places};
    std::unique_ptr<Former> former_;  // while it is resized
    std::uint32_t mask_ = 0;
    std::uint32_t count_ = 0;
    std::uint32_t room_ = 0;  // orders that it takes before it grows
};

}  // namespace peerbook::exchange
