// Names of markets and assets to the numbers the exchange knows them by. Built from the network's rules,
// which it keeps; immutable afterwards, so reading it from any thread is safe. Administrators create markets
// while a node runs: whoever keeps a table asks MarketTables for the current one.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "app/node/requests.h"

namespace peerbook::app {

class MarketTable {
  public:
    // Not null.
    explicit MarketTable(std::shared_ptr<const exchange::NetworkRules> rules);

    std::optional<exchange::MarketId> find_market(std::string_view symbol) const;
    std::optional<exchange::AssetId> find_asset(std::string_view name) const;

    // Preconditions: the id came from this network.
    const exchange::MarketRules& market(exchange::MarketId id) const { return rules_->markets[id.value()]; }
    const exchange::AssetRules& asset(exchange::AssetId id) const { return rules_->assets[id.value()]; }
    const exchange::AssetRules& quote_of(exchange::MarketId id) const { return asset(market(id).quote); }
    const exchange::NetworkRules& rules() const { return *rules_; }
    bool is_of(const std::shared_ptr<const exchange::NetworkRules>& rules) const { return rules_ == rules; }

  private:
    std::shared_ptr<const exchange::NetworkRules> rules_;
    std::unordered_map<std::string_view, exchange::MarketId> markets_;
    std::unordered_map<std::string_view, exchange::AssetId> assets_;
};

// The table of a node's markets as they are now. I/O thread only.
class MarketTables {
  public:
    // `node` outlives it.
    explicit MarketTables(const NodeService& node)
        : node_(node), current_(std::make_shared<const MarketTable>(node.rules())) {}

    const std::shared_ptr<const MarketTable>& current() {
        if (!current_->is_of(node_.rules())) current_ = std::make_shared<const MarketTable>(node_.rules());
        return current_;
    }

  private:
    const NodeService& node_;
    std::shared_ptr<const MarketTable> current_;
};

}  // namespace peerbook::app
