#include "p2p/peers/peer_manager.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

TEST(PeerManager, AConfiguredPeerIsDialledAndBothSidesMeet) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(1));
    ASSERT_TRUE(meet(a, b));
    const PeerInfo at_a = info_of(world, a, b.id()), at_b = info_of(world, b, a.id());
    EXPECT_EQ(at_a.state, "connected");
    EXPECT_TRUE(at_a.outbound);
    EXPECT_TRUE(at_a.configured);
    EXPECT_FALSE(at_b.outbound);
    EXPECT_FALSE(at_b.configured);
}

TEST(PeerManager, PayloadsOfTheApplicationAreDeliveredWithTheirKind) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(1));
    world.inject(a, b, {0x90, 'h', 'i'});
    ASSERT_EQ(b.payloads.size(), 1U);
    EXPECT_EQ(b.payloads[0].from, a.id());
    EXPECT_EQ(b.payloads[0].kind, 0x90);
    EXPECT_EQ(b.payloads[0].text, "hi");
}

TEST(PeerManager, KindsOfANewerVersionAreIgnored) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(1));
    world.inject(a, b, {0x33, 'x'});
    EXPECT_TRUE(meet(a, b));
    EXPECT_TRUE(b.payloads.empty());
    EXPECT_EQ(info_of(world, b, a.id()).reputation, 0);
}

TEST(PeerManager, ANodeThatDialsItselfNoticesAndStops) {
    PeerWorld world;
    auto& a = world.add(1);
    world.configure(a, a);
    world.advance(s(120));
    EXPECT_EQ(a.dials.size(), 1U);
    EXPECT_EQ(a.connected, 0);
    EXPECT_EQ(last_error_at(world, a, a.address()), "this node itself");
    world.configure(a, a);
    world.advance(s(2));
    EXPECT_EQ(a.dials.size(), 2U);
    world.advance(ourselves_time + s(1));
    EXPECT_EQ(a.dials.size(), 3U);
}

TEST(PeerManager, AnotherNetworkOrLedgerIsRefusedAndBothSidesKnowWhy) {
    for (const bool is_network : {true, false}) {
        PeerWorld world;
        PeerManagerOptions other = PeerWorld::options();
        (is_network ? other.local.network : other.local.ledger) = named_digest("another");
        auto &a = world.add(1), &b = world.add(2, other);
        world.configure(a, b);
        world.advance(s(2));
        EXPECT_EQ(a.connected + b.connected, 0);
        const std::string reason = last_error_at(world, a, b.address());
        EXPECT_NE(reason.find(is_network ? "wrong network" : "wrong ledger"), std::string::npos) << reason;
        EXPECT_TRUE(b.noted(is_network ? "wrong network" : "wrong ledger"));
        EXPECT_GE(b.manager->handshakes_refused(), 1U);
    }
}

TEST(PeerManager, AClockSixSecondsOffWarnsAndOneThirtyOneSecondsOffIsRefused) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2), &c = world.add(3);
    b.clock_error = s(6);
    c.clock_error = Duration{} - s(31);
    world.configure(a, b);
    world.configure(a, c);
    world.advance(s(1));
    EXPECT_TRUE(meet(a, b));
    EXPECT_TRUE(a.noted("clock 6000 ms ahead of ours"));
    EXPECT_FALSE(a.manager->connected(c.id()));
    EXPECT_TRUE(a.noted("clock 31000 ms behind ours"));
}

TEST(PeerManager, DialsOfAnAbsentPeerAreDoubledUpToTheMaximumWithJitter) {
    PeerWorld world;
    PeerManagerOptions options = PeerWorld::options();
    options.reconnect_interval_max = s(16);
    auto &a = world.add(1, options), &b = world.add(2);
    b.reachable = false;
    world.configure(a, b);
    world.advance(s(1));
    EXPECT_GE(a.dials.size(), 1U);
    world.advance(s(30));
    // Pauses of 1, 2, 4, 8 and 16 s, each shortened by at most a quarter.
    EXPECT_GE(a.dials.size(), 5U);
    EXPECT_LE(a.dials.size(), 6U);
    const std::size_t before = a.dials.size();
    world.advance(s(160));
    EXPECT_GE(a.dials.size() - before, 9U);
    EXPECT_LE(a.dials.size() - before, 14U);
    b.reachable = true;
    world.advance(s(17));
    EXPECT_TRUE(meet(a, b));
}

