// Grenache's RPC: an HTTP server of its own with RpcService behind it and nothing else, so that serving
// strangers shows them nothing of the node's API. What a page of a browser sends (it has an Origin) is
// refused, and on a loopback address other names than local ones. I/O thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "app/api/http_server.h"
#include "app/rpc/rpc_service.h"
#include "base/result.h"

namespace peerbook::app {

// A carried connection takes two, one that sends and one that waits.
inline constexpr std::size_t rpc_connections_max = 128;
inline constexpr std::size_t rpc_connections_of_host_max = 16;
inline constexpr Duration rpc_patience = Duration::seconds(10);  // for a request, and for reading the answer

class RpcServer {
  public:
    // `io` and what the service refers to outlive the server. Errors: those of HttpServer::start.
    static Result<std::unique_ptr<RpcServer>> start(boost::asio::io_context& io,
                                                    std::unique_ptr<RpcService> service,
                                                    const std::string& host, std::uint16_t port);
    std::uint16_t port() const { return http_->port(); }
    void stop() { http_->stop(); }

  private:
    RpcServer() = default;
    std::unique_ptr<RpcService> service_;
    std::unique_ptr<HttpServer> http_;  // after the service: it calls it
};

}  // namespace peerbook::app
