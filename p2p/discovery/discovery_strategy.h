// A way to find addresses of other nodes of the network: mDNS, a registry, a Grape, the DHT.
//
// PeerDiscovery owns the strategies, decides when each searches, and hands what they find to the address
// book. A strategy fails alone: it reports its failure once a search and goes on being asked. All calls and
// callbacks happen on one io_context's thread; no call blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/result.h"
#include "p2p/peers/peer_address.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

// Who looks, and what it says of itself.
struct DiscoveryIdentity {
    PeerId id;
    Digest network;          // only nodes of the same one are of interest
    std::uint16_t port = 0;  // where this node takes connections
    bool broadcast = true;   // off: nothing is announced, by no strategy
    std::string agent;       // program version, for people
};

class DiscoveryStrategy {
  public:
    // An address of a node that says it is of the network; unverified: the handshake decides. At any time
    // between start() and stop(), not only during a search.
    using Found = std::function<void(const PeerAddress&)>;
    // A search ended. Errors: unavailable (the other side does not answer; the message says who and what to
    // do).
    using Done = std::function<void(const Status&)>;

    virtual ~DiscoveryStrategy() = default;
    virtual std::string_view name() const = 0;  // as in settings and figures, e.g. "mdns"
    // Once, before anything else. Error: what makes the strategy useless here, said once to the user; it is
    // not used then.
    virtual Status start(Found found) = 0;
    // Announces this node, if it broadcasts, and looks once. `done` is called exactly once, later, unless
    // stop() comes first. Not called while a search is under way.
    virtual void search(Done done) = 0;
    // The port by which others on the internet reach this node from now on, in place of identity.port; 0:
    // they do not. Of no interest to a strategy that announces to the local network only.
    virtual void set_outside_port(std::uint16_t port) { (void)port; }
    // In place of identity.broadcast from now on; the next search, which comes soon, announces or takes back
    // what was announced, as far as that is possible.
    virtual void set_broadcast(bool broadcast) = 0;
    // Takes back what was announced, as far as that is possible at once. No callbacks afterwards.
    virtual void stop() = 0;
};

}  // namespace peerbook::p2p
