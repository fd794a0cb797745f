#include "tests/model/oracle.h"

#include <algorithm>

namespace peerbook::exchange::model {

Amount to_amount(const Big& value) {
    return static_cast<Amount>(value);
}

bool meets(Side side, std::int64_t limit, std::int64_t other) {
    return side == Side::buy ? other <= limit : other >= limit;
}

bool is_met(const Trigger& trigger, std::int64_t last) {
    return trigger.when == TriggerWhen::at_or_above ? last >= trigger.price.value()
                                                    : last <= trigger.price.value();
}

Oracle::Oracle(NetworkRules rules) : rules_(std::move(rules)), issued_(rules_.assets.size()) {
    for (const MarketRules& market : rules_.markets) {
        markets_.emplace_back();
        markets_.back().rules = market;
    }
    accounts_[rules_.fee_account] = {};
}

// --- events ---

OrderKey Oracle::key_of(const AccountId& account, CommandRef ref) const {
    return {accounts_.count(account) > 0 ? (*running_.index_of)(account) : no_account, ref};
}

Event& Oracle::emit(EventKind kind) {
    running_.events->push_back(Event{});
    Event& event = running_.events->back();
    event.kind = kind;
    event.command = no_command;
    if (running_.entry != nullptr) {
        event.command = running_.entry->number;
        event.order = key_of(running_.entry->account, running_.entry->ref());
    }
    return event;
}

Event& Oracle::emit(EventKind kind, const Order& order) {
    Event& event = emit(kind);
    event.order = key_of(order.account, order.ref);
    event.side = order.side;
    event.market = MarketId(order.market);
    event.price = Price(order.price);
    return event;
}

// --- orders ---

std::vector<Order*> Oracle::book(std::uint32_t market, Side side) {
    std::vector<Order*> found;
    for (auto& [name, order] : orders_)
        if (order.market == market && order.side == side && !order.trigger) found.push_back(&order);
    std::sort(found.begin(), found.end(), [&](const Order* a, const Order* b) {
        if (a->price != b->price) return side == Side::buy ? a->price > b->price : a->price < b->price;
        return a->sequence < b->sequence;
    });
    return found;
}

std::vector<Order> Oracle::side_orders(std::uint32_t market, Side side) const {
    std::vector<Order> copies;
    for (const Order* order : const_cast<Oracle*>(this)->book(market, side))
        copies.push_back(*order);
    return copies;
}

std::vector<OrderName> Oracle::open_names(const AccountId& account) const {
    std::vector<OrderName> names;
    for (const auto& [name, order] : orders_)
        if (name.first == account) names.push_back(name);
    return names;
}

// --- money ---

Big Oracle::notional(const Order& order, std::int64_t price, std::int64_t quantity) const {
    return Big(price) * quantity * Big(market_of(order).rules.notional_constant);
}

std::uint32_t Oracle::reserve_asset(const Order& order) const {
    const MarketRules& rules = market_of(order).rules;
    return (order.side == Side::buy ? rules.quote : rules.base).value();
}

// An order's fee over all its fills is their sum in millionths, rounded up once.
Big Oracle::next_fee(const Order& order, const Big& amount, std::uint32_t rate) const {
    if (!rules_.has_ledger) return 0;
    return (order.fee_parts + amount * rate + 999'999) / 1'000'000 - order.fee_charged;
}

Big Oracle::charge(Order& order, const Big& amount, std::uint32_t rate) const {
    const Big fee = next_fee(order, amount, rate);
    if (!rules_.has_ledger) return 0;
    order.fee_parts += amount * rate;
    order.fee_charged += fee;
    return fee;
}

Big Oracle::held_by(const Order& order) const {
    if (!rules_.has_ledger) return 0;
    if (order.budget) return *order.budget;
    const MarketRules& rules = market_of(order).rules;
    if (order.side == Side::sell) return Big(order.leaves) * Big(rules.lot_units);
    const Big rest = notional(order, order.price, order.leaves);
    return rest + next_fee(order, rest, std::max(rules.maker_fee_ppm, rules.taker_fee_ppm));
}

Big Oracle::total(const AccountId& account, std::uint32_t asset) const {
    const std::map<std::uint32_t, Big>& totals = accounts_.at(account).totals;
    const auto found = totals.find(asset);
    return found == totals.end() ? Big(0) : found->second;
}

Big Oracle::reserved(const AccountId& account, std::uint32_t asset) const {
    Big sum = 0;
    for (const auto& [name, order] : orders_)
        if (order.account == account && reserve_asset(order) == asset) sum += held_by(order);
    for (const auto& [request, withdrawal] : accounts_.at(account).withdrawals)
        if (withdrawal.asset == asset) sum += withdrawal.amount;
    return sum;
}

Big Oracle::available(const AccountId& account, std::uint32_t asset) const {
    return total(account, asset) - reserved(account, asset);
}

Big Oracle::sum_of_balances(std::uint32_t asset) const {
    Big sum = 0;
    for (const auto& [id, account] : accounts_)
        sum += total(id, asset);
    return sum;
}

// --- time ---

std::optional<Millis> Oracle::next_deadline() const {
    std::optional<Millis> first;
    const auto consider = [&](std::optional<Millis> at) {
        if (at && (!first || *at < *first)) first = at;
    };
    for (const auto& [name, order] : orders_)
        consider(order.expires_at);
    for (const auto& [id, account] : accounts_)
        consider(account.cancels_at);
    for (const Market& market : markets_)
        consider(market.auction_ends_at);
    return first;
}

}  // namespace peerbook::exchange::model
