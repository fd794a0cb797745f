#include "app/cli/http_client.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "base/system_clock.h"

namespace peerbook::app {

namespace {

std::string words_of(int error_number) {
    std::string words = std::strerror(error_number);
    if (words.size() > 1 && std::islower(static_cast<unsigned char>(words[1]))) {
        words[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(words[0])));
    }
    return words;
}

enum class Ready { yes, timed_out };

// Waits until `events` or an error is on the socket.
Ready wait_for(int socket, short events, MonoTime deadline) {
    for (;;) {
        const Duration left = deadline - mono_now();
        if (left.ns <= 0) return Ready::timed_out;
        pollfd one{socket, events, 0};
        // Rounded up, so that the last wait does not spin.
        const std::int64_t ms = std::min<std::int64_t>(left.ms() + 1, 1'000'000);
        if (::poll(&one, 1, static_cast<int>(ms)) > 0) return Ready::yes;
    }
}

bool has_control_or_blank(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 127; });
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
    });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
        text.remove_suffix(1);
    return text;
}

// The value of the header `name` in a head of lines ended by CR LF, if it is there.
std::optional<std::string_view> header_of(std::string_view head, std::string_view name) {
    while (!head.empty()) {
        const std::size_t end = head.find("\r\n");
        const std::string_view line = head.substr(0, end);
        head.remove_prefix(end == std::string_view::npos ? head.size() : end + 2);
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos && equal_ignoring_case(line.substr(0, colon), name)) {
            return trimmed(line.substr(colon + 1));
        }
    }
    return std::nullopt;
}

template <typename Integer>
std::optional<Integer> whole_number(std::string_view text, int base = 10) {
    Integer value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

Error not_http(const HttpAddress& address, const std::string& what) {
    return {ErrorCode::invalid_input, address.text() + " does not answer as a node does (" + what +
                                          "). Check that the address is that of a node's API"};
}

Error body_too_large(const HttpAddress& address) {
    return {ErrorCode::too_large, "the answer of " + address.text() + " is larger than " +
                                      std::to_string(response_body_bytes_max) +
                                      " bytes. Ask for less, e.g. with a limit"};
}

}  // namespace

std::string HttpAddress::text() const {
    const bool is_ipv6 = host.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<HttpAddress> parse_http_address(std::string_view url) {
    const auto refuse = [url](const std::string& why) {
        return Error{ErrorCode::invalid_input, "'" + std::string(url) + "' is no address of a node: " + why +
                                                   ". Example: http://127.0.0.1:8080"};
    };
    std::string_view rest = url;
    if (const std::size_t scheme = rest.find("://"); scheme != std::string_view::npos) {
        if (!equal_ignoring_case(rest.substr(0, scheme), "http")) return refuse("only http:// is spoken");
        rest.remove_prefix(scheme + 3);
    }
    HttpAddress address;
    if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
        address.path = rest.substr(slash);
        while (!address.path.empty() && address.path.back() == '/')
            address.path.pop_back();
        rest = rest.substr(0, slash);
    }
    std::string_view port;
    if (!rest.empty() && rest.front() == '[') {
        const std::size_t bracket = rest.find(']');
        if (bracket == std::string_view::npos) return refuse("']' is missing");
        address.host = rest.substr(1, bracket - 1);
        rest.remove_prefix(bracket + 1);
        if (!rest.empty() && rest.front() != ':') return refuse("a port must follow ']'");
        if (!rest.empty()) port = rest.substr(1);
    } else {
        const std::size_t colon = rest.find(':');
        address.host = rest.substr(0, colon);
        if (colon != std::string_view::npos) port = rest.substr(colon + 1);
        if (colon != std::string_view::npos && port.empty()) return refuse("the port is missing after ':'");
    }
    if (address.host.empty()) return refuse("the host is missing");
    if (has_control_or_blank(address.host) || has_control_or_blank(address.path))
        return refuse("it has blanks in it");
    if (!port.empty()) {
        const auto number = whole_number<std::uint16_t>(port);
        if (!number || *number == 0) return refuse("the port must be 1 to 65535");
        address.port = *number;
    }
    return address;
}

