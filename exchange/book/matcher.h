// Price-time matching: walks the other side from its best level, oldest order first, until the incoming order
// is filled, nothing meets its limit, the next resting order is its own account's (self-trade prevention: the
// newest, which is the incoming one, stops), or it had as many fills as it may. What a fill does to orders
// and money is the engine's.
#pragma once

#include <algorithm>
#include <cstdint>

#include "exchange/book/order_book.h"

namespace peerbook::exchange {

struct Taker {
    AccountIndex account;
    MarketId market;
    Side side = Side::buy;
    std::int64_t limit = 0;   // ticks; the worst price it takes
    std::int64_t leaves = 0;  // lots
};

enum class SweepEnd : std::uint8_t { filled, no_match, own_order, fill_limit };

// Calls fill(slot, order, quantity) for each match, at the resting order's price. `fill` must take the
// quantity off the order, or remove it when that is all it had. `taker.leaves` is what remained after the
// fill.
template <typename Fill>
SweepEnd sweep(OrderBooks& books, Taker& taker, std::uint32_t fills_max, Fill fill) {
    PriceLevels& levels = books.levels(taker.market, opposite(taker.side));
    while (taker.leaves > 0) {
        if (!levels.best_meets(taker.limit)) return SweepEnd::no_match;
        const OrderSlot slot = levels.best().head;
        const Order& maker = books.order(slot);
        if (maker.account == taker.account.value()) return SweepEnd::own_order;
        if (fills_max-- == 0) [[unlikely]]
            return SweepEnd::fill_limit;
        const std::int64_t quantity = std::min(taker.leaves, maker.leaves);
        taker.leaves -= quantity;
        fill(slot, maker, quantity);
    }
    return SweepEnd::filled;
}

// Whether sweep() would fill the taker wholly with at most `orders_max` resting orders. Changes nothing, and
// looks at no more than `orders_max` orders and levels, however it ends.
enum class Fillable : std::uint8_t { yes, no, too_deep };
Fillable can_fill(const OrderBooks& books, const Taker& taker, std::uint32_t orders_max);

}  // namespace peerbook::exchange
