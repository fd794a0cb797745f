// Placing and changing orders.
#include <algorithm>
#include <limits>

#include "tests/model/oracle.h"

namespace peerbook::exchange::model {

// --- placing ---

Order Oracle::new_order(MarketId market, Side side, Price price, Quantity quantity) const {
    Order order;
    order.account = sender();
    order.ref = running_.entry->ref();
    order.market = market.value();
    order.side = side;
    order.price = price.value();
    order.quantity = order.leaves = quantity.value();
    return order;
}

void Oracle::run(const LimitOrder& command) {
    Order order = new_order(command.market, command.side, command.price, command.quantity);
    order.time_in_force = command.time_in_force;
    order.post_only = command.post_only;
    order.self_trade = command.self_trade;
    place(order, nullptr, false);
}

void Oracle::run(const MarketOrder& command) {
    Order order = new_order(command.market, command.side, command.protection, command.quantity);
    order.time_in_force = TimeInForce::ioc;
    order.self_trade = command.self_trade;
    place(order, nullptr, false);
}

void Oracle::run(const BudgetOrder& command) {
    Order order = new_order(command.market, Side::buy, command.protection, Quantity(0));
    order.time_in_force = TimeInForce::ioc;
    order.self_trade = command.self_trade;
    order.budget = Big(command.budget);
    place(order, nullptr, false);
}

void Oracle::run(const SpecialOrder& command) {
    const LimitOrder& limit = command.order;
    Order order = new_order(limit.market, limit.side, limit.price, limit.quantity);
    order.time_in_force = limit.time_in_force;
    order.post_only = limit.post_only;
    order.self_trade = limit.self_trade;
    if (command.display) order.display = command.display->value();
    if (command.expires_at) order.expires_at = command.expires_at->ms;
    order.trigger = command.trigger;
    if (command.budget) order.budget = Big(*command.budget);
    place(order, nullptr, command.budget && !command.trigger);
}

Reason Oracle::check(const Order& order, const Order* replaced, bool are_terms_bad) const {
    if (order.market >= markets_.size()) return Reason::unknown_market;
    const Market& market = market_of(order);
    const MarketRules& rules = market.rules;
    const bool is_gtc = order.time_in_force == TimeInForce::gtc;
    const bool is_fok = order.time_in_force == TimeInForce::fok;

    if (market.phase == MarketPhase::halted) return Reason::market_halted;

    if (are_terms_bad) return Reason::bad_order_terms;
    if (!is_gtc && (order.post_only || order.display || order.expires_at)) return Reason::bad_order_terms;
    if (order.budget && (order.side != Side::buy || order.time_in_force != TimeInForce::ioc ||
                         order.self_trade == SelfTradePrevention::decrement || order.quantity != 0))
        return Reason::bad_order_terms;

    if (market.phase == MarketPhase::auction && (!is_gtc || order.post_only) && !order.trigger)
        return Reason::not_now;
    if (is_batch_market(order) && (is_fok || order.post_only || order.budget)) return Reason::not_now;

    const auto is_price = [&](std::int64_t price) { return price >= 1 && price <= rules.price_max.value(); };
    if (!is_price(order.price)) return Reason::price_out_of_range;
    if (order.trigger && !is_price(order.trigger->price.value())) return Reason::price_out_of_range;

    if (order.budget) {
        if (*order.budget < 1 || *order.budget > Big(1) << 100) return Reason::amount_out_of_range;
    } else if (order.quantity < rules.quantity_min.value() || order.quantity > rules.quantity_max.value()) {
        return Reason::quantity_out_of_range;
    }
    const std::int64_t thousandth = order.quantity / 1'000 + (order.quantity % 1'000 > 0 ? 1 : 0);
    const std::int64_t display_min = std::max(rules.quantity_min.value(), thousandth);
    if (order.display && (*order.display < display_min || *order.display > order.quantity))
        return Reason::quantity_out_of_range;

    const Big worth = order.budget ? *order.budget : notional(order, order.price, order.quantity);
    if (worth < Big(rules.notional_min)) return Reason::notional_too_small;
    if (!order.trigger && is_outside_band(order)) return Reason::price_band;
    if (order.expires_at && *order.expires_at <= time_) return Reason::already_expired;
    if (order.trigger && market.last && is_met(*order.trigger, *market.last)) return Reason::would_trigger;

    if (is_gtc || order.trigger || is_batch_market(order)) {
        const Reason reason = check_room(order, replaced);
        if (reason != Reason::none) return reason;
    }

