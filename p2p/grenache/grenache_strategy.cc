#include "p2p/grenache/grenache_strategy.h"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <chrono>

#include "base/random.h"
#include "p2p/dht/service_name.h"
#include "p2p/grenache/grape_wire.h"

namespace peerbook::p2p {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::uint32_t header_bytes_max = 8 * 1024;

struct Answer {
    unsigned status = 0;
    std::string body;
};

// One question on a connection of its own. Lives until `done` was called or cancel().
class Call : public std::enable_shared_from_this<Call> {
  public:
    using Done = std::function<void(Result<Answer>)>;

    Call(asio::io_context& io, PeerAddress grape)
        : grape_(std::move(grape)), resolver_(io), stream_(io), timer_(io) {}

    void begin(std::string_view path, std::string body, Done done) {
        done_ = std::move(done);
        request_ = {http::verb::post, {path.data(), path.size()}, 11, std::move(body)};
        request_.set(http::field::host, to_string(grape_));
        request_.set(http::field::content_type, "application/json");
        request_.keep_alive(false);
        request_.prepare_payload();
        parser_.body_limit(grape_body_bytes_max);
        parser_.header_limit(header_bytes_max);
        timer_.expires_after(std::chrono::nanoseconds(grape_call_time_max.ns));
        timer_.async_wait([self = shared_from_this()](error_code stopped) {
            if (!stopped) self->end(Error{ErrorCode::timed_out, "does not answer within 10 s"});
        });
        resolver_.async_resolve(grape_.host, std::to_string(grape_.port),
                                [self = shared_from_this()](error_code failure, const auto& found) {
                                    if (self->passed(failure)) self->connect(found);
                                });
    }

    // `done` is not called any more.
    void cancel() {
        done_ = nullptr;
        close();
    }

  private:
    void connect(const tcp::resolver::results_type& found) {
        stream_.async_connect(found, [self = shared_from_this()](error_code failure, const tcp::endpoint&) {
            if (self->passed(failure)) self->write();
        });
    }

    void write() {
        http::async_write(stream_, request_, [self = shared_from_this()](error_code failure, std::size_t) {
            if (self->passed(failure)) self->read();
        });
    }

    void read() {
        http::async_read(stream_, buffer_, parser_,
                         [self = shared_from_this()](error_code failure, std::size_t) {
                             if (!self->passed(failure)) return;
                             auto message = self->parser_.release();
                             self->end(Answer{message.result_int(), std::move(message.body())});
                         });
    }

    // False if the call has ended, now or before.
    bool passed(error_code failure) {
        if (!done_) return false;
        if (!failure) return true;
        if (failure == http::error::body_limit)
            end(Error{ErrorCode::too_large, "answers with more than 8,192 bytes"});
        else
            end(Error{ErrorCode::unavailable, failure.message()});
        return false;
    }

    void end(Result<Answer> result) {
        if (!done_) return;
        const Done done = std::exchange(done_, nullptr);
        close();
        if (!result) result = result.error().within("Grape " + to_string(grape_));
        done(std::move(result));
    }

    void close() {
        timer_.cancel();
        resolver_.cancel();
        stream_.close();
    }

    PeerAddress grape_;
    tcp::resolver resolver_;
    beast::tcp_stream stream_;
    asio::steady_timer timer_;
    beast::flat_buffer buffer_;
    http::request<http::string_body> request_;
    http::response_parser<http::string_body> parser_;
    Done done_;
};

class GrenacheStrategy final : public DiscoveryStrategy {
  public:
    GrenacheStrategy(asio::io_context& io, DiscoveryIdentity identity, std::string url)
        : io_(io),
          identity_(std::move(identity)),
          outside_port_(identity_.port),
          url_(std::move(url)),
          service_(service_name(identity_.network)) {}

    ~GrenacheStrategy() override { stop(); }

    std::string_view name() const override { return "grenache"; }

    Status start(Found found) override {
        Result<PeerAddress> grape = parse_grape_url(url_);
        if (!grape) return grape.error();
        grape_ = std::move(*grape);
        found_ = std::move(found);
        return {};
    }

    void search(Done done) override {
        done_ = std::move(done);
        if (identity_.broadcast && outside_port_ != 0)
            announce();
        else
            lookup();
    }

    void set_outside_port(std::uint16_t port) override { outside_port_ = port; }

    // What was announced is forgotten by the Grape within minutes; it has no call to take it back.
    void stop() override {
        if (call_) call_->cancel();
        call_.reset();
        done_ = nullptr;
        found_ = nullptr;
    }

  private:
    // Looked up is in any case: a Grape that knows no other node cannot announce, and may know somebody.
    void announce() {
        ask(grape_announce_path, grape_announce_body(question_id(), service_, outside_port_),
            [this](const Result<Answer>& answer) {
                failure_ = answer ? read_grape_announce(answer->status, answer->body) : answer.error();
                if (!answer) return end();
                lookup();
            });
    }

    void lookup() {
        ask(grape_lookup_path, grape_lookup_body(question_id(), service_),
            [this](const Result<Answer>& answer) {
                if (!answer) {
                    failure_ = answer.error();
                    return end();
                }
                const auto found = read_grape_lookup(answer->status, answer->body);
                if (!found) {
                    failure_ = found.error();
                    return end();
                }
                for (const PeerAddress& address : *found)
                    if (found_ && is_of_interest(address)) found_(address);
                end();
            });
    }

    // The loopback interface of another host is not ours.
    bool is_of_interest(const PeerAddress& address) const {
        if (!is_loopback_host(address.host)) return true;
        return is_loopback_host(grape_.host) && address.port != identity_.port;
    }

    void ask(std::string_view path, std::string body, Call::Done done) {
        call_ = std::make_shared<Call>(io_, grape_);
        call_->begin(path, std::move(body), std::move(done));
    }

    void end() {
        const Status status = std::exchange(failure_, Status());
        if (!done_) return;
        const Done done = std::exchange(done_, nullptr);
        done(status);
    }

    // A random UUID (version 4).
    static std::string question_id() {
        std::array<std::uint8_t, 16> bytes{};
        fill_with_system_random(std::span(bytes));
        bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
        bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
        const std::string digits = to_hex(bytes);
        return digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-" + digits.substr(12, 4) + "-" +
               digits.substr(16, 4) + "-" + digits.substr(20);
    }

    asio::io_context& io_;
    DiscoveryIdentity identity_;
    std::uint16_t outside_port_;  // announced; 0: nothing is
    std::string url_;
    std::string service_;
    PeerAddress grape_;
    Found found_;
    Done done_;
    Status failure_;
    std::shared_ptr<Call> call_;
};

}  // namespace

std::unique_ptr<DiscoveryStrategy> make_grenache_strategy(asio::io_context& io, DiscoveryIdentity identity,
                                                          std::string url) {
    return std::make_unique<GrenacheStrategy>(io, std::move(identity), std::move(url));
}

}  // namespace peerbook::p2p
