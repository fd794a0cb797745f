#include "tests/model/oracle.h"

#include <algorithm>
#include <limits>

namespace peerbook::exchange::model {

namespace {

constexpr std::uint64_t window = 65'536;

Big rounded_up_millionths(const Big& parts) {
    return (parts + 999'999) / 1'000'000;
}
Amount to_amount(const Big& value) {
    return static_cast<Amount>(value);
}
Side other(Side side) {
    return side == Side::buy ? Side::sell : Side::buy;
}

}  // namespace

Oracle::Oracle(NetworkRules rules)
    : rules_(std::move(rules)),
      last_(rules_.markets.size()),
      issued_(rules_.assets.size()),
      known_(std::make_shared<std::vector<AccountId>>()) {
    accounts_[rules_.fee_account].has_owner = false;
    known_->push_back(rules_.fee_account);
}

AccountIndex Oracle::index_of(const AccountId& account) const {
    const auto found = std::find(known_->begin(), known_->end(), account);
    return AccountIndex(static_cast<std::uint32_t>(found - known_->begin()));
}

std::vector<OracleOrder>& Oracle::book(std::uint32_t market, Side side) {
    return books_[{market, side}];
}

std::vector<OracleOrder> Oracle::side_orders(std::uint32_t market, Side side) const {
    const auto found = books_.find({market, side});
    return found == books_.end() ? std::vector<OracleOrder>() : found->second;
}

Big Oracle::total(const AccountId& account, std::uint32_t asset) const {
    const auto found = accounts_.find(account);
    if (found == accounts_.end()) return 0;
    const auto amount = found->second.totals.find(asset);
    return amount == found->second.totals.end() ? Big(0) : amount->second;
}

Big Oracle::notional(const OracleOrder& order, std::int64_t price, std::int64_t quantity) const {
    return Big(price) * quantity * Big(rules_.markets[order.market].notional_constant);
}

Big Oracle::held_by(const OracleOrder& order) const {
    const MarketRules& market = rules_.markets[order.market];
    if (order.side == Side::sell) return Big(order.leaves) * Big(market.lot_units);
    const Big rest = notional(order, order.price, order.leaves);
    const std::uint32_t rate = std::max(market.maker_fee_ppm, market.taker_fee_ppm);
    return rest + rounded_up_millionths(order.fee_parts + rest * rate) - order.fee_charged;
}

Big Oracle::reserved(const AccountId& account, std::uint32_t asset) const {
    Big sum = 0;
    for (const auto& [place, orders] : books_) {
        const MarketRules& market = rules_.markets[place.first];
        if ((place.second == Side::buy ? market.quote : market.base).value() != asset) continue;
        for (const OracleOrder& order : orders)
            if (order.account == account) sum += held_by(order);
    }
    return sum;
}

std::uint64_t Oracle::highest_nonce(const AccountId& account) const {
    const auto found = accounts_.find(account);
    if (found == accounts_.end() || found->second.nonces.empty()) return 0;
    return *found->second.nonces.rbegin();
}

Reason Oracle::nonce_reason(const AccountId& account, std::uint64_t nonce) const {
    const std::uint64_t highest = highest_nonce(account);
    if (nonce == 0) return Reason::nonce_out_of_window;
    if (Big(nonce) > Big(highest) + window || Big(nonce) + window <= Big(highest))
        return Reason::nonce_out_of_window;
    const auto found = accounts_.find(account);
    if (found != accounts_.end() && found->second.nonces.count(nonce) > 0) return Reason::nonce_used;
    return Reason::none;
}

bool Oracle::nonce_is_free(const AccountId& account, std::uint64_t nonce) const {
    return nonce_reason(account, nonce) == Reason::none;
}

Event& Oracle::emit(Running& running, EventKind kind) {
    Event& event = running.events.emplace_back();
    event.kind = kind;
    event.command = running.number;
    const bool open = accounts_.count(running.command->account) > 0;
    event.order = {open ? index_of(running.command->account) : no_account, running.command->ref};
    return event;
}

void Oracle::apply(const CommandBatch& batch, std::uint32_t first_command, EventBuffer& events) {
    Running running{batch, events, std::nullopt, first_command, nullptr};
    for (const Command& command : batch.commands) {
        running.command = &command;
        execute(running);
        ++running.number;
    }
}

Reason Oracle::open(Running& running, const OpenAccount& open) {
    const Command& command = *running.command;
    AccountId expected;
    if (running.batch.kind == BatchKind::self_custodied) {
        expected.data = running.batch.signer.data;
        if (command.account != expected) return Reason::not_owner;
        if (!open.name.empty()) return Reason::bad_account_name;
    } else {
        const bool good =
            open.name.size() >= 1 && open.name.size() <= 64 &&
            open.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == std::string::npos;
        if (!good) return Reason::bad_account_name;
        if (command.account != hosted_account_id(running.batch.signer, open.name)) return Reason::not_owner;
    }
    if (accounts_.size() - 1 >= rules_.accounts_max) return Reason::account_limit;
    const auto same_owner = std::count_if(accounts_.begin(), accounts_.end(), [&](const auto& entry) {
        return entry.second.has_owner && entry.second.owner == running.batch.signer;
    });
    if (same_owner >= static_cast<std::ptrdiff_t>(rules_.accounts_per_owner_max))
        return Reason::account_limit;
    if (const Reason reason = nonce_reason(command.account, command.ref.nonce); reason != Reason::none)
        return reason;
    OracleAccount& account = accounts_[command.account];
    account.owner = running.batch.signer;
    account.nonces.insert(command.ref.nonce);
    if (index_of(command.account).value() == known_->size()) known_->push_back(command.account);
    if (running.batch.kind == BatchKind::self_custodied) running.batch_nonce = command.ref.nonce;
    return Reason::none;
}

Reason Oracle::admit(Running& running) {
    const Command& command = *running.command;
    OracleAccount& account = accounts_.at(command.account);
    if (!account.has_owner || account.owner != running.batch.signer) return Reason::not_owner;
    if (running.batch_nonce == command.ref.nonce) return Reason::none;
    if (const Reason reason = nonce_reason(command.account, command.ref.nonce); reason != Reason::none)
        return reason;
    account.nonces.insert(command.ref.nonce);
    if (running.batch.kind == BatchKind::self_custodied) running.batch_nonce = command.ref.nonce;
    return Reason::none;
}

void Oracle::execute(Running& running) {
    const auto reject = [&](Reason reason) { emit(running, EventKind::rejected).reason = reason; };
    const Command& command = *running.command;
    if (!running.batch.authorized) return reject(Reason::bad_signature);
    const auto* opening = std::get_if<OpenAccount>(&command.body);
    if (accounts_.count(command.account) == 0) {
        const Reason reason = opening ? open(running, *opening) : Reason::unknown_account;
        if (reason != Reason::none) return reject(reason);
        emit(running, EventKind::accepted);
        emit(running, EventKind::account_opened);
        return;
    }
    if (const Reason reason = admit(running); reason != Reason::none) return reject(reason);
    if (opening) return reject(Reason::account_exists);
    if (const auto* limit = std::get_if<LimitOrder>(&command.body))
        place(running, limit->market.value(), limit->side, limit->price.value(), limit->quantity.value(),
              limit->time_in_force, limit->post_only);
    if (const auto* order = std::get_if<MarketOrder>(&command.body))
        place(running, order->market.value(), order->side, order->protection.value(), order->quantity.value(),
              TimeInForce::ioc, false);
    if (const auto* body = std::get_if<CancelOrder>(&command.body))
        cancel(running, body->target, std::nullopt);
    if (const auto* body = std::get_if<ReduceOrder>(&command.body))
        cancel(running, body->target, body->by.value());
    if (const auto* body = std::get_if<Faucet>(&command.body)) faucet(running, *body);
    if (const auto* body = std::get_if<Transfer>(&command.body)) transfer(running, *body);
}

bool Oracle::crosses(const OracleOrder& taker, const OracleOrder& maker) const {
    return taker.side == Side::buy ? maker.price <= taker.price : maker.price >= taker.price;
}

Reason Oracle::check_order(const OracleOrder& order, TimeInForce time_in_force, bool post_only) const {
    const MarketRules& market = rules_.markets[order.market];
    if (post_only && time_in_force != TimeInForce::gtc) return Reason::bad_order_terms;
    if (order.price < 1 || order.price > market.price_max.value()) return Reason::price_out_of_range;
    if (order.quantity < 1 || order.quantity > market.quantity_max.value())
        return Reason::quantity_out_of_range;
    const std::vector<OracleOrder> own_side = side_orders(order.market, order.side);
    const std::vector<OracleOrder> other_side = side_orders(order.market, other(order.side));
    if (time_in_force == TimeInForce::gtc) {
        std::size_t open = 0, open_of_all = 0;
        for (const auto& [place, orders] : books_) {
            open_of_all += orders.size();
            for (const OracleOrder& resting : orders)
                open += resting.account == order.account;
        }
        if (open >= rules_.open_orders_per_account_max || open_of_all >= rules_.open_orders_max)
            return Reason::open_order_limit;
        Big sum = order.quantity;
        for (const OracleOrder& resting : own_side)
            sum += resting.leaves;
        if (sum > std::numeric_limits<std::int64_t>::max()) return Reason::overflow;
    }
    const std::uint32_t asset = (order.side == Side::buy ? market.quote : market.base).value();
    if (held_by(order) > total(order.account, asset) - reserved(order.account, asset))
        return Reason::insufficient_balance;
    if (post_only && !other_side.empty() && crosses(order, other_side.front())) return Reason::would_trade;
    if (time_in_force == TimeInForce::fok) {
        Big all = 0, offered = 0;
        for (const OracleOrder& maker : other_side)
            all += maker.leaves;
        if (all < order.quantity) return Reason::not_fillable;
        std::uint32_t makers = 0;
        for (const OracleOrder& maker : other_side) {
            if (!crosses(order, maker) || maker.account == order.account || offered >= order.quantity) break;
            if (++makers > std::min(rules_.fok_orders_max, rules_.fills_per_command_max))
                return Reason::too_deep;
            offered += maker.leaves;
        }
        if (offered < order.quantity) return Reason::not_fillable;
    }
    return Reason::none;
}

Big Oracle::charge(OracleOrder& order, const Big& amount, std::uint32_t rate) const {
    order.fee_parts += amount * rate;
    const Big due = rounded_up_millionths(order.fee_parts);
    const Big fee = due - order.fee_charged;
    order.fee_charged = due;
    return fee;
}

Reason Oracle::match(Running& running, OracleOrder& order) {
    std::uint32_t fills = 0;
    const MarketRules& market = rules_.markets[order.market];
    std::vector<OracleOrder>& makers = book(order.market, other(order.side));
    while (order.leaves > 0 && !makers.empty() && crosses(order, makers.front())) {
        OracleOrder& maker = makers.front();
        if (maker.account == order.account) return Reason::self_trade;
        if (fills++ == rules_.fills_per_command_max) return Reason::too_many_fills;
        const std::int64_t quantity = std::min(order.leaves, maker.leaves);
        const Big amount = notional(order, maker.price, quantity);
        const Big units = Big(quantity) * Big(market.lot_units);
        const Big taker_fee = charge(order, amount, market.taker_fee_ppm);
        const Big maker_fee = charge(maker, amount, market.maker_fee_ppm);
        order.leaves -= quantity;
        maker.leaves -= quantity;
        Event& event = emit(running, EventKind::filled);
        event.side = order.side;
        event.market = MarketId(order.market);
        event.maker = {index_of(maker.account), maker.ref};
        event.price = Price(maker.price);
        event.quantity = Quantity(quantity);
        event.leaves = Quantity(order.leaves);
        event.maker_leaves = Quantity(maker.leaves);
        event.amount = to_amount(amount);
        event.taker_fee = to_amount(taker_fee);
        event.maker_fee = to_amount(maker_fee);
        const bool taker_buys = order.side == Side::buy;
        OracleAccount& buyer = accounts_.at(taker_buys ? order.account : maker.account);
        OracleAccount& seller = accounts_.at(taker_buys ? maker.account : order.account);
        buyer.totals[market.quote.value()] -= amount + (taker_buys ? taker_fee : maker_fee);
        buyer.totals[market.base.value()] += units;
        seller.totals[market.base.value()] -= units;
        seller.totals[market.quote.value()] += amount - (taker_buys ? maker_fee : taker_fee);
        accounts_.at(rules_.fee_account).totals[market.quote.value()] += taker_fee + maker_fee;
        last_[order.market] = maker.price;
        if (maker.leaves == 0) makers.erase(makers.begin());
    }
    return Reason::none;
}

void Oracle::place(Running& running, std::uint32_t market, Side side, std::int64_t price,
                   std::int64_t quantity, TimeInForce time_in_force, bool post_only) {
    Reason reason = Reason::unknown_market;
    OracleOrder order{
        running.command->account, running.command->ref, market, side, price, quantity, quantity, 0, 0};
    if (market < rules_.markets.size()) reason = check_order(order, time_in_force, post_only);
    if (reason != Reason::none) {
        emit(running, EventKind::rejected).reason = reason;
        return;
    }
    const auto describe_order = [&](Event& event) {
        event.side = side;
        event.market = MarketId(market);
        event.price = Price(price);
        event.quantity = event.leaves = Quantity(order.leaves);
    };
    describe_order(emit(running, EventKind::accepted));
    const Reason stopped_by = match(running, order);
    if (order.leaves == 0) return;
    if (time_in_force != TimeInForce::gtc || stopped_by != Reason::none) {
        Event& event = emit(running, EventKind::cancelled);
        describe_order(event);
        event.reason = stopped_by != Reason::none ? stopped_by : Reason::immediate_or_cancel;
        event.leaves = Quantity(0);
        return;
    }
    describe_order(emit(running, EventKind::rested));
    std::vector<OracleOrder>& orders = book(market, side);
    const auto place = std::find_if(orders.begin(), orders.end(), [&](const OracleOrder& resting) {
        return side == Side::buy ? resting.price < price : resting.price > price;
    });
    orders.insert(place, order);
}

void Oracle::cancel(Running& running, CommandRef target, std::optional<std::int64_t> reduce_by) {
    if (reduce_by && *reduce_by < 1) {
        emit(running, EventKind::rejected).reason = Reason::quantity_out_of_range;
        return;
    }
    for (auto& [place, orders] : books_) {
        for (auto order = orders.begin(); order != orders.end(); ++order) {
            if (order->account != running.command->account || order->ref != target) continue;
            emit(running, EventKind::accepted);
            const bool reduces = reduce_by && *reduce_by < order->leaves;
            Event& event = emit(running, reduces ? EventKind::reduced : EventKind::cancelled);
            event.order.ref = target;
            event.side = place.second;
            event.market = MarketId(place.first);
            event.price = Price(order->price);
            event.quantity = Quantity(reduces ? *reduce_by : order->leaves);
            if (reduces) {
                order->leaves -= *reduce_by;
                event.leaves = Quantity(order->leaves);
            } else {
                event.reason = Reason::requested;
                orders.erase(order);
            }
            return;
        }
    }
    Reason reason = Reason::unknown_order;
    if (!reduce_by) {
        const CommandRef self = running.command->ref;
        const AccountId& account = running.command->account;
        if (target.nonce == self.nonce && target.index > self.index)
            reason = Reason::target_comes_later;
        else if (Big(target.nonce) > Big(highest_nonce(account)) + window)
            reason = Reason::nonce_out_of_window;
        else if (nonce_is_free(account, target.nonce))  // an order that comes after its cancel stays out
            accounts_.at(account).nonces.insert(target.nonce);
    }
    emit(running, EventKind::rejected).reason = reason;
}

void Oracle::faucet(Running& running, const Faucet& faucet) {
    Reason reason = Reason::none;
    const std::uint32_t asset = faucet.asset.value();
    if (asset >= rules_.assets.size())
        reason = Reason::unknown_asset;
    else if (rules_.faucet_max[asset] == 0)
        reason = Reason::no_faucet;
    else if (faucet.amount <= 0 || faucet.amount > rules_.faucet_max[asset])
        reason = Reason::amount_out_of_range;
    else if (issued_[asset] + Big(faucet.amount) > Big(1) << 120)
        reason = Reason::supply_limit;
    if (reason != Reason::none) {
        emit(running, EventKind::rejected).reason = reason;
        return;
    }
    issued_[asset] += Big(faucet.amount);
    accounts_.at(running.command->account).totals[asset] += Big(faucet.amount);
    emit(running, EventKind::accepted);
    Event& event = emit(running, EventKind::issued);
    event.asset = faucet.asset;
    event.amount = faucet.amount;
}

void Oracle::transfer(Running& running, const Transfer& transfer) {
    const AccountId& from = running.command->account;
    const std::uint32_t asset = transfer.asset.value();
    Reason reason = Reason::none;
    if (asset >= rules_.assets.size())
        reason = Reason::unknown_asset;
    else if (transfer.amount <= 0 || Big(transfer.amount) > Big(1) << 120)
        reason = Reason::amount_out_of_range;
    else if (accounts_.count(transfer.to) == 0)
        reason = Reason::unknown_account;
    else if (transfer.to == from)
        reason = Reason::self_transfer;
    else if (Big(transfer.amount) > total(from, asset) - reserved(from, asset))
        reason = Reason::insufficient_balance;
    if (reason != Reason::none) {
        emit(running, EventKind::rejected).reason = reason;
        return;
    }
    accounts_.at(from).totals[asset] -= Big(transfer.amount);
    accounts_.at(transfer.to).totals[asset] += Big(transfer.amount);
    emit(running, EventKind::accepted);
    Event& event = emit(running, EventKind::transferred);
    event.asset = transfer.asset;
    event.amount = transfer.amount;
    event.maker.account = index_of(transfer.to);
}

}  // namespace peerbook::exchange::model
