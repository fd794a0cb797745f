#include "exchange/engine/executor.h"

#include <algorithm>
#include <limits>
#include <variant>

#include "exchange/ledger/fees.h"

namespace peerbook::exchange {

namespace {

constexpr std::int64_t lots_max = std::numeric_limits<std::int64_t>::max();

// Why the rest of an order was cancelled.
Reason reason_of(SweepEnd end) {
    if (end == SweepEnd::own_order) return Reason::self_trade;
    if (end == SweepEnd::fill_limit) return Reason::too_many_fills;
    return Reason::immediate_or_cancel;
}

bool is_met(const Trigger& trigger, std::int64_t last) {
    return trigger.when == TriggerWhen::at_or_above ? last >= trigger.price.value()
                                                    : last <= trigger.price.value();
}

bool is_display(std::int64_t display, std::int64_t quantity, const MarketTerms& market) {
    return display >= market.quantity_min && display <= quantity &&
           display >= (quantity - 1) / iceberg_parts_max + 1;
}

void note(std::vector<MarketId>& markets, MarketId market) {
    if (std::find(markets.begin(), markets.end(), market) == markets.end()) markets.push_back(market);
}

// The most lots at `price` whose notional and fee are at most `budget`.
std::int64_t affordable_lots(const MarketTerms& market, std::int64_t price, Amount budget,
                             std::uint32_t carry) {
    const Amount lot = market.notional(price, 1);
    const auto cost = [&](Amount lots) {
        return lot * lots + fee_beyond_carry(lot * lots, market.taker_fee_ppm, carry);
    };
    const auto wide = static_cast<unsigned __int128>(budget) * ppm;
    Amount lots =
        static_cast<Amount>(wide / static_cast<unsigned __int128>(lot * (ppm + market.taker_fee_ppm)));
    lots = std::min<Amount>(lots, market.quantity_max);
    while (lots > 0 && cost(lots) > budget)
        --lots;
    while (lots < market.quantity_max && cost(lots + 1) <= budget)
        ++lots;
    return static_cast<std::int64_t>(lots);
}

}  // namespace

// The steps of one sweep, and what they move.
class Executor::Steps {
  public:
    Steps(Executor& executor, Taker& taker, const MarketTerms& market, Amount budget, bool has_budget)
        : on_(executor), taker_(taker), market_(market), budget_left_(budget), has_budget_(has_budget) {}

    std::int64_t affordable(std::int64_t price) const {
        return has_budget_ ? affordable_lots(market_, price, budget_left_, carry_) : lots_max;
    }

    void fill(OrderSlot slot, const Order& maker, std::int64_t quantity) {
        const Amount notional = market_.notional(maker.price, quantity);
        const Amount money = market_.money_constant != 0 ? notional : 0;
        const FeeCharge taker_charge = charge_fee(money, market_.taker_fee_ppm, carry_);
        const FeeCharge maker_charge = charge_fee(money, market_.maker_fee_ppm, maker.fee_carry);
        const std::int64_t shown = maker.leaves - quantity;
        std::int64_t whole = shown;
        Event& event = on_.emit(EventKind::filled);
        if (maker.is_extended != 0) [[unlikely]] {
            const OrderExtension& extension = on_.state_.books.extension(maker);
            whole += extension.hidden;
            event.ordinal = extension.refreshes;
        }
        event.side = taker_.side;
        event.market = taker_.market;
        event.maker = maker.key();
        event.price = Price(maker.price);
        event.quantity = Quantity(quantity);
        event.leaves = Quantity(has_budget_ ? 0 : taker_.leaves);
        event.maker_leaves = Quantity(whole);
        event.amount = notional;
        event.taker_fee = taker_charge.fee;
        event.maker_fee = maker_charge.fee;

        carry_ = taker_charge.carry;
        if (has_budget_) {
            budget_left_ -= notional + taker_charge.fee;
            if (budget_left_ == 0) taker_.leaves = 0;
        }
        proceeds.notional += money;
        proceeds.taker_fees += taker_charge.fee;
        proceeds.maker_fees += maker_charge.fee;
        proceeds.quantity += quantity;
        proceeds.last_price = maker.price;
        pay_maker(maker, quantity, money, whole, maker_charge);
        if (whole == 0) {
            on_.state_.remove_order(slot);
        } else {
            on_.state_.change_order(slot, shown, maker_charge.carry);
            if (shown == 0) on_.show_next_part(slot);
        }
    }

