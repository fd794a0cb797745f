// Cancels, reductions, replacements, mass quotes, and what becomes due: expiries, switches, triggers.
#include <algorithm>
#include <utility>

#include "exchange/engine/executor.h"

namespace peerbook::exchange {

void Executor::take_out_silently(OrderSlot slot) {
    const Order& order = state_.books.owned(slot);
    state_.add_to_reserved(state_.reserve_slot_of(order), -state_.reserve_of(order));
    state_.remove_order(slot);
}

void Executor::take_out(OrderSlot slot, EventKind kind, Reason reason) {
    emit_order(kind, state_.books.order(slot)).reason = reason;
    take_out_silently(slot);
}

// The slot found before the class ran, if its order still lives there.
OrderSlot Executor::find_target(CommandRef target, const AdmittedCommand& admitted) const {
    const OrderKey key(key_.account, target);
    if (admitted.target != no_order) {
        const Order& order = state_.books.order(admitted.target);
        if (order.is_live != 0 && order.key() == key) return admitted.target;
    }
    return state_.books.find(key);
}

template <typename Matches>
const std::vector<OrderSlot>& Executor::open_orders_by_name(Matches matches) {
    std::vector<OrderSlot>& slots = notes_.slots;
    slots.clear();
    state_.books.for_each_open_order(key_.account, [&](OrderSlot slot) {
        if (matches(state_.books.order(slot))) slots.push_back(slot);
        return true;
    });
    std::sort(slots.begin(), slots.end(), [&](OrderSlot a, OrderSlot b) {
        return state_.books.order(a).key() < state_.books.order(b).key();
    });
    return slots;
}

// After `unknown_order` no order of that name can appear any more; the other reasons say that one still may.
void Executor::run(const CancelOrder& cancel, const AdmittedCommand& admitted) {
    const OrderSlot slot = find_target(cancel.target, admitted);
    if (slot == no_order) {
        const bool comes_later = cancel.target.nonce == key_.nonce && cancel.target.index > key_.index;
        reject(comes_later                  ? Reason::target_comes_later
               : admitted.target_is_too_new ? Reason::nonce_out_of_window
                                            : Reason::unknown_order);
        return;
    }
    accept();
    take_out(slot, EventKind::cancelled, Reason::requested);
}

void Executor::run(const ReduceOrder& reduce, const AdmittedCommand& admitted) {
    const std::int64_t by = reduce.by.value();
    if (by < 1) {
        reject(Reason::quantity_out_of_range);
        return;
    }
    const OrderSlot slot = find_target(reduce.target, admitted);
    if (slot == no_order) {
        reject(Reason::unknown_order);
        return;
    }
    const Order& order = state_.books.owned(slot);
    const std::int64_t hidden = order.is_extended != 0 ? state_.books.extension(order).hidden : 0;
    if (order.is_extended != 0 && state_.books.extension(order).budget != 0) {
        reject(Reason::bad_order_terms);
        return;
    }
    accept();
    if (by >= order.leaves + hidden) return take_out(slot, EventKind::cancelled, Reason::requested);
    const BalanceSlot held = state_.reserve_slot_of(order);
    const Amount reserve_before = state_.reserve_of(order);
    const std::int64_t from_hidden = std::min(by, hidden);
    if (from_hidden > 0) state_.change_hidden(slot, hidden - from_hidden);
    if (by > from_hidden) state_.change_order(slot, order.leaves - (by - from_hidden), order.fee_carry);
    state_.add_to_reserved(held, state_.reserve_of(order) - reserve_before);
    Event& event = emit_order(EventKind::reduced, order);
    event.reason = Reason::requested;
    event.leaves = event.quantity;
    event.quantity = reduce.by;
}

void Executor::run(const ReplaceOrder& replace, const AdmittedCommand& admitted) {
    const OrderSlot slot = find_target(replace.target, admitted);
    if (slot == no_order) {
        reject(Reason::unknown_order);
        return;
    }
    const Order& old = state_.books.owned(slot);
    Placement order{key_,
                    old.market(),
                    old.side(),
                    replace.price.value(),
                    replace.quantity.value(),
                    TimeInForce::gtc,
                    replace.post_only,
                    replace.self_trade,
                    false,
                    nullptr};
    Extras extras;
    if (old.is_extended != 0) {
        const OrderExtension& extension = state_.books.extension(old);
        // Out of range if the new quantity is: the quantity's check comes first.
        extras.display = std::min(extension.display, std::max<std::int64_t>(replace.quantity.value(), 1));
        extras.expires_at_ms = extension.expires_at_ms;
        if (old.is_waiting != 0) {
            order.time_in_force = extension.time_in_force;
            extras.trigger =
                Trigger{replace.trigger.value_or(Price(old.price)),
                        old.waits_below != 0 ? TriggerWhen::at_or_below : TriggerWhen::at_or_above};
        }
        order.extras = &extras;
    }
    const bool has_budget = old.is_extended != 0 && state_.books.extension(old).budget != 0;
    const bool bad_terms = has_budget || (replace.trigger && old.is_waiting == 0);
    const Replaced replaced{slot, state_.reserve_of(old), state_.books.whole_leaves(old)};
    Funding funding;
    Reason refused = Reason::none;
    if (state_.terms[old.market_number].phase == MarketPhase::halted)
        refused = Reason::market_halted;
    else
        refused = bad_terms ? Reason::bad_order_terms : check(order, replaced, funding);
    if (refused != Reason::none) {
        reject(refused);
        return;
    }
    accept_order(order);
    Event& event = emit_order(EventKind::replaced, old);
    event.maker = key_;
    take_out_silently(slot);
    enter(order, funding);
}

bool Executor::may_look_through_orders() {
    const std::uint64_t limit = state_.rules.orders_looked_through_max;
    std::uint64_t& looked_through = notes_.looked_through[key_.account];
    const std::uint32_t orders = state_.books.open_order_count(key_.account);
    if (looked_through != 0 && looked_through + orders > limit) {  // the first one always passes
        reject(Reason::rate_limit).quantity = Quantity(static_cast<std::int64_t>(limit));
        return false;
    }
    looked_through += orders;
    return true;
}

void Executor::run(const CancelAll& cancel) {
    if (cancel.market && cancel.market->value() >= state_.terms.size()) {
        reject(Reason::unknown_market);
        return;
    }
    if (!may_look_through_orders()) return;
    accept();
    for (OrderSlot slot : open_orders_by_name([&](const Order& order) {
             return (!cancel.market || *cancel.market == order.market()) &&
                    (!cancel.side || *cancel.side == order.side());
         }))
        take_out(slot, EventKind::cancelled, Reason::requested);
}

void Executor::cancel_placed(const AdmittedCommand& cancel, const AdmittedCommand& placed) {
    key_ = OrderKey(cancel.account, cancel.command->ref());
    number_ = cancel.number;
    const CancelAll& terms = *std::get_if<CancelAll>(&cancel.command->body);
    const BatchCommand& command = *placed.command;
    for (std::uint32_t i = 0; i < index_count(command.body); ++i) {
        const OrderSlot slot = state_.books.find(OrderKey(key_.account, {command.nonce, command.index + i}));
        if (slot == no_order) continue;
        const Order& order = state_.books.order(slot);
        if ((!terms.market || *terms.market == order.market()) &&
            (!terms.side || *terms.side == order.side()))
            take_out(slot, EventKind::cancelled, Reason::requested);
    }
}

void Executor::run(const CancelAfter& cancel) {
    constexpr std::int64_t ms = 1'000'000;
    if (cancel.timeout &&
        (cancel.timeout->ns % ms != 0 || cancel.timeout->ns < ms || *cancel.timeout > cancel_after_max)) {
        reject(Reason::amount_out_of_range);
        return;
    }
    accept();
    state_.set_switch(key_.account, cancel.timeout ? state_.now_ms() + cancel.timeout->ms() : 0);
}

void Executor::run(const MassQuote& quotes) {
    if (quotes.market.value() >= state_.terms.size()) {
        reject(Reason::unknown_market);
        return;
    }
    const MarketTerms& market = state_.terms[quotes.market.value()];
    if (market.phase != MarketPhase::trading || market.matching == MatchingMode::batch) {
        reject(market.phase == MarketPhase::halted ? Reason::market_halted : Reason::not_now);
        return;
    }
    const bool has_quotes = state_.books.quote_count(key_.account) != 0;
    if (has_quotes && !may_look_through_orders()) return;
    if (quotes.quotes.empty()) emit(EventKind::accepted).market = quotes.market;
    if (has_quotes)
        for (OrderSlot slot : open_orders_by_name(
                 [&](const Order& order) { return order.is_quote != 0 && order.market() == quotes.market; }))
            take_out(slot, EventKind::cancelled, Reason::requoted);
    for (const Quote& quote : quotes.quotes) {
        place({key_, quotes.market, quote.side, quote.price.value(), quote.quantity.value(), TimeInForce::gtc,
               true, SelfTradePrevention::cancel_newest, true, nullptr});
        ++key_.index;
    }
}

void Executor::expire_orders() {
    number_ = no_command;
    const auto& expiries = state_.books.expiries();
    while (!expiries.empty() && expiries.begin()->at_ms <= state_.now_ms())
        take_out(expiries.begin()->slot, EventKind::expired, Reason::none);
}

void Executor::fire_switches() {
    number_ = no_command;
    while (!state_.switches.empty() && std::get<0>(*state_.switches.begin()) <= state_.now_ms()) {
        key_ = OrderKey(std::get<2>(*state_.switches.begin()), {});
        state_.set_switch(key_.account, 0);
        for (OrderSlot slot : open_orders_by_name([](const Order&) { return true; }))
            take_out(slot, EventKind::cancelled, Reason::cancel_after);
    }
}

void Executor::fire_triggers(std::uint32_t number) {
    number_ = number;
    for (std::size_t i = 0; i < notes_.traded.size(); ++i)
        fire_triggers_of(notes_.traded[i]);
    notes_.traded.clear();
}

void Executor::fire_triggers_of(MarketId market) {
    const PriceLevels& above = state_.books.waiting(market, false);
    const PriceLevels& below = state_.books.waiting(market, true);
    const MarketState& state = state_.markets[market.value()];
    while (state.phase == MarketPhase::trading && state.last) {
        if (above.best_meets(*state.last))
            trigger(above.best().head);
        else if (below.best_meets(*state.last))
            trigger(below.best().head);
        else
            return;
    }
}

void Executor::trigger(OrderSlot slot) {
    const Order& waiting = state_.books.owned(slot);
    const OrderExtension extension = state_.books.extension(waiting);
    key_ = waiting.key();
    const std::int64_t quantity = extension.budget != 0 ? 0 : waiting.leaves;
    Extras extras;
    extras.display = extension.display;
    extras.expires_at_ms = extension.expires_at_ms;
    extras.placed = extension.quantity;
    if (extension.budget != 0) extras.budget = extension.budget;
    const Placement order{key_,
                          waiting.market(),
                          waiting.side(),
                          extension.limit,
                          quantity,
                          extension.time_in_force,
                          extension.post_only,
                          extension.self_trade,
                          false,
                          &extras};
    Event& event = emit_order(EventKind::triggered, waiting);
    event.price = Price(*state_.markets[order.market.value()].last);
    event.leaves = event.quantity;
    take_out_silently(slot);
    Reason refused = is_outside_band(order.market, order.price) ? Reason::price_band : Reason::none;
    const MatchingMode mode = state_.terms[order.market.value()].matching;
    if (refused == Reason::none && mode == MatchingMode::continuous) refused = check_against_book(order);
    if (refused != Reason::none) return end_without_rest(order, quantity, order.budget(), refused);
    enter(order, funding_of(order, state_.terms[order.market.value()]));
}

}  // namespace peerbook::exchange
