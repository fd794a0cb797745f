// Gossip as it lives in PeerManager: what is published at one node reaches those that are not connected to
// it.
#include <gtest/gtest.h>

#include <algorithm>

#include "p2p/peers/peer_score.h"
#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

using Node = PeerWorld::Node;

// A – C – B: whoever stands in the middle is connected to both ends.
struct Line {
    explicit Line(const PeerManagerOptions& options = gossip_options())
        : a(world.add(1, options)), c(world.add(2, options)), b(world.add(3, options)) {
        world.configure(a, c);
        world.configure(b, c);
        world.advance(s(3));
        for (Node* node : {&a, &b})
            world.set_nodes_apart(*node, 1);
    }
    PeerWorld world;
    Node &a, &c, &b;
};

std::vector<std::string> texts(const Node& node) {
    std::vector<std::string> all;
    for (const auto& payload : node.gossip)
        all.push_back(payload.text);
    return all;
}

Bytes push_bytes(std::uint8_t kind, std::string_view text, WallTime created,
                 GossipMode mode = GossipMode::tree) {
    const OutgoingPayload frame = push_frame({mode, 32, 1, created, kind}, shared_text(text));
    Bytes bytes(frame.head.begin(), frame.head.begin() + frame.head_size);
    const ByteView body = frame.body.view();
    bytes.insert(bytes.end(), body.begin(), body.end());
    return bytes;
}

TEST(PeerGossip, WhatOneEndOfALinePublishesReachesTheOtherOnce) {
    Line line;
    ASSERT_TRUE(meet(line.a, line.c) && meet(line.b, line.c) && !meet(line.a, line.b));
    for (const char* text : {"one", "two", "three"})
        line.world.publish(line.a, block_like, text);
    line.world.publish(line.b, block_like, "four");
    line.world.advance(s(3));
    EXPECT_EQ(texts(line.b), (std::vector<std::string>{"one", "two", "three"}));
    EXPECT_EQ(line.b.gossip[0].from, line.c.id());
    EXPECT_EQ(texts(line.c), (std::vector<std::string>{"one", "two", "three", "four"}));
    EXPECT_EQ(texts(line.a), (std::vector<std::string>{"four"}));
    const GossipStats at_b = line.b.manager->gossip_stats(), at_c = line.c.manager->gossip_stats();
    EXPECT_EQ(at_b.duplicates, 0U);
    EXPECT_EQ(at_b.amplification_milli(), 1000U);
    EXPECT_EQ(at_b.hops_max, 2U);
    EXPECT_EQ(at_c.passed_on, 4U);
}

TEST(PeerGossip, NothingIsPassedOnBeforeItIsAccepted) {
    Line line;
    line.c.answer = Node::Answer::reject;
    line.world.publish(line.a, block_like, "false");
    line.world.publish(line.a, critical_kind, "false, too");
    line.c.answer = Node::Answer::none;
    line.world.publish(line.a, block_like, "not judged yet");
    line.world.advance(s(60));
    EXPECT_EQ(line.c.gossip.size(), 3U);
    EXPECT_TRUE(line.b.gossip.empty());
}

TEST(PeerGossip, WhereAllAreConnectedNobodyRelaysButWhatAlwaysIs) {
    PeerWorld world;
    std::vector<Node*> nodes;
    for (std::uint8_t i = 1; i <= 4; ++i)
        nodes.push_back(&world.add(i, gossip_options()));
    for (std::size_t i = 0; i < nodes.size(); ++i)
        for (std::size_t j = i + 1; j < nodes.size(); ++j)
            world.configure(*nodes[i], *nodes[j]);
    world.advance(s(3));
    world.publish(*nodes[0], block_like, "block");
    for (std::size_t i = 1; i < nodes.size(); ++i) {
        EXPECT_EQ(nodes[i]->gossip.size(), 1U);
        EXPECT_EQ(nodes[i]->manager->gossip_stats().passed_on, 0U);
        EXPECT_EQ(nodes[i]->manager->gossip_stats().duplicates, 0U);
    }
    world.publish(*nodes[0], relayed_kind, "alive");
    EXPECT_GT(nodes[1]->manager->gossip_stats().passed_on, 0U);
    EXPECT_EQ(nodes[1]->gossip.size(), 2U) << "and each is delivered once";
}

TEST(PeerGossip, APeerWithoutTheCapabilityGetsPlainPayloads) {
    PeerWorld world;
    auto &a = world.add(1, gossip_options()), &old = world.add(2, silent_options());
    world.configure(a, old);
    world.advance(s(3));
    world.publish(a, block_like, "block");
    ASSERT_EQ(old.payloads.size(), 1U);
    EXPECT_EQ(old.payloads[0].kind, block_like);
    EXPECT_EQ(old.payloads[0].text, "block");
    world.inject(a, old, push_bytes(block_like, "x", world.now(a).wall));
    EXPECT_EQ(old.payloads.size(), 1U);
    EXPECT_EQ(info_of(world, old, a.id()).reputation, 0);
}

TEST(PeerGossip, AStarReachesAllItsPoints) {
    PeerWorld world;
    auto& hub = world.add(1, gossip_options());
    std::vector<Node*> points;
    for (std::uint8_t i = 2; i <= 12; ++i) {
        points.push_back(&world.add(i, gossip_options()));
        world.configure(*points.back(), hub);
    }
    world.advance(s(3));
    for (Node* point : points)
        world.set_nodes_apart(*point, points.size() - 1);
    for (Node* point : points)
        world.publish(*point, block_like, "of " + point->host);
    world.advance(s(5));
    EXPECT_EQ(hub.gossip.size(), points.size());
    for (Node* point : points)
        EXPECT_EQ(point->gossip.size(), points.size() - 1) << point->host;
}

