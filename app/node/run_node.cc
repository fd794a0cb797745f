#include "app/node/run_node.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "app/api/api_server.h"
#include "app/grape/grape_server.h"
#include "app/node/effect_runner.h"
#include "app/node/gossip_options.h"
#include "app/node/start_up.h"
#include "app/node/stdin_reader.h"
#include "app/node_keys/invitation_file.h"
#include "app/registry/registry_server.h"
#include "app/rpc/rpc_server.h"
#include "app/shell/shell.h"
#include "base/log.h"
#include "base/random.h"
#include "base/system_clock.h"
#include "p2p/dht/dht_node.h"
#include "p2p/dht/dht_strategy.h"
#include "p2p/dht/node_record_strategy.h"
#include "p2p/directory/directory_wire.h"
#include "p2p/discovery/mdns_strategy.h"
#include "p2p/grenache/grenache_strategy.h"
#include "p2p/grenache/rpc_wire.h"
#include "p2p/peer_network.h"
#include "p2p/registry/registry_strategy.h"
#include "p2p/transport/rpc_carrier.h"
#include "p2p/transport/rpc_streams.h"

namespace peerbook::app {

namespace {

constexpr int exit_ok = 0;
constexpr int exit_usage = 2;
constexpr int exit_environment = 4;
constexpr std::chrono::seconds drain_timeout(5);
constexpr std::chrono::milliseconds answer_time(300);  // for the answer to leave before the node starts anew
constexpr std::chrono::seconds invitations_interval(2);  // between two looks at the file

int exit_code_of(const Error& error) {
    return error.code == ErrorCode::invalid_input ? exit_usage : exit_environment;
}

int refuse(const Error& error) {
    std::fprintf(stderr, "peerbook node: %s\n", error.message.c_str());
    return exit_code_of(error);
}

std::string seconds_text(Duration time) {
    return std::to_string(time.ms() / 1000) + "." + std::to_string(time.ms() % 1000 / 100) + " s";
}

// Everything that lives from start to stop, in order of dependence.
class NodeProcess {
  public:
    NodeProcess(const config::Settings& settings, const p2p::GossipSettings& gossip, Opened opened)
        : settings_(settings),
          gossip_(gossip),
          lock_(std::move(opened.lock)),
          signer_(std::move(opened.signer)),
          members_(std::move(opened.members)),
          authority_(opened.authority),
          certificate_(std::move(opened.certificate)),
          ledger_(opened.parts.node->established_ledger()),
          runner_(io_, watched(std::move(opened.parts)), [this](Error error) { fail(error); }),
          signals_(io_, SIGINT, SIGTERM),
          drain_timer_(io_),
          restart_timer_(io_),
          invitations_timer_(io_) {}

    // Nothing where the ledger was given up for another one: the process is to start anew.
    std::optional<int> run() {
        if (Status started = start(); !started.ok()) {
            const int code = refuse(started.error());
            stop();
            return code;
        }
        io_.run();
        stop();
        if (is_given_up_ && exit_code_ == exit_ok && !stopping_) return std::nullopt;
        return exit_code_;
    }

  private:
    EffectRunner::Parts watched(EffectRunner::Parts parts) {
        parts.on_ledger = [this, note = std::move(parts.on_ledger)](const Digest& ledger) {
            ledger_ = ledger;
            if (note) note(ledger);
        };
        parts.on_given_up = [this] {
            is_given_up_ = true;
            log_info("node", "the ledger is given up; starting anew");
            restart_timer_.expires_after(answer_time);
            restart_timer_.async_wait([this](const boost::system::error_code& error) {
                if (!error) io_.stop();
            });
        };
        return parts;
    }

