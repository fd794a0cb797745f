// How often each host may ask (limit_key(): an IPv4 address, a /64 of IPv6). Loopback is exempt.
//
// Pure. Not thread-safe.
#pragma once

#include <string_view>

#include "p2p/peers/keyed_limiter.h"

namespace peerbook::p2p {

class SourceLimiter {
  public:
    SourceLimiter(TokenBucket::Rate rate, std::size_t sources_max) : askers_(rate, sources_max) {}

    // `host`: an address literal. False: it asked too often.
    bool take(MonoTime now, std::string_view host);
    std::size_t sources() const { return askers_.size(); }

  private:
    KeyedLimiter askers_;
};

}  // namespace peerbook::p2p
