// What people and metrics may know of a peer.
#pragma once

#include <string>

#include "base/time.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

struct PeerInfo {
    PeerId id;            // zero while nobody answered at the address
    std::string address;  // as connected
    bool outbound = false;
    bool configured = false;
    std::string state;  // connecting, connected, stale, disconnected, banned
    std::string agent;
    Duration round_trip;
    Duration connected_for;
    std::uint64_t bytes_in = 0, bytes_out = 0, messages_in = 0, messages_out = 0;
    std::size_t queued_bytes = 0;
    int misbehaviour = 0;  // 0, falling; a ban at −50
    std::string last_error;
};

}  // namespace peerbook::p2p
