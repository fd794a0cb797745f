// A slow, obvious order book: price-time priority over plain containers, commands of a Flow in, outcomes out.
#pragma once

#include <algorithm>
#include <list>
#include <map>

#include "app/replay/record.h"

namespace peerbook::app::replay {

class NaiveMarket {
  public:
    FlowOutcome execute(const FlowCommand& command) {
        FlowOutcome outcome;
        if (command.kind == FlowKind::place || command.kind == FlowKind::take) {
            std::int64_t left = command.quantity;
            std::list<Order>& others = side(exchange::opposite(command.side));
            while (left > 0 && !others.empty() && crosses(command, others.front())) {
                Order& maker = others.front();
                const std::int64_t lots = std::min(left, maker.leaves);
                outcome.fills.push_back({maker.order, maker.price, lots});
                left -= lots;
                maker.leaves -= lots;
                if (maker.leaves == 0) others.pop_front();
            }
            if (command.kind == FlowKind::place && left > 0) {
                outcome.leaves = left;
                rest({command.order, command.price, left}, command.side);
            }
            return outcome;
        }
        for (auto* orders : {&bids_, &asks_}) {
            auto found = std::find_if(orders->begin(), orders->end(),
                                      [&](const Order& order) { return order.order == command.order; });
            if (found == orders->end()) continue;
            found->leaves -= command.kind == FlowKind::cancel ? found->leaves : command.quantity;
            if (found->leaves <= 0) orders->erase(found);
            return outcome;
        }
        outcome.rejected = true;
        outcome.reason = exchange::Reason::unknown_order;
        return outcome;
    }

  private:
    struct Order {
        std::uint32_t order;
        std::int64_t price;
        std::int64_t leaves;
    };

    std::list<Order>& side(exchange::Side which) { return which == exchange::Side::buy ? bids_ : asks_; }

    static bool crosses(const FlowCommand& taker, const Order& maker) {
        return taker.side == exchange::Side::buy ? maker.price <= taker.price : maker.price >= taker.price;
    }

    void rest(const Order& order, exchange::Side which) {
        std::list<Order>& orders = side(which);
        auto position = std::find_if(orders.begin(), orders.end(), [&](const Order& other) {
            return which == exchange::Side::buy ? other.price < order.price : other.price > order.price;
        });
        orders.insert(position, order);
    }

    std::list<Order> bids_, asks_;  // best first, oldest first within a price
};

inline RecordReport replay_naively(const Flow& flow, const OfficialBook* official) {
    NaiveMarket market;
    RecordCheck check(flow, official);
    for (std::uint32_t i = 0; i < flow.commands.size(); ++i)
        check.outcome(i, market.execute(flow.commands[i]));
    return check.finish();
}

}  // namespace peerbook::app::replay
