#include "exchange/book/matcher.h"

namespace peerbook::exchange {

namespace {

// Looking through more of an account's orders than this costs more than looking at the orders in the way.
constexpr std::uint32_t own_orders_looked_at_max = 32;

// False if no order of the taker's own account stands in its way; true if one does or may.
bool may_meet_own(const OrderBooks& books, const Taker& taker) {
    if (books.open_order_count(taker.account) > own_orders_looked_at_max) return true;
    bool meets = false;
    books.for_each_open_order(taker.account, [&](OrderSlot slot) {
        const Order& own = books.order(slot);
        meets = own.is_waiting == 0 && own.market() == taker.market && own.side() != taker.side &&
                (taker.side == Side::buy ? own.price <= taker.limit : own.price >= taker.limit);
        return !meets;
    });
    return meets;
}

// Goes through the steps that a sweep would make, level by level.
class Rehearsal {
  public:
    Rehearsal(const OrderBooks& books, const Taker& taker, std::uint32_t steps_max,
              std::vector<HiddenLots>& hidden)
        : books_(books), taker_(taker), wanted_(taker.leaves), steps_left_(steps_max), returning_(hidden) {}

    // False once the end is known.
    bool take_whole(const Level& level) {
        if (level.orders > steps_left_) return end(Fillable::too_deep);
        steps_left_ -= level.orders;
        wanted_ -= level.quantity;
        return wanted_ > 0 || end(Fillable::yes);
    }
    bool take_order_by_order(const Level& level) {
        returning_.clear();
        for (OrderSlot slot = level.head; slot != no_order; slot = books_.order(slot).next) {
            const Order& maker = books_.order(slot);
            const bool is_own = maker.account == taker_.account.value();
            if (is_own && taker_.self_trade != SelfTradePrevention::cancel_oldest) return end(Fillable::no);
            if (steps_left_-- == 0) return end(Fillable::too_deep);
            if (is_own) continue;
            wanted_ -= std::min(wanted_, maker.leaves);
            if (wanted_ == 0) return end(Fillable::yes);
            if (maker.is_extended != 0 && books_.extension(maker).hidden > 0)
                returning_.push_back({books_.extension(maker).hidden, books_.extension(maker).display});
        }
        return take_hidden();
    }
    Fillable found() const { return found_; }
    std::int64_t wanted() const { return wanted_; }

  private:
    bool take_hidden() {
        for (std::size_t i = 0; i < returning_.size(); ++i) {
            if (steps_left_-- == 0) return end(Fillable::too_deep);
            HiddenLots hidden = returning_[i];
            const std::int64_t shown = std::min(hidden.display, hidden.lots);
            wanted_ -= std::min(wanted_, shown);
            if (wanted_ == 0) return end(Fillable::yes);
            hidden.lots -= shown;
            if (hidden.lots > 0) returning_.push_back(hidden);
        }
        return true;
    }
    bool end(Fillable found) {
        found_ = found;
        return false;
    }

    const OrderBooks& books_;
    const Taker& taker_;
    std::int64_t wanted_;
    std::uint32_t steps_left_;
    std::vector<HiddenLots>& returning_;  // icebergs at the end of their level, in order
    Fillable found_ = Fillable::no;
};

}  // namespace

Fillable can_fill(const OrderBooks& books, const Taker& taker, std::uint32_t steps_max,
                  std::vector<HiddenLots>& hidden) {
    const Side side = opposite(taker.side);
    if (books.side_quantity(taker.market, side) < taker.leaves) return Fillable::no;
    const bool by_order = may_meet_own(books, taker);
    const std::int64_t sign = taker.side == Side::buy ? 1 : -1;
    Rehearsal rehearsal(books, taker, steps_max, hidden);
    books.levels(taker.market, side).for_each([&](std::int64_t price, const Level& level) {
        if (price * sign > taker.limit * sign) return false;
        // A level that is taken whole counts by its totals, unless it may hold an own order or hidden lots.
        const bool whole = !by_order && level.icebergs == 0 && level.quantity <= rehearsal.wanted();
        return whole ? rehearsal.take_whole(level) : rehearsal.take_order_by_order(level);
    });
    return rehearsal.found();
}

}  // namespace peerbook::exchange
