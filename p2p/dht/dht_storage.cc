#include "p2p/dht/dht_storage.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>

#include <libtorrent/bencode.hpp>
#include <libtorrent/entry.hpp>

namespace peerbook::p2p {

namespace {

// BEP 5's and BEP 32's compact form: the address's bytes, then the port, big-endian.
std::optional<lt::tcp::endpoint> endpoint_of(const std::string& compact) {
    const auto port_at = [&](std::size_t at) {
        return static_cast<std::uint16_t>(static_cast<unsigned char>(compact[at]) << 8 |
                                          static_cast<unsigned char>(compact[at + 1]));
    };
    if (compact.size() == 6) {
        lt::address_v4::bytes_type bytes;
        std::memcpy(bytes.data(), compact.data(), bytes.size());
        return lt::tcp::endpoint(lt::address_v4(bytes), port_at(4));
    }
    if (compact.size() == 18) {
        lt::address_v6::bytes_type bytes;
        std::memcpy(bytes.data(), compact.data(), bytes.size());
        return lt::tcp::endpoint(lt::address_v6(bytes), port_at(16));
    }
    return std::nullopt;
}

}  // namespace

// Everything goes to the inner store, under the lock.
class DhtStorage::Door final : public lt::dht::dht_storage_interface {
  public:
    explicit Door(std::shared_ptr<DhtStorage> storage) : storage_(std::move(storage)) {}

#if TORRENT_ABI_VERSION == 1
    size_t num_torrents() const override {
        return static_cast<size_t>(counters().torrents);
    }
    size_t num_peers() const override {
        return static_cast<size_t>(counters().peers);
    }
#endif
    void update_node_ids(const std::vector<lt::dht::node_id>& ids) override {
        const std::scoped_lock lock(storage_->mutex_);
        storage_->inner_->update_node_ids(ids);
    }
    bool get_peers(const lt::sha1_hash& service, bool noseed, bool scrape, const lt::address& requester,
                   lt::entry& peers) const override {
        const std::scoped_lock lock(storage_->mutex_);
        return storage_->inner_->get_peers(service, noseed, scrape, requester, peers);
    }
    void announce_peer(const lt::sha1_hash& service, const lt::tcp::endpoint& peer, lt::string_view name,
                       bool seed) override {
        bool is_first = false;
        {
            const std::scoped_lock lock(storage_->mutex_);
            storage_->inner_->announce_peer(service, peer, name, seed);
            if (storage_->told_.size() < dht_told_waiting_max && storage_->watched_.count(service) != 0) {
                is_first = storage_->told_.empty();
                storage_->told_.emplace_back(service, peer);
            }
        }
        if (is_first) storage_->wake_();
    }
    bool get_immutable_item(const lt::sha1_hash& hash, lt::entry& item) const override {
        const std::scoped_lock lock(storage_->mutex_);
        return storage_->inner_->get_immutable_item(hash, item);
    }
    void put_immutable_item(const lt::sha1_hash& hash, lt::span<const char> bytes,
                            const lt::address& from) override {
        const std::scoped_lock lock(storage_->mutex_);
        storage_->inner_->put_immutable_item(hash, bytes, from);
    }
    bool get_mutable_item_seq(const lt::sha1_hash& target, lt::dht::sequence_number& seq) const override {
        const std::scoped_lock lock(storage_->mutex_);
        return storage_->inner_->get_mutable_item_seq(target, seq);
    }
    bool get_mutable_item(const lt::sha1_hash& target, lt::dht::sequence_number seq, bool force_fill,
                          lt::entry& item) const override {
        const std::scoped_lock lock(storage_->mutex_);
        return storage_->inner_->get_mutable_item(target, seq, force_fill, item);
    }
    void put_mutable_item(const lt::sha1_hash& target, lt::span<const char> bytes,
                          const lt::dht::signature& signature, lt::dht::sequence_number seq,
                          const lt::dht::public_key& key, lt::span<const char> salt,
                          const lt::address& from) override {
        const std::scoped_lock lock(storage_->mutex_);
        storage_->inner_->put_mutable_item(target, bytes, signature, seq, key, salt, from);
    }
    int get_infohashes_sample(lt::entry& item) override {
        const std::scoped_lock lock(storage_->mutex_);
        return storage_->inner_->get_infohashes_sample(item);
    }
    void tick() override {
        const std::scoped_lock lock(storage_->mutex_);
        storage_->inner_->tick();
    }
    lt::dht::dht_storage_counters counters() const override {
        const std::scoped_lock lock(storage_->mutex_);
        return storage_->inner_->counters();
    }

