#include "p2p/dht/dht_node.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <libtorrent/alert_types.hpp>
#include <libtorrent/bdecode.hpp>
#include <libtorrent/bencode.hpp>
#include <libtorrent/entry.hpp>
#include <libtorrent/hasher.hpp>
#include <libtorrent/session.hpp>
#include <libtorrent/session_params.hpp>
#include <libtorrent/settings_pack.hpp>

#include "base/log.h"
#include "base/system_clock.h"
#include "p2p/dht/dht_conversions.h"
#include "p2p/dht/dht_operation.h"
#include "p2p/dht/dht_rounds.h"
#include "p2p/dht/dht_session.h"
#include "p2p/dht/dht_state_file.h"
#include "p2p/dht/dht_storage.h"
#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

namespace asio = boost::asio;

namespace {

constexpr const char* subsystem = "dht";
constexpr Duration poll_interval = Duration::milliseconds(25);  // while operations are under way
// Bootstrap nodes are asked again after this, doubled each time, while none answers.
constexpr Duration ask_again_min = Duration::seconds(1), ask_again_max = Duration::seconds(30);
constexpr Duration idle_interval = Duration::seconds(1);
// libtorrent gives a silent node up after 15 s.
constexpr Duration operation_time_max = Duration::seconds(40);
constexpr Duration save_interval = Duration::seconds(600);
constexpr std::size_t salt_bytes_max = 64;  // BEP 44

template <typename Fixed>
std::array<char, Fixed::size> chars_of(const Fixed& bytes) {
    std::array<char, Fixed::size> chars;
    std::copy(bytes.data.begin(), bytes.data.end(), chars.begin());
    return chars;
}

// Where BEP 44 puts the items of a key and salt.
lt::sha1_hash target_of(const PublicKey& key, const std::string& salt) {
    const auto chars = chars_of(key);
    lt::hasher hasher(lt::span<const char>(chars.data(), static_cast<std::ptrdiff_t>(chars.size())));
    hasher.update(lt::span<const char>(salt.data(), static_cast<std::ptrdiff_t>(salt.size())));
    return hasher.final();
}

// Nothing if the bytes are not the one encoding of one item.
std::optional<lt::entry> entry_of(ByteView bencoded) {
    lt::error_code failure;
    const std::string_view text = as_text(bencoded);
    const lt::bdecode_node item =
        lt::bdecode({text.data(), static_cast<std::ptrdiff_t>(text.size())}, failure);
    if (failure) return std::nullopt;
    lt::entry value(item);
    std::string again;
    lt::bencode(std::back_inserter(again), value);
    if (again != text) return std::nullopt;
    return value;
}

class LibtorrentDht final : public Dht {
  public:
    LibtorrentDht(asio::io_context& io, DhtNodeOptions options)
        : options_(std::move(options)), io_(io), timer_(io), alive_(std::make_shared<bool>(true)) {}

    ~LibtorrentDht() override { stop(); }

    Status open() {
        const auto ip = parse_ip(options_.listen_host);
        if (!ip)
            return Error{
                ErrorCode::invalid_input,
                "the DHT's host must be an IP address such as 0.0.0.0, not '" + options_.listen_host + "'"};
        for (const std::string& text : options_.bootstrap) {
            Result<PeerAddress> address = parse_peer_address(text);
            if (!address) return address.error().within("bootstrap node of the DHT");
            bootstrap_.push_back(std::move(*address));
        }
        Result<std::uint16_t> port = free_udp_port(options_.listen_host, options_.port);
        if (!port) return port.error();
        port_ = *port;
        try {
            return open_session();
        } catch (const std::exception& failure) {
            return Error{ErrorCode::io, std::string("the DHT cannot start: ") + failure.what()};
        }
    }

    void announce(const DhtKey& service, std::uint16_t port, Announced done) override {
        ++stats_.announces;
        DhtOperation operation{DhtOperation::Kind::announce, hash_of_key(service)};
        operation.port = port;
        operation.announced = std::move(done);
        begin(std::move(operation), operation_time_max);
    }

