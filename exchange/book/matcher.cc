#include "exchange/book/matcher.h"

namespace peerbook::exchange {

namespace {

// Looking through more of an account's orders than this costs more than looking at the orders in the way.
constexpr std::uint32_t own_orders_looked_at_max = 32;

// False if no order of the taker's own account stands in its way; true if one does or may.
bool may_meet_own(const OrderBooks& books, const Taker& taker) {
    if (books.open_order_count(taker.account) > own_orders_looked_at_max) return true;
    const std::uint32_t place = OrderBooks::place(taker.market, opposite(taker.side));
    for (OrderSlot slot = books.newest_order_of(taker.account); slot != no_order;
         slot = books.order(slot).account_next) {
        const Order& own = books.order(slot);
        if (own.market_and_side != place) continue;
        if (taker.side == Side::buy ? own.price <= taker.limit : own.price >= taker.limit) return true;
    }
    return false;
}

}  // namespace

Fillable can_fill(const OrderBooks& books, const Taker& taker, std::uint32_t orders_max) {
    const Side side = opposite(taker.side);
    if (books.side_quantity(taker.market, side) < taker.leaves) return Fillable::no;
    const bool by_order = may_meet_own(books, taker);
    const std::int64_t sign = taker.side == Side::buy ? 1 : -1;
    std::int64_t wanted = taker.leaves;
    std::uint32_t orders_left = orders_max;
    Fillable found = Fillable::no;
    books.levels(taker.market, side).for_each([&](std::int64_t price, const Level& level) {
        if (price * sign > taker.limit * sign) return false;
        // A level that is taken whole counts by its totals, unless an own order may be in it.
        if (!by_order && level.quantity <= wanted) {
            if (level.orders > orders_left) {
                found = Fillable::too_deep;
                return false;
            }
            orders_left -= level.orders;
            wanted -= level.quantity;
        } else {
            for (OrderSlot slot = level.head; slot != no_order && wanted > 0; slot = books.order(slot).next) {
                const Order& maker = books.order(slot);
                if (maker.account == taker.account.value()) return false;
                if (orders_left-- == 0) {
                    found = Fillable::too_deep;
                    return false;
                }
                wanted -= std::min(wanted, maker.leaves);
            }
        }
        if (wanted == 0) found = Fillable::yes;
        return wanted > 0;
    });
    return found;
}

}  // namespace peerbook::exchange
