// An operation of a DHT node from call to callback: what is asked, what has been collected for it, and who
// waits. It neither asks the DHT nor knows when it is over: dht_node.cc does. Belongs to the node's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include <libtorrent/entry.hpp>
#include <libtorrent/sha1_hash.hpp>
#include <libtorrent/socket.hpp>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "p2p/dht/dht.h"

namespace peerbook::p2p {

struct DhtOperation {
    enum class Kind { announce, lookup, put, get, put_signed, get_signed };
    DhtOperation(Kind kind_, lt::sha1_hash target_) : kind(kind_), target(target_) {}

    bool is(Kind of_kind, const lt::sha1_hash& at) const { return kind == of_kind && target == at; }
    bool has_collected() const { return !found.empty() || item || signed_item; }
    // Keeps where a peer is; true if that is new. At most dht_found_max, and nothing unusable.
    bool collect(const lt::tcp::endpoint& peer);

    // One of these, once: they call whoever waits. `nodes` are those of the routing table.
    void succeed(std::size_t nodes);
    void fail(const Error& why);

    Kind kind;
    lt::sha1_hash target;
    std::uint16_t port = 0;  // announce
    lt::entry value;         // put
    MonoTime begun, deadline;
    bool is_sent = false;
    std::uint64_t round = 0;                   // the first round of figures that knows of it
    std::set<PeerAddress> found;               // lookup
    std::optional<Bytes> item;                 // get
    PublicKey key;                             // put_signed, get_signed
    std::string salt;                          // the same
    std::optional<DhtSignedItem> signed_item;  // the same: what is put; what was got
    bool is_put_done = false;
    // That of its kind is set.
    Dht::Announced announced;
    Dht::LookedUp looked_up;
    Dht::Put put;
    Dht::Got got;
    Dht::PutSigned put_signed;
    Dht::GotSigned got_signed;
};

}  // namespace peerbook::p2p
