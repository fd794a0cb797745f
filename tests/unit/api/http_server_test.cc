// The real server over the loopback interface, driven with blocking sockets: the test's thread runs the
// server's io_context between its own steps, so nothing here waits for a clock.
#include "app/api/http_server.h"

#include <utility>

#include <boost/asio/io_context.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>

#include "app/api/api_server.h"
#include "tests/unit/api/fake_node.h"

namespace peerbook::app {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A raw client. Its socket never blocks; whoever reads turns the server's loop in between.
class Client {
  public:
    Client(boost::asio::io_context& io, std::uint16_t port) : io_(io) {
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        ::fcntl(socket_, F_SETFL, O_NONBLOCK);
    }
    ~Client() { ::close(socket_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    bool connected() const { return connected_; }

    void send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent > 0)
                text.remove_prefix(static_cast<std::size_t>(sent));
            else if (errno != EAGAIN)
                return;  // the server closed; what it said is still to be read
            io_.poll();
        }
    }

    // One answer, header and body; what arrived so far if the server closes first or ten seconds pass.
    std::string answer() {
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (std::chrono::steady_clock::now() < give_up) {
            const std::size_t head = received_.find("\r\n\r\n");
            if (head != std::string::npos) {
                const std::size_t size = head + 4 + body_size(received_.substr(0, head));
                if (received_.size() >= size) {
                    std::string first = received_.substr(0, size);
                    received_.erase(0, size);
                    return first;
                }
            }
            if (!receive()) break;
        }
        return std::exchange(received_, {});
    }

    // All that the server sends until it closes its side.
    std::string everything() {
        EXPECT_TRUE(closed_by_server());
        return std::exchange(received_, {});
    }

    // True when the server has closed its side.
    bool closed_by_server() {
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (std::chrono::steady_clock::now() < give_up)
            if (!receive()) return true;
        return false;
    }

  private:
    static std::size_t body_size(const std::string& head) {
        const std::string name = "Content-Length: ";
        const std::size_t at = head.find(name);
        return at == std::string::npos ? 0 : std::stoul(head.substr(at + name.size()));
    }

    // False at the end of the stream.
    bool receive() {
        io_.run_for(std::chrono::milliseconds(1));
        char buffer[65'536];
        const ssize_t size = ::recv(socket_, buffer, sizeof buffer, 0);
        if (size > 0) received_.append(buffer, static_cast<std::size_t>(size));
        return size > 0 || (size < 0 && errno == EAGAIN);
    }

    boost::asio::io_context& io_;
    int socket_;
    bool connected_ = false;
    std::string received_;
};

class HttpServerTest : public ::testing::Test {
  protected:
    void start(HttpLimits limits = {}, HttpGate gate = {}) {
        auto server = HttpServer::start(
            io_, {"the API", "--api-port"}, "127.0.0.1", 0,
            [this](ApiRequest& request, ApiCompletion done) {
                seen_.push_back(std::string(request.method) + " " + std::string(request.path) + "?" +
                                std::string(request.query) + " " + request.body);
                if (hold_) {
                    held_.push_back(std::move(done));
                    return;
                }
                ApiResponse response;
                response.body = "you said " + request.body;
                done(std::move(response));
            },
            limits, std::move(gate));
        ASSERT_TRUE(server.ok()) << server.error().message;
        server_ = std::move(server).value();
    }
    std::unique_ptr<Client> client() { return std::make_unique<Client>(io_, server_->port()); }
    void turn_until_held(std::size_t count) {
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (held_.size() < count && std::chrono::steady_clock::now() < give_up)
            io_.run_for(std::chrono::milliseconds(1));
        ASSERT_EQ(held_.size(), count);
    }
    static std::string post(const std::string& path, const std::string& body) {
        return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n\r\n" + body;
    }
    static ApiResponse text(const std::string& body) {
        ApiResponse response;
        response.body = body;
        return response;
    }

