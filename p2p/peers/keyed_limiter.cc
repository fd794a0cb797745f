#include "p2p/peers/keyed_limiter.h"

namespace peerbook::p2p {

bool KeyedLimiter::take(MonoTime now, const std::string& key) {
    auto found = askers_.find(key);
    if (found == askers_.end()) {
        if (askers_.size() >= keys_max_) {
            askers_.erase(by_age_.begin()->second);
            by_age_.erase(by_age_.begin());
        }
        found = askers_.emplace(key, Asker{TokenBucket(rate_, now), 0}).first;
    } else {
        by_age_.erase(found->second.asked);
    }
    found->second.asked = ++last_;
    by_age_.emplace(last_, found);
    return found->second.bucket.take(now);
}

}  // namespace peerbook::p2p
