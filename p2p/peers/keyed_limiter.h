// A token bucket for each key, for servers that are asked by many: one asker cannot take all that there is to
// give. When there are more keys than are remembered, the one that asked least lately is forgotten, so nobody
// who floods gains by that.
//
// Pure: time is an argument. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "p2p/peers/rate_limiter.h"

namespace peerbook::p2p {

class KeyedLimiter {
  public:
    KeyedLimiter(TokenBucket::Rate rate, std::size_t keys_max) : rate_(rate), keys_max_(keys_max) {}

    // False: it asked too often. Takes O(log keys).
    bool take(MonoTime now, const std::string& key);
    std::size_t size() const { return askers_.size(); }

  private:
    struct Asker {
        TokenBucket bucket;
        std::uint64_t asked;  // a key of by_age_
    };
    using Askers = std::map<std::string, Asker>;

    TokenBucket::Rate rate_;
    std::size_t keys_max_;
    Askers askers_;
    std::map<std::uint64_t, Askers::iterator> by_age_;
    std::uint64_t last_ = 0;
};

}  // namespace peerbook::p2p
