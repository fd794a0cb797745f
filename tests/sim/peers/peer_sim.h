// Many nodes with the product's gossip objects, on simulated connections: virtual time, one thread, one seed.
//
// Modelled: places on a plane from which round-trip times follow, jitter, order within a connection, an
// uplink of limited rate in which urgent frames overtake others, loss of single frames (as when a full queue
// refuses one), nodes that leave (half of them without a word, which their peers notice after 45 s) and come
// back with nothing, silent nodes (they dial, and nobody can dial them), mute nodes (they take everything and
// send nothing on), and the application's time to verify. Whom a node dials is drawn at random from those
// that can be dialled, as an address book of honest peers would give it; handshakes take one round trip and
// are not played out.
#pragma once

#include <cstdint>
#include <map>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "p2p/gossip/gossip.h"

namespace peerbook::p2p::sim {

struct PeerSimPlan {
    std::size_t nodes = 1'000;
    std::size_t dials = 8;  // connections that each node opens
    std::size_t connections_max = 50;
    // If any: these connections instead of dials, kept as they are.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> links;
    std::uint32_t loss_ppm = 0;
    std::uint32_t churn_ppm_a_minute = 0;  // of all nodes that leave in a minute
    std::uint32_t silent_ppm = 0, mute_ppm = 0;
    std::size_t warm_up_messages = 10;  // grow the tree; not measured
    std::size_t messages = 100;
    Duration spacing = Duration::milliseconds(250);
    std::size_t payload_bytes = 600;
    GossipSettings gossip;  // `kinds` is filled in
    std::uint64_t seed = 1;
};

struct PeerSimResult {
    std::uint64_t expected = 0;       // deliveries to nodes that were up from before a message was sent
    std::uint64_t pushed = 0;         // of them, by the push with its pulls
    std::uint64_t repaired = 0;       // of them, by anti-entropy, up to 35 s after the last message
    std::uint64_t copies = 0;         // payloads that arrived, of measured messages, at any node
    std::uint64_t delivered = 0;      // first copies, at any node
    std::uint64_t bytes = 0;          // sent by all, everything, from the first measured message to 5 s
    std::uint64_t node_messages = 0;  // after the last; and nodes × messages
    std::uint64_t hops_sum = 0, hops_max = 0;
    Duration time_median, time_99, time_max;       // from sent to pushed
    std::uint64_t first_message_copies_milli = 0;  // copies a node of the very first, while the tree grows
    std::uint64_t links = 0, neighbours_min = 0;   // at the end, of nodes that are up
    std::uint64_t trace = 0;                       // a hash of all deliveries
    std::uint64_t events = 0;

    std::uint64_t missing() const { return expected - pushed - repaired; }
    // In parts per million; of 0 expected, 10⁶.
    std::uint64_t pushed_ppm() const { return expected == 0 ? 1'000'000 : pushed * 1'000'000 / expected; }
    std::uint64_t copies_milli() const { return delivered == 0 ? 0 : copies * 1'000 / delivered; }
    std::uint64_t bytes_a_message() const { return node_messages == 0 ? 0 : bytes / node_messages; }
};

PeerSimResult run_peers(const PeerSimPlan& plan);

}  // namespace peerbook::p2p::sim
