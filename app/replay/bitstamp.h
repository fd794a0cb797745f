// Bitstamp's recorded order events: a header, then id, timestamp (ms), exchange.timestamp (ms), price, volume
// (1e-8 BTC), action (created, changed, deleted), direction (bid, ask). The volume is what remains after the
// event; a deletion with volume 0 is an order that was filled, with more than 0 one that its owner cancelled.
//
// An order whose price changes is one that goes and another that comes. The file has no trades. A decrease of
// a bid and a decrease of an ask by the same volume within `trade_window_ms` are read as one trade between
// them: the older order rested, the younger took. What decreases without a counterpart is read as a reduction
// by its owner (or, down to 0, as a removal).
#pragma once

#include <string>
#include <string_view>

#include "app/replay/recording.h"
#include "base/result.h"

namespace peerbook::app::replay {

inline constexpr unsigned bitstamp_price_decimals = 2;
inline constexpr unsigned bitstamp_quantity_decimals = 8;
inline constexpr std::int64_t trade_window_ms = 500;
inline constexpr std::string_view bitstamp_header =
    "id,timestamp,exchange.timestamp,price,volume,action,direction";

// Errors name file and line: wrong header, wrong number of columns, bad number, unknown action or direction,
// an id created twice, time going backwards, and those of for_each_line().
Result<Recording> read_bitstamp(const std::string& path, std::uint32_t rows_max);

}  // namespace peerbook::app::replay