    if (rules_.has_ledger) {
        const Big free = available(order.account, reserve_asset(order));
        if (held_by(order) > free + (replaced != nullptr ? held_by(*replaced) : Big(0)))
            return Reason::insufficient_balance;
    }

    const bool matches_now =
        market.phase == MarketPhase::trading && !is_batch_market(order) && !order.trigger;
    if (matches_now && order.post_only && would_trade(order)) return Reason::would_trade;
    if (matches_now && is_fok) return check_fill_or_kill(order);
    return Reason::none;
}

// For an order that may stay.
Reason Oracle::check_room(const Order& order, const Order* replaced) const {
    if (replaced == nullptr && (open_names(order.account).size() >= rules_.open_orders_per_account_max ||
                                orders_.size() >= rules_.open_orders_max))
        return Reason::open_order_limit;
    // Any waiting order may come to this side one day.
    Big beside = order.quantity;
    for (const auto& [name, other] : orders_)
        if (other.market == order.market && &other != replaced && (other.trigger || other.side == order.side))
            beside += other.leaves;
    return beside > std::numeric_limits<std::int64_t>::max() ? Reason::overflow : Reason::none;
}

void Oracle::place(const Order& order, const Order* replaced, bool are_terms_bad) {
    const Reason refused = check(order, replaced, are_terms_bad);
    if (refused != Reason::none) {
        reject(refused);
        running_.events->back().order = key_of(order.account, order.ref);
        return;
    }
    Event& accepted = emit(EventKind::accepted, order);
    accepted.quantity = accepted.leaves = Quantity(order.quantity);
    accepted.amount = to_amount(order.budget.value_or(0));
    if (replaced != nullptr) {
        Event& event = emit(EventKind::replaced, *replaced);
        event.maker = key_of(order.account, order.ref);
        event.quantity = Quantity(replaced->leaves);
        orders_.erase(replaced->name());
    }
    if (order.trigger)
        wait(order);
    else
        enter_market(order);
}

void Oracle::enter_market(Order order) {
    if (market_of(order).phase == MarketPhase::auction || is_batch_market(order))
        rest(std::move(order));
    else
        match_and_rest(std::move(order));
}

void Oracle::wait(Order order) {
    order.sequence = next_sequence_++;
    Event& event = emit(EventKind::waiting, order);
    event.price = order.trigger->price;
    event.quantity = event.leaves = Quantity(order.quantity);
    event.amount = to_amount(order.budget.value_or(0));
    orders_[order.name()] = order;
}

void Oracle::rest(Order order) {
    order.shown = order.display ? std::min(*order.display, order.leaves) : order.leaves;
    order.sequence = next_sequence_++;
    Event& event = emit(EventKind::rested, order);
    event.quantity = Quantity(order.shown);
    event.leaves = Quantity(order.leaves);
    if (market_of(order).phase == MarketPhase::trading) running_.placed.insert(order.market);
    orders_[order.name()] = order;
}

// --- changing ---

Order* Oracle::find_own(CommandRef target) {
    const auto found = orders_.find({sender(), target});
    return found == orders_.end() ? nullptr : &found->second;
}

void Oracle::cancel(OrderName name, Reason reason) {
    const Order order = orders_.at(name);
    orders_.erase(name);
    Event& event = emit(EventKind::cancelled, order);
    event.reason = reason;
    event.quantity = Quantity(order.leaves);
    event.amount = to_amount(order.budget.value_or(0));
}

void Oracle::run(const CancelOrder& command) {
    const CommandRef own = running_.entry->ref();
    if (find_own(command.target) != nullptr) {
        emit(EventKind::accepted);
        cancel({sender(), command.target}, Reason::requested);
    } else if (command.target.nonce == own.nonce && command.target.index > own.index) {
        reject(Reason::target_comes_later);
    } else if (running_.entry->target_is_too_new) {
        reject(Reason::nonce_out_of_window);
    } else {
        reject(Reason::unknown_order);
    }
}

void Oracle::run(const ReduceOrder& command) {
    const std::int64_t by = command.by.value();
    if (by < 1) return reject(Reason::quantity_out_of_range);
    Order* order = find_own(command.target);
    if (order == nullptr) return reject(Reason::unknown_order);
    if (order->budget) return reject(Reason::bad_order_terms);
    emit(EventKind::accepted);
    if (by >= order->leaves) return cancel(order->name(), Reason::requested);
    order->leaves -= by;
    order->shown = std::min(order->shown, order->leaves);  // the hidden part first
    Event& event = emit(EventKind::reduced, *order);
    event.reason = Reason::requested;
    event.quantity = command.by;
    event.leaves = Quantity(order->leaves);
}

