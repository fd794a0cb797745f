#include "p2p/dht/dht_operation.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "p2p/dht/dht_conversions.h"

namespace peerbook::p2p {

namespace {

constexpr std::size_t told_at_once = 8;  // Kademlia's k: so many nodes are told of an announcement

}  // namespace

bool DhtOperation::collect(const lt::tcp::endpoint& peer) {
    const auto address = address_of(peer);
    if (!address || found.size() >= dht_found_max) return false;
    return found.insert(*address).second;
}

void DhtOperation::succeed(std::size_t nodes) {
    switch (kind) {
        case Kind::announce:
            return announced(std::min(told_at_once, std::max<std::size_t>(1, nodes)));
        case Kind::lookup:
            return looked_up(std::vector<PeerAddress>(found.begin(), found.end()));
        case Kind::put:
            return put(key_of_hash(target));
        case Kind::get:
            return got(std::move(item));
        case Kind::put_signed:
            return put_signed(Status());
        case Kind::get_signed:
            return got_signed(std::move(signed_item));
    }
}

void DhtOperation::fail(const Error& why) {
    switch (kind) {
        case Kind::announce:
            return announced(why);
        case Kind::lookup:
            return looked_up(why);
        case Kind::put:
            return put(why);
        case Kind::get:
            return got(why);
        case Kind::put_signed:
            return put_signed(why);
        case Kind::get_signed:
            return got_signed(why);
    }
}

}  // namespace peerbook::p2p
