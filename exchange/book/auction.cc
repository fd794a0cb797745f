#include "exchange/book/auction.h"

#include <algorithm>
#include <cstdlib>

namespace peerbook::exchange {

namespace {

void add_level(const OrderBooks& books, const Level& level, std::vector<AuctionOrder>& orders) {
    for (OrderSlot slot = level.head; slot != no_order; slot = books.order(slot).next) {
        const Order& order = books.order(slot);
        orders.push_back({slot, order.price, books.whole_leaves(order), order.sequence, 0});
    }
}

std::uint64_t distance(std::int64_t a, std::int64_t b) {
    return a > b ? static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)
                 : static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a);
}

// A candidate price and what the two sides offer at it.
struct Candidate {
    std::int64_t price = 0;
    std::int64_t demand = 0;
    std::int64_t supply = 0;

    std::int64_t quantity() const { return std::min(demand, supply); }
    std::uint64_t imbalance() const { return distance(demand, supply); }
};

bool is_better(const Candidate& a, const Candidate& b, std::optional<std::int64_t> last_price) {
    if (a.quantity() != b.quantity()) return a.quantity() > b.quantity();
    if (a.imbalance() != b.imbalance()) return a.imbalance() < b.imbalance();
    if (last_price) {
        const std::uint64_t distance_a = distance(a.price, *last_price);
        const std::uint64_t distance_b = distance(b.price, *last_price);
        if (distance_a != distance_b) return distance_a < distance_b;
    }
    return a.price < b.price;
}

}  // namespace

void list_crossing(const OrderBooks& books, MarketId market, AuctionBook& crossing) {
    crossing.buys.clear();
    crossing.sells.clear();
    const PriceLevels& bids = books.levels(market, Side::buy);
    const PriceLevels& asks = books.levels(market, Side::sell);
    if (bids.empty() || asks.empty() || bids.best_price() < asks.best_price()) return;
    const std::int64_t highest = bids.best_price();
    const std::int64_t lowest = asks.best_price();
    bids.for_each([&](std::int64_t price, const Level& level) {
        if (price >= lowest) add_level(books, level, crossing.buys);
        return price >= lowest;
    });
    asks.for_each([&](std::int64_t price, const Level& level) {
        if (price <= highest) add_level(books, level, crossing.sells);
        return price <= highest;
    });
}

std::optional<Clearing> find_clearing(const AuctionBook& book, std::optional<std::int64_t> last_price,
                                      std::vector<std::int64_t>& prices) {
    if (book.buys.empty() || book.sells.empty()) return std::nullopt;
    prices.clear();
    prices.reserve(book.buys.size() + book.sells.size());
    for (const std::vector<AuctionOrder>* side : {&book.buys, &book.sells})
        for (const AuctionOrder& order : *side)
            if (prices.empty() || prices.back() != order.price) prices.push_back(order.price);
    std::sort(prices.begin(), prices.end());
    prices.erase(std::unique(prices.begin(), prices.end()), prices.end());

    // From the lowest price up: demand loses the buys below it, supply gains the sells up to it.
    Candidate at;
    for (const AuctionOrder& buy : book.buys)
        at.demand += buy.leaves;
    auto lowest_buy = book.buys.rbegin();
    auto next_sell = book.sells.begin();
    std::optional<Candidate> best;
    for (std::int64_t price : prices) {
        at.price = price;
        for (; lowest_buy != book.buys.rend() && lowest_buy->price < price; ++lowest_buy)
            at.demand -= lowest_buy->leaves;
        for (; next_sell != book.sells.end() && next_sell->price <= price; ++next_sell)
            at.supply += next_sell->leaves;
        if (!best || is_better(at, *best, last_price)) best = at;
    }
    return Clearing{best->price, best->quantity()};
}

void allocate_in_order(std::vector<AuctionOrder>& orders, std::int64_t quantity) {
    for (AuctionOrder& order : orders) {
        order.allocated = std::min(order.leaves, quantity);
        quantity -= order.allocated;
        if (quantity == 0) return;
    }
}

std::int64_t allocate_pro_rata(std::vector<AuctionOrder>& orders, std::size_t first, std::size_t last,
                               std::int64_t quantity) {
    Amount sum = 0;
    for (std::size_t i = first; i < last; ++i)
        sum += orders[i].leaves;
    std::int64_t left = quantity;
    for (std::size_t i = first; i < last; ++i) {
        orders[i].allocated = static_cast<std::int64_t>(Amount{quantity} * orders[i].leaves / sum);
        left -= orders[i].allocated;
    }
    return left;
}

}  // namespace peerbook::exchange
