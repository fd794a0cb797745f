// Starts libtorrent as a DHT node and nothing else. For dht_node.cc: it shows libtorrent's types.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <libtorrent/session.hpp>

#include "base/result.h"
#include "p2p/dht/dht_storage.h"

namespace peerbook::p2p {

// The port that libtorrent is to take, `port` itself if that is not 0: it would take port 0 anew for each
// address of the machine, and it shares a port that is in use. Errors: conflict (in use), io.
Result<std::uint16_t> free_udp_port(const std::string& host, std::uint16_t port);

// Waits until the session listens, for milliseconds as a rule. Its DHT is still off: one that starts before
// its socket is open forgets the nodes of its state. Throws what libtorrent throws. Errors: conflict, io.
Result<std::unique_ptr<lt::session>> start_dht_session(const std::string& host, std::uint16_t port,
                                                       bool read_only, std::shared_ptr<DhtStorage> storage);

}  // namespace peerbook::p2p
