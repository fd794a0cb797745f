// Decimals as people write them, to and from the integers the exchange computes with. The one place that uses
// Boost.Multiprecision: texts of any length are parsed exactly and then refused if they do not fit, never
// rounded. What fits 64 bits on the way, as nearly everything does, is computed in 64 bits, to the same
// result.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "exchange/market/market.h"

namespace peerbook::exchange {

// Accepts digits with at most one point ("12", "0.5"); no sign, exponent, blank, leading point or trailing
// point. Longer than this is refused before it is parsed.
inline constexpr std::size_t decimal_length_max = 80;

// A decimal with at most `decimals` places, in units of 10^-decimals. Errors name what is wrong: not a
// number, negative, too many places, too large.
Result<Amount> parse_amount(std::string_view text, unsigned decimals);
// "1.5", shortest form without trailing zeros.
std::string format_amount(Amount units, unsigned decimals);

// Errors also when it is no multiple of the market's tick (lot), zero, or above the market's maximum.
Result<Price> parse_price(std::string_view text, const MarketRules& market);
Result<Quantity> parse_quantity(std::string_view text, const MarketRules& market);
std::string format_price(Price price, const MarketRules& market);
std::string format_quantity(Quantity quantity, const MarketRules& market);
// Notional and fees, in units of the quote asset.
std::string format_i128(__int128 value);

}  // namespace peerbook::exchange
