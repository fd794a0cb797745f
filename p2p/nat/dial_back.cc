#include "p2p/nat/dial_back.h"

#include <algorithm>

#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

bool DialBackLimits::take_of(MonoTime now, const std::string& key) {
    auto found = askers_.find(key);
    if (found == askers_.end()) {
        if (askers_.size() >= dial_back_askers_max)
            askers_.erase(std::min_element(askers_.begin(), askers_.end(), [](const auto& a, const auto& b) {
                return a.second.order < b.second.order;
            }));
        found = askers_.emplace(key, Asker{TokenBucket(dial_backs_of_one_rate, now), 0}).first;
    }
    found->second.order = ++last_order_;
    return found->second.bucket.take(now);
}

bool DialBackLimits::take(MonoTime now, const PeerId& peer, std::string_view host, std::size_t under_way) {
    const auto ip = parse_ip(host);
    const bool fits = ip && scope_of(*ip) == IpScope::global && under_way < dial_backs_at_once_max;
    // The asker pays first, so that one who asks all the time does not use up what is for all.
    if (!fits || !take_of(now, to_hex(peer)) || !take_of(now, limit_key(host)) || !all_.take(now)) {
        ++refused_;
        return false;
    }
    ++taken_;
    return true;
}

}  // namespace peerbook::p2p
