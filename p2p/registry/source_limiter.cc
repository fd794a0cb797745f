#include "p2p/registry/source_limiter.h"

#include "p2p/peers/ip_address.h"
#include "p2p/peers/peer_address.h"

namespace peerbook::p2p {

bool SourceLimiter::take(MonoTime now, std::string_view host) {
    return is_loopback_host(host) || askers_.take(now, limit_key(host));
}

}  // namespace peerbook::p2p
