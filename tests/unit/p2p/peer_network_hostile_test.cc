// Peers and lines that are hostile or broken: what they cost a node's network, and what is held against whom.

#include <algorithm>
#include <string>
#include <utility>

#include "base/random.h"
#include "p2p/peer_network.h"
#include "p2p/peers/send_queue.h"
#include "tests/unit/p2p/peer_network_case.h"

namespace peerbook::p2p {
namespace {

TEST_F(PeerNetworkTest, DamageOnTheLineBreaksTheConnectionAndIsHeldAgainstNobody) {
    Node a(io_, 1, options());
    PortRelay relay(io_, a.network->port());
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

}  // namespace
}  // namespace peerbook::p2p
