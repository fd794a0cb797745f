// What PeerManager does with what it knows of peers: breaker, feelers, anchors, bans by the operator.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

// The process of a node starts again with what its peers file held.
void restart(PeerWorld& world, PeerWorld::Node& node, PeerManagerOptions options = PeerWorld::options()) {
    static Ed25519Verifier verifier;
    const std::string file = node.manager->peers_to_json(world.now(node));
    world.sever(node);
    options.sender_start = 77;
    node.manager = std::make_unique<PeerManager>(options, *node.signer, verifier);
    ASSERT_TRUE(node.manager->load_peers_json(world.now(node), file).ok());
}

std::size_t dials_of(const PeerWorld::Node& node, const PeerWorld::Node& target) {
    return static_cast<std::size_t>(std::count(node.dials.begin(), node.dials.end(), target.address()));
}

TEST(PeerRecord, AllFiguresOfAConnectedPeerAreThere) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(60));
    const PeerInfo info = info_of(world, a, b.id());
    EXPECT_EQ(info.state, "connected");
    EXPECT_EQ(info.version, protocol_version);
    EXPECT_EQ(info.ledger, named_digest("ledger"));
    EXPECT_EQ(info.breaker, "closed");
    EXPECT_EQ(info.failures_in_row, 0U);
    EXPECT_GE(info.successes, 10U);  // heartbeats
    ASSERT_TRUE(info.health && info.availability && info.performance && info.since && info.seen);
    EXPECT_EQ(*info.availability, 1000);
    EXPECT_GE(*info.health, 800);
    EXPECT_FALSE(info.retry_in);
}

// Its peers do not know where to dial it.
PeerManagerOptions silent() {
    PeerManagerOptions options = PeerWorld::options();
    options.local.broadcast = false;
    return options;
}

TEST(PeerRecord, APeerThatAnswersNoHeartbeatIsDroppedAfterFiveInARowAndItsBreakerOpens) {
    PeerWorld world;
    auto &a = world.add(1, silent()), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(20));
    ASSERT_TRUE(meet(a, b));
    world.lose(b, a, "heartbeat_ack");  // its own heartbeats still come: it is not silent
    world.advance(s(30));
    EXPECT_EQ(info_of(world, a, b.id()).state, "connected");
    world.advance(s(25));
    EXPECT_FALSE(a.manager->connected(b.id()));
    const PeerInfo info = info_of(world, a, b.id());
    EXPECT_EQ(info.failures_in_row, 5U);
    EXPECT_EQ(info.breaker, "open");
    EXPECT_EQ(info.last_error, "5 failures in a row");
    ASSERT_TRUE(info.retry_in);
    EXPECT_GT(*info.retry_in, s(5));
}

TEST(PeerRecord, AnOpenBreakerHoldsAllAddressesOfAPeerAndLetsOneProbeThrough) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.alias(b.host, "10.0.9.9");
    world.configure(a, b);
    world.advance(s(2));
    ASSERT_TRUE(a.manager->add_configured(world.now(a), {"10.0.9.9", 3000}));
    world.advance(s(80));
    ASSERT_TRUE(meet(a, b));
    b.reachable = false;
    world.sever(b);
    world.advance(s(15));
    ASSERT_EQ(info_of(world, a, b.id()).breaker, "open");
    const std::size_t before = a.dials.size();
    world.advance(s(5));
    EXPECT_EQ(a.dials.size(), before) << "neither of the two addresses";
    // At most one probe for each pause of 30 s, 60 s, 120 s, less a quarter.
    world.advance(s(210));
    EXPECT_LE(a.dials.size(), before + 5);
    EXPECT_GE(a.dials.size(), before + 2);
    b.reachable = true;
    world.advance(s(260));
    EXPECT_TRUE(meet(a, b));
    EXPECT_EQ(info_of(world, a, b.id()).breaker, "closed");
}

TEST(PeerRecord, AConnectionThatThePeerOpensClosesTheBreaker) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(2));
    a.reachable = false;
    world.sever(a);
    world.advance(s(60));
    ASSERT_NE(info_of(world, a, b.id()).breaker, "closed");
    a.reachable = true;
    world.configure(b, a);
    world.advance(s(1));
    EXPECT_TRUE(meet(a, b));
    EXPECT_EQ(info_of(world, a, b.id()).breaker, "closed");
}

TEST(PeerRecord, TheBreakerObeysTheOperatorsLimitOnPauses) {
    PeerWorld world;
    PeerManagerOptions quick = silent();
    quick.reconnect_interval_max = s(2);
    auto &a = world.add(1, quick), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(2));
    b.reachable = false;
    world.sever(b);
    world.advance(s(300));
    b.reachable = true;
    world.advance(s(3));
    EXPECT_TRUE(meet(a, b));
}

TEST(PeerRecord, ReputationAndAgeOutliveTheProcess) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(2));
    world.report(b, a.id(), 30);
    const WallTime since = *info_of(world, b, a.id()).since;
    restart(world, b);
    world.advance(s(30));
    ASSERT_TRUE(meet(a, b));
    EXPECT_EQ(info_of(world, b, a.id()).reputation, -30);
    EXPECT_EQ(*info_of(world, b, a.id()).since, since);
    world.report(b, a.id(), 20);
    EXPECT_EQ(b.manager->bans(), 1U);
}

