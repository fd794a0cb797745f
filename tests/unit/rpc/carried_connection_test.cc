// Connections carried by Grenache's RPC between whole nodes of the peer layer, over real HTTP on the loopback
// interface: the carrier, the streams and the server together. Nothing sleeps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>

#include "app/rpc/rpc_server.h"
#include "base/system_clock.h"
#include "p2p/transport/http_call.h"
#include "p2p/transport/rpc_carrier.h"
#include "tests/unit/api/fake_node.h"
#include "tests/unit/p2p/peer_network_case.h"

namespace peerbook::app {
namespace {

using p2p::PeerAddress;
using ::testing::HasSubstr;

constexpr const char* service_name = "0123456789abcdef0123";
constexpr std::uint8_t kind = 0x90;

// A way to find peers that finds what the test says, once.
struct Told final : p2p::DiscoveryStrategy {
    explicit Told(PeerAddress address) : address_(std::move(address)) {}
    std::string_view name() const override { return "grenache-rpc"; }
    Status start(Found found) override {
        found_ = std::move(found);
        return {};
    }
    void search(Done done) override {
        found_(address_);
        done({});
    }
    void set_broadcast(bool) override {}
    void stop() override {}
    PeerAddress address_;
    Found found_;
};

// A node of the peer layer that serves the RPC.
struct Served {
    Served(boost::asio::io_context& io, std::uint8_t number, bool direct = false)
        : node(io, number, options(direct)) {
        EXPECT_FALSE(node.error) << node.error->message;
        streams = p2p::make_rpc_streams(
            io, [this](const std::string& host) { return node.network->accept_carried(host); });
        carrier = p2p::make_rpc_carrier(io, service_name);
        node.network->set_carrier(*carrier);
        auto started = RpcServer::start(io,
                                        std::make_unique<RpcService>(RpcService::Parts{
                                            fake, node.id(), service_name, "secret", streams.get(), clock}),
                                        "127.0.0.1", 0);
        EXPECT_TRUE(started.ok());
        server = std::move(*started);
    }
    ~Served() {
        if (server) server->stop();
        node.network->stop();
        streams->stop();
        carrier->stop();
    }
    static p2p::PeerNetworkOptions options(bool direct) {
        p2p::PeerNetworkOptions made;
        made.listen_host = "127.0.0.1";
        made.listen_port = 0;
        made.network = p2p::named_digest("network");
        made.ledger = p2p::named_digest("ledger");
        made.direct = direct;
        return made;
    }
    PeerAddress rpc() const { return {"127.0.0.1", server->port()}; }
    void find(const PeerAddress& address) {
        EXPECT_TRUE(node.network->add_strategy(std::make_unique<Told>(address), Duration::seconds(120)).ok());
    }