    Status start() {
        if (settings_.runs_dht())
            if (Status started = start_dht(); !started.ok()) return started;
        if (settings_.has_peers()) {
            auto network =
                p2p::PeerNetwork::start(io_, peer_options(), *signer_, settings_.data_dir, runner_);
            if (!network.ok()) return network.error();
            network_ = std::move(*network);
        }
        if (settings_.serves_rpc())
            if (Status started = start_rpc(); !started.ok()) return started;
        if (network_)
            if (Status added = add_strategies(); !added.ok()) return added;
        if (settings_.serve_registry)
            if (Status started = start_registry(); !started.ok()) return started;
        ApiServerOptions api;
        api.host = settings_.api_host;
        api.port = settings_.api_port;
        api.data_dir = settings_.data_dir;
        api.native.node = signer_->public_key();
        api.native.network = network_.get();
        auto server = ApiServer::start(io_, runner_, api);
        if (!server.ok()) return server.error();
        api_ = std::move(*server);
        offer_services();
        runner_.start(network_.get());
        watch_invitations();
        wait_for_signal();
        log_info("node", "ready node=" + to_hex(signer_->public_key()) +
                             " network=" + runner_.network_name() + " api=http://" + api_->address() +
                             (network_ && !settings_.is_legacy()
                                  ? " p2p=" + settings_.p2p_host + ":" + std::to_string(network_->port())
                                  : std::string(network_ ? " p2p=carried" : " p2p=off")));
        if (settings_.use_stdin || ::isatty(STDIN_FILENO) == 1) read_stdin();
        return {};
    }

    // In the order in which they shall search first: near before far.
    Status add_strategies() {
        const p2p::DiscoveryIdentity self = network_->discovery_identity();
        if (rpc_ && settings_.grenache)
            if (Status added = network_->add_strategy(
                    p2p::make_grenache_rpc_strategy(io_, self, settings_.grape_url, rpc_->port()),
                    p2p::grenache_interval);
                !added.ok())
                return added;
        if (settings_.is_legacy()) return {};
        if (settings_.p2p_mdns)
            if (Status added = network_->add_strategy(p2p::make_mdns_strategy(io_, self, settings_.p2p_host));
                !added.ok())
                return added;
        if (settings_.grenache)
            if (Status added = network_->add_strategy(
                    p2p::make_grenache_strategy(io_, self, settings_.grape_url), p2p::grenache_interval);
                !added.ok())
                return added;
        for (const std::string& url : settings_.registries)
            if (Status added = network_->add_strategy(
                    p2p::make_registry_strategy(io_, self, *signer_, clock_, {url, settings_.p2p_host}));
                !added.ok())
                return added;
        if (!dht_) return {};
        if (Status added = network_->add_strategy(std::make_unique<p2p::NodeRecordStrategy>(
                self, p2p::NodeRecordStrategy::Parts{
                          *dht_, *signer_, verifier_, clock_, [this] { return own_addresses(); },
                          [this] { return wanted_records(); },
                          [this](std::function<void()> call) { boost::asio::post(io_, std::move(call)); },
                          dht_on_loopback()}));
            !added.ok())
            return added;
        p2p::DhtStrategy::Options options;
        options.takes_loopback = dht_on_loopback();
        options.begins_alone = settings_.dht_bootstrap.empty();
        return network_->add_strategy(std::make_unique<p2p::DhtStrategy>(*dht_, self, options));
    }

    // Where others reach this node, as far as it knows for sure: peers of two networks see it there, and one
    // came in.
    std::vector<p2p::PeerAddress> own_addresses() const {
        if (p2p::is_loopback_host(settings_.p2p_host))
            return {{settings_.p2p_host == "localhost" ? "127.0.0.1" : settings_.p2p_host, network_->port()}};
        const p2p::NatInfo nat = network_->nat();
        if (nat.reach != p2p::Reach::reachable || nat.told_port == 0 || nat.seen_host.empty()) return {};
        return {{nat.seen_host, nat.told_port}};
    }

