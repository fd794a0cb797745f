// The last `capacity` message ids seen, for at most `lifetime`: what a relay or a retry brings twice is acted
// on once. A flood of new ids pushes out old ones, so memory is bounded and the worst a flood can do is to
// let a duplicate through. Pure, not thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <set>

#include "base/bytes.h"
#include "base/time.h"

namespace peerbook::p2p {

class SeenCache {
  public:
    SeenCache(std::size_t capacity, Duration lifetime) : capacity_(capacity), lifetime_(lifetime) {}

    // True if `id` is new; it is remembered from now on.
    bool insert(MonoTime now, const Digest& id);
    // It was inserted, and is not forgotten yet: that happens with insert().
    bool contains(const Digest& id) const { return ids_.contains(id); }
    std::size_t size() const { return ids_.size(); }

  private:
    struct Entry {
        MonoTime at;
        Digest id;
    };
    std::size_t capacity_;
    Duration lifetime_;
    std::set<Digest> ids_;
    std::deque<Entry> order_;  // oldest first; the same ids
};

}  // namespace peerbook::p2p
