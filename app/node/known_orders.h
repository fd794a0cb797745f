// Orders that were placed through this node, by id: for cancels that name no account, and to say what became
// of those that ended. Bounded; the oldest are forgotten first. Logic thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "app/node/requests.h"
#include "exchange/engine/event.h"

namespace peerbook::app {

struct KnownOrder {
    exchange::OrderId id;
    exchange::OrderKey key;
    exchange::MarketId market;
    exchange::Side side = exchange::Side::buy;
    exchange::Price price;
    exchange::Quantity quantity;  // as placed
    // How it ended; open as far as is known here.
    OrderState state = OrderState::open;
    exchange::Reason reason = exchange::Reason::none;  // cancelled: why
    bool was_triggered = false;
    exchange::Quantity leaves;       // when it ended
    exchange::OrderKey replaced_by;  // replaced
    std::uint64_t commit = 0;        // the last one that changed it, or a later one
};

class KnownOrders {
  public:
    explicit KnownOrders(std::size_t size_max) : size_max_(size_max) {}

    void remember(const KnownOrder& order);
    const KnownOrder* find(const exchange::OrderId& id) const;
    const KnownOrder* find(const exchange::OrderKey& key) const;
    // The commit with this place in the log was executed with these events; after its orders were remembered.
    // May come twice.
    void note(const exchange::EventBuffer& events, std::uint64_t commit);
    // These events are taken back.
    void undo(const exchange::EventBuffer& events);

  private:
    struct KeyHash {
        std::size_t operator()(const exchange::OrderKey& key) const {
            return (key.nonce * 0x9e3779b97f4a7c15 + key.index) * 0x9e3779b97f4a7c15 + key.account.value();
        }
    };
    KnownOrder* order_at(const exchange::OrderKey& key);

    std::size_t size_max_;
    std::unordered_map<exchange::OrderKey, KnownOrder, KeyHash> orders_;  // looked up, never walked
    std::unordered_map<exchange::OrderId, exchange::OrderKey> keys_;      // the same
    std::deque<exchange::OrderId> age_;
};

}  // namespace peerbook::app
