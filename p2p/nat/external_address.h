// Which address this node has on the internet, by what peers say. Each network (a /16 of IPv4, a /32 of IPv6)
// has one voice, since one party may have many addresses of one network; an address is believed when two
// networks name it, and more than half of all that named one of its kind. Only peers on the internet count,
// and only addresses there; a peer that has the very address that it names sits behind the same gateway, and
// does not count either.
//
// What is believed is for people, and tells which peers come from outside: a node never claims an address,
// only a port, for whoever is told it sees the address himself.
//
// Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

inline constexpr std::size_t agreeing_networks_min = 2;

struct SeenAddress {
    std::string peer_host;  // where this node sees the peer, a literal
    std::string seen_host;  // where the peer says it sees this node, a literal
};

// Whether the peer is on the internet and saw this node there, from another network. A peer of the own
// network proves nothing about a way in from outside: hosts of a campus or with IPv6 have such addresses too.
bool is_seen_from_outside(const SeenAddress& seen);

struct AgreedAddress {
    IpAddress address;
    unsigned networks = 0;  // that agree
};
// IPv4 where both kinds are agreed on.
std::optional<AgreedAddress> agreed_address(const std::vector<SeenAddress>& reports);

}  // namespace peerbook::p2p
