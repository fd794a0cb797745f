// What a DHT node keeps for others: libtorrent's own bounded store, behind a lock, so that this node can look
// into it as well. libtorrent's look-ups ask other nodes only, and in a small DHT this node may be the one
// that was told. For dht_node.cc only: it shows libtorrent's types.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <libtorrent/address.hpp>
#include <libtorrent/kademlia/dht_storage.hpp>
#include <libtorrent/sha1_hash.hpp>
#include <libtorrent/socket.hpp>

#include "base/bytes.h"
#include "p2p/dht/dht.h"

namespace peerbook::p2p {

inline constexpr std::size_t dht_told_waiting_max =
    256;  // announcements until the reader comes; more are lost

// Thread-safe: libtorrent's network thread writes, the I/O thread reads.
class DhtStorage {
  public:
    using Told = std::pair<lt::sha1_hash, lt::tcp::endpoint>;

    // `wake` is called on libtorrent's thread when something waits for take_told(); it must not block.
    explicit DhtStorage(std::function<void()> wake) : wake_(std::move(wake)) {}

    // What libtorrent is given: makes the object it owns, which holds on to `storage`.
    static lt::dht::dht_storage_constructor_type constructor(std::shared_ptr<DhtStorage> storage);

    // Announcements for watched services since the last call.
    void set_watched(std::set<lt::sha1_hash> services);
    std::vector<Told> take_told();

    std::vector<lt::tcp::endpoint> peers(const lt::sha1_hash& service) const;
    void add_peer(const lt::sha1_hash& service, const lt::tcp::endpoint& peer);
    std::optional<Bytes> value(const lt::sha1_hash& hash) const;
    // Not verified: whoever puts one here has signed it, and libtorrent verifies what others put.
    void add_signed(const lt::sha1_hash& target, const PublicKey& key, const std::string& salt,
                    const DhtSignedItem& item);
    std::optional<DhtSignedItem> signed_item(const lt::sha1_hash& target) const;
    void add_value(const lt::sha1_hash& hash, ByteView bencoded);

  private:
    class Door;
    std::function<void()> wake_;
    mutable std::mutex mutex_;
    std::unique_ptr<lt::dht::dht_storage_interface> inner_;  // null until libtorrent has started
    std::set<lt::sha1_hash> watched_;
    std::vector<Told> told_;
};

}  // namespace peerbook::p2p