TEST(PeerManager, AStrangerThatSaysNothingIsClosedAfterFiveSeconds) {
    PeerWorld world;
    auto& a = world.add(1);
    ASSERT_TRUE(world.stranger(a, "10.9.9.9"));
    world.advance(s(4));
    EXPECT_FALSE(a.noted("no TLS handshake within 5 s"));
    world.advance(s(2));
    EXPECT_TRUE(a.noted("no TLS handshake within 5 s"));
    EXPECT_EQ(a.manager->handshakes_refused(), 1U);
}

TEST(PeerManager, AHandshakeThatNeverEndsIsClosedAfterFiveSeconds) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    PeerEffects effects;
    const auto id = b.manager->admit(world.now(b), {"10.9.9.9", 1}, effects);
    ASSERT_TRUE(id);
    b.manager->channel_ready(world.now(b), *id, {"10.9.9.9", 1}, {}, {}, effects);
    world.advance(s(6));
    EXPECT_TRUE(b.noted("no handshake within 5 s"));
}

TEST(PeerManager, HeartbeatsKeepAnIdleConnectionForHours) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(2 * 3600));
    EXPECT_TRUE(meet(a, b));
    EXPECT_EQ(a.connected, 1);
    EXPECT_EQ(info_of(world, a, b.id()).reputation, 0);
}

TEST(PeerManager, ASilentPeerIsStaleAfterThirtySecondsAndDroppedAfterFortyFive) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(1));
    world.cut(a, b);
    a.reachable = b.reachable = false;
    world.advance(s(29));
    EXPECT_EQ(info_of(world, b, a.id()).state, "connected");
    world.advance(s(3));
    EXPECT_EQ(info_of(world, b, a.id()).state, "stale");
    world.advance(s(14));
    EXPECT_FALSE(b.manager->connected(a.id()));
    EXPECT_EQ(b.disconnected, 1);
}

TEST(PeerManager, MisbehaviourAddsUpToABanThatOutlivesTheProcess) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);  // a dials, so for b the peer is not configured
    world.advance(s(1));
    world.report(b, a.id(), 49);
    EXPECT_EQ(info_of(world, b, a.id()).reputation, -49);
    EXPECT_TRUE(meet(a, b));
    world.report(b, a.id(), 1);
    EXPECT_FALSE(b.manager->connected(a.id()));
    EXPECT_EQ(b.manager->bans(), 1U);
    world.advance(s(120));
    EXPECT_FALSE(b.manager->connected(a.id()));
    EXPECT_NE(last_error_at(world, a, b.address()).find("banned"), std::string::npos);

    const std::string file = b.manager->peers_to_json(world.now(b));
    world.sever(b);
    Ed25519Verifier verifier;
    b.manager = std::make_unique<PeerManager>(PeerWorld::options(), *b.signer, verifier);
    ASSERT_TRUE(b.manager->load_peers_json(world.now(b), file).ok());
    world.advance(s(300));
    EXPECT_FALSE(b.manager->connected(a.id()));
}

TEST(PeerManager, AConfiguredPeerIsDroppedButNeverBanned) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(1));
    world.report(a, b.id(), 100);
    EXPECT_FALSE(a.manager->connected(b.id()));
    EXPECT_EQ(a.manager->bans(), 0U);
    world.advance(s(5));
    EXPECT_TRUE(meet(a, b));
}

TEST(PeerManager, PeersLearnOfEachOtherThroughACommonOne) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2), &c = world.add(3);
    world.configure(b, a);
    world.advance(s(2));
    world.configure(c, a);
    world.advance(s(5));
    EXPECT_TRUE(meet(b, c));
}

