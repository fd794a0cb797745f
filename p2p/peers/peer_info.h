// What people and metrics may know of a peer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

struct PeerInfo {
    PeerId id;            // zero while nobody answered at the address
    std::string address;  // as connected; empty for one that is only banned
    bool outbound = false;
    bool configured = false;
    bool carried = false;  // by Grenache's RPC, since no direct connection could be had
    std::string found_by;  // persisted, bootstrap, peer_exchange, inbound, grenache-rpc, or a strategy's name
    std::string state;     // connecting, connected, stale, disconnected, banned
    std::string agent, version;  // of the connection; version is the protocol's
    Digest ledger;               // that it claimed; zero: none
    Duration round_trip;
    Duration connected_for;
    std::uint64_t bytes_in = 0, bytes_out = 0, messages_in = 0, messages_out = 0;
    std::size_t queued_bytes = 0;
    int reputation = 0;  // 0, falling; a ban at −50
    // Thousandths, see peer_health.h; none of a peer without a record.
    std::optional<int> availability, performance, health;
    std::uint32_t successes = 0, failures = 0;
    unsigned failures_in_row = 0;
    std::string breaker;               // closed, open, half_open
    std::optional<Duration> retry_in;  // disconnected: until the next attempt
    std::optional<WallTime> since;     // known since
    std::optional<WallTime> seen;      // last time it answered when dialled
    std::optional<WallTime> banned_until;
    std::string last_error;
};

// A node that offers a service (directory/directory.h).
struct ServiceInfo {
    PeerId id;
    std::string address;  // "host:port" where it can be dialled; empty: not known
    bool is_connected = false;
    std::vector<std::string> services;  // all of them that are known
    std::optional<PeerId> told_by;      // none: its own word
    Duration heard_ago;
};

}  // namespace peerbook::p2p
