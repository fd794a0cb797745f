// Names of markets and assets to the numbers the exchange knows them by. Built once from the network's rules,
// which outlive it; immutable afterwards, so reading it from any thread is safe.
#pragma once

#include <optional>
#include <string_view>
#include <unordered_map>

#include "exchange/market/market.h"

namespace peerbook::app {

class MarketTable {
  public:
    explicit MarketTable(const exchange::NetworkRules& rules);

    std::optional<exchange::MarketId> find_market(std::string_view symbol) const;
    std::optional<exchange::AssetId> find_asset(std::string_view name) const;

    // Preconditions: the id came from this network.
    const exchange::MarketRules& market(exchange::MarketId id) const { return rules_.markets[id.value()]; }
    const exchange::AssetRules& asset(exchange::AssetId id) const { return rules_.assets[id.value()]; }
    const exchange::AssetRules& quote_of(exchange::MarketId id) const { return asset(market(id).quote); }
    const exchange::NetworkRules& rules() const { return rules_; }

  private:
    const exchange::NetworkRules& rules_;
    std::unordered_map<std::string_view, exchange::MarketId> markets_;
    std::unordered_map<std::string_view, exchange::AssetId> assets_;
};

}  // namespace peerbook::app
