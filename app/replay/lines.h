// Lines and comma-separated numbers of a recorded file, plain or gzip. Strict: what is not exactly a number
// of the expected range is an error that names the line.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace peerbook::app::replay {

inline constexpr std::size_t line_bytes_max = 4'096;  // an order-book row of 50 levels is below 3,000
inline constexpr std::uint32_t recording_lines_max = 50'000'000;

// Hands each line without its end ("\n" or "\r\n") and its number from 1 to `each` until that returns an
// error, or `lines_max` lines were read. Errors: io (cannot open or read), corrupt (damaged gzip), too_large
// (line too long), invalid_input (a NUL byte), and those of `each`, with "FILE line N: " in front.
Status for_each_line(const std::string& path, std::uint32_t lines_max,
                     const std::function<Status(std::string_view line, std::uint32_t number)>& each);

// Splits at commas; false if there are not exactly `count` columns. `out` is replaced.
bool split_columns(std::string_view line, std::size_t count, std::vector<std::string_view>& out);

// Decimal integer without sign (a '-' where min < 0), blanks, or plus; leading zeros are fine. Error names
// `what`.
Result<std::int64_t> parse_integer(std::string_view text, std::int64_t min, std::int64_t max,
                                   const char* what);

// A decimal with at most `decimals` places as an integer of 10^-decimals. Error as above.
Result<std::int64_t> parse_fixed(std::string_view text, unsigned decimals, std::int64_t max,
                                 const char* what);

}  // namespace peerbook::app::replay