std::string url_escape(std::string_view text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string escaped;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~') {
            escaped += c;
        } else {
            escaped += '%';
            escaped += digits[byte >> 4];
            escaped += digits[byte & 15];
        }
    }
    return escaped;
}

Result<std::unique_ptr<HttpClient>> HttpClient::connect(const std::string& url, const std::string& cookie,
                                                        Duration timeout) {
    Result<HttpAddress> address = parse_http_address(url);
    if (!address) return address.error();
    if (has_control_or_blank(cookie)) return Error{ErrorCode::invalid_input, "the cookie has blanks in it"};
    std::unique_ptr<HttpClient> client(new HttpClient(std::move(*address), cookie, timeout));
    if (Status status = client->open(mono_now() + timeout); !status) return status.error();
    return client;
}

HttpClient::HttpClient(HttpAddress address, std::string cookie, Duration timeout)
    : address_(std::move(address)), cookie_(std::move(cookie)), timeout_(timeout) {}

HttpClient::~HttpClient() {
    close();
}

void HttpClient::close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
    input_.clear();
    close_after_ = false;
}

Error HttpClient::lost(const std::string& why) const {
    return {ErrorCode::unavailable, "lost the connection to the node at " + address_.text() + ": " + why};
}

Status HttpClient::open(MonoTime deadline) {
    close();
    const std::string prefix = "cannot reach a node at " + address_.text() + ": ";
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int lookup =
        ::getaddrinfo(address_.host.c_str(), std::to_string(address_.port).c_str(), &hints, &found);
    if (lookup != 0) return Error{ErrorCode::unavailable, prefix + ::gai_strerror(lookup)};
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, &::freeaddrinfo);

    Error last{ErrorCode::unavailable, prefix + "the name has no address"};
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        const int fd =
            ::socket(one->ai_family, one->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, one->ai_protocol);
        if (fd < 0) {
            last = {ErrorCode::unavailable, prefix + words_of(errno)};
            continue;
        }
        int error = 0;
        if (::connect(fd, one->ai_addr, one->ai_addrlen) != 0) error = errno;
        if (error == EINPROGRESS) {
            if (wait_for(fd, POLLOUT, deadline) == Ready::timed_out) {
                ::close(fd);
                return Error{ErrorCode::timed_out,
                             prefix + "no answer in " + std::to_string(timeout_.ms()) + " ms"};
            }
            socklen_t size = sizeof error;
            ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        }
        if (error == 0) {
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            socket_ = fd;
            return {};
        }
        ::close(fd);
        last = {ErrorCode::unavailable, prefix + words_of(error)};
    }
    return last;
}

// Between requests the node has nothing to say: anything to read is its end of stream, or bytes that belong
// to no request.
bool HttpClient::was_closed_while_idle() const {
    pollfd one{socket_, POLLIN, 0};
    return ::poll(&one, 1, 0) != 0;
}

Status HttpClient::send_all(std::string_view head, std::string_view body, MonoTime deadline) {
    while (!head.empty() || !body.empty()) {
        iovec parts[2] = {{const_cast<char*>(head.data()), head.size()},
                          {const_cast<char*>(body.data()), body.size()}};
        msghdr message{};
        message.msg_iov = parts;
        message.msg_iovlen = 2;
        const ssize_t sent = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK) return lost(words_of(errno));
            if (wait_for(socket_, POLLOUT, deadline) == Ready::timed_out) {
                return Error{ErrorCode::timed_out, "the node at " + address_.text() +
                                                       " did not take the request in " +
                                                       std::to_string(timeout_.ms()) + " ms"};
            }
            continue;
        }
        const auto count = static_cast<std::size_t>(sent);
        const std::size_t of_head = std::min(count, head.size());
        head.remove_prefix(of_head);
        body.remove_prefix(count - of_head);
    }
    return {};
}

