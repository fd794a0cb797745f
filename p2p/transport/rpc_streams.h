// Connections that others have carried here by Grenache's RPC, on the side that is asked (rpc_carrier.h is
// the other one): each is a stream of bytes each way with a random id, that its opener alone knows. A
// question that waits for bytes is answered when there are some, or after rpc_receive_time_max with none.
// The offsets that come with questions must be those of this side; another one is an error, after which the
// opener ends the stream, or it ends for want of questions.
//
// What a stranger can take of this node: rpc_streams_max streams, fewer from one host, each with at most one
// chunk each way; one that is not asked for bytes for rpc_stream_idle_max is closed. Who it is, only the
// handshake inside of it can say.
//
// I/O thread only.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "p2p/grenache/rpc_wire.h"

namespace boost::asio {
class io_context;
}

namespace peerbook::p2p {

inline constexpr std::size_t rpc_streams_max = 32;
inline constexpr std::size_t rpc_streams_of_host_max = 4;  // p2p::limit_key; loopback exempt
inline constexpr Duration rpc_receive_time_max = Duration::seconds(10);
inline constexpr Duration rpc_stream_idle_max = Duration::seconds(25);

class RpcStreams {
  public:
    // Gives the end of a connection from `host`, which the streams then own; nothing: refused.
    using Accept = std::function<std::optional<int>(const std::string& host)>;
    using Sent = std::function<void(Result<std::uint64_t>)>;
    using Received = std::function<void(Result<RpcReceived>)>;

    virtual ~RpcStreams() = default;
    // Error: unavailable (too many, or refused).
    virtual Result<RpcStreamId> open(const std::string& host) = 0;
    // `done` is called once, at once or later, with how many bytes came this way so far. Errors of both:
    // not_found (no such stream, or it ended), conflict (one of the kind is under way, or `at` is not where
    // the stream is), invalid_input (no data).
    virtual void send(const RpcStreamId& stream, std::uint64_t at, Bytes data, Sent done) = 0;
    virtual void receive(const RpcStreamId& stream, std::uint64_t at, Received done) = 0;
    // False: there is none.
    virtual bool close(const RpcStreamId& stream) = 0;
    virtual std::size_t count() const = 0;
    // Closes everything. Nothing is called any more.
    virtual void stop() = 0;
};

// `io` outlives the result.
std::unique_ptr<RpcStreams> make_rpc_streams(boost::asio::io_context& io, RpcStreams::Accept accept);

}  // namespace peerbook::p2p
