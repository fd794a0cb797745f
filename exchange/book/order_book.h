// The books of all markets: which orders rest where, and which wait for a trigger. Knows nothing of money,
// events or undo; every change here has an exact inverse that the engine's undo log calls. Orders of all
// markets share one pool. Waiting orders stand in two books of their own for each market, by
// trigger price: those that wait for the last price to rise to it, lowest first, and those that wait for it
// to fall, highest first. Logic thread only.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <set>
#include <vector>

#include "base/prefetch.h"
#include "exchange/book/account_orders.h"
#include "exchange/book/order_pool.h"
#include "exchange/book/price_levels.h"
#include "exchange/market/types.h"

namespace peerbook::exchange {

struct NewOrder {
    OrderKey key;
    MarketId market;
    Side side = Side::buy;
    bool is_quote = false;
    bool is_waiting = false;
    bool waits_below = false;
    std::int64_t price = 0;     // of a waiting order its trigger's
    std::int64_t quantity = 0;  // as placed
    std::int64_t leaves = 0;    // shown
    std::uint32_t fee_carry = 0;
    const OrderExtension* extension = nullptr;  // copied; its quantity counts then
};

class OrderBooks {
  public:
    // `index_seed`: market/index_hash.h.
    OrderBooks(std::size_t market_count, std::uint64_t index_seed);

    void add_market();
    // The inverse of add_market, while the market's books are empty.
    void undo_add_market();

    // Puts the order at the end of its level and gives it the next sequence.
    OrderSlot insert(const NewOrder& order);
    // The same with a sequence of its own, for restoring: rising within each level.
    OrderSlot restore(const NewOrder& order, std::uint64_t sequence);
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
    void release(OrderSlot slot, bool is_extended) { pool_.release(slot, is_extended); }
    // Its own inverse. `leaves` is what is shown.
    void change(OrderSlot slot, std::int64_t leaves, std::uint32_t fee_carry) {
        Order& order = pool_.edit(slot);
        const std::size_t place = place_of(order);
        const std::int64_t difference = leaves - order.leaves;
        sides_[place].at(order.price).quantity += difference;
        lots_[place] += difference;
        order.leaves = leaves;
        order.fee_carry = fee_carry & fee_carry_mask;
    }
    // Its own inverse. Precondition: the order is extended.
    void change_hidden(OrderSlot slot, std::int64_t hidden);
    // An iceberg whose shown part is gone shows `shown` of its hidden lots, at the end of its level.
    // Precondition: it is the first of its level.
    void requeue(OrderSlot slot, std::int64_t shown);
    // The inverse of requeue, while the book is as it was left by it.
    void undo_requeue(OrderSlot slot, std::uint64_t sequence_before);

    const Order& order(OrderSlot slot) const { return pool_[slot]; }
    // The lines that removing the order will need. The order may be none, or have left.
    void prefetch_around(OrderSlot slot) const {
        const Order& order = pool_[slot];
        prefetch_line(&pool_[order.previous]);
        prefetch_line(&pool_[order.next]);
        sides_[place_of(order)].prefetch(order.price);
    }
    // Those that the next `count` orders will be written to.
    void prefetch_places(std::size_t count) const { pool_.prefetch_next(count); }
    // That of the order that a new one will be linked behind.
    void prefetch_behind(MarketId market, Side side, std::int64_t price) const {
        prefetch_line(&pool_[sides_[place(market, side)].tail_if_dense(price)]);
    }
    // The same, and the reference stays good until the slot is released, whatever is changed meanwhile: a
    // frozen view that still held its page has got a copy.
    const Order& owned(OrderSlot slot) { return pool_.edit(slot); }
    const OrderPool& pool() const { return pool_; }
    const OrderExtension& extension(const Order& order) const { return pool_.extension(order); }
    std::int64_t quantity(const Order& order) const { return pool_.quantity(order); }
    std::int64_t whole_leaves(const Order& order) const { return pool_.whole_leaves(order); }
    // What the order will trade up to: its price, of a waiting one its limit.
    std::int64_t limit(const Order& order) const {
        return order.is_waiting != 0 ? extension(order).limit : order.price;
    }
    OrderSlot find(OrderKey key) const { return find(key, hash(key)); }
    // For one key several times.
    std::uint32_t hash(OrderKey key) const { return hash_(key.nonce, key.index); }
    OrderSlot find(OrderKey key, std::uint32_t hashed) const {
        return open_orders(key.account).find(pool_, hashed, key.nonce, key.index);
    }
    // What find() reads, each once the one before is there: the account, the first line of its table, the
    // order that it probably finds. insert() reads and writes the first two as well.
    void prefetch_account(AccountIndex account) const { prefetch_line(&open_orders(account)); }
    void prefetch(AccountIndex account, std::uint32_t hashed) const { open_orders(account).prefetch(hashed); }
    OrderSlot prefetch_order(AccountIndex account, std::uint32_t hashed) const {
        const OrderSlot slot = open_orders(account).first(hashed);
        prefetch_line(&pool_[slot]);
        return slot;
    }
    PriceLevels& levels(MarketId market, Side side) { return sides_[place(market, side)]; }
    const PriceLevels& levels(MarketId market, Side side) const { return sides_[place(market, side)]; }
    const PriceLevels& waiting(MarketId market, bool below) const {
        return sides_[waiting_place(market, below)];
    }
    // Lots on one side of one market, hidden ones too, all levels together.
    std::int64_t side_quantity(MarketId market, Side side) const { return lots_[place(market, side)]; }
    std::int64_t waiting_quantity(MarketId market, bool below) const {
        return lots_[waiting_place(market, below)];
    }
    // Those of the side and all that wait.
    Amount lots_that_may_meet(MarketId market, Side side) const {
        const std::int64_t* lots = &lots_[place(market, Side::buy)];
        return Amount{lots[side == Side::sell ? 1 : 0]} + lots[2] + lots[3];
    }
    // Orders that expire, the next one first.
    struct Expiry {
        std::int64_t at_ms;
        std::uint64_t sequence;
        OrderSlot slot;
        friend auto operator<=>(const Expiry&, const Expiry&) = default;
    };
    const std::pmr::set<Expiry>& expiries() const { return expiries_; }

