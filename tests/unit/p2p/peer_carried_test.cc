// Connections that are carried where no direct one can be had: when, and what becomes of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "p2p/peers/carried_dials.h"
#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

MonoTime at(std::int64_t seconds) {
    return MonoTime{Duration::seconds(1'000 + seconds).ns};
}

PeerAddress address(int host, std::uint16_t port = 3001) {
    return {"198.51.100." + std::to_string(host), port};
}

PeerId id_of(std::uint8_t number) {
    PeerId id;
    id.data.fill(number);
    return id;
}

std::vector<PeerAddress> due(CarriedDials& dials, MonoTime now, const PeerId& met = {}) {
    return dials.due(now, 10, [&](const PeerId& id) { return id == met; });
}

TEST(CarriedDials, WaitForDirectConnectionsUnlessThereAreNone) {
    CarriedDials patient(false), alone(true);
    EXPECT_TRUE(patient.add(at(0), address(1)));
    EXPECT_FALSE(patient.add(at(0), address(1)));  // known
    alone.add(at(0), address(1));
    EXPECT_THAT(due(alone, at(0)), ElementsAre(address(1)));
    EXPECT_THAT(due(patient, at(0)), IsEmpty());
    EXPECT_THAT(due(patient, at(2)), IsEmpty());
    EXPECT_THAT(due(patient, at(3)), ElementsAre(address(1)));
}

TEST(CarriedDials, AMetNodeIsDialledOnlyWhenItHasBeenAloneForAWhile) {
    CarriedDials dials(false);
    dials.add(at(0), address(1));
    due(dials, at(0));
    EXPECT_THAT(due(dials, at(3)), ElementsAre(address(1)));
    dials.started(address(1));
    EXPECT_THAT(due(dials, at(4)), IsEmpty());  // under way
    dials.met(address(1), id_of(9));
    dials.ended(at(4), address(1), false);  // there is a direct connection: a duplicate
    EXPECT_THAT(due(dials, at(100), id_of(9)), IsEmpty());
    EXPECT_THAT(due(dials, at(101)), IsEmpty());  // that is gone now
    EXPECT_THAT(due(dials, at(103)), IsEmpty());
    EXPECT_THAT(due(dials, at(104)), ElementsAre(address(1)));
}

TEST(CarriedDials, PausesDoubleAndEndWithWhatIsOfUse) {
    CarriedDials dials(true);
    dials.add(at(0), address(1));
    std::int64_t now = 0;
    for (const std::int64_t pause : {5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600}) {
        dials.add(at(now), address(1));  // found again with each search
        ASSERT_THAT(due(dials, at(now)), ElementsAre(address(1))) << pause;
        dials.started(address(1));
        dials.ended(at(now), address(1), true);
        EXPECT_THAT(due(dials, at(now + pause - 1)), IsEmpty()) << pause;
        dials.add(at(now + pause - 1), address(1));
        now += pause;
    }
    ASSERT_THAT(due(dials, at(now)), ElementsAre(address(1)));
    dials.started(address(1));
    dials.ended(at(now), address(1), false);
    EXPECT_THAT(due(dials, at(now + 2)), IsEmpty());  // also then not without end
    EXPECT_THAT(due(dials, at(now + 3)), ElementsAre(address(1)));
    dials.is_ourselves(at(now), address(1));
    EXPECT_THAT(due(dials, at(now + 3'599)), IsEmpty());
}

TEST(CarriedDials, PlacesAreFewAndForgotten) {
    CarriedDials dials(true);
    for (std::uint16_t port = 1; port <= 10; ++port)
        dials.add(at(0), address(1, port));
    EXPECT_EQ(dials.size(), carried_addresses_of_host_max);
    for (std::uint16_t port = 1; port <= 10; ++port)
        dials.add(at(0), {"127.0.0.1", port});
    EXPECT_EQ(dials.size(), carried_addresses_of_host_max + 10);  // loopback exempt
    for (int host = 2; host < 200; ++host)
        dials.add(at(0), address(host));
    EXPECT_EQ(dials.size(), carried_addresses_max);
    EXPECT_FALSE(dials.add(at(0), address(250)));
    dials.started(address(5));
    dials.ended(at(0), address(5), true);
    EXPECT_TRUE(dials.add(at(0), address(250)));  // in the place of the one that failed
    EXPECT_EQ(dials.size(), carried_addresses_max);
    for (const PeerAddress& wrong : {PeerAddress{"0.0.0.0", 1}, PeerAddress{"a.name", 1},
                                     PeerAddress{"224.0.0.1", 1}, PeerAddress{"198.51.100.251", 0}})
        EXPECT_FALSE(dials.add(at(0), wrong)) << to_string(wrong);
    EXPECT_THAT(due(dials, at(3'600)), IsEmpty());
    EXPECT_EQ(dials.size(), 0u);
}

// --- whole managers ---

using Node = PeerWorld::Node;

PeerManagerOptions carried_options() {
    PeerManagerOptions options = PeerWorld::options();
    options.dials_directly = false;
    options.local.listen_port = 0;
    return options;
}

struct PeerCarried : testing::Test {
    void find(Node& node, const Node& target) {
        node.manager->add_carried(world.now(node), {target.host, 3001});
    }
    bool is_carried(Node& node, const Node& peer) { return info_of(world, node, peer.id()).carried; }
    PeerWorld world;
};

TEST_F(PeerCarried, WithoutDirectConnectionsAllIsCarried) {
    Node &a = world.add(1, carried_options()), &b = world.add(2, carried_options());
    a.reachable = b.reachable = false;
    world.configure(a, b);  // is not dialled
    world.advance(s(5));
    EXPECT_TRUE(a.dials.empty());
    find(a, b);
    find(b, a);
    world.advance(s(2));
    ASSERT_TRUE(meet(a, b));
    EXPECT_TRUE(is_carried(a, b) && is_carried(b, a));
    EXPECT_EQ(a.connected - a.disconnected, 1);
    world.send_reliably(a, b.id(), "a batch");
    world.settle();
    ASSERT_EQ(b.payloads.size(), 1u);
    EXPECT_EQ(b.payloads[0].text, "a batch");
    // Both know where to find the other, and neither dials what it has.
    const auto dials = a.dials.size() + b.dials.size();
    world.advance(s(60));
    EXPECT_EQ(a.dials.size() + b.dials.size(), dials);
    EXPECT_TRUE(meet(a, b));
}

TEST_F(PeerCarried, WhereNoDirectConnectionIsToBeHadOneIsCarriedAndADirectOneTakesItsPlace) {
    Node &a = world.add(1), &b = world.add(2);
    b.reachable = false;  // by TCP
    world.configure(a, b);
    find(a, b);
    world.advance(s(2));
    EXPECT_FALSE(meet(a, b));
    world.advance(s(3));
    ASSERT_TRUE(meet(a, b));
    EXPECT_TRUE(is_carried(a, b));
    b.reachable = true;
    world.advance(s(70));  // it was dialled all the time, with pauses
    ASSERT_TRUE(meet(a, b));
    EXPECT_FALSE(is_carried(a, b) || is_carried(b, a));
    // And back, when it breaks.
    b.reachable = false;
    world.sever(a);
    world.advance(s(8));
    ASSERT_TRUE(meet(a, b));
    EXPECT_TRUE(is_carried(a, b));
}

TEST_F(PeerCarried, ACarriedConnectionDoesNotReplaceADirectOne) {
    Node &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(2));
    ASSERT_TRUE(meet(a, b));
    find(b, a);  // b does not know yet who is there
    world.advance(s(30));
    ASSERT_TRUE(meet(a, b));
    EXPECT_FALSE(is_carried(a, b) || is_carried(b, a));
    EXPECT_EQ(a.disconnected, 0);
    EXPECT_EQ(b.disconnected, 0);
    const auto tried = std::count(b.dials.begin(), b.dials.end(), PeerAddress{a.host, 3001});
    EXPECT_EQ(tried, 1);  // and now it does
}

TEST_F(PeerCarried, ItsPlaceIsNoAddressThatIsDialledOrToldToOthers) {
    Node &a = world.add(1, carried_options()), &b = world.add(2, carried_options());
    find(a, b);
    world.advance(s(2));
    ASSERT_TRUE(meet(a, b));
    EXPECT_EQ(a.manager->known_addresses(), 0u);
    EXPECT_EQ(b.manager->known_addresses(), 0u);
    Node& c = world.add(3);
    find(c, a);
    world.advance(s(20));
    EXPECT_TRUE(meet(c, a));
    EXPECT_FALSE(meet(c, b));
    for (const PeerAddress& dialled : c.dials)
        EXPECT_EQ(dialled, (PeerAddress{a.host, 3001}));
}

TEST_F(PeerCarried, WhoIsBannedIsNotDialled) {
    Node &a = world.add(1, carried_options()), &b = world.add(2, carried_options());
    find(a, b);
    world.advance(s(2));
    ASSERT_TRUE(meet(a, b));
    world.ban(a, b.id(), s(600));
    const auto dials = a.dials.size();
    world.advance(s(120));
    EXPECT_FALSE(meet(a, b));
    EXPECT_EQ(a.dials.size(), dials);
}

TEST_F(PeerCarried, WhomTheOperatorDisconnectsIsForgottenUntilItIsFoundAgain) {
    Node &a = world.add(1, carried_options()), &b = world.add(2, carried_options());
    find(a, b);
    world.advance(s(2));
    ASSERT_TRUE(meet(a, b));
    world.disconnect(a, b.id());
    world.advance(s(120));
    EXPECT_FALSE(meet(a, b));
    find(a, b);
    world.advance(s(2));
    EXPECT_TRUE(meet(a, b));
}

TEST_F(PeerCarried, ANodeThatFindsItselfStopsAsking) {
    Node& a = world.add(1, carried_options());
    find(a, a);
    world.advance(s(300));
    EXPECT_LE(a.dials.size(), 1u);
}

TEST_F(PeerCarried, WhoeverHangsUpAtOnceIsAskedLessAndLess) {
    Node &a = world.add(1, carried_options()), &b = world.add(2, carried_options());
    b.carries = false;
    find(a, b);
    world.advance(s(300));
    EXPECT_LE(a.dials.size(), 8u);  // after 5, 10, 20, 40, 80, 160 s
    EXPECT_GE(a.dials.size(), 5u);
}

}  // namespace
}  // namespace peerbook::p2p
