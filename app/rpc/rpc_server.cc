#include "app/rpc/rpc_server.h"

#include <utility>

#include "app/api/access.h"
#include "base/log.h"
#include "p2p/peers/peer_address.h"

namespace peerbook::app {

namespace {

HttpLimits limits() {
    HttpLimits limits;
    limits.body_bytes_max = p2p::rpc_body_bytes_max;
    limits.body_refusal = "ERR_RPC_SIZE";
    limits.header_bytes_max = 4 * 1024;
    limits.connections_max = rpc_connections_max;
    limits.connections_of_host_max = rpc_connections_of_host_max;
    limits.request_time_max = limits.write_time_max = rpc_patience;
    return limits;
}

}  // namespace

Result<std::unique_ptr<RpcServer>> RpcServer::start(boost::asio::io_context& io,
                                                    std::unique_ptr<RpcService> service,
                                                    const std::string& host, std::uint16_t port) {
    std::unique_ptr<RpcServer> server(new RpcServer());
    server->service_ = std::move(service);
    const bool is_local = p2p::is_loopback_host(host);
    auto http = HttpServer::start(
        io, {"Grenache's RPC", "--grenache-rpc-port"}, host, port,
        [service = server->service_.get()](ApiRequest& request, ApiCompletion done) {
            service->handle(request, std::move(done));
        },
        limits(),
        [is_local, host](const ApiRequest& head) {
            Admission admission;
            if (is_local && !is_local_host(head.host, host))
                admission.refusal =
                    text_response(421,
                                  "ERR_RPC_HOST: this node's RPC answers to the names 127.0.0.1, "
                                  "localhost and [::1] only");
            else if (!head.origin.empty())
                admission.refusal =
                    text_response(403, "ERR_RPC_ORIGIN: this is for programs, not for pages of a browser");
            admission.authenticated = !admission.refusal;
            return admission;
        });
    if (!http.ok()) return http.error();
    server->http_ = std::move(http).value();
    log_info("rpc", "event=listening address=" + p2p::to_string(p2p::PeerAddress{host, server->port()}));
    return server;
}

}  // namespace peerbook::app
