#include "p2p/nat/dial_back.h"

#include <algorithm>

#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

bool DialBackLimits::take(MonoTime now, const PeerId& peer, std::string_view host, std::size_t under_way) {
    const auto ip = parse_ip(host);
    const bool fits = ip && scope_of(*ip) == IpScope::global && under_way < dial_backs_at_once_max;
    // The asker pays first, so that one who asks all the time does not use up what is for all.
    if (!fits || !askers_.take(now, to_hex(peer)) || !askers_.take(now, limit_key(host)) || !all_.take(now)) {
        ++refused_;
        return false;
    }
    ++taken_;
    return true;
}

}  // namespace peerbook::p2p
