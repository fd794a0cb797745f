// From the network file to what the exchange computes with.
#pragma once

#include "base/result.h"
#include "config/network_file.h"
#include "exchange/market/market.h"

namespace peerbook::app {

// Errors name the asset or market and what is wrong with it.
Result<exchange::NetworkRules> make_network_rules(const config::NetworkFile& file);

}  // namespace peerbook::app
