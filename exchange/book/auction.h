// One price for many orders: call auctions, and markets that match in batches.
//
// The price is the one that trades most; among those the one that leaves the smallest imbalance; then the
// closest to the last price; then the lowest. Pure functions over lists of orders in priority order.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "exchange/book/order_book.h"

namespace peerbook::exchange {

struct AuctionOrder {
    OrderSlot slot = no_order;
    std::int64_t price = 0;
    std::int64_t leaves = 0;  // hidden lots too
    std::uint64_t sequence = 0;
    std::int64_t allocated = 0;
};

// The orders that may take part: buys at or above the best ask, sells at or below the best bid, in priority
// order. Empty unless the book is crossed.
struct AuctionBook {
    std::vector<AuctionOrder> buys;
    std::vector<AuctionOrder> sells;
};
// In place of what `crossing` had.
void list_crossing(const OrderBooks& books, MarketId market, AuctionBook& crossing);

struct Clearing {
    std::int64_t price = 0;
    std::int64_t quantity = 0;
};
// Nothing if the book is empty. Preconditions: lists as list_crossing gives them; each side's lots fit 63
// bits. `prices` is there for its memory.
std::optional<Clearing> find_clearing(const AuctionBook& book, std::optional<std::int64_t> last_price,
                                      std::vector<std::int64_t>& prices);

// Gives `quantity` lots to orders in their order, to each at most its leaves.
void allocate_in_order(std::vector<AuctionOrder>& orders, std::int64_t quantity);
// Orders from `first` to before `last` share `quantity` lots pro rata, rounded down. Returns what is left
// over, fewer lots than there are orders. Precondition: quantity is at most the sum of their leaves.
std::int64_t allocate_pro_rata(std::vector<AuctionOrder>& orders, std::size_t first, std::size_t last,
                               std::int64_t quantity);

}  // namespace peerbook::exchange
