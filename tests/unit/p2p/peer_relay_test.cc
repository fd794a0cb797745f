// Relaying as it lives in PeerManager: sealed messages between nodes that are not connected.
#include <gtest/gtest.h>

#include "p2p/peers/peer_score.h"
#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

using Node = PeerWorld::Node;

PeerManagerOptions relaying(bool relays = true) {
    PeerManagerOptions options = silent_options();
    options.local.relays = relays;
    return options;
}

// A – C – B
struct Line {
    explicit Line(const PeerManagerOptions& middle = relaying())
        : a(world.add(1, relaying())), c(world.add(2, middle)), b(world.add(3, relaying())) {
        world.configure(a, c);
        world.configure(b, c);
        world.advance(s(3));
    }
    PeerWorld world;
    Node &a, &c, &b;
};

TEST(PeerRelay, ASealedMessageGoesToANodeThatIsNotConnected) {
    Line line;
    ASSERT_TRUE(meet(line.a, line.c) && meet(line.b, line.c) && !meet(line.a, line.b));
    line.world.send_sealed(line.a, line.b.id(), "for b alone", s(10));
    ASSERT_EQ(line.b.sealed.size(), 1U);
    EXPECT_EQ(line.b.sealed[0].from, line.a.id());
    EXPECT_EQ(line.b.sealed[0].text, "for b alone");
    EXPECT_TRUE(line.c.sealed.empty() && line.c.payloads.empty());
    line.world.send_sealed(line.b, line.a.id(), "and back", s(10));
    ASSERT_EQ(line.a.sealed.size(), 1U);
    EXPECT_GT(line.c.manager->relay_stats().carried, 4U);
    EXPECT_EQ(line.a.manager->relay_stats().waiting, 0U);
}

TEST(PeerRelay, OneInBetweenThatDoesNotRelayIsNotAsked) {
    Line line(relaying(false));
    line.world.send_sealed(line.a, line.b.id(), "for b alone", s(5));
    line.world.advance(s(6));
    EXPECT_TRUE(line.b.sealed.empty());
    EXPECT_EQ(line.a.undeliverable, (std::vector<std::string>{"no peer relays"}));
    line.world.send_sealed(line.c, line.b.id(), "x", s(5));
    EXPECT_EQ(line.c.undeliverable, (std::vector<std::string>{"this node does not relay"}));
}

TEST(PeerRelay, AForgedMessageCostsThePeerThatBroughtIt) {
    Line line;
    line.world.send_sealed(line.a, line.b.id(), "for b alone", s(10));
    RelayEnvelope seek;
    seek.sender = line.a.signer->public_key();
    seek.recipient = line.b.id();
    seek.created = line.world.now(line.c).wall;
    Bytes forged{relay_kind, 3};
    const Bytes rest = write_relay(seek, named_digest("another network"), *line.a.signer);
    forged.insert(forged.end(), rest.begin(), rest.end());
    for (int i = 0; i < 3; ++i)  // 3 × 20 points
        line.world.inject(line.a, line.c, forged);
    EXPECT_TRUE(line.c.noted("banned for misbehaviour"));
    EXPECT_FALSE(meet(line.a, line.c));
}

TEST(PeerRelay, WhenTheLineIsBackWhatWaitsIsSent) {
    Line line;
    line.world.sever(line.c);
    line.world.send_sealed(line.a, line.b.id(), "patience", s(60));
    EXPECT_TRUE(line.b.sealed.empty());
    line.world.advance(s(20));
    ASSERT_TRUE(meet(line.a, line.c) && meet(line.b, line.c));
    ASSERT_EQ(line.b.sealed.size(), 1U);
    EXPECT_EQ(line.b.sealed[0].text, "patience");
}

}  // namespace
}  // namespace peerbook::p2p
