#include "p2p/transport/rpc_streams.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "base/random.h"
#include "p2p/peers/ip_address.h"
#include "p2p/peers/peer_address.h"

namespace peerbook::p2p {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

const Error ended{ErrorCode::not_found, "there is no such stream, or it has ended"};

// One stream. Kept alive by what is under way for it.
class ServedStream : public std::enable_shared_from_this<ServedStream> {
  public:
    ServedStream(asio::io_context& io, std::string host_key)
        : local_(io), wait_timer_(io), idle_timer_(io), host_key_(std::move(host_key)) {}

    Status begin(int socket) {
        error_code code;
        local_.assign(asio::local::stream_protocol(), socket, code);
        if (code) {
            ::close(socket);
            return Error{ErrorCode::io, code.message()};
        }
        stay();
        return {};
    }

    void send(std::uint64_t at, Bytes data, RpcStreams::Sent done) {
        if (data.empty()) return done(Error{ErrorCode::invalid_input, "nothing to send"});
        if (is_writing_) return done(Error{ErrorCode::conflict, "bytes are on their way already"});
        if (at != sent_) return done(Error{ErrorCode::conflict, "the stream is at " + std::to_string(sent_)});
        is_writing_ = true;
        arriving_ = std::move(data);
        asio::async_write(
            local_, asio::buffer(arriving_),
            [self = shared_from_this(), done = std::move(done)](error_code failure, std::size_t) {
                self->is_writing_ = false;
                if (self->is_stopped_) return;
                if (failure) return done(ended);
                self->sent_ += self->arriving_.size();
                done(self->sent_);
            });
    }

    void receive(std::uint64_t at, RpcStreams::Received done) {
        if (waiting_) return done(Error{ErrorCode::conflict, "somebody waits for its bytes already"});
        if (at != received_)
            return done(Error{ErrorCode::conflict, "the stream is at " + std::to_string(received_)});
        waiting_ = std::move(done);
        stay();
        if (!leaving_.empty() || is_ended_) return give();
        read();
        wait_timer_.expires_after(std::chrono::nanoseconds(rpc_receive_time_max.ns));
        wait_timer_.async_wait([self = shared_from_this()](error_code stopped) {
            if (!stopped && self->waiting_) self->give();
        });
    }

    // Whoever waits is told, unless everything stops.
    void close(bool stops) {
        is_stopped_ = stops;
        is_closed_ = true;
        error_code ignored;
        local_.close(ignored);
        wait_timer_.cancel();
        idle_timer_.cancel();
        if (auto done = std::exchange(waiting_, nullptr); done && !stops) done(ended);
    }

    // Ended and everything of it given, or nobody asked for it for long.
    bool is_closed() const { return is_closed_; }
    const std::string& host_key() const { return host_key_; }

  private:
    void stay() {
        idle_timer_.expires_after(std::chrono::nanoseconds(rpc_stream_idle_max.ns));
        idle_timer_.async_wait([weak = weak_from_this()](error_code stopped) {
            if (const auto self = weak.lock(); self && !stopped) self->close(false);
        });
    }

    void read() {
        if (std::exchange(is_reading_, true)) return;
        chunk_.resize(rpc_chunk_bytes_max);
        local_.async_read_some(
            asio::buffer(chunk_), [self = shared_from_this()](error_code failure, std::size_t bytes) {
                self->is_reading_ = false;
                if (self->is_closed_) return;
                if (failure) self->is_ended_ = true;
                self->leaving_.assign(self->chunk_.begin(),
                                      self->chunk_.begin() + static_cast<std::ptrdiff_t>(bytes));
                if (self->waiting_) self->give();
            });
    }

    void give() {
        wait_timer_.cancel();
        const RpcStreams::Received done = std::exchange(waiting_, nullptr);
        RpcReceived received{received_, std::exchange(leaving_, {}), is_ended_};
        received_ += received.data.size();
        if (is_ended_) close(false);
        done(std::move(received));
    }

    asio::local::stream_protocol::socket local_;
    asio::steady_timer wait_timer_, idle_timer_;
    const std::string host_key_;
    std::uint64_t sent_ = 0, received_ = 0;
    Bytes arriving_;         // on their way into the socket
    Bytes chunk_, leaving_;  // being read; read and not given
    RpcStreams::Received waiting_;
    bool is_reading_ = false, is_writing_ = false, is_ended_ = false, is_closed_ = false, is_stopped_ = false;
};

class AsioRpcStreams final : public RpcStreams {
  public:
    AsioRpcStreams(asio::io_context& io, Accept accept) : io_(io), accept_(std::move(accept)) {}
    ~AsioRpcStreams() override { stop(); }

    Result<RpcStreamId> open(const std::string& host) override {
        forget_closed();
        const std::string key = limit_key(host);
        const auto of_host = std::count_if(streams_.begin(), streams_.end(), [&](const auto& stream) {
            return stream.second->host_key() == key;
        });
        if (streams_.size() >= rpc_streams_max ||
            (!is_loopback_host(host) && static_cast<std::size_t>(of_host) >= rpc_streams_of_host_max))
            return Error{ErrorCode::unavailable, "too many streams"};
        const std::optional<int> socket = accept_ ? accept_(host) : std::nullopt;
        if (!socket) return Error{ErrorCode::unavailable, "no connection is taken from there now"};
        RpcStreamId id;
        fill_with_system_random(id.data);
        auto stream = std::make_shared<ServedStream>(io_, key);
        if (Status begun = stream->begin(*socket); !begun.ok()) return begun.error();
        streams_.emplace(id, std::move(stream));
        return id;
    }

    void send(const RpcStreamId& id, std::uint64_t at, Bytes data, Sent done) override {
        const auto stream = find(id);
        stream ? stream->send(at, std::move(data), std::move(done)) : done(ended);
    }

    void receive(const RpcStreamId& id, std::uint64_t at, Received done) override {
        const auto stream = find(id);
        stream ? stream->receive(at, std::move(done)) : done(ended);
    }

    bool close(const RpcStreamId& id) override {
        const auto stream = find(id);
        if (stream) stream->close(false);
        return stream != nullptr;
    }

    std::size_t count() const override {
        return static_cast<std::size_t>(
            std::count_if(streams_.begin(), streams_.end(),
                          [](const auto& stream) { return !stream.second->is_closed(); }));
    }

    void stop() override {
        for (const auto& [id, stream] : std::exchange(streams_, {}))
            stream->close(true);
    }

  private:
    void forget_closed() {
        std::erase_if(streams_, [](const auto& stream) { return stream.second->is_closed(); });
    }

    std::shared_ptr<ServedStream> find(const RpcStreamId& id) {
        const auto found = streams_.find(id);
        return found == streams_.end() || found->second->is_closed() ? nullptr : found->second;
    }

    asio::io_context& io_;
    const Accept accept_;
    std::map<RpcStreamId, std::shared_ptr<ServedStream>> streams_;
};

}  // namespace

std::unique_ptr<RpcStreams> make_rpc_streams(asio::io_context& io, RpcStreams::Accept accept) {
    return std::make_unique<AsioRpcStreams>(io, std::move(accept));
}

}  // namespace peerbook::p2p
