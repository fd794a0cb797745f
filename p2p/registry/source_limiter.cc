#include "p2p/registry/source_limiter.h"

#include <algorithm>

#include "p2p/peers/ip_address.h"
#include "p2p/peers/peer_address.h"

namespace peerbook::p2p {

bool SourceLimiter::take(MonoTime now, std::string_view host) {
    if (is_loopback_host(host)) return true;
    const std::string key = limit_key(host);
    auto found = sources_.find(key);
    if (found == sources_.end()) {
        if (sources_.size() >= sources_max_)
            sources_.erase(std::min_element(
                sources_.begin(), sources_.end(),
                [](const auto& a, const auto& b) { return a.second.asked < b.second.asked; }));
        found = sources_.emplace(key, Source{TokenBucket(rate_, now), now}).first;
    }
    found->second.asked = now;
    return found->second.bucket.take(now);
}

}  // namespace peerbook::p2p