    boost::asio::io_context io_;
    std::unique_ptr<HttpServer> server_;
    std::vector<std::string> seen_;
    bool hold_ = false;
    std::deque<ApiCompletion> held_;
};

TEST_F(HttpServerTest, KeepsTheConnectionForTheNextRequest) {
    start();
    auto c = client();
    for (const char* body : {"one", "two", ""}) {
        c->send(post("/p", body));
        const std::string answer = c->answer();
        EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
        EXPECT_THAT(answer, HasSubstr("Connection: keep-alive"));
        EXPECT_THAT(answer, HasSubstr("you said " + std::string(body)));
    }
    EXPECT_EQ(seen_.size(), 3u);
    EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(HttpServerTest, TargetIsSplitAtTheQuestionMark) {
    start();
    auto c = client();
    c->send("GET /a/b?c=d?e HTTP/1.1\r\nHost: x\r\n\r\n");
    c->answer();
    EXPECT_EQ(seen_.at(0), "GET /a/b?c=d?e ");
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredOneByOneInOrder) {
    start();
    hold_ = true;
    auto c = client();
    c->send(post("/1", "first") + post("/2", "second"));
    turn_until_held(1);
    io_.run_for(std::chrono::milliseconds(2));
    EXPECT_EQ(seen_.size(), 1u) << "the second request waits for the first one's answer";
    held_[0](text("answer 1"));
    EXPECT_THAT(c->answer(), HasSubstr("answer 1"));
    turn_until_held(2);
    held_[1](text("answer 2"));
    EXPECT_THAT(c->answer(), HasSubstr("answer 2"));
}

TEST_F(HttpServerTest, HeadIsAnsweredWithoutABody) {
    start();
    auto c = client();
    c->send("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::string answer = c->everything();
    EXPECT_THAT(answer, HasSubstr("Content-Length: 9\r\n"));
    EXPECT_THAT(answer, ::testing::EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, ConnectionCloseIsObeyed) {
    start();
    auto c = client();
    c->send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(c->answer(), HasSubstr("Connection: close"));
    EXPECT_TRUE(c->closed_by_server());
}

TEST_F(HttpServerTest, ARequestMayComeByteByByte) {
    start();
    auto c = client();
    for (char byte : post("/slow", "drip"))
        c->send({&byte, 1});
    EXPECT_THAT(c->answer(), HasSubstr("you said drip"));
}

TEST_F(HttpServerTest, ChunkedBodiesAreRead) {
    start();
    auto c = client();
    c->send(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    EXPECT_THAT(c->answer(), HasSubstr("you said abcde"));
}

TEST_F(HttpServerTest, OversizedBodyIsRefusedBeforeItIsRead) {
    start();
    auto c = client();
    c->send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n");
    const std::string answer = c->answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 "));
    EXPECT_THAT(answer, HasSubstr("1048576 bytes"));
    EXPECT_TRUE(c->closed_by_server());
    EXPECT_TRUE(seen_.empty());
}

TEST_F(HttpServerTest, OversizedBodySentAnywayStillGetsItsAnswer) {
    start();
    auto c = client();
    c->send(post("/", std::string(1'200'000, 'x')));
    EXPECT_THAT(c->answer(), StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, OversizedChunkedBodyIsRefused) {
    start();
    auto c = client();
    c->send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" +
            std::string(0x200000, 'x') + "\r\n0\r\n\r\n");
    EXPECT_THAT(c->answer(), StartsWith("HTTP/1.1 413 "));
    EXPECT_TRUE(seen_.empty());
}

TEST_F(HttpServerTest, ABodyOfTheLargestSizeIsTaken) {
    start();
    auto c = client();
    const std::string body(1024 * 1024, 'y');
    c->send(post("/", body));
    EXPECT_EQ(c->answer().size() > body.size(), true);
    EXPECT_EQ(seen_.at(0).size(), std::string("POST /? ").size() + body.size());
}

TEST_F(HttpServerTest, OversizedHeaderIsRefused) {
    start();
    auto c = client();
    c->send("GET / HTTP/1.1\r\nX-Long: " + std::string(20'000, 'h') + "\r\n\r\n");
    EXPECT_THAT(c->answer(), StartsWith("HTTP/1.1 431 "));
    EXPECT_TRUE(seen_.empty());
    auto other = client();
    other->send("GET /" + std::string(20'000, 'p') + " HTTP/1.1\r\n\r\n");
    EXPECT_THAT(other->answer(), StartsWith("HTTP/1.1 431 "));
}

TEST_F(HttpServerTest, GarbageIsABadRequest) {
    start();
    for (const char* text : {"\x16\x03\x01 not http\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                             "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                             "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"}) {
        auto c = client();
        c->send(text);
        EXPECT_THAT(c->answer(), StartsWith("HTTP/1.1 400 ")) << text;
        EXPECT_TRUE(c->closed_by_server());
    }
    EXPECT_TRUE(seen_.empty());
}

TEST_F(HttpServerTest, ContinueIsSaidToThoseWhoAsk) {
    start();
    auto c = client();
    c->send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_THAT(c->answer(), StartsWith("HTTP/1.1 100 Continue"));
    c->send("ok");
    EXPECT_THAT(c->answer(), HasSubstr("you said ok"));
}

TEST_F(HttpServerTest, TooManyConnectionsAreToldSo) {
    HttpLimits limits;
    limits.connections_max = 2;
    start(limits);
    auto first = client(), second = client();
    first->send(post("/", "1"));
    second->send(post("/", "2"));
    first->answer();
    second->answer();
    auto third = client();
    const std::string answer = third->answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(answer, HasSubstr("Retry-After: "));
    third.reset();
    first.reset();
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (server_->connections() > 1 && std::chrono::steady_clock::now() < give_up)
        io_.run_for(std::chrono::milliseconds(1));
    auto fourth = client();
    fourth->send(post("/", "4"));
    EXPECT_THAT(fourth->answer(), HasSubstr("you said 4"));
}

TEST_F(HttpServerTest, AConnectionThatWasRefusedTakesNobodysPlace) {
    HttpLimits limits;
    limits.connections_max = 2;
    start(limits);
    auto first = client(), second = client();
    first->send(post("/", "1"));
    second->send(post("/", "2"));
    first->answer();
    second->answer();
    auto third = client();
    EXPECT_THAT(third->answer(), StartsWith("HTTP/1.1 503 "));
    first.reset();
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (server_->connections() > 2 && std::chrono::steady_clock::now() < give_up)
        io_.run_for(std::chrono::milliseconds(1));
    auto fourth = client();  // while the third is still open
    fourth->send(post("/", "4"));
    EXPECT_THAT(fourth->answer(), HasSubstr("you said 4"));
}

TEST_F(HttpServerTest, HalfARequestTimesOut) {
    HttpLimits limits;
    limits.request_time_max = Duration::milliseconds(1);
    start(limits);
    auto c = client();
    c->send("POST / HTTP/1.1\r\nContent-Le");
    EXPECT_THAT(c->answer(), StartsWith("HTTP/1.1 408 "));
    EXPECT_TRUE(c->closed_by_server());
}

TEST_F(HttpServerTest, AnIdleConnectionIsClosedWithoutAWord) {
    HttpLimits limits;
    limits.idle_time_max = Duration::milliseconds(1);
    start(limits);
    auto c = client();
    EXPECT_EQ(c->answer(), "");
    EXPECT_TRUE(c->closed_by_server());
}

// Lets in who says "key", and everyone to /open.
Admission only_with_key(const ApiRequest& head) {
    Admission admission;
    admission.authenticated = head.authorization == "key";
    if (!admission.authenticated && head.path != "/open")
        admission.refusal = error_response(ErrorCode::unauthorized, "no key");
    return admission;
}

TEST_F(HttpServerTest, ChunkExtensionsAndTrailersAreBounded) {
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    start();
    for (const std::string& endless :
         {head + "1;name=", head + "0\r\nTrailer: ", head + "1\r\na\r\n1;name="}) {
        auto c = client();
        c->send(endless + std::string(2'000'000, 'x'));
        EXPECT_THAT(c->answer(), StartsWith("HTTP/1.1 431 ")) << endless;
        EXPECT_TRUE(c->closed_by_server());
    }
    EXPECT_TRUE(seen_.empty());
    auto c = client();
    c->send(head + "1;name=" + std::string(10'000, 'x') +
            "\r\na\r\n0\r\nTrailer: " + std::string(10'000, 'y') + "\r\n\r\n");
    EXPECT_THAT(c->answer(), HasSubstr("you said a")) << "what fits is taken";
}

TEST_F(HttpServerTest, RequestsSentAheadWaitInABoundedBuffer) {
    start();
    auto c = client();
    std::string many;
    for (int i = 0; i < 5'000; ++i)
        many += post("/" + std::to_string(i), "body");
    c->send(many);
    for (int i = 0; i < 5'000; ++i)
        ASSERT_THAT(c->answer(), HasSubstr("you said body")) << i;
}

TEST_F(HttpServerTest, WhomTheGateRefusesSendsNoBody) {
    start({}, only_with_key);
    auto c = client();
    c->send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
    const std::string answer = c->answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 401 ")) << "answered before any of the body came";
    EXPECT_THAT(answer, HasSubstr("Connection: close"));
    EXPECT_TRUE(c->closed_by_server());
    auto eager = client();
    eager->send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_THAT(eager->answer(), StartsWith("HTTP/1.1 401 ")) << "and without being told to go on";
    EXPECT_TRUE(seen_.empty());
}

TEST_F(HttpServerTest, WhatIsOpenToAllTakesNoBody) {
    start({}, only_with_key);
    auto c = client();
    c->send("GET /open HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(c->answer(), StartsWith("HTTP/1.1 200 "));
    c->send(post("/open", "much"));
    EXPECT_THAT(c->answer(), StartsWith("HTTP/1.1 413 "));
    EXPECT_TRUE(c->closed_by_server());
    EXPECT_EQ(seen_.size(), 1u);
}

TEST_F(HttpServerTest, StrangersAreNotKeptLong) {
    HttpLimits limits;
    limits.stranger_time_max = Duration::milliseconds(300);
    start(limits, only_with_key);
    auto silent = client();
    EXPECT_EQ(silent->answer(), "");
    EXPECT_TRUE(silent->closed_by_server());
    auto asks = client();
    asks->send("GET /open HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(asks->answer(), StartsWith("HTTP/1.1 200 "));
    EXPECT_TRUE(asks->closed_by_server()) << "a question that everyone may ask makes nobody known";
    auto slow = client();
    slow->send("GET /open HT");
    EXPECT_THAT(slow->answer(), StartsWith("HTTP/1.1 408 "));
}

TEST_F(HttpServerTest, WhoIsKnownIsKept) {
    HttpLimits limits;
    limits.stranger_time_max = Duration::milliseconds(300);
    start(limits, only_with_key);
    auto known = client();
    known->send("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: key\r\n\r\n");
    EXPECT_THAT(known->answer(), StartsWith("HTTP/1.1 200 "));
    auto stranger = client();
    EXPECT_TRUE(stranger->closed_by_server());  // so the stranger's time has passed
    known->send("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: key\r\n\r\n");
    EXPECT_THAT(known->answer(), StartsWith("HTTP/1.1 200 "));
}

TEST(Connections, LeaveDescriptorsForStorageAndPeers) {
    EXPECT_EQ(connections_within(20'000, 1'024), 1'024u);
    EXPECT_EQ(connections_within(1'024, 1'024), 341u);
    EXPECT_EQ(connections_within(0, 1'024), 16u);
    EXPECT_EQ(connections_within(20'000, 2), 2u);
}

TEST_F(HttpServerTest, ALateAnswerBecomesATimeOutAndIsThenIgnored) {
    HttpLimits limits;
    limits.answer_time_max = Duration::milliseconds(1);
    start(limits);
    hold_ = true;
    auto c = client();
    c->send(post("/late", ""));
    const std::string late = c->answer();
    EXPECT_THAT(late, StartsWith("HTTP/1.1 504 Gateway Timeout"));
    EXPECT_THAT(late, HasSubstr("may have been executed"));
    EXPECT_THAT(late, HasSubstr("the same nonce"));
    ASSERT_EQ(held_.size(), 1u);
    held_[0](text("too late"));
    c->send("GET /question HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(c->answer(), HasSubstr("no answer in time; ask again"));
    hold_ = false;
    c->send(post("/next", "now"));
    EXPECT_THAT(c->answer(), HasSubstr("you said now"));
}

TEST_F(HttpServerTest, AnAnswerToAClientThatLeftIsDropped) {
    start();
    hold_ = true;
    auto c = client();
    c->send(post("/", ""));
    turn_until_held(1);
    server_->stop();
    held_[0](text("nobody listens"));
    EXPECT_TRUE(c->closed_by_server());
    EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(HttpServerTest, APortInUseIsNamed) {
    start();
    auto second = HttpServer::start(io_, {"the registry", "--registry-port"}, "127.0.0.1", server_->port(),
                                    [](ApiRequest&, ApiCompletion) {});
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::conflict);
    EXPECT_THAT(second.error().message, HasSubstr(std::to_string(server_->port())));
    EXPECT_THAT(second.error().message, HasSubstr("the registry cannot listen"));
    EXPECT_THAT(second.error().message, HasSubstr("--registry-port"));
}

TEST_F(HttpServerTest, AHostThatIsNoAddressIsRefused) {
    auto server = HttpServer::start(io_, {"the API", "--api-port"}, "not an address", 0,
                                    [](ApiRequest&, ApiCompletion) {});
    ASSERT_FALSE(server.ok());
    EXPECT_EQ(server.error().code, ErrorCode::invalid_input);
}

class ApiServerTest : public ::testing::Test {
  protected:
    ApiServerTest() {
        std::string pattern = ::testing::TempDir() + "api-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
        ApiServerOptions options;
        options.port = 0;
        options.data_dir = directory_;
        options.native.node = testing::node_key();
        auto server = ApiServer::start(io_, node_, options);
        EXPECT_TRUE(server.ok());
        server_ = std::move(server).value();
    }
    ~ApiServerTest() override { std::filesystem::remove_all(directory_); }

    boost::asio::io_context io_;
    testing::FakeNode node_;
    std::string directory_;
    std::unique_ptr<ApiServer> server_;
};

TEST_F(ApiServerTest, TheCookieInTheDataDirectoryOpensIt) {
    Client stranger(io_, server_->port());
    ASSERT_TRUE(stranger.connected());
    stranger.send("POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
    const std::string refused = stranger.answer();
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 401 "));
    EXPECT_THAT(refused, HasSubstr("WWW-Authenticate: Bearer"));
    EXPECT_TRUE(stranger.closed_by_server());
    Client client(io_, server_->port());
    auto cookie = read_cookie(directory_);
    ASSERT_TRUE(cookie.ok());
    const std::string known =
        " HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAuthorization: Bearer " + *cookie + "\r\n\r\n";
    client.send("GET /api/v1/network" + known);
    EXPECT_THAT(client.answer(), HasSubstr("BTC"));
    client.send("PUT /api/v1/network" + known);
    EXPECT_THAT(client.answer(), HasSubstr("Allow: GET"));
}

TEST_F(ApiServerTest, APageUnderANameOfItsOwnIsNotAnswered) {
    const std::string cookie = *read_cookie(directory_);
    for (const char* path : {"/api/v1/markets", "/health", "/ready"}) {
        Client page(io_, server_->port());
        page.send(std::string("GET ") + path +
                  " HTTP/1.1\r\nHost: evil.example:8080\r\nAuthorization: Bearer " + cookie + "\r\n\r\n");
        const std::string answer = page.answer();
        EXPECT_THAT(answer, StartsWith("HTTP/1.1 421 Misdirected Request")) << path;
        EXPECT_THAT(answer, HasSubstr(R"("field":"Host")"));
        EXPECT_TRUE(page.closed_by_server());
    }
    Client nameless(io_, server_->port());
    nameless.send("GET /health HTTP/1.1\r\n\r\n");
    EXPECT_THAT(nameless.answer(), StartsWith("HTTP/1.1 421 "));
}

TEST_F(ApiServerTest, HealthIsOpenToAllOnThisMachine) {
    Client client(io_, server_->port());
    client.send("GET /health HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n");
    EXPECT_THAT(client.answer(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ApiServerTest, TheAddressFileLivesAsLongAsTheServer) {
    std::string written;
    std::getline(std::ifstream(directory_ + "/api.address"), written);
    EXPECT_EQ(written, server_->address());
    EXPECT_EQ(written, "127.0.0.1:" + std::to_string(server_->port()));
    server_->stop();
    EXPECT_FALSE(std::filesystem::exists(directory_ + "/api.address"));
}

TEST_F(ApiServerTest, ASecondServerOnThePortLeavesTheFirstOnesCookie) {
    const std::string before = *read_cookie(directory_);
    ApiServerOptions options;
    options.port = server_->port();
    options.data_dir = directory_;
    EXPECT_FALSE(ApiServer::start(io_, node_, options).ok());
    EXPECT_EQ(*read_cookie(directory_), before);
}

}  // namespace
}  // namespace peerbook::app
