// The books of all markets: which orders rest where. Knows nothing of money, events or undo; every change
// here has an exact inverse that the engine's undo log calls. Orders of all markets share one pool and one
// index. Logic thread only.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <vector>

#include "exchange/book/order_index.h"
#include "exchange/book/order_pool.h"
#include "exchange/book/price_levels.h"
#include "exchange/market/types.h"

namespace peerbook::exchange {

struct NewOrder {
    OrderKey key;
    MarketId market;
    Side side = Side::buy;
    std::int64_t price = 0;
    std::int64_t quantity = 0;  // as placed
    std::int64_t leaves = 0;
    std::uint32_t fee_carry = 0;
};

class OrderBooks {
  public:
    // `index_seed`: market/index_hash.h.
    OrderBooks(std::size_t market_count, std::uint64_t index_seed);

    // Puts the order at the end of its level.
    OrderSlot insert(const NewOrder& order);
    // The inverse of insert, while the order is as it was inserted. Frees the slot.
    void undo_insert(OrderSlot slot);
    // Takes the order out of the book and the index. The slot keeps its content and its links for
    // undo_remove.
    void remove(OrderSlot slot);
    // The inverse of remove, while the book is as it was left by it: the order gets its place in the queue
    // back.
    void undo_remove(OrderSlot slot);
    // Frees the slot of a removed order.
    void release(OrderSlot slot) { pool_.release(slot); }
    // Its own inverse.
    void change(OrderSlot slot, std::int64_t leaves, std::uint32_t fee_carry) {
        Order& order = pool_[slot];
        BookSide& side = sides_[order.market_and_side];
        const std::int64_t difference = leaves - order.leaves;
        side.levels.at(order.price).quantity += difference;
        side.quantity += difference;
        order.leaves = leaves;
        order.fee_carry = fee_carry;
    }

    const Order& order(OrderSlot slot) const { return pool_[slot]; }
    OrderSlot find(OrderKey key) const {
        return index_.find(key.account.value(), key.ref.nonce, key.ref.index);
    }
    PriceLevels& levels(MarketId market, Side side) { return sides_[place(market, side)].levels; }
    const PriceLevels& levels(MarketId market, Side side) const { return sides_[place(market, side)].levels; }
    // Lots on one side of one market, all levels together.
    std::int64_t side_quantity(MarketId market, Side side) const {
        return sides_[place(market, side)].quantity;
    }

    std::uint32_t open_order_count(AccountIndex account) const {
        return account.value() < accounts_.size() ? accounts_[account.value()].count : 0;
    }
    OrderSlot newest_order_of(AccountIndex account) const {
        return account.value() < accounts_.size() ? accounts_[account.value()].newest : no_order;
    }
    std::size_t size() const { return index_.size(); }
    std::size_t memory_bytes() const;

    static std::uint32_t place(MarketId market, Side side) {
        return market.value() * 2 + (side == Side::sell ? 1 : 0);
    }

  private:
    struct BookSide {
        PriceLevels levels;
        std::int64_t quantity = 0;
    };
    struct AccountOrders {
        OrderSlot newest = no_order;
        std::uint32_t count = 0;
    };
    AccountOrders& orders_of(std::uint32_t account) {
        if (account >= accounts_.size()) [[unlikely]]
            accounts_.resize(std::size_t{account} + 1);
        return accounts_[account];
    }
    void unlink(const Order& order);

    OrderPool pool_;
    OrderIndex index_;
    std::pmr::unsynchronized_pool_resource far_memory_;
    std::vector<BookSide> sides_;  // by place()
    std::vector<AccountOrders> accounts_;
};

}  // namespace peerbook::exchange