    testing::FakeNode fake;
    SystemClock clock;
    p2p::Node node;
    std::unique_ptr<p2p::RpcStreams> streams;
    std::unique_ptr<p2p::StreamCarrier> carrier;
    std::unique_ptr<RpcServer> server;
};

struct CarriedConnection : ::testing::Test {
    static void SetUpTestSuite() { configure_logging(LogLevel::off, false); }
    bool run_until(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!condition()) {
            if (std::chrono::steady_clock::now() >= deadline) return false;
            io.restart();
            io.run_one_for(std::chrono::milliseconds(50));
        }
        return true;
    }
    // "status body"
    std::string post(const PeerAddress& server, const std::string& body, const std::string& host = {}) {
        std::optional<std::string> said;
        p2p::HttpQuestion question;
        question.server = server;
        question.host_header = host;
        question.target = "/";
        question.body = body;
        question.answer_bytes_max = p2p::rpc_body_bytes_max;
        const auto call =
            p2p::begin_http_call(io, std::move(question), [&](const Result<p2p::HttpAnswer>& answer) {
                said = answer ? std::to_string(answer->status) + " " + answer->body : answer.error().message;
            });
        EXPECT_TRUE(run_until([&] { return said.has_value(); }));
        return said.value_or("");
    }
    boost::asio::io_context io{1};
};

SharedBytes payload(std::size_t size) {
    return SharedBytes(Bytes(size, 0x5a));
}

TEST_F(CarriedConnection, TwoNodesThatTakeNoConnectionsSpeakBothWays) {
    Served a(io, 1), b(io, 2);
    EXPECT_EQ(a.node.network->port(), 0);
    a.find(b.rpc());
    ASSERT_TRUE(run_until([&] { return a.node.connected == 1 && b.node.connected == 1; }));
    ASSERT_TRUE(a.node.network->send(b.node.id(), kind, payload(10)));
    // More than a chunk each way at the same time.
    ASSERT_TRUE(a.node.network->send(b.node.id(), kind, payload(500'000)));
    ASSERT_TRUE(b.node.network->send(a.node.id(), kind, payload(700'000)));
    EXPECT_TRUE(run_until([&] { return b.node.bytes >= 500'010 && a.node.bytes >= 700'000; }));
    const auto peers = a.node.network->peers();
    ASSERT_EQ(peers.size(), 1u);
    EXPECT_TRUE(peers[0].carried);
    EXPECT_EQ(peers[0].state, "connected");
    EXPECT_EQ(a.node.disconnected + b.node.disconnected, 0);
}

TEST_F(CarriedConnection, AnEndOnOneSideIsSeenOnTheOtherAndItIsMadeAnew) {
    Served a(io, 1), b(io, 2);
    a.find(b.rpc());
    ASSERT_TRUE(run_until([&] { return a.node.connected == 1 && b.node.connected == 1; }));
    // The side that was asked ends it.
    ASSERT_TRUE(b.node.network->disconnect(a.node.id()).ok());
    ASSERT_TRUE(run_until([&] { return a.node.disconnected == 1; }));
    ASSERT_TRUE(run_until([&] { return a.node.connected == 2 && b.node.connected == 2; }));
    // And the side that asked.
    a.node.network->stop();
    EXPECT_TRUE(run_until([&] { return b.node.disconnected == 2; }));
    EXPECT_TRUE(run_until([&] { return b.streams->count() == 0; }));
}

TEST_F(CarriedConnection, TwoThatAskEachOtherAtOnceKeepOne) {
    Served a(io, 1), b(io, 2);
    a.find(b.rpc());
    b.find(a.rpc());
    // What was sent on the one that gives way is lost, as on any connection.
    ASSERT_TRUE(run_until([&] {
        if (a.node.bytes == 0) b.node.network->send(a.node.id(), kind, payload(10));
        if (b.node.bytes == 0) a.node.network->send(b.node.id(), kind, payload(10));
        return a.node.bytes > 0 && b.node.bytes > 0 && a.streams->count() + b.streams->count() == 1;
    }));
    EXPECT_EQ(a.node.connected - a.node.disconnected, 1);
    EXPECT_EQ(b.node.connected - b.node.disconnected, 1);
}

TEST_F(CarriedConnection, ADirectConnectionTakesItsPlace) {
    Served a(io, 1, true), b(io, 2, true);
    a.find(b.rpc());
    ASSERT_TRUE(run_until([&] { return a.node.connected == 1 && b.node.connected == 1; }));
    ASSERT_TRUE(a.node.network->connect(b.node.address()).ok());
    const auto is_direct = [](Served& node) {
        const auto peers = node.node.network->peers();
        return peers.size() == 1 && peers[0].state == "connected" && !peers[0].carried;
    };
    // Both dial, since each was told the other's port, and keep one of the two.
    ASSERT_TRUE(run_until([&] {
        if (b.node.bytes == 0) a.node.network->send(b.node.id(), kind, payload(10));
        return is_direct(a) && is_direct(b) && b.node.bytes > 0;
    }));
    EXPECT_TRUE(run_until([&] { return b.streams->count() == 0; }));
}

TEST_F(CarriedConnection, StrangersBytesInAStreamEndIt) {
    Served a(io, 1);
    const auto ask = [&](const std::string& payload) {
        return post(a.rpc(), R"(["r","0123456789abcdef0123",)" + payload + "]");
    };
    const std::string opened = ask(R"("stream.open")");
    ASSERT_THAT(opened, HasSubstr(R"(200 ["r",null,{"stream":")"));
    const std::string id = opened.substr(opened.find("stream\":\"") + 9, 32);
    const std::string stream = R"("stream":")" + id + '"';
    EXPECT_THAT(ask(R"({"method":"stream.send",)" + stream + R"(,"at":5,"data":"00"})"),
                HasSubstr("the stream is at 0"));
    EXPECT_THAT(ask(R"({"method":"stream.send",)" + stream + R"(,"at":0,"data":""})"),
                HasSubstr("nothing to send"));
    EXPECT_THAT(ask(R"({"method":"stream.receive",)" + stream + R"(,"at":1})"),
                HasSubstr("the stream is at 0"));
    EXPECT_THAT(ask(R"({"method":"stream.send",)" + stream + R"(,"at":0,"data":"474554202f0d0a"})"),
                HasSubstr(R"({"at":"7"})"));
    const std::string end = ask(R"({"method":"stream.receive",)" + stream + R"(,"at":0})");
    if (end.find(R"("end":true)") == std::string::npos) {  // TLS said why first
        const std::size_t digits = end.find("\",\"end") - end.find("data\":\"") - 7;
        EXPECT_THAT(
            ask(R"({"method":"stream.receive",)" + stream + R"(,"at":)" + std::to_string(digits / 2) + "}"),
            HasSubstr(R"("end":true)"));
    }
    EXPECT_THAT(ask(R"({"method":"stream.receive",)" + stream + R"(,"at":0})"), HasSubstr("no such stream"));
    EXPECT_EQ(a.streams->count(), 0u);
    EXPECT_EQ(a.node.connected, 0);
}

TEST_F(CarriedConnection, OtherNamesAndPagesOfABrowserAreRefused) {
    Served a(io, 1);
    const std::string question = R"(["r","0123456789abcdef0123","network"])";
    EXPECT_THAT(post(a.rpc(), question), HasSubstr("200 "));
    EXPECT_THAT(post(a.rpc(), question, "evil.example"), HasSubstr("421 ERR_RPC_HOST"));
    EXPECT_THAT(post(a.rpc(), std::string(p2p::rpc_body_bytes_max + 1, ' ')), HasSubstr("413 ERR_RPC_SIZE"));
}

TEST_F(CarriedConnection, StreamsAreFewAndFewerFromOneHost) {
    std::vector<int> ends;
    const auto streams = p2p::make_rpc_streams(io, [&](const std::string&) -> std::optional<int> {
        int pair[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return std::nullopt;
        ends.push_back(pair[0]);
        return pair[1];
    });
    std::size_t opened = 0;
    for (int i = 0; i < 10; ++i)
        opened += streams->open("192.0.2.1").ok() ? 1 : 0;
    EXPECT_EQ(opened, p2p::rpc_streams_of_host_max);
    for (int i = 0; i < 100; ++i)
        opened += streams->open("198.51.100." + std::to_string(i)).ok() ? 1 : 0;
    EXPECT_EQ(opened, p2p::rpc_streams_max);
    EXPECT_EQ(streams->count(), p2p::rpc_streams_max);
    streams->stop();
    EXPECT_EQ(streams->count(), 0u);
    for (const int end : ends) {
        char byte = 0;
        EXPECT_EQ(::read(end, &byte, 1), 0);  // the other side is gone
        ::close(end);
    }
    const auto refusing = p2p::make_rpc_streams(io, [](const std::string&) { return std::nullopt; });
    EXPECT_FALSE(refusing->open("192.0.2.1").ok());
}

TEST_F(CarriedConnection, OneQuestionOfAKindAtATime) {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    const auto streams =
        p2p::make_rpc_streams(io, [&](const std::string&) { return std::optional(pair[1]); });
    const auto id = streams->open("192.0.2.1");
    ASSERT_TRUE(id.ok());
    std::vector<std::string> said;
    const auto note = [&](const Result<p2p::RpcReceived>& received) {
        said.push_back(received ? std::string(as_text(received->data)) : received.error().message);
    };
    streams->receive(*id, 0, note);
    streams->receive(*id, 0, note);
    EXPECT_THAT(said, ::testing::ElementsAre("somebody waits for its bytes already"));
    ASSERT_EQ(::write(pair[0], "hello", 5), 5);
    ASSERT_TRUE(run_until([&] { return said.size() == 2; }));
    EXPECT_EQ(said[1], "hello");
    streams->receive(*id, 5, note);
    streams->close(*id);  // whoever waits is told
    EXPECT_EQ(said.back(), "there is no such stream, or it has ended");
    ::close(pair[0]);
}

}  // namespace
}  // namespace peerbook::app
