// The Dht on libtorrent-rasterbar, used for nothing else: no torrents. libtorrent runs threads of its own;
// what they find is handed to the io_context, so the contract of dht.h holds. It cannot help listening on the
// TCP port with the number of the UDP port as well; what connects there is closed.
//
// The routing table outlives the process in a file, so that a node that was once in finds its way back in
// without a bootstrap node.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "p2p/dht/dht.h"

namespace boost::asio {
class io_context;
}

namespace peerbook::p2p {

inline constexpr std::size_t dht_state_bytes_max = 64 * 1024;  // of the state file; a larger one is not read

struct DhtNodeOptions {
    std::string listen_host = "0.0.0.0";  // IP address; 0.0.0.0 and :: mean each address of the machine
    std::uint16_t port = 20001;           // UDP; 0: any free one
    std::vector<std::string> bootstrap;   // "host:port" of nodes of the DHT; names are resolved
    std::string state_file;               // empty: none
    Duration join_time_max = Duration::seconds(5);  // operations wait this long for a first node that answers
    // Asks, and answers nobody, so that others do not tell of it (BEP 43): for a node that does not
    // broadcast.
    bool read_only = false;
};

// Listens and starts to join. `io` outlives the result. A state file that cannot be used is a warning.
// Errors: invalid_input (host is no IP address, a bootstrap node is not host:port), conflict (port in use),
// io.
Result<std::unique_ptr<Dht>> start_dht_node(boost::asio::io_context& io, DhtNodeOptions options);

}  // namespace peerbook::p2p
