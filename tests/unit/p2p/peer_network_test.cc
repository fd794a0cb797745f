// Connections of a node's network and the payloads they carry.

#include "p2p/peer_network.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "p2p/transport/connection.h"
#include "p2p/wire/frame.h"
#include "tests/unit/p2p/peer_network_case.h"

namespace peerbook::p2p {
namespace {

TEST_F(PeerNetworkTest, TwoNodesConnectOverTlsAndExchangePayloads) {
    Node a(io_, 1, options());
    Node b(io_, 2, options({a.address()}));
    ASSERT_TRUE(run_until([&] { return a.connected == 1 && b.connected == 1; }));

    EXPECT_TRUE(a.network->send(b.id(), block_kind, text("to b")));
    EXPECT_EQ(b.network->broadcast(block_kind, text("to all")), 1U);
    ASSERT_TRUE(run_until([&] { return a.payloads.size() == 1 && b.payloads.size() == 1; }));
    EXPECT_EQ(b.payloads[0].from, a.id());
    EXPECT_EQ(b.payloads[0].kind, block_kind);
    EXPECT_EQ(b.payloads[0].text, "to b");
    EXPECT_EQ(a.payloads[0].text, "to all");

    ASSERT_TRUE(run_until([&] { return a.network->peers().at(0).round_trip.ns > 0; }));
    const PeerInfo info = a.network->peers().at(0);
    EXPECT_EQ(info.id, b.id());
    EXPECT_EQ(info.state, "connected");
    EXPECT_EQ(info.agent, "test");
    EXPECT_FALSE(info.outbound);
    EXPECT_GT(info.bytes_in, 0U);
    EXPECT_GT(info.messages_out, 0U);
}

// Finds what the test says, once.
class KnowingStrategy final : public DiscoveryStrategy {
  public:
    KnowingStrategy(asio::io_context& io, const std::string& address)
        : io_(io), address_(*parse_peer_address(address)) {}
    std::string_view name() const override { return "oracle"; }
    Status start(Found found) override {
        found_ = std::move(found);
        return {};
    }
    void search(Done done) override {
        asio::post(io_, [this, done = std::move(done)] {
            found_(address_);
            done({});
        });
    }
    void set_broadcast(bool) override {}
    void stop() override {}

