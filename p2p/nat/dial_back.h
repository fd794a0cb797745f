// What a node does for peers that ask to be dialled back: how often, and where.
//
// It dials only the address that the question came from, with the port that the question names, and only an
// address on the internet: what comes from a private or loopback one may have come through a relay, whose
// ports are nobody's to look at. So nobody can make it dial a third party, and one question costs one dial.
// Ids are free, so the rate is also kept by address (a /64 of IPv6).
//
// Pure: time is an argument. Not thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/time.h"
#include "p2p/peers/keyed_limiter.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

inline constexpr TokenBucket::Rate dial_backs_rate{10, 333};       // in all: 10 at once, 20 a minute
inline constexpr TokenBucket::Rate dial_backs_of_one_rate{2, 17};  // peer, or address: 2 at once, 1 a minute
inline constexpr std::size_t dial_backs_at_once_max = 4;
inline constexpr std::size_t dial_back_askers_max = 1024;  // remembered; more make the oldest forgotten

class DialBackLimits {
  public:
    explicit DialBackLimits(MonoTime now) : all_(dial_backs_rate, now) {}

    // Whether to dial for `peer`, whose address is `host`, now that `under_way` others are. Then it is
    // counted.
    bool take(MonoTime now, const PeerId& peer, std::string_view host, std::size_t under_way);

    std::uint64_t taken() const { return taken_; }
    std::uint64_t refused() const { return refused_; }

  private:
    TokenBucket all_;
    KeyedLimiter askers_{dial_backs_of_one_rate, dial_back_askers_max};
    std::uint64_t taken_ = 0, refused_ = 0;
};

}  // namespace peerbook::p2p
