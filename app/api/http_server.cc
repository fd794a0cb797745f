#include "app/api/http_server.h"

#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <list>
#include <optional>

#include "app/api/api_error.h"
#include "base/log.h"
#include "p2p/peers/ip_address.h"
#include "p2p/peers/peer_address.h"

namespace peerbook::app {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyTime = std::chrono::steady_clock::time_point;

namespace {

constexpr std::size_t read_bytes = 16 * 1024;
constexpr std::size_t read_bytes_body = 64 * 1024;
// A body leaves the buffer as it arrives; what stays is a header or framing that is not complete. This much
// beyond the largest header holds the read that finds it too large, and requests sent ahead.
constexpr std::size_t buffer_bytes_spare = 128 * 1024;
constexpr std::uint64_t connections_min = 16;
// After an answer that ends a connection, this much more of a client's sending is read and dropped, so that
// closing does not reset the connection before the client has read the answer.
constexpr std::size_t linger_bytes_max = 4 * 1024 * 1024;
constexpr std::chrono::seconds linger_time_max{2};
// Connections that are only told that there are too many; above that they are closed without a word.
constexpr std::size_t refused_connections_max = 64;
constexpr std::chrono::milliseconds sweep_interval{100};

std::chrono::nanoseconds chrono_of(Duration duration) {
    return std::chrono::nanoseconds(duration.ns);
}

const char* reason_phrase(unsigned status) {
    switch (status) {
        case 200:
            return "OK";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 413:
            return "Payload Too Large";
        case 421:
            return "Misdirected Request";
        case 422:
            return "Unprocessable Entity";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        default:
            return status < 500 ? "Error" : "Internal Server Error";
    }
}

void write_head(std::string& head, const ApiResponse& response, bool keep_alive) {
    head.clear();
    head += "HTTP/1.1 ";
    head += std::to_string(response.status);
    head += ' ';
    head += reason_phrase(response.status);
    head += "\r\nContent-Type: ";
    head += response.content_type;
    head += "\r\nContent-Length: ";
    head += std::to_string(response.body.size());
    head += "\r\nCache-Control: no-store\r\n";
    if (response.allow) {
        head += "Allow: ";
        head += response.allow;
        head += "\r\n";
    }
    if (response.status == 401) head += "WWW-Authenticate: Bearer\r\n";
    if (response.status == 429 || response.status == 503) head += "Retry-After: 1\r\n";
    head += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
}

std::string_view view_of(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

}  // namespace

class Connection;

struct HttpServer::State : std::enable_shared_from_this<HttpServer::State> {
    State(asio::io_context& io_, HttpHandler handler_, HttpLimits limits_, HttpGate gate_)
        : io(io_),
          acceptor(io_),
          sweeper(io_),
          handler(std::move(handler_)),
          gate(std::move(gate_)),
          limits(limits_) {}

    Status listen(HttpName name, const std::string& host, std::uint16_t port);
    void accept();
    void accepted(tcp::socket socket);
    bool has_too_many(const std::string& host) const;
    void sweep();
    void stop();

    asio::io_context& io;
    tcp::acceptor acceptor;
    asio::steady_timer sweeper;
    HttpHandler handler;
    HttpGate gate;
    HttpLimits limits;
    // Times are compared with this reading, taken at each sweep: a reading a request would cost more than the
    // sweep's coarseness matters.
    SteadyTime now = std::chrono::steady_clock::now();
    std::list<std::shared_ptr<Connection>> connections;  // closed ones leave at the next sweep
    std::size_t open = 0;                                // those not closed
    std::size_t served = 0;                              // of them; the others are only told why not
    std::uint16_t port = 0;
    bool accept_failed = false;
    bool stopped = false;
};

// One client. Reading, handling, writing and lingering follow one another; never two at once.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    using Server = HttpServer::State;

    Connection(std::shared_ptr<Server> server, tcp::socket socket)
        : server_(std::move(server)),
          socket_(std::move(socket)),
          buffer_(server_->limits.header_bytes_max + buffer_bytes_spare) {
        error_code ignored;
        remote_ = p2p::plain_literal(socket_.remote_endpoint(ignored).address().to_string());
        local_ = p2p::plain_literal(socket_.local_endpoint(ignored).address().to_string());
    }

    const std::string& remote() const { return remote_; }

    void serve() {
        is_served_ = true;
        ++server_->served;
        begin_request();
        read();
    }

    // Answers with an error before reading anything, then closes.
    void refuse(ApiResponse response) {
        keep_alive_ = false;
        write(std::move(response));
    }

