// Whole networks in one process, over real loopback sockets. Nothing sleeps: the event loop runs until a
// condition holds or a deadline passes.

#include "p2p/peer_network.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/hash.h"
#include "base/log.h"
#include "base/random.h"
#include "p2p/transport/certificates.h"
#include "p2p/transport/tls_channel.h"
#include "p2p/wire/frame.h"
#include "p2p/wire/message.h"

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
    bool reply = false;
    std::size_t bytes = 0;
    std::vector<Payload> payloads;
    std::vector<std::string> lost;
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

}  // namespace
}  // namespace peerbook::p2p
