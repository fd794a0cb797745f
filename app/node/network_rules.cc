#include "app/node/network_rules.h"

#include <algorithm>
#include <map>

#include "exchange/market/decimal.h"

namespace peerbook::app {

static_assert(config::network_invitations_needed_max == exchange::invitations_needed_max);

namespace {

exchange::AccountId account_of(const config::NetworkAccount& account) {
    exchange::AccountId id;
    id.data = account.data;
    return id;
}

void set_limits(const config::NetworkFile& file, exchange::NetworkRules& rules) {
    auto narrow = [](std::uint64_t limit) { return static_cast<std::uint32_t>(limit); };  // network_limits()
    rules.open_orders_per_account_max = narrow(file.open_orders_per_account_max);
    rules.open_orders_max = narrow(file.open_orders_max);
    rules.accounts_max = narrow(file.accounts_max);
    rules.accounts_per_owner_max = narrow(file.accounts_per_owner_max);
    rules.markets_max = narrow(file.markets_max);
    rules.fills_per_command_max = narrow(file.fills_per_command_max);
    rules.fok_orders_max = narrow(file.fok_orders_max);
    rules.cancel_alls_per_commit_max = narrow(file.cancel_alls_per_commit_max);
    rules.withdrawals_per_account_max = narrow(file.withdrawals_per_account_max);
    rules.proposals_max = narrow(file.proposals_max);
    rules.commands_per_second_max = narrow(file.commands_per_second_max);
    rules.accounts_opened_per_minute_max = narrow(file.accounts_opened_per_minute_max);
    rules.member_bytes_per_second_max = file.member_bytes_per_second_max;
}

exchange::MarketSpec spec_of(const config::NetworkMarket& market) {
    exchange::MarketSpec spec;
    spec.symbol = market.symbol;
    spec.tick = market.tick;
    spec.lot = market.lot;
    spec.price_max = market.price_max;
    spec.quantity_max = market.quantity_max;
    spec.maker_fee_ppm = market.maker_fee_ppm;
    spec.taker_fee_ppm = market.taker_fee_ppm;
    spec.quantity_min = market.quantity_min;
    spec.notional_min = market.notional_min;
    spec.band_ppm = market.band_ppm;
    spec.matching =
        market.matching == "batch" ? exchange::MatchingMode::batch : exchange::MatchingMode::continuous;
    spec.auction = Duration::milliseconds(market.auction_ms);
    return spec;
}

}  // namespace

Result<exchange::NetworkRules> make_network_rules(const config::NetworkFile& file) {
    exchange::NetworkRules rules;
    rules.network = config::network_id(file);
    rules.rules_version = static_cast<std::uint16_t>(file.rules_version);
    rules.has_ledger = file.ledger;
    set_limits(file, rules);
    for (const config::NetworkAccount& administrator : file.administrators)
        rules.administrators.push_back(account_of(administrator));
    rules.administrators_needed = static_cast<std::uint32_t>(file.administrators_needed);
    const Digest fee_account = Hasher("peerbook fee account").add(rules.network.view()).finish();
    rules.fee_account.data = fee_account.data;

    std::map<std::string, exchange::AssetId> assets;
    for (const config::NetworkAsset& asset : file.assets) {
        const exchange::AssetId id(static_cast<std::uint32_t>(rules.assets.size()));
        if (!assets.emplace(asset.name, id).second)
            return Error{ErrorCode::invalid_input,
                         "network " + file.name + ": asset " + asset.name + " is there twice"};
        exchange::AssetRules asset_rules{asset.name, asset.decimals, std::nullopt};
        if (asset.issuer) asset_rules.issuer = account_of(*asset.issuer);
        rules.assets.push_back(std::move(asset_rules));
        exchange::Amount faucet = 0;
        if (!asset.faucet_max.empty()) {
            const auto parsed = exchange::parse_amount(asset.faucet_max, asset.decimals);
            if (!parsed.ok())
                return parsed.error().within("network " + file.name + ": faucet_max of " + asset.name);
            faucet = *parsed;
        }
        rules.faucet_max.push_back(faucet);
    }
    for (const config::NetworkMarket& market : file.markets) {
        const std::string where = "network " + file.name + ": market " + market.symbol;
        const auto base = assets.find(market.base), quote = assets.find(market.quote);
        if (base == assets.end() || quote == assets.end())
            return Error{ErrorCode::invalid_input, where + ": asset " +
                                                       (base == assets.end() ? market.base : market.quote) +
                                                       " is not among the network's assets"};
        auto made =
            exchange::make_market_rules(spec_of(market), base->second, rules.assets[base->second.value()],
                                        quote->second, rules.assets[quote->second.value()]);
        if (!made.ok()) return made.error().within(where);
        rules.markets.push_back(std::move(*made));
    }
    return rules;
}

exchange::AdmissionPolicy make_admission_policy(const config::NetworkFile& file) {
    exchange::AdmissionPolicy policy;
    if (file.joining == "invited") policy.joining = exchange::Joining::invited;
    if (file.joining == "anyone") policy.joining = exchange::Joining::anyone;
    policy.invitations_needed =
        static_cast<std::uint32_t>(std::max<std::uint64_t>(file.invitations_needed, 1));
    return policy;
}

}  // namespace peerbook::app
