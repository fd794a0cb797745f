#include <gtest/gtest.h>

#include "p2p/peers/peer_score.h"
#include "p2p/peers/rate_limiter.h"
#include "p2p/peers/send_queue.h"
#include "p2p/routing/message_router.h"
#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

constexpr MonoTime start{0};

MonoTime at(std::int64_t ms) {
    return start + Duration::milliseconds(ms);
}

PeerId peer(std::uint8_t number) {
    PeerId id;
    id.data.fill(number);
    return id;
}

Bytes bytes_of(const OutgoingPayload& payload) {
    Bytes bytes(payload.head.begin(), payload.head.begin() + payload.head_size);
    const ByteView body = payload.body.view();
    bytes.insert(bytes.end(), body.begin(), body.end());
    return bytes;
}

TEST(TokenBucket, GivesItsCapacityAtOnceAndThenItsRate) {
    TokenBucket bucket({100, 50'000}, start);
    for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(bucket.take(start));
    EXPECT_FALSE(bucket.take(start));
    EXPECT_FALSE(bucket.take(at(19)));
    EXPECT_TRUE(bucket.take(at(20)));
    EXPECT_FALSE(bucket.take(at(20)));
    EXPECT_EQ(bucket.take_up_to(at(1'000'000'000), 1'000), 100);
}

TEST(TokenBucket, WhatIsOwedIsWaitedForAndNoLonger) {
    TokenBucket bucket({1000, 500'000}, start);  // 500 a second
    EXPECT_EQ(bucket.charge(start, 1000), Duration{});
    EXPECT_EQ(bucket.charge(start, 250), Duration::milliseconds(500));
    EXPECT_EQ(bucket.charge(start + Duration::milliseconds(100), 0), Duration::milliseconds(400));
    EXPECT_EQ(bucket.charge(start + Duration::milliseconds(500), 0), Duration{});
    EXPECT_FALSE(bucket.take(start + Duration::milliseconds(500)));
    EXPECT_TRUE(bucket.take(start + Duration::milliseconds(502)));
}

TEST(TokenBucket, ATimeThatStandsStillGivesNothing) {
    TokenBucket bucket({1, 1'000'000}, at(50));
    EXPECT_TRUE(bucket.take(at(50)));
    EXPECT_FALSE(bucket.take(at(40)));
    EXPECT_TRUE(bucket.take(at(51)));
}

TEST(SeenCache, RemembersForItsTimeAndUpToItsCapacity) {
    SeenCache seen(3, Duration::seconds(10));
    EXPECT_TRUE(seen.insert(start, named_digest("a")));
    EXPECT_FALSE(seen.insert(at(9'999), named_digest("a")));
    EXPECT_TRUE(seen.insert(at(10'000), named_digest("a")));
    for (const char* name : {"b", "c", "d"})
        EXPECT_TRUE(seen.insert(at(10'000), named_digest(name)));
    EXPECT_EQ(seen.size(), 3U);
    EXPECT_TRUE(seen.insert(at(10'000), named_digest("a")));
}

TEST(SendQueue, PutsControlInFrontAndGathersWholeFrames) {
    SendQueue queue;
    EXPECT_EQ(queue.push_data(start, plain_payload(0x90, shared_text("data"))), SendQueue::Outcome::queued);
    EXPECT_EQ(queue.push_control(control_payload({'{', '}'})), SendQueue::Outcome::queued);
    Bytes out;
    EXPECT_EQ(queue.gather(out), 2U);
    EXPECT_EQ(out, (Bytes{0, 0, 0, 2, '{', '}', 0, 0, 0, 5, 0x90, 'd', 'a', 't', 'a'}));
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.bytes(), 0U);
}

TEST(SendQueue, StopsGatheringOnceAWriteIsLarge) {
    SendQueue queue;
    const SharedBytes body(Bytes(50'000, 1));
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(queue.push_data(start, plain_payload(0x90, body)), SendQueue::Outcome::queued);
    Bytes out;
    EXPECT_EQ(queue.gather(out), 3U);
    EXPECT_GE(out.size(), gathered_bytes_min);
}

TEST(SendQueue, RefusesWhatIsAboveItsBoundAndDropsAPeerThatStaysThere) {
    SendQueue queue;
    const SharedBytes body(Bytes(1'000'000, 1));
    while (queue.push_data(start, plain_payload(0x90, body)) == SendQueue::Outcome::queued)
        ASSERT_LE(queue.bytes(), data_queue_bytes_max);
    EXPECT_EQ(queue.push_data(at(4'999), plain_payload(0x90, body)), SendQueue::Outcome::refused);
    Bytes out;
    for (int i = 0; i < 10; ++i) {
        out.clear();
        queue.gather(out);
    }
    // Below half: it was only busy.
    while (queue.push_data(at(6'000), plain_payload(0x90, body)) == SendQueue::Outcome::queued)
        ASSERT_LE(queue.bytes(), data_queue_bytes_max);
    EXPECT_EQ(queue.push_data(at(10'999), plain_payload(0x90, body)), SendQueue::Outcome::refused);
    EXPECT_EQ(queue.push_data(at(11'000), plain_payload(0x90, body)), SendQueue::Outcome::drop_peer);
}

TEST(SendQueue, DropsAPeerThatDoesNotReadControlMessages) {
    SendQueue queue;
    SendQueue::Outcome outcome = SendQueue::Outcome::queued;
    for (int i = 0; i < 300 && outcome == SendQueue::Outcome::queued; ++i) {
        ASSERT_LE(queue.bytes(), control_queue_bytes_max);
        outcome = queue.push_control(control_payload(Bytes(1000, '{')));
    }
    EXPECT_EQ(outcome, SendQueue::Outcome::drop_peer);
}

TEST(RetryQueue, TriesAgainWithGrowingPausesUntilAcknowledged) {
    MessageRouter router(1);
    router.peer_connected(start, peer(2));
    EXPECT_EQ(router.send(start, peer(2), 0x90, shared_text("x")).transmissions.size(), 1U);
    int sent = 0;
    MessageRouter::Output output;
    for (std::int64_t ms = 0; ms <= 16'000; ms += 100) {
        output = router.tick(at(ms));
        sent += static_cast<int>(output.transmissions.size());
    }
    EXPECT_EQ(sent, 4);  // after 1, 3, 7 and 15 s
    Bytes ack = bytes_of(routed_payload({}, 0x90, {}));
    ack.assign(17, 0);
    ack[0] = routed_ack_kind;
    ack[8] = 1;   // sender_start
    ack[16] = 1;  // its first message
    EXPECT_TRUE(router.receive_ack(peer(3), ack).ok());
    EXPECT_EQ(router.waiting(), 1U);  // another peer's acknowledgement is none
    EXPECT_TRUE(router.receive_ack(peer(2), ack).ok());
    EXPECT_EQ(router.waiting(), 0U);
    EXPECT_TRUE(router.tick(at(100'000)).undeliverable.empty());
}

TEST(MessageRouter, DeliversOnceAndAcknowledgesEveryCopy) {
    MessageRouter sender(1), receiver(2);
    sender.peer_connected(start, peer(2));
    const auto sent = sender.send(start, peer(2), 0x91, shared_text("once"));
    ASSERT_EQ(sent.transmissions.size(), 1U);
    const Bytes frame = bytes_of(sent.transmissions[0].payload);
    for (const bool is_new : {true, false}) {
        const auto received = receiver.receive(start, peer(1), frame);
        ASSERT_TRUE(received);
        EXPECT_EQ(received->is_new, is_new);
        EXPECT_EQ(received->kind, 0x91);
        EXPECT_EQ(as_text(received->payload), "once");
        EXPECT_TRUE(sender.receive_ack(peer(2), bytes_of(received->acknowledgement)).ok());
    }
    EXPECT_EQ(receiver.duplicates_dropped(), 1U);
    EXPECT_EQ(sender.waiting(), 0U);
    // The same id of another sender is another message.
    EXPECT_TRUE(receiver.receive(start, peer(3), frame)->is_new);
}

TEST(MessageRouter, MalformedFramesAreErrors) {
    MessageRouter router(1);
    EXPECT_FALSE(router.receive(start, peer(1), Bytes{routed_kind}));
    EXPECT_FALSE(router.receive(start, peer(1), Bytes(18, routed_kind)));  // an inner kind of this layer
    EXPECT_FALSE(router.receive_ack(peer(1), Bytes(16, routed_ack_kind)).ok());
    EXPECT_FALSE(router.receive_ack(peer(1), Bytes(18, routed_ack_kind)).ok());
}

TEST(MessageRouter, WhatFindsNoRoomOrExpiresIsReported) {
    RetryLimits limits;
    limits.messages_max = 3;
    limits.messages_per_peer_max = 2;
    limits.bytes_max = 100;
    MessageRouter router(1, limits);
    const auto refused = [&](std::uint8_t number, std::size_t bytes) {
        return router.send(start, peer(number), 0x90, SharedBytes(Bytes(bytes, 1))).undeliverable.size();
    };
    EXPECT_EQ(refused(2, 101), 1U);
    EXPECT_EQ(refused(2, 10), 0U);
    EXPECT_EQ(refused(2, 10), 0U);
    EXPECT_EQ(refused(2, 10), 1U);  // for this peer
    EXPECT_EQ(refused(3, 10), 0U);
    EXPECT_EQ(refused(4, 10), 1U);  // for all
    EXPECT_EQ(router.tick(at(59'999)).undeliverable.size(), 0U);
    EXPECT_EQ(router.tick(at(60'000)).undeliverable.size(), 3U);
    EXPECT_EQ(router.waiting(), 0U);
    EXPECT_EQ(router.undeliverable(), 6U);
    EXPECT_EQ(router.send(start, peer(2), 0x90, SharedBytes(Bytes(frame_bytes_max, 1))).undeliverable.size(),
              1U);
}

TEST(PeerScores, HealOnePointEveryTenMinutes) {
    PeerScores scores;
    Now now{start, {0}};
    EXPECT_FALSE(scores.penalise(now, peer(1), 3, false));
    EXPECT_EQ(scores.score(start, peer(1)), -3);
    EXPECT_EQ(scores.score(start + score_heals_every * 2, peer(1)), -1);
    EXPECT_EQ(scores.score(start + score_heals_every * 9, peer(1)), 0);
}

TEST(PeerScores, ABanLastsADayAndTheTableIsBounded) {
    PeerScores scores;
    const Now now{start, {1'000}};
    EXPECT_TRUE(scores.penalise(now, peer(1), 50, false));
    for (std::size_t i = 0; i < scored_max + 10; ++i) {
        PeerId other;
        other.data[0] = static_cast<std::uint8_t>(i >> 8);
        other.data[1] = static_cast<std::uint8_t>(i);
        scores.penalise(now, other, 1, false);
    }
    EXPECT_TRUE(scores.banned({1'000 + ban_time.ms() - 1}, peer(1)));
    EXPECT_FALSE(scores.banned({1'000 + ban_time.ms()}, peer(1)));
    EXPECT_EQ(scores.bans(now.wall).size(), 1U);
}

TEST(PeerScores, LoopbackIsNeverShutOut) {
    PeerScores scores;
    EXPECT_FALSE(scores.penalise_stranger({start, {}}, "127.0.0.1", 1000));
    EXPECT_FALSE(scores.stranger_banned(start, "127.0.0.1"));
    EXPECT_TRUE(scores.penalise_stranger({start, {}}, "10.0.0.1", 1000));
    EXPECT_TRUE(scores.stranger_banned(start, "10.0.0.1"));
}

}  // namespace
}  // namespace peerbook::p2p
