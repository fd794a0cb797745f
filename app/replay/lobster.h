// LOBSTER's message and order-book files (https://lobsterdata.com): one event of one NASDAQ share a line, and
// the official book after it.
//
//   message:    time (seconds after midnight), type, order id, size, price (dollars × 10,000), direction of
//   the
//               resting order (1 buy, -1 sell). Types: 1 submission, 2 partial deletion, 3 deletion, 4
//               execution of a visible order, 5 of a hidden one, 6 cross trade, 7 halt.
//   order book: ask price, ask size, bid price, bid size of the best level, then of the next …; an absent
//   level has
//               size 0 and price ±9999999999.
//
// A file limited to L levels is silent about orders while they are deeper; app/replay/flow.h repairs that.
#pragma once

#include <string>

#include "app/replay/recording.h"
#include "base/result.h"

namespace peerbook::app::replay {

inline constexpr unsigned lobster_price_decimals = 4;
inline constexpr std::int64_t lobster_price_max = 9'999'999'998;  // the next one marks an absent level
inline constexpr std::int64_t lobster_size_max = 1'000'000'000'000;

// Reads at most `rows_max` rows. Errors name file and line: wrong number of columns, bad number, unknown type
// or direction, time going backwards, and those of for_each_line().
Result<Recording> read_lobster(const std::string& path, std::uint32_t rows_max);

// Reads at most `rows_max` rows and `levels_max` levels of each.
Result<OfficialBook> read_lobster_book(const std::string& path, std::uint32_t rows_max,
                                       std::size_t levels_max);

// One line, for the reader and for tests of it. `row` goes into the event.
Result<RecordedEvent> parse_lobster_message(std::string_view line, std::uint32_t row);

}  // namespace peerbook::app::replay
