// One end of the connections that the transport benchmark measures: the product's DirectConnections on an
// io_context and a thread of its own, with the product's handshake of peers, and without what decides about
// peers. The bound on what one peer may send a second is lifted: it holds each sender at 16,000 frames.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <thread>

#include "base/keys.h"
#include "p2p/peers/peer_session.h"
#include "p2p/transport/direct_connections.h"

namespace peerbook::app {

enum class EndpointDepth : unsigned char {
    transport,  // a connection is ready with TLS
    peers,      // ready when the other side has proven its node key as well
};

// All but run(), cpu_seconds(), open() and the destructor: on the endpoint's thread only.
class TransportEndpoint final : private p2p::DirectConnectionsEvents {
  public:
    struct Options {
        bool plain_tcp = false;
        EndpointDepth depth = EndpointDepth::peers;
    };
    // Set them by run() before there are connections. `broken` is a failure of the measurement unless the
    // other end closed.
    struct Hooks {
        std::function<void(p2p::ConnectionId)> ready;
        std::function<void(p2p::ConnectionId, ByteView)> frame;  // after ready
        std::function<void(p2p::ConnectionId)> broken;
    };

    // Listens on a free port of 127.0.0.1. Errors: those of DirectConnections::listen().
    static Result<std::unique_ptr<TransportEndpoint>> open(const Options& options);
    ~TransportEndpoint() override;

    // Runs `work` on the thread and waits until it is done. Not from the thread itself.
    template <typename Work>
    void run(Work work) {
        std::promise<void> done;
        boost::asio::post(io_, [&] {
            work();
            done.set_value();
        });
        done.get_future().wait();
    }
    // Of the thread, since its start. Any thread.
    double cpu_seconds() const;

    Hooks hooks;
    std::uint16_t port() const { return connections_->port(); }
    p2p::ConnectionId dial(std::uint16_t port);
    void send(p2p::ConnectionId id, std::uint8_t kind, const SharedBytes& body);
    std::size_t queued_bytes(p2p::ConnectionId id) const { return connections_->queued_bytes(id); }
    void close(p2p::ConnectionId id);
    // Closes all.
    void close_all();
    boost::asio::io_context& io() { return io_; }

  private:
    explicit TransportEndpoint(const Options& options);

    std::optional<p2p::ConnectionId> on_accepted(const p2p::PeerAddress& remote) override;
    void on_ready(p2p::ConnectionId id, const p2p::PeerAddress& remote,
                  const p2p::ChannelBinding& binding) override;
    void on_bytes(p2p::ConnectionId) override {}
    void on_frame(p2p::ConnectionId id, ByteView payload) override;
    void on_broken(p2p::ConnectionId id, const std::string& why, bool by_peer) override;
    void on_listen_error(const std::string&) override {}
    void perform(p2p::ConnectionId id, p2p::SessionOutput&& output);

    struct Peer {
        p2p::Direction direction;
        std::optional<p2p::PeerSession> session = {};
    };

    Options options_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::unique_ptr<Signer> signer_;
    Ed25519Verifier verifier_;
    p2p::LocalNode local_;
    p2p::MessageRouter router_;
    p2p::TransportIdentity identity_;
    std::unique_ptr<p2p::DirectConnections> connections_;
    std::map<p2p::ConnectionId, Peer> peers_;
    std::uint64_t last_id_ = 0;
    std::thread thread_;
};

}  // namespace peerbook::app
