// The worst price of a market order whose owner named none. Pure.
#pragma once

#include "exchange/market/market.h"

namespace peerbook::app {

// How far from the reference a chosen protection price lies at most.
inline constexpr std::uint32_t protection_ppm = 50'000;

// The price beyond `reference` in the direction that `side` pays, by protection_ppm or by half of the
// market's band if that is less: the last price may move before the order executes, and the order must still
// be within the band then. Rounded to a tick towards `reference` and kept within 1 … price_max. The reference
// is the last price; of a waiting order, its trigger.
exchange::Price protection_price(exchange::Price reference, exchange::Side side,
                                 const exchange::MarketRules& market);

}  // namespace peerbook::app
