// The bootstrap registry: an HTTP server of its own with RegistryService behind it and nothing else, so that
// serving strangers shows them nothing of the node's API. On a loopback address it answers to local names
// only. I/O thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "app/api/http_server.h"
#include "app/registry/registry_service.h"
#include "base/result.h"

namespace peerbook::app {

inline constexpr std::size_t registry_connections_max = 64;
inline constexpr std::size_t registry_connections_of_host_max = 8;
inline constexpr Duration registry_patience =
    Duration::seconds(5);  // for a request, and for reading the answer

class RegistryServer {
  public:
    // `io` outlives the server. Errors: those of HttpServer::start.
    static Result<std::unique_ptr<RegistryServer>> start(boost::asio::io_context& io,
                                                         std::unique_ptr<RegistryService> service,
                                                         const std::string& host, std::uint16_t port);
    std::uint16_t port() const { return http_->port(); }
    void stop() { http_->stop(); }

  private:
    RegistryServer() = default;
    std::unique_ptr<RegistryService> service_;
    std::unique_ptr<HttpServer> http_;  // after the service: it calls it
};

}  // namespace peerbook::app
