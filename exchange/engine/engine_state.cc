#include "exchange/engine/engine_state.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "exchange/ledger/fees.h"

namespace peerbook::exchange {

namespace {

MarketTerms terms_of(const MarketRules& market, std::size_t asset_count) {
    PB_CHECK(market.base.value() < asset_count && market.quote.value() < asset_count &&
                 market.base != market.quote,
             "a market trades two assets of its network");
    PB_CHECK(market.notional_constant > 0 && market.lot_units > 0 && market.price_max.value() > 0 &&
                 market.quantity_max.value() > 0 && market.maker_fee_ppm <= fee_ppm_max &&
                 market.taker_fee_ppm <= fee_ppm_max,
             "a market's rules come from make_market_rules");
    const Amount bound = Amount{1} << notional_bits_max;  // divided, because a product might not fit
    PB_CHECK(market.price_max.value() <= bound / market.notional_constant / market.quantity_max.value() &&
                 market.lot_units <= bound / market.quantity_max.value(),
             "a market's largest order is worth more than 2^100 base units");
    MarketTerms terms;
    terms.notional_constant = market.notional_constant;
    terms.lot_units = market.lot_units;
    terms.price_max = market.price_max.value();
    terms.quantity_max = market.quantity_max.value();
    terms.base = market.base;
    terms.quote = market.quote;
    terms.maker_fee_ppm = market.maker_fee_ppm;
    terms.taker_fee_ppm = market.taker_fee_ppm;
    terms.highest_fee_ppm = std::max(market.maker_fee_ppm, market.taker_fee_ppm);
    return terms;
}

}  // namespace

EngineState::EngineState(NetworkRules network_rules)
    : rules(std::move(network_rules)),
      accounts(rules.fee_account, rules.index_seed),
      balances(rules.assets.size()),
      books(rules.markets.size(), rules.index_seed),
      issued(rules.assets.size()),
      last(rules.markets.size()) {
    PB_CHECK(rules.faucet_max.size() == rules.assets.size(), "the rules name a faucet limit for each asset");
    for (const MarketRules& market : rules.markets)
        terms.push_back(terms_of(market, rules.assets.size()));
}

void EngineState::burn_nonce(AccountIndex account, std::uint64_t nonce) {
    const NonceWindow::Burn burn = accounts.nonces(account).burn(nonce);
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

AccountIndex EngineState::open_account(const AccountId& id, const PublicKey& owner, std::string_view name) {
    const AccountIndex account = accounts.open(id, owner, name);
    undo.push_record(UndoKind::account_opened, account.value());
    return account;
}

void EngineState::set_last_price(MarketId market, std::int64_t price) {
    std::optional<std::int64_t>& current = last[market.value()];
    if (current == price) return;
    undo.push_word(static_cast<std::uint64_t>(current.value_or(0)));
    undo.push_record(UndoKind::last_price, market.value(), current ? 1 : 0);
    current = price;
}

void EngineState::set_issued(AssetId asset, Amount amount) {
    undo.push_amount(issued[asset.value()]);
    undo.push_record(UndoKind::issued, asset.value());
    issued[asset.value()] = amount;
}

void EngineState::undo_one() {
    const UndoLog::Record record = undo.pop_record();
    switch (record.kind) {
        case UndoKind::nonce_in_order:
            accounts.nonces(AccountIndex(record.a)).undo_in_order();
            break;
        case UndoKind::nonce: {
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
            accounts.nonces(AccountIndex(record.a)).undo(burn);
            break;
        }
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
        case UndoKind::reserved_changed:
            balances[record.a].reserved = undo.pop_amount();
            break;
        case UndoKind::balance_changed:
            balances[record.a].reserved = undo.pop_amount();
            balances[record.a].total = undo.pop_amount();
            break;
        case UndoKind::last_price: {
            const auto price = static_cast<std::int64_t>(undo.pop_word());
            last[record.a] = record.b != 0 ? std::optional(price) : std::nullopt;
            break;
        }
        case UndoKind::account_opened:
            accounts.undo_open(AccountIndex(record.a));
            break;
        case UndoKind::issued:
            issued[record.a] = undo.pop_amount();
            break;
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
        books.release(removed_orders.front().slot);
}

Amount EngineState::reserve_of(const Order& order) const {
    const MarketTerms& market = terms[order.market()];
    if (order.is_sell()) return static_cast<Amount>(order.leaves) * market.lot_units;
    return buy_reserve(market.notional(order.price, order.leaves), market.highest_fee_ppm, order.fee_carry);
}

}  // namespace peerbook::exchange
