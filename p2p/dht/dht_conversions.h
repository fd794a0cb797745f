// Between libtorrent's types and those of dht.h. For the DHT node alone.
#pragma once

#include <algorithm>
#include <optional>

#include <libtorrent/sha1_hash.hpp>
#include <libtorrent/socket.hpp>

#include "p2p/dht/dht.h"
#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

inline lt::sha1_hash hash_of_key(const DhtKey& key) {
    return lt::sha1_hash(reinterpret_cast<const char*>(key.data.data()));
}

inline DhtKey key_of_hash(const lt::sha1_hash& hash) {
    DhtKey key;
    std::copy(hash.begin(), hash.end(), key.data.begin());
    return key;
}

// Nothing if nobody can be there.
inline std::optional<PeerAddress> address_of(const lt::tcp::endpoint& peer) {
    const auto ip = parse_ip(peer.address().to_string());
    if (!ip || peer.port() == 0 || scope_of(*ip) == IpScope::unusable) return std::nullopt;
    return PeerAddress{to_string(*ip), peer.port()};
}

}  // namespace peerbook::p2p
