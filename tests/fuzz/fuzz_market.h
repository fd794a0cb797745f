// A network with two markets, for the fuzz targets of the edge.
#pragma once

#include <memory>
#include <utility>

#include "base/check.h"
#include "exchange/market/market.h"

namespace peerbook::fuzz {

inline const std::shared_ptr<const exchange::NetworkRules>& rules() {
    static const auto made = [] {
        exchange::NetworkRules network;
        network.assets = {{"BTC", 8, {}}, {"USD", 6, {}}};
        network.faucet_max = {0, 1'000'000'000};
        for (const char* symbol : {"BTC-USD", "XBT-USD"}) {
            exchange::MarketSpec spec;
            spec.symbol = symbol;
            spec.tick = "0.01";
            spec.lot = "0.0001";
            auto market = exchange::make_market_rules(spec, exchange::AssetId(0), network.assets[0],
                                                      exchange::AssetId(1), network.assets[1]);
            PB_CHECK(market.ok(), "the market is sound");
            network.markets.push_back(*market);
        }
        return std::make_shared<const exchange::NetworkRules>(std::move(network));
    }();
    return made;
}

}  // namespace peerbook::fuzz