TEST(OperatorBan, EndsTheConnectionHoldsForConfiguredPeersAndOutlivesTheProcess) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(2));
    ASSERT_TRUE(meet(a, b));
    world.ban(a, b.id(), s(3600));
    EXPECT_FALSE(a.manager->connected(b.id()));
    EXPECT_EQ(info_of(world, a, b.id()).state, "banned");
    EXPECT_TRUE(info_of(world, a, b.id()).banned_until);
    EXPECT_EQ(a.manager->banned_count(world.now(a)), 1U);
    const std::size_t dials = a.dials.size();
    world.configure(b, a);  // nor does it get in from its side
    world.advance(s(100));
    EXPECT_EQ(a.dials.size(), dials);
    EXPECT_FALSE(a.manager->connected(b.id()));
    restart(world, a);
    world.configure(a, b);
    world.advance(s(100));
    EXPECT_FALSE(a.manager->connected(b.id()));
    world.advance(s(3500));
    EXPECT_NE(info_of(world, a, b.id()).state, "banned");
}

TEST(OperatorBan, IsLiftedByTheOperator) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(2));
    EXPECT_EQ(a.manager->unban(world.now(a), b.id()).error().code, ErrorCode::not_found);
    world.ban(a, b.id(), s(3600));
    world.advance(s(10));
    ASSERT_FALSE(meet(a, b));
    ASSERT_TRUE(a.manager->unban(world.now(a), b.id()).ok());
    world.advance(s(60));
    EXPECT_TRUE(meet(a, b));
}

TEST(OperatorBan, OfWhoWasNeverMetIsListedAndHolds) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.ban(a, b.id(), s(3600));
    EXPECT_EQ(info_of(world, a, b.id()).state, "banned");
    world.configure(b, a);
    world.advance(s(10));
    EXPECT_FALSE(a.manager->connected(b.id()));
}

TEST(Feeler, LooksAtNewAddressesOnceAllOutboundPlacesAreTaken) {
    PeerWorld world;
    PeerManagerOptions few = PeerWorld::options();
    few.outbound_reserved = 1;
    auto &a = world.add(1, few), &b = world.add(2, few), &c = world.add(3, few);
    world.configure(a, b);
    world.configure(c, b);
    world.advance(s(10));
    ASSERT_TRUE(meet(a, b));
    // b tells a of c with the next exchange, and a has its one outbound peer.
    world.advance(s(650));
    EXPECT_GE(dials_of(a, c), 1U);
    EXPECT_LE(dials_of(a, c), 6U);
    EXPECT_GE(a.manager->feelers(), 1U);
    EXPECT_FALSE(a.manager->connected(c.id())) << "it only looked";
    const PeerInfo info = info_of(world, a, c.id());
    EXPECT_EQ(info.state, "disconnected");
    EXPECT_TRUE(info.seen);  // kept in the peers file now
}

TEST(Anchors, TheTwoOldestOutboundPeersAreDialledFirstAfterARestart) {
    PeerWorld world;
    PeerManagerOptions few = silent();
    few.outbound_reserved = 2;
    auto& a = world.add(1, few);
    std::vector<PeerWorld::Node*> others;
    for (std::uint8_t i = 2; i < 14; ++i)
        others.push_back(&world.add(i));
    for (PeerWorld::Node* other : others)
        if (other != others.front()) world.configure(*other, *others.front());
    world.advance(s(5));
    // a learns of all from one that it is then told to leave.
    world.configure(a, *others.front());
    world.advance(s(5));
    world.disconnect(a, others.front()->id());
    world.advance(s(150));
    const auto kept = parse_peers_file(a.manager->peers_to_json(world.now(a)));
    ASSERT_TRUE(kept);
    std::vector<std::string> anchors;
    for (const PeersFile::Peer& peer : kept->peers)
        if (peer.anchor) anchors.push_back(to_string(peer.address));
    ASSERT_EQ(anchors.size(), anchors_max);
    a.dials.clear();
    restart(world, a, few);
    world.advance(s(1));
    ASSERT_GE(a.dials.size(), 2U);
    std::vector<std::string> first{to_string(a.dials[0]), to_string(a.dials[1])};
    std::sort(first.begin(), first.end());
    std::sort(anchors.begin(), anchors.end());
    EXPECT_EQ(first, anchors);
}

TEST(Anchors, OfAnotherNodesFileAreNoneHere) {
    PeerWorld world;
    auto& a = world.add(1);
    PeersFile file;
    file.peers.push_back({{"10.0.7.7", 3000}, world.add(7).id(), {1'700'000'000'000}, true, true});
    file.records.push_back({file.peers[0].id, {1}, 400, 0, -40, {1'700'000'000'000}});
    ASSERT_TRUE(a.manager->load_peers_json(world.now(a), write_peers_file(file), false).ok());
    EXPECT_EQ(parse_peers_file(a.manager->peers_to_json(world.now(a)))->records.size(), 0U);
    const std::vector<PeerInfo> infos = a.manager->peers(world.now(a));
    ASSERT_EQ(infos.size(), 1U);
    EXPECT_EQ(infos[0].reputation, 0);
    EXPECT_FALSE(a.manager->load_peers_json(world.now(a), "{}", false).ok());
}

}  // namespace
}  // namespace peerbook::p2p
