// The pure parts of p2p/nat: when to renew, whom to believe, whom to ask, for whom to dial.
#include <gtest/gtest.h>

#include <set>

#include "p2p/nat/dial_back.h"
#include "p2p/nat/external_address.h"
#include "p2p/nat/lease_schedule.h"
#include "p2p/nat/nat_info.h"
#include "p2p/nat/reachability.h"
#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

MonoTime at(std::int64_t seconds) {
    return MonoTime{} + s(seconds);
}
Now now_at(std::int64_t seconds) {
    return {at(seconds), WallTime{1'700'000'000'000 + seconds * 1000}};
}
PeerId peer(int number) {
    PeerId id;
    id.data[0] = static_cast<std::uint8_t>(number);
    id.data[1] = static_cast<std::uint8_t>(number >> 8);
    return id;
}

TEST(NatWay, IsOneOfAFewWords) {
    EXPECT_EQ(*parse_nat_way("off"), NatWay::off);
    EXPECT_EQ(*parse_nat_way("auto"), NatWay::automatic);
    EXPECT_EQ(*parse_nat_way("on"), NatWay::automatic);
    EXPECT_EQ(*parse_nat_way("upnp"), NatWay::upnp);
    EXPECT_EQ(*parse_nat_way("nat-pmp"), NatWay::nat_pmp);
    EXPECT_FALSE(parse_nat_way("").ok());
    EXPECT_NE(parse_nat_way("pcp").error().message.find("\"pcp\" is no way to map a port"),
              std::string::npos);
}

TEST(LeaseSchedule, ALeaseIsRenewedWhenHalfOfItIsOver) {
    LeaseSchedule schedule(at(0));
    EXPECT_TRUE(schedule.due(at(0)));
    EXPECT_FALSE(schedule.held(at(0)));
    schedule.mapped(at(0), s(1800));
    EXPECT_FALSE(schedule.due(at(899)));
    EXPECT_TRUE(schedule.due(at(900)));
    EXPECT_TRUE(schedule.held(at(1799)));
    EXPECT_FALSE(schedule.held(at(1800)));
    schedule.mapped(at(900), s(1800));
    EXPECT_TRUE(schedule.held(at(2699)));
    EXPECT_EQ(schedule.next(), at(1800));
}

