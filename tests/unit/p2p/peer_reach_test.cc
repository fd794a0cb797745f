// The way in from the internet, between whole peer managers: dial-backs, and what is told of them.
#include <gtest/gtest.h>

#include <algorithm>

#include "p2p/wire/message.h"
#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

using Node = PeerWorld::Node;

PeerManagerOptions reach_options(bool broadcast = true) {
    PeerManagerOptions options = PeerWorld::options();
    options.local.broadcast = broadcast;
    options.local.dials_back = true;
    options.checks_reach = true;
    return options;
}

Bytes spoken(const PeerWorld& world, const Node& from, const Node& to, std::uint8_t number,
             ControlBody body) {
    ControlMessage message;
    message.id.data.fill(number);
    message.id.data[0] = 0xee;
    message.from = from.id();
    message.to = to.id();
    message.timestamp = world.now(from).wall;
    message.body = std::move(body);
    return write_control(message);
}

PortMapping mapped_to(std::uint16_t port) {
    return {"upnp", "192.168.1.1", "192.168.1.2", "11.9.0.1", port, std::nullopt};
}

// One node behind a gateway, and two on the internet, each of another network.
class PeerReach : public ::testing::Test {
  protected:
    void connect(std::uint8_t first, bool broadcast = true) {
        a = &world.add(first, reach_options(broadcast), "11.9.0.1");
        b = &world.add(static_cast<std::uint8_t>(first + 1), reach_options(), "11.1.0.1");
        c = &world.add(static_cast<std::uint8_t>(first + 2), reach_options(), "11.2.0.1");
        world.configure(*a, *b);
        world.configure(*a, *c);
        world.advance(s(2));
        ASSERT_TRUE(meet(*a, *b));
        ASSERT_TRUE(meet(*a, *c));
    }
    NatInfo info(const Node& node) const { return node.manager->nat_info(); }
    static bool dialled(const Node& node, const PeerAddress& address) {
        return std::find(node.dials.begin(), node.dials.end(), address) != node.dials.end();
    }
    // Whether a newcomer, who knows `via` alone, hears of the address.
    bool hears_of(std::uint8_t number, Node& via, const PeerAddress& address) {
        PeerManagerOptions options = reach_options(false);
        options.checks_reach = false;
        auto& newcomer = world.add(number, options, "11." + std::to_string(number) + ".0.1");
        world.configure(newcomer, via);
        world.advance(s(4));
        EXPECT_TRUE(newcomer.manager->connected(via.id()));
        return dialled(newcomer, address);
    }

    PeerWorld world;
    Node *a = nullptr, *b = nullptr, *c = nullptr;
};

TEST_F(PeerReach, APeerThatDialsBackProvesItAndTakesNobodysPlace) {
    for (const std::uint8_t first : {1, 21, 41, 61}) {  // whoever has the lower id
        world = PeerWorld();
        connect(first);
        world.advance(s(20));
        EXPECT_EQ(info(*a).reach, Reach::reachable);
        EXPECT_TRUE(info(*a).last_proof);
        EXPECT_EQ(info(*a).told_port, 3000);
        EXPECT_EQ(info(*a).asked, 1U);
        EXPECT_EQ(info(*b).dialled_back + info(*c).dialled_back, 1U);
        EXPECT_TRUE(a->noted("reachable from the internet port=3000"));
        EXPECT_TRUE(meet(*a, *b));
        EXPECT_TRUE(meet(*a, *c));
        EXPECT_EQ(a->connected, 2);
        EXPECT_EQ(a->disconnected + b->disconnected + c->disconnected, 0);
        EXPECT_EQ(info_of(world, *a, b->id()).reputation, 0);
    }
}

TEST_F(PeerReach, BothPeersSayWhereTheyFoundIt) {
    connect(1);
    EXPECT_EQ(info(*a).seen_host, "11.9.0.1");
    EXPECT_EQ(info(*a).seen_by, 2U);
    EXPECT_EQ(info(*b).seen_host,
              b->manager->connected(c->id()) ? "11.1.0.1" : "");  // one voice is not enough
}