    void close() {
        if (phase_ == Phase::closed) return;
        phase_ = Phase::closed;
        --server_->open;
        if (std::exchange(is_served_, false)) --server_->served;
        ++request_number_;
        error_code ignored;
        socket_.close(ignored);
    }

    bool closed() const { return phase_ == Phase::closed; }
    bool served() const { return is_served_; }

    void check_time(SteadyTime now) {
        if (phase_ == Phase::closed || now < deadline_) return;
        switch (phase_) {
            case Phase::reading:
                ++request_number_;
                timed_out_ = true;
                keep_alive_ = false;
                socket_.cancel();  // the read ends, and answers
                break;
            case Phase::handling:
                ++request_number_;  // the late completion is ignored
                write(late_answer());
                break;
            default:
                close();
        }
    }

  private:
    enum class Phase { idle, reading, handling, writing, lingering, closed };

    void set_deadline(Phase phase, std::chrono::nanoseconds span) {
        phase_ = phase;
        deadline_ = server_->now + span;
    }

    void begin_request() {
        parser_.emplace();
        parser_->eager(false);
        parser_->body_limit(server_->limits.body_bytes_max);
        parser_->header_limit(server_->limits.header_bytes_max);
        head_done_ = false;
        head_only_ = false;
        if (buffer_.size() == 0)
            set_deadline(Phase::idle, patience(server_->limits.idle_time_max));
        else
            set_deadline(Phase::reading, patience(server_->limits.request_time_max));
    }

    void read() {
        const std::size_t wanted = head_done_ ? read_bytes_body : read_bytes;
        if (buffer_.size() + wanted > buffer_.max_size()) return refuse_header();
        socket_.async_read_some(buffer_.prepare(wanted),
                                [self = shared_from_this()](error_code failure, std::size_t size) {
                                    self->received(failure, size);
                                });
    }

    void received(error_code failure, std::size_t size) {
        if (phase_ == Phase::closed) return;
        if (timed_out_) return refuse(late_request());
        if (failure) return close();  // also the client's orderly end, between requests or within one
        buffer_.commit(size);
        if (phase_ == Phase::idle) set_deadline(Phase::reading, patience(server_->limits.request_time_max));
        parse();
    }

    static ApiResponse late_request() {
        ApiResponse response = error_response(ErrorCode::timed_out, "the request did not arrive in time");
        response.status = 408;
        return response;
    }

    // Goes as far as the buffered bytes reach: to the handler, or back to reading.
    void parse() {
        error_code failure;
        while (!parser_->is_done()) {
            if (buffer_.size() == 0) return read();
            buffer_.consume(parser_->put(buffer_.data(), failure));
            if (failure == http::error::need_more) {
                // The parser itself bounds headers, but neither chunk extensions nor trailers.
                if (buffer_.size() > server_->limits.header_bytes_max) return refuse_header();
                return read();
            }
            if (failure) return refuse_malformed(failure);
            if (!head_done_ && parser_->is_header_done() && !begin_body()) return;
        }
        handle();
    }

    // After the header. False if the request was refused, or if a "100 Continue" is being sent, after which
    // parsing goes on.
    bool begin_body() {
        head_done_ = true;
        if (!pass_gate()) return false;
        parser_->eager(true);
        if (parser_->is_done() || buffer_.size() != 0) return true;
        if (!boost::beast::iequals(parser_->get()[http::field::expect], "100-continue")) return true;
        static constexpr char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        asio::async_write(socket_, asio::buffer(go_on, sizeof go_on - 1),
                          [self = shared_from_this()](error_code failure, std::size_t) {
                              if (self->phase_ == Phase::closed) return;
                              if (failure) return self->close();
                              self->read();
                          });
        return false;
    }

    // False, with the refusal on its way, if the gate does not let the request in.
    bool pass_gate() {
        if (!server_->gate) {
            known_ = true;
            return true;
        }
        Admission admission = server_->gate(head_of_request());
        if (admission.refusal) {
            head_only_ = parser_->get().method() == http::verb::head;
            refuse(std::move(*admission.refusal));
            return false;
        }
        if (!admission.authenticated && !parser_->is_done()) {
            refuse(error_response(ErrorCode::too_large, "this path takes no body"));
            return false;
        }
        if (admission.authenticated && !known_) {
            known_ = true;
            set_deadline(Phase::reading, chrono_of(server_->limits.request_time_max));
        }
        return true;
    }

