#include "p2p/transport/http_call.h"

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

#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::uint32_t header_bytes_max = 8 * 1024;

class BeastCall final : public HttpCall, public std::enable_shared_from_this<BeastCall> {
  public:
    BeastCall(asio::io_context& io, HttpQuestion question, Done done)
        : question_(std::move(question)), done_(std::move(done)), resolver_(io), stream_(io), timer_(io) {}

    void begin() {
        request_ = {question_.body.empty() ? http::verb::get : http::verb::post, question_.target, 11,
                    std::move(question_.body)};
        request_.set(http::field::host,
                     question_.host_header.empty() ? to_string(question_.server) : question_.host_header);
        if (request_.method() == http::verb::post)
            request_.set(http::field::content_type, "application/json");
        request_.keep_alive(false);
        request_.prepare_payload();
        parser_.body_limit(question_.answer_bytes_max);
        parser_.header_limit(header_bytes_max);
        timer_.expires_after(std::chrono::nanoseconds(question_.time_max.ns));
        timer_.async_wait([self = shared_from_this()](error_code stopped) {
            if (!stopped)
                self->end(Error{
                    ErrorCode::timed_out,
                    "does not answer within " + std::to_string(self->question_.time_max.ms() / 1000) + " s"});
        });
        resolver_.async_resolve(question_.server.host, std::to_string(question_.server.port),
                                [self = shared_from_this()](error_code failure, const auto& found) {
                                    if (self->passed(failure)) self->connect(found);
                                });
    }

    void cancel() override {
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
        error_code ignored;
        answer_.local = plain_literal(stream_.socket().local_endpoint(ignored).address().to_string());
        answer_.remote = plain_literal(stream_.socket().remote_endpoint(ignored).address().to_string());
        http::async_write(stream_, request_, [self = shared_from_this()](error_code failure, std::size_t) {
            if (self->passed(failure)) self->read();
        });
    }

    void read() {
        http::async_read(stream_, buffer_, parser_,
                         [self = shared_from_this()](error_code failure, std::size_t) {
                             if (!self->passed(failure)) return;
                             auto message = self->parser_.release();
                             self->answer_.status = message.result_int();
                             self->answer_.body = std::move(message.body());
                             self->end(std::move(self->answer_));
                         });
    }

    // False if the call has ended, now or before.
    bool passed(error_code failure) {
        if (!done_) return false;
        if (!failure) return true;
        if (failure == http::error::body_limit)
            end(Error{ErrorCode::too_large,
                      "answers with more than " + std::to_string(question_.answer_bytes_max) + " bytes"});
        else
            end(Error{ErrorCode::unavailable, failure.message()});
        return false;
    }

    void end(Result<HttpAnswer> result) {
        if (!done_) return;
        const Done done = std::exchange(done_, nullptr);
        close();
        done(std::move(result));
    }

    void close() {
        timer_.cancel();
        resolver_.cancel();
        stream_.close();
    }

    HttpQuestion question_;
    Done done_;
    tcp::resolver resolver_;
    beast::tcp_stream stream_;
    asio::steady_timer timer_;
    beast::flat_buffer buffer_;
    http::request<http::string_body> request_;
    http::response_parser<http::string_body> parser_;
    HttpAnswer answer_;
};

}  // namespace

std::shared_ptr<HttpCall> begin_http_call(asio::io_context& io, HttpQuestion question, HttpCall::Done done) {
    auto call = std::make_shared<BeastCall>(io, std::move(question), std::move(done));
    call->begin();
    return call;
}

}  // namespace peerbook::p2p
