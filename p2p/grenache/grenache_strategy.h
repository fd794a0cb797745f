// Finds nodes of the network through a Grape (Grenache's HTTP door to a DHT): announces this node under the
// network's service name and looks the name up, both with each search. A Grape forgets what is not announced
// again within 2 min.
//
// A Grape announces its own address with the port it is told, so that it has to run on the host of the node,
// or at least behind the same address.
#pragma once

#include <memory>
#include <string>

#include "base/time.h"
#include "p2p/discovery/discovery_strategy.h"

namespace boost::asio {
class io_context;
}

namespace peerbook::p2p {

inline constexpr Duration grape_call_time_max = Duration::seconds(10);  // one question, connecting included
inline constexpr Duration grenache_interval = Duration::seconds(120);   // between two searches

// Finds and offers where Grenache's RPC of nodes is served, in place of connections, as the strategy
// found_by::carried: it may hand the address to nobody but what carries connections. Addresses that a
// stranger behind the Grape must not make this node call are left out: loopback ones, and ones of private
// networks, that a Grape which is not there itself tells of. `port`: where this node serves it, 0: nowhere.
std::unique_ptr<DiscoveryStrategy> make_grenache_rpc_strategy(boost::asio::io_context& io,
                                                              DiscoveryIdentity identity, std::string url,
                                                              std::uint16_t port);

// `url`: "http://host:port", checked by start(). `io` outlives the result; everything happens on its thread.
std::unique_ptr<DiscoveryStrategy> make_grenache_strategy(boost::asio::io_context& io,
                                                          DiscoveryIdentity identity, std::string url);

}  // namespace peerbook::p2p
