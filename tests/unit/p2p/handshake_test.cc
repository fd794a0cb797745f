#include "p2p/wire/handshake.h"

#include <gtest/gtest.h>

#include "p2p/peers/peer_score.h"
#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

constexpr Now now{MonoTime{1}, WallTime{1'700'000'000'000}};

// One side of a handshake, with what it would put on the wire.
struct Side {
    Side(std::uint8_t number, Direction direction, const ChannelBinding& channel, LocalNode node)
        : local(std::move(node)), signer(make_ed25519_signer(seed_of(number))) {
        Challenge challenge;
        challenge.data.fill(number);
        handshake.emplace(local, *signer, verifier, direction, channel, challenge);
        ControlMessage message;
        message.from = signer->public_key();
        message.body = handshake->claim(now.wall);
        payload = write_control(message);
        handshake->sent(payload);
    }
    HandshakeStep receive_claim_of(const Side& other) {
        return handshake->receive(now, parse_control(other.payload)->body, other.payload);
    }
    HandshakeStep receive(const ControlBody& body) { return handshake->receive(now, body, {}); }

    LocalNode local;
    std::unique_ptr<Signer> signer;
    Ed25519Verifier verifier;
    std::optional<Handshake> handshake;
    Bytes payload;
};

LocalNode local_node() {
    return PeerWorld::options().local;
}

ChannelBinding seen_by_dialler() {
    return {named_digest("cert d"), named_digest("cert l"), named_digest("session")};
}
ChannelBinding seen_by_listener() {
    return {named_digest("cert l"), named_digest("cert d"), named_digest("session")};
}

struct Pair {
    explicit Pair(ChannelBinding listener_sees = seen_by_listener(), LocalNode listener_node = local_node())
        : dialler(1, Direction::outbound, seen_by_dialler(), local_node()),
          listener(2, Direction::inbound, listener_sees, std::move(listener_node)) {}
    Side dialler, listener;
};

TEST(Handshake, BothSidesEndUpKnowingEachOther) {
    Pair pair;
    const HandshakeStep from_listener = pair.listener.receive_claim_of(pair.dialler);
    const HandshakeStep from_dialler = pair.dialler.receive_claim_of(pair.listener);
    ASSERT_TRUE(from_listener.send && from_dialler.send);
    EXPECT_FALSE(from_listener.done);
    EXPECT_TRUE(pair.dialler.receive(*from_listener.send).done);
    EXPECT_TRUE(pair.listener.receive(*from_dialler.send).done);
    EXPECT_EQ(pair.dialler.handshake->peer()->node, pair.listener.signer->public_key());
}

TEST(Handshake, AnEndorsementOfAnotherConnectionIsRefused) {
    const auto endorsement_is_accepted = [](ChannelBinding listener_sees) {
        Pair pair(listener_sees);
        const HandshakeStep proof = pair.dialler.receive_claim_of(pair.listener);
        pair.listener.receive_claim_of(pair.dialler);
        const HandshakeStep step = pair.listener.receive(*proof.send);
        if (!step.done) {
            EXPECT_EQ(step.refusal->points, penalty_signature);
        }
        return step.done;
    };
    EXPECT_TRUE(endorsement_is_accepted(seen_by_listener()));
    ChannelBinding other = seen_by_listener();
    other.remote_certificate = named_digest("man in the middle");
    EXPECT_FALSE(endorsement_is_accepted(other));
    other = seen_by_listener();
    other.local_certificate = named_digest("man in the middle");
    EXPECT_FALSE(endorsement_is_accepted(other));
    other = seen_by_listener();
    other.exporter = named_digest("another session");
    EXPECT_FALSE(endorsement_is_accepted(other));
}

TEST(Handshake, AnEndorsementReplayedAfterANewChallengeIsRefused) {
    Pair recorded;
    recorded.listener.receive_claim_of(recorded.dialler);
    const HandshakeStep proof = recorded.dialler.receive_claim_of(recorded.listener);
    // The same channel once more, but the listener chose another challenge.
    Side listener(3, Direction::inbound, seen_by_listener(), local_node());
    listener.receive_claim_of(recorded.dialler);
    EXPECT_EQ(listener.receive(*proof.send).refusal->reason,
              "endorsement does not match the node key and this connection");
}