    // Members that are not connected, and nodes whose address fails.
    std::vector<p2p::PeerId> wanted_records() const {
        std::set<p2p::PeerId> wanted(members_.begin(), members_.end());
        const std::vector<p2p::PeerInfo> peers = network_->peers();
        for (const p2p::PeerInfo& peer : peers)
            if (peer.state == "disconnected" && !peer.id.is_zero()) wanted.insert(peer.id);
        for (const p2p::PeerInfo& peer : peers)
            if (peer.state == "connected" || peer.state == "stale" || peer.state == "banned")
                wanted.erase(peer.id);
        wanted.erase(signer_->public_key());
        return {wanted.begin(), wanted.end()};
    }

    // Serves Grenache's RPC; with a Grape to be found by, connections are carried by it both ways.
    Status start_rpc() {
        const std::string service = p2p::rpc_service_name(runner_.rules()->network);
        if (network_ && settings_.grenache) {
            streams_ = p2p::make_rpc_streams(
                io_, [this](const std::string& host) { return network_->accept_carried(host); });
            carrier_ = p2p::make_rpc_carrier(io_, service);
            network_->set_carrier(*carrier_);
        }
        std::array<std::uint8_t, 32> secret{};
        fill_with_system_random(secret);
        auto rpc = RpcServer::start(
            io_,
            std::make_unique<RpcService>(RpcService::Parts{runner_, signer_->public_key(), service,
                                                           to_hex(ByteView(secret)), streams_.get(), clock_}),
            settings_.grenache_rpc_host, settings_.grenache_rpc_port);
        if (!rpc.ok()) return rpc.error();
        rpc_ = std::move(*rpc);
        return {};
    }

    Status start_registry() {
        std::optional<RegistryHost> host;
        if (network_)
            host = RegistryHost{[this] { return network_->discovery_identity(); }, settings_.p2p_host};
        auto registry =
            RegistryServer::start(io_,
                                  std::make_unique<RegistryService>(std::move(host), *signer_, verifier_,
                                                                    clock_, system_random_word()),
                                  settings_.registry_host, settings_.registry_port);
        if (!registry.ok()) return registry.error();
        registry_ = std::move(*registry);
        return {};
    }

    Status start_dht() {
        p2p::DhtNodeOptions options;
        options.listen_host = settings_.p2p_host;
        options.port = settings_.dht_port;
        options.bootstrap = settings_.dht_bootstrap;
        options.state_file = settings_.data_dir + "/dht.state";
        options.read_only = !settings_.p2p_broadcast;
        auto dht = p2p::start_dht_node(io_, std::move(options));
        if (!dht.ok()) return dht.error();
        dht_ = std::move(*dht);
        if (!settings_.embedded_grape) return {};
        auto grape = GrapeServer::start(io_, *dht_, clock_, settings_.grape_host, settings_.grape_port);
        if (!grape.ok()) return grape.error();
        grape_ = std::move(*grape);
        return {};
    }

    // Then addresses of this machine's loopback interface mean nodes.
    bool dht_on_loopback() const {
        const auto is_loopback = [](const std::string& node) {
            const auto address = p2p::parse_peer_address(node);
            return address.ok() && p2p::is_loopback_host(address->host);
        };
        return p2p::is_loopback_host(settings_.p2p_host) ||
               std::any_of(settings_.dht_bootstrap.begin(), settings_.dht_bootstrap.end(), is_loopback);
    }

    p2p::PeerNetworkOptions peer_options() const {
        p2p::PeerNetworkOptions options;
        options.listen_host = settings_.p2p_host;
        options.listen_port = settings_.p2p_port;
        options.bootstrap = settings_.bootstrap;
        options.peers_max = settings_.max_peers;
        options.reconnect_interval_max = Duration::seconds(settings_.reconnect_interval_s);
        options.peers_file = settings_.peer_storage_path.empty() ? settings_.data_dir + "/peers.json"
                                                                 : settings_.peer_storage_path;
        options.broadcast = settings_.p2p_broadcast;
        options.nat = p2p::parse_nat_way(settings_.p2p_nat).value();  // checked with the settings
        options.plain_tcp = settings_.p2p_plain_tcp;
        options.direct = !settings_.is_legacy();
        options.network = runner_.rules()->network;
        options.gossip = gossip_;
        if (settings_.p2p_compression) options.compressed_kinds = compressed_kinds();
        options.agent = "peerbook/" PEERBOOK_VERSION;
        options.authority = authority_;
        options.certificate = certificate_;
        options.bindings_file = settings_.data_dir + "/addresses.seen";
        return options;
    }

