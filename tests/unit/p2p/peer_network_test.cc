// Whole networks in one process, over real loopback sockets. Nothing sleeps: the event loop runs until a
// condition holds or a deadline passes.

#include "p2p/peer_network.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/hash.h"
#include "base/log.h"
#include "base/random.h"
#include "p2p/peers/send_queue.h"
#include "p2p/transport/certificates.h"
#include "p2p/transport/connection.h"
#include "p2p/transport/tls_channel.h"
#include "p2p/wire/frame.h"
#include "p2p/wire/handshake.h"
#include "p2p/wire/message.h"
#include "tests/unit/p2p/raw_peer.h"

namespace peerbook::p2p {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::uint8_t block_kind = 0x90;

KeySeed seed_of(std::uint8_t number) {
    KeySeed seed;
    seed.data.fill(number);
    return seed;
}

Digest named_digest(std::string_view name) {
    return hash_of("test", as_bytes(name));
}

struct Node final : PeerNetworkListener {
    Node(asio::io_context& io, std::uint8_t number, PeerNetworkOptions options, std::string directory = {})
        : signer(make_ed25519_signer(seed_of(number))) {
        auto started = PeerNetwork::start(io, std::move(options), *signer, directory, *this);
        if (started)
            network = std::move(*started);
        else
            error = started.error();
    }

    void on_peer_connected(const PeerId&) override { ++connected; }
    void on_peer_disconnected(const PeerId&) override { ++disconnected; }
    void on_payload(const PeerId& peer, std::uint8_t kind, ByteView payload) override {
        bytes += payload.size();
        payloads.push_back(
            {peer, kind, payload.size() <= 64 ? std::string(as_text(payload)) : std::string()});
        if (reply) network->send(peer, kind, SharedBytes(Bytes(payload.begin(), payload.end())));
    }
    void on_gossip(const PeerId& from, const MessageId& id, std::uint8_t kind, SharedBytes payload) override {
        gossip.push_back({from, kind, std::string(as_text(payload.view()))});
        network->answer_gossip(id, accepts);
    }
    void on_undeliverable(const PeerId&, std::uint8_t, const std::string& why) override {
        lost.push_back(why);
    }

    const PeerId& id() const { return signer->public_key(); }
    std::string address() const { return "127.0.0.1:" + std::to_string(network->port()); }

    struct Payload {
        PeerId from;
        std::uint8_t kind;
        std::string text;
    };
    std::unique_ptr<Signer> signer;
    std::unique_ptr<PeerNetwork> network;
    std::optional<Error> error;
    int connected = 0, disconnected = 0;
    bool reply = false, accepts = true;
    std::size_t bytes = 0;
    std::vector<Payload> payloads, gossip;
    std::vector<std::string> lost;
};

struct CountingEvents final : DirectConnectionsEvents {
    std::optional<ConnectionId> on_accepted(const PeerAddress&) override { return std::nullopt; }
    void on_ready(ConnectionId, const PeerAddress&, const ChannelBinding&) override {}
    void on_bytes(ConnectionId) override { ++reads; }
    void on_frame(ConnectionId, ByteView) override { ++frames; }
    void on_broken(ConnectionId, const std::string&, bool) override { ++broken; }
    void on_listen_error(const std::string&) override {}
    int reads = 0, frames = 0, broken = 0;
};

class PeerNetworkTest : public testing::Test {
  protected:
    static void SetUpTestSuite() { configure_logging(LogLevel::off, false); }

    static PeerNetworkOptions options(std::vector<std::string> bootstrap = {}) {
        PeerNetworkOptions made;
        made.listen_host = "127.0.0.1";
        made.listen_port = 0;
        made.bootstrap = std::move(bootstrap);
        made.network = named_digest("network");
        made.ledger = named_digest("ledger");
        made.agent = "test";
        return made;
    }

    bool run_until(const std::function<bool()>& condition, seconds limit = seconds(20)) {
        const auto deadline = steady_clock::now() + limit;
        while (!condition()) {
            if (steady_clock::now() >= deadline) return false;
            io_.restart();
            io_.run_one_for(std::chrono::milliseconds(50));
        }
        return true;
    }

