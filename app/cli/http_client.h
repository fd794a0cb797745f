// A small HTTP/1.1 client for one node's API: blocking, one kept-alive connection, over plain sockets. The
// command line and replay use it; nothing in it depends on Asio, so it costs little to build and to start.
//
// Bounds: every call ends within its time-out; heads and bodies of answers have a largest size. A connection
// that the node closed while it was idle is opened again, since nothing was sent on it. A connection that
// breaks after the request was sent is tried again once for GET and HEAD only: whether an order or a cancel
// arrived cannot be told from here, and sending it twice could place it twice.
//
// One thread at a time; different clients on different threads are independent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace peerbook::app {

// Where a node listens. Only http: the API is local, and TLS in front of it is another program's work.
struct HttpAddress {
    std::string host;  // name or address; IPv6 without its brackets
    std::uint16_t port = 80;
    std::string path;  // put in front of every target; no trailing slash, empty for most

    // "host:port", with brackets around IPv6.
    std::string text() const;
};

// "http://host[:port][/path]" or "host:port". Error: invalid_input, with an example.
Result<HttpAddress> parse_http_address(std::string_view url);

struct HttpResponse {
    int status = 0;  // 200 … 599
    std::string content_type;
    std::string body;
};

inline constexpr std::size_t response_head_bytes_max = 64 * 1024;
// A level 3 book or the answer to a full batch is a few MiB.
inline constexpr std::size_t response_body_bytes_max = 256 * 1024 * 1024;

class HttpClient {
  public:
    // Opens the connection. `cookie` is sent as bearer token where not empty. `timeout` bounds the connect,
    // and later each request as a whole. Errors: invalid_input (url or cookie), unavailable (nobody listens,
    // no such host), timed_out; the message says "cannot reach a node at host:port: …".
    static Result<std::unique_ptr<HttpClient>> connect(const std::string& url, const std::string& cookie,
                                                       Duration timeout);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    // Sends one request and reads its whole answer, whatever its status. `target` is the path with its query,
    // already escaped. Errors: invalid_input (control characters in an argument; an answer that is not HTTP),
    // unavailable (connection lost), timed_out, too_large.
    Result<HttpResponse> request(std::string_view method, std::string_view target,
                                 std::string_view content_type = {}, std::string_view body = {});

    const HttpAddress& address() const { return address_; }

  private:
    HttpClient(HttpAddress address, std::string cookie, Duration timeout);

    Status open(MonoTime deadline);
    void close();
    bool was_closed_while_idle() const;
    Status send_all(std::string_view head, std::string_view body, MonoTime deadline);
    // Appends what has arrived to `input_`; false at the end of the stream.
    Result<bool> receive(MonoTime deadline);
    Result<HttpResponse> read_response(bool has_no_body, MonoTime deadline);
    Status read_body(std::string_view head, HttpResponse& response, MonoTime deadline);
    Result<std::string> read_exactly(std::size_t count, MonoTime deadline);
    Result<std::string> read_line(MonoTime deadline);
    Result<std::string> read_chunks(MonoTime deadline);
    Result<std::string> read_to_end(MonoTime deadline);
    Error lost(const std::string& why) const;

    HttpAddress address_;
    std::string cookie_;
    Duration timeout_;
    int socket_ = -1;
    std::string input_;          // received and not yet consumed
    bool close_after_ = false;   // the node said that it closes the connection after this answer
    bool answer_begun_ = false;  // a byte of the answer to the current request has arrived
};

// Percent-escapes everything but unreserved characters (RFC 3986), for path segments and query values.
std::string url_escape(std::string_view text);

}  // namespace peerbook::app
