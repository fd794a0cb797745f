#include "p2p/transport/rpc_carrier.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "base/log.h"
#include "base/random.h"
#include "base/system_clock.h"
#include "p2p/grenache/rpc_wire.h"
#include "p2p/transport/http_call.h"

namespace peerbook::p2p {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

using LocalSocket = asio::local::stream_protocol::socket;

std::string random_rid() {
    std::array<std::uint8_t, 16> bytes{};
    fill_with_system_random(std::span(bytes));
    return to_hex(bytes);
}

// One connection. Kept alive by what is under way for it.
class CarriedStream : public std::enable_shared_from_this<CarriedStream> {
  public:
    CarriedStream(asio::io_context& io, std::string service, PeerAddress address)
        : io_(io),
          service_(std::move(service)),
          address_(std::move(address)),
          local_(io),
          send_timer_(io),
          receive_timer_(io) {}

    void begin(int socket) {
        error_code code;
        local_.assign(asio::local::stream_protocol(), socket, code);
        if (code) {
            ::close(socket);
            return end(code.message());
        }
        const std::string rid = random_rid();
        ask(rpc_open_body(rid, service_), sending_, [this, rid](const HttpAnswer& answer) {
            const auto id = read_rpc_opened(rid, answer.status, answer.body);
            if (!id) return end(id.error().message);
            id_ = *id;
            read();
            receive();
        });
    }

    void end(const std::string& why) {
        if (std::exchange(is_over_, true)) return;
        log_debug("p2p",
                  "carried connection ended address=" + to_string(address_) + " reason=\"" + why + "\"");
        if (sending_) sending_->cancel();
        if (receiving_) receiving_->cancel();
        error_code ignored;
        local_.close(ignored);
        send_timer_.cancel();
        receive_timer_.cancel();
        if (id_ && !is_ended_there_) close_there();
    }

    bool is_over() const { return is_over_; }

  private:
    using Answered = std::function<void(const HttpAnswer&)>;

    void ask(std::string body, std::shared_ptr<HttpCall>& call, Answered answered) {
        HttpQuestion question;
        question.server = address_;
        question.target = "/";
        question.body = std::move(body);
        question.answer_bytes_max = rpc_body_bytes_max;
        question.time_max = rpc_call_time_max;
        call = begin_http_call(
            io_, std::move(question),
            [self = shared_from_this(), answered = std::move(answered)](const Result<HttpAnswer>& answer) {
                if (self->is_over_) return;
                if (!answer) return self->end(answer.error().message);
                answered(*answer);
            });
    }

    // Bytes gather meanwhile, so that a busy connection asks seldom and with much.
    void after_pause(MonoTime since, asio::steady_timer& timer, void (CarriedStream::*go_on)()) {
        timer.expires_after(
            std::chrono::nanoseconds(std::max((since + rpc_pause_min - mono_now()).ns, std::int64_t{0})));
        timer.async_wait([self = shared_from_this(), go_on](error_code) {
            if (!self->is_over_) (self.get()->*go_on)();
        });
    }

    void read() {
        chunk_.resize(rpc_chunk_bytes_max);
        local_.async_read_some(asio::buffer(chunk_),
                               [self = shared_from_this()](error_code failure, std::size_t bytes) {
                                   if (self->is_over_) return;
                                   if (failure) return self->end("closed here");
                                   self->chunk_.resize(bytes);
                                   self->send();
                               });
    }

    void send() {
        const MonoTime begun = mono_now();
        const std::string rid = random_rid();
        const std::uint64_t behind = sent_ + chunk_.size();
        ask(rpc_send_body(rid, service_, *id_, sent_, chunk_), sending_,
            [this, rid, behind, begun](const HttpAnswer& answer) {
                const auto at = read_rpc_sent(rid, answer.status, answer.body);
                if (!at || *at != behind) return end(at ? "bytes are missing there" : at.error().message);
                sent_ = behind;
                after_pause(begun, send_timer_, &CarriedStream::read);
            });
    }

    void receive() {
        asked_at_ = mono_now();
        const std::string rid = random_rid();
        ask(rpc_receive_body(rid, service_, *id_, received_), receiving_,
            [this, rid](const HttpAnswer& answer) {
                auto received = read_rpc_received(rid, answer.status, answer.body);
                if (!received || received->at != received_)
                    return end(received ? "bytes are missing" : received.error().message);
                received_ += received->data.size();
                is_ended_there_ = received->is_end;
                write(std::move(received->data));
            });
    }

    void write(Bytes data) {
        arrived_ = std::move(data);
        asio::async_write(
            local_, asio::buffer(arrived_), [self = shared_from_this()](error_code failure, std::size_t) {
                if (self->is_over_) return;
                if (failure) return self->end("closed here");
                if (self->is_ended_there_) return self->end("closed there");
                self->after_pause(self->asked_at_, self->receive_timer_, &CarriedStream::receive);
            });
    }

    void close_there() {
        HttpQuestion question;
        question.server = address_;
        question.target = "/";
        question.body = rpc_close_body(random_rid(), service_, *id_);
        question.answer_bytes_max = rpc_body_bytes_max;
        (void)begin_http_call(io_, std::move(question), [](const Result<HttpAnswer>&) {});
    }

    asio::io_context& io_;
    const std::string service_;
    const PeerAddress address_;
    LocalSocket local_;
    std::optional<RpcStreamId> id_;
    std::shared_ptr<HttpCall> sending_, receiving_;
    asio::steady_timer send_timer_, receive_timer_;
    MonoTime asked_at_;  // for bytes, the last time
    std::uint64_t sent_ = 0, received_ = 0;
    Bytes chunk_;    // on its way there
    Bytes arrived_;  // on its way into the socket
    bool is_ended_there_ = false, is_over_ = false;
};

class RpcCarrier final : public StreamCarrier {
  public:
    RpcCarrier(asio::io_context& io, std::string service) : io_(io), service_(std::move(service)) {}
    ~RpcCarrier() override { stop(); }

    void carry(const PeerAddress& address, int socket) override {
        std::erase_if(streams_, [](const auto& stream) { return stream->is_over(); });
        auto stream = std::make_shared<CarriedStream>(io_, service_, address);
        streams_.push_back(stream);
        stream->begin(socket);
    }

    void stop() override {
        for (const auto& stream : std::exchange(streams_, {}))
            stream->end("stopped");
    }

  private:
    asio::io_context& io_;
    const std::string service_;
    std::vector<std::shared_ptr<CarriedStream>>
        streams_;  // as many as there are connections, which are bounded
};

}  // namespace

std::unique_ptr<StreamCarrier> make_rpc_carrier(asio::io_context& io, std::string service) {
    return std::make_unique<RpcCarrier>(io, std::move(service));
}

}  // namespace peerbook::p2p
