// What a node says of itself in the DHT, for those that know its id and not its address: a mutable item of
// BEP 44 under the node's own key, the network as salt, the time as sequence number, and addresses as value.
// Pure. Format: PROTOCOL.md, "Node records".
//
// A record is its node's own word: it proves that who has the key once named the address, and nothing of who
// is there now. So few addresses are taken from one, and the handshake decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/time.h"
#include "p2p/dht/dht.h"
#include "p2p/peers/peer_address.h"

namespace peerbook::p2p {

inline constexpr std::size_t node_record_addresses_max = 2;
inline constexpr Duration node_record_age_max = Duration::seconds(7'200);  // older ones are not believed
inline constexpr Duration node_record_ahead_max = Duration::seconds(60);   // of the reader's clock

// The salt of all records of a network, at most 64 bytes.
std::string node_record_salt(const Digest& network);

// Signed, ready to be put. Precondition: 1 … node_record_addresses_max literals.
DhtSignedItem make_node_record(const Signer& signer, const Digest& network, WallTime now,
                               const std::vector<PeerAddress>& addresses);

// The addresses that `node` named. Errors: invalid_input (not signed by it, too old, from the future),
// corrupt (the value is no such record).
Result<std::vector<PeerAddress>> read_node_record(const PublicKey& node, const Digest& network, WallTime now,
                                                  const DhtSignedItem& item, const Verifier& verifier);

// What a signature of BEP 44 is over.
Bytes signed_part_of_item(std::string_view salt, std::int64_t seq, ByteView bencoded);

}  // namespace peerbook::p2p