    void meet_own(OrderSlot slot, const Order& maker) {
        if (taker_.self_trade != SelfTradePrevention::decrement) {
            on_.take_out(slot, EventKind::cancelled, Reason::self_trade);
            return;
        }
        const std::int64_t quantity = std::min(taker_.leaves, maker.leaves);
        decrement_maker(slot, maker, quantity);
        taker_.leaves -= quantity;
        Event& event = on_.emit(taker_.leaves == 0 ? EventKind::cancelled : EventKind::reduced);
        event.reason = Reason::self_trade;
        event.side = taker_.side;
        event.market = taker_.market;
        event.price = Price(taker_.limit);
        event.quantity = Quantity(quantity);
        event.leaves = Quantity(taker_.leaves);
    }

    Proceeds proceeds;
    std::uint32_t carry() const { return carry_; }
    Amount budget_left() const { return budget_left_; }

  private:
    void pay_maker(const Order& maker, std::int64_t quantity, Amount money, std::int64_t whole,
                   const FeeCharge& charge) {
        EngineState& state = on_.state_;
        const AccountIndex account(maker.account);
        const BalanceSlot base = state.balances.slot(account, market_.base);
        const BalanceSlot quote = state.balances.slot(account, market_.quote);
        const Amount units = market_.units(quantity);
        if (maker.is_sell != 0) {
            const Balance sold = state.balances[base];
            state.set_balance(base, sold.total - units, sold.reserved - units);
            state.add_to_balance(quote, money - charge.fee);
            return;
        }
        const Amount kept =
            whole == 0 ? 0 : market_.reserve(Side::buy).reserve(maker.price, whole, charge.carry);
        const Balance paid = state.balances[quote];
        state.set_balance(quote, paid.total - money - charge.fee,
                          paid.reserved - state.reserve_of(maker) + kept);
        state.add_to_balance(base, units);
    }

    void decrement_maker(OrderSlot slot, const Order& maker, std::int64_t quantity) {
        const std::int64_t whole = on_.state_.books.whole_leaves(maker) - quantity;
        if (whole == 0) {
            on_.take_out(slot, EventKind::cancelled, Reason::self_trade);
            return;
        }
        const std::int64_t shown = maker.leaves - quantity;
        const Amount reserve_before = on_.state_.reserve_of(maker);
        on_.state_.change_order(slot, shown, maker.fee_carry);
        on_.state_.add_to_reserved(on_.state_.reserve_slot_of(maker),
                                   on_.state_.reserve_of(maker) - reserve_before);
        Event& event = on_.emit_order(EventKind::reduced, maker);
        event.reason = Reason::self_trade;
        event.quantity = Quantity(quantity);
        event.leaves = Quantity(whole);
        if (shown == 0) on_.show_next_part(slot);
    }