TEST(PeerManager, TheAddressOfASilentPeerIsNeverGivenAway) {
    PeerWorld world;
    PeerManagerOptions silent = PeerWorld::options();
    silent.local.broadcast = false;
    auto &a = world.add(1), &b = world.add(2, silent), &c = world.add(3);
    world.configure(b, a);
    world.advance(s(2));
    world.configure(c, a);
    world.advance(s(700));
    EXPECT_TRUE(meet(a, b));
    EXPECT_TRUE(meet(a, c));
    EXPECT_EQ(std::count(c.dials.begin(), c.dials.end(), b.address()), 0);
}

TEST(PeerManager, MoreThanTwentyAddressesAtOnceAreAViolation) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(1));
    ControlMessage message;
    message.from = a.id();
    message.body = PeerExchange{std::vector<PeerAddress>(21, PeerAddress{"10.1.1.1", 1})};
    world.inject(a, b, write_control(message));
    EXPECT_EQ(info_of(world, b, a.id()).reputation, -penalty_protocol);
}

TEST(PeerManager, StrangersAreLimitedInAllAndPerAddressButNotOnLoopback) {
    PeerWorld world;
    auto& a = world.add(1);
    for (std::size_t i = 0; i < inbound_per_host_max; ++i)
        EXPECT_TRUE(world.stranger(a, "10.9.9.9"));
    EXPECT_FALSE(world.stranger(a, "10.9.9.9"));
    for (std::size_t i = 1; i <= inbound_per_host_max; ++i)
        EXPECT_TRUE(world.stranger(a, "2001:db8::" + std::to_string(i)));
    EXPECT_FALSE(world.stranger(a, "2001:db8::ffff"));  // the same /64
    for (std::size_t i = 2 * inbound_per_host_max; i < unauthenticated_inbound_max; ++i)
        EXPECT_TRUE(world.stranger(a, "127.0.0.1"));
    EXPECT_EQ(a.manager->handshakes_refused(), 0U);
    // Full: the oldest of the address that has most makes room.
    EXPECT_TRUE(world.stranger(a, "10.8.8.8"));
    EXPECT_EQ(a.manager->handshakes_refused(), 1U);
    EXPECT_TRUE(a.noted("address=127.0.0.1:50000 direction=inbound reason=\"made room"));
    EXPECT_FALSE(a.noted("10.9.9.9:50000 direction=inbound reason=\"made room"));
}

TEST(PeerManager, AnAddressThatKeepsSendingGarbageIsShutOutForAWhile) {
    PeerWorld world;
    auto& a = world.add(1);
    for (int i = 0; i < 10; ++i) {
        const auto id = world.stranger(a, "10.9.9.9");
        ASSERT_TRUE(id) << i;
        world.bad_frame(a, *id);
    }
    EXPECT_FALSE(world.stranger(a, "10.9.9.9"));
    EXPECT_TRUE(world.stranger(a, "10.9.9.8"));
    world.advance(stranger_ban_time + s(1));
    EXPECT_TRUE(world.stranger(a, "10.9.9.9"));
}

TEST(PeerManager, NoMorePeersThanTheMaximumAndPartOfThemReservedForOurOwnDials) {
    PeerWorld world;
    PeerManagerOptions small = PeerWorld::options();
    small.peers_max = 4;
    small.outbound_reserved = 2;
    auto& a = world.add(1, small);
    for (std::uint8_t i = 2; i <= 6; ++i)
        world.configure(world.add(i), a);
    world.advance(s(2));
    EXPECT_GE(a.manager->connected_count(), 2U);
    EXPECT_LE(a.manager->connected_count(), 4U);
    const auto infos = a.manager->peers(world.now(a));
    EXPECT_LE(std::count_if(infos.begin(), infos.end(),
                            [](const PeerInfo& info) { return info.state == "connected" && !info.outbound; }),
              2);
}

