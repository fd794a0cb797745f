#include "exchange/book/matcher.h"

namespace peerbook::exchange {

bool can_fill(const OrderBooks& books, const Taker& taker) {
    const Side side = opposite(taker.side);
    if (books.side_quantity(taker.market, side) < taker.leaves) return false;
    // Level totals are enough unless an own order may stand in the way.
    const bool may_meet_own = books.open_order_count(taker.account) > 0;
    const std::int64_t sign = taker.side == Side::buy ? 1 : -1;
    std::int64_t wanted = taker.leaves;
    bool own = false;
    books.levels(taker.market, side).for_each([&](std::int64_t price, const Level& level) {
        if (price * sign > taker.limit * sign) return false;
        if (!may_meet_own) {
            wanted -= std::min(wanted, level.quantity);
            return wanted > 0;
        }
        for (OrderSlot slot = level.head; slot != no_order && wanted > 0; slot = books.order(slot).next) {
            const Order& maker = books.order(slot);
            if (maker.account == taker.account.value()) {
                own = true;
                return false;
            }
            wanted -= std::min(wanted, maker.leaves);
        }
        return wanted > 0;
    });
    return wanted == 0 && !own;
}

}  // namespace peerbook::exchange
