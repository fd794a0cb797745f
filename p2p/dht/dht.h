// A node of a Kademlia DHT (BEP 5 for who offers a service, BEP 44 for small values), as the parts that use
// it see it. Whatever comes out of it is a stranger's word: addresses are candidates, values are bytes.
//
// All calls and callbacks happen on one io_context's thread; no call but stop() blocks, and no callback comes
// before the call that asked for it has returned, or after stop().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "p2p/peers/peer_address.h"

namespace peerbook::p2p {

using DhtKey = FixedBytes<struct DhtKeyTag, 20>;

inline constexpr std::size_t dht_value_bytes_max = 1'000;  // of a value's bencoding; BEP 44
inline constexpr std::size_t dht_found_max = 500;          // addresses one lookup gives
inline constexpr std::size_t dht_operations_max = 256;     // under way or waiting; more are refused

// A value under a key that signs it (BEP 44, mutable).
struct DhtSignedItem {
    Bytes bencoded;        // exactly one item
    std::int64_t seq = 0;  // of two with one key and salt the higher one stays
    Signature signature;
};

struct DhtStats {
    std::size_t nodes = 0;        // in the routing table
    std::uint64_t lookups = 0;    // begun
    std::uint64_t announces = 0;  // begun
    std::uint64_t found = 0;      // addresses that lookups gave
    std::uint64_t told = 0;       // announcements of watched services that reached this node
};

class Dht {
  public:
    using Announced = std::function<void(Result<std::size_t>)>;
    using LookedUp = std::function<void(Result<std::vector<PeerAddress>>)>;
    using Put = std::function<void(Result<DhtKey>)>;
    using Got = std::function<void(Result<std::optional<Bytes>>)>;
    using PutSigned = std::function<void(const Status&)>;
    using GotSigned = std::function<void(Result<std::optional<DhtSignedItem>>)>;
    using Found = std::function<void(const PeerAddress&)>;

    virtual ~Dht() = default;

    // Tells the nodes nearest to `service` that this host offers it at `port`; they forget it after 30 min
    // (Grape: 2 to 4 min). Gives how many were asked, at most 8. Each operation ends within 45 s, or when the
    // nodes that have not answered have been silent for 1 s; those are told when they are given up. Errors of
    // all six: unavailable (no node answers, or dht_operations_max are under way).
    virtual void announce(const DhtKey& service, std::uint16_t port, Announced done) = 0;
    // Who offers the service; each address once. A search that takes longer than `patience_ms` ends with
    // what was found by then.
    virtual void lookup(const DhtKey& service, std::uint32_t patience_ms, LookedUp done) = 0;
    // Stores a value under its hash: `bencoded` is exactly one bencoded item. Also: invalid_input, too_large.
    virtual void put(ByteView bencoded, Put done) = 0;
    // The bencoded item with that hash; nothing if nobody has it.
    virtual void get(const DhtKey& hash, Got done) = 0;
    // Stores an item under key and salt (at most 64 bytes). Also: invalid_input, too_large.
    virtual void put_signed(const PublicKey& key, const std::string& salt, DhtSignedItem item,
                            PutSigned done) = 0;
    // The item with the highest sequence number that was met; nothing if nobody has one. Whoever gets it
    // verifies its signature.
    virtual void get_signed(const PublicKey& key, const std::string& salt, GotSigned done) = 0;
    // From now on `found` gets every address that is announced to this node for the service or that a lookup
    // of it meets, also twice. One watcher a service; an empty function ends it.
    virtual void watch(const DhtKey& service, Found found) = 0;

    // Other nodes of the DHT do not keep a node that is read-only, nor tell of it (BEP 43).
    virtual void set_read_only(bool read_only) = 0;

    virtual DhtKey node_id() const = 0;
    virtual std::uint16_t port() const = 0;  // UDP
    virtual DhtStats stats() const = 0;
    // Saves the state, closes the sockets, joins the threads (milliseconds).
    virtual void stop() = 0;
};

}  // namespace peerbook::p2p
