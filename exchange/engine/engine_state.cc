#include "exchange/engine/engine_state.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace peerbook::exchange {

namespace {

MarketTerms terms_of(const MarketRules& market, const NetworkRules& network) {
    const std::size_t asset_count = network.assets.size();
    PB_CHECK(market.base.value() < asset_count && market.quote.value() < asset_count &&
                 market.base != market.quote,
             "a market trades two assets of its network");
    PB_CHECK(market.notional_constant > 0 && market.lot_units > 0 && market.price_max.value() > 0 &&
                 market.quantity_min.value() > 0 && market.quantity_max.value() > 0 &&
                 market.maker_fee_ppm <= fee_ppm_max && market.taker_fee_ppm <= fee_ppm_max,
             "a market's rules come from make_market_rules");
    const Amount bound = Amount{1} << notional_bits_max;  // divided, because a product might not fit
    PB_CHECK(market.price_max.value() <= bound / market.notional_constant / market.quantity_max.value() &&
                 market.lot_units <= bound / market.quantity_max.value(),
             "a market's largest order is worth more than 2^100 base units");
    MarketTerms terms;
    terms.notional_constant = market.notional_constant;
    terms.price_max = market.price_max.value();
    terms.quantity_min = market.quantity_min.value();
    terms.quantity_max = market.quantity_max.value();
    terms.base = market.base;
    terms.quote = market.quote;
    terms.band_ppm = market.band_ppm;
    terms.notional_min = market.notional_min;
    terms.matching = market.matching;
    if (network.has_ledger) {
        terms.money_constant = market.notional_constant;
        terms.lot_units = market.lot_units;
        terms.maker_fee_ppm = market.maker_fee_ppm;
        terms.taker_fee_ppm = market.taker_fee_ppm;
    }
    terms.reserve_by_side[0] = {terms.money_constant, -1, std::max(terms.maker_fee_ppm, terms.taker_fee_ppm),
                                terms.quote};
    terms.reserve_by_side[1] = {terms.lot_units, 0, 0, terms.base};
    return terms;
}

std::uint64_t packed(RateWindow window) {
    return std::uint64_t{window.number} << 32 | window.count;
}
RateWindow unpacked(std::uint64_t word) {
    return {static_cast<std::uint32_t>(word >> 32), static_cast<std::uint32_t>(word)};
}

}  // namespace

EngineState::EngineState(NetworkRules network_rules)
    : rules(std::move(network_rules)),
      markets(rules.markets.size()),
      accounts(rules.fee_account, rules.index_seed),
      balances(rules.assets.size()),
      books(rules.markets.size(), rules.index_seed),
      issued(rules.assets.size()) {
    PB_CHECK(rules.faucet_max.size() == rules.assets.size(), "the rules name a faucet limit for each asset");
    PB_CHECK(rules.markets.size() <= markets_limit && rules.markets_max <= markets_limit,
             "a network has at most 4,096 markets");
    PB_CHECK(rules.administrators.size() <= administrators_max &&
                 rules.administrators_needed <= rules.administrators.size(),
             "a network needs no more administrators than it has");
    for (const MarketRules& market : rules.markets)
        terms.push_back(terms_of(market, rules));
}

void EngineState::burn_nonce(AccountIndex account, std::uint64_t nonce) {
    const NonceWindow::Burn burn = accounts.edit(account).nonces.burn(nonce);
    if (burn.in_order) [[likely]] {
        undo.push_record(UndoKind::nonce_in_order, account.value());
        return;
    }
    const bool dropped = burn.dropped.number_plus_1 != 0;
    if (dropped) {
        for (std::uint64_t word : burn.dropped.bits)
            undo.push_word(word);
        undo.push_word(burn.dropped.number_plus_1);
    }
    undo.push_word(burn.base);
    undo.push_word(burn.highest);
    undo.push_word(burn.nonce);
    undo.push_record(UndoKind::nonce, account.value(), (burn.chunk_is_new ? 1u : 0u) | (dropped ? 2u : 0u));
}

