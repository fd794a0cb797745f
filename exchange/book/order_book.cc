#include "exchange/book/order_book.h"

namespace peerbook::exchange {

OrderBooks::OrderBooks(std::size_t market_count, std::uint64_t index_seed) : index_(pool_, index_seed) {
    sides_.reserve(market_count * 2);
    for (std::size_t i = 0; i < market_count; ++i) {
        sides_.push_back({PriceLevels(Side::buy, &far_memory_)});
        sides_.push_back({PriceLevels(Side::sell, &far_memory_)});
    }
}

OrderSlot OrderBooks::insert(const NewOrder& placed) {
    const OrderSlot slot = pool_.allocate();
    Order& order = pool_[slot];
    order.nonce = placed.key.ref.nonce;
    order.index = placed.key.ref.index;
    order.account = placed.key.account.value();
    order.price = placed.price;
    order.leaves = placed.leaves;
    order.quantity = placed.quantity;
    order.market_and_side = place(placed.market, placed.side);
    order.fee_carry = placed.fee_carry;

    BookSide& side = sides_[order.market_and_side];
    Level& level = side.levels.get_or_add(order.price);
    order.previous = level.tail;
    order.next = no_order;
    (level.tail == no_order ? level.head : pool_[level.tail].next) = slot;
    level.tail = slot;
    level.quantity += order.leaves;
    ++level.orders;
    side.quantity += order.leaves;

    AccountOrders& account = orders_of(order.account);
    order.account_previous = no_order;
    order.account_next = account.newest;
    if (account.newest != no_order) pool_[account.newest].account_previous = slot;
    account.newest = slot;
    ++account.count;

    index_.insert(slot);
    return slot;
}

void OrderBooks::unlink(const Order& order) {
    BookSide& side = sides_[order.market_and_side];
    Level& level = side.levels.at(order.price);
    (order.previous == no_order ? level.head : pool_[order.previous].next) = order.next;
    (order.next == no_order ? level.tail : pool_[order.next].previous) = order.previous;
    level.quantity -= order.leaves;
    side.quantity -= order.leaves;
    if (--level.orders == 0) side.levels.remove(order.price);

    AccountOrders& account = accounts_[order.account];
    (order.account_previous == no_order ? account.newest : pool_[order.account_previous].account_next) =
        order.account_next;
    if (order.account_next != no_order) pool_[order.account_next].account_previous = order.account_previous;
    --account.count;
}

void OrderBooks::undo_insert(OrderSlot slot) {
    remove(slot);
    pool_.release(slot);
}

void OrderBooks::remove(OrderSlot slot) {
    index_.erase(slot);
    unlink(pool_[slot]);
}

void OrderBooks::undo_remove(OrderSlot slot) {
    const Order& order = pool_[slot];
    BookSide& side = sides_[order.market_and_side];
    Level& level = side.levels.get_or_add(order.price);
    (order.previous == no_order ? level.head : pool_[order.previous].next) = slot;
    (order.next == no_order ? level.tail : pool_[order.next].previous) = slot;
    level.quantity += order.leaves;
    ++level.orders;
    side.quantity += order.leaves;

    AccountOrders& account = accounts_[order.account];
    (order.account_previous == no_order ? account.newest : pool_[order.account_previous].account_next) = slot;
    if (order.account_next != no_order) pool_[order.account_next].account_previous = slot;
    ++account.count;

    index_.insert(slot);
}

std::size_t OrderBooks::memory_bytes() const {
    std::size_t bytes = pool_.memory_bytes() + index_.memory_bytes() +
                        accounts_.capacity() * sizeof(AccountOrders) + sides_.capacity() * sizeof(BookSide);
    for (const BookSide& side : sides_)
        bytes += side.levels.memory_bytes();
    return bytes;
}

}  // namespace peerbook::exchange
