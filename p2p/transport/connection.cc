#include "p2p/transport/connection.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <chrono>

#include "base/system_clock.h"

namespace peerbook::p2p {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

constexpr auto linger_time = std::chrono::seconds(1);
constexpr std::size_t read_step_bytes = 16 * 1024;  // what TLS gives at once
constexpr std::size_t discard_bytes = 4 * 1024;
// A TLS write that found no room must be repeated with no fewer bytes than it had taken up.
constexpr std::size_t tls_record_bytes = 16 * 1024;

PeerAddress address_of(const tcp::endpoint& endpoint) {
    asio::ip::address address = endpoint.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    return {address.to_string(), endpoint.port()};
}

}  // namespace

Connection::Connection(asio::io_context& io, ConnectionId id, std::unique_ptr<Channel> channel,
                       const TokenBucket::Rate& received_rate, DirectConnectionsEvents& events)
    : socket_(io),
      resolver_(io),
      close_timer_(io),
      read_timer_(io),
      id_(id),
      channel_(std::move(channel)),
      events_(&events),
      received_rate_(received_rate, mono_now()) {}

void Connection::dial(const PeerAddress& address) {
    error_code code;
    const asio::ip::address literal = asio::ip::make_address(address.host, code);
    if (!code) return connect({tcp::endpoint(literal, address.port)});
    resolver_.async_resolve(
        address.host, std::to_string(address.port), tcp::resolver::numeric_service,
        [self = shared_from_this()](error_code error, const tcp::resolver::results_type& results) {
            if (!self->events_) return;
            if (error) return self->broken("cannot resolve the name: " + error.message(), false);
            std::vector<tcp::endpoint> endpoints;
            for (const auto& result : results)
                endpoints.push_back(result.endpoint());
            self->connect(std::move(endpoints));
        });
}

void Connection::connect(std::vector<tcp::endpoint> endpoints) {
    // The handler owns the list: async_connect only refers to it.
    auto list = std::make_shared<std::vector<tcp::endpoint>>(std::move(endpoints));
    asio::async_connect(socket_, *list,
                        [self = shared_from_this(), list](error_code error, const tcp::endpoint&) {
                            if (!self->events_) return;
                            if (error) return self->broken("cannot connect: " + error.message(), false);
                            self->opened();
                        });
}

void Connection::accept(Socket socket) {
    socket_ = std::move(socket);
    opened();
}

void Connection::attach(Socket socket, const PeerAddress& remote) {
    socket_ = std::move(socket);
    remote_ = remote;
    // Not at once: the caller is inside of what its owner does with an effect.
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
        if (self->events_) self->begin();
    });
}

void Connection::opened() {
    error_code code;
    remote_ = address_of(socket_.remote_endpoint(code));
    if (code) return broken("closed before it was used", false);
    socket_.set_option(tcp::no_delay(true), code);
    begin();
}

void Connection::begin() {
    error_code code;
    socket_.non_blocking(true, code);
    received();
    if (events_) read();
}

void Connection::read() {
    const std::span<std::uint8_t> space = channel_->input_space();
    has_no_room_ = space.empty();
    if (has_no_room_) return;
    is_reading_ = true;
    socket_.async_read_some(
        asio::buffer(space.data(), space.size()),
        [self = shared_from_this()](error_code error, std::size_t bytes) {
            self->is_reading_ = false;
            if (!self->events_) return self->discard_until_closed();
            if (error) {
                const bool is_end = error == asio::error::eof;
                return self->broken(is_end ? "closed by the peer" : error.message(), false);
            }
            self->moved_ += bytes;
            self->channel_->input_commit(bytes);
            self->events_->on_bytes(self->id_);
            const ConnectionCounters before = self->counters_;
            if (self->events_) self->received();
            const auto frames = static_cast<std::int64_t>(self->counters_.frames_in - before.frames_in);
            const auto saved = static_cast<std::int64_t>(self->counters_.saved_in - before.saved_in);
            const Duration pause = self->received_rate_.charge(
                mono_now(), static_cast<std::int64_t>(bytes) + saved + frames * frame_cost);
            if (self->events_) self->read_after(pause);
        });
}

void Connection::read_after(Duration pause) {
    if (pause <= Duration{}) return read();
    is_reading_ = true;
    read_timer_.expires_after(std::chrono::nanoseconds(pause.ns));
    read_timer_.async_wait([self = shared_from_this()](error_code) {
        self->is_reading_ = false;
        if (!self->events_) return self->discard_until_closed();
        self->read();
    });
}

// Works through what arrived, then writes what that gave rise to in one go.
void Connection::received() {
    if (!is_ready_) {
        Result<bool> done = channel_->handshake();
        if (!done) {
            write();  // the alert that tells the other side why
            return broken(done.error().message, true);
        }
        if (*done) {
            const Result<ChannelBinding> binding = channel_->binding();
            if (!binding) return broken(binding.error().message, true);
            is_ready_ = true;
            events_->on_ready(id_, remote_, *binding);
        }
    }
    while (is_ready_ && events_) {
        const std::span<std::uint8_t> space = reader_.space(read_step_bytes);
        Result<std::size_t> read = channel_->read(space);
        if (!read) {
            // Whoever holds the line can spoil what both ends encrypted: that is not the peer's doing.
            return broken(read.error().message, false);
        }
        if (*read == 0) break;
        reader_.commit(*read);
        if (!take_frames()) return;
    }
    if (events_) write();
}