    void lookup(const DhtKey& service, std::uint32_t patience_ms, LookedUp done) override {
        ++stats_.lookups;
        DhtOperation operation{DhtOperation::Kind::lookup, hash_of_key(service)};
        operation.looked_up = std::move(done);
        begin(std::move(operation), std::min(Duration::milliseconds(patience_ms), operation_time_max));
    }

    void put(ByteView bencoded, Put done) override {
        DhtOperation operation{DhtOperation::Kind::put, {}};
        operation.put = std::move(done);
        if (bencoded.size() > dht_value_bytes_max)
            return refuse(std::move(operation),
                          {ErrorCode::too_large, "a value in the DHT has at most 1,000 bytes"});
        std::optional<lt::entry> value = entry_of(bencoded);
        if (!value)
            return refuse(std::move(operation),
                          {ErrorCode::invalid_input, "the value is not one bencoded item"});
        operation.value = std::move(*value);
        const std::string_view text = as_text(bencoded);
        operation.target =
            lt::hasher(lt::span<const char>(text.data(), static_cast<std::ptrdiff_t>(text.size()))).final();
        storage_->add_value(operation.target, bencoded);
        begin(std::move(operation), operation_time_max);
    }

    void get(const DhtKey& hash, Got done) override {
        DhtOperation operation{DhtOperation::Kind::get, hash_of_key(hash)};
        operation.got = std::move(done);
        operation.item = storage_->value(operation.target);
        if (!operation.item) return begin(std::move(operation), operation_time_max);
        asio::post(io_, [this, alive = alive_, held = std::make_shared<DhtOperation>(std::move(operation))] {
            if (*alive) finish(*held, {});
        });
    }

    void put_signed(const PublicKey& key, const std::string& salt, DhtSignedItem item,
                    PutSigned done) override {
        DhtOperation operation{DhtOperation::Kind::put_signed, target_of(key, salt)};
        operation.put_signed = std::move(done);
        if (item.bencoded.size() > dht_value_bytes_max || salt.size() > salt_bytes_max)
            return refuse(std::move(operation),
                          {ErrorCode::too_large, "a signed value in the DHT has at most 1,000 bytes"});
        std::optional<lt::entry> value = entry_of(item.bencoded);
        if (!value)
            return refuse(std::move(operation),
                          {ErrorCode::invalid_input, "the value is not one bencoded item"});
        operation.value = std::move(*value);
        storage_->add_signed(operation.target, key, salt, item);
        operation.key = key;
        operation.salt = salt;
        operation.signed_item = std::move(item);
        begin(std::move(operation), operation_time_max);
    }

    // What is here is no answer yet: others may have a newer one.
    void get_signed(const PublicKey& key, const std::string& salt, GotSigned done) override {
        DhtOperation operation{DhtOperation::Kind::get_signed, target_of(key, salt)};
        operation.got_signed = std::move(done);
        operation.key = key;
        operation.salt = salt;
        operation.signed_item = storage_->signed_item(operation.target);
        begin(std::move(operation), operation_time_max);
    }

    void watch(const DhtKey& service, Found found) override {
        const lt::sha1_hash hash = hash_of_key(service);
        if (found)
            watchers_[hash] = std::move(found);
        else
            watchers_.erase(hash);
        std::set<lt::sha1_hash> watched;
        for (const auto& [key, watcher] : watchers_)
            watched.insert(key);
        storage_->set_watched(std::move(watched));
    }

    DhtKey node_id() const override { return node_id_; }
    std::uint16_t port() const override { return port_; }
    DhtStats stats() const override { return stats_; }

    void stop() override {
        if (std::exchange(stopped_, true)) return;
        *alive_ = false;
        timer_.cancel();
        operations_.clear();
        watchers_.clear();
        if (!session_) return;
        session_->set_alert_notify({});
        if (is_listening_) save_state();
        const lt::session_proxy joins = session_->abort();
        session_.reset();
    }

    void set_read_only(bool read_only) override {
        options_.read_only = read_only;
        if (!session_) return;
        lt::settings_pack settings;
        settings.set_bool(lt::settings_pack::dht_read_only, read_only);
        session_->apply_settings(std::move(settings));
    }