  private:
    asio::io_context& io_;
    PeerAddress address_;
    Found found_;
};

TEST_F(PeerNetworkTest, AStrategyBringsNodesTogetherAndTheFiguresSayWhichOne) {
    Node a(io_, 1, options()), b(io_, 2, options());
    EXPECT_EQ(b.network->discovery_identity().port, b.network->port());
    EXPECT_EQ(b.network->discovery_identity().id, b.id());
    ASSERT_TRUE(b.network->add_strategy(std::make_unique<KnowingStrategy>(io_, a.address())).ok());
    ASSERT_TRUE(run_until([&] { return a.connected == 1 && b.connected == 1; }));
    EXPECT_EQ(b.network->peers().at(0).found_by, "oracle");
    EXPECT_EQ(a.network->peers().at(0).found_by, "inbound");
    std::vector<std::string> names;
    for (const DiscoveryInfo& way : b.network->discovery()) {
        names.push_back(way.name);
        if (way.name != "oracle") continue;
        EXPECT_EQ(way.found, 1U);
        EXPECT_EQ(way.connected, 1U);
        EXPECT_EQ(way.searches, 1U);
        EXPECT_EQ(way.state, "waiting");
    }
    EXPECT_EQ(names,
              (std::vector<std::string>{"persisted", "bootstrap", "oracle", "peer_exchange", "inbound"}));
}

TEST_F(PeerNetworkTest, BlocksOfHalfAMebibyteArriveWhole) {
    Node a(io_, 1, options());
    Node b(io_, 2, options({a.address()}));
    ASSERT_TRUE(run_until([&] { return a.connected == 1 && b.connected == 1; }));
    const SharedBytes block(Bytes(512 * 1024, 0x5a));
    constexpr std::size_t blocks = 64;
    std::size_t sent = 0;
    ASSERT_TRUE(run_until([&] {
        while (sent < blocks && a.network->send(b.id(), block_kind, block))
            ++sent;
        return b.bytes == blocks * block.size();
    }));
    EXPECT_EQ(a.network->peers().at(0).queued_bytes, 0U);
    EXPECT_EQ(a.disconnected, 0);
}

TEST_F(PeerNetworkTest, APayloadThatFitsNoFrameIsRefused) {
    Node a(io_, 1, options());
    Node b(io_, 2, options({a.address()}));
    ASSERT_TRUE(run_until([&] { return a.connected == 1; }));
    EXPECT_FALSE(a.network->send(b.id(), block_kind, SharedBytes(Bytes(frame_bytes_max, 1))));
    EXPECT_TRUE(a.network->send(b.id(), block_kind, SharedBytes(Bytes(frame_bytes_max - 1, 1))));
    ASSERT_TRUE(run_until([&] { return b.bytes == frame_bytes_max - 1; }));
}

TEST_F(PeerNetworkTest, WithoutTlsWhereAskedForByName) {
    PeerNetworkOptions plain = options();
    plain.plain_tcp = true;
    Node a(io_, 1, plain);
    plain.bootstrap = {a.address()};
    Node b(io_, 2, plain);
    ASSERT_TRUE(run_until([&] { return a.connected == 1 && b.connected == 1; }));
    EXPECT_TRUE(a.network->send(b.id(), block_kind, text("plain")));
    ASSERT_TRUE(run_until([&] { return b.payloads.size() == 1; }));
}

TEST_F(PeerNetworkTest, AReliableMessageReachesAPeerThatComesLater) {
    Node a(io_, 1, options());
    const auto signer = make_ed25519_signer(seed_of(2));
    a.network->send_reliably(signer->public_key(), block_kind, text("kept"));
    EXPECT_EQ(a.network->stats().retry_queue, 1U);
    Node b(io_, 2, options({a.address()}));
    ASSERT_TRUE(run_until([&] { return b.payloads.size() == 1 && a.network->stats().retry_queue == 0; }));
    EXPECT_EQ(b.payloads[0].text, "kept");
}

TEST_F(PeerNetworkTest, ANodeThatStopsSaysSoAndIsFoundAgainAfterItsRestart) {
    Node a(io_, 1, options());
    auto b = std::make_unique<Node>(io_, 2, options());
    ASSERT_TRUE(a.network->connect(b->address()).ok());
    ASSERT_TRUE(run_until([&] { return a.connected == 1; }));
    PeerNetworkOptions again = options();
    again.listen_port = b->network->port();
    b->network->stop();
    ASSERT_TRUE(run_until([&] { return a.disconnected == 1; }));
    EXPECT_EQ(a.network->peers().at(0).last_error, "peer said goodbye: shutting down");
    b = std::make_unique<Node>(io_, 2, again);
    ASSERT_FALSE(b->error) << b->error->message;
    ASSERT_TRUE(run_until([&] { return a.connected == 2 && b->connected == 1; }));
}

TEST_F(PeerNetworkTest, APortInUseIsAConflictThatNamesIt) {
    Node a(io_, 1, options());
    PeerNetworkOptions same = options();
    same.listen_port = a.network->port();
    Node b(io_, 2, same);
    ASSERT_TRUE(b.error);
    EXPECT_EQ(b.error->code, ErrorCode::conflict);
    EXPECT_NE(b.error->message.find(std::to_string(a.network->port())), std::string::npos)
        << b.error->message;
    same.listen_host = "no address";
    Node c(io_, 3, same);
    EXPECT_EQ(c.error->code, ErrorCode::invalid_input);
}

struct CountingEvents final : DirectConnectionsEvents {
    std::optional<ConnectionId> on_accepted(const PeerAddress&) override { return std::nullopt; }
    void on_ready(ConnectionId, const PeerAddress&, const ChannelBinding&) override {}
    void on_bytes(ConnectionId) override { ++reads; }
    void on_frame(ConnectionId, ByteView) override { ++frames; }
    void on_broken(ConnectionId, const std::string&, bool) override { ++broken; }
    void on_listen_error(const std::string&) override {}
    int reads = 0, frames = 0, broken = 0;
};

TEST_F(PeerNetworkTest, AChannelWithoutRoomIsReadAgainWhenItsOutputDrains) {
    tcp::acceptor acceptor(io_, {asio::ip::make_address("127.0.0.1"), 0});
    tcp::socket client(io_);
    client.connect(acceptor.local_endpoint());
    CountingEvents events;
    const auto connection = std::make_shared<Connection>(
        io_, ConnectionId(1), std::make_unique<StallingChannel>(), received_rate_max, events);
    connection->accept(acceptor.accept());
    const Bytes frame{0, 0, 0, 1, 0x90};
    asio::write(client, asio::buffer(frame));
    ASSERT_TRUE(run_until([&] { return events.reads == 1; }));
    EXPECT_EQ(events.frames, 0);
    connection->send_control(control_payload({'{', '}'}));
    ASSERT_TRUE(run_until([&] { return events.frames == 1; }));
    asio::write(client, asio::buffer(frame));
    EXPECT_TRUE(run_until([&] { return events.frames == 2; }));
    EXPECT_EQ(events.broken, 0);
    connection->close_now();
    io_.restart();
    io_.poll();
}

}  // namespace
}  // namespace peerbook::p2p
