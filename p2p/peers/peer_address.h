// Where a peer listens: a host name or address literal, and a port. Text form "host:port" or "[v6]:port".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace peerbook::p2p {

inline constexpr std::size_t host_bytes_max = 253;  // of a DNS name

struct PeerAddress {
    std::string host;
    std::uint16_t port = 0;
    friend auto operator<=>(const PeerAddress&, const PeerAddress&) = default;
};

// Error: invalid_input, if the host is empty, too long or has other characters than a name or address
// literal, or the port is not 1 … 65535. An address literal comes back in its one canonical form.
Result<PeerAddress> parse_peer_address(std::string_view text);
std::string to_string(const PeerAddress& address);

// "localhost", 127.0.0.0/8 or ::1. Such addresses mean something only to peers on the same machine.
bool is_loopback_host(std::string_view host);

// Whether somebody at `other_host` may tell us of this host, or be told: literals only; loopback addresses
// only on this machine, private ones only within private networks and this machine; link-local and unusable
// ones nobody. Somebody at a name that is no literal is taken for one anywhere.
bool may_pass(std::string_view host, std::string_view other_host);

}  // namespace peerbook::p2p