  private:
    Status open_session() {
        storage_ = std::make_shared<DhtStorage>([this] { wake(); });
        auto session = start_dht_session(options_.listen_host, port_, options_.read_only, storage_);
        if (!session) return session.error();
        session_ = std::move(*session);
        is_listening_ = true;
        session_->set_dht_state(first_state());
        lt::settings_pack on;
        on.set_bool(lt::settings_pack::enable_dht, true);
        session_->apply_settings(std::move(on));
        for (const auto& [address, id] :
             session_->session_state(lt::session_handle::save_dht_state).dht_state.nids)
            if (node_id_.is_zero()) node_id_ = key_of_hash(id);
        session_->set_alert_notify([this] { wake(); });
        saved_at_ = mono_now();
        log_info(subsystem, "listening host=" + options_.listen_host + " port=" + std::to_string(port_) +
                                " bootstrap=" + std::to_string(bootstrap_.size()));
        ask_bootstrap_nodes();
        poll();
        return {};
    }

    // The nodes of the last run, and bootstrap nodes that need no resolver; those are asked at once.
    lt::dht::dht_state first_state() const {
        lt::dht::dht_state state = load_dht_state(options_.state_file);
        for (const PeerAddress& node : bootstrap_) {
            boost::system::error_code is_name;
            const auto address = asio::ip::make_address(node.host, is_name);
            if (!is_name) (address.is_v6() ? state.nodes6 : state.nodes).emplace_back(address, node.port);
        }
        return state;
    }

    // On any thread.
    void wake() {
        asio::post(io_, [this, alive = alive_] {
            if (*alive) take_news();
        });
    }

    void begin(DhtOperation operation, Duration patience) {
        if (stopped_ || operations_.size() >= dht_operations_max)
            return refuse(std::move(operation),
                          {ErrorCode::unavailable, "too many DHT operations are under way; try again later"});
        operation.begun = mono_now();
        operation.deadline = operation.begun + patience;
        for (const lt::tcp::endpoint& peer : operation.kind == DhtOperation::Kind::lookup
                                                 ? storage_->peers(operation.target)
                                                 : std::vector<lt::tcp::endpoint>{})
            add_found(operation, peer);
        operations_.push_back(std::move(operation));
        if (stats_.nodes > 0) send(operations_.back());
        request_figures();
    }

    void refuse(DhtOperation operation, Error error) {
        asio::post(io_, [this, alive = alive_, held = std::make_shared<DhtOperation>(std::move(operation)),
                         why = std::move(error)] {
            if (*alive) finish(*held, why);
        });
    }

    void send(DhtOperation& operation) {
        operation.is_sent = true;
        operation.round = rounds_.next();
        switch (operation.kind) {
            case DhtOperation::Kind::announce:
                session_->dht_announce(operation.target, operation.port);
                add_own(operation);
                break;
            case DhtOperation::Kind::lookup:
                session_->dht_get_peers(operation.target);
                break;
            case DhtOperation::Kind::put:
                session_->dht_put_item(operation.value);
                break;
            case DhtOperation::Kind::get:
                session_->dht_get_item(operation.target);
                break;
            case DhtOperation::Kind::put_signed:
                send_signed(operation);
                break;
            case DhtOperation::Kind::get_signed:
                session_->dht_get_item(chars_of(operation.key), operation.salt);
                break;
        }
    }

    // The callback comes on libtorrent's thread, so it has copies of all that it needs.
    void send_signed(const DhtOperation& operation) {
        const DhtSignedItem& item = *operation.signed_item;
        session_->dht_put_item(
            chars_of(operation.key),
            [value = operation.value, signature = chars_of(item.signature), seq = item.seq](
                lt::entry& put, std::array<char, 64>& put_signature, std::int64_t& put_seq,
                const std::string&) {
                put = value;
                put_signature = signature;
                put_seq = seq;
            },
            operation.salt);
    }