    // Lines are worked through one after the other, so that `book` after `buy` shows the order.
    void read_stdin() {
        ShellOptions options;
        options.json = settings_.json;
        options.node = signer_->public_key();
        options.network = network_.get();
        options.clock = std::make_shared<SystemClock>();
        shell_ = std::make_unique<Shell>(runner_, options, [this](const std::string& answer) {
            print(answer);
            boost::asio::post(io_, [this] { next_line_if_idle(); });
        });
        if (!settings_.json)
            print("Peerbook " PEERBOOK_VERSION ", network " + runner_.network_name() +
                  ". Type help for the commands; Ctrl-C stops the node.");
        stdin_ = std::make_unique<StdinReader>(
            io_, StdinReader::Handlers{[this](std::string line, bool too_long) {
                                           line_open_ = true;
                                           if (too_long)
                                               print("the line is longer than 64 KiB and was not read");
                                           else
                                               shell_->run(std::move(line));
                                           boost::asio::post(io_, [this] { next_line_if_idle(); });
                                       },
                                       [this] {
                                           if (settings_.exit_on_eof) begin_shutdown("end of input");
                                       }});
    }

    void next_line_if_idle() {
        if (!line_open_ || shell_->under_way() > 0) return;
        line_open_ = false;
        stdin_->next();
    }

    static void print(const std::string& text) {
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fputc('\n', stdout);
        std::fflush(stdout);
    }

    void wait_for_signal() {
        signals_.async_wait([this](const boost::system::error_code& error, int signal) {
            if (error) return;
            begin_shutdown(signal == SIGTERM ? "SIGTERM" : "SIGINT");
            // A second signal ends the process at once; what was acknowledged is on disk.
            signals_.async_wait([](const boost::system::error_code& again, int) {
                if (!again) ::_exit(exit_ok);
            });
        });
    }

    // `peerbook join` writes the file, also while the node runs.
    void watch_invitations() {
        invitations_timer_.expires_after(invitations_interval);
        invitations_timer_.async_wait([this](const boost::system::error_code& error) {
            if (error) return;
            watch_invitations();
            offer_services();
        });
        std::error_code error;
        const auto written = std::filesystem::last_write_time(invitations_path(settings_.data_dir), error);
        if (error || written == invitations_written_) return;
        invitations_written_ = written;
        auto invitations = load_invitations(settings_.data_dir);
        if (!invitations.ok())
            return log_warn("node", "invitations not taken: " + invitations.error().message);
        const Ed25519Verifier verifier;
        const std::size_t refused = std::erase_if(*invitations, [&](const exchange::Invitation& one) {
            const auto ledger = ledger_.is_zero() ? std::nullopt : std::optional(ledger_);
            const Status fits = check_invitation(one, runner_.rules()->network, ledger, signer_->public_key(),
                                                 wall_now(), verifier);
            if (!fits.ok()) log_warn("node", "an invitation was not taken: " + fits.error().message);
            return !fits.ok();
        });
        log_info("node", "invitations taken=" + std::to_string(invitations->size()) +
                             " not_taken=" + std::to_string(refused));
        runner_.set_invitations(std::move(*invitations));
    }

    // Every node has every market; what else it serves is its operator's choice.
    void offer_services() {
        if (!network_ || offered_ == runner_.rules()) return;
        offered_ = runner_.rules();
        std::vector<std::string> services;
        if (registry_) services.emplace_back("registry");
        if (grape_) services.emplace_back("grape");
        for (const exchange::MarketRules& market : offered_->markets)
            if (const std::string name = "market/" + market.symbol;
                services.size() < p2p::services_max && p2p::is_service_name(name))
                services.push_back(name);
        if (Status set = network_->set_services(std::move(services)); !set.ok())
            log_warn("node", "services are not announced: " + set.error().message);
    }