// A ring of four that lost one link: what is left is a line, whichever link it was.
TEST(PeerGossip, ALinkThatDiesIsGoneAround) {
    PeerWorld world;
    std::vector<Node*> nodes;
    for (std::uint8_t i = 1; i <= 4; ++i)
        nodes.push_back(&world.add(i, gossip_options()));
    for (std::size_t i = 0; i < nodes.size(); ++i)
        world.configure(*nodes[i], *nodes[(i + 1) % nodes.size()]);
    world.advance(s(3));
    for (Node* node : nodes)
        world.set_nodes_apart(*node, 1);
    for (int i = 0; i < 5; ++i)
        world.publish(*nodes[0], block_like, "before " + std::to_string(i));
    world.cut(*nodes[0], *nodes[1]);
    nodes[0]->reachable = nodes[1]->reachable = false;  // nor do they find each other again
    world.advance(s(60));
    for (int i = 0; i < 5; ++i)
        world.publish(*nodes[0], block_like, "after " + std::to_string(i));
    world.advance(s(10));
    for (std::size_t i = 1; i < nodes.size(); ++i)
        EXPECT_EQ(nodes[i]->gossip.size(), 10U) << nodes[i]->host;
}

// The one in the middle takes everything and passes nothing on; there is another way.
TEST(PeerGossip, OneThatNeverRelaysIsGoneAround) {
    PeerWorld world;
    auto &a = world.add(1, gossip_options()), &mute = world.add(2, gossip_options()),
         &other = world.add(3, gossip_options()), &b = world.add(4, gossip_options());
    for (Node* middle : {&mute, &other}) {
        world.configure(a, *middle);
        world.configure(b, *middle);
    }
    world.advance(s(3));
    for (Node* node : {&a, &b})
        world.set_nodes_apart(*node, 1);
    mute.answer = Node::Answer::none;
    for (int i = 0; i < 20; ++i) {
        world.publish(a, block_like, std::to_string(i));
        world.advance(Duration::milliseconds(400));
    }
    world.advance(s(5));
    EXPECT_EQ(b.gossip.size(), 20U);
}

TEST(PeerGossip, GarbageCostsPointsAndAtLastTheConnection) {
    Line line;
    const Bytes garbage[] = {{gossip_push_kind, 9, 9, 9},
                             {gossip_announce_kind},
                             {gossip_want_kind, 77},
                             {gossip_prune_kind, 1},
                             {gossip_link_kind, 99}};
    int reputation = 0;
    for (const Bytes& frame : garbage) {
        line.world.inject(line.a, line.c, frame);
        if (!line.c.manager->connected(line.a.id())) break;
        const int now = info_of(line.world, line.c, line.a.id()).reputation;
        EXPECT_EQ(now, reputation - penalty_protocol);
        reputation = now;
    }
    EXPECT_FALSE(line.c.manager->connected(line.a.id()));
    EXPECT_TRUE(line.c.gossip.empty());
    // Whoever is left is not harmed.
    line.world.set_nodes_apart(line.b, 0);
    line.world.publish(line.b, block_like, "still here");
    EXPECT_EQ(texts(line.c), (std::vector<std::string>{"still here"}));
}

TEST(PeerGossip, AReplayIsDroppedAndCostsNobodyElseAnything) {
    Line line;
    const Bytes push = push_bytes(block_like, "again", line.world.now(line.a).wall);
    for (int i = 0; i < 100; ++i)
        line.world.inject(line.a, line.c, push);
    line.world.advance(s(3));
    EXPECT_EQ(texts(line.c), (std::vector<std::string>{"again"}));
    EXPECT_EQ(texts(line.b), (std::vector<std::string>{"again"}));
    EXPECT_EQ(line.c.manager->gossip_stats().duplicates, 99U);
    EXPECT_EQ(line.c.manager->gossip_stats().passed_on, 1U);
}

TEST(PeerGossip, AFloodOfWhatIsFloodedIsBounded) {
    Line line;
    const std::size_t burst = 2'000;
    for (std::size_t i = 0; i < burst + 500; ++i)
        line.world.inject(
            line.a, line.c,
            push_bytes(critical_kind, std::to_string(i), line.world.now(line.a).wall, GossipMode::flood));
    EXPECT_EQ(line.c.gossip.size(), burst);
    EXPECT_EQ(line.c.manager->gossip_stats().refused, 500U);
    EXPECT_EQ(line.b.gossip.size(), burst);
    // Blocks of the same peer are none of it.
    line.world.publish(line.a, block_like, "block");
    EXPECT_EQ(line.b.gossip.size(), burst + 1);
}

TEST(PeerGossip, KindsThatAreNotListedAreNotTaken) {
    Line line;
    line.world.inject(line.a, line.c, push_bytes(0x90, "what?", line.world.now(line.a).wall));
    EXPECT_TRUE(line.c.gossip.empty());
    EXPECT_EQ(line.c.manager->gossip_stats().refused, 1U);
    EXPECT_EQ(info_of(line.world, line.c, line.a.id()).reputation, 0) << "it may be of a newer version";
}

TEST(PeerGossip, ThePolicyFollowsWhoIsApart) {
    Line line;
    EXPECT_EQ(line.a.manager->gossip_policy(), GossipPolicy::tree);
    EXPECT_EQ(line.c.manager->gossip_policy(), GossipPolicy::direct);
    line.world.set_nodes_apart(line.a, 0);
    EXPECT_EQ(line.a.manager->gossip_policy(), GossipPolicy::direct);
    PeerWorld world;
    EXPECT_EQ(world.add(1, gossip_options(GossipPolicy::flood)).manager->gossip_policy(),
              GossipPolicy::flood);
}

}  // namespace
}  // namespace peerbook::p2p
