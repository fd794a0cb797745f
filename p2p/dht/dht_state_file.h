// The file in which the DHT's routing table outlives the process. It costs no more than a slower start, so
// whatever goes wrong with it is a warning in the log. For the thread that opens and closes the node.
#pragma once

#include <string>

#include <libtorrent/session_params.hpp>

namespace peerbook::p2p {

// The routing table of an earlier run; none without a file or with an unusable one, which stays as it is
// until the next save. An empty path is no file.
lt::dht::dht_state load_dht_state(const std::string& path);

// Replaces the file, by way of one beside it.
void save_dht_state(const std::string& path, lt::dht::dht_state state);

}  // namespace peerbook::p2p