    void refuse_header() {
        ApiResponse response = error_response(
            ErrorCode::too_large, "the header, or what stands between the chunks of the body, is above " +
                                      std::to_string(server_->limits.header_bytes_max) + " bytes");
        response.status = 431;
        refuse(std::move(response));
    }

    void refuse_malformed(error_code failure) {
        if (failure == http::error::body_limit && server_->limits.body_refusal != nullptr)
            return refuse({413, "text/plain", server_->limits.body_refusal});
        if (failure == http::error::body_limit)
            return refuse(error_response(
                ErrorCode::too_large,
                "the body is above " + std::to_string(server_->limits.body_bytes_max) + " bytes"));
        if (failure == http::error::header_limit) return refuse_header();
        refuse(error_response(ErrorCode::invalid_input, "malformed HTTP: " + failure.message()));
    }

    // Views into the parser's message, without the body.
    ApiRequest head_of_request() {
        const auto& message = parser_->get();
        const std::string_view target = view_of(message.target());
        const std::size_t question = std::min(target.find('?'), target.size());
        ApiRequest request;
        request.method = view_of(message.method_string());
        request.path = target.substr(0, question);
        request.query = target.substr(std::min(question + 1, target.size()));
        request.host = view_of(message[http::field::host]);
        request.authorization = view_of(message[http::field::authorization]);
        request.content_type = view_of(message[http::field::content_type]);
        request.origin = view_of(message[http::field::origin]);
        request.remote = remote_;
        request.local = local_;
        return request;
    }

    void handle() {
        auto& message = parser_->get();
        keep_alive_ = message.keep_alive();
        head_only_ = message.method() == http::verb::head;
        may_change_ = !head_only_ && message.method() != http::verb::get;
        ApiRequest request = head_of_request();
        request.body = std::move(message.body());
        set_deadline(Phase::handling, chrono_of(server_->limits.answer_time_max));
        server_->handler(request,
                         [self = shared_from_this(), number = request_number_](ApiResponse response) {
                             if (number == self->request_number_ && self->phase_ == Phase::handling)
                                 self->write(std::move(response));
                         });
    }

    // 504 and not 408, which proxies and browsers take as leave to send the request once more.
    ApiResponse late_answer() const {
        return error_response(
            ErrorCode::timed_out,
            may_change_
                ? "no answer in time; the command may have been executed: look for the order, or send "
                  "it again with the same nonce"
                : "no answer in time; ask again");
    }

    void write(ApiResponse response) {
        ++request_number_;
        set_deadline(Phase::writing, chrono_of(server_->limits.write_time_max));
        response_ = std::move(response);
        write_head(head_, response_, keep_alive_);
        // An answer to HEAD has the length of its body, but not the body.
        const std::size_t body_bytes = head_only_ ? 0 : response_.body.size();
        const std::array<asio::const_buffer, 2> parts = {asio::buffer(head_),
                                                         asio::buffer(response_.body.data(), body_bytes)};
        asio::async_write(socket_, parts, [self = shared_from_this()](error_code failure, std::size_t) {
            if (self->phase_ == Phase::closed) return;
            if (failure) return self->close();
            self->written();
        });
    }

    void written() {
        if (server_->stopped) return close();
        if (!keep_alive_) return linger();
        begin_request();
        if (buffer_.size() != 0)
            parse();
        else
            read();
    }

    void linger() {
        error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
        phase_ = Phase::lingering;
        deadline_ = server_->now + linger_time_max;
        buffer_.clear();
        drop_input(0);
    }

    void drop_input(std::size_t dropped) {
        socket_.async_read_some(buffer_.prepare(read_bytes),
                                [self = shared_from_this(), dropped](error_code failure, std::size_t size) {
                                    if (self->phase_ == Phase::closed) return;
                                    if (failure || dropped + size > linger_bytes_max) return self->close();
                                    self->drop_input(dropped + size);
                                });
    }

    // A connection on which nobody has shown the cookie yet is given less time.
    std::chrono::nanoseconds patience(Duration span) const {
        return chrono_of(known_ ? span : std::min(span, server_->limits.stranger_time_max));
    }

