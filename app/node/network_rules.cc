#include "app/node/network_rules.h"

#include <map>

#include "exchange/market/decimal.h"

namespace peerbook::app {

Result<exchange::NetworkRules> make_network_rules(const config::NetworkFile& file) {
    exchange::NetworkRules rules;
    rules.network = config::network_id(file);
    rules.open_orders_per_account_max = file.open_orders_per_account_max;
    rules.accounts_max = file.accounts_max;
    const Digest fee_account = Hasher("peerbook fee account").add(rules.network.view()).finish();
    rules.fee_account.data = fee_account.data;

    std::map<std::string, exchange::AssetId> assets;
    for (const config::NetworkAsset& asset : file.assets) {
        const exchange::AssetId id(static_cast<std::uint32_t>(rules.assets.size()));
        if (!assets.emplace(asset.name, id).second)
            return Error{ErrorCode::invalid_input,
                         "network " + file.name + ": asset " + asset.name + " is there twice"};
        rules.assets.push_back({asset.name, asset.decimals});
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
            exchange::make_market_rules({market.symbol, market.tick, market.lot, market.price_max,
                                         market.quantity_max, market.maker_fee_ppm, market.taker_fee_ppm},
                                        base->second, rules.assets[base->second.value()], quote->second,
                                        rules.assets[quote->second.value()]);
        if (!made.ok()) return made.error().within(where);
        rules.markets.push_back(std::move(*made));
    }
    return rules;
}

}  // namespace peerbook::app
