// Finds nodes of the network through a bootstrap registry, a node that keeps a list of others for an hour. A
// node that broadcasts registers and is told of others with the same call, and takes itself out when it
// stops; a silent one only asks. Each registry is a strategy of its own, so that each fails alone, has its
// own figures, and fills its own part of the address book at most.
//
// What a registry says is hearsay: entries that their nodes did not sign, or that are not for this network,
// are left out; the handshake decides about the rest. It cannot have this node sign an address that cannot be
// its own (may_be_seen_at() in registry_wire.h). Where the registry is reached from an address at which this
// node does not listen, it is only asked.
#pragma once

#include <memory>
#include <string>

#include "base/keys.h"
#include "base/time.h"
#include "p2p/discovery/discovery_strategy.h"

namespace boost::asio {
class io_context;
}

namespace peerbook::p2p {

inline constexpr Duration registry_farewell_time_max = Duration::seconds(1);

struct RegistryClientOptions {
    std::string url;          // "http://host:port", checked by start()
    std::string listen_host;  // where the node takes connections, as in the settings
};

// Called "registry@host:port". `io`, `signer` (the node's key) and `clock` outlive the result; everything
// happens on the io_context's thread, but for the farewell: stop() begins it on a thread of its own, which
// the destructor waits for, registry_farewell_time_max at most.
std::unique_ptr<DiscoveryStrategy> make_registry_strategy(boost::asio::io_context& io,
                                                          DiscoveryIdentity identity, const Signer& signer,
                                                          const Clock& clock, RegistryClientOptions options);

}  // namespace peerbook::p2p
