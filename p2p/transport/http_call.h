// One question over HTTP/1.1 on a connection of its own, without TLS: for what answers nodes and is none,
// such as a Grape or a registry. Everything the other side can drive is bounded. All of it happens on the
// thread of the io_context.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "p2p/peers/peer_address.h"

namespace boost::asio {
class io_context;
}

namespace peerbook::p2p {

inline constexpr Duration http_call_time_max = Duration::seconds(10);  // connecting included

struct HttpQuestion {
    PeerAddress server;       // a name is resolved
    std::string host_header;  // empty: the server's address
    std::string target;       // path and query
    std::string body;         // JSON, and then the question is a POST; empty: a GET
    std::size_t answer_bytes_max = 8'192;
    Duration time_max = http_call_time_max;
};

struct HttpAnswer {
    unsigned status = 0;
    std::string body;
    std::string local, remote;  // address literals of the connection's ends
};

class HttpCall {
  public:
    // Called once, later, unless cancel() comes first. Errors: timed_out, too_large, unavailable (no
    // connection, or what comes is no HTTP); the message begins with a verb: "does not answer within 10 s".
    using Done = std::function<void(Result<HttpAnswer>)>;

    virtual ~HttpCall() = default;
    // `done` is not called any more.
    virtual void cancel() = 0;
};

// `io` outlives the call, which lives until it has ended, whether the result is kept or not.
std::shared_ptr<HttpCall> begin_http_call(boost::asio::io_context& io, HttpQuestion question,
                                          HttpCall::Done done);

}  // namespace peerbook::p2p