    Executor& on_;
    Taker& taker_;
    const MarketTerms& market_;
    Amount budget_left_;
    bool has_budget_;
    std::uint32_t carry_ = 0;
};

void Executor::execute(const AdmittedCommand& admitted) {
    const BatchCommand& command = *admitted.command;
    key_ = OrderKey(admitted.account, {admitted.nonce, command.index});
    number_ = admitted.number;
    const CommandBody& body = command.body;
    if (const auto* limit = std::get_if<LimitOrder>(&body)) return run(*limit);
    if (const auto* cancel = std::get_if<CancelOrder>(&body)) return run(*cancel, admitted);
    if (const auto* reduce = std::get_if<ReduceOrder>(&body)) return run(*reduce, admitted);
    if (const auto* replace = std::get_if<Boxed<ReplaceOrder>>(&body)) return run(**replace, admitted);
    std::visit(
        [this](const auto& rare) {
            if constexpr (requires { run(rare); })
                run(rare);
            else if constexpr (requires { run(*rare); })
                run(*rare);
        },
        body);
}

Event& Executor::reject_unadmitted(AccountIndex account, CommandRef ref, std::uint32_t number,
                                   Reason reason) {
    key_ = OrderKey(account, ref);
    number_ = number;
    return reject(reason);
}

Event& Executor::emit_order(EventKind kind, const Order& order) {
    Event& event = emit(kind);
    event.order = order.key();
    event.side = order.side();
    event.market = order.market();
    event.price = Price(state_.books.limit(order));
    if (order.is_extended != 0) event.amount = state_.books.extension(order).budget;
    event.quantity = Quantity(event.amount != 0 ? 0 : state_.books.whole_leaves(order));
    return event;
}

void Executor::run(const LimitOrder& order) {
    place({key_, order.market, order.side, order.price.value(), order.quantity.value(), order.time_in_force,
           order.post_only, order.self_trade, false, nullptr});
}

void Executor::run(const MarketOrder& order) {
    place({key_, order.market, order.side, order.protection.value(), order.quantity.value(), TimeInForce::ioc,
           false, order.self_trade, false, nullptr});
}

void Executor::run(const BudgetOrder& order) {
    Extras extras;
    extras.budget = order.budget;
    place({key_, order.market, Side::buy, order.protection.value(), 0, TimeInForce::ioc, false,
           order.self_trade, false, &extras});
}

void Executor::run(const SpecialOrder& special) {
    const LimitOrder& order = special.order;
    if (special.budget && !special.trigger && order.market.value() < state_.terms.size() &&
        state_.terms[order.market.value()].phase != MarketPhase::halted) {
        reject(Reason::bad_order_terms);
        return;
    }
    Extras extras;
    // What is no display and no time fails the check as out of its range.
    extras.display = special.display ? special.display->value() : 0;
    extras.expires_at_ms = special.expires_at ? special.expires_at->ms : 0;
    extras.trigger = special.trigger;
    extras.budget = special.budget;
    if (special.display && extras.display == 0) extras.display = -1;
    if (special.expires_at && extras.expires_at_ms == 0) extras.expires_at_ms = -1;
    place({key_, order.market, order.side, order.price.value(), order.quantity.value(), order.time_in_force,
           order.post_only, order.self_trade, false, &extras});
}

Executor::Funding Executor::funding_of(const Placement& order, const MarketTerms& market) {
    const ReserveTerms& terms = market.reserve(order.side);
    const BalanceSlot slot = state_.balances.slot(key_.account, terms.asset);
    if (order.has_budget()) [[unlikely]]
        return {slot, state_.rules.has_ledger ? order.budget() : 0};
    return {slot, terms.reserve(order.price, order.quantity, 0)};
}

bool Executor::is_outside_band(MarketId market, std::int64_t price) const {
    const std::uint32_t band = state_.terms[market.value()].band_ppm;
    const std::optional<std::int64_t>& last = state_.markets[market.value()].last;
    if (band == 0 || !last) return false;
    const Amount distance = price > *last ? price - *last : *last - price;
    return distance * ppm > Amount{*last} * band;
}

// Terms that no state of the market could make good, and those that its phase and mode forbid.
Reason Executor::check_terms(const Placement& order, const MarketTerms& market) const {
    const bool is_gtc = order.time_in_force == TimeInForce::gtc;
    if (order.post_only && !is_gtc) return Reason::bad_order_terms;
    if (order.extras != nullptr) {
        if (!is_gtc && (order.extras->display != 0 || order.extras->expires_at_ms != 0))
            return Reason::bad_order_terms;
        if (order.has_budget() && (order.side != Side::buy || order.time_in_force != TimeInForce::ioc ||
                                   order.quantity != 0 || order.self_trade == SelfTradePrevention::decrement))
            return Reason::bad_order_terms;
    }
    if (market.phase == MarketPhase::auction && (!is_gtc || order.post_only) && !order.has_trigger())
        return Reason::not_now;
    if (market.matching == MatchingMode::batch &&
        (order.time_in_force == TimeInForce::fok || order.post_only || order.has_budget()))
        return Reason::not_now;
    return Reason::none;
}

Reason Executor::check_extras(const Placement& order, const MarketTerms& market) const {
    const Extras& extras = *order.extras;
    if (extras.trigger &&
        (extras.trigger->price.value() < 1 || extras.trigger->price.value() > market.price_max))
        return Reason::price_out_of_range;
    if (order.has_budget()) {
        if (order.budget() < 1 || order.budget() > Amount{1} << notional_bits_max)
            return Reason::amount_out_of_range;
        if (order.budget() < market.notional_min) return Reason::notional_too_small;
    } else if (order.quantity < market.quantity_min || order.quantity > market.quantity_max ||
               (extras.display != 0 && !is_display(extras.display, order.quantity, market))) {
        return Reason::quantity_out_of_range;
    } else if (market.notional(order.price, order.quantity) < market.notional_min) {
        return Reason::notional_too_small;
    }
    if (!extras.trigger && is_outside_band(order.market, order.price)) return Reason::price_band;
    if (extras.expires_at_ms != 0 && extras.expires_at_ms <= state_.now_ms()) return Reason::already_expired;
    const std::optional<std::int64_t>& last = state_.markets[order.market.value()].last;
    if (extras.trigger && last && is_met(*extras.trigger, *last)) return Reason::would_trigger;
    return Reason::none;
}

// Room among open orders and lots for an order that may stay.
Reason Executor::check_room(const Placement& order, const MarketTerms& market,
                            const Replaced& replaced) const {
    const bool may_stay = order.time_in_force == TimeInForce::gtc || order.has_trigger() ||
                          market.matching == MatchingMode::batch;
    if (!may_stay) return Reason::none;
    const OrderBooks& books = state_.books;
    if (replaced.slot == no_order &&
        (books.open_order_count(key_.account) >= state_.rules.open_orders_per_account_max ||
         books.size() >= state_.rules.open_orders_max))
        return Reason::open_order_limit;
    // Waiting orders count for both sides, so that each has room when it becomes active.
    const Amount there = books.lots_that_may_meet(order.market, order.side) - replaced.leaves;
    if (there + order.quantity > lots_max) return Reason::overflow;
    return Reason::none;
}

std::uint32_t Executor::steps_max() const {
    return std::min(state_.rules.fills_per_command_max, notes_.steps_left);
}

// Post-only and fill-or-kill, in a market that matches continuously.
Reason Executor::check_against_book(const Placement& order) const {
    if (order.post_only && state_.books.levels(order.market, opposite(order.side)).best_meets(order.price))
        return Reason::would_trade;
    if (order.time_in_force != TimeInForce::fok) return Reason::none;
    switch (can_fill(state_.books,
                     {key_.account, order.market, order.side, order.self_trade, order.price, order.quantity},
                     std::min(state_.rules.fok_orders_max, steps_max()), notes_.hidden)) {
        case Fillable::yes:
            return Reason::none;
        case Fillable::no:
            return Reason::not_fillable;
        case Fillable::too_deep:
            return Reason::too_deep;
    }
    return Reason::none;
}

Reason Executor::check(const Placement& order, const Replaced& replaced, Funding& funding) {
    const MarketTerms& market = state_.terms[order.market.value()];
    if (market.phase == MarketPhase::halted) return Reason::market_halted;
    if (const Reason reason = check_terms(order, market); reason != Reason::none) return reason;
    if (order.price < 1 || order.price > market.price_max) return Reason::price_out_of_range;
    if (order.extras != nullptr) [[unlikely]] {
        if (const Reason reason = check_extras(order, market); reason != Reason::none) return reason;
    } else {
        if (order.quantity < market.quantity_min || order.quantity > market.quantity_max)
            return Reason::quantity_out_of_range;
        if (market.notional_min != 0 && market.notional(order.price, order.quantity) < market.notional_min)
            return Reason::notional_too_small;
        if (market.band_ppm != 0 && is_outside_band(order.market, order.price)) return Reason::price_band;
    }
    if (const Reason reason = check_room(order, market, replaced); reason != Reason::none) return reason;
    funding = funding_of(order, market);
    if (funding.reserve > state_.balances[funding.slot].available() + replaced.reserve)
        return Reason::insufficient_balance;
    if (market.phase == MarketPhase::trading && market.matching == MatchingMode::continuous &&
        !order.has_trigger())
        return check_against_book(order);
    return Reason::none;
}

void Executor::accept_order(const Placement& order) {
    Event& event = emit(EventKind::accepted);
    event.side = order.side;
    event.market = order.market;
    event.price = Price(order.price);
    event.quantity = event.leaves = Quantity(order.quantity);
    event.amount = order.budget();
}

void Executor::place(const Placement& order) {
    if (order.market.value() >= state_.terms.size()) {
        reject(Reason::unknown_market);
        return;
    }
    Funding funding;
    const Reason refused = check(order, {}, funding);
    if (refused != Reason::none) {
        reject(refused);
        return;
    }
    accept_order(order);
    enter(order, funding);
}

void Executor::enter(const Placement& order, const Funding& funding) {
    const MarketTerms& market = state_.terms[order.market.value()];
    if (order.has_trigger()) [[unlikely]]
        return wait_for_trigger(order, funding);
    if (market.matching == MatchingMode::continuous && market.phase == MarketPhase::trading) [[likely]]
        return match_and_rest(order, funding);
    if (market.matching == MatchingMode::batch && market.phase == MarketPhase::trading) {
        note(notes_.batch_markets, order.market);
        if (order.time_in_force == TimeInForce::ioc) notes_.immediate.push_back(order.key);
    }
    rest(order, funding, order.quantity, 0);
}

void Executor::wait_for_trigger(const Placement& order, const Funding& funding) {
    const Extras& extras = *order.extras;
    OrderExtension extension;
    extension.quantity = order.quantity;
    extension.display = extras.display;
    extension.expires_at_ms = extras.expires_at_ms;
    extension.limit = order.price;
    extension.budget = order.budget();
    extension.time_in_force = order.time_in_force;
    extension.self_trade = order.self_trade;
    extension.post_only = order.post_only;
    NewOrder waiting;
    waiting.key = order.key;
    waiting.market = order.market;
    waiting.side = order.side;
    waiting.is_waiting = true;
    waiting.waits_below = extras.trigger->when == TriggerWhen::at_or_below;
    waiting.price = extras.trigger->price.value();
    waiting.leaves = order.quantity;
    waiting.extension = &extension;
    state_.add_to_reserved(funding.slot, funding.reserve);
    state_.insert_order(waiting);
    Event& event = emit(EventKind::waiting);
    event.side = order.side;
    event.market = order.market;
    event.price = extras.trigger->price;
    event.quantity = event.leaves = Quantity(order.quantity);
    event.amount = order.budget();
}

void Executor::rest(const Placement& order, const Funding& funding, std::int64_t leaves,
                    std::uint32_t carry) {
    Amount reserve = funding.reserve;
    if (leaves != order.quantity) [[unlikely]] {
        const MarketTerms& market = state_.terms[order.market.value()];
        reserve = market.reserve(order.side).reserve(order.price, leaves, carry);
    }
    state_.add_to_reserved(funding.slot, reserve);
    NewOrder resting;
    resting.key = order.key;
    resting.market = order.market;
    resting.side = order.side;
    resting.is_quote = order.is_quote;
    resting.price = order.price;
    resting.quantity = order.quantity;
    resting.leaves = leaves;
    resting.fee_carry = carry;
    if (order.extras == nullptr) [[likely]]
        state_.insert_order(resting);
    else
        insert_extended(resting, *order.extras);
    Event& event = emit(EventKind::rested);
    event.side = order.side;
    event.market = order.market;
    event.price = Price(order.price);
    event.quantity = Quantity(resting.leaves);
    event.leaves = Quantity(leaves);
}

// Splits what is left into what is shown and what is hidden.
void Executor::insert_extended(NewOrder& resting, const Extras& extras) {
    if (extras.placed != 0) resting.quantity = extras.placed;
    OrderExtension extension;
    extension.quantity = resting.quantity;
    extension.display = extras.display;
    extension.expires_at_ms = extras.expires_at_ms;
    if (extension.display != 0) {
        extension.hidden = std::max<std::int64_t>(resting.leaves - extension.display, 0);
        resting.leaves -= extension.hidden;
    }
    if (extension.display != 0 || extension.expires_at_ms != 0) resting.extension = &extension;
    state_.insert_order(resting);
    resting.extension = nullptr;
}

void Executor::match_and_rest(const Placement& order, const Funding& funding) {
    const MarketTerms& market = state_.terms[order.market.value()];
    Taker taker{key_.account,     order.market, order.side,
                order.self_trade, order.price,  order.has_budget() ? lots_max : order.quantity};
    SweepEnd end = SweepEnd::no_match;
    std::uint32_t carry = 0;
    Amount budget_left = order.budget();
    if (state_.books.levels(order.market, opposite(order.side)).best_meets(order.price)) {
        Steps steps(*this, taker, market, order.budget(), order.has_budget());
        const std::uint32_t allowed = steps_max();
        std::uint32_t left = allowed;
        end = sweep(state_.books, taker, left, steps);
        notes_.steps_left -= allowed - left;
        carry = steps.carry();
        budget_left = steps.budget_left();
        if (steps.proceeds.quantity != 0) {
            settle_taker(order, market, steps.proceeds);
            note(notes_.traded, order.market);
        }
    }
    if (end == SweepEnd::filled) return;
    if (end == SweepEnd::no_match && order.time_in_force == TimeInForce::gtc) {
        rest(order, funding, taker.leaves, carry);
        return state_.check_not_crossed(order.market);
    }
    end_without_rest(order, taker.leaves, budget_left, reason_of(end));
}

void Executor::end_without_rest(const Placement& order, std::int64_t leaves, Amount budget_left,
                                Reason reason) {
    if (order.has_budget()) {
        if (budget_left == 0) return;
        leaves = 0;
    }
    Event& event = emit(EventKind::cancelled);
    event.reason = reason;
    event.side = order.side;
    event.market = order.market;
    event.price = Price(order.price);
    event.quantity = Quantity(leaves);
    event.amount = budget_left;
}

void Executor::settle_taker(const Placement& order, const MarketTerms& market, const Proceeds& proceeds) {
    const bool buys = order.side == Side::buy;
    const Amount units = market.units(proceeds.quantity);
    const BalanceSlot base = state_.balances.slot(key_.account, market.base);
    const BalanceSlot quote = state_.balances.slot(key_.account, market.quote);
    state_.add_to_balance(
        quote, buys ? -(proceeds.notional + proceeds.taker_fees) : proceeds.notional - proceeds.taker_fees);
    state_.add_to_balance(base, buys ? units : -units);
    const Amount fees = proceeds.taker_fees + proceeds.maker_fees;
    if (fees != 0) state_.add_to_balance(state_.balances.slot(fee_account_index, market.quote), fees);
    state_.set_last_price(order.market, proceeds.last_price);
}

void Executor::show_next_part(OrderSlot slot) {
    const Order& order = state_.books.owned(slot);
    const OrderExtension& extension = state_.books.extension(order);
    const std::int64_t shown = std::min(extension.display, extension.hidden);
    state_.requeue_order(slot, shown);
    Event& event = emit_order(EventKind::rested, order);
    event.leaves = event.quantity;
    event.quantity = Quantity(shown);
}

}  // namespace peerbook::exchange