  private:
    std::shared_ptr<DhtStorage> storage_;
};

lt::dht::dht_storage_constructor_type DhtStorage::constructor(std::shared_ptr<DhtStorage> storage) {
    return [storage = std::move(storage)](const lt::settings_interface& settings) {
        auto inner = lt::dht::dht_default_storage_constructor(settings);
        {
            const std::scoped_lock lock(storage->mutex_);
            storage->inner_ = std::move(inner);
        }
        return std::make_unique<Door>(storage);
    };
}

void DhtStorage::set_watched(std::set<lt::sha1_hash> services) {
    const std::scoped_lock lock(mutex_);
    watched_ = std::move(services);
}

std::vector<DhtStorage::Told> DhtStorage::take_told() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(told_, {});
}

std::vector<lt::tcp::endpoint> DhtStorage::peers(const lt::sha1_hash& service) const {
    std::vector<lt::tcp::endpoint> found;
    const std::scoped_lock lock(mutex_);
    if (!inner_) return found;
    for (const lt::address& requester : {lt::address(lt::address_v4()), lt::address(lt::address_v6())}) {
        lt::entry answer;
        inner_->get_peers(service, false, false, requester, answer);
        const lt::entry* values =
            answer.type() == lt::entry::dictionary_t ? answer.find_key("values") : nullptr;
        if (values == nullptr || values->type() != lt::entry::list_t) continue;
        for (const lt::entry& value : values->list())
            if (const auto peer = endpoint_of(value.string())) found.push_back(*peer);
    }
    return found;
}

void DhtStorage::add_peer(const lt::sha1_hash& service, const lt::tcp::endpoint& peer) {
    const std::scoped_lock lock(mutex_);
    if (inner_) inner_->announce_peer(service, peer, {}, false);
}

std::optional<Bytes> DhtStorage::value(const lt::sha1_hash& hash) const {
    lt::entry item;
    {
        const std::scoped_lock lock(mutex_);
        if (!inner_ || !inner_->get_immutable_item(hash, item)) return std::nullopt;
    }
    const lt::entry* value = item.type() == lt::entry::dictionary_t ? item.find_key("v") : nullptr;
    if (value == nullptr) return std::nullopt;
    std::string bencoded;
    lt::bencode(std::back_inserter(bencoded), *value);
    const ByteView view = as_bytes(bencoded);
    return Bytes(view.begin(), view.end());
}

void DhtStorage::add_signed(const lt::sha1_hash& target, const PublicKey& key, const std::string& salt,
                            const DhtSignedItem& item) {
    const auto chars = [](const auto& bytes) { return reinterpret_cast<const char*>(bytes.data()); };
    const std::scoped_lock lock(mutex_);
    if (inner_)
        inner_->put_mutable_item(
            target, {chars(item.bencoded), static_cast<std::ptrdiff_t>(item.bencoded.size())},
            lt::dht::signature(chars(item.signature.data)), lt::dht::sequence_number(item.seq),
            lt::dht::public_key(chars(key.data)), {salt.data(), static_cast<std::ptrdiff_t>(salt.size())},
            lt::address_v4::loopback());
}

std::optional<DhtSignedItem> DhtStorage::signed_item(const lt::sha1_hash& target) const {
    lt::entry found;
    {
        const std::scoped_lock lock(mutex_);
        if (!inner_ || !inner_->get_mutable_item(target, lt::dht::sequence_number(0), true, found))
            return std::nullopt;
    }
    if (found.type() != lt::entry::dictionary_t) return std::nullopt;
    const lt::entry* value = found.find_key("v");
    const lt::entry* seq = found.find_key("seq");
    const lt::entry* signature = found.find_key("sig");
    DhtSignedItem item;
    if (value == nullptr || seq == nullptr || seq->type() != lt::entry::int_t || signature == nullptr ||
        signature->type() != lt::entry::string_t || signature->string().size() != Signature::size)
        return std::nullopt;
    std::string bencoded;
    lt::bencode(std::back_inserter(bencoded), *value);
    const ByteView view = as_bytes(bencoded);
    item.bencoded.assign(view.begin(), view.end());
    item.seq = seq->integer();
    std::copy(signature->string().begin(), signature->string().end(), item.signature.data.begin());
    return item;
}

void DhtStorage::add_value(const lt::sha1_hash& hash, ByteView bencoded) {
    const std::string_view text = as_text(bencoded);
    const std::scoped_lock lock(mutex_);
    if (inner_)
        inner_->put_immutable_item(hash, {text.data(), static_cast<std::ptrdiff_t>(text.size())},
                                   lt::address_v4::loopback());
}

}  // namespace peerbook::p2p