TEST_F(PeerReach, WhoIsDialledInVainIsToldToNobodyAnyMore) {
    world.black_hole("11.9.0.1");
    connect(1);
    EXPECT_EQ(info(*a).told_port, 3000);
    EXPECT_TRUE(hears_of(10, *b, {"11.9.0.1", 3000}));
    world.advance(s(40));
    EXPECT_EQ(info(*a).reach, Reach::unreachable);
    EXPECT_EQ(info(*a).told_port, 0);
    EXPECT_EQ(info(*a).asked, 2U);
    EXPECT_TRUE(a->noted("not reachable from the internet port=3000"));
    EXPECT_FALSE(hears_of(11, *b, {"11.9.0.1", 3000}));
    EXPECT_FALSE(hears_of(12, *c, {"11.9.0.1", 3000}));
    EXPECT_TRUE(meet(*a, *b));
    EXPECT_TRUE(meet(*a, *c));
    // Nobody is worse for it.
    EXPECT_EQ(info_of(world, *b, a->id()).failures_in_row, 0U);
    EXPECT_EQ(info_of(world, *a, b->id()).reputation, 0);
    // Whom it meets later does not hear of it, either.
    auto& d = world.add(30, reach_options(), "11.30.0.1");
    world.configure(*a, d);
    world.advance(s(3));
    ASSERT_TRUE(meet(*a, d));
    EXPECT_FALSE(hears_of(13, d, {"11.9.0.1", 3000}));
}

TEST_F(PeerReach, AMappedPortIsWhatIsDialledAndTold) {
    connect(1);
    a->manager->set_mapping(world.now(*a), mapped_to(4001));
    world.advance(s(20));
    EXPECT_TRUE(dialled(*b, {"11.9.0.1", 4001}) || dialled(*c, {"11.9.0.1", 4001}));
    EXPECT_EQ(info(*a).reach, Reach::reachable);
    EXPECT_EQ(info(*a).told_port, 4001);
    EXPECT_TRUE(hears_of(10, *b, {"11.9.0.1", 4001}));
    EXPECT_FALSE(hears_of(11, *b, {"11.9.0.1", 3000}));
    // A renewal changes nothing, another port does.
    a->manager->set_mapping(world.now(*a), mapped_to(4001));
    EXPECT_EQ(info(*a).reach, Reach::reachable);
    a->manager->set_mapping(world.now(*a), mapped_to(4002));
    EXPECT_EQ(info(*a).reach, Reach::unknown);
    world.advance(s(130));  // both were asked already
    EXPECT_EQ(info(*a).reach, Reach::reachable);
    EXPECT_TRUE(hears_of(12, *c, {"11.9.0.1", 4002}));
    a->manager->set_mapping(world.now(*a), std::nullopt);
    EXPECT_EQ(info(*a).told_port, 3000);
}

TEST_F(PeerReach, AnswersThatNobodyDialledForProveNothing) {
    world.black_hole("11.9.0.1");
    connect(1);
    for (std::uint8_t i = 1; i < 30; ++i)
        world.inject(*b, *a,
                     spoken(world, *b, *a, i, DialBackAnswer{3000, DialBackAnswer::Result::reachable}));
    EXPECT_EQ(info(*a).reach, Reach::unknown);
    for (std::uint8_t i = 31; i < 60; ++i)
        world.inject(*b, *a,
                     spoken(world, *b, *a, i, DialBackAnswer{3000, DialBackAnswer::Result::unreachable}));
    EXPECT_EQ(info(*a).reach, Reach::unknown);
}

TEST_F(PeerReach, OnlyTheAskersAddressIsDialledAndSeldom) {
    connect(1, false);
    const std::size_t before = b->dials.size();
    for (std::uint8_t i = 1; i <= 40; ++i)
        world.inject(*a, *b, spoken(world, *a, *b, i, DialBack{static_cast<std::uint16_t>(1000 + i)}));
    EXPECT_EQ(b->dials.size(), before + 2);
    for (std::size_t i = before; i < b->dials.size(); ++i)
        EXPECT_EQ(b->dials[i].host, "11.9.0.1");
    EXPECT_EQ(info(*b).dialled_back, 2U);
    EXPECT_EQ(info(*b).dial_backs_refused, 38U);
    EXPECT_TRUE(meet(*a, *b));
    EXPECT_EQ(info_of(world, *b, a->id()).reputation, 0);
}

TEST_F(PeerReach, SomebodyElseAtTheAddressIsNoProof) {
    connect(1);
    auto& other = world.add(30, reach_options(), "11.3.0.1");
    world.alias(other.host, "11.9.0.1");
    world.advance(s(40));
    EXPECT_EQ(info(*a).reach, Reach::unreachable);
}

