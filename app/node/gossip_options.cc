#include "app/node/gossip_options.h"

#include "app/node/peer_messages.h"

namespace peerbook::app {

namespace {

std::uint8_t number_of(MessageKind kind) {
    return static_cast<std::uint8_t>(kind);
}

// Version vectors compare blocks, and whatever else gossips is out of date when anti-entropy would bring it.
constexpr p2p::GossipKind block_rules{true, false, true, false, false};
constexpr p2p::GossipKind view_message_rules{true, true, false, false, false};
constexpr p2p::GossipKind sign_of_life_rules{true, false, false, false, true};

}  // namespace

std::map<std::uint8_t, p2p::GossipKind> gossip_kinds() {
    return {{number_of(MessageKind::block), block_rules},
            {number_of(MessageKind::view_message), view_message_rules},
            {number_of(MessageKind::sign_of_life), sign_of_life_rules}};
}

// Blocks are everybody's to read. A signed batch will be, but its sender may not be known for it yet.
std::vector<std::uint8_t> compressed_kinds() {
    return {number_of(MessageKind::block), number_of(MessageKind::blocks)};
}

Result<p2p::GossipSettings> gossip_settings_of(const config::Settings& settings) {
    p2p::GossipSettings made;
    made.kinds = gossip_kinds();
    Result<p2p::GossipPolicy> policy = p2p::parse_gossip_policy(settings.gossip);
    if (!policy.ok()) return policy.error();
    made.policy = *policy;
    made.direct_nodes_max = settings.gossip_direct_nodes;
    if (settings.gossip_fanout > 0) made.fanout = settings.gossip_fanout;
    if (settings.gossip_interval_ms > 0) made.interval = Duration::milliseconds(settings.gossip_interval_ms);
    if (settings.gossip_age_ms > 0) made.age_max = Duration::milliseconds(settings.gossip_age_ms);
    made.forward_ppm = settings.gossip_forward_ppm;
    made.push_ppm = settings.gossip_push_ppm;
    made.forwards_max = settings.gossip_forwards;
    made.ttl = settings.gossip_ttl;
    made.anti_entropy_interval = Duration::milliseconds(settings.gossip_anti_entropy_interval_ms);
    made.anti_entropy_peers = settings.gossip_anti_entropy_peers;
    made.prune_interval = Duration::milliseconds(settings.gossip_prune_interval_ms);
    made.dedup_window = Duration::milliseconds(settings.gossip_dedup_window_ms);
    if (Status status = p2p::validate(made); !status.ok()) return status.error();
    return made;
}

}  // namespace peerbook::app