Result<bool> HttpClient::receive(MonoTime deadline) {
    char buffer[64 * 1024];
    for (;;) {
        const ssize_t count = ::recv(socket_, buffer, sizeof buffer, 0);
        if (count > 0) {
            answer_begun_ = true;
            input_.append(buffer, static_cast<std::size_t>(count));
            return true;
        }
        if (count == 0) return false;
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return lost(words_of(errno));
        if (wait_for(socket_, POLLIN, deadline) == Ready::timed_out) {
            return Error{ErrorCode::timed_out, "the node at " + address_.text() + " did not answer in " +
                                                   std::to_string(timeout_.ms()) + " ms"};
        }
    }
}

Result<HttpResponse> HttpClient::request(std::string_view method, std::string_view target,
                                         std::string_view content_type, std::string_view body) {
    const auto has_line_break = [](std::string_view text) {
        return text.find_first_of("\r\n") != std::string_view::npos;
    };
    if (method.empty() || has_control_or_blank(method) || target.empty() || has_control_or_blank(target) ||
        has_line_break(content_type)) {
        return Error{ErrorCode::invalid_input,
                     "a request line with blanks or control characters was not sent"};
    }
    std::string head;
    head.append(method).append(" ").append(address_.path).append(target).append(" HTTP/1.1\r\n");
    head.append("Host: ").append(address_.text()).append("\r\n");
    if (!cookie_.empty()) head.append("Authorization: Bearer ").append(cookie_).append("\r\n");
    if (!content_type.empty()) head.append("Content-Type: ").append(content_type).append("\r\n");
    if (!body.empty() || (method != "GET" && method != "HEAD" && method != "DELETE")) {
        head.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    }
    head.append("\r\n");

    const bool may_repeat = method == "GET" || method == "HEAD";
    const MonoTime deadline = mono_now() + timeout_;
    for (bool repeated = false;; repeated = true) {
        const bool reused = socket_ >= 0 && !close_after_ && !was_closed_while_idle();
        if (!reused) {
            if (Status status = open(deadline); !status) return status.error();
        }
        answer_begun_ = false;
        const Status sent = send_all(head, body, deadline);
        // A node that refuses a request before it has read all of it has answered nevertheless: read before
        // giving up.
        Result<HttpResponse> response = sent || sent.error().code == ErrorCode::unavailable
                                            ? read_response(method == "HEAD", deadline)
                                            : Result<HttpResponse>(sent.error());
        if (response) {
            if (close_after_) close();
            return response;
        }
        close();
        const bool connection_was_stale =
            reused && !answer_begun_ && response.error().code == ErrorCode::unavailable;
        if (!connection_was_stale || !may_repeat || repeated) return response.error();
    }
}

Result<HttpResponse> HttpClient::read_response(bool has_no_body, MonoTime deadline) {
    for (;;) {
        std::size_t end = 0;
        while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
            if (input_.size() > response_head_bytes_max) return not_http(address_, "its head is too long");
            Result<bool> more = receive(deadline);
            if (!more) return more.error();
            if (!*more)
                return lost(answer_begun_ ? "it closed in the middle of an answer"
                                          : "it closed without an answer");
        }
        if (end > response_head_bytes_max) return not_http(address_, "its head is too long");
        const std::string head = input_.substr(0, end + 2);
        input_.erase(0, end + 4);

        // "HTTP/1.1 200 OK"
        const std::string_view line = std::string_view(head).substr(0, head.find("\r\n"));
        if (line.substr(0, 7) != "HTTP/1." || line.size() < 12 || line[8] != ' ') {
            return not_http(address_, "no HTTP status line");
        }
        const auto status = whole_number<int>(line.substr(9, 3));
        if (!status || *status < 100 || *status > 599) return not_http(address_, "no HTTP status");
        if (*status < 200) continue;  // 1xx: the real answer follows

        HttpResponse response;
        response.status = *status;
        const std::string_view headers = std::string_view(head).substr(line.size() + 2);
        response.content_type = header_of(headers, "Content-Type").value_or("");
        const std::string_view connection = header_of(headers, "Connection").value_or("");
        close_after_ = equal_ignoring_case(connection, "close") ||
                       (line[7] == '0' && !equal_ignoring_case(connection, "keep-alive"));
        if (has_no_body || *status == 204 || *status == 304) return response;
        if (Status read = read_body(headers, response, deadline); !read) return read.error();
        return response;
    }
}