void Oracle::run(const ReplaceOrder& command) {
    const Order* found = find_own(command.target);
    if (found == nullptr) return reject(Reason::unknown_order);
    const Order target = *found;
    Order order = new_order(MarketId(target.market), target.side, command.price, command.quantity);
    if (target.trigger) order.time_in_force = target.time_in_force;
    order.post_only = command.post_only;
    order.self_trade = command.self_trade;
    if (target.display) order.display = std::min(*target.display, order.quantity);
    order.expires_at = target.expires_at;
    order.trigger = target.trigger;
    if (order.trigger && command.trigger) order.trigger->price = *command.trigger;
    const bool are_terms_bad = target.budget || (command.trigger && !target.trigger);
    place(order, found, are_terms_bad);
}

void Oracle::cancel_matching(const CancelAll& command, const std::function<bool(const Order&)>& wanted) {
    for (const OrderName& name : open_names(sender())) {
        const Order& order = orders_.at(name);
        if (command.market && command.market->value() != order.market) continue;
        if (command.side && *command.side != order.side) continue;
        if (wanted(order)) cancel(name, Reason::requested);
    }
}

void Oracle::run(const CancelAll& command) {
    if (command.market && command.market->value() >= markets_.size()) return reject(Reason::unknown_market);
    if (looks_through_too_many()) return;
    emit(EventKind::accepted);
    cancel_matching(command, [](const Order&) { return true; });
}

bool Oracle::looks_through_too_many() {
    std::uint64_t& sum = running_.looked_through[sender()];
    const std::uint64_t open = open_names(sender()).size();
    if (sum == 0 || sum + open <= rules_.orders_looked_through_max) {
        sum += open;
        return false;
    }
    reject(Reason::rate_limit);
    running_.events->back().quantity = Quantity(static_cast<std::int64_t>(rules_.orders_looked_through_max));
    return true;
}

// The running command is a later one of the commit, which ran already for what was open then.
void Oracle::cancel_left_by(const Entry& placing, const CancelAll& command) {
    const auto* quotes = placing.as<MassQuote>();
    const CommandRef first = placing.ref();
    const std::size_t names = quotes == nullptr ? 1 : quotes->quotes.size();
    cancel_matching(command, [&](const Order& order) {
        return order.ref.nonce == first.nonce && order.ref.index >= first.index &&
               order.ref.index < first.index + names;
    });
}

void Oracle::run(const CancelAfter& command) {
    Account& account = sending();
    if (!command.timeout) {
        emit(EventKind::accepted);
        account.cancels_at.reset();
        return;
    }
    const std::int64_t ns = command.timeout->ns;
    if (ns % 1'000'000 != 0 || ns < 1'000'000 || ns > cancel_after_max.ns)
        return reject(Reason::amount_out_of_range);
    emit(EventKind::accepted);
    account.cancels_at = time_ + ns / 1'000'000;
}

void Oracle::run(const MassQuote& command) {
    const std::uint32_t number = command.market.value();
    if (number >= markets_.size()) return reject(Reason::unknown_market);
    const Market& market = markets_[number];
    if (market.phase == MarketPhase::halted) return reject(Reason::market_halted);
    if (market.phase == MarketPhase::auction || market.rules.matching == MatchingMode::batch)
        return reject(Reason::not_now);
    const bool has_quotes = std::any_of(orders_.begin(), orders_.end(), [&](const auto& entry) {
        return entry.second.is_quote && entry.second.account == sender();
    });
    if (has_quotes && looks_through_too_many()) return;
    if (command.quotes.empty()) emit(EventKind::accepted).market = command.market;
    for (const OrderName& name : open_names(sender())) {
        const Order& order = orders_.at(name);
        if (order.is_quote && order.market == number) cancel(name, Reason::requoted);
    }
    std::uint32_t index = running_.entry->ref().index;
    for (const Quote& quote : command.quotes) {
        Order order = new_order(command.market, quote.side, quote.price, quote.quantity);
        order.ref.index = index++;
        order.post_only = true;
        order.is_quote = true;
        place(order, nullptr, false);
    }
}

}  // namespace peerbook::exchange::model
