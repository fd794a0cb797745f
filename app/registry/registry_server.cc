#include "app/registry/registry_server.h"

#include <utility>

#include "app/api/access.h"
#include "base/log.h"
#include "p2p/peers/peer_address.h"

namespace peerbook::app {

namespace {

HttpLimits limits() {
    HttpLimits limits;
    limits.body_bytes_max = p2p::registry_request_bytes_max;
    limits.header_bytes_max = 4 * 1024;
    limits.connections_max = registry_connections_max;
    limits.connections_of_host_max = registry_connections_of_host_max;
    limits.request_time_max = limits.idle_time_max = limits.write_time_max = limits.stranger_time_max =
        registry_patience;
    return limits;
}

}  // namespace

Result<std::unique_ptr<RegistryServer>> RegistryServer::start(boost::asio::io_context& io,
                                                              std::unique_ptr<RegistryService> service,
                                                              const std::string& host, std::uint16_t port) {
    std::unique_ptr<RegistryServer> server(new RegistryServer());
    server->service_ = std::move(service);
    const bool is_local = p2p::is_loopback_host(host);
    auto http = HttpServer::start(
        io, {"the bootstrap registry", "--registry-port"}, host, port,
        [service = server->service_.get()](ApiRequest& request, const ApiCompletion& done) {
            done(service->answer(request));
        },
        limits(),
        [is_local, host](const ApiRequest& head) {
            Admission admission;
            if (is_local && !is_local_host(head.host, host)) {
                admission.refusal =
                    error_response(ErrorCode::invalid_input,
                                   "this registry answers to the names 127.0.0.1, localhost and [::1] only");
                admission.refusal->status = 421;
            }
            admission.authenticated = !admission.refusal;
            return admission;
        });
    if (!http.ok()) return http.error();
    server->http_ = std::move(http).value();
    log_info("registry", "event=listening address=" + p2p::to_string(p2p::PeerAddress{host, server->port()}));
    return server;
}

}  // namespace peerbook::app
