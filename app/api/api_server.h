// The node's REST server: the HTTP server with the native API behind it, and in front of it the check of Host
// (on a loopback address: no page of a browser gets in under a name of its own) and of the cookie.
// I/O thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "app/api/access.h"
#include "app/api/http_server.h"
#include "app/api/native_api.h"

namespace peerbook::app {

struct ApiServerOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 8080;  // 0: any free one
    std::string data_dir;       // gets the files cookie and api.address
    NativeApiOptions native;
    HttpLimits limits;  // connections_max is lowered to what the process's descriptors allow
};

class ApiServer {
  public:
    // Makes a new cookie, listens, and then writes <data_dir>/api.address. `io` and `node` outlive the
    // server, `node` also its own completions. Errors: conflict (port in use), invalid_input, io.
    static Result<std::unique_ptr<ApiServer>> start(boost::asio::io_context& io, NodeService& node,
                                                    ApiServerOptions options);
    ~ApiServer();

    const std::string& address() const { return address_; }  // "127.0.0.1:8080"
    std::uint16_t port() const { return http_->port(); }
    // Closes everything and removes api.address.
    void stop();

  private:
    ApiServer() = default;
    std::shared_ptr<NativeApi> native_;
    std::unique_ptr<HttpServer> http_;
    std::string address_;
    std::string address_file_;
};

}  // namespace peerbook::app