    // Whoever asks this node finds what it offers, as far as it knows its address.
    void add_own(const DhtOperation& operation) {
        const auto ip = parse_ip(options_.listen_host);
        if (scope_of(*ip) == IpScope::unusable) return;
        storage_->add_peer(operation.target, {asio::ip::make_address(options_.listen_host), operation.port});
    }

    // The session's own figures close a round, since those of the DHT come once for each address of the
    // machine.
    void request_figures() {
        if (rounds_.is_open() || stopped_) return;
        rounds_.open();
        session_->post_dht_stats();
        session_->post_session_stats();
    }

    void end_round() {
        stats_.nodes = rounds_.close();
        const MonoTime now = mono_now();
        std::list<DhtOperation> ended;
        for (auto it = operations_.begin(); it != operations_.end();) {
            const auto here = it++;
            if (!here->is_sent && stats_.nodes > 0)
                send(*here);
            else if (is_over(*here, now))
                ended.splice(ended.end(), operations_, here);
        }
        for (DhtOperation& operation : ended) {
            if (stopped_) return;
            finish(operation, {});
        }
    }

    bool is_over(const DhtOperation& operation, MonoTime now) const {
        if (now >= operation.deadline) return true;
        if (!operation.is_sent) return now - operation.begun >= options_.join_time_max;
        if (operation.kind == DhtOperation::Kind::put || operation.kind == DhtOperation::Kind::put_signed)
            return operation.is_put_done;
        return rounds_.has_ended(operation.target, operation.round);
    }

    // Without `error`: by what came of it.
    void finish(DhtOperation& operation, std::optional<Error> error) {
        if (!error && !operation.is_sent && !operation.has_collected())
            error = Error{
                ErrorCode::unavailable,
                bootstrap_.empty()
                    ? "no node of the DHT is known yet: name one with --dht-bootstrap, or wait for others"
                    : "no node of the DHT answers, not even " + to_string(bootstrap_.front())};
        if (error)
            operation.fail(*error);
        else
            operation.succeed(stats_.nodes);
    }

    void take_news() {
        for (const auto& [service, peer] : storage_->take_told()) {
            ++stats_.told;
            tell_watcher(service, peer);
            if (stopped_) return;
        }
        // The alerts stay valid until the next pop_alerts(), which nothing below calls.
        std::vector<lt::alert*> alerts;
        session_->pop_alerts(&alerts);
        for (lt::alert* alert : alerts) {
            take(*alert);
            if (stopped_) return;
        }
    }

    void take(lt::alert& alert) {
        if (const auto* figures = lt::alert_cast<lt::dht_stats_alert>(&alert)) {
            rounds_.take(*figures);
        } else if (lt::alert_cast<lt::session_stats_alert>(&alert) != nullptr) {
            if (rounds_.is_open()) end_round();
        } else if (const auto* reply = lt::alert_cast<lt::dht_get_peers_reply_alert>(&alert)) {
            for (const lt::tcp::endpoint& peer : reply->peers()) {
                for (DhtOperation& operation : operations_)
                    if (operation.is(DhtOperation::Kind::lookup, reply->info_hash))
                        add_found(operation, peer);
                tell_watcher(reply->info_hash, peer);
                if (stopped_) return;
            }
        } else if (const auto* item = lt::alert_cast<lt::dht_immutable_item_alert>(&alert)) {
            take_item(*item);
        } else if (const auto* signed_item = lt::alert_cast<lt::dht_mutable_item_alert>(&alert)) {
            take_signed_item(*signed_item);
        } else if (const auto* put = lt::alert_cast<lt::dht_put_alert>(&alert)) {
            for (DhtOperation& operation : operations_)
                if (operation.is(DhtOperation::Kind::put, put->target) ||
                    (operation.kind == DhtOperation::Kind::put_signed &&
                     chars_of(operation.key) == put->public_key && operation.salt == put->salt))
                    operation.is_put_done = true;
        } else if (const auto* failed = lt::alert_cast<lt::dht_error_alert>(&alert)) {
            log_debug(subsystem, failed->error.message());
        }
    }