TEST(PeerManager, AFloodOfControlMessagesEndsInABan) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(1));
    ControlMessage message;
    message.from = a.id();
    message.body = HeartbeatAck{0};
    for (std::uint8_t i = 0; i < 160 && b.manager->connected(a.id()); ++i) {
        message.id.data[0] = i;
        world.inject(a, b, write_control(message));
    }
    EXPECT_FALSE(b.manager->connected(a.id()));
    EXPECT_EQ(b.manager->bans(), 1U);
}

TEST(PeerManager, ControlMessagesInAnothersNameAndMalformedOnesAreViolations) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2), &c = world.add(3);
    world.configure(a, b);
    world.advance(s(1));
    ControlMessage message;
    message.from = c.id();
    message.body = Heartbeat{1};
    world.inject(a, b, write_control(message));
    EXPECT_EQ(info_of(world, b, a.id()).reputation, -10);
    world.inject(a, b, {'{', '}'});
    EXPECT_EQ(info_of(world, b, a.id()).reputation, -20);
    world.inject(a, b, {routed_kind, 1, 2});
    EXPECT_EQ(info_of(world, b, a.id()).reputation, -30);
    EXPECT_EQ(info_of(world, b, a.id()).last_error, "malformed routed message");
}

TEST(PeerManager, AReliableMessageWaitsForItsPeerAndArrivesOnce) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    b.reachable = false;
    world.configure(a, b);
    world.send_reliably(a, b.id(), "order 7");
    world.advance(s(10));
    EXPECT_EQ(a.manager->router().waiting(), 1U);
    b.reachable = true;
    world.advance(s(10));
    ASSERT_EQ(b.payloads.size(), 1U);
    EXPECT_EQ(b.payloads[0].text, "order 7");
    EXPECT_EQ(b.payloads[0].kind, 0x90);
    EXPECT_EQ(a.manager->router().waiting(), 0U);
    world.advance(s(70));
    EXPECT_EQ(b.payloads.size(), 1U);
    EXPECT_TRUE(a.undeliverable.empty());
}

TEST(PeerManager, AReliableMessageThatExpiresIsReported) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.send_reliably(a, b.id(), "lost");
    world.advance(s(62));
    ASSERT_EQ(a.undeliverable.size(), 1U);
    EXPECT_EQ(a.undeliverable[0], "expired while the peer was not connected");
}

TEST(PeerManager, ADisconnectedPeerIsForgottenUntilNamedAgain) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(1));
    world.disconnect(a, b.id());
    b.reachable = false;
    world.advance(s(60));
    EXPECT_EQ(a.dials.size(), 1U);
    PeerEffects effects;
    EXPECT_EQ(a.manager->disconnect(world.now(a), b.id(), effects).error().code, ErrorCode::not_found);
    world.configure(a, b);
    world.advance(s(2));
    EXPECT_GE(a.dials.size(), 2U);
}

TEST(PeerManager, AnAddressThatComesAndGoesWithoutAHandshakeIsShutOutForAWhile) {
    PeerWorld world;
    auto& a = world.add(1);
    PeerEffects effects;
    for (int i = 0; i < 50; ++i) {
        const auto id = world.stranger(a, "10.9.9.9");
        ASSERT_TRUE(id) << i;
        a.manager->connection_closed(world.now(a), *id, "closed by the peer", effects);
    }
    EXPECT_FALSE(world.stranger(a, "10.9.9.9"));
    EXPECT_TRUE(world.stranger(a, "10.9.9.8"));
}

