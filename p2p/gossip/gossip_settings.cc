#include "p2p/gossip/gossip_settings.h"

#include <algorithm>
#include <string>

namespace peerbook::p2p {

namespace {

constexpr std::uint32_t million = 1'000'000;
constexpr std::uint32_t links_max = 64;
constexpr std::uint32_t relays_max = 32;
constexpr std::uint32_t payload_bytes_max = 1'048'576;
constexpr std::size_t ids_min = 1'024, ids_max = 4'194'304;

struct Bounds {
    const char* name;
    std::uint64_t value, min, max;
};

std::string between(const Bounds& bounds) {
    return std::string("gossip ") + bounds.name + " is " + std::to_string(bounds.value) +
           ", but must be from " + std::to_string(bounds.min) + " to " + std::to_string(bounds.max);
}

std::uint64_t ms_of(Duration span) {
    return span.ms() < 0 ? 0 : static_cast<std::uint64_t>(span.ms());
}

Error invalid(std::string why) {
    return {ErrorCode::invalid_input, std::move(why)};
}

Status check_bounds(const GossipSettings& s) {
    for (const Bounds& bounds : {
             Bounds{"fanout", s.fanout.value_or(3), 1, links_max},
             Bounds{"interval_ms", ms_of(s.interval.value_or(Duration::seconds(1))), 50, 60'000},
             Bounds{"age_ms", ms_of(s.age_max.value_or(Duration::seconds(60))), 1'000, 600'000},
             Bounds{"direct_nodes", s.direct_nodes_max, 1, 1'000},
             Bounds{"forward_ppm", s.forward_ppm, 0, million},
             Bounds{"push_ppm", s.push_ppm, 0, million},
             Bounds{"forwards", s.forwards_max, 0, relays_max},
             Bounds{"ttl", s.ttl, 1, relays_max},
             Bounds{"announced_above", s.announced_above, 0, payload_bytes_max},
             Bounds{"degree_min", s.degree_min, 1, links_max},
             Bounds{"degree_max", s.degree_max, 1, links_max},
             Bounds{"announce_delay_ms", ms_of(s.announce_delay), 0, 10'000},
             Bounds{"graft_after_ms", ms_of(s.graft_after), 1, 60'000},
             Bounds{"pull_again_after_ms", ms_of(s.pull_again_after), 1, 60'000},
             Bounds{"anti_entropy_interval_ms", ms_of(s.anti_entropy_interval), 100, 3'600'000},
             Bounds{"anti_entropy_peers", s.anti_entropy_peers, 1, links_max},
             Bounds{"prune_interval_ms", ms_of(s.prune_interval), 100, 600'000},
             Bounds{"dedup_window_ms", ms_of(s.dedup_window), 1'000, 3'600'000},
             Bounds{"dedup_ids", s.dedup_ids_max, ids_min, ids_max},
             Bounds{"filter_ids", s.filter_ids_max, ids_min, ids_max},
             Bounds{"kept_messages", s.kept_messages_max, 16, ids_max},
             Bounds{"kept_bytes", s.kept_bytes_max, payload_bytes_max, std::uint64_t{1} << 32},
         })
        if (bounds.value < bounds.min || bounds.value > bounds.max) return invalid(between(bounds));
    return {};
}

}  // namespace

const char* to_string(GossipPolicy policy) {
    switch (policy) {
        case GossipPolicy::automatic:
            return "auto";
        case GossipPolicy::direct:
            return "direct";
        case GossipPolicy::tree:
            return "tree";
        case GossipPolicy::epidemic:
            return "epidemic";
        case GossipPolicy::flood:
            return "flood";
    }
    return "?";
}

Result<GossipPolicy> parse_gossip_policy(std::string_view text) {
    for (const GossipPolicy policy : {GossipPolicy::automatic, GossipPolicy::direct, GossipPolicy::tree,
                                      GossipPolicy::epidemic, GossipPolicy::flood})
        if (text == to_string(policy)) return policy;
    return invalid("gossip policy must be auto, direct, tree, epidemic or flood");
}

GossipScale scale_for(std::size_t network_size) {
    if (network_size <= 50) return {3, Duration::milliseconds(1'500), Duration::seconds(30)};
    if (network_size <= 500) return {4, Duration::milliseconds(1'000), Duration::seconds(60)};
    return {6, Duration::milliseconds(500), Duration::seconds(120)};
}

Duration gossip_lifetime(const GossipSettings& settings, std::size_t network_size) {
    return settings.age_max.value_or(scale_for(network_size).age_max) + settings.anti_entropy_interval * 2;
}

Status validate(const GossipSettings& settings) {
    if (Status status = check_bounds(settings); !status.ok()) return status;
    if (settings.degree < settings.degree_min || settings.degree > settings.degree_max)
        return invalid("gossip degree is " + std::to_string(settings.degree) +
                       ", but must be from degree_min (" + std::to_string(settings.degree_min) +
                       ") to degree_max (" + std::to_string(settings.degree_max) + ")");
    // Else a message could be taken in again after it was forgotten.
    const Duration lifetime = settings.age_max
                                  ? gossip_lifetime(settings, 0)
                                  : std::max(gossip_lifetime(settings, 0), gossip_lifetime(settings, 1'000));
    if (lifetime > settings.dedup_window)
        return invalid("gossip dedup_window_ms is " + std::to_string(settings.dedup_window.ms()) +
                       ", but must be at least age_ms + 2 * anti_entropy_interval_ms, " +
                       std::to_string(lifetime.ms()));
    for (const auto& [kind, rules] : settings.kinds)
        if (kind < 0x80) return invalid("gossip kind " + std::to_string(kind) + " is not the application's");
    return {};
}

}  // namespace peerbook::p2p
