#include "p2p/peers/peer_health.h"

#include <gtest/gtest.h>

#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

constexpr MonoTime start{0};
constexpr WallTime wall{1'700'000'000'000};
constexpr Duration hour = Duration::seconds(3600);

Duration s(std::int64_t seconds) {
    return Duration::seconds(seconds);
}

void fail(PeerHealth& health, MonoTime now, int times) {
    for (int i = 0; i < times; ++i)
        health.failed(now, hour, 0);
}

TEST(PeerHealth, NothingKnownIsHalfAndAllFiguresStayInTheirRange) {
    PeerHealth health({start, wall});
    EXPECT_EQ(health.availability(start), 500);
    EXPECT_EQ(health.performance(), 500);
    EXPECT_EQ(health.health(wall), 400);  // half of successes, no age, half of round trip
    fail(health, start, 50);
    EXPECT_EQ(health.health(wall), 0);
    health.answered(start, Duration{});
    for (int i = 0; i < 5000; ++i)
        health.succeeded(start);
    EXPECT_EQ(health.health({wall.ms + 10 * 24 * 3600'000LL}), 1000);
    EXPECT_LE(health.successes() + health.failures(), counted_max);
}

TEST(PeerHealth, AgeRoundTripAndSuccessesRaiseItAndFailuresInARowLowerIt) {
    PeerHealth health({start, wall});
    health.answered(start, Duration::milliseconds(200));
    const int fresh = health.health(wall);
    EXPECT_EQ(fresh, 650);  // 5/10 of 1, none of age, 3/10 of one half
    EXPECT_EQ(health.health({wall.ms + 12 * 3600'000}), fresh + 100);
    health.failed(start, hour, 0);
    EXPECT_EQ(health.health(wall), 300);  // half of successes, and a tenth for the failure
    health.succeeded(start);
    EXPECT_GT(health.health(wall), 400);
}

TEST(PeerHealth, AvailabilityIsTheShareOfTimeConnected) {
    PeerHealth health({start, wall});
    health.connected(start);
    EXPECT_EQ(health.availability(start), 1000);
    health.disconnected(start + s(300));
    EXPECT_EQ(health.availability(start + s(600)), 500);
    EXPECT_EQ(health.availability(start + s(3000)), 100);
    health.connected(start + s(3000));
    EXPECT_EQ(health.availability(start + s(5700)), 526);
}

TEST(PeerHealth, PerformanceIsRoundTripAndThroughput) {
    PeerHealth health({start, wall});
    health.connected(start);
    health.answered(start, Duration{});
    EXPECT_EQ(health.performance(), 850);  // throughput not measured yet
    health.received(start + s(1), 9'000'000);
    health.received(start + s(10), 1'000'000);
    EXPECT_EQ(health.bytes_per_second(), 1'000'000U);
    EXPECT_EQ(health.performance(), 850);
    health.tick(start + s(20));  // idle: an eighth less
    EXPECT_EQ(health.bytes_per_second(), 875'000U);
    for (int i = 0; i < 200; ++i)
        health.answered(start, Duration::milliseconds(1800));
    EXPECT_LT(health.performance(), 250);
}

TEST(CircuitBreaker, FiveFailuresInARowOpenItForThirtySeconds) {
    PeerHealth health({start, wall});
    fail(health, start, 4);
    EXPECT_EQ(health.breaker(start), BreakerState::closed);
    EXPECT_TRUE(health.allows_attempt(start));
    fail(health, start, 1);
    EXPECT_EQ(health.breaker(start), BreakerState::open);
    EXPECT_FALSE(health.allows_attempt(start + s(29)));
    EXPECT_TRUE(health.allows_attempt(start + s(30)));
    EXPECT_EQ(health.breaker(start + s(30)), BreakerState::half_open);
}

TEST(CircuitBreaker, ASuccessInBetweenStartsTheRowAnew) {
    PeerHealth health({start, wall});
    fail(health, start, 4);
    health.succeeded(start);
    fail(health, start, 4);
    EXPECT_EQ(health.breaker(start), BreakerState::closed);
}

TEST(CircuitBreaker, HalfOpenAllowsOneProbeWhichClosesItOrDoublesThePause) {
    PeerHealth health({start, wall});
    fail(health, start, 5);
    MonoTime now = start;
    for (const std::int64_t pause : {30, 60, 120, 240, 480, 960, 1920, 3600, 3600}) {
        EXPECT_FALSE(health.allows_attempt(now + s(pause - 1))) << pause;
        now = now + s(pause);
        ASSERT_TRUE(health.allows_attempt(now)) << pause;
        health.attempt_started(now);
        EXPECT_FALSE(health.allows_attempt(now)) << "a second probe";
        fail(health, now, 1);
    }
    now = now + hour;
    health.attempt_started(now);
    health.succeeded(now);
    EXPECT_EQ(health.breaker(now), BreakerState::closed);
    fail(health, now, 5);
    EXPECT_TRUE(health.allows_attempt(now + s(30)));
}

TEST(CircuitBreaker, FailuresWhileItIsOpenDoNotLengthenIt) {
    PeerHealth health({start, wall});
    fail(health, start, 5);
    fail(health, start + s(20), 3);
    EXPECT_TRUE(health.allows_attempt(start + s(30)));
}

TEST(CircuitBreaker, ThePauseIsNotAboveTheOperatorsLimitAndJitterTakesAtMostAQuarter) {
    PeerHealth health({start, wall});
    for (int i = 0; i < 5; ++i)
        health.failed(start, s(2), 0);
    EXPECT_TRUE(health.allows_attempt(start + s(2)));
    PeerHealth other({start, wall});
    for (int i = 0; i < 5; ++i)
        other.failed(start, hour, 255);
    EXPECT_FALSE(other.allows_attempt(start + s(22)));
    EXPECT_TRUE(other.allows_attempt(start + s(23)));
}

TEST(PeerRecords, AreBoundedAndThoseUnheardOfForTwoHoursAreDropped) {
    PeerRecords records;
    const auto id = [](std::size_t i) {
        PeerId made;
        made.data[0] = static_cast<std::uint8_t>(i >> 8);
        made.data[1] = static_cast<std::uint8_t>(i);
        return made;
    };
    records.of({start, wall}, id(0)).connected(start);
    for (std::size_t i = 1; i < peer_records_max + 10; ++i)
        records.of({start + s(static_cast<std::int64_t>(i)), wall}, id(i));
    EXPECT_EQ(records.all().size(), peer_records_max);
    EXPECT_TRUE(records.find(id(0)));  // connected
    EXPECT_FALSE(records.find(id(1)));
    EXPECT_TRUE(records.find(id(peer_records_max)));
    records.maintain(start + unheard_max + s(5000));
    EXPECT_EQ(records.all().size(), 1U);
    records.find(id(0))->disconnected(start + unheard_max + s(5000));
    records.maintain(start + unheard_max + s(5000) + unheard_max);
    EXPECT_TRUE(records.all().empty());
}

}  // namespace
}  // namespace peerbook::p2p
