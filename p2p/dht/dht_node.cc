#include "p2p/dht/dht_node.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <list>
#include <map>
#include <set>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <libtorrent/alert_types.hpp>
#include <libtorrent/bdecode.hpp>
#include <libtorrent/bencode.hpp>
#include <libtorrent/disabled_disk_io.hpp>
#include <libtorrent/entry.hpp>
#include <libtorrent/hasher.hpp>
#include <libtorrent/session.hpp>
#include <libtorrent/session_params.hpp>
#include <libtorrent/settings_pack.hpp>

#include "base/log.h"
#include "p2p/dht/dht_storage.h"
#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

namespace asio = boost::asio;
using SteadyTime = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr const char* subsystem = "dht";
constexpr seconds listen_time_max{5};
constexpr milliseconds poll_interval{25};  // while operations are under way
constexpr int silence_s = 1;               // after which a node that was asked counts as dead
// Bootstrap nodes are asked again after this, doubled each time, while none answers.
constexpr milliseconds ask_again_min{1'000}, ask_again_max{30'000};
constexpr milliseconds idle_interval{1'000};
constexpr seconds operation_time_max{40};  // libtorrent gives a silent node up after 15 s
constexpr std::chrono::minutes save_interval{10};
constexpr std::size_t told_at_once = 8;  // Kademlia's k: so many nodes are told of an announcement
constexpr int saved_nodes_max = 1'000;
// Many nodes may be behind one address: a NAT, a host, a test.
constexpr int packets_a_second_per_address = 100;
constexpr int upload_bytes_a_second = 32'000;
constexpr int services_max = 2'000;
constexpr int peers_per_service_max = 100;
constexpr int values_max = 2'000;
constexpr int alerts_max = 4'000;

lt::sha1_hash hash_of_key(const DhtKey& key) {
    return lt::sha1_hash(reinterpret_cast<const char*>(key.data.data()));
}

DhtKey key_of_hash(const lt::sha1_hash& hash) {
    DhtKey key;
    std::copy(hash.begin(), hash.end(), key.data.begin());
    return key;
}

std::string endpoint_text(const std::string& host, std::uint16_t port) {
    return to_string(PeerAddress{host, port});
}

// The port that libtorrent is to take: it would take port 0 anew for each address of the machine, and it
// shares a port that is in use.
Result<std::uint16_t> free_udp_port(const std::string& host, std::uint16_t port) {
    asio::io_context io;
    asio::ip::udp::socket probe(io);
    boost::system::error_code failure;
    const asio::ip::udp::endpoint endpoint(asio::ip::make_address(host, failure), port);
    if (!failure) probe.open(endpoint.protocol(), failure);
    if (!failure) probe.bind(endpoint, failure);
    const std::uint16_t bound = failure ? 0 : probe.local_endpoint(failure).port();
    if (!failure) return bound;
    const std::string where = "the DHT cannot listen on " + endpoint_text(host, port) + ": ";
    if (failure == asio::error::address_in_use)
        return Error{ErrorCode::conflict,
                     where + "UDP port " + std::to_string(port) +
                         " is in use by another program; choose another with --dht-port"};
    return Error{ErrorCode::io, where + failure.message()};
}

// libtorrent runs no DHT on the loopback interface unless it is named; nodes on one machine meet there.
std::string interfaces_of(const std::string& host, std::uint16_t port) {
    const std::string all = endpoint_text(host, port);
    if (host == "0.0.0.0") return endpoint_text("127.0.0.1", port) + "," + all;
    if (host == "::") return endpoint_text("::1", port) + "," + all;
    return all;
}

lt::settings_pack settings_for(const std::string& interfaces, bool read_only) {
    using pack = lt::settings_pack;
    pack settings;
    settings.set_str(pack::listen_interfaces, interfaces);
    settings.set_str(pack::dht_bootstrap_nodes, "");  // those would never enter the routing table
    settings.set_str(pack::user_agent, "");
    settings.set_int(pack::alert_mask, static_cast<int>(static_cast<std::uint32_t>(
                                           lt::alert_category::dht | lt::alert_category::dht_operation |
                                           lt::alert_category::status | lt::alert_category::error)));
    settings.set_int(pack::alert_queue_size, alerts_max);
    for (const int off :
         {pack::enable_dht,  // until the socket is open: see open_session()
          pack::enable_lsd, pack::enable_upnp, pack::enable_natpmp, pack::enable_incoming_tcp,
          pack::enable_outgoing_tcp, pack::enable_incoming_utp, pack::enable_outgoing_utp,
          pack::listen_system_port_fallback,
          // All nodes of a test, a machine or a NAT share an address, and private addresses are no mistake.
          pack::dht_restrict_routing_ips, pack::dht_restrict_search_ips, pack::dht_ignore_dark_internet,
          pack::dht_prefer_verified_node_ids, pack::dht_enforce_node_id})
        settings.set_bool(off, false);
    settings.set_bool(pack::dht_read_only, read_only);
    settings.set_int(pack::dht_block_ratelimit, packets_a_second_per_address);
    settings.set_int(pack::dht_upload_rate_limit, upload_bytes_a_second);
    settings.set_int(pack::dht_max_torrents, services_max);
    settings.set_int(pack::dht_max_peers, peers_per_service_max);
    settings.set_int(pack::dht_max_dht_items, values_max);
    return settings;
}

// The routing table of an earlier run; an unusable file is said and left alone until the next save.
lt::dht::dht_state load_state(const std::string& path) {
    std::error_code absent;
    if (path.empty() || !std::filesystem::exists(path, absent)) return {};
    const auto unusable = [&](const std::string& why) {
        log_warn(subsystem, "the file " + path + " " + why +
                                "; the DHT starts without the nodes of the last run and writes it anew");
        return lt::dht::dht_state{};
    };
    std::ifstream file(path, std::ios::binary);
    std::string bytes(dht_state_bytes_max + 1, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad() || (!file && !file.eof())) return unusable("cannot be read");
    if (bytes.size() > dht_state_bytes_max)
        return unusable("is above " + std::to_string(dht_state_bytes_max) + " bytes");
    lt::error_code failure;
    const lt::bdecode_node root = lt::bdecode(bytes, failure);
    if (failure || root.type() != lt::bdecode_node::dict_t || !root.dict_find_dict("dht state"))
        return unusable("is damaged");
    return lt::read_session_params(root, lt::session_handle::save_dht_state).dht_state;
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
        Operation operation{Operation::Kind::announce, hash_of_key(service)};
        operation.port = port;
        operation.announced = std::move(done);
        begin(std::move(operation), operation_time_max);
    }

    void lookup(const DhtKey& service, std::uint32_t patience_ms, LookedUp done) override {
        ++stats_.lookups;
        Operation operation{Operation::Kind::lookup, hash_of_key(service)};
        operation.looked_up = std::move(done);
        begin(std::move(operation), std::min<milliseconds>(milliseconds(patience_ms), operation_time_max));
    }

    void put(ByteView bencoded, Put done) override {
        Operation operation{Operation::Kind::put, {}};
        operation.put = std::move(done);
        if (bencoded.size() > dht_value_bytes_max)
            return refuse(std::move(operation),
                          {ErrorCode::too_large, "a value in the DHT has at most 1,000 bytes"});
        lt::error_code failure;
        const std::string_view text = as_text(bencoded);
        const lt::bdecode_node item =
            lt::bdecode({text.data(), static_cast<std::ptrdiff_t>(text.size())}, failure);
        std::string again;
        if (!failure) lt::bencode(std::back_inserter(again), operation.value = lt::entry(item));
        if (failure || again != text)
            return refuse(std::move(operation),
                          {ErrorCode::invalid_input, "the value is not one bencoded item"});
        operation.target = lt::hasher(lt::span<const char>(again)).final();
        storage_->add_value(operation.target, bencoded);
        begin(std::move(operation), operation_time_max);
    }

    void get(const DhtKey& hash, Got done) override {
        Operation operation{Operation::Kind::get, hash_of_key(hash)};
        operation.got = std::move(done);
        operation.item = storage_->value(operation.target);
        if (!operation.item) return begin(std::move(operation), operation_time_max);
        asio::post(io_, [this, alive = alive_, held = std::make_shared<Operation>(std::move(operation))] {
            if (*alive) finish(*held, {});
        });
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

  private:
    struct Operation {
        enum class Kind { announce, lookup, put, get };
        Operation(Kind kind_, lt::sha1_hash target_) : kind(kind_), target(target_) {}

        Kind kind;
        lt::sha1_hash target;
        std::uint16_t port = 0;
        lt::entry value;
        SteadyTime begun{}, deadline{};
        bool is_sent = false;
        std::uint64_t round = 0;  // the first round of figures that knows of it
        std::set<PeerAddress> found;
        std::optional<Bytes> item;
        bool is_put_done = false;
        Announced announced;
        LookedUp looked_up;
        Put put;
        Got got;
    };

    Status open_session() {
        lt::session_params params(
            settings_for(interfaces_of(options_.listen_host, port_), options_.read_only), {});
        storage_ = std::make_shared<DhtStorage>([this] { wake(); });
        params.dht_storage_constructor = DhtStorage::constructor(storage_);
        params.disk_io_constructor = lt::disabled_disk_io_constructor;
        session_ = std::make_unique<lt::session>(std::move(params));
        if (Status status = wait_for_socket(); !status.ok()) return status;
        is_listening_ = true;
        // A DHT that starts before its socket is open forgets the nodes of its state.
        session_->set_dht_state(first_state());
        lt::settings_pack on;
        on.set_bool(lt::settings_pack::enable_dht, true);
        session_->apply_settings(std::move(on));
        for (const auto& [address, id] :
             session_->session_state(lt::session_handle::save_dht_state).dht_state.nids)
            if (node_id_.is_zero()) node_id_ = key_of_hash(id);
        session_->set_alert_notify([this] { wake(); });
        saved_at_ = std::chrono::steady_clock::now();
        log_info(subsystem, "listening host=" + options_.listen_host + " port=" + std::to_string(port_) +
                                " bootstrap=" + std::to_string(bootstrap_.size()));
        ask_bootstrap_nodes();
        poll();
        return {};
    }

    // The nodes of the last run, and bootstrap nodes that need no resolver; those are asked at once.
    lt::dht::dht_state first_state() const {
        lt::dht::dht_state state = load_state(options_.state_file);
        for (const PeerAddress& node : bootstrap_) {
            boost::system::error_code is_name;
            const auto address = asio::ip::make_address(node.host, is_name);
            if (!is_name) (address.is_v6() ? state.nodes6 : state.nodes).emplace_back(address, node.port);
        }
        return state;
    }

    // libtorrent opens its socket on its own thread, within milliseconds.
    Status wait_for_socket() {
        const std::string where = endpoint_text(options_.listen_host, port_);
        const auto deadline = std::chrono::steady_clock::now() + listen_time_max;
        while (std::chrono::steady_clock::now() < deadline) {
            session_->wait_for_alert(milliseconds(100));
            std::vector<lt::alert*> alerts;
            session_->pop_alerts(&alerts);
            for (const lt::alert* alert : alerts) {
                if (const auto* open = lt::alert_cast<lt::listen_succeeded_alert>(alert))
                    if (open->socket_type == lt::socket_type_t::utp) return {};  // its name for UDP
                const auto* failed = lt::alert_cast<lt::listen_failed_alert>(alert);
                // libtorrent opens the TCP port of the same number too, and both or none.
                if (failed != nullptr)
                    return Error{ErrorCode::conflict, "the DHT cannot listen on " + where +
                                                          ", UDP and TCP: " + failed->error.message() +
                                                          "; choose another port with --dht-port"};
            }
        }
        return Error{ErrorCode::io, "the DHT cannot listen on " + where + ": no answer from the system"};
    }

    // On any thread.
    void wake() {
        asio::post(io_, [this, alive = alive_] {
            if (*alive) take_news();
        });
    }

    void begin(Operation operation, milliseconds patience) {
        if (stopped_ || operations_.size() >= dht_operations_max)
            return refuse(std::move(operation),
                          {ErrorCode::unavailable, "too many DHT operations are under way; try again later"});
        operation.begun = std::chrono::steady_clock::now();
        operation.deadline = operation.begun + patience;
        for (const lt::tcp::endpoint& peer : operation.kind == Operation::Kind::lookup
                                                 ? storage_->peers(operation.target)
                                                 : std::vector<lt::tcp::endpoint>{})
            add_found(operation, peer);
        operations_.push_back(std::move(operation));
        if (stats_.nodes > 0) send(operations_.back());
        request_figures();
    }

    void refuse(Operation operation, Error error) {
        asio::post(io_, [this, alive = alive_, held = std::make_shared<Operation>(std::move(operation)),
                         why = std::move(error)] {
            if (*alive) finish(*held, why);
        });
    }

    void send(Operation& operation) {
        operation.is_sent = true;
        operation.round = round_ + (round_is_open_ ? 1 : 0);
        switch (operation.kind) {
            case Operation::Kind::announce:
                session_->dht_announce(operation.target, operation.port);
                add_own(operation);
                break;
            case Operation::Kind::lookup:
                session_->dht_get_peers(operation.target);
                break;
            case Operation::Kind::put:
                session_->dht_put_item(operation.value);
                break;
            case Operation::Kind::get:
                session_->dht_get_item(operation.target);
                break;
        }
    }

    // Whoever asks this node finds what it offers, as far as it knows its address.
    void add_own(const Operation& operation) {
        const auto ip = parse_ip(options_.listen_host);
        if (scope_of(*ip) == IpScope::unusable) return;
        storage_->add_peer(operation.target, {asio::ip::make_address(options_.listen_host), operation.port});
    }

    // A round of figures: which look-ups run and how many nodes there are. libtorrent answers in the order of
    // calls, and tells only by these figures that a look-up has ended. The session's own figures close a
    // round, since those of the DHT come once for each address of the machine.
    void request_figures() {
        if (round_is_open_ || stopped_) return;
        round_is_open_ = true;
        running_.clear();
        nodes_counted_ = 0;
        session_->post_dht_stats();
        session_->post_session_stats();
    }

    void end_round() {
        round_is_open_ = false;
        stats_.nodes = nodes_counted_;
        const SteadyTime now = std::chrono::steady_clock::now();
        std::list<Operation> ended;
        for (auto it = operations_.begin(); it != operations_.end();) {
            const auto here = it++;
            if (!here->is_sent && stats_.nodes > 0)
                send(*here);
            else if (is_over(*here, now))
                ended.splice(ended.end(), operations_, here);
        }
        ++round_;
        for (Operation& operation : ended) {
            if (stopped_) return;
            finish(operation, {});
        }
    }

    bool is_over(const Operation& operation, SteadyTime now) const {
        if (now >= operation.deadline) return true;
        if (!operation.is_sent) return now - operation.begun >= milliseconds(options_.join_time_max.ms());
        if (operation.kind == Operation::Kind::put) return operation.is_put_done;
        return operation.round <= round_ && running_.count(operation.target) == 0;
    }

    // Without `error`: by what came of it.
    void finish(Operation& operation, std::optional<Error> error) {
        if (!error && !operation.is_sent && operation.found.empty() && !operation.item)
            error = Error{
                ErrorCode::unavailable,
                bootstrap_.empty()
                    ? "no node of the DHT is known yet: name one with --dht-bootstrap, or wait for others"
                    : "no node of the DHT answers, not even " + to_string(bootstrap_.front())};
        switch (operation.kind) {
            case Operation::Kind::announce:
                return error ? operation.announced(*error)
                             : operation.announced(
                                   std::min(told_at_once, std::max<std::size_t>(1, stats_.nodes)));
            case Operation::Kind::lookup:
                return error ? operation.looked_up(*error)
                             : operation.looked_up(
                                   std::vector<PeerAddress>(operation.found.begin(), operation.found.end()));
            case Operation::Kind::put:
                return error ? operation.put(*error) : operation.put(key_of_hash(operation.target));
            case Operation::Kind::get:
                return error ? operation.got(*error) : operation.got(std::move(operation.item));
        }
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
            for (const lt::dht_routing_bucket& bucket : figures->routing_table)
                nodes_counted_ += static_cast<std::size_t>(std::max(0, bucket.num_nodes));
            for (const lt::dht_lookup& lookup : figures->active_requests)
                if (!is_waiting_for_the_dead(lookup)) running_.insert(lookup.target);
        } else if (lt::alert_cast<lt::session_stats_alert>(&alert) != nullptr) {
            if (round_is_open_) end_round();
        } else if (const auto* reply = lt::alert_cast<lt::dht_get_peers_reply_alert>(&alert)) {
            for (const lt::tcp::endpoint& peer : reply->peers()) {
                for (Operation& operation : operations_)
                    if (operation.kind == Operation::Kind::lookup && operation.target == reply->info_hash)
                        add_found(operation, peer);
                tell_watcher(reply->info_hash, peer);
                if (stopped_) return;
            }
        } else if (const auto* item = lt::alert_cast<lt::dht_immutable_item_alert>(&alert)) {
            take_item(*item);
        } else if (const auto* put = lt::alert_cast<lt::dht_put_alert>(&alert)) {
            for (Operation& operation : operations_)
                if (operation.kind == Operation::Kind::put && operation.target == put->target)
                    operation.is_put_done = true;
        } else if (const auto* failed = lt::alert_cast<lt::dht_error_alert>(&alert)) {
            log_debug(subsystem, failed->error.message());
        }
    }

    // Everybody else has answered; libtorrent waits 15 s before it gives the rest up.
    static bool is_waiting_for_the_dead(const lt::dht_lookup& lookup) {
        return lookup.outstanding_requests > 0 && lookup.first_timeout >= lookup.outstanding_requests &&
               lookup.last_sent >= silence_s;
    }

    void take_item(const lt::dht_immutable_item_alert& alert) {
        if (alert.item.type() == lt::entry::undefined_t) return;
        std::string bencoded;
        lt::bencode(std::back_inserter(bencoded), alert.item);
        if (bencoded.size() > dht_value_bytes_max) return;
        const ByteView view = as_bytes(bencoded);
        for (Operation& operation : operations_)
            if (operation.kind == Operation::Kind::get && operation.target == alert.target && !operation.item)
                operation.item = Bytes(view.begin(), view.end());
    }

    static std::optional<PeerAddress> address_of(const lt::tcp::endpoint& peer) {
        const auto ip = parse_ip(peer.address().to_string());
        if (!ip || peer.port() == 0 || scope_of(*ip) == IpScope::unusable) return std::nullopt;
        return PeerAddress{to_string(*ip), peer.port()};
    }

    void add_found(Operation& operation, const lt::tcp::endpoint& peer) {
        const auto address = address_of(peer);
        if (!address || operation.found.size() >= dht_found_max) return;
        if (operation.found.insert(*address).second) ++stats_.found;
    }

    void tell_watcher(const lt::sha1_hash& service, const lt::tcp::endpoint& peer) {
        const auto watcher = watchers_.find(service);
        if (watcher == watchers_.end()) return;
        const Found found = watcher->second;  // it may stop watching
        if (const auto address = address_of(peer)) found(*address);
    }

    void ask_bootstrap_nodes() {
        asked_at_ = std::chrono::steady_clock::now();
        for (const PeerAddress& node : bootstrap_)
            session_->add_dht_node({node.host, node.port});
    }

    // Often while something is under way or the DHT is being joined, seldom otherwise.
    void poll() {
        const SteadyTime now = std::chrono::steady_clock::now();
        request_figures();
        if (stats_.nodes > 0) ask_again_ = ask_again_min;
        if (stats_.nodes == 0 && now - asked_at_ >= ask_again_) {
            ask_again_ = std::min(2 * ask_again_, ask_again_max);
            ask_bootstrap_nodes();
        }
        if (now - saved_at_ >= save_interval) save_state();
        const bool is_joining = stats_.nodes == 0 && ask_again_ == ask_again_min;
        const bool is_idle = operations_.empty() && !is_joining;
        timer_.expires_after(is_idle ? idle_interval : poll_interval);
        timer_.async_wait([this, alive = alive_](boost::system::error_code) {
            if (*alive) poll();
        });
    }

    void save_state() {
        saved_at_ = std::chrono::steady_clock::now();
        if (options_.state_file.empty()) return;
        lt::session_params params = session_->session_state(lt::session_handle::save_dht_state);
        for (auto* nodes : {&params.dht_state.nodes, &params.dht_state.nodes6})
            if (nodes->size() > saved_nodes_max) nodes->resize(saved_nodes_max);
        const std::vector<char> bytes =
            lt::write_session_params_buf(params, lt::session_handle::save_dht_state);
        const std::string beside = options_.state_file + ".new";
        std::ofstream file(beside, std::ios::binary | std::ios::trunc);
        file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        file.close();
        if (!file || std::rename(beside.c_str(), options_.state_file.c_str()) != 0)
            log_warn(subsystem, "cannot write " + options_.state_file +
                                    ": the next start has to find its way "
                                    "into the DHT anew");
    }

    DhtNodeOptions options_;
    asio::io_context& io_;
    asio::steady_timer timer_;
    std::shared_ptr<bool> alive_;
    std::vector<PeerAddress> bootstrap_;
    std::shared_ptr<DhtStorage> storage_;
    std::unique_ptr<lt::session> session_;
    std::map<lt::sha1_hash, Found> watchers_;
    std::list<Operation> operations_;
    std::set<lt::sha1_hash> running_;  // of the open round
    std::size_t nodes_counted_ = 0;    // likewise
    std::uint64_t round_ = 0;
    bool round_is_open_ = false, is_listening_ = false, stopped_ = false;
    SteadyTime asked_at_{}, saved_at_{};
    milliseconds ask_again_ = ask_again_min;
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
