#include "p2p/peer_network.h"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <type_traits>

#include "base/log.h"
#include "base/random.h"
#include "base/system_clock.h"
#include "p2p/discovery/peer_discovery.h"
#include "p2p/nat/port_mapper.h"
#include "p2p/peer_network_file.h"
#include "p2p/peers/peer_manager.h"
#include "p2p/transport/direct_connections.h"

namespace peerbook::p2p {

namespace asio = boost::asio;

namespace {

constexpr auto tick_interval = std::chrono::milliseconds(200);
constexpr Duration persist_interval = Duration::seconds(60);
// Lines at info and above: peers cause most of them, so they are counted instead of written above this rate.
constexpr TokenBucket::Rate log_rate{100, 10'000};
constexpr const char* subsystem = "p2p";

// Nobody comes from the internet to who is not told of, or listens on loopback.
bool checks_reach(const PeerNetworkOptions& options) {
    return options.direct && options.broadcast && !is_loopback_host(options.listen_host);
}

PeerManagerOptions manager_options(const PeerNetworkOptions& options) {
    PeerManagerOptions made;
    made.local = {options.network, options.ledger, printable(options.agent), 0, options.broadcast};
    made.peers_max = options.peers_max;
    made.outbound_reserved = options.outbound_reserved;
    made.reconnect_interval_max = options.reconnect_interval_max;
    made.gossip = options.gossip;
    made.seed = system_random_word();
    made.sender_start = system_random_word();
    fill_with_system_random(made.bucket_secret.data);
    made.dials_directly = options.direct;
    made.local.dials_back = options.direct;
    made.checks_reach = checks_reach(options);
    made.local.expands = !options.compressed_kinds.empty();
    made.local.relays = true;
    fill_with_system_random(made.relay_secret.data);
    made.local.authority = options.authority;
    made.local.certificate = options.certificate;
    return made;
}

// Runs the pure PeerManager on sockets, a timer and the clocks.
class AsioPeerNetwork final : public PeerNetwork, private DirectConnectionsEvents {
  public:
    AsioPeerNetwork(asio::io_context& io, PeerNetworkOptions options, const Signer& signer,
                    PeerNetworkListener& listener)
        : options_(std::move(options)),
          signer_(signer),
          listener_(&listener),
          io_(io),
          timer_(io),
          log_rate_(log_rate, mono_now()),
          files_(options_.peers_file, options_.authority ? options_.bindings_file : std::string()),
          alive_(std::make_shared<bool>(true)) {}

    ~AsioPeerNetwork() override { stop(); }

    Status open(const std::string& keys_directory) {
        if (Status status = validate(options_.gossip); !status.ok()) return status;
        const Now now = SystemClock().now();
        Result<TransportIdentity> identity = make_transport_identity(keys_directory);
        if (!identity) return identity.error();
        keys_directory_ = keys_directory;
        identity_ = std::make_unique<TransportIdentity>(std::move(*identity));
        DirectConnections::Options listen;
        listen.listen_host = options_.listen_host;
        listen.listen_port = options_.listen_port;
        listen.plain_tcp = options_.plain_tcp;
        listen.compressed_kinds = options_.compressed_kinds;
        listen.listens = options_.direct;
        Result<std::unique_ptr<DirectConnections>> connections =
            DirectConnections::listen(io_, listen, *identity_, *this);
        if (!connections) return connections.error();
        connections_ = std::move(*connections);

        PeerManagerOptions made = manager_options(options_);
        made.local.listen_port = connections_->port();
        manager_.emplace(std::move(made), signer_, verifier_);
        if (Status loaded = files_.load(now, *manager_); !loaded.ok()) return loaded;
        for (const std::string& text : options_.bootstrap)
            if (Status status = add_configured(now, text); !status.ok()) return status;
        discovery_.emplace(discovery_hooks(), options_.broadcast, system_random_word());
        outside_port_ = port();
        persisted_at_ = now.mono;
        if (options_.plain_tcp)
            log_warn(subsystem, "TLS is off: peers can be read and impersonated on the way");
        log_info(subsystem, (options_.direct ? "listening host=" + options_.listen_host +
                                                   " port=" + std::to_string(port())
                                             : std::string("not listening: all connections are carried")) +
                                " peer=" + to_hex(signer_.public_key()).substr(0, 12));
        start_port_mapper();
        asio::post(io_, [this, alive = alive_] {
            if (*alive) tick();
        });
        return {};
    }

    bool send(const PeerId& peer, std::uint8_t kind, SharedBytes payload) override {
        const auto found = by_peer_.find(peer);
        return found != by_peer_.end() && send_to(found->second, plain_payload(kind, std::move(payload)));
    }

    std::size_t broadcast(std::uint8_t kind, SharedBytes payload) override {
        std::size_t taken = 0;
        for (const auto& [peer, connection] : by_peer_)
            if (send_to(connection, plain_payload(kind, payload))) ++taken;
        return taken;
    }

    void publish(std::uint8_t kind, SharedBytes payload) override {
        if (stopped_ || payload.size() + gossip_head_bytes > frame_bytes_max) return;
        PeerEffects effects;
        manager_->publish(SystemClock().now(), kind, std::move(payload), effects);
        send_all(effects);
    }

    void answer_gossip(const MessageId& id, bool accept) override {
        if (stopped_) return;
        PeerEffects effects;
        manager_->answer_gossip(SystemClock().now(), id, accept, effects);
        send_all(effects);
    }

    void set_nodes_apart(std::size_t nodes) override {
        if (!stopped_) manager_->set_nodes_apart(SystemClock().now(), nodes);
    }

    void send_reliably(const PeerId& peer, std::uint8_t kind, SharedBytes payload) override {
        if (stopped_) return;
        PeerEffects effects;
        manager_->send_reliably(SystemClock().now(), peer, kind, std::move(payload), effects);
        perform_later(std::move(effects));
    }

    void send_sealed(const PeerId& node, std::uint8_t kind, SharedBytes payload, Duration lifetime) override {
        if (stopped_) return;
        PeerEffects effects;
        manager_->send_sealed(SystemClock().now(), node, kind, std::move(payload), lifetime, effects);
        perform_later(std::move(effects));
    }

    void report_misbehaviour(const PeerId& peer, int points, const std::string& why) override {
        if (stopped_) return;
        PeerEffects effects;
        manager_->report_misbehaviour(SystemClock().now(), peer, points, why, effects);
        perform_later(std::move(effects));
    }

    Status connect(const std::string& address) override {
        if (stopped_) return Error{ErrorCode::unavailable, "the peer layer is stopped"};
        if (!options_.direct)
            return Error{ErrorCode::unavailable, "this node makes no connections: all is carried"};
        return add_configured(SystemClock().now(), address);
    }

    Status disconnect(const PeerId& peer) override {
        return change([&](Now now, PeerEffects& out) { return manager_->disconnect(now, peer, out); });
    }

    Status forget(const std::string& text) override {
        Result<PeerAddress> address = parse_peer_address(text);
        if (!address) return address.error();
        return change([&](Now now, PeerEffects& out) { return manager_->forget(now, *address, out); });
    }

    Status ban(const PeerId& peer, Duration time) override {
        return change([&](Now now, PeerEffects& out) {
            manager_->ban(now, peer, time, out);
            persist(now);
            return Status();
        });
    }

    Status unban(const PeerId& peer) override {
        return change([&](Now now, PeerEffects&) {
            const Status status = manager_->unban(now, peer);
            if (status.ok()) persist(now);
            return status;
        });
    }

    Status set_services(std::vector<std::string> services) override {
        return change(
            [&](Now now, PeerEffects& out) { return manager_->set_services(now, std::move(services), out); });
    }

    Result<std::vector<ServiceInfo>> find_service(const std::string& service) override {
        return change([&](Now now, PeerEffects& out) { return manager_->find_service(now, service, out); });
    }

    void set_broadcast(bool broadcast) override {
        if (stopped_ || options_.broadcast == broadcast) return;
        options_.broadcast = broadcast;
        log_info(subsystem, broadcast ? "announces this node from now on" : "announces this node no more");
        const Now now = SystemClock().now();
        if (port_mapper_)
            port_mapper_->set_wanted(broadcast);
        else
            start_port_mapper();
        PeerEffects effects;
        manager_->set_broadcast(now, broadcast, checks_reach(options_), effects);
        perform_later(std::move(effects));
        outside_port_ = manager_->outside_port();
        discovery_->set_outside_port(outside_port_);
        discovery_->set_broadcast(now, broadcast);
    }

    Result<Digest> rotate_transport_key() override {
        if (stopped_) return Error{ErrorCode::unavailable, "the peer layer is stopped"};
        Result<TransportIdentity> made = replace_transport_identity(keys_directory_);
        if (!made) return made.error();
        auto fresh = std::make_unique<TransportIdentity>(std::move(*made));
        connections_->set_identity(*fresh);
        identity_ = std::move(fresh);  // channels that are open keep what they need of the old one
        log_info(subsystem,
                 "transport key rotated certificate=" + to_hex(identity_->certificate).substr(0, 12));
        return identity_->certificate;
    }

    std::string export_peers() const override { return manager_->peers_to_json(SystemClock().now()); }

    Status import_peers(const std::string& text) override {
        if (stopped_) return Error{ErrorCode::unavailable, "the peer layer is stopped"};
        return manager_->load_peers_json(SystemClock().now(), text, false);
    }

    DiscoveryIdentity discovery_identity() const override {
        return {signer_.public_key(), options_.network, port(), options_.broadcast,
                printable(options_.agent)};
    }

    Status add_strategy(std::unique_ptr<DiscoveryStrategy> strategy, Duration interval) override {
        if (stopped_) return Error{ErrorCode::unavailable, "the peer layer is stopped"};
        return discovery_->add(std::move(strategy), interval);
    }

    void set_carrier(StreamCarrier& carrier) override { carrier_ = &carrier; }

    std::optional<int> accept_carried(const std::string& host) override {
        if (stopped_) return std::nullopt;
        const PeerAddress remote{host, 0};
        PeerEffects effects;
        const auto id = manager_->admit(SystemClock().now(), remote, effects, true);
        perform_later(std::move(effects));
        if (!id) return std::nullopt;
        const auto end = attach(*id, Direction::inbound, remote);
        if (!end) drop(*id, "no socket to carry it");
        return end;
    }

    std::vector<DiscoveryInfo> discovery() const override {
        const Now now = SystemClock().now();
        const auto ways = manager_->found_by_way();
        std::vector<DiscoveryInfo> infos;
        const auto add_passive = [&](std::string_view name) {
            infos.emplace_back().name = name;
            if (const auto way = ways.find(name); way != ways.end())
                infos.back().found = way->second.addresses;
        };
        add_passive(found_by::persisted);
        add_passive(found_by::bootstrap);
        for (DiscoveryInfo& info : discovery_->infos(now))
            infos.push_back(std::move(info));
        add_passive(found_by::peer_exchange);
        add_passive(found_by::inbound);
        for (DiscoveryInfo& info : infos)
            if (const auto way = ways.find(info.name); way != ways.end())
                info.connected = way->second.connected;
        return infos;
    }

    NatInfo nat() const override {
        NatInfo info = manager_->nat_info();
        info.state = mapping_.name;
        info.mapping = mapping_.mapping;
        info.last_error = mapping_.last_error;
        return info;
    }

    std::vector<PeerInfo> peers() const override {
        std::vector<PeerInfo> infos = manager_->peers(SystemClock().now());
        for (PeerInfo& info : infos) {
            const auto found = by_peer_.find(info.id);
            if (found == by_peer_.end()) continue;
            const ConnectionCounters counters = connections_->counters(found->second);
            info.bytes_in = counters.bytes_in;
            info.bytes_out = counters.bytes_out;
            info.messages_in = counters.frames_in;
            info.messages_out = counters.frames_out;
            info.queued_bytes = connections_->queued_bytes(found->second);
        }
        return infos;
    }

    PeerNetworkStats stats() const override {
        PeerNetworkStats stats;
        const ConnectionCounters total = connections_->total();
        stats.frames_in = total.frames_in;
        stats.frames_out = total.frames_out;
        stats.bytes_in = total.bytes_in;
        stats.bytes_out = total.bytes_out;
        stats.saved_in = total.saved_in;
        stats.saved_out = total.saved_out;
        stats.handshakes_refused = manager_->handshakes_refused();
        stats.bans = manager_->bans();
        stats.banned = manager_->banned_count(SystemClock().now());
        stats.feelers = manager_->feelers();
        stats.duplicates_dropped = manager_->router().duplicates_dropped();
        stats.undeliverable = manager_->router().undeliverable();
        stats.connected = manager_->connected_count();
        stats.known_addresses = manager_->known_addresses();
        stats.retry_queue = manager_->router().waiting();
        stats.gossip = manager_->gossip_stats();
        stats.gossip_policy = manager_->gossip_policy();
        stats.relay = manager_->relay_stats();
        return stats;
    }

    std::uint16_t port() const override { return connections_->port(); }

    void stop() override {
        if (stopped_) return;
        stopped_ = true;
        listener_ = nullptr;
        *alive_ = false;
        timer_.cancel();
        if (!manager_) return;
        if (discovery_) discovery_->stop();
        if (port_mapper_) port_mapper_->stop();
        carrier_ = nullptr;
        if (discovery_) {  // before that the files are not ours to replace
            persist(SystemClock().now());
            files_.keep_bindings(SystemClock().now(), *manager_);
        }
        // What was still to be done comes first; the goodbyes go last into the sockets.
        manager_->stop(SystemClock().now(), pending_effects_);
        PeerEffects effects = std::exchange(pending_effects_, {});
        for (PeerEffect& effect : effects) {
            if (auto* send = std::get_if<effect::Send>(&effect))
                (void)connections_->send_control(send->connection, std::move(send->payload));
            else if (auto* last = std::get_if<effect::SendToPeer>(&effect))
                act(*last);
        }
        connections_->stop();
        by_peer_.clear();
    }

  private:
    // Events of the sockets.

    std::optional<ConnectionId> on_accepted(const PeerAddress& remote) override {
        PeerEffects effects;
        const auto id = manager_->admit(SystemClock().now(), remote, effects);
        perform(std::move(effects));
        return id;
    }

    void on_ready(ConnectionId id, const PeerAddress& remote, const ChannelBinding& binding) override {
        Challenge challenge;
        fill_with_system_random(challenge.data);
        PeerEffects effects;
        manager_->channel_ready(SystemClock().now(), id, remote, binding, challenge, effects);
        perform(std::move(effects));
    }

    void on_bytes(ConnectionId id) override { manager_->bytes(SystemClock().now(), id); }

    void on_frame(ConnectionId id, ByteView payload) override {
        PeerEffects effects;
        manager_->frame(SystemClock().now(), id, payload, effects);
        perform(std::move(effects));
    }

    void on_broken(ConnectionId id, const std::string& why, bool by_peer) override {
        PeerEffects effects;
        if (by_peer)
            manager_->bad_frame(SystemClock().now(), id, why, effects);
        else
            manager_->connection_closed(SystemClock().now(), id, why, effects);
        perform(std::move(effects));
    }

    void on_listen_error(const std::string& why) override {
        log(NoteLevel::warn, "cannot accept connections: " + why);
    }

    void tick() {
        const Now now = SystemClock().now();
        PeerEffects effects;
        manager_->tick(now, effects);
        perform(std::move(effects));
        if (stopped_) return;
        if (const std::uint16_t port = manager_->outside_port(); std::exchange(outside_port_, port) != port)
            discovery_->set_outside_port(port);
        discovery_->tick(now, manager_->connected_count(), options_.peers_max);
        if (now.mono - persisted_at_ >= persist_interval) persist(now);
        files_.keep_bindings(now, *manager_);
        timer_.expires_after(tick_interval);
        timer_.async_wait([this, alive = alive_](boost::system::error_code) {
            if (*alive) tick();
        });
    }

    // Effects are performed in order. A callback of the listener may call us: what that gives rise to comes
    // after what is being done. Views into a received frame stay valid, since the outermost perform() ends
    // before the frame does.
    void perform(PeerEffects&& effects) {
        append(std::move(effects));
        if (is_performing_) return;
        is_performing_ = true;
        while (!pending_effects_.empty() && !stopped_) {
            PeerEffects batch = std::exchange(pending_effects_, {});
            for (PeerEffect& effect : batch) {
                if (stopped_) break;
                std::visit([this](auto& what) { act(what); }, effect);
            }
        }
        is_performing_ = false;
    }

    // Of what only sends: at once, so that it stays in the order of the calls.
    void send_all(PeerEffects& effects) {
        for (PeerEffect& effect : effects)
            if (auto* send = std::get_if<effect::SendToPeer>(&effect)) act(*send);
    }

    // What the application changes; `call` gives a Status or a Result.
    template <typename Call>
    std::invoke_result_t<Call, Now, PeerEffects&> change(Call&& call) {
        if (stopped_) return Error{ErrorCode::unavailable, "the peer layer is stopped"};
        PeerEffects effects;
        auto result = call(SystemClock().now(), effects);
        perform_later(std::move(effects));
        return result;
    }

    // For calls of the application, which is not called back before its call returns. They wait in the same
    // queue, so that they stay in front of whatever happens next.
    void perform_later(PeerEffects&& effects) {
        if (effects.empty()) return;
        append(std::move(effects));
        if (is_performing_) return;
        asio::post(io_, [this, alive = alive_] {
            if (*alive) perform({});
        });
    }

    void append(PeerEffects&& effects) {
        if (pending_effects_.empty())
            pending_effects_ = std::move(effects);
        else
            for (PeerEffect& effect : effects)
                pending_effects_.push_back(std::move(effect));
    }

    void act(effect::Dial& dial) {
        if (!dial.carried) return connections_->dial(dial.connection, dial.address);
        const auto end = carrier_ ? attach(dial.connection, Direction::outbound, dial.address) : std::nullopt;
        if (end)
            carrier_->carry(dial.address, *end);
        else
            drop(dial.connection, "nothing carries it");
    }
    void act(effect::Send& send) {
        if (connections_->send_control(send.connection, std::move(send.payload)) ==
            SendQueue::Outcome::drop_peer)
            drop(send.connection, "does not read: its control queue is full");
    }
    void act(effect::SendToPeer& send) {
        const auto found = by_peer_.find(send.peer);
        if (found != by_peer_.end()) (void)send_to(found->second, std::move(send.payload));
    }
    void act(effect::Close& close) { connections_->close(close.connection); }
    void act(effect::Connected& connected) {
        by_peer_[connected.peer] = connected.connection;
        connections_->authenticated(connected.connection, connected.expands);
        listener_->on_peer_connected(connected.peer);
    }
    void act(effect::Disconnected& disconnected) {
        by_peer_.erase(disconnected.peer);
        listener_->on_peer_disconnected(disconnected.peer);
    }
    void act(effect::Deliver& deliver) { listener_->on_payload(deliver.peer, deliver.kind, deliver.payload); }
    void act(effect::DeliverGossip& deliver) {
        listener_->on_gossip(deliver.peer, deliver.id, deliver.kind, std::move(deliver.payload));
    }
    void act(effect::DeliverSealed& deliver) {
        listener_->on_sealed(deliver.from, deliver.kind, std::move(deliver.payload));
    }
    void act(effect::Undeliverable& lost) { listener_->on_undeliverable(lost.peer, lost.kind, lost.why); }
    void act(effect::Note& note) { log(note.level, note.text); }

    // Gives the end that belongs to whatever carries the connection.
    std::optional<int> attach(ConnectionId id, Direction direction, const PeerAddress& remote) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return std::nullopt;
        if (connections_->attach(id, direction, remote, ends[0]).ok()) return ends[1];
        ::close(ends[1]);
        return std::nullopt;
    }

    bool send_to(ConnectionId id, OutgoingPayload payload) {
        if (payload.size() > frame_bytes_max) return false;
        const SendQueue::Outcome outcome = connections_->send_data(id, mono_now(), std::move(payload));
        if (outcome == SendQueue::Outcome::drop_peer)
            asio::post(io_, [this, alive = alive_, id] {
                if (*alive) drop(id, "too slow: its data queue stayed full for 5 s");
            });
        return outcome == SendQueue::Outcome::queued;
    }

    void drop(ConnectionId id, const std::string& why) {
        PeerEffects effects;
        manager_->connection_closed(SystemClock().now(), id, why, effects);
        perform(std::move(effects));
    }

    Status add_configured(Now now, const std::string& text) {
        Result<PeerAddress> address = parse_peer_address(text);
        if (!address) return address.error();
        if (!manager_->add_configured(now, *address))
            return Error{ErrorCode::unavailable,
                         "more than " + std::to_string(configured_addresses_max) + " configured peers"};
        return {};
    }

    // Nothing is asked of the gateway for who announces nothing, or cannot be reached in any case.
    void start_port_mapper() {
        const bool is_local = is_loopback_host(options_.listen_host);
        mapping_.name = options_.nat == NatWay::off || !options_.direct ? "off"
                        : !options_.broadcast                           ? "silent"
                        : is_local                                      ? "loopback"
                                                                        : "searching";
        if (mapping_.name != "searching") return;
        port_mapper_ = PortMapper::start(io_, {options_.nat, options_.listen_host, port(), {}, {}},
                                         [this](const PortMapper::State& state) {
                                             mapping_ = state;
                                             manager_->set_mapping(SystemClock().now(), state.mapping);
                                         });
    }

    PeerDiscovery::Hooks discovery_hooks() {
        return {[this](std::string_view strategy, const PeerAddress& address) {
                    const Now now = SystemClock().now();
                    return strategy == found_by::carried ? manager_->add_carried(now, address)
                                                         : manager_->add_discovered(now, strategy, address);
                },
                [this](bool is_warning, const std::string& text) {
                    log(is_warning ? NoteLevel::warn : NoteLevel::info, text);
                },
                [] { return SystemClock().now(); }};
    }

    void persist(Now now) {
        persisted_at_ = now.mono;
        files_.keep_peers(now, *manager_);
    }

    void log(NoteLevel level, const std::string& text) {
        if (level == NoteLevel::debug) return log_debug(subsystem, text);
        if (!log_rate_.take(mono_now())) {
            ++lines_dropped_;
            return;
        }
        if (lines_dropped_ > 0)
            log_warn(subsystem, "log lines left out: " + std::to_string(std::exchange(lines_dropped_, 0)));
        log_message(level == NoteLevel::warn ? LogLevel::warn : LogLevel::info, subsystem, text);
    }

    PeerNetworkOptions options_;
    const Signer& signer_;
    Ed25519Verifier verifier_;
    PeerNetworkListener* listener_;
    asio::io_context& io_;
    asio::steady_timer timer_;
    TokenBucket log_rate_;
    std::uint64_t lines_dropped_ = 0;
    PeerFiles files_;
    std::string keys_directory_;
    std::unique_ptr<TransportIdentity> identity_;
    std::optional<PeerManager> manager_;
    std::optional<PeerDiscovery> discovery_;
    StreamCarrier* carrier_ = nullptr;         // null: nothing is carried to others
    std::unique_ptr<PortMapper> port_mapper_;  // null: nothing is to be mapped
    PortMapper::State mapping_;
    std::uint16_t outside_port_ = 0;  // as the strategies know it
    std::unique_ptr<DirectConnections> connections_;
    std::map<PeerId, ConnectionId> by_peer_;
    PeerEffects pending_effects_;
    bool is_performing_ = false;
    bool stopped_ = false;
    MonoTime persisted_at_;
    std::shared_ptr<bool> alive_;  // handlers that outlive us find false
};

}  // namespace

Result<std::unique_ptr<PeerNetwork>> PeerNetwork::start(asio::io_context& io, PeerNetworkOptions options,
                                                        const Signer& signer,
                                                        const std::string& keys_directory,
                                                        PeerNetworkListener& listener) {
    auto network = std::make_unique<AsioPeerNetwork>(io, std::move(options), signer, listener);
    if (Status status = network->open(keys_directory); !status.ok()) return status.error();
    return std::unique_ptr<PeerNetwork>(std::move(network));
}

Result<Digest> rotate_transport_key(const std::string& keys_directory) {
    Result<TransportIdentity> made = replace_transport_identity(keys_directory);
    if (!made) return made.error();
    return made->certificate;
}

}  // namespace peerbook::p2p
