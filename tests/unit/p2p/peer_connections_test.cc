// Which of several connections of two nodes stays, and how a dead one is replaced.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

TEST(PeerConnections, WhenBothDialTheLowerIdKeepsTheOneItOpened) {
    for (const bool a_ticks_first : {true, false}) {
        PeerWorld world;
        auto &a = world.add(1, PeerWorld::options(), a_ticks_first ? "10.0.0.1" : "10.0.0.9"),
             &b = world.add(2);
        world.configure(a, b);
        world.configure(b, a);
        world.advance(s(3));
        EXPECT_EQ(a.dials.size() + b.dials.size(), 2U);
        ASSERT_TRUE(meet(a, b));
        EXPECT_EQ(a.wires.size(), 1U);
        EXPECT_EQ(b.wires.size(), 1U);
        const bool a_is_lower = a.id() < b.id();
        EXPECT_EQ(info_of(world, a, b.id()).outbound, a_is_lower);
        EXPECT_EQ(info_of(world, b, a.id()).outbound, !a_is_lower);
        // Every connection that replaced another was announced, so that the application can start afresh on
        // it.
        EXPECT_EQ(a.connected - a.disconnected, 1);
        EXPECT_EQ(b.connected - b.disconnected, 1);
        world.advance(s(60));
        EXPECT_EQ(a.dials.size() + b.dials.size(), 2U);
    }
}

TEST(PeerConnections, ASilentConnectionGivesWayToANewOneOfItsPeer) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(1));
    world.cut(a, b);
    // a's process restarts: it knows nothing of the old connection, which at b is only silent.
    PeerEffects forgotten;
    a.manager->stop(world.now(a), forgotten);
    a.wires.clear();
    world.advance(s(8));
    ASSERT_TRUE(b.manager->connected(a.id()));
    Ed25519Verifier verifier;
    PeerManagerOptions options = PeerWorld::options();
    options.sender_start = 99;
    a.manager = std::make_unique<PeerManager>(options, *a.signer, verifier);
    world.configure(a, b);
    world.advance(s(1));
    EXPECT_TRUE(meet(a, b));
    EXPECT_EQ(b.connected, 2);
    EXPECT_EQ(b.disconnected, 1);
}

// One end of a connection sees it break, the other does not: a router in between forgot it.
TEST(PeerConnections, APeerThatLostItsConnectionTakesItsOwnPlaceAsSoonAsTheOldOneDoesNotAnswer) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(21));
    world.cut(a, b);
    world.sever(a);
    ASSERT_TRUE(b.manager->connected(a.id()));
    world.advance(s(4));
    EXPECT_TRUE(meet(a, b));
    EXPECT_EQ(b.connected, 2);
}

TEST(PeerConnections, APeerThatFallsSilentIsDialledAgainBesideTheOldConnection) {
    PeerWorld world;
    auto &a = world.add(1, silent_options()), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(21));
    world.cut(a, b);
    world.sever(b);
    ASSERT_TRUE(a.manager->connected(b.id()));
    world.advance(s(9));
    EXPECT_TRUE(meet(a, b));
    EXPECT_EQ(a.connected, 2);
    EXPECT_EQ(a.dials.size(), 2U);
    // As long as nobody answers, it is tried less and less often.
    world.cut(a, b);
    b.reachable = false;
    world.advance(s(40));
    EXPECT_TRUE(a.manager->connected(b.id()));
    EXPECT_GE(a.dials.size(), 5U);
    EXPECT_LE(a.dials.size(), 8U);
}

TEST(PeerConnections, AConnectionThatAnswersKeepsItsPlace) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.alias(b.host, "10.0.1.2");
    world.configure(a, b);
    world.advance(s(21));
    for (int times = 0; times < 3; ++times) {
        a.manager->add_configured(world.now(a), {"10.0.1.2", 3000});
        world.advance(s(3));
        PeerEffects nothing;
        EXPECT_TRUE(a.manager->forget(world.now(a), {"10.0.1.2", 3000}, nothing).ok());
    }
    EXPECT_EQ(a.dials.size(), 4U);
    EXPECT_EQ(b.connected, 1);
    EXPECT_TRUE(meet(a, b));
}

TEST(PeerConnections, OverALineThatBreaksOftenPeersAreConnectedHalfOfTheTime) {
    PeerWorld world;
    auto &a = world.add(1, silent_options()), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(1));
    for (int round = 0; round < 12; ++round) {
        ASSERT_TRUE(meet(a, b)) << round;
        world.advance(s(20));
        world.sever(a);
        ASSERT_FALSE(meet(a, b));
        world.advance(s(20));
    }
    // One that ends at once every time is still left alone for longer and longer.
    const std::size_t before = a.dials.size();
    for (int step = 0; step < 120; ++step) {
        if (meet(a, b)) world.sever(a);
        world.advance(s(1));
    }
    EXPECT_LE(a.dials.size() - before, 8U);
}

TEST(PeerConnections, OfTwoConnectionsOpenedByOneNodeBothSidesKeepTheSame) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.alias(b.host, "10.0.1.2");
    world.configure(a, b);
    a.manager->add_configured(world.now(a), {"10.0.1.2", 3000});
    world.advance(s(5));
    EXPECT_EQ(a.dials.size(), 2U);
    ASSERT_TRUE(meet(a, b));
    EXPECT_EQ(a.wires.size(), 1U);
    EXPECT_EQ(b.wires.size(), 1U);
    // Known to be one peer now: after a break one address is dialled at a time.
    b.reachable = false;
    world.sever(a);
    world.advance(s(2));
    b.reachable = true;
    world.advance(s(20));
    EXPECT_TRUE(meet(a, b));
    EXPECT_EQ(b.wires.size(), 1U);
}

}  // namespace
}  // namespace peerbook::p2p
