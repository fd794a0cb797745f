// A small HTTP/1.1 server on Boost.Asio, with Boost.Beast's parser. Keep-alive; requests of one connection
// are answered one at a time and in order, so a client may pipeline. Everything a client can drive is bounded
// by HttpLimits, and what a stranger can drive is bounded tighter: the gate sees each request when its header
// has arrived, and what it does not let in is answered without its body being read.
//
// Runs on the given io_context, which one thread runs; every call and the handler happen on that thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/api/native_api.h"
#include "base/result.h"
#include "base/time.h"

namespace boost::asio {
class io_context;
}

namespace peerbook::app {

struct HttpLimits {
    std::size_t body_bytes_max = 1024 * 1024;    // above: 413
    const char* body_refusal = nullptr;          // the 413's text; null: an error of the native API
    std::uint32_t header_bytes_max = 16 * 1024;  // of a header, or of one chunk's framing; above: 431
    std::size_t connections_max = 1'024;         // above: 503 and the connection is closed
    std::size_t connections_of_host_max =
        0;  // as above, of one host (p2p::limit_key), loopback exempt; 0: any
    Duration request_time_max = Duration::seconds(10);  // from its first byte to its last; above: 408
    Duration idle_time_max = Duration::seconds(60);     // between requests; above: closed without a word
    Duration answer_time_max = Duration::seconds(60);   // from request to completion; above: 504
    Duration write_time_max = Duration::seconds(30);    // for a client that does not read; above: closed
    // Instead of idle_time_max and request_time_max, until the gate has let one request of the connection in.
    Duration stranger_time_max = Duration::seconds(5);
};

// How many connections the API may hold where the process may have `descriptors` open: at most `wanted`, and
// at most a third, so that storage and peers keep theirs; never less than 16.
std::size_t connections_within(std::uint64_t descriptors, std::size_t wanted);

// In messages to whoever starts the node.
struct HttpName {
    const char* what;       // "the API"
    const char* port_flag;  // "--api-port"
};

// What the gate says of a request whose body has not been read. Neither: a request that everyone may make,
// and that has no body.
struct Admission {
    bool authenticated = false;          // may send a body, and keep its connection as long as it likes
    std::optional<ApiResponse> refusal;  // answered with it; the connection is then closed
};
// Called for each request with an empty body, before the handler.
using HttpGate = std::function<Admission(const ApiRequest& head)>;

// Called for each request. The completion may be called at once or later, once, on the I/O thread; a call
// after the connection has gone or timed out is ignored.
using HttpHandler = std::function<void(ApiRequest&, ApiCompletion)>;

class HttpServer {
  public:
    struct State;  // known to http_server.cc only

    // Listens on host:port (port 0: any free one). `io` outlives the server; handler and gate (null: everyone
    // is let in) are kept until the last connection is gone. Errors: invalid_input (host is no IP address),
    // conflict (port in use; named), io.
    static Result<std::unique_ptr<HttpServer>> start(boost::asio::io_context& io, HttpName name,
                                                     const std::string& host, std::uint16_t port,
                                                     HttpHandler handler, HttpLimits limits = {},
                                                     HttpGate gate = {});
    // Stops.
    ~HttpServer();

    std::uint16_t port() const;
    std::size_t connections() const;
    // No further connections and requests; closes those that wait. Completions under way are ignored.
    void stop();

  private:
    explicit HttpServer(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace peerbook::app