TEST_F(PeerReach, ASilentNodeAsksNobodyAndSaysNothing) {
    connect(1, false);
    world.advance(s(200));
    EXPECT_EQ(info(*a).asked, 0U);
    EXPECT_EQ(info(*a).told_port, 0);
    EXPECT_EQ(info(*b).dialled_back + info(*c).dialled_back, 0U);
    EXPECT_FALSE(hears_of(10, *b, {"11.9.0.1", 3000}));
}

TEST_F(PeerReach, WhoDoesNotBroadcastAnyMoreIsSharedNoMoreAndAgainWhenItDoes) {
    connect(1);
    world.advance(s(20));
    EXPECT_TRUE(hears_of(10, *b, {"11.9.0.1", 3000}));
    world.set_broadcast(*a, false);
    world.advance(s(2));
    EXPECT_EQ(info(*a).told_port, 0);
    EXPECT_FALSE(hears_of(11, *b, {"11.9.0.1", 3000}));
    EXPECT_TRUE(meet(*a, *b));
    world.set_broadcast(*a, true);
    world.advance(s(20));
    EXPECT_TRUE(hears_of(12, *b, {"11.9.0.1", 3000}));
}

TEST_F(PeerReach, ASilentNodeMayBroadcastLater) {
    connect(1, false);
    EXPECT_FALSE(hears_of(10, *b, {"11.9.0.1", 3000}));
    world.set_broadcast(*a, true);
    world.advance(s(20));
    EXPECT_EQ(info(*a).reach, Reach::reachable);
    EXPECT_TRUE(hears_of(11, *b, {"11.9.0.1", 3000}));
}

TEST_F(PeerReach, OnPrivateNetworksNobodyIsAskedAndEverybodyToldThePort) {
    auto &one = world.add(1, reach_options()), &two = world.add(2, reach_options());
    world.configure(one, two);
    world.advance(s(200));
    ASSERT_TRUE(meet(one, two));
    EXPECT_EQ(info(one).asked + info(two).asked, 0U);
    EXPECT_EQ(info(one).reach, Reach::unknown);
    EXPECT_EQ(info(one).told_port, 3000);
    world.inject(one, two, spoken(world, one, two, 1, DialBack{3000}));
    EXPECT_EQ(info(two).dialled_back, 0U);
    EXPECT_EQ(info(two).dial_backs_refused, 1U);
}

TEST_F(PeerReach, PeersInTheLocalNetworkKeepTheirOwnWayIn) {
    world.black_hole("11.9.0.1");
    connect(1);
    auto& neighbour = world.add(30, reach_options(), "192.168.1.5");
    world.configure(*a, neighbour);
    world.advance(s(40));
    ASSERT_EQ(info(*a).reach, Reach::unreachable);
    ASSERT_TRUE(meet(*a, neighbour));
    EXPECT_TRUE(hears_of(10, neighbour, {"11.9.0.1", 3000}));
}

TEST_F(PeerReach, WhoOnlyLooksIsMetByNobody) {
    // A node that has all the outbound peers it wants looks at an address of *new* every two minutes.
    PeerManagerOptions options = reach_options(false);
    options.outbound_reserved = 1;
    auto &looks = world.add(1, options, "11.1.0.1"), &first = world.add(2, reach_options(), "11.2.0.1"),
         &second = world.add(3, reach_options(), "11.3.0.1");
    world.configure(looks, first);
    world.advance(s(2));
    ASSERT_TRUE(meet(looks, first));
    looks.manager->add_discovered(world.now(looks), "test", second.address());
    world.advance(s(200));  // less than until it tells the first of the second
    EXPECT_TRUE(dialled(looks, second.address()));
    EXPECT_EQ(looks.manager->feelers(), 1U);
    EXPECT_EQ(second.connected, 0);
    EXPECT_EQ(second.manager->connected_count(), 0U);
    EXPECT_EQ(info_of(world, looks, second.id()).failures, 0U);
}

TEST_F(PeerReach, NodesThatDoNotKnowOfItAreNotAsked) {
    a = &world.add(1, reach_options(), "11.9.0.1");
    b = &world.add(2, PeerWorld::options(), "11.1.0.1");
    world.configure(*a, *b);
    world.advance(s(200));
    ASSERT_TRUE(meet(*a, *b));
    EXPECT_EQ(info(*a).asked, 0U);
    world.inject(*a, *b, spoken(world, *a, *b, 1, DialBack{3000}));
    EXPECT_EQ(b->dials.size(), 0U);
    EXPECT_EQ(info_of(world, *b, a->id()).reputation, 0);
}

}  // namespace
}  // namespace peerbook::p2p