TEST(LeaseSchedule, ALongOneAndOneForGoodAreLookedAfterEveryHalfHour) {
    LeaseSchedule schedule(at(0));
    schedule.mapped(at(0), s(86'400));
    EXPECT_EQ(schedule.next(), at(1800));
    schedule.mapped(at(0), std::nullopt);
    EXPECT_EQ(schedule.next(), at(1800));
    EXPECT_TRUE(schedule.held(at(1'000'000)));
}

TEST(LeaseSchedule, FailuresDoubleThePauseUpToAnHourAndASuccessEndsThem) {
    LeaseSchedule schedule(at(0));
    std::int64_t t = 0;
    for (const std::int64_t pause : {30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600}) {
        schedule.failed(at(t));
        EXPECT_FALSE(schedule.due(at(t + pause - 1)));
        t += pause;
        EXPECT_TRUE(schedule.due(at(t)));
    }
    schedule.mapped(at(t), s(1800));
    schedule.failed(at(t + 1800));  // it ran out
    EXPECT_EQ(schedule.next(), at(t + 1830));
}

TEST(LeaseSchedule, WhileALeaseHoldsItIsTriedAgainBeforeItEnds) {
    LeaseSchedule schedule(at(0));
    schedule.mapped(at(0), s(120));
    std::int64_t t = 60;
    int tried = 0;
    for (; schedule.held(at(t)); ++tried) {
        ASSERT_TRUE(schedule.due(at(t)));
        schedule.failed(at(t));
        EXPECT_GE(schedule.next() - at(t), map_retry_while_held_min);
        t = schedule.next().ns / 1'000'000'000;
    }
    EXPECT_GE(tried, 4);
}

TEST(LeaseSchedule, WhereNothingIsNeededItIsLookedAgainLater) {
    LeaseSchedule schedule(at(0));
    schedule.mapped(at(0), s(1800));
    schedule.not_needed(at(10));
    EXPECT_FALSE(schedule.held(at(11)));
    EXPECT_EQ(schedule.next(), at(10) + renew_pause_max);
}

TEST(LeaseSchedule, TheOwnPortIsAskedForFirstThenOthersThatNeedNoRights) {
    Random random(7);
    EXPECT_EQ(external_port_to_try(443, 0, random), 443);
    std::set<std::uint16_t> others;
    for (unsigned attempt = 1; attempt < 200; ++attempt) {
        others.insert(external_port_to_try(443, attempt, random));
        EXPECT_GE(*others.begin(), 1024);
    }
    EXPECT_GT(others.size(), 150U);
}

std::string agreed_on(const std::vector<SeenAddress>& reports) {
    const auto agreed = agreed_address(reports);
    return agreed ? to_string(agreed->address) + " by " + std::to_string(agreed->networks) : "none";
}

TEST(ExternalAddress, IsBelievedWhenTwoNetworksAgree) {
    EXPECT_EQ(agreed_on({}), "none");
    EXPECT_EQ(agreed_on({{"11.1.0.1", "11.9.0.1"}}), "none");
    EXPECT_EQ(agreed_on({{"11.1.0.1", "11.9.0.1"}, {"11.2.0.1", "11.9.0.1"}}), "11.9.0.1 by 2");
    EXPECT_EQ(agreed_on({{"2001:db8::1", "2002::1"}, {"2001:db9::1", "2002::1"}}), "2002::1 by 2");
}

TEST(ExternalAddress, ManyOfOneNetworkAreOneVoice) {
    std::vector<SeenAddress> reports;
    for (int i = 1; i < 100; ++i)
        reports.push_back({"11.1.0." + std::to_string(i), "66.6.6.6"});
    EXPECT_EQ(agreed_on(reports), "none");
    reports.push_back({"11.2.0.1", "11.9.0.1"});
    EXPECT_EQ(agreed_on(reports), "none");
    reports.push_back({"11.3.0.1", "11.9.0.1"});
    EXPECT_EQ(agreed_on(reports), "11.9.0.1 by 2");  // against one
    reports.push_back({"11.4.0.1", "66.6.6.6"});
    EXPECT_EQ(agreed_on(reports), "none");  // two against two: nobody is believed
}

TEST(ExternalAddress, ANetworkThatContradictsItselfHasNoVoice) {
    EXPECT_EQ(agreed_on({{"11.1.0.1", "11.9.0.1"}, {"11.1.0.2", "66.6.6.6"}, {"11.2.0.1", "11.9.0.1"}}),
              "none");
}

TEST(ExternalAddress, PrivateHostsDoNotCountForTheInternet) {
    for (const char* local : {"10.1.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "127.0.0.1",
                              "169.254.0.1", "fc00::1", "fe80::1", "::1", "some.name", ""})
        EXPECT_EQ(agreed_on({{local, "11.9.0.1"}, {"11.2.0.1", "11.9.0.1"}}), "none") << local;
    for (const char* local :
         {"10.1.0.1", "192.168.1.1", "127.0.0.1", "0.0.0.0", "224.0.0.1", "some.name", ""})
        EXPECT_EQ(agreed_on({{"11.1.0.1", local}, {"11.2.0.1", local}}), "none") << local;
    // Behind the same gateway.
    EXPECT_EQ(agreed_on({{"11.9.0.1", "11.9.0.1"}, {"11.2.0.1", "11.9.0.1"}}), "none");
}

TEST(ExternalAddress, SpellingsAndKindsAreToldApart) {
    EXPECT_EQ(agreed_on({{"11.1.0.1", "::ffff:11.9.0.1"}, {"11.2.0.1", "11.9.0.1"}}), "11.9.0.1 by 2");
    EXPECT_EQ(agreed_on({{"2001:db8::1", "2002::1"},
                         {"2001:db9::1", "2002::1"},
                         {"11.1.0.1", "11.9.0.1"},
                         {"11.2.0.1", "11.9.0.1"}}),
              "11.9.0.1 by 2");
}

TEST(ExternalAddress, APeerOfTheOwnNetworkProvesNothing) {
    EXPECT_TRUE(is_seen_from_outside({"11.1.0.1", "11.9.0.1"}));
    EXPECT_FALSE(is_seen_from_outside({"11.9.7.7", "11.9.0.1"}));
    EXPECT_FALSE(is_seen_from_outside({"2001:db8::2", "2001:db8::1"}));
    EXPECT_FALSE(is_seen_from_outside({"192.168.1.1", "11.9.0.1"}));
    EXPECT_FALSE(is_seen_from_outside({"11.1.0.1", "192.168.1.1"}));
}

using Answer = Reachability::Answer;
const std::vector<Reachability::Candidate> two_networks{{peer(1), "a"}, {peer(2), "a"}, {peer(3), "b"}};

TEST(Reachability, BelievesThatNobodyGetsInWhenTwoNetworksTriedInVain) {
    Reachability reach(at(0));
    EXPECT_FALSE(reach.ask(now_at(1), two_networks));  // the gateway may map a port meanwhile
    EXPECT_EQ(reach.ask(now_at(5), two_networks), peer(1));
    EXPECT_FALSE(reach.ask(now_at(6), two_networks));  // one question at a time
    reach.answered(now_at(6), peer(1), Answer::unreachable);
    EXPECT_EQ(reach.reach(), Reach::unknown);
    EXPECT_EQ(reach.ask(now_at(7), two_networks), peer(3));  // of another network
    reach.answered(now_at(8), peer(3), Answer::unreachable);
    EXPECT_EQ(reach.reach(), Reach::unreachable);
    EXPECT_EQ(reach.since(), now_at(8).wall);
    EXPECT_EQ(reach.asked(), 2U);
}

TEST(Reachability, TheWordOfTheOnlyNetworkIsEnoughAndOfNoneIsNot) {
    const std::vector<Reachability::Candidate> one{{peer(1), "a"}};
    Reachability reach(at(0));
    EXPECT_FALSE(reach.ask(now_at(10), {}));
    EXPECT_EQ(reach.reach(), Reach::unknown);
    EXPECT_EQ(reach.ask(now_at(11), one), peer(1));
    reach.answered(now_at(12), peer(1), Answer::unreachable);
    EXPECT_EQ(reach.reach(), Reach::unreachable);
}

TEST(Reachability, OnlyAConnectionIsProof) {
    Reachability reach(at(0));
    ASSERT_EQ(reach.ask(now_at(5), two_networks), peer(1));
    reach.answered(now_at(6), peer(1), Answer::reachable);
    EXPECT_EQ(reach.reach(), Reach::unknown);
    reach.proven(now_at(7));
    EXPECT_EQ(reach.reach(), Reach::reachable);
    EXPECT_EQ(reach.last_proof(), now_at(7).wall);
    // A while later it is asked again.
    EXPECT_FALSE(reach.ask(now_at(1800), two_networks));
    EXPECT_TRUE(reach.ask(now_at(1808), two_networks));
}

TEST(Reachability, AProofOutweighsWhatWasSaidBefore) {
    Reachability reach(at(0));
    ASSERT_EQ(reach.ask(now_at(5), two_networks), peer(1));
    reach.answered(now_at(6), peer(1), Answer::unreachable);
    reach.proven(now_at(6));
    ASSERT_EQ(reach.ask(now_at(2000), two_networks), peer(1));
    reach.answered(now_at(2001), peer(1), Answer::unreachable);
    EXPECT_EQ(reach.reach(), Reach::reachable);
    ASSERT_EQ(reach.ask(now_at(2002), two_networks), peer(3));
    reach.answered(now_at(2003), peer(3), Answer::unreachable);
    EXPECT_EQ(reach.reach(), Reach::unreachable);
}

TEST(Reachability, AnswersThatNobodyAskedForCountForNothing) {
    Reachability reach(at(0));
    for (int i = 1; i < 9; ++i)
        reach.answered(now_at(i), peer(i), Answer::unreachable);
    EXPECT_EQ(reach.reach(), Reach::unknown);
    ASSERT_EQ(reach.ask(now_at(10), two_networks), peer(1));
    reach.answered(now_at(11), peer(3), Answer::unreachable);
    reach.answered(now_at(11), peer(1), Answer::unreachable);
    reach.answered(now_at(11), peer(1), Answer::unreachable);
    EXPECT_EQ(reach.reach(), Reach::unknown);
}

TEST(Reachability, WhoRefusesOrKeepsSilentMakesRoomForAnother) {
    Reachability reach(at(0));
    ASSERT_EQ(reach.ask(now_at(5), two_networks), peer(1));
    reach.answered(now_at(6), peer(1), Answer::refused);
    ASSERT_EQ(reach.ask(now_at(7), two_networks), peer(2));
    EXPECT_FALSE(reach.ask(now_at(26), two_networks));
    ASSERT_EQ(reach.ask(now_at(27), two_networks), peer(3));
    reach.answered(now_at(28), peer(2), Answer::unreachable);  // too late
    reach.answered(now_at(29), peer(3), Answer::unreachable);
    EXPECT_EQ(reach.reach(), Reach::unknown);
    // Nobody twice within two minutes.
    EXPECT_FALSE(reach.ask(now_at(60), two_networks));
    EXPECT_EQ(reach.ask(now_at(126), two_networks), peer(1));
}

TEST(Reachability, ThePausesBetweenRoundsGrow) {
    Reachability reach(at(0));
    const std::vector<Reachability::Candidate> one{{peer(1), "a"}};
    std::vector<std::int64_t> asked;
    for (std::int64_t t = 0; t < 20'000; ++t)
        if (reach.ask(now_at(t), one)) {
            asked.push_back(t);
            reach.answered(now_at(t), peer(1), Answer::unreachable);
        }
    std::vector<std::int64_t> pauses;
    for (std::size_t i = 1; i < asked.size(); ++i)
        pauses.push_back(asked[i] - asked[i - 1]);
    ASSERT_GT(pauses.size(), 8U);
    for (std::size_t i = 0; i < pauses.size(); ++i)
        EXPECT_EQ(pauses[i], std::min<std::int64_t>(std::int64_t{120} << i, 1800)) << i;
}

TEST(Reachability, AnotherPortStartsItAllOver) {
    Reachability reach(at(0));
    reach.proven(now_at(1));
    reach.changed(at(2));
    EXPECT_EQ(reach.reach(), Reach::unknown);
    EXPECT_FALSE(reach.last_proof());
    EXPECT_EQ(reach.ask(now_at(3), two_networks), peer(1));
}

TEST(DialBackLimits, EachMayAskTwiceAndThenOnceAMinute) {
    DialBackLimits limits(at(0));
    EXPECT_TRUE(limits.take(at(0), peer(1), "11.1.0.1", 0));
    EXPECT_TRUE(limits.take(at(0), peer(1), "11.1.0.1", 0));
    EXPECT_FALSE(limits.take(at(0), peer(1), "11.1.0.1", 0));
    EXPECT_FALSE(limits.take(at(30), peer(1), "11.1.0.1", 0));
    EXPECT_TRUE(limits.take(at(62), peer(1), "11.1.0.1", 0));
    EXPECT_EQ(limits.taken(), 3U);
    EXPECT_EQ(limits.refused(), 2U);
}

TEST(DialBackLimits, ManyIdsOfOneAddressAreOneAsker) {
    DialBackLimits limits(at(0));
    int taken = 0;
    for (int i = 0; i < 100; ++i)
        taken += limits.take(at(0), peer(i), "2001:db8::" + std::to_string(i), 0);  // of one /64
    EXPECT_EQ(taken, 2);
    EXPECT_TRUE(limits.take(at(0), peer(200), "11.1.0.1", 0));
}

TEST(DialBackLimits, AllTogetherGetTenAtOnceAndTwentyAMinute) {
    DialBackLimits limits(at(0));
    int taken = 0;
    for (int i = 0; i < 200; ++i)
        taken += limits.take(at(0), peer(i), "11." + std::to_string(i) + ".0.1", 0);
    EXPECT_EQ(taken, 10);
    taken = 0;
    for (int i = 300; i < 2300; ++i)
        taken += limits.take(at(60), peer(i),
                             "11." + std::to_string(i % 200) + "." + std::to_string(i / 200) + ".1", 0);
    EXPECT_EQ(taken, 10);  // never more than ten at once
}

TEST(DialBackLimits, FourAtATime) {
    DialBackLimits limits(at(0));
    EXPECT_FALSE(limits.take(at(0), peer(1), "11.1.0.1", dial_backs_at_once_max));
    EXPECT_TRUE(limits.take(at(0), peer(1), "11.1.0.1", dial_backs_at_once_max - 1));
}

TEST(DialBackLimits, NobodyIsDialledBackOnAPrivateNetwork) {
    DialBackLimits limits(at(0));
    for (const char* host : {"127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.1.1", "0.0.0.0", "224.0.0.1",
                             "::1", "fc00::1", "fe80::1", "some.name", ""})
        EXPECT_FALSE(limits.take(at(0), peer(1), host, 0)) << host;
    EXPECT_EQ(limits.taken(), 0U);
}

}  // namespace
}  // namespace peerbook::p2p