bool Connection::take_frames() {
    while (std::optional<ByteView> payload = reader_.next()) {
        ++counters_.frames_in;
        counters_.bytes_in += payload->size() + frame_header_bytes;
        if (expander_ && payload->front() == compressed_kind) {
            const Result<ByteView> expanded = expander_->expand(*payload);
            if (!expanded) {
                broken(expanded.error().message, true);
                return false;
            }
            if (expanded->size() > payload->size()) counters_.saved_in += expanded->size() - payload->size();
            payload = *expanded;
        }
        events_->on_frame(id_, *payload);
        if (!events_) return false;
    }
    if (!reader_.error()) return true;
    broken(*reader_.error(), true);
    return false;
}

void Connection::broken(const std::string& why, bool by_peer) {
    if (!events_) return;
    DirectConnectionsEvents& events = *std::exchange(events_, nullptr);
    const auto self = shared_from_this();  // the event lets go of us
    events.on_broken(id_, why, by_peer);
    shut();
}

SendQueue::Outcome Connection::send_control(OutgoingPayload payload) {
    const SendQueue::Outcome outcome = queue_.push_control(std::move(payload));
    if (outcome == SendQueue::Outcome::queued) wake();
    return outcome;
}

SendQueue::Outcome Connection::send_data(MonoTime now, OutgoingPayload payload) {
    const SendQueue::Outcome outcome = queue_.push_data(now, std::move(payload));
    if (outcome == SendQueue::Outcome::queued) wake();
    return outcome;
}

// Several frames of one turn of the event loop become one write.
void Connection::wake() {
    if (is_woken_ || is_writing_ || !is_ready_) return;
    is_woken_ = true;
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
        self->is_woken_ = false;
        self->write();
    });
}

bool Connection::fill_output() {
    for (;;) {
        if (gathered_written_ == gathered_.size()) {
            gathered_.clear();
            gathered_written_ = 0;
            if (!is_ready_ || queue_.empty()) return true;
            const std::size_t frames = queue_.gather(gathered_);
            counters_.frames_out += frames;
            counters_.bytes_out += gathered_.size();
        }
        Result<std::size_t> written = channel_->write(ByteView(gathered_).subspan(gathered_written_));
        if (!written) {
            broken(written.error().message, false);  // of our bytes, not the peer's
            return false;
        }
        if (*written == 0) return true;
        gathered_written_ += *written;
    }
}

void Connection::write() {
    if (is_writing_ || !socket_.is_open() || !fill_output()) return;
    const ByteView output = channel_->output();
    if (output.empty()) {
        if (!events_) {
            // Everything is written: the peer sees the end after the last byte.
            error_code code;
            socket_.shutdown(tcp::socket::shutdown_send, code);
            discard_until_closed();
        }
        return;
    }
    is_writing_ = true;
    socket_.async_write_some(asio::buffer(output.data(), output.size()),
                             [self = shared_from_this()](error_code error, std::size_t bytes) {
                                 self->is_writing_ = false;
                                 if (error) {
                                     if (self->events_) return self->broken(error.message(), false);
                                     return self->shut();
                                 }
                                 self->moved_ += bytes;
                                 self->channel_->output_consume(bytes);
                                 if (self->events_ && self->channel_->waits_for_output()) self->received();
                                 if (self->events_ && self->has_no_room_ && !self->is_reading_) self->read();
                                 self->write();
                             });
}

bool Connection::sweep() {
    if (moved_ != std::exchange(moved_at_sweep_, moved_)) {
        is_swept_ = false;
        return false;
    }
    const bool is_idle = events_ && is_ready_ && !is_writing_ && queue_.empty() && gathered_.empty();
    if (!is_idle || std::exchange(is_swept_, true)) return true;
    channel_->release();
    reader_.release();
    queue_.release();
    Bytes().swap(gathered_);
    return true;
}

void Connection::close() {
    if (!events_) return;
    events_ = nullptr;
    if (!is_ready_) return shut();
    drop_data();
    close_timer_.expires_after(linger_time);
    close_timer_.async_wait([self = shared_from_this()](error_code) { self->shut(); });
    // Not at once: the caller may be inside one of our events.
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
        self->reader_ = FrameReader(unauthenticated_frame_bytes_max);
        self->write();
    });
}

// Keeps the rest of the frame that is being written, so that the control frames after it can be read.
void Connection::drop_data() {
    queue_.drop_data();
    std::size_t keep = 0;
    while (keep < gathered_.size() && keep < gathered_written_ + tls_record_bytes)
        keep += frame_header_bytes + frame_payload_bytes(ByteView(gathered_).subspan(keep));
    gathered_.resize(keep);
}

void Connection::close_now() {
    events_ = nullptr;
    error_code code;
    if (is_ready_ && !is_writing_ && fill_output()) {
        const ByteView output = channel_->output();
        if (!output.empty()) socket_.write_some(asio::buffer(output.data(), output.size()), code);
        socket_.shutdown(tcp::socket::shutdown_send, code);
    }
    shut();
}

// Closing a socket with unread bytes resets the connection and loses what the other side has not read yet; so
// what still comes is read and thrown away.
void Connection::discard_until_closed() {
    if (is_reading_ || !socket_.is_open()) return;
    discarded_.resize(discard_bytes);
    is_reading_ = true;
    socket_.async_read_some(asio::buffer(discarded_),
                            [self = shared_from_this()](error_code error, std::size_t) {
                                self->is_reading_ = false;
                                if (error) return self->shut();
                                self->discard_until_closed();
                            });
}

void Connection::shut() {
    error_code code;
    resolver_.cancel();
    close_timer_.cancel();
    read_timer_.cancel();
    socket_.close(code);
}

}  // namespace peerbook::p2p