void EngineState::count_command(AccountIndex account, std::uint32_t commands) {
    RateWindow& window = accounts.edit(account).commands;
    undo.push_word(packed(window));
    undo.push_record(UndoKind::rate_changed, account.value());
    const auto second = static_cast<std::uint32_t>(now_ms() / 1'000);
    window = {second, window.count_in(second) + commands};
}

void EngineState::set_owner_windows(OwnerIndex index, RateWindow openings, RateWindow seconds,
                                    std::uint64_t bytes) {
    Owner& owner = accounts.edit_owner(index);
    undo.push_word(packed(owner.openings));
    undo.push_word(packed(owner.seconds));
    undo.push_word(owner.bytes);
    undo.push_record(UndoKind::owner_changed, index.value());
    owner.openings = openings;
    owner.seconds = seconds;
    owner.bytes = bytes;
}

AccountIndex EngineState::open_account(const AccountId& id, const PublicKey& owner, std::string_view name) {
    const AccountIndex account = accounts.open(id, owner, name);
    undo.push_record(UndoKind::account_opened, account.value());
    return account;
}

void EngineState::put_switch(AccountIndex account, std::int64_t deadline_ms) {
    Account& owner = accounts.edit(account);
    const AccountId& id = accounts.id(account);
    if (owner.cancel_after_ms != 0) switches.erase({owner.cancel_after_ms, id, account});
    owner.cancel_after_ms = deadline_ms;
    if (deadline_ms != 0) switches.insert({deadline_ms, id, account});
}

void EngineState::set_switch(AccountIndex account, std::int64_t deadline_ms) {
    undo.push_word(static_cast<std::uint64_t>(accounts[account].cancel_after_ms));
    undo.push_record(UndoKind::switch_changed, account.value());
    put_switch(account, deadline_ms);
}

void EngineState::change_hidden(OrderSlot slot, std::int64_t hidden) {
    undo.push_word(static_cast<std::uint64_t>(books.extension(books.order(slot)).hidden));
    undo.push_record(UndoKind::hidden_changed, slot);
    books.change_hidden(slot, hidden);
}

void EngineState::requeue_order(OrderSlot slot, std::int64_t shown) {
    undo.push_word(books.order(slot).sequence);
    undo.push_record(UndoKind::order_requeued, slot);
    books.requeue(slot, shown);
}

void EngineState::set_last_price(MarketId market, std::int64_t price) {
    std::optional<std::int64_t>& current = markets[market.value()].last;
    if (current == price) return;
    undo.push_word(static_cast<std::uint64_t>(current.value_or(0)));
    undo.push_record(UndoKind::last_price, market.value(), current ? 1 : 0);
    current = price;
}

void EngineState::set_issued(AssetId asset, Amount amount) {
    undo.push_change(UndoKind::issued, asset.value(), issued[asset.value()]);
    moved(asset.value()) -= amount - issued[asset.value()];
    issued[asset.value()] = amount;
}

void EngineState::set_time(WallTime now) {
    if (time == now) return;
    undo.push_word(static_cast<std::uint64_t>(now_ms()));
    undo.push_record(UndoKind::time_changed, time ? 1 : 0);
    time = now;
}

void EngineState::put_phase(std::size_t market, MarketPhase phase, std::optional<WallTime> auction_ends_at) {
    MarketState& changed = markets[market];
    const auto number = static_cast<std::uint32_t>(market);
    if (changed.auction_ends_at) auctions.erase({changed.auction_ends_at->ms, number});
    changed.phase = terms[market].phase = phase;
    changed.auction_ends_at = auction_ends_at;
    if (auction_ends_at) auctions.insert({auction_ends_at->ms, number});
}

void EngineState::set_phase(MarketId market, MarketPhase phase, std::optional<WallTime> auction_ends_at) {
    const MarketState& before = markets[market.value()];
    undo.push_word(static_cast<std::uint64_t>(before.auction_ends_at.value_or(WallTime{}).ms));
    undo.push_record(UndoKind::phase_changed, market.value(),
                     static_cast<std::uint32_t>(before.phase) | (before.auction_ends_at ? 4u : 0u));
    put_phase(market.value(), phase, auction_ends_at);
}

MarketId EngineState::create_market(const CreateMarket& created, MarketRules market_rules) {
    const MarketId market(static_cast<std::uint32_t>(markets.size()));
    terms.push_back(terms_of(market_rules, rules));
    rules.markets.push_back(std::move(market_rules));
    markets.emplace_back().created_from = created;
    books.add_market();
    put_phase(market.value(), MarketPhase::halted, std::nullopt);
    undo.push_record(UndoKind::market_created, market.value());
    return market;
}

void EngineState::add_withdrawal(Withdrawal withdrawal) {
    const OrderKey request = withdrawal.request;
    withdrawals.add(std::move(withdrawal));
    undo.push_word(request.nonce);
    undo.push_record(UndoKind::withdrawal_added, request.account.value(), request.index);
}

void EngineState::remove_withdrawal(const OrderKey& request) {
    removed_withdrawals_.push(undo.position(), withdrawals.remove(request));
    undo.push_record(UndoKind::withdrawal_removed, request.account.value());
}

void EngineState::set_proposals(std::vector<Proposal> changed) {
    former_proposals_.push(undo.position(), std::exchange(proposals, std::move(changed)));
    undo.push_record(UndoKind::proposals_changed, 0);
}

void EngineState::undo_nonce(const UndoLog::Record& record) {
    NonceWindow::Burn burn;
    burn.in_order = false;
    burn.chunk_is_new = (record.b & 1) != 0;
    burn.nonce = undo.pop_word();
    burn.highest = undo.pop_word();
    burn.base = undo.pop_word();
    if ((record.b & 2) != 0) {
        burn.dropped.number_plus_1 = undo.pop_word();
        for (std::size_t i = burn.dropped.bits.size(); i-- > 0;)
            burn.dropped.bits[i] = undo.pop_word();
    }
    accounts.edit(AccountIndex(record.a)).nonces.undo(burn);
}

void EngineState::undo_order(const UndoLog::Record& record) {
    switch (record.kind) {
        case UndoKind::order_inserted:
            books.undo_insert(record.a);
            break;
        case UndoKind::order_removed:
            removed_orders.pop_back();
            books.undo_remove(record.a);
            break;
        case UndoKind::order_changed:
            books.change(record.a, static_cast<std::int64_t>(undo.pop_word()), record.b);
            break;
        case UndoKind::order_requeued:
            books.undo_requeue(record.a, undo.pop_word());
            break;
        case UndoKind::hidden_changed:
            books.change_hidden(record.a, static_cast<std::int64_t>(undo.pop_word()));
            break;
        default:
            PB_CHECK(false, "an undo record of an order");
    }
}

void EngineState::undo_rare(const UndoLog::Record& record) {
    switch (record.kind) {
        case UndoKind::account_opened:
            accounts.undo_open(AccountIndex(record.a));
            break;
        case UndoKind::issued:
            issued[record.a] = undo.pop_amount();
            break;
        case UndoKind::rate_changed:
            accounts.edit(AccountIndex(record.a)).commands = unpacked(undo.pop_word());
            break;
        case UndoKind::owner_changed: {
            Owner& owner = accounts.edit_owner(OwnerIndex(record.a));
            owner.bytes = undo.pop_word();
            owner.seconds = unpacked(undo.pop_word());
            owner.openings = unpacked(undo.pop_word());
            break;
        }
        case UndoKind::switch_changed:
            put_switch(AccountIndex(record.a), static_cast<std::int64_t>(undo.pop_word()));
            break;
        case UndoKind::phase_changed: {
            const WallTime end{static_cast<std::int64_t>(undo.pop_word())};
            put_phase(record.a, static_cast<MarketPhase>(record.b & 3),
                      (record.b & 4) != 0 ? std::optional(end) : std::nullopt);
            break;
        }
        case UndoKind::market_created:
            books.undo_add_market();
            markets.pop_back();
            rules.markets.pop_back();
            terms.pop_back();
            break;
        case UndoKind::withdrawal_added:
            withdrawals.remove({AccountIndex(record.a), {undo.pop_word(), record.b}});
            break;
        case UndoKind::withdrawal_removed:
            withdrawals.add(removed_withdrawals_.pop());
            break;
        case UndoKind::proposals_changed:
            proposals = former_proposals_.pop();
            break;
        case UndoKind::time_changed: {
            const WallTime before{static_cast<std::int64_t>(undo.pop_word())};
            time = record.a != 0 ? std::optional(before) : std::nullopt;
            break;
        }
        default:
            undo_order(record);
    }
}

void EngineState::undo_one() {
    const UndoLog::Record record = undo.pop_record();
    switch (record.kind) {
        case UndoKind::nonce_in_order:
            accounts.edit(AccountIndex(record.a)).nonces.undo_in_order();
            break;
        case UndoKind::nonce:
            undo_nonce(record);
            break;
        case UndoKind::reserved_changed:
            balances.edit(record.a).reserved = undo.pop_amount();
            break;
        case UndoKind::balance_changed: {
            Balance& balance = balances.edit(record.a);
            balance.reserved = undo.pop_amount();
            balance.total = undo.pop_amount();
            break;
        }
        case UndoKind::last_price: {
            const auto price = static_cast<std::int64_t>(undo.pop_word());
            markets[record.a].last = record.b != 0 ? std::optional(price) : std::nullopt;
            break;
        }
        default:
            undo_rare(record);
    }
}

void EngineState::undo_to(std::uint64_t position) {
    PB_CHECK(position >= undo.oldest() && position <= undo.position(), "a mark must lie in the undo log");
    while (undo.position() > position)
        undo_one();
    PB_CHECK(undo.position() == position, "a mark lies between two records");
}

void EngineState::prune_undo(std::uint64_t position) {
    undo.prune(position);
    for (; !removed_orders.empty() && removed_orders.front().position < position; removed_orders.pop_front())
        books.release(removed_orders.front().slot, removed_orders.front().is_extended);
    removed_orders.give_back();
    removed_withdrawals_.prune(position);
    former_proposals_.prune(position);
}

Amount EngineState::reserve_of_extended(const Order& order, const MarketTerms& market) const {
    const OrderExtension& extension = books.extension(order);
    if (extension.budget != 0) return rules.has_ledger ? extension.budget : 0;
    const std::int64_t leaves = order.leaves + extension.hidden;
    return market.reserve(order.side()).reserve(books.limit(order), leaves, order.fee_carry);
}

FrozenState EngineState::freeze() {
    FrozenState frozen;
    frozen.time = time;
    frozen.next_sequence = books.next_sequence();
    frozen.accounts = accounts.freeze();
    frozen.balances = balances.freeze();
    frozen.withdrawals = withdrawals.freeze();
    frozen.orders = books.freeze_orders();
    frozen.extensions = books.freeze_extensions();
    frozen.markets = markets;
    frozen.issued = issued;
    frozen.proposals = proposals;
    return frozen;
}

std::size_t EngineState::memory_bytes() const {
    return books.memory_bytes() + accounts.memory_bytes() + balances.memory_bytes() + undo.memory_bytes() +
           removed_orders.memory_bytes();
}

}  // namespace peerbook::exchange
