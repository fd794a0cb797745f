// Whole networks in one process, over real loopback sockets. Nothing sleeps: the event loop runs until a
// condition holds or a deadline passes. One thread: the test's.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <functional>

#include "base/hash.h"
#include "base/keys.h"
#include "base/log.h"
#include "p2p/peer_network.h"
#include "p2p/wire/handshake.h"
#include "p2p/wire/message.h"
#include "tests/unit/p2p/raw_peer.h"

namespace peerbook::p2p {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

inline constexpr std::uint8_t block_kind = 0x90;

inline KeySeed seed_of(std::uint8_t number) {
    KeySeed seed;
    seed.data.fill(number);
    return seed;
}

inline Digest named_digest(std::string_view name) {
    return hash_of("test", as_bytes(name));
}

// A node on `io` that keeps what its network tells it.
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
    void on_sealed(const PeerId& from, std::uint8_t kind, SharedBytes payload) override {
        sealed.push_back({from, kind, std::string(as_text(payload.view()))});
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
    std::vector<Payload> payloads, gossip, sealed;
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

    bool run_until(const std::function<bool()>& condition,
                   std::chrono::seconds limit = std::chrono::seconds(20)) {
        const auto deadline = std::chrono::steady_clock::now() + limit;
        while (!condition()) {
            if (std::chrono::steady_clock::now() >= deadline) return false;
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

}  // namespace peerbook::p2p
