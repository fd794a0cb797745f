#include "app/api/json_rules.h"

#include "app/api/json_write.h"
#include "app/api/words.h"
#include "exchange/market/decimal.h"

namespace peerbook::app {

namespace {

// Without the braces around it.
void write_rules(Json& json, const exchange::MarketRules& market, const MarketTable& markets) {
    json.key("market").text(market.symbol);
    json.key("base").text(markets.asset(market.base).name);
    json.key("quote").text(markets.asset(market.quote).name);
    json.key("tick").text(market.tick_text);
    json.key("lot").text(market.lot_text);
    json.key("price_max").text(exchange::format_price(market.price_max, market));
    json.key("quantity_min").text(exchange::format_quantity(market.quantity_min, market));
    json.key("quantity_max").text(exchange::format_quantity(market.quantity_max, market));
    json.key("notional_min")
        .text(exchange::format_amount(market.notional_min, markets.asset(market.quote).decimals));
    json.key("maker_fee_ppm").small(market.maker_fee_ppm);
    json.key("taker_fee_ppm").small(market.taker_fee_ppm);
    json.key("band_ppm").small(market.band_ppm);
    json.key("matching").text(text_of(market.matching));
    json.key("auction_ms").number_signed(market.auction.ms());
}

}  // namespace

void write_phase(Json& json, const exchange::MarketView& state, const exchange::MarketRules& market) {
    json.key("phase").text(text_of(state.phase));
    if (!state.auction_ends_at) return;
    json.key("auction_ends_at").number_signed(state.auction_ends_at->ms);
    if (state.indicative_quantity == exchange::Quantity(0)) return;
    json.key("indicative_price").text(exchange::format_price(state.indicative_price, market));
    json.key("indicative_quantity").text(exchange::format_quantity(state.indicative_quantity, market));
}

std::string markets_json(const MarketsAnswer& states, const MarketTable& markets) {
    const auto& rules = markets.rules().markets;
    Json json;
    json.begin().key("markets").begin_list();
    for (std::size_t i = 0; i < rules.size() && i < states.markets.size(); ++i) {
        const exchange::MarketView& state = states.markets[i];
        json.begin();
        write_rules(json, rules[i], markets);
        json.key("last").text(state.last ? exchange::format_price(*state.last, rules[i]) : "");
        write_phase(json, state, rules[i]);
        json.end();
    }
    json.end_list().end();
    return json.take();
}

std::string network_json(const MarketTable& markets, const std::string& network_name) {
    const auto& rules = markets.rules();
    Json json;
    json.begin();
    json.key("name").text(network_name);
    json.key("network").hex(rules.network);
    json.key("rules_version").small(rules.rules_version);
    json.key("open_orders_per_account_max").small(rules.open_orders_per_account_max);
    json.key("accounts_max").small(rules.accounts_max);
    json.key("markets_max").small(rules.markets_max);
    json.key("commands_per_second_max").small(rules.commands_per_second_max);
    json.key("accounts_opened_per_minute_max").small(rules.accounts_opened_per_minute_max);
    json.key("member_bytes_per_second_max").number(rules.member_bytes_per_second_max);
    json.key("cancel_alls_per_commit_max").small(rules.cancel_alls_per_commit_max);
    json.key("withdrawals_per_account_max").small(rules.withdrawals_per_account_max);
    json.key("has_ledger").flag(rules.has_ledger);
    json.key("administrators").begin_list();
    for (const exchange::AccountId& administrator : rules.administrators)
        json.hex(administrator);
    json.end_list();
    json.key("administrators_needed").small(rules.administrators_needed);
    json.key("fee_account").hex(rules.fee_account);
    json.key("assets").begin_list();
    for (std::size_t i = 0; i < rules.assets.size(); ++i) {
        const auto& asset = rules.assets[i];
        json.begin().key("asset").text(asset.name).key("decimals").small(asset.decimals);
        if (i < rules.faucet_max.size())
            json.key("faucet_max").text(exchange::format_amount(rules.faucet_max[i], asset.decimals));
        if (asset.issuer) json.key("issuer").hex(*asset.issuer);
        json.end();
    }
    json.end_list();
    json.key("markets").begin_list();
    for (const auto& market : rules.markets) {
        json.begin();
        write_rules(json, market, markets);
        json.end();
    }
    json.end_list();
    json.end();
    return json.take();
}

}  // namespace peerbook::app
