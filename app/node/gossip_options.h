// How what nodes say about the ledger travels by gossip: which kinds, by which rules, and what the operator
// set. A value; no threads.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "p2p/gossip/gossip_settings.h"

namespace peerbook::app {

// Of the application's payload kinds, those that gossip.
std::map<std::uint8_t, p2p::GossipKind> gossip_kinds();

// Those that are compressed between peers: large, and public.
std::vector<std::uint8_t> compressed_kinds();

// Error: invalid_input, settings that do not fit together.
Result<p2p::GossipSettings> gossip_settings_of(const config::Settings& settings);

}  // namespace peerbook::app