Status HttpClient::read_body(std::string_view head, HttpResponse& response, MonoTime deadline) {
    Result<std::string> body = std::string();
    if (const auto encoding = header_of(head, "Transfer-Encoding")) {
        if (!equal_ignoring_case(*encoding, "chunked"))
            return not_http(address_, "unknown transfer encoding");
        body = read_chunks(deadline);
    } else if (const auto length = header_of(head, "Content-Length")) {
        const auto count = whole_number<std::uint64_t>(*length);
        if (!count) return not_http(address_, "wrong Content-Length");
        if (*count > response_body_bytes_max) return body_too_large(address_);
        body = read_exactly(static_cast<std::size_t>(*count), deadline);
    } else {
        close_after_ = true;
        body = read_to_end(deadline);
    }
    if (!body) return body.error();
    response.body = std::move(*body);
    return {};
}

Result<std::string> HttpClient::read_exactly(std::size_t count, MonoTime deadline) {
    while (input_.size() < count) {
        Result<bool> more = receive(deadline);
        if (!more) return more.error();
        if (!*more) return lost("it closed in the middle of an answer");
    }
    if (input_.size() == count) return std::exchange(input_, {});
    std::string taken = input_.substr(0, count);
    input_.erase(0, count);
    return taken;
}

Result<std::string> HttpClient::read_line(MonoTime deadline) {
    std::size_t end = 0;
    while ((end = input_.find("\r\n")) == std::string::npos) {
        if (input_.size() > response_head_bytes_max) return not_http(address_, "a line is too long");
        Result<bool> more = receive(deadline);
        if (!more) return more.error();
        if (!*more) return lost("it closed in the middle of an answer");
    }
    std::string line = input_.substr(0, end);
    input_.erase(0, end + 2);
    return line;
}

Result<std::string> HttpClient::read_chunks(MonoTime deadline) {
    std::string body;
    for (;;) {
        Result<std::string> line = read_line(deadline);
        if (!line) return line.error();
        const std::string_view size_text = trimmed(std::string_view(*line).substr(0, line->find(';')));
        const auto size = whole_number<std::uint64_t>(size_text, 16);
        if (!size) return not_http(address_, "wrong chunk size");
        if (*size > response_body_bytes_max - body.size()) return body_too_large(address_);
        if (*size == 0) break;
        Result<std::string> chunk = read_exactly(static_cast<std::size_t>(*size), deadline);
        if (!chunk) return chunk.error();
        body += *chunk;
        Result<std::string> end = read_line(deadline);
        if (!end) return end.error();
        if (!end->empty()) return not_http(address_, "a chunk is longer than it said");
    }
    // Trailing headers, up to an empty line.
    for (std::size_t count = 0; count < 100; ++count) {
        Result<std::string> line = read_line(deadline);
        if (!line) return line.error();
        if (line->empty()) return body;
    }
    return not_http(address_, "too many trailing headers");
}

Result<std::string> HttpClient::read_to_end(MonoTime deadline) {
    for (;;) {
        if (input_.size() > response_body_bytes_max) return body_too_large(address_);
        Result<bool> more = receive(deadline);
        if (!more) return more.error();
        if (!*more) return std::exchange(input_, {});
    }
}

}  // namespace peerbook::app
