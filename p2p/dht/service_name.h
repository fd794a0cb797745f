// The name under which the nodes of a network find each other, on a DHT and through a Grape.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "p2p/dht/dht.h"

namespace peerbook::p2p {

// 20 lower-case hexadecimal digits (PROTOCOL.md, "Finding peers"). A Grape takes the bytes of a name for the
// DHT's key, and keys have 20 bytes, so that names of that length mean the same to both.
std::string service_name(const Digest& network);

// The key of a name: its bytes if there are 20, else a hash of it, which only other Peerbook nodes compute.
DhtKey service_key(std::string_view name);

}  // namespace peerbook::p2p
