// Price-time matching: walks the other side from its best level, oldest order first, until the incoming order
// is filled, nothing meets its limit, an order of its own account stops it, its money is spent, or it made as
// many steps as it may. What a fill does to orders and money is the caller's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "exchange/book/order_book.h"

namespace peerbook::exchange {

struct Taker {
    AccountIndex account;
    MarketId market;
    Side side = Side::buy;
    SelfTradePrevention self_trade = SelfTradePrevention::cancel_newest;
    std::int64_t limit = 0;   // ticks; the worst price it takes
    std::int64_t leaves = 0;  // lots
};

enum class SweepEnd : std::uint8_t { filled, no_match, own_order, fill_limit };

// `on` gives what a step does:
//   std::int64_t affordable(std::int64_t price)     the most lots that the taker can pay for at this price
//   void fill(OrderSlot, const Order&, std::int64_t quantity)   takes the quantity off the resting order, or
//       removes it, or shows its next part; taker.leaves is what remained after the fill, and `on` sets it to
//       zero when the taker's money is spent
//   void meet_own(OrderSlot, const Order&)          not for cancel_newest: takes the resting order out, or
//       for decrement takes from both
// Steps are fills and meetings; `steps_left` is how many it may make, and afterwards what is left of them.
template <typename Steps>
SweepEnd sweep(OrderBooks& books, Taker& taker, std::uint32_t& steps_left, Steps& on) {
    const PriceLevels& levels = books.levels(taker.market, opposite(taker.side));
    while (taker.leaves > 0) {
        if (!levels.best_meets(taker.limit)) return SweepEnd::no_match;
        const OrderSlot slot = levels.best().head;
        const Order& maker = books.owned(slot);
        const bool is_own = maker.account == taker.account.value();
        if (is_own && taker.self_trade == SelfTradePrevention::cancel_newest) return SweepEnd::own_order;
        if (is_own) [[unlikely]] {
            if (steps_left == 0) return SweepEnd::fill_limit;
            --steps_left;
            on.meet_own(slot, maker);
            if (taker.self_trade == SelfTradePrevention::cancel_both) return SweepEnd::own_order;
            continue;
        }
        const std::int64_t quantity = std::min({taker.leaves, maker.leaves, on.affordable(maker.price)});
        if (quantity == 0) return SweepEnd::no_match;
        if (steps_left == 0) [[unlikely]]
            return SweepEnd::fill_limit;
        --steps_left;
        taker.leaves -= quantity;
        on.fill(slot, maker, quantity);
    }
    return SweepEnd::filled;
}

// Whether sweep() would fill the taker wholly by trades within `steps_max` steps. Changes nothing, and looks
// at no more than about that many orders and levels, however it ends. A taker that decrements is stopped by
// an own order.
enum class Fillable : std::uint8_t { yes, no, too_deep };
// An iceberg at the end of its level, with what it will show later.
struct HiddenLots {
    std::int64_t lots = 0;
    std::int64_t display = 0;
};
// `hidden` is there for its memory.
Fillable can_fill(const OrderBooks& books, const Taker& taker, std::uint32_t steps_max,
                  std::vector<HiddenLots>& hidden);

}  // namespace peerbook::exchange
