// The part of a market's state that stands in several answers. For the json_*.cc files only.
#pragma once

#include "app/api/json_writer.h"
#include "exchange/engine/engine.h"

namespace peerbook::app {

// phase, and during an auction auction_ends_at, indicative_price and indicative_quantity.
void write_phase(Json& json, const exchange::MarketView& state, const exchange::MarketRules& market);

}  // namespace peerbook::app
