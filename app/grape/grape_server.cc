#include "app/grape/grape_server.h"

#include <utility>

#include "app/api/access.h"
#include "base/log.h"
#include "p2p/peers/peer_address.h"

namespace peerbook::app {

Result<std::unique_ptr<GrapeServer>> GrapeServer::start(boost::asio::io_context& io, p2p::Dht& dht,
                                                        const Clock& clock, const std::string& host,
                                                        std::uint16_t port) {
    std::unique_ptr<GrapeServer> server(new GrapeServer());
    server->service_ = std::make_unique<GrapeService>(dht, clock);
    HttpLimits limits;
    limits.body_bytes_max = grape_request_bytes_max;
    limits.body_refusal = "ERR_GRAPE_PAYLOAD_SIZE";
    limits.connections_max = grape_connections_max;
    const bool is_local = p2p::is_loopback_host(host);
    auto http = HttpServer::start(
        io, {"the embedded Grape", "--grape-api-port"}, host, port,
        [service = server->service_.get()](ApiRequest& request, ApiCompletion done) {
            service->handle(request, std::move(done));
        },
        limits,
        [is_local, host](const ApiRequest& head) {
            Admission admission;
            if (is_local && !is_local_host(head.host, host))
                admission.refusal =
                    text_response(421, "this Grape answers to the names 127.0.0.1, localhost and [::1] only");
            admission.authenticated = !admission.refusal;
            return admission;
        });
    if (!http.ok()) return http.error();
    server->http_ = std::move(http).value();
    log_info("grape", "event=listening address=" + p2p::to_string(p2p::PeerAddress{host, server->port()}));
    return server;
}

}  // namespace peerbook::app
