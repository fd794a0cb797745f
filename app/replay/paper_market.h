// A small price-time book on paper: the flow builder foresees with it what the market will do with the
// commands, so that a repair can be part of the flow instead of a reaction to the market's answers. It knows
// nothing of accounts, balances or limits. Orders are named by small dense numbers. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "exchange/market/types.h"

namespace peerbook::app::replay {

struct PaperFill {
    std::uint32_t maker = 0;
    std::int64_t quantity = 0;  // lots
};

class PaperMarket {
  public:
    // Matches, then rests what is left. `order` is new, and at most one above the highest so far. The result
    // is valid until the next call.
    const std::vector<PaperFill>& place(std::uint32_t order, exchange::Side side, std::int64_t price,
                                        std::int64_t lots);
    // Matches and forgets the rest.
    const std::vector<PaperFill>& take(exchange::Side side, std::int64_t price, std::int64_t lots);
    // Lots are cut to what is left.
    void reduce(std::uint32_t order, std::int64_t lots);
    void cancel(std::uint32_t order);

    std::int64_t leaves(std::uint32_t order) const {
        return order < orders_.size() ? orders_[order].leaves : 0;
    }
    std::optional<std::int64_t> best(exchange::Side side) const;
    // Resting orders at better prices than `limit`, best price first; with no limit, all of the side.
    std::vector<std::uint32_t> better_than(exchange::Side side, std::optional<std::int64_t> limit) const;
    // Lots, and orders in their priority, at one price.
    std::int64_t lots_at(exchange::Side side, std::int64_t price) const;
    std::vector<std::uint32_t> orders_at(exchange::Side side, std::int64_t price) const;
    // Prices with orders, best first, up to `limit` (inclusive); with no limit, all.
    std::vector<std::int64_t> prices(exchange::Side side, std::optional<std::int64_t> limit) const;

  private:
    struct Order {
        exchange::Side side = exchange::Side::buy;
        std::int64_t price = 0;
        std::int64_t leaves = 0;  // 0: gone
    };
    // Queue entries of orders that are gone are dropped when they reach the front; `lots` is exact.
    struct Level {
        std::int64_t lots = 0;
        std::deque<std::uint32_t> queue;
    };
    // Keyed so that the best price comes first: bids by their negated price.
    using Side = std::map<std::int64_t, Level>;

    static std::int64_t key_of(exchange::Side side, std::int64_t price) {
        return side == exchange::Side::buy ? -price : price;
    }
    Side& side_of(exchange::Side side) { return side == exchange::Side::buy ? bids_ : asks_; }
    const Side& side_of(exchange::Side side) const { return side == exchange::Side::buy ? bids_ : asks_; }
    std::int64_t match(exchange::Side taker, std::int64_t price, std::int64_t lots);

    std::vector<Order> orders_;
    Side bids_, asks_;
    std::vector<PaperFill> fills_;
};

}  // namespace peerbook::app::replay
