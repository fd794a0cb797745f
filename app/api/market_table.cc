#include "app/api/market_table.h"

#include <utility>

namespace peerbook::app {

MarketTable::MarketTable(std::shared_ptr<const exchange::NetworkRules> shared) : rules_(std::move(shared)) {
    const exchange::NetworkRules& rules = *rules_;
    markets_.reserve(rules.markets.size());
    for (std::size_t i = 0; i < rules.markets.size(); ++i)
        markets_.emplace(rules.markets[i].symbol, exchange::MarketId(static_cast<std::uint32_t>(i)));
    assets_.reserve(rules.assets.size());
    for (std::size_t i = 0; i < rules.assets.size(); ++i)
        assets_.emplace(rules.assets[i].name, exchange::AssetId(static_cast<std::uint32_t>(i)));
}

std::optional<exchange::MarketId> MarketTable::find_market(std::string_view symbol) const {
    auto found = markets_.find(symbol);
    if (found == markets_.end()) return std::nullopt;
    return found->second;
}

std::optional<exchange::AssetId> MarketTable::find_asset(std::string_view name) const {
    auto found = assets_.find(name);
    if (found == assets_.end()) return std::nullopt;
    return found->second;
}

}  // namespace peerbook::app
