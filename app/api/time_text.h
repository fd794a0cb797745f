// Points in time and spans as people write them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace peerbook::app {

// "2026-11-20T12:00:00Z", also with up to three places of a second and with an offset such as "+01:00";
// milliseconds since 1970 ("1795176000000"); or a span with its unit, counted from `now` ("60s"). Error:
// invalid_input; of a span also where `now` is absent.
Result<WallTime> parse_time(std::string_view text, std::optional<WallTime> now);
// "1500ms", "60s", "5m", "2h", or milliseconds ("1500"). Whole numbers, at most 2^40 ms. Error:
// invalid_input.
Result<Duration> parse_span(std::string_view text);
// "2026-11-20T12:00:00.000Z"; the milliseconds where the year would have more than four digits.
std::string format_time(WallTime time);

}  // namespace peerbook::app