    std::shared_ptr<Server> server_;
    tcp::socket socket_;
    std::string remote_, local_;
    boost::beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    ApiResponse response_;
    std::string head_;
    SteadyTime deadline_{};
    std::uint64_t request_number_ = 0;  // a completion of an earlier request is recognized by it
    Phase phase_ = Phase::idle;
    bool head_done_ = false;
    bool keep_alive_ = true;
    bool timed_out_ = false;
    bool head_only_ = false;
    bool may_change_ = false;  // the request under way is no question only
    bool known_ = false;       // the gate has let a request of this connection in
    bool is_served_ = false;   // not refused, and not closed
};

Status HttpServer::State::listen(HttpName name, const std::string& host, std::uint16_t wanted_port) {
    error_code failure;
    const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, failure);
    if (failure)
        return Error{
            ErrorCode::invalid_input,
            std::string(name.what) + "'s host must be an IP address such as 127.0.0.1, not " + quoted(host)};
    const std::string refused = std::string(name.what) + " cannot listen on " +
                                p2p::to_string(p2p::PeerAddress{host, wanted_port}) + ": ";
    const tcp::endpoint endpoint(address, wanted_port);
    acceptor.open(endpoint.protocol(), failure);
    if (!failure) acceptor.set_option(tcp::acceptor::reuse_address(true), failure);
    if (!failure) acceptor.bind(endpoint, failure);
    if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
    if (failure == asio::error::address_in_use)
        return Error{ErrorCode::conflict, refused + "port " + std::to_string(wanted_port) +
                                              " is in use by another program; choose another with " +
                                              name.port_flag};
    if (failure) return Error{ErrorCode::io, refused + failure.message()};
    port = acceptor.local_endpoint(failure).port();
    return {};
}

void HttpServer::State::accept() {
    acceptor.async_accept([self = shared_from_this()](error_code failure, tcp::socket socket) {
        if (self->stopped) return;
        if (failure) {
            // Most likely no file descriptor is left; the next sweep tries again.
            log_warn("api", "event=accept_failed error=\"" + failure.message() + "\"");
            self->accept_failed = true;
            return;
        }
        self->accepted(std::move(socket));
        self->accept();
    });
}

void HttpServer::State::accepted(tcp::socket socket) {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    auto connection = std::make_shared<Connection>(shared_from_this(), std::move(socket));
    // Those that are refused take nobody's place, or one host could take all by what it is refused.
    const bool is_refused = served >= limits.connections_max || has_too_many(connection->remote());
    if (is_refused && open - served >= refused_connections_max) return;  // closed without a word
    connections.push_back(connection);
    ++open;
    if (is_refused)
        connection->refuse(error_response(ErrorCode::unavailable, "too many connections; try again later"));
    else
        connection->serve();
}

bool HttpServer::State::has_too_many(const std::string& host) const {
    if (limits.connections_of_host_max == 0 || p2p::is_loopback_host(host)) return false;
    const std::string key = p2p::limit_key(host);
    const auto of_host = std::count_if(connections.begin(), connections.end(), [&](const auto& connection) {
        return connection->served() && p2p::limit_key(connection->remote()) == key;
    });
    return static_cast<std::size_t>(of_host) >= limits.connections_of_host_max;
}

void HttpServer::State::sweep() {
    sweeper.expires_after(sweep_interval);
    sweeper.async_wait([self = shared_from_this()](error_code failure) {
        if (failure || self->stopped) return;
        self->now = std::chrono::steady_clock::now();
        for (auto it = self->connections.begin(); it != self->connections.end();) {
            (*it)->check_time(self->now);
            it = (*it)->closed() ? self->connections.erase(it) : std::next(it);
        }
        if (std::exchange(self->accept_failed, false)) self->accept();
        self->sweep();
    });
}

void HttpServer::State::stop() {
    if (std::exchange(stopped, true)) return;
    error_code ignored;
    acceptor.close(ignored);
    sweeper.cancel();
    for (const auto& connection : connections)
        connection->close();
    connections.clear();
}

std::size_t connections_within(std::uint64_t descriptors, std::size_t wanted) {
    return static_cast<std::size_t>(
        std::min<std::uint64_t>(wanted, std::max(connections_min, descriptors / 3)));
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() {
    stop();
}
std::uint16_t HttpServer::port() const {
    return state_->port;
}
std::size_t HttpServer::connections() const {
    return state_->connections.size();
}
void HttpServer::stop() {
    state_->stop();
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(boost::asio::io_context& io, HttpName name,
                                                      const std::string& host, std::uint16_t port,
                                                      HttpHandler handler, HttpLimits limits, HttpGate gate) {
    auto state = std::make_shared<State>(io, std::move(handler), limits, std::move(gate));
    if (Status status = state->listen(name, host, port); !status.ok()) return status.error();
    state->accept();
    state->sweep();
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

}  // namespace peerbook::app
