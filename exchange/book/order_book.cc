#include "exchange/book/order_book.h"

#include "base/check.h"

namespace peerbook::exchange {

OrderBooks::OrderBooks(std::size_t market_count, std::uint64_t index_seed) : index_(pool_, index_seed) {
    sides_.reserve(market_count * 4);
    for (std::size_t i = 0; i < market_count; ++i)
        add_market();
}

void OrderBooks::add_market() {
    sides_.push_back({PriceLevels(Side::buy, &far_memory_)});
    sides_.push_back({PriceLevels(Side::sell, &far_memory_)});
    sides_.push_back({PriceLevels(Side::sell, &far_memory_)});  // triggers above: lowest first
    sides_.push_back({PriceLevels(Side::buy, &far_memory_)});   // triggers below: highest first
}

void OrderBooks::undo_add_market() {
    for (int i = 0; i < 4; ++i) {
        PB_CHECK(sides_.back().levels.empty(), "a market whose creation is undone has no orders");
        sides_.pop_back();
    }
}

OrderSlot OrderBooks::insert(const NewOrder& order) {
    return restore(order, next_sequence_);
}

OrderSlot OrderBooks::restore(const NewOrder& placed, std::uint64_t sequence) {
    const OrderSlot slot = pool_.allocate();
    Order& order = pool_.edit(slot);
    order.nonce = placed.key.nonce;
    order.price = placed.price;
    order.leaves = placed.leaves;
    order.quantity_or_extension = placed.quantity;
    order.sequence = sequence & ((std::uint64_t{1} << 48) - 1);
    order.market_number = placed.market.value() & 0xfff;
    order.is_sell = placed.side == Side::sell ? 1 : 0;
    order.is_waiting = placed.is_waiting ? 1 : 0;
    order.waits_below = placed.waits_below ? 1 : 0;
    order.is_quote = placed.is_quote ? 1 : 0;
    order.account = placed.key.account.value();
    order.fee_carry = placed.fee_carry & fee_carry_mask;
    order.index = placed.key.index & 0x3ff;
    order.is_extended = 0;
    order.is_live = 1;
    if (placed.extension != nullptr) [[unlikely]] {
        order.is_extended = 1;
        order.quantity_or_extension = pool_.allocate_extension(*placed.extension);
    }
    next_sequence_ = sequence + 1;

    BookSide& side = sides_[place_of(order)];
    Level& level = side.levels.get_or_add(order.price);
    link_last(slot, order, level);
    level.quantity += order.leaves;
    ++level.orders;
    side.quantity += order.leaves;
    if (order.is_extended != 0) [[unlikely]]
        count_extension(order, side, level, true, slot);

    AccountOrders& account = orders_of(order.account);
    order.account_previous = no_order;
    order.account_next = account.newest;
    if (account.newest != no_order) pool_.edit(account.newest).account_previous = slot;
    account.newest = slot;
    ++account.count;

    index_.insert(slot);
    return slot;
}

void OrderBooks::link_last(OrderSlot slot, Order& order, Level& level) {
    order.previous = level.tail;
    order.next = no_order;
    (level.tail == no_order ? level.head : pool_.edit(level.tail).next) = slot;
    level.tail = slot;
}

void OrderBooks::unlink_from_level(const Order& order, Level& level) {
    (order.previous == no_order ? level.head : pool_.edit(order.previous).next) = order.next;
    (order.next == no_order ? level.tail : pool_.edit(order.next).previous) = order.previous;
}

void OrderBooks::count_extension(const Order& order, BookSide& side, Level& level, bool is_added,
                                 OrderSlot slot) {
    const OrderExtension& extension = pool_.extension(order);
    side.quantity += is_added ? extension.hidden : -extension.hidden;
    if (extension.display != 0) level.icebergs += is_added ? 1u : ~0u;
    if (extension.expires_at_ms == 0) return;
    const Expiry expiry{extension.expires_at_ms, order.sequence, slot};
    if (is_added)
        expiries_.insert(expiry);
    else
        expiries_.erase(expiry);
}

void OrderBooks::undo_insert(OrderSlot slot) {
    next_sequence_ = pool_[slot].sequence;
    remove(slot);
    pool_.release(slot);
}

void OrderBooks::remove(OrderSlot slot) {
    index_.erase(slot);
    Order& order = pool_.edit(slot);
    order.is_live = 0;
    BookSide& side = sides_[place_of(order)];
    Level& level = side.levels.at(order.price);
    unlink_from_level(order, level);
    level.quantity -= order.leaves;
    side.quantity -= order.leaves;
    if (order.is_extended != 0) [[unlikely]]
        count_extension(order, side, level, false, slot);
    if (--level.orders == 0) side.levels.remove(order.price);

    AccountOrders& account = accounts_[order.account];
    (order.account_previous == no_order ? account.newest : pool_.edit(order.account_previous).account_next) =
        order.account_next;
    if (order.account_next != no_order)
        pool_.edit(order.account_next).account_previous = order.account_previous;
    --account.count;
}

void OrderBooks::undo_remove(OrderSlot slot) {
    Order& order = pool_.edit(slot);
    order.is_live = 1;
    BookSide& side = sides_[place_of(order)];
    Level& level = side.levels.get_or_add(order.price);
    (order.previous == no_order ? level.head : pool_.edit(order.previous).next) = slot;
    (order.next == no_order ? level.tail : pool_.edit(order.next).previous) = slot;
    level.quantity += order.leaves;
    ++level.orders;
    side.quantity += order.leaves;
    if (order.is_extended != 0) [[unlikely]]
        count_extension(order, side, level, true, slot);

    AccountOrders& account = accounts_[order.account];
    (order.account_previous == no_order ? account.newest : pool_.edit(order.account_previous).account_next) =
        slot;
    if (order.account_next != no_order) pool_.edit(order.account_next).account_previous = slot;
    ++account.count;

    index_.insert(slot);
}

void OrderBooks::change_hidden(OrderSlot slot, std::int64_t hidden) {
    const Order& order = pool_[slot];
    OrderExtension& extension = pool_.edit_extension(order);
    sides_[place_of(order)].quantity += hidden - extension.hidden;
    extension.hidden = hidden;
}

void OrderBooks::requeue(OrderSlot slot, std::int64_t shown) {
    Order& order = pool_.edit(slot);
    OrderExtension& extension = pool_.edit_extension(order);
    Level& level = sides_[place_of(order)].levels.at(order.price);
    PB_CHECK(level.head == slot && order.leaves == 0, "an iceberg shows its next part when the last is gone");
    if (extension.expires_at_ms != 0) {
        expiries_.erase({extension.expires_at_ms, order.sequence, slot});
        expiries_.insert({extension.expires_at_ms, next_sequence_, slot});
    }
    unlink_from_level(order, level);
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
    Level& level = sides_[place_of(order)].levels.at(order.price);
    next_sequence_ = order.sequence;
    if (extension.expires_at_ms != 0) {
        expiries_.erase({extension.expires_at_ms, order.sequence, slot});
        expiries_.insert({extension.expires_at_ms, sequence_before, slot});
    }
    level.quantity -= order.leaves;
    extension.hidden += order.leaves;
    --extension.refreshes;
    order.leaves = 0;
    order.sequence = sequence_before & ((std::uint64_t{1} << 48) - 1);
    unlink_from_level(order, level);
    order.previous = no_order;
    order.next = level.head;
    (level.head == no_order ? level.tail : pool_.edit(level.head).previous) = slot;
    level.head = slot;
}

std::size_t OrderBooks::memory_bytes() const {
    std::size_t bytes = pool_.memory_bytes() + index_.memory_bytes() +
                        accounts_.capacity() * sizeof(AccountOrders) + sides_.capacity() * sizeof(BookSide) +
                        expiries_.size() * (sizeof(Expiry) + 32);
    for (const BookSide& side : sides_)
        bytes += side.levels.memory_bytes();
    return bytes;
}

}  // namespace peerbook::exchange
