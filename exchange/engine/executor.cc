#include "exchange/engine/executor.h"

#include <algorithm>
#include <limits>
#include <variant>

#include "exchange/ledger/fees.h"

namespace peerbook::exchange {

namespace {

// Why the rest of an order was cancelled.
Reason reason_of(SweepEnd end) {
    if (end == SweepEnd::own_order) return Reason::self_trade;
    if (end == SweepEnd::fill_limit) return Reason::too_many_fills;
    return Reason::immediate_or_cancel;
}

}  // namespace

void Executor::execute(const Command& command, std::uint32_t number) {
    number_ = number;
    ref_ = command.ref;
    const std::optional<AccountIndex> account = state_.accounts.find(command.account);
    account_ = account.value_or(no_account);
    if (!context_.batch.authorized) return reject(Reason::bad_signature);
    if (!account) {
        const auto* open = std::get_if<OpenAccount>(&command.body);
        if (open == nullptr) return reject(Reason::unknown_account);
        const Reason reason = admit_opening(state_, context_, command, *open);
        if (reason != Reason::none) return reject(reason);
        account_ = *state_.accounts.find(command.account);
        accept();
        emit(EventKind::account_opened);
        return;
    }
    const Reason reason = admit(state_, context_, command, *account);
    if (reason != Reason::none) return reject(reason);
    switch (command.body.index()) {
        case 0:
            return run(*std::get_if<0>(&command.body));
        case 1:
            return run(*std::get_if<1>(&command.body));
        case 2:
            return run(*std::get_if<2>(&command.body));
        case 3:
            return run(*std::get_if<3>(&command.body));
        case 4:
            return run(*std::get_if<4>(&command.body));
        case 5:
            return run(*std::get_if<5>(&command.body));
        case 6:
            return run(*std::get_if<6>(&command.body));
    }
    static_assert(std::variant_size_v<CommandBody> == 7);
}

void Executor::run(const LimitOrder& order) {
    place({order.market, order.side, order.price.value(), order.quantity.value(), order.time_in_force,
           order.post_only});
}

void Executor::run(const MarketOrder& order) {
    place({order.market, order.side, order.protection.value(), order.quantity.value(), TimeInForce::ioc,
           false});
}

Reason Executor::check(const Placement& order, const MarketTerms& market, BalanceSlot paying) const {
    if (order.post_only && order.time_in_force != TimeInForce::gtc) return Reason::bad_order_terms;
    if (order.price < 1 || order.price > market.price_max) return Reason::price_out_of_range;
    if (order.quantity < 1 || order.quantity > market.quantity_max) return Reason::quantity_out_of_range;
    if (order.time_in_force == TimeInForce::gtc) {
        if (state_.books.open_order_count(account_) >= state_.rules.open_orders_per_account_max ||
            state_.books.size() >= state_.rules.open_orders_max)
            return Reason::open_order_limit;
        if (order.quantity >
            std::numeric_limits<std::int64_t>::max() - state_.books.side_quantity(order.market, order.side))
            return Reason::overflow;
    }
    const Amount reserve = order.side == Side::buy ? buy_reserve(market.notional(order.price, order.quantity),
                                                                 market.highest_fee_ppm, 0)
                                                   : order.quantity * market.lot_units;
    if (reserve > state_.balances[paying].available()) return Reason::insufficient_balance;
    if (order.post_only && state_.books.levels(order.market, opposite(order.side)).best_meets(order.price))
        return Reason::would_trade;
    if (order.time_in_force == TimeInForce::fok) {
        const std::uint32_t orders_max =
            std::min(state_.rules.fok_orders_max, state_.rules.fills_per_command_max);
        switch (can_fill(state_.books, {account_, order.market, order.side, order.price, order.quantity},
                         orders_max)) {
            case Fillable::yes:
                break;
            case Fillable::no:
                return Reason::not_fillable;
            case Fillable::too_deep:
                return Reason::too_deep;
        }
    }
    return Reason::none;
}

void Executor::place(const Placement& order) {
    if (order.market.value() >= state_.terms.size()) return reject(Reason::unknown_market);
    const MarketTerms& market = state_.terms[order.market.value()];
    const BalanceSlot paying =
        state_.balances.slot(account_, order.side == Side::buy ? market.quote : market.base);
    const Reason refused = check(order, market, paying);
    if (refused != Reason::none) return reject(refused);
    {
        Event& event = emit(EventKind::accepted);
        event.side = order.side;
        event.market = order.market;
        event.price = Price(order.price);
        event.quantity = event.leaves = Quantity(order.quantity);
    }
    Taker taker{account_, order.market, order.side, order.price, order.quantity};
    Proceeds proceeds;
    std::uint32_t carry = 0;
    const SweepEnd end = match(taker, market, proceeds, carry);
    const bool rests = end == SweepEnd::no_match && order.time_in_force == TimeInForce::gtc;
    Amount reserve = 0;
    if (rests)
        reserve = order.side == Side::buy
                      ? buy_reserve(market.notional(order.price, taker.leaves), market.highest_fee_ppm, carry)
                      : taker.leaves * market.lot_units;
    settle_taker(order, market, proceeds, reserve, paying);
    if (rests)
        state_.insert_order(
            {{account_, ref_}, order.market, order.side, order.price, order.quantity, taker.leaves, carry});
    if (end == SweepEnd::filled) return;
    Event& event = emit(rests ? EventKind::rested : EventKind::cancelled);
    if (!rests) event.reason = reason_of(end);
    event.side = order.side;
    event.market = order.market;
    event.price = Price(order.price);
    event.quantity = Quantity(taker.leaves);
    event.leaves = Quantity(rests ? taker.leaves : 0);
}

SweepEnd Executor::match(Taker& taker, const MarketTerms& market, Proceeds& proceeds, std::uint32_t& carry) {
    const std::uint32_t fills_max = state_.rules.fills_per_command_max;
    return sweep(state_.books, taker, fills_max,
                 [&](OrderSlot slot, const Order& maker, std::int64_t quantity) {
                     const Amount notional = market.notional(maker.price, quantity);
                     const FeeCharge charge = charge_fee(notional, market.taker_fee_ppm, carry);
                     carry = charge.carry;
                     Event& event = emit(EventKind::filled);
                     event.side = taker.side;
                     event.market = taker.market;
                     event.price = Price(maker.price);
                     event.quantity = Quantity(quantity);
                     event.leaves = Quantity(taker.leaves);
                     event.amount = notional;
                     event.taker_fee = charge.fee;
                     proceeds.notional += notional;
                     proceeds.taker_fees += charge.fee;
                     proceeds.quantity += quantity;
                     proceeds.last_price = maker.price;
                     settle_maker(slot, maker, quantity, notional, market, event);
                     proceeds.maker_fees += event.maker_fee;
                 });
}

void Executor::settle_maker(OrderSlot slot, const Order& maker, std::int64_t quantity, Amount notional,
                            const MarketTerms& market, Event& event) {
    const AccountIndex account(maker.account);
    const BalanceSlot base = state_.balances.slot(account, market.base);
    const BalanceSlot quote = state_.balances.slot(account, market.quote);
    const Amount units = quantity * market.lot_units;
    const FeeCharge charge = charge_fee(notional, market.maker_fee_ppm, maker.fee_carry);
    const std::int64_t leaves = maker.leaves - quantity;
    event.maker = {account, {maker.nonce, maker.index}};
    event.maker_leaves = Quantity(leaves);
    event.maker_fee = charge.fee;
    if (maker.is_sell()) {
        const Balance sold = state_.balances[base];
        state_.set_balance(base, sold.total - units, sold.reserved - units);
        state_.add_to_balance(quote, notional - charge.fee);
    } else {
        const Amount kept = leaves == 0 ? 0
                                        : buy_reserve(market.notional(maker.price, leaves),
                                                      market.highest_fee_ppm, charge.carry);
        const Balance paid = state_.balances[quote];
        state_.set_balance(quote, paid.total - notional - charge.fee,
                           paid.reserved - state_.reserve_of(maker) + kept);
        state_.add_to_balance(base, units);
    }
    if (leaves == 0)
        state_.remove_order(slot);
    else
        state_.change_order(slot, leaves, charge.carry);
}

void Executor::settle_taker(const Placement& order, const MarketTerms& market, const Proceeds& proceeds,
                            Amount reserve, BalanceSlot paying) {
    if (proceeds.quantity == 0) {
        if (reserve != 0) state_.set_reserved(paying, state_.balances[paying].reserved + reserve);
        return;
    }
    const bool buys = order.side == Side::buy;
    const Amount units = proceeds.quantity * market.lot_units;
    const Amount paid = buys ? proceeds.notional + proceeds.taker_fees : units;
    const Amount received = buys ? units : proceeds.notional - proceeds.taker_fees;
    const Balance before = state_.balances[paying];
    state_.set_balance(paying, before.total - paid, before.reserved + reserve);
    state_.add_to_balance(state_.balances.slot(account_, buys ? market.base : market.quote), received);
    const Amount fees = proceeds.taker_fees + proceeds.maker_fees;
    if (fees != 0) state_.add_to_balance(state_.balances.slot(fee_account_index, market.quote), fees);
    state_.set_last_price(order.market, proceeds.last_price);
}

// After `unknown_order` no order of that name can appear any more; the other reasons say that one still may.
Reason Executor::keep_from_appearing(CommandRef target) {
    if (target.nonce == ref_.nonce && target.index > ref_.index) return Reason::target_comes_later;
    const NonceWindow& nonces = state_.accounts.nonces(account_);
    const NonceWindow::Verdict verdict = nonces.verdict(target.nonce);
    if (verdict == NonceWindow::Verdict::free) state_.burn_nonce(account_, target.nonce);
    const bool is_too_new = verdict == NonceWindow::Verdict::out_of_window && target.nonce > nonces.highest();
    return is_too_new ? Reason::nonce_out_of_window : Reason::unknown_order;
}

void Executor::cancel_order(OrderSlot slot) {
    const Order& order = state_.books.order(slot);
    const BalanceSlot held = state_.balances.slot(account_, state_.reserve_asset_of(order));
    state_.set_reserved(held, state_.balances[held].reserved - state_.reserve_of(order));
    Event& event = emit(EventKind::cancelled);
    event.reason = Reason::requested;
    event.order.ref = {order.nonce, order.index};
    event.side = order.is_sell() ? Side::sell : Side::buy;
    event.market = MarketId(order.market());
    event.price = Price(order.price);
    event.quantity = Quantity(order.leaves);
    state_.remove_order(slot);
}

void Executor::run(const CancelOrder& cancel) {
    const OrderSlot slot = state_.books.find({account_, cancel.target});
    if (slot == no_order) return reject(keep_from_appearing(cancel.target));
    accept();
    cancel_order(slot);
}

void Executor::run(const ReduceOrder& reduce) {
    const std::int64_t by = reduce.by.value();
    if (by < 1) return reject(Reason::quantity_out_of_range);
    const OrderSlot slot = state_.books.find({account_, reduce.target});
    if (slot == no_order) return reject(Reason::unknown_order);
    accept();
    const Order& order = state_.books.order(slot);
    if (by >= order.leaves) return cancel_order(slot);
    const BalanceSlot held = state_.balances.slot(account_, state_.reserve_asset_of(order));
    const Amount reserve_before = state_.reserve_of(order);
    state_.change_order(slot, order.leaves - by, order.fee_carry);
    state_.set_reserved(held, state_.balances[held].reserved - reserve_before + state_.reserve_of(order));
    Event& event = emit(EventKind::reduced);
    event.order.ref = reduce.target;
    event.side = order.is_sell() ? Side::sell : Side::buy;
    event.market = MarketId(order.market());
    event.price = Price(order.price);
    event.quantity = Quantity(by);
    event.leaves = Quantity(order.leaves);
}

// Opening an account that is open: its owner hears so, and the nonce is burnt.
void Executor::run(const OpenAccount&) {
    reject(Reason::account_exists);
}

void Executor::run(const Faucet& faucet) {
    if (faucet.asset.value() >= state_.issued.size()) return reject(Reason::unknown_asset);
    const Amount max = state_.rules.faucet_max[faucet.asset.value()];
    if (max == 0) return reject(Reason::no_faucet);
    if (faucet.amount < 1 || faucet.amount > max) return reject(Reason::amount_out_of_range);
    const Amount issued = state_.issued[faucet.asset.value()];
    if (faucet.amount > (Amount{1} << supply_bits_max) - issued) return reject(Reason::supply_limit);
    accept();
    state_.set_issued(faucet.asset, issued + faucet.amount);
    state_.add_to_balance(state_.balances.slot(account_, faucet.asset), faucet.amount);
    Event& event = emit(EventKind::issued);
    event.asset = faucet.asset;
    event.amount = faucet.amount;
}

void Executor::run(const Transfer& transfer) {
    if (transfer.asset.value() >= state_.issued.size()) return reject(Reason::unknown_asset);
    if (transfer.amount < 1 || transfer.amount > Amount{1} << supply_bits_max)
        return reject(Reason::amount_out_of_range);
    const std::optional<AccountIndex> to = state_.accounts.find(transfer.to);
    if (!to) return reject(Reason::unknown_account);
    if (*to == account_) return reject(Reason::self_transfer);
    const BalanceSlot from_slot = state_.balances.slot(account_, transfer.asset);
    const BalanceSlot to_slot = state_.balances.slot(*to, transfer.asset);
    if (transfer.amount > state_.balances[from_slot].available()) return reject(Reason::insufficient_balance);
    accept();
    state_.add_to_balance(from_slot, -transfer.amount);
    state_.add_to_balance(to_slot, transfer.amount);
    Event& event = emit(EventKind::transferred);
    event.asset = transfer.asset;
    event.amount = transfer.amount;
    event.maker.account = *to;
}

}  // namespace peerbook::exchange