    bool run_raw_until(RawPeer& raw, const std::function<bool()>& condition) {
        return run_until([&] {
            raw.pump();
            return condition();
        });
    }

    // Authenticates `raw` as the owner of `claimed`, endorsing with `signer`.
    void shake_hands(RawPeer& raw, const PeerId& claimed, const Signer& signer) {
        ASSERT_TRUE(run_raw_until(raw, [&] { return raw.ready() && !raw.received().empty(); }));
        const LocalNode local{named_digest("network"), named_digest("ledger"), "raw", 0, false};
        Ed25519Verifier verifier;
        Handshake handshake(local, signer, verifier, Direction::outbound, raw.channel().binding().value(),
                            {});
        ControlMessage message;
        message.from = claimed;
        const auto wall = std::chrono::system_clock::now().time_since_epoch();
        HandshakeMessage claim =
            handshake.claim({std::chrono::duration_cast<std::chrono::milliseconds>(wall).count()});
        claim.node = claimed;
        message.body = claim;
        const Bytes payload = write_control(message);
        handshake.sent(payload);
        raw.send_frame(payload);
        const auto theirs = parse_control(raw.received()[0]);
        ASSERT_TRUE(theirs);
        const HandshakeStep step = handshake.receive({{}, claim.clock}, theirs->body, raw.received()[0]);
        ASSERT_TRUE(step.send);
        message.id.data[0] = 1;
        message.body = *step.send;
        raw.send_frame(write_control(message));
    }

    static SharedBytes text(std::string_view text) {
        const ByteView bytes = as_bytes(text);
        return SharedBytes(Bytes(bytes.begin(), bytes.end()));
    }

    // A raw client that writes `bytes` and reads until the node closes.
    bool is_closed_after(const Node& node, const std::string& bytes) {
        tcp::socket socket(io_);
        socket.connect({asio::ip::make_address("127.0.0.1"), node.network->port()});
        asio::write(socket, asio::buffer(bytes));
        std::string answer(4096, '\0');
        bool closed = false;
        std::function<void()> read = [&] {
            socket.async_read_some(asio::buffer(answer), [&](boost::system::error_code error, std::size_t) {
                if (error)
                    closed = true;
                else
                    read();
            });
        };
        read();
        const bool done = run_until([&] { return closed; });
        boost::system::error_code code;
        socket.close(code);
        io_.restart();
        io_.poll();
        return done;
    }

