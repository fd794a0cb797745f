#include "exchange/book/order_book.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/check.h"

namespace peerbook::exchange {

namespace {

// All but the links. Words of bit-fields are put together in a register: g++ 12 writes the fields one by one
// and reads them back wider at once, for which the processor stalls.
inline void write_order(Order& order, const NewOrder& placed, std::uint64_t sequence) {
    const auto bit = [](bool is_set, unsigned place) { return std::uint64_t{is_set} << place; };
    order.nonce = placed.key.nonce;
    order.price = placed.price;
    order.leaves = placed.leaves;
    order.quantity_or_extension = placed.quantity;
    const std::uint64_t priority_and_book = (sequence & ((std::uint64_t{1} << 48) - 1)) |
                                            std::uint64_t{placed.market.value() & 0xfff} << 48 |
                                            bit(placed.side == Side::sell, 60) | bit(placed.is_waiting, 61) |
                                            bit(placed.waits_below, 62) | bit(placed.is_quote, 63);
    const std::uint32_t carry_and_index = (placed.fee_carry & 0xf'ffff) | (placed.key.index & 0x3ff) << 20 |
                                          std::uint32_t{placed.extension != nullptr} << 30 |
                                          std::uint32_t{1} << 31;
    order.account = placed.key.account.value();
    auto* const bytes = reinterpret_cast<std::byte*>(&order);
    std::memcpy(bytes + offsetof(Order, account) - sizeof priority_and_book, &priority_and_book,
                sizeof priority_and_book);
    std::memcpy(bytes + offsetof(Order, account) + sizeof order.account, &carry_and_index,
                sizeof carry_and_index);
}

}  // namespace

OrderBooks::OrderBooks(std::size_t market_count, std::uint64_t index_seed) : hash_(index_seed) {
    sides_.reserve(market_count * 4);
    for (std::size_t i = 0; i < market_count; ++i)
        add_market();
}

void OrderBooks::add_market() {
    sides_.emplace_back(Side::buy, &far_memory_);
    sides_.emplace_back(Side::sell, &far_memory_);
    sides_.emplace_back(Side::sell, &far_memory_);  // triggers above: lowest first
    sides_.emplace_back(Side::buy, &far_memory_);   // triggers below: highest first
    lots_.resize(sides_.size());
}

void OrderBooks::undo_add_market() {
    for (int i = 0; i < 4; ++i) {
        PB_CHECK(sides_.back().empty(), "a market whose creation is undone has no orders");
        sides_.pop_back();
    }
    lots_.resize(sides_.size());
}

OrderSlot OrderBooks::insert(const NewOrder& order) {
    return restore(order, next_sequence_);
}

OrderSlot OrderBooks::restore(const NewOrder& placed, std::uint64_t sequence) {
    const OrderSlot slot = pool_.allocate();
    Order& order = pool_.edit(slot);
    write_order(order, placed, sequence);
    if (placed.extension != nullptr) [[unlikely]]
        order.quantity_or_extension = pool_.allocate_extension(*placed.extension);
    next_sequence_ = sequence + 1;

    const std::size_t place = placed.is_waiting ? waiting_place(placed.market, placed.waits_below)
                                                : OrderBooks::place(placed.market, placed.side);
    Level& level = sides_[place].get_or_add(placed.price);
    link_last(slot, order, level);
    level.quantity += placed.leaves;
    ++level.orders;
    lots_[place] += placed.leaves;
    if (placed.extension != nullptr) [[unlikely]]
        count_extension(order, level, true, slot);

    add_to_account(slot, order, placed.key, placed.is_quote);
    return slot;
}

// Links past the ends of a level are those of no_order's slot, which nobody reads.

inline void OrderBooks::link_last(OrderSlot slot, Order& order, Level& level) {
    order.previous = level.tail;
    order.next = no_order;
    pool_.edit(level.tail).next = slot;
    level.head = level.head == no_order ? slot : level.head;
    level.tail = slot;
}

void OrderBooks::link_back(OrderSlot slot, const Order& order, Level& level) {
    const OrderSlot previous = order.previous, next = order.next;
    pool_.edit(previous).next = slot;
    pool_.edit(next).previous = slot;
    level.head = previous == no_order ? slot : level.head;
    level.tail = next == no_order ? slot : level.tail;
}

inline void OrderBooks::unlink_from_level(OrderSlot slot, const Order& order, Level& level) {
    const OrderSlot previous = order.previous, next = order.next;
    pool_.edit(previous).next = next;
    pool_.edit(next).previous = previous;
    level.head = level.head == slot ? next : level.head;
    level.tail = level.tail == slot ? previous : level.tail;
}

inline void OrderBooks::add_to_account(OrderSlot slot, Order& order, OrderKey key, bool is_quote) {
    OfAccount& account = orders_of(key.account.value());
    account.open.insert(pool_, slot, order, hash(key));
    account.quotes += is_quote ? 1 : 0;
    ++order_count_;
}

inline void OrderBooks::take_from_account(OrderSlot slot, const Order& order) {
    OfAccount& account = accounts_[order.account];
    account.open.erase(pool_, slot, order);
    account.quotes -= order.is_quote;
    --order_count_;
}

OrderBooks::OfAccount& OrderBooks::add_account(std::uint32_t account) {
    accounts_.resize(std::size_t{account} + 1);
    return accounts_[account];
}

void OrderBooks::count_extension(const Order& order, Level& level, bool is_added, OrderSlot slot) {
    const OrderExtension& extension = pool_.extension(order);
    lots_[place_of(order)] += is_added ? extension.hidden : -extension.hidden;
    if (extension.display != 0) level.icebergs += is_added ? 1u : ~0u;
    if (extension.expires_at_ms == 0) return;
    const Expiry expiry{extension.expires_at_ms, order.sequence, slot};
    if (is_added)
        add_expiry(expiry);
    else
        take_out_expiry(expiry);
}

void OrderBooks::add_expiry(const Expiry& expiry) {
    expiries_.insert(expiry);
    expiries_most_ = std::max(expiries_most_, expiries_.size());
}

// A pool gives its memory back as a whole only, and so once nothing needs it.
void OrderBooks::take_out_expiry(const Expiry& expiry) {
    constexpr std::size_t kept = 4'096;
    expiries_.erase(expiry);
    if (!expiries_.empty() || expiries_most_ <= kept) return;
    expiries_most_ = 0;
    expiry_memory_.release();
}

void OrderBooks::undo_insert(OrderSlot slot) {
    next_sequence_ = pool_[slot].sequence;
    remove(slot);
    pool_.release(slot);
}

void OrderBooks::remove(OrderSlot slot) {
    Order& order = pool_.edit(slot);
    order.is_live = 0;
    const std::size_t place = place_of(order);
    lots_[place] -= order.leaves;
    sides_[place].take_from(order.price, [&](Level& level) {
        unlink_from_level(slot, order, level);
        level.quantity -= order.leaves;
        --level.orders;
        if (order.is_extended != 0) [[unlikely]]
            count_extension(order, level, false, slot);
    });
    take_from_account(slot, order);
    PB_CHECK(lots_[place] >= 0, "no side has fewer lots than its orders");
}

void OrderBooks::undo_remove(OrderSlot slot) {
    Order& order = pool_.edit(slot);
    order.is_live = 1;
    const std::size_t place = place_of(order);
    Level& level = sides_[place].get_or_add(order.price);
    link_back(slot, order, level);
    level.quantity += order.leaves;
    ++level.orders;
    lots_[place] += order.leaves;
    if (order.is_extended != 0) [[unlikely]]
        count_extension(order, level, true, slot);

    OfAccount& account = accounts_[order.account];
    account.open.insert(pool_, slot, order, order.name_hash);
    account.quotes += order.is_quote;
    ++order_count_;
}

void OrderBooks::change_hidden(OrderSlot slot, std::int64_t hidden) {
    const Order& order = pool_[slot];
    OrderExtension& extension = pool_.edit_extension(order);
    lots_[place_of(order)] += hidden - extension.hidden;
    extension.hidden = hidden;
}

void OrderBooks::requeue(OrderSlot slot, std::int64_t shown) {
    Order& order = pool_.edit(slot);
    OrderExtension& extension = pool_.edit_extension(order);
    Level& level = sides_[place_of(order)].at(order.price);
    PB_CHECK(level.head == slot && order.leaves == 0, "an iceberg shows its next part when the last is gone");
    if (extension.expires_at_ms != 0) {
        expiries_.insert({extension.expires_at_ms, next_sequence_, slot});
        expiries_.erase({extension.expires_at_ms, order.sequence, slot});
    }
    unlink_from_level(slot, order, level);
    link_last(slot, order, level);
    order.sequence = next_sequence_++ & ((std::uint64_t{1} << 48) - 1);
    order.leaves = shown;
    level.quantity += shown;
    extension.hidden -= shown;
    ++extension.refreshes;
}

void OrderBooks::undo_requeue(OrderSlot slot, std::uint64_t sequence_before) {
    Order& order = pool_.edit(slot);
    OrderExtension& extension = pool_.edit_extension(order);
    Level& level = sides_[place_of(order)].at(order.price);
    next_sequence_ = order.sequence;
    if (extension.expires_at_ms != 0) {
        expiries_.insert({extension.expires_at_ms, sequence_before, slot});
        expiries_.erase({extension.expires_at_ms, order.sequence, slot});
    }
    level.quantity -= order.leaves;
    extension.hidden += order.leaves;
    --extension.refreshes;
    order.leaves = 0;
    order.sequence = sequence_before & ((std::uint64_t{1} << 48) - 1);
    unlink_from_level(slot, order, level);
    order.previous = no_order;
    order.next = level.head;
    link_back(slot, order, level);
}

std::size_t OrderBooks::memory_bytes() const {
    std::size_t bytes = pool_.memory_bytes() + accounts_.capacity() * sizeof(OfAccount) +
                        sides_.capacity() * sizeof(PriceLevels) + expiries_.size() * (sizeof(Expiry) + 32);
    for (const PriceLevels& side : sides_)
        bytes += side.memory_bytes();
    for (const OfAccount& account : accounts_)
        bytes += account.open.memory_bytes();
    return bytes;
}

}  // namespace peerbook::exchange
