#include "p2p/dht/dht_session.h"

#include <chrono>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <libtorrent/alert_types.hpp>
#include <libtorrent/disabled_disk_io.hpp>
#include <libtorrent/session_params.hpp>
#include <libtorrent/settings_pack.hpp>

#include "base/system_clock.h"
#include "p2p/peers/peer_address.h"

namespace peerbook::p2p {

namespace asio = boost::asio;

namespace {

constexpr Duration listen_time_max = Duration::seconds(5);
// Many nodes may be behind one address: a NAT, a host, a test.
constexpr int packets_a_second_per_address = 100;
constexpr int upload_bytes_a_second = 32'000;
constexpr int services_max = 2'000;
constexpr int peers_per_service_max = 100;
constexpr int values_max = 2'000;
constexpr int alerts_max = 4'000;

std::string endpoint_text(const std::string& host, std::uint16_t port) {
    return to_string(PeerAddress{host, port});
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
         {pack::enable_dht,  // until the socket is open
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

// libtorrent opens its socket on its own thread, within milliseconds.
Status wait_for_socket(lt::session& session, const std::string& host, std::uint16_t port) {
    const std::string where = endpoint_text(host, port);
    const auto deadline = mono_now() + listen_time_max;
    while (mono_now() < deadline) {
        session.wait_for_alert(std::chrono::milliseconds(100));
        std::vector<lt::alert*> alerts;
        session.pop_alerts(&alerts);
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

}  // namespace

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

Result<std::unique_ptr<lt::session>> start_dht_session(const std::string& host, std::uint16_t port,
                                                       bool read_only, std::shared_ptr<DhtStorage> storage) {
    lt::session_params params(settings_for(interfaces_of(host, port), read_only), {});
    params.dht_storage_constructor = DhtStorage::constructor(std::move(storage));
    params.disk_io_constructor = lt::disabled_disk_io_constructor;
    auto session = std::make_unique<lt::session>(std::move(params));
    if (Status status = wait_for_socket(*session, host, port); !status.ok()) return status.error();
    return session;
}

}  // namespace peerbook::p2p
