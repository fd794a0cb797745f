// Continuous matching and triggers.
#include <algorithm>

#include "tests/model/oracle.h"

namespace peerbook::exchange::model {

void Oracle::match_and_rest(Order order) {
    const Reason stopped_by = match(order);
    if (order.budget ? *order.budget == 0 : order.leaves == 0) return;
    if (stopped_by == Reason::none && order.time_in_force == TimeInForce::gtc) {
        rest(std::move(order));
        return;
    }
    Event& event = emit(EventKind::cancelled, order);
    event.reason = stopped_by != Reason::none ? stopped_by : Reason::immediate_or_cancel;
    event.quantity = Quantity(order.leaves);
    event.amount = to_amount(order.budget.value_or(0));
}

Reason Oracle::match(Order& taker) {
    for (std::uint32_t steps = 0;; ++steps) {
        if (taker.budget ? *taker.budget == 0 : taker.leaves == 0) return Reason::none;
        const std::vector<Order*> makers = book(taker.market, opposite(taker.side));
        if (makers.empty() || !meets(taker.side, taker.price, makers.front()->price)) return Reason::none;
        Order& maker = *makers.front();
        const bool is_own = maker.account == taker.account;
        if (is_own && taker.self_trade == SelfTradePrevention::cancel_newest) return Reason::self_trade;
        const std::int64_t quantity = lots_for(taker, maker);
        if (!is_own && quantity == 0) return Reason::none;
        if (steps == rules_.fills_per_command_max || steps_left() == 0) return Reason::too_many_fills;
        ++running_.steps;
        if (is_own) {
            if (meet_own(taker, maker)) return Reason::self_trade;
            continue;
        }
        Event& event = trade(taker, maker, maker.price, quantity, market_of(taker).rules.taker_fee_ppm);
        event.ordinal = maker.refreshes;
        if (taker.budget) *taker.budget -= Big(event.amount) + Big(event.taker_fee);
        if (maker.leaves == 0)
            orders_.erase(maker.name());
        else if (maker.shown == 0)
            show_next_part(maker);
    }
}

bool Oracle::meet_own(Order& taker, Order& maker) {
    if (taker.self_trade != SelfTradePrevention::decrement) {
        cancel(maker.name(), Reason::self_trade);
        return taker.self_trade == SelfTradePrevention::cancel_both;
    }
    const std::int64_t quantity = std::min(taker.leaves, maker.shown);
    maker.shown -= quantity;
    lose(maker, quantity);
    if (maker.leaves == 0)
        orders_.erase(maker.name());
    else if (maker.shown == 0)
        show_next_part(maker);
    lose(taker, quantity);
    return false;
}

// How many lots the taker takes of what the maker shows.
std::int64_t Oracle::lots_for(const Order& taker, const Order& maker) const {
    if (!taker.budget) return std::min(taker.leaves, maker.shown);
    const auto cost = [&](std::int64_t quantity) {
        const Big amount = notional(taker, maker.price, quantity);
        return Big(amount + next_fee(taker, amount, market_of(taker).rules.taker_fee_ppm));
    };
    std::int64_t affordable = 0, too_many = maker.shown + 1;
    while (affordable + 1 < too_many) {
        const std::int64_t middle = affordable + (too_many - affordable) / 2;
        (cost(middle) <= *taker.budget ? affordable : too_many) = middle;
    }
    return affordable;
}

// `rate` is what `order` pays; the maker pays the maker's. Both orders keep their names afterwards.
Event& Oracle::trade(Order& order, Order& maker, std::int64_t price, std::int64_t quantity,
                     std::uint32_t rate) {
    const MarketRules& rules = market_of(order).rules;
    const Big amount = notional(order, price, quantity);
    const Big fee = charge(order, amount, rate);
    const Big maker_fee = charge(maker, amount, rules.maker_fee_ppm);
    if (!order.budget) order.leaves -= quantity;
    maker.leaves -= quantity;
    maker.shown -= quantity;
    if (rules_.has_ledger) {
        const bool buys = order.side == Side::buy;
        const Big units = Big(quantity) * Big(rules.lot_units);
        Account& buyer = accounts_.at(buys ? order.account : maker.account);
        Account& seller = accounts_.at(buys ? maker.account : order.account);
        buyer.totals[rules.quote.value()] -= amount + (buys ? fee : maker_fee);
        buyer.totals[rules.base.value()] += units;
        seller.totals[rules.base.value()] -= units;
        seller.totals[rules.quote.value()] += amount - (buys ? maker_fee : fee);
        accounts_.at(rules_.fee_account).totals[rules.quote.value()] += fee + maker_fee;
    }
    market_of(order).last = price;
    note_traded(order.market);
    Event& event = emit(EventKind::filled, order);
    event.maker = key_of(maker.account, maker.ref);
    event.price = Price(price);
    event.quantity = Quantity(quantity);
    event.leaves = Quantity(order.leaves);
    event.maker_leaves = Quantity(maker.leaves);
    event.amount = to_amount(amount);
    event.taker_fee = to_amount(fee);
    event.maker_fee = to_amount(maker_fee);
    return event;
}

// Its triggers are looked at after the command.
void Oracle::note_traded(std::uint32_t market) {
    if (std::count(running_.traded.begin(), running_.traded.end(), market) == 0)
        running_.traded.push_back(market);
}

void Oracle::show_next_part(Order& order) {
    order.shown = std::min(*order.display, order.leaves);
    order.sequence = next_sequence_++;
    ++order.refreshes;
    Event& event = emit(EventKind::rested, order);
    event.quantity = Quantity(order.shown);
    event.leaves = Quantity(order.leaves);
}

// --- checks ---

bool Oracle::would_trade(const Order& order) const {
    const std::vector<Order> others = side_orders(order.market, opposite(order.side));
    return !others.empty() && meets(order.side, order.price, others.front().price);
}

bool Oracle::is_outside_band(const Order& order) const {
    const Market& market = market_of(order);
    if (market.rules.band_ppm == 0 || !market.last) return false;
    const Big distance = abs(Big(order.price) - *market.last);
    return distance * 1'000'000 > Big(*market.last) * market.rules.band_ppm;
}

// Tries it on a copy of the other side.
Reason Oracle::check_fill_or_kill(const Order& taker) const {
    std::vector<Order> makers = side_orders(taker.market, opposite(taker.side));
    Big offered = 0;
    for (const Order& maker : makers)
        offered += maker.leaves;
    if (offered < taker.leaves) return Reason::not_fillable;
    const std::uint32_t steps_max =
        std::min({rules_.fok_orders_max, rules_.fills_per_command_max, steps_left()});
    std::int64_t leaves = taker.leaves;
    for (std::uint32_t steps = 0; leaves > 0; ++steps) {
        if (makers.empty() || !meets(taker.side, taker.price, makers.front().price))
            return Reason::not_fillable;
        Order maker = makers.front();
        const bool is_own = maker.account == taker.account;
        if (is_own && taker.self_trade != SelfTradePrevention::cancel_oldest) return Reason::not_fillable;
        if (steps == steps_max) return Reason::too_deep;
        makers.erase(makers.begin());
        if (is_own) continue;
        const std::int64_t quantity = std::min(leaves, maker.shown);
        leaves -= quantity;
        maker.leaves -= quantity;
        if (leaves == 0 || maker.leaves == 0) continue;
        maker.shown = std::min(*maker.display, maker.leaves);  // at the end of its level
        const auto end = std::find_if(makers.begin(), makers.end(),
                                      [&](const Order& other) { return other.price != maker.price; });
        makers.insert(end, maker);
    }
    return Reason::none;
}

// --- triggers ---

const Order* Oracle::first_triggered(std::uint32_t market) const {
    const std::optional<std::int64_t> last = markets_[market].last;
    if (!last) return nullptr;
    for (TriggerWhen when : {TriggerWhen::at_or_above, TriggerWhen::at_or_below}) {
        const Order* first = nullptr;
        for (const auto& [name, order] : orders_) {
            if (order.market != market || !order.trigger || order.trigger->when != when) continue;
            if (!is_met(*order.trigger, *last)) continue;
            const auto rank = [&](const Order& of) {
                const std::int64_t price = of.trigger->price.value();
                return std::pair(when == TriggerWhen::at_or_above ? price : -price, of.sequence);
            };
            if (first == nullptr || rank(order) < rank(*first)) first = &order;
        }
        if (first != nullptr) return first;
    }
    return nullptr;
}

void Oracle::fire(std::uint32_t market) {
    while (markets_[market].phase == MarketPhase::trading) {
        const Order* first = first_triggered(market);
        if (first == nullptr) return;
        Order order = *first;
        orders_.erase(order.name());
        order.trigger.reset();
        Event& event = emit(EventKind::triggered, order);
        event.price = Price(*markets_[market].last);
        event.quantity = event.leaves = Quantity(order.leaves);
        event.amount = to_amount(order.budget.value_or(0));
        activate(std::move(order));
    }
}

void Oracle::activate(Order order) {
    Reason refused = Reason::none;
    if (is_outside_band(order))
        refused = Reason::price_band;
    else if (order.post_only && would_trade(order))
        refused = Reason::would_trade;
    else if (order.time_in_force == TimeInForce::fok)
        refused = check_fill_or_kill(order);
    if (refused == Reason::none) return enter_market(std::move(order));
    Event& event = emit(EventKind::cancelled, order);
    event.reason = refused;
    event.quantity = Quantity(order.leaves);
    event.amount = to_amount(order.budget.value_or(0));
}

}  // namespace peerbook::exchange::model
