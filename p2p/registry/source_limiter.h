// A token bucket for each host that asks (limit_key(): an IPv4 address, a /64 of IPv6), so that one of them
// cannot take all that a server has to give. Loopback is exempt. When more hosts ask than are remembered, the
// one that asked least lately is forgotten, so nobody who floods gains by that.
//
// Pure. Not thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "p2p/peers/rate_limiter.h"

namespace peerbook::p2p {

class SourceLimiter {
  public:
    SourceLimiter(TokenBucket::Rate rate, std::size_t sources_max) : rate_(rate), sources_max_(sources_max) {}

    // `host`: an address literal. False: it asked too often.
    bool take(MonoTime now, std::string_view host);
    std::size_t sources() const { return sources_.size(); }

  private:
    struct Source {
        TokenBucket bucket;
        MonoTime asked;
    };
    TokenBucket::Rate rate_;
    std::size_t sources_max_;
    std::map<std::string, Source> sources_;
};

}  // namespace peerbook::p2p
