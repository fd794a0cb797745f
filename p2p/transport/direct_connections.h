// TCP server and client with TLS 1.3 and framing: the one place of the peer layer that owns sockets. Says
// what happened through DirectConnectionsEvents and does what it is told; it decides nothing.
//
// I/O thread only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2p/peers/peer_address.h"
#include "p2p/peers/peer_id.h"
#include "p2p/peers/rate_limiter.h"
#include "p2p/peers/send_queue.h"
#include "p2p/transport/certificates.h"
#include "p2p/wire/handshake.h"

namespace boost::asio {
class io_context;
}

namespace peerbook::p2p {

struct ConnectionCounters {
    std::uint64_t frames_in = 0, frames_out = 0;
    std::uint64_t bytes_in = 0, bytes_out = 0;  // of frames with their headers, before encryption
    std::uint64_t saved_in = 0, saved_out = 0;  // by compression; not in those above
};

class DirectConnectionsEvents {
  public:
    virtual ~DirectConnectionsEvents() = default;
    // None: the connection is closed at once.
    virtual std::optional<ConnectionId> on_accepted(const PeerAddress& remote) = 0;
    virtual void on_ready(ConnectionId id, const PeerAddress& remote, const ChannelBinding& binding) = 0;
    // Bytes arrived, of a frame or of a part of one.
    virtual void on_bytes(ConnectionId id) = 0;
    // `payload` is never empty and lives until the call returns.
    virtual void on_frame(ConnectionId id, ByteView payload) = 0;
    // The last event of a connection that close() did not end. `by_peer`: its first bytes were no TLS, or
    // what it encrypted is no frame. Bytes that TLS refuses later are not: the line may have damaged them.
    virtual void on_broken(ConnectionId id, const std::string& why, bool by_peer) = 0;
    virtual void on_listen_error(const std::string& why) = 0;
};

inline constexpr std::size_t lingering_max = 64;

// What one peer may send: bytes, of which each frame counts as frame_cost more, for what it costs to act on
// it. So at most 64 MiB and 16,000 frames a second.
inline constexpr std::int64_t frame_cost = 4096;
inline constexpr TokenBucket::Rate received_rate_max{64 << 20, std::int64_t{64'000} << 20};

class DirectConnections {
  public:
    struct Options {
        std::string listen_host;  // an address literal or "localhost"
        std::uint16_t listen_port = 0;
        bool plain_tcp = false;
        bool listens = true;  // false: it only dials and is given connections
        // See PeerNetworkOptions.
        std::vector<std::uint8_t> compressed_kinds = {};
        // Of each connection; a benchmark lifts it.
        TokenBucket::Rate received_rate = received_rate_max;
    };
    // `io`, `identity` and `events` outlive it. Errors: invalid_input, conflict (port in use), io.
    static Result<std::unique_ptr<DirectConnections>> listen(boost::asio::io_context& io,
                                                             const Options& options,
                                                             const TransportIdentity& identity,
                                                             DirectConnectionsEvents& events);
    virtual ~DirectConnections() = default;

    virtual std::uint16_t port() const = 0;
    virtual void dial(ConnectionId id, const PeerAddress& address) = 0;
    // A connection that is carried: `socket`, a connected stream socket, belongs to it from here on. Always
    // with TLS, also where plain TCP was asked for. `remote` is for people and limits. Error: io, and then
    // there is no connection.
    virtual Status attach(ConnectionId id, Direction direction, const PeerAddress& remote, int socket) = 0;
    // `expands`: it may be sent compressed frames.
    virtual void authenticated(ConnectionId id, bool expands) = 0;
    // Refused, too, if there is no such connection.
    virtual SendQueue::Outcome send_control(ConnectionId id, OutgoingPayload payload) = 0;
    virtual SendQueue::Outcome send_data(ConnectionId id, MonoTime now, OutgoingPayload payload) = 0;
    // Nothing happens if there is no such connection. What lingers to be written and read to its end is
    // bounded: above lingering_max connections, one is closed at once.
    virtual void close(ConnectionId id) = 0;
    virtual ConnectionCounters counters(ConnectionId id) const = 0;
    virtual std::size_t queued_bytes(ConnectionId id) const = 0;
    // Of all connections there ever were.
    virtual ConnectionCounters total() const = 0;
    // Of connections from now on; outlives the DirectConnections.
    virtual void set_identity(const TransportIdentity& identity) = 0;
    // Closes everything, with what the sockets take at once. No events afterwards.
    virtual void stop() = 0;
};

}  // namespace peerbook::p2p
