// The embedded Grape: the HTTP server with GrapeService behind it. Whoever can connect can use it, as with
// any Grape, so it listens on the loopback interface unless told otherwise; there it answers to local names
// only, so that no page of a browser gets in under a name of its own. I/O thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "app/api/http_server.h"
#include "app/grape/grape_service.h"
#include "base/result.h"

namespace peerbook::app {

inline constexpr std::size_t grape_connections_max = 64;

class GrapeServer {
  public:
    // `io`, `dht` and `clock` outlive the server. Errors: those of HttpServer::start.
    static Result<std::unique_ptr<GrapeServer>> start(boost::asio::io_context& io, p2p::Dht& dht,
                                                      const Clock& clock, const std::string& host,
                                                      std::uint16_t port);
    std::uint16_t port() const { return http_->port(); }
    void stop() { http_->stop(); }

  private:
    GrapeServer() = default;
    std::unique_ptr<GrapeService> service_;
    std::unique_ptr<HttpServer> http_;  // after the service: it calls it
};

}  // namespace peerbook::app
