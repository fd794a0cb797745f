#include "p2p/nat/external_address.h"

#include <algorithm>
#include <map>
#include <set>

namespace peerbook::p2p {

namespace {

struct Sides {
    IpAddress peer, seen;
};

// Both on the internet, and not the same.
std::optional<Sides> sides_of(const SeenAddress& report) {
    const auto peer = parse_ip(report.peer_host), seen = parse_ip(report.seen_host);
    if (!peer || !seen || *peer == *seen) return std::nullopt;
    if (scope_of(*peer) != IpScope::global || scope_of(*seen) != IpScope::global) return std::nullopt;
    return Sides{*peer, *seen};
}

std::optional<AgreedAddress> agreed(const std::vector<SeenAddress>& reports, bool is_v6) {
    std::map<std::string, std::set<std::string>> by_network;  // what each network names
    for (const SeenAddress& report : reports) {
        const auto sides = sides_of(report);
        if (sides && sides->seen.is_v6 == is_v6)
            by_network[group_key(report.peer_host)].insert(to_string(sides->seen));
    }
    std::map<std::string, unsigned> votes;
    for (const auto& [network, named] : by_network)
        if (named.size() == 1) ++votes[*named.begin()];  // a network that contradicts itself says nothing
    const auto best = std::max_element(votes.begin(), votes.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (best == votes.end() || best->second < agreeing_networks_min) return std::nullopt;
    if (best->second * 2 <= by_network.size()) return std::nullopt;
    return AgreedAddress{*parse_ip(best->first), best->second};
}

}  // namespace

bool is_seen_from_outside(const SeenAddress& report) {
    return sides_of(report) && group_key(report.peer_host) != group_key(report.seen_host);
}

std::optional<AgreedAddress> agreed_address(const std::vector<SeenAddress>& reports) {
    const auto v4 = agreed(reports, false);
    return v4 ? v4 : agreed(reports, true);
}

}  // namespace peerbook::p2p