    asio::io_context io_;
};

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

TEST_F(PeerNetworkTest, DamageOnTheLineBreaksTheConnectionAndIsHeldAgainstNobody) {
    Node a(io_, 1, options());
    Relay relay(io_, a.network->port());
    Node b(io_, 2, options({relay.address()}));
    ASSERT_TRUE(run_until([&] { return a.connected == 1 && b.connected == 1; }));
    relay.damage_next();
    EXPECT_TRUE(b.network->send(a.id(), block_kind, text("lost")));
    ASSERT_TRUE(run_until([&] { return a.disconnected == 1 && b.disconnected == 1; }));
    ASSERT_TRUE(run_until([&] { return a.connected == 2 && b.connected == 2; }));
    EXPECT_EQ(a.network->peers().at(0).reputation, 0);
    EXPECT_EQ(b.network->peers().at(0).reputation, 0);
    EXPECT_TRUE(b.network->send(a.id(), block_kind, text("whole")));
    ASSERT_TRUE(run_until([&] { return a.payloads.size() == 1; }));
    EXPECT_EQ(a.payloads[0].text, "whole");
}

TEST_F(PeerNetworkTest, TheTransportKeyIsRotatedWhileItRunsAndTheIdStays) {
    const auto directory =
        std::filesystem::temp_directory_path() / ("peerbook-rotate-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory);
    const auto key = [&] {
        std::ifstream file(directory / "transport.key");
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    Node a(io_, 1, options(), directory.string()), b(io_, 2, options()), c(io_, 3, options());
    ASSERT_TRUE(b.network->connect(a.address()).ok());
    ASSERT_TRUE(run_until([&] { return a.connected == 1 && b.connected == 1; }));
    const std::string before = key();
    const auto rotated = a.network->rotate_transport_key();
    ASSERT_TRUE(rotated.ok()) << rotated.error().message;
    EXPECT_NE(key(), before);
    // The open connection goes on, and a new one shows the new certificate.
    a.network->send(b.id(), block_kind, SharedBytes(Bytes{'h', 'i'}));
    ASSERT_TRUE(run_until([&] { return b.payloads.size() == 1; }));
    EXPECT_EQ(b.disconnected, 0);
    ASSERT_TRUE(c.network->connect(a.address()).ok());
    ASSERT_TRUE(run_until([&] { return c.connected == 1; }));
    EXPECT_EQ(c.network->peers().at(0).id, a.id());
    a.network->stop();
    const auto at_rest = rotate_transport_key(directory.string());
    ASSERT_TRUE(at_rest.ok());
    EXPECT_NE(*at_rest, *rotated);
    Node again(io_, 1, options(), directory.string());
    EXPECT_FALSE(again.error);
    again.network->stop();

    // A key that others can read is refused with its name.
    std::filesystem::permissions(directory / "transport.key", std::filesystem::perms(0644));
    Node open(io_, 1, options(), directory.string());
    ASSERT_TRUE(open.error);
    EXPECT_EQ(open.error->code, ErrorCode::unauthorized);
    EXPECT_NE(open.error->message.find("chmod 600"), std::string::npos);
    // A crash between the two files: the key alone counts as none.
    std::filesystem::permissions(directory / "transport.key", std::filesystem::perms(0600));
    std::filesystem::remove(directory / "transport.crt");
    Node repaired(io_, 1, options(), directory.string());
    EXPECT_FALSE(repaired.error);
    repaired.network->stop();
    std::filesystem::remove_all(directory);
}

TEST_F(PeerNetworkTest, ABannedPeerStaysOutUntilItIsUnbannedAndTheFileKnows) {
    const auto file =
        std::filesystem::temp_directory_path() / ("peerbook-ban-" + std::to_string(::getpid()) + ".json");
    PeerNetworkOptions keeping = options();
    keeping.peers_file = file.string();
    keeping.reconnect_interval_max = Duration::seconds(1);
    Node a(io_, 1, keeping), b(io_, 2, options());
    ASSERT_TRUE(a.network->connect(b.address()).ok());
    ASSERT_TRUE(run_until([&] { return a.connected == 1 && b.connected == 1; }));
    ASSERT_TRUE(a.network->ban(b.id(), Duration::seconds(3600)).ok());
    ASSERT_TRUE(run_until([&] { return a.disconnected == 1; }));
    EXPECT_EQ(a.network->peers().at(0).state, "banned");
    EXPECT_EQ(a.network->stats().banned, 1U);
    std::ifstream written(file);
    const std::string text(std::istreambuf_iterator<char>(written), {});
    EXPECT_NE(text.find("\"by_operator\": true"), std::string::npos);
    Node c(io_, 3, options());
    ASSERT_TRUE(c.network->import_peers(a.network->export_peers()).ok());
    EXPECT_EQ(c.network->stats().banned, 1U);
    ASSERT_TRUE(a.network->unban(b.id()).ok());
    EXPECT_EQ(a.network->unban(b.id()).error().code, ErrorCode::not_found);
    EXPECT_TRUE(run_until([&] { return a.connected == 2; }));
    a.network->stop();
    std::filesystem::remove(file);
}

TEST_F(PeerNetworkTest, KnownPeersAreFoundAgainFromTheirFile) {
    const auto directory =
        std::filesystem::temp_directory_path() / ("peerbook-p2p-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory);
    PeerNetworkOptions keeping = options();
    keeping.peers_file = (directory / "peers.json").string();
    Node a(io_, 1, options());
    {
        PeerNetworkOptions first = keeping;
        first.bootstrap = {a.address()};
        Node b(io_, 2, first, directory.string());
        ASSERT_TRUE(run_until([&] { return b.connected == 1; }));
    }
    Node b(io_, 2, keeping, directory.string());
    EXPECT_TRUE(run_until([&] { return b.connected == 1; }));
    b.network->stop();

    struct stat status {};
    for (const char* name : {"transport.key", "transport.crt"}) {
        ASSERT_EQ(::stat((directory / name).c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777, 0600U) << name;
    }
    const auto first = make_transport_identity(directory.string()),
               second = make_transport_identity(directory.string());
    EXPECT_EQ(first->certificate, second->certificate);
    std::ofstream(directory / "transport.key") << "garbage";
    Node broken(io_, 3, options(), directory.string());
    ASSERT_TRUE(broken.error);
    EXPECT_EQ(broken.error->code, ErrorCode::corrupt);
    std::filesystem::remove_all(directory);
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

TEST_F(PeerNetworkTest, GarbageAndPlainHttpAreClosedAndTheNodeGoesOn) {
    Node a(io_, 1, options());
    std::string garbage(5000, '\0');
    Random random(1);
    for (char& c : garbage)
        c = static_cast<char>(random.next());
    EXPECT_TRUE(is_closed_after(a, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_TRUE(is_closed_after(a, garbage));
    EXPECT_EQ(a.connected, 0);
    Node b(io_, 2, options({a.address()}));
    EXPECT_TRUE(run_until([&] { return a.connected == 1; }));
}

TEST_F(PeerNetworkTest, AnOversizedFrameAndGarbageInsideTlsAreClosed) {
    Node a(io_, 1, options());
    for (const Bytes& bytes : {Bytes{0x7f, 0xff, 0xff, 0xff}, Bytes{0, 0, 0x40, 1}, Bytes{0, 0, 0, 0},
                               Bytes{0, 0, 0, 1, 0x90}, Bytes{0, 0, 0, 3, '{', 'x', '}'}}) {
        RawPeer raw(io_, a.network->port());
        raw.send_raw(bytes);
        EXPECT_TRUE(run_raw_until(raw, [&] { return raw.closed(); })) << to_hex(bytes);
    }
    EXPECT_EQ(a.connected, 0);
}

TEST_F(PeerNetworkTest, HalfAFrameIsClosedWithTheHandshakesTime) {
    Node a(io_, 1, options());
    RawPeer raw(io_, a.network->port());
    raw.send_raw(Bytes{0, 0, 1, 0, '{'});
    ASSERT_TRUE(run_raw_until(raw, [&] { return raw.closed(); }));
    EXPECT_EQ(raw.goodbye(), "no handshake within 5 s");
}

TEST_F(PeerNetworkTest, AnotherNetworkIsRefusedOnBothSides) {
    Node a(io_, 1, options());
    PeerNetworkOptions other = options({a.address()});
    other.network = named_digest("another network");
    Node b(io_, 2, other);
    ASSERT_TRUE(run_until([&] {
        const auto infos = b.network->peers();
        return !infos.empty() && infos[0].last_error.find("wrong network") != std::string::npos;
    }));
    EXPECT_EQ(a.connected + b.connected, 0);
    EXPECT_GE(a.network->stats().handshakes_refused, 1U);
}

TEST_F(PeerNetworkTest, WhoHoldsTheKeyIsAcceptedAndWhoOnlyClaimsItIsNot) {
    Node a(io_, 1, options());
    const auto honest = make_ed25519_signer(seed_of(7)), thief = make_ed25519_signer(seed_of(8));
    {
        RawPeer raw(io_, a.network->port());
        shake_hands(raw, honest->public_key(), *thief);
        ASSERT_TRUE(run_raw_until(raw, [&] { return raw.closed(); }));
        EXPECT_EQ(raw.goodbye(), "endorsement does not match the node key and this connection");
        EXPECT_EQ(a.connected, 0);
    }
    RawPeer raw(io_, a.network->port());
    shake_hands(raw, honest->public_key(), *honest);
    EXPECT_TRUE(run_raw_until(raw, [&] { return a.connected == 1; }));
}

TEST_F(PeerNetworkTest, APeerThatDoesNotReadFillsItsQueueAndNoMore) {
    Node a(io_, 1, options());
    const auto slow = make_ed25519_signer(seed_of(7));
    RawPeer raw(io_, a.network->port());
    shake_hands(raw, slow->public_key(), *slow);
    ASSERT_TRUE(run_raw_until(raw, [&] { return a.connected == 1; }));
    raw.stop_reading();
    const SharedBytes block(Bytes(512 * 1024, 1));
    std::size_t refused = 0;
    // First its queue refuses, then, five seconds later, it is dropped.
    ASSERT_TRUE(run_until([&] {
        if (a.disconnected == 0 && !a.network->send(slow->public_key(), block_kind, block)) ++refused;
        for (const PeerInfo& info : a.network->peers())
            EXPECT_LE(info.queued_bytes, data_queue_bytes_max + 3'000'000);
        return a.disconnected == 1;
    }));
    EXPECT_GT(refused, 0U);
}

TEST_F(PeerNetworkTest, ReportedMisbehaviourBansAndBannedPeersStayOut) {
    Node a(io_, 1, options());
    Node b(io_, 2, options({a.address()}));
    ASSERT_TRUE(run_until([&] { return a.connected == 1 && b.connected == 1; }));
    a.network->report_misbehaviour(b.id(), 100, "equivocation");
    EXPECT_EQ(a.disconnected, 0);  // no callback inside a call
    ASSERT_TRUE(run_until([&] { return a.disconnected == 1 && b.disconnected == 1; }));
    EXPECT_EQ(a.network->stats().bans, 1U);
    EXPECT_EQ(a.network->peers().at(0).state, "banned");
    ASSERT_TRUE(run_until([&] { return b.network->peers().at(0).last_error.ends_with("banned"); }));
    EXPECT_EQ(a.connected, 1);
}

// The staging buffer of unsent frames must not become the place where late bytes are thrown.
TEST_F(PeerNetworkTest, BytesThatArriveWhileAClosedConnectionIsWrittenOutSpoilNothing) {
    for (const bool tls : {true, false}) {
        PeerNetworkOptions made = options();
        made.plain_tcp = !tls;
        Node a(io_, 1, made);
        const auto signer = make_ed25519_signer(seed_of(7));
        RawPeer raw(io_, a.network->port(), tls);
        shake_hands(raw, signer->public_key(), *signer);
        ASSERT_TRUE(run_raw_until(raw, [&] { return a.connected == 1; }));
        raw.stop_reading();
        const SharedBytes block(Bytes(100'000, 1));
        std::size_t sent = 0;
        while (a.network->send(signer->public_key(), block_kind, block))
            ++sent;
        const auto settled = [&, last = std::size_t{0}]() mutable {
            const std::size_t now = a.network->peers().at(0).queued_bytes;
            return std::exchange(last, now) == now;
        };
        ASSERT_TRUE(run_until(settled));
        while (a.network->send(signer->public_key(), block_kind, block))
            ++sent;
        a.network->report_misbehaviour(signer->public_key(), 100, "test");
        ASSERT_TRUE(run_until([&] { return a.disconnected == 1; }));
        raw.send_raw(Bytes{1});
        raw.pump();
        io_.restart();
        io_.poll();
        raw.read_again();
        ASSERT_TRUE(run_raw_until(raw, [&] {
            if (!raw.closed()) raw.send_raw(Bytes(64, 2));
            return raw.closed();
        }));
        std::size_t blocks = 0;
        for (const Bytes& payload : raw.received()) {
            if (payload.front() != block_kind) continue;
            ++blocks;
            ASSERT_EQ(payload.size(), 1 + block.size());
            EXPECT_EQ(std::count(payload.begin() + 1, payload.end(), 1), 100'000);
        }
        EXPECT_GT(blocks, 0U);
        EXPECT_LT(blocks, sent);  // what was not begun is dropped
    }
}

TEST_F(PeerNetworkTest, AFailedStartLeavesThePeersFileAndABadOneIsKept) {
    const auto directory =
        std::filesystem::temp_directory_path() / ("peerbook-p2p-file-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory);
    PeerNetworkOptions keeping = options({"not an address"});
    keeping.peers_file = (directory / "peers.json").string();
    const auto content = [](const std::string& path) {
        std::ifstream file(path);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    const std::string bans =
        R"({"version":1,"peers":[],"bans":[{"id":")" + std::string(64, '7') + R"(","until":9999999999999}]})";
    std::ofstream(keeping.peers_file) << bans;
    {
        Node failed(io_, 1, keeping);
        EXPECT_TRUE(failed.error);
    }
    EXPECT_EQ(content(keeping.peers_file), bans);
    keeping.bootstrap.clear();
    std::ofstream(keeping.peers_file) << "garbage";
    // A link in the place of the new file must not be followed.
    std::filesystem::create_symlink(directory / "victim", keeping.peers_file + ".new");
    std::ofstream(directory / "victim") << "untouched";
    {
        Node started(io_, 1, keeping);
        ASSERT_FALSE(started.error);
        EXPECT_EQ(started.network->forget("10.0.0.1:1").error().code, ErrorCode::not_found);
        EXPECT_EQ(started.network->forget("nonsense").error().code, ErrorCode::invalid_input);
    }
    EXPECT_EQ(content(keeping.peers_file + ".bad"), "garbage");
    EXPECT_NE(content(keeping.peers_file).find("\"version\""), std::string::npos);
    EXPECT_EQ(content(directory / "victim"), "untouched");
    std::filesystem::remove_all(directory);
}

TEST_F(PeerNetworkTest, AChannelWithoutRoomIsReadAgainWhenItsOutputDrains) {
    tcp::acceptor acceptor(io_, {asio::ip::make_address("127.0.0.1"), 0});
    tcp::socket client(io_);
    client.connect(acceptor.local_endpoint());
    CountingEvents events;
    const auto connection =
        std::make_shared<Connection>(io_, ConnectionId(1), std::make_unique<StallingChannel>(), events);
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

TEST_F(PeerNetworkTest, GossipReachesANodeThatIsNotConnectedOnceTheOneBetweenAccepts) {
    const auto gossiping = [](std::vector<std::string> bootstrap = {}) {
        PeerNetworkOptions made = options(std::move(bootstrap));
        made.broadcast = false;
        made.gossip.kinds[0x80] = {true, false, true, false, false};
        return made;
    };
    Node middle(io_, 1, gossiping());
    ASSERT_FALSE(middle.error) << middle.error->message;
    Node a(io_, 2, gossiping({middle.address()})), b(io_, 3, gossiping({middle.address()}));
    ASSERT_TRUE(run_until([&] { return middle.connected == 2 && a.connected == 1 && b.connected == 1; }));
    a.network->set_nodes_apart(1);
    middle.accepts = false;
    a.network->publish(0x80, text("refused"));
    ASSERT_TRUE(run_until([&] { return middle.gossip.size() == 1; }));
    middle.accepts = true;
    a.network->publish(0x80, text("passed on"));
    ASSERT_TRUE(run_until([&] { return b.gossip.size() == 1; }));
    EXPECT_EQ(b.gossip[0].text, "passed on");
    EXPECT_EQ(b.gossip[0].from, middle.id());
    EXPECT_EQ(middle.network->stats().gossip.passed_on, 1U);
    EXPECT_EQ(b.network->stats().gossip.amplification_milli(), 1000U);
    EXPECT_EQ(a.network->stats().gossip_policy, GossipPolicy::tree);
    EXPECT_EQ(middle.network->stats().gossip_policy, GossipPolicy::direct);
    // Too large for any frame: dropped, not the end of the process.
    a.network->publish(0x80, SharedBytes(Bytes(frame_bytes_max)));
}

TEST_F(PeerNetworkTest, GossipSettingsThatDoNotFitAreRefused) {
    PeerNetworkOptions made = options();
    made.gossip.dedup_window = Duration::seconds(30);
    Node node(io_, 1, std::move(made));
    ASSERT_TRUE(node.error);
    EXPECT_NE(node.error->message.find("dedup_window_ms"), std::string::npos) << node.error->message;
}

}  // namespace
}  // namespace peerbook::p2p
