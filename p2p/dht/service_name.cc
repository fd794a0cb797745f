#include "p2p/dht/service_name.h"

#include <algorithm>

#include "base/hash.h"

namespace peerbook::p2p {

std::string service_name(const Digest& network) {
    return to_hex(hash_of("peerbook service", network.view())).substr(0, DhtKey::size);
}

DhtKey service_key(std::string_view name) {
    DhtKey key;
    if (name.size() == DhtKey::size)
        std::copy(name.begin(), name.end(), key.data.begin());
    else
        std::copy_n(hash_of("peerbook service key", as_bytes(name)).data.begin(), DhtKey::size,
                    key.data.begin());
    return key;
}

}  // namespace peerbook::p2p
