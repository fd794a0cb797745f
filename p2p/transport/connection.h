// One socket with its channel, frame reader and send queue. Private to transport/.
//
// What a peer sends above the received rate is left in the socket for a while, so that TCP holds the peer
// back: data is slowed down, never punished. A compressed frame counts as what it expands to.
//
// Life: dial(), accept() or attach() → on_ready → on_frame … → close(), after which there are no more events:
// data not begun is dropped, control frames are written, the sending side is shut, and the socket closes when
// the other side does, at the latest after a second. Keeps itself alive through its handlers. I/O thread
// only.
#pragma once

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "p2p/peers/rate_limiter.h"
#include "p2p/peers/send_queue.h"
#include "p2p/transport/direct_connections.h"
#include "p2p/transport/tls_channel.h"
#include "p2p/wire/compression.h"
#include "p2p/wire/frame.h"

namespace peerbook::p2p {

class Connection final : public std::enable_shared_from_this<Connection> {
  public:
    using Socket = boost::asio::ip::tcp::socket;

    // `events` outlives the connection or is taken away by close().
    Connection(boost::asio::io_context& io, ConnectionId id, std::unique_ptr<Channel> channel,
               const TokenBucket::Rate& received_rate, DirectConnectionsEvents& events);

    void dial(const PeerAddress& address);
    void accept(Socket socket);
    // A socket whose other end is in this process and belongs to what carries the bytes to `remote`.
    void attach(Socket socket, const PeerAddress& remote);

    // `expander` outlives the connection or close(); null: compressed frames are handed on as they are.
    void authenticated(bool peer_expands, Expander* expander) {
        reader_.set_payload_bytes_max(frame_bytes_max);
        peer_expands_ = peer_expands;
        expander_ = expander;
    }
    bool peer_expands() const { return peer_expands_; }
    void count_saved(std::size_t bytes) { counters_.saved_out += bytes; }
    SendQueue::Outcome send_control(OutgoingPayload payload);
    SendQueue::Outcome send_data(MonoTime now, OutgoingPayload payload);
    void close();
    // As close(), but writes what the socket takes at once and does not wait.
    void close_now();
    // Called now and then: gives back what only moving bytes need, if none moved since the last call. Whether
    // none did.
    bool sweep();

    const ConnectionCounters& counters() const { return counters_; }
    std::size_t queued_bytes() const { return queue_.bytes() + (gathered_.size() - gathered_written_); }

  private:
    void connect(std::vector<boost::asio::ip::tcp::endpoint> endpoints);
    void opened();
    void begin();
    void read();
    void read_after(Duration pause);
    void received();
    bool take_frames();
    void broken(const std::string& why, bool by_peer);
    void wake();
    void write();
    // Moves from the queue through the channel into its output; false if the channel broke.
    bool fill_output();
    void discard_until_closed();
    void drop_data();
    void shut();

    Socket socket_;
    boost::asio::ip::tcp::resolver resolver_;
    boost::asio::steady_timer close_timer_, read_timer_;
    ConnectionId id_;
    std::unique_ptr<Channel> channel_;
    DirectConnectionsEvents* events_;  // null after close()
    PeerAddress remote_;
    FrameReader reader_{unauthenticated_frame_bytes_max};
    SendQueue queue_;
    TokenBucket received_rate_;
    Bytes gathered_;  // plain frames on their way into the channel
    std::size_t gathered_written_ = 0;
    Bytes discarded_;  // where bytes go that come after close()
    bool peer_expands_ = false;
    Expander* expander_ = nullptr;
    bool is_ready_ = false;
    bool is_writing_ = false;
    bool is_woken_ = false;
    bool is_reading_ = false;
    bool has_no_room_ = false;  // reading goes on when output was consumed
    std::uint64_t moved_ = 0;   // bytes from and to the socket
    std::uint64_t moved_at_sweep_ = 0;
    bool is_swept_ = false;  // since bytes moved last
    ConnectionCounters counters_;
};

}  // namespace peerbook::p2p