TEST(Handshake, AnEndorsementReflectedToItsSignerProvesNothing) {
    Pair pair;
    // The attacker claims the dialler's own words, in the name of another node.
    const HandshakeStep proof = pair.dialler.receive_claim_of(pair.listener);
    EXPECT_EQ(pair.dialler.receive(*proof.send).refusal->points, penalty_signature);
}

TEST(Handshake, AClaimOfAnothersKeyWithoutThatKeyIsRefused) {
    Pair pair;
    HandshakeMessage claim = pair.dialler.handshake->claim(now.wall);
    claim.node = make_ed25519_signer(seed_of(9))->public_key();
    pair.listener.receive(claim);
    const HandshakeStep proof = pair.dialler.receive_claim_of(pair.listener);
    EXPECT_EQ(pair.listener.receive(*proof.send).refusal->points, penalty_signature);
}

TEST(Handshake, WhatDoesNotFitIsRefusedWithItsReason) {
    const auto reason_for = [](auto&& change) {
        Pair pair;
        HandshakeMessage claim = pair.dialler.handshake->claim(now.wall);
        change(claim);
        const HandshakeStep step = pair.listener.receive(claim);
        return step.refusal ? step.refusal->reason : "accepted";
    };
    EXPECT_EQ(reason_for([](auto&) {}), "accepted");
    EXPECT_EQ(reason_for([](auto& claim) { claim.version = "1.9"; }), "accepted");
    EXPECT_EQ(reason_for([](auto& claim) { claim.version = "2.0"; }), "protocol version 2.0, ours is 1.0");
    EXPECT_EQ(reason_for([](auto& claim) { claim.network.data[0] ^= 1; }).substr(0, 13), "wrong network");
    EXPECT_EQ(reason_for([](auto& claim) { claim.ledger.data[0] ^= 1; }).substr(0, 12), "wrong ledger");
    EXPECT_EQ(reason_for([](auto& claim) { claim.node = PeerId{}; }), "node id is not a valid key");
    EXPECT_EQ(reason_for([](auto& claim) { claim.node = make_ed25519_signer(seed_of(2))->public_key(); }),
              "connected to itself");
    EXPECT_EQ(reason_for([](auto& claim) { claim.clock.ms += 30'000; }), "accepted");
    EXPECT_EQ(reason_for([](auto& claim) { claim.clock.ms += 30'001; }), "clock 30001 ms ahead of ours");
    EXPECT_EQ(reason_for([](auto& claim) { claim.clock.ms = 0; }), "clock 1700000000000 ms behind ours");
    EXPECT_EQ(reason_for([](auto& claim) { claim.clock.ms = INT64_MAX; }).substr(0, 6), "clock ");
}

TEST(Handshake, AClockGapAboveFiveSecondsIsAWarning) {
    Pair pair;
    HandshakeMessage claim = pair.dialler.handshake->claim({now.wall.ms - 5'000});
    EXPECT_FALSE(pair.listener.receive(claim).warning);
    Pair other;
    claim.clock.ms -= 1;
    EXPECT_EQ(other.listener.receive(claim).warning, "clock 5001 ms behind ours");
}

TEST(Handshake, StepsOutOfOrderAreViolations) {
    Pair pair;
    EXPECT_EQ(pair.listener.receive(HandshakeAck{}).refusal->points, penalty_protocol);
    EXPECT_EQ(pair.listener.receive(Heartbeat{1}).refusal->points, penalty_protocol);
    pair.listener.receive_claim_of(pair.dialler);
    EXPECT_EQ(pair.listener.receive_claim_of(pair.dialler).refusal->reason,
              "a second handshake on one connection");
}

}  // namespace
}  // namespace peerbook::p2p
