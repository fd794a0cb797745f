// Names of peers and connections, and the constants of the protocol that every part of the layer shares.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/keys.h"
#include "base/strong_id.h"

namespace peerbook::p2p {

using PeerId = PublicKey;  // a node's Ed25519 key

// One transport connection of this process, never used twice. A peer may have two for the moment it takes to
// choose.
using ConnectionId = StrongId<struct ConnectionIdTag, std::uint64_t>;

// Payload kinds are the application's; 0x80 … 0xff. Lower ones belong to this layer.
inline constexpr std::uint8_t application_kind_min = 0x80;
inline constexpr std::size_t frame_bytes_max = 1024 * 1024;  // payload of one frame; a protocol constant

// Who opened the connection.
enum class Direction : unsigned char { outbound, inbound };

}  // namespace peerbook::p2p
