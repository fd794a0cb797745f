// Finds nodes in the local network by multicast DNS (RFC 6762, 6763): announces this node as a service of
// type _peerbook._tcp (service_record.h) and browses for others.
//
// Where an avahi-daemon runs it does the work, and this process is its client; elsewhere, and for a node that
// listens on loopback only, a responder inside this process does (libavahi-core). Which one it is, is said
// once in the log. A daemon that ends is replaced by the responder, and one that comes back is used after a
// restart.
//
// Announced are the addresses that the node listens on, each on its own network interface, IPv6
// link-local ones excepted; loopback only where there is nothing else. A node that does not broadcast
// announces nothing; that it looks for Peerbook nodes can be seen all the same, since it asks by multicast.
// What others announce is bounded: lookups_max at a time, 256 waiting, and 256 addresses at once, 20 a
// second; the rest is left for the next search.
//
// Threads: made, called and called back on the io_context's thread. Everything of Avahi, some of which blocks
// (D-Bus), happens on one thread of its own, which start() begins and stop() ends; stop() waits at most 1 s
// for it to say goodbye, and then leaves it to end by itself.
#pragma once

#include <memory>
#include <string>

#include "p2p/discovery/discovery_strategy.h"

namespace boost::asio {
class io_context;
}

namespace peerbook::p2p {

// `listen_host`: where the node takes connections, as in the settings. `io` outlives the result.
std::unique_ptr<DiscoveryStrategy> make_mdns_strategy(boost::asio::io_context& io, DiscoveryIdentity self,
                                                      std::string listen_host);

}  // namespace peerbook::p2p