    void take_item(const lt::dht_immutable_item_alert& alert) {
        if (alert.item.type() == lt::entry::undefined_t) return;
        std::string bencoded;
        lt::bencode(std::back_inserter(bencoded), alert.item);
        if (bencoded.size() > dht_value_bytes_max) return;
        const ByteView view = as_bytes(bencoded);
        for (DhtOperation& operation : operations_)
            if (operation.is(DhtOperation::Kind::get, alert.target) && !operation.item)
                operation.item = Bytes(view.begin(), view.end());
    }

    void take_signed_item(const lt::dht_mutable_item_alert& alert) {
        if (alert.item.type() == lt::entry::undefined_t) return;
        std::string bencoded;
        lt::bencode(std::back_inserter(bencoded), alert.item);
        if (bencoded.size() > dht_value_bytes_max) return;
        const ByteView view = as_bytes(bencoded);
        for (DhtOperation& operation : operations_) {
            if (operation.kind != DhtOperation::Kind::get_signed || chars_of(operation.key) != alert.key ||
                operation.salt != alert.salt ||
                (operation.signed_item && operation.signed_item->seq >= alert.seq))
                continue;
            DhtSignedItem item{Bytes(view.begin(), view.end()), alert.seq, {}};
            std::copy(alert.signature.begin(), alert.signature.end(), item.signature.data.begin());
            operation.signed_item = std::move(item);
        }
    }

    void add_found(DhtOperation& operation, const lt::tcp::endpoint& peer) {
        if (operation.collect(peer)) ++stats_.found;
    }

    void tell_watcher(const lt::sha1_hash& service, const lt::tcp::endpoint& peer) {
        const auto watcher = watchers_.find(service);
        if (watcher == watchers_.end()) return;
        const Found found = watcher->second;  // it may stop watching
        if (const auto address = address_of(peer)) found(*address);
    }

    void ask_bootstrap_nodes() {
        asked_at_ = mono_now();
        for (const PeerAddress& node : bootstrap_)
            session_->add_dht_node({node.host, node.port});
    }

    // Often while something is under way or the DHT is being joined, seldom otherwise.
    void poll() {
        const MonoTime now = mono_now();
        request_figures();
        if (stats_.nodes > 0) ask_again_ = ask_again_min;
        if (stats_.nodes == 0 && now - asked_at_ >= ask_again_) {
            ask_again_ = std::min(ask_again_ * 2, ask_again_max);
            ask_bootstrap_nodes();
        }
        if (now - saved_at_ >= save_interval) save_state();
        const bool is_joining = stats_.nodes == 0 && ask_again_ == ask_again_min;
        const bool is_idle = operations_.empty() && !is_joining;
        timer_.expires_after(std::chrono::nanoseconds((is_idle ? idle_interval : poll_interval).ns));
        timer_.async_wait([this, alive = alive_](boost::system::error_code) {
            if (*alive) poll();
        });
    }

    void save_state() {
        saved_at_ = mono_now();
        if (options_.state_file.empty()) return;
        save_dht_state(options_.state_file,
                       session_->session_state(lt::session_handle::save_dht_state).dht_state);
    }

    DhtNodeOptions options_;
    asio::io_context& io_;
    asio::steady_timer timer_;
    std::shared_ptr<bool> alive_;
    std::vector<PeerAddress> bootstrap_;
    std::shared_ptr<DhtStorage> storage_;
    std::unique_ptr<lt::session> session_;
    std::map<lt::sha1_hash, Found> watchers_;
    std::list<DhtOperation> operations_;
    DhtRounds rounds_;
    bool is_listening_ = false, stopped_ = false;
    MonoTime asked_at_, saved_at_;
    Duration ask_again_ = ask_again_min;
    DhtKey node_id_;
    std::uint16_t port_ = 0;
    DhtStats stats_;
};

}  // namespace

Result<std::unique_ptr<Dht>> start_dht_node(asio::io_context& io, DhtNodeOptions options) {
    auto node = std::make_unique<LibtorrentDht>(io, std::move(options));
    if (Status status = node->open(); !status.ok()) return status.error();
    return std::unique_ptr<Dht>(std::move(node));
}

}  // namespace peerbook::p2p
