// How messages spread. Every figure has a default; those that depend on how large the network is may be left
// open and then follow its size (GossipScale). validate() names the first setting that makes no sense.
//
//   direct    the origin pushes to all its peers, nobody relays
//   tree      eager push along a spanning tree of a stable overlay, announcements on its other links
//   epidemic  each node passes a message on to `fanout` random peers with probability `forward_ppm`
//   flood     each node passes a message on to all its peers
//
// `automatic` is direct while the network is small and all of it is connected, else tree. What the
// application marks as critical is flooded under every policy. Who relays goes by the policy that the origin
// wrote into the message, so nodes with different settings work together.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace peerbook::p2p {

enum class GossipPolicy : std::uint8_t { automatic, direct, tree, epidemic, flood };

const char* to_string(GossipPolicy policy);
// Of auto, direct, tree, epidemic, flood. Error: invalid_input.
Result<GossipPolicy> parse_gossip_policy(std::string_view text);

// What goes by the size of the network.
struct GossipScale {
    std::uint32_t fanout;
    Duration interval;  // of epidemic rounds
    Duration age_max;   // an older message is not passed on
};
GossipScale scale_for(std::size_t network_size);

// What the application says of one of its payload kinds. Kinds that are not listed are not gossiped.
struct GossipKind {
    bool urgent = false;    // sent before, and kept longer than, what is not: blocks before chatter
    bool critical = false;  // flooded
    bool ageless = false;   // has rules of its own for what is too old
    bool digested = true;   // anti-entropy by digests of ids; false: the application compares its own
    bool relayed = false;   // flooded where the policy is direct
};

struct GossipSettings {
    GossipPolicy policy = GossipPolicy::automatic;
    std::map<std::uint8_t, GossipKind> kinds;

    std::optional<std::uint32_t> fanout;  // none: by the network's size, as the next two
    std::optional<Duration> interval;
    std::optional<Duration> age_max;

    std::uint32_t direct_nodes_max = 16;    // automatic: a network of more nodes gets a tree
    std::uint32_t forward_ppm = 700'000;    // epidemic: a relay passes a message on with this probability
    std::uint32_t push_ppm = 700'000;       // epidemic: share of rounds that announce; the others pull
    std::uint32_t forwards_max = 5;         // epidemic: relays between the origin and the last receiver
    std::uint32_t ttl = 32;                 // relays, under every policy
    std::uint32_t announced_above = 1'024;  // epidemic: larger payloads (bytes) are announced, then pulled

    // The overlay of the tree: links to keep, to aim at, to accept at most.
    std::uint32_t degree_min = 6;
    std::uint32_t degree = 8;
    std::uint32_t degree_max = 12;
    Duration announce_delay =
        Duration::milliseconds(100);                     // announcements to one peer are gathered this long
    Duration graft_after = Duration::milliseconds(500);  // waits for the tree to bring what was announced
    Duration pull_again_after = Duration::milliseconds(700);  // then asks the next announcer

    Duration anti_entropy_interval = Duration::seconds(30);
    std::uint32_t anti_entropy_peers = 3;
    Duration prune_interval = Duration::seconds(30);  // drops what is kept and too old

    Duration dedup_window = Duration::seconds(300);
    std::size_t dedup_ids_max = 262'144;     // exact, about 100 B each
    std::size_t filter_ids_max = 100'000;    // of one Bloom filter of two
    std::size_t kept_messages_max = 16'384;  // to serve pulls from
    std::size_t kept_bytes_max = 32u << 20;
};

// How long a message is kept and may still be taken in: its age, and two rounds of anti-entropy.
Duration gossip_lifetime(const GossipSettings& settings, std::size_t network_size);

// Error: invalid_input, with the setting's name and what it must be.
Status validate(const GossipSettings& settings);

}  // namespace peerbook::p2p
