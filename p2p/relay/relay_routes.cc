#include "p2p/relay/relay_routes.h"

#include <algorithm>

#include "base/check.h"

namespace peerbook::p2p {

void RelayRoutes::heard(MonoTime now, const PeerId& peer, const PeerId& far, bool is_first) {
    const auto table = by_peer_.find(peer);
    PB_CHECK(table != by_peer_.end(), "ways lead over peers that are there");
    std::map<PeerId, Way>& ways = table->second;
    if (!ways.contains(far) && ways.size() >= far_per_peer_max)
        ways.erase(
            std::ranges::min_element(ways, {}, [](const auto& entry) { return entry.second.heard_at; }));
    Way& way = ways[far];
    way.heard_at = now;
    if (is_first) way.first = ++last_first_;
}

std::vector<PeerId> RelayRoutes::hops_to(MonoTime now, const PeerId& far, const PeerId* except) const {
    std::vector<std::pair<Way, PeerId>> found;
    for (const auto& [peer, ways] : by_peer_) {
        const auto way = ways.find(far);
        if (way == ways.end() || (except && peer == *except) || now - way->second.heard_at >= lifetime)
            continue;
        found.emplace_back(way->second, peer);
    }
    std::ranges::stable_sort(found, [](const auto& a, const auto& b) {
        return a.first.first != b.first.first ? a.first.first > b.first.first
                                              : a.first.heard_at > b.first.heard_at;
    });
    if (found.size() > hops_max) found.resize(hops_max);
    std::vector<PeerId> hops;
    for (const auto& [way, peer] : found)
        hops.push_back(peer);
    return hops;
}

void RelayRoutes::forget_old(MonoTime now) {
    for (auto& [peer, ways] : by_peer_)
        std::erase_if(ways, [now](const auto& entry) { return now - entry.second.heard_at >= lifetime; });
}

std::size_t RelayRoutes::size() const {
    std::size_t count = 0;
    for (const auto& [peer, ways] : by_peer_)
        count += ways.size();
    return count;
}

}  // namespace peerbook::p2p