    void begin_shutdown(const char* why) {
        if (std::exchange(stopping_, true)) return;
        log_info("node", std::string("stopping because of ") + why + "; a second signal stops at once");
        drain_timer_.expires_after(drain_timeout);
        drain_timer_.async_wait([this](const boost::system::error_code& error) {
            if (error) return;
            log_warn("node",
                     "some requests could not be answered before the end; what was acknowledged is on disk");
            io_.stop();
        });
        runner_.drain([this] { io_.stop(); });
    }

    void fail(const Error& error) {
        log_error("node", error.message);
        exit_code_ = exit_environment;
        io_.stop();
    }

    void stop() {
        stdin_.reset();
        if (api_) api_->stop();
        runner_.stop();
        if (rpc_) rpc_->stop();
        if (network_) network_->stop();
        if (streams_) streams_->stop();
        if (carrier_) carrier_->stop();
        if (registry_) registry_->stop();
        if (grape_) grape_->stop();
        if (dht_) dht_->stop();
        if (exit_code_ == exit_ok && api_) log_info("node", "stopped");
    }

    const config::Settings& settings_;
    const p2p::GossipSettings& gossip_;
    storage::DirectoryLock lock_;
    std::unique_ptr<Signer> signer_;
    const std::vector<PublicKey> members_;  // that the network file names
    const std::optional<PublicKey> authority_;
    const Bytes certificate_;
    Digest ledger_;  // zero: none yet
    boost::asio::io_context io_{1};
    EffectRunner runner_;
    SystemClock clock_;
    const Ed25519Verifier verifier_;
    std::unique_ptr<p2p::Dht> dht_;  // before the network, whose strategy uses it
    std::unique_ptr<GrapeServer> grape_;
    std::unique_ptr<RegistryServer> registry_;
    std::unique_ptr<p2p::RpcStreams> streams_;     // null: no connections are carried here
    std::unique_ptr<p2p::StreamCarrier> carrier_;  // before the network, which uses it
    std::unique_ptr<p2p::PeerNetwork> network_;
    std::unique_ptr<RpcServer> rpc_;  // after the streams
    std::unique_ptr<ApiServer> api_;
    std::unique_ptr<Shell> shell_;
    std::unique_ptr<StdinReader> stdin_;
    bool line_open_ = false;  // a line was taken and its answer is still to come
    boost::asio::signal_set signals_;
    boost::asio::steady_timer drain_timer_, restart_timer_, invitations_timer_;
    std::filesystem::file_time_type invitations_written_{};
    std::shared_ptr<const exchange::NetworkRules> offered_;  // whose markets the network was told of
    bool stopping_ = false, is_given_up_ = false;
    int exit_code_ = exit_ok;
};

}  // namespace

int run_node(const config::LoadedSettings& loaded) {
    const config::Settings& settings = loaded.settings;
    const auto level = log_level_from(settings.log_level);
    if (!level.ok()) return refuse(level.error());
    const auto gossip = gossip_settings_of(settings);
    if (!gossip.ok()) return refuse(gossip.error());
    configure_logging(*level, settings.log_format == "json");
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGTTIN,
                SIG_IGN);  // in the background of a terminal there is no input, and no reason to stop

    const Ed25519Verifier verifier;
    const SystemClock clock;
    for (;;) {
        auto opened = open_node(settings, verifier, clock);
        if (!opened.ok()) return refuse(opened.error());
        if (opened->recovered_blocks > 0)
            log_info("node", "journal replayed blocks=" + std::to_string(opened->recovered_blocks) +
                                 " commands=" + std::to_string(opened->recovered_commands) +
                                 " time=" + seconds_text(opened->recovery_time));
        NodeProcess process(settings, *gossip, std::move(*opened));
        if (const std::optional<int> code = process.run()) return *code;
    }
}

}  // namespace peerbook::app