    std::uint32_t open_order_count(AccountIndex account) const { return open_orders(account).count(); }
    // Of them, those of mass quotes.
    std::uint32_t quote_count(AccountIndex account) const {
        return account.value() < accounts_.size() ? accounts_[account.value()].quotes : 0;
    }
    // Calls visit(slot) for the account's open orders, in no order, until it returns false.
    template <typename Visit>
    void for_each_open_order(AccountIndex account, Visit visit) const {
        open_orders(account).for_each(pool_, visit);
    }
    std::size_t size() const { return order_count_; }
    std::uint64_t next_sequence() const { return next_sequence_; }
    void set_next_sequence(std::uint64_t sequence) { next_sequence_ = sequence; }  // for restoring
    OrderPool::FrozenOrders freeze_orders() { return pool_.freeze_orders(); }
    OrderPool::FrozenExtensions freeze_extensions() { return pool_.freeze_extensions(); }
    std::size_t memory_bytes() const;

    static std::size_t place(MarketId market, Side side) {
        return std::size_t{market.value()} * 4 + (side == Side::sell ? 1 : 0);
    }

  private:
    static constexpr std::uint32_t fee_carry_mask = (1u << 20) - 1;

    struct OfAccount {
        [[no_unique_address]] AccountOrders open;
        std::uint32_t quotes = 0;
    };
    static_assert(sizeof(OfAccount) == 32);
    static std::size_t waiting_place(MarketId market, bool below) {
        return std::size_t{market.value()} * 4 + (below ? 3 : 2);
    }
    // By arithmetic, because no processor can guess an order's side.
    static std::size_t place_of(const Order& order) {
        const std::uint64_t waiting = order.is_waiting;
        return order.market_number * std::uint64_t{4} + waiting * 2 +
               ((order.is_sell & (waiting ^ 1)) | (order.waits_below & waiting));
    }
    OfAccount& orders_of(std::uint32_t account) {
        if (account >= accounts_.size()) [[unlikely]]
            return add_account(account);
        return accounts_[account];
    }
    [[gnu::noinline, gnu::cold]] OfAccount& add_account(std::uint32_t account);
    void link_last(OrderSlot slot, Order& order, Level& level);
    // Between the orders that it names as its neighbours.
    void link_back(OrderSlot slot, const Order& order, Level& level);
    void unlink_from_level(OrderSlot slot, const Order& order, Level& level);
    void add_to_account(OrderSlot slot, Order& order, OrderKey key, bool is_quote);
    void take_from_account(OrderSlot slot, const Order& order);
    const AccountOrders& open_orders(AccountIndex account) const {
        return account.value() < accounts_.size() ? accounts_[account.value()].open : no_orders;
    }
    static inline const AccountOrders no_orders;
    void count_extension(const Order& order, Level& level, bool is_added, OrderSlot slot);
    void add_expiry(const Expiry& expiry);
    void take_out_expiry(const Expiry& expiry);

    OrderPool pool_;
    OrderNameHash hash_;
    std::size_t order_count_ = 0;
    std::pmr::unsynchronized_pool_resource far_memory_;
    std::vector<PriceLevels> sides_;  // four for each market
    std::vector<std::int64_t> lots_;  // of each, hidden ones too
    std::vector<OfAccount> accounts_;
    std::pmr::unsynchronized_pool_resource expiry_memory_;
    std::pmr::set<Expiry> expiries_{&expiry_memory_};
    std::size_t expiries_most_ = 0;  // since their memory was given back
    std::uint64_t next_sequence_ = 1;
};

}  // namespace peerbook::exchange
