#include "p2p/routing/seen_cache.h"

namespace peerbook::p2p {

bool SeenCache::insert(MonoTime now, const Digest& id) {
    while (!order_.empty() && now - order_.front().at >= lifetime_) {
        ids_.erase(order_.front().id);
        order_.pop_front();
    }
    if (!ids_.insert(id).second) return false;
    order_.push_back({now, id});
    if (order_.size() > capacity_) {
        ids_.erase(order_.front().id);
        order_.pop_front();
    }
    return true;
}

}  // namespace peerbook::p2p