TEST(PeerManager, AClaimOfOurKeyWithoutOurChallengeDoesNotMakeAnAddressOurs) {
    const auto signer = make_ed25519_signer(seed_of(1));
    Ed25519Verifier verifier;
    PeerManager manager(PeerWorld::options(), *signer, verifier);
    Now now{MonoTime{0}, WallTime{1'700'000'000'000}};
    const PeerAddress address{"10.0.0.2", 3000};
    ASSERT_TRUE(manager.add_configured(now, address));
    const auto dialled = [&] {
        PeerEffects effects;
        manager.tick(now, effects);
        for (const PeerEffect& effect : effects)
            if (const auto* dial = std::get_if<effect::Dial>(&effect)) return std::optional(dial->connection);
        return std::optional<ConnectionId>();
    };
    const auto id = dialled();
    ASSERT_TRUE(id);
    PeerEffects effects;
    manager.channel_ready(now, *id, address, {}, {}, effects);
    HandshakeMessage claim;
    claim.node = signer->public_key();
    claim.version = protocol_version;
    claim.network = named_digest("network");
    claim.ledger = named_digest("ledger");
    claim.clock = now.wall;
    claim.challenge.data[0] = 9;
    ControlMessage message;
    message.from = claim.node;
    message.body = claim;
    manager.frame(now, *id, write_control(message), effects);
    EXPECT_EQ(manager.peers(now).at(0).last_error, "connected to itself");
    now.mono = now.mono + s(2);
    EXPECT_TRUE(dialled());
}

TEST(PeerManager, AConfiguredPeerTakesTheYoungestPlaceWhenAllAreTaken) {
    PeerWorld world;
    PeerManagerOptions small = PeerWorld::options();
    small.peers_max = 4;
    small.outbound_reserved = 2;
    small.local.broadcast = false;
    auto& a = world.add(1, small);
    std::vector<PeerWorld::Node*> others;
    for (std::uint8_t i = 2; i <= 5; ++i)
        others.push_back(&world.add(i));
    auto& named = *others[3];
    const std::string file = "{\"version\":1,\"peers\":[{\"address\":\"10.0.0.99:3000\",\"id\":\"" +
                             to_hex(named.id()) + "\",\"seen\":1,\"shareable\":false}],\"bans\":[]}";
    ASSERT_TRUE(a.manager->load_peers_json(world.now(a), file).ok());
    ASSERT_TRUE(a.manager->add_configured(world.now(a), {"10.0.0.99", 3000}));
    const auto inbound = [&] {
        const auto infos = a.manager->peers(world.now(a));
        return std::count_if(infos.begin(), infos.end(), [](const PeerInfo& info) {
            return info.state == "connected" && !info.outbound;
        });
    };
    for (PeerWorld::Node* node : others)
        node->reachable = node != &named;
    for (int i : {0, 1, 2}) {
        world.configure(*others[static_cast<std::size_t>(i)], a);
        world.advance(s(1));
    }
    EXPECT_EQ(inbound(), 2);
    EXPECT_TRUE(others[2]->noted("enough peers") || meet(a, *others[2]));
    named.reachable = true;
    world.configure(named, a);
    world.advance(s(1));
    EXPECT_TRUE(meet(a, named));
    EXPECT_LE(inbound(), 2);
    EXPECT_LE(a.manager->connected_count(), 4U);
}

TEST(PeerManager, BytesOfAFrameThatIsNotWholeYetAreASignOfLife) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    world.configure(a, b);
    world.advance(s(1));
    world.cut(a, b);
    a.reachable = b.reachable = false;
    world.advance(s(40));
    for (const auto& [id, wire] : b.wires)
        b.manager->bytes(world.now(b), id);
    world.advance(s(40));
    EXPECT_TRUE(b.manager->connected(a.id()));
    world.advance(s(6));
    EXPECT_FALSE(b.manager->connected(a.id()));
}

TEST(PeerManager, AMistypedAddressCanBeForgotten) {
    PeerWorld world;
    auto& a = world.add(1);
    const PeerAddress wrong{"10.0.0.77", 3000};
    ASSERT_TRUE(a.manager->add_configured(world.now(a), wrong));
    world.advance(s(1));
    const std::size_t before = a.dials.size();
    EXPECT_GE(before, 1U);
    PeerEffects effects;
    EXPECT_TRUE(a.manager->forget(world.now(a), wrong, effects).ok());
    EXPECT_EQ(a.manager->forget(world.now(a), wrong, effects).error().code, ErrorCode::not_found);
    world.advance(s(60));
    EXPECT_EQ(a.dials.size(), before);
}

}  // namespace
}  // namespace peerbook::p2p
