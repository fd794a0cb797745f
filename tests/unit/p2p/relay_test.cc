// Sealed messages through others, among honest nodes: what arrives, in what order, and what is told when
// nothing does. relay_hostile_test.cc has the rest.
#include "p2p/relay/relay.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/p2p/relay_web.h"

namespace peerbook::p2p::testing {
namespace {

using Texts = std::vector<std::string>;

Duration s(std::int64_t seconds) {
    return Duration::seconds(seconds);
}

TEST(Relay, AMessageGoesThroughTwoOthersAndItsAnswerComesBack) {
    RelayWeb web(4);
    web.link_all_in_a_line();
    web.send(0, 3, "buy five");
    ASSERT_EQ(web[3].received, (std::vector<RelayWeb::Received>{{0, "buy five"}}));
    web.send(3, 0, "taken");
    EXPECT_EQ(web[0].received, (std::vector<RelayWeb::Received>{{3, "taken"}}));
    EXPECT_TRUE(web[1].received.empty() && web[2].received.empty());
    web.advance(s(60));
    EXPECT_EQ(web[0].relay->stats().waiting, 0U);
    EXPECT_EQ(web[3].relay->stats().waiting, 0U);
    EXPECT_EQ(web[0].relay->stats().repeated + web[3].relay->stats().repeated, 0U);
    EXPECT_EQ(web[3].received.size() + web[0].received.size(), 2U);
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_TRUE(web[i].violations.empty() && web[i].lost.empty()) << i;
}

TEST(Relay, NobodyInBetweenCanReadIt) {
    RelayWeb web(4);
    web.link_all_in_a_line();
    web.send(0, 3, "buy five at sixty thousand");
    ASSERT_EQ(web.texts(3), (Texts{"buy five at sixty thousand"}));
    ASSERT_GT(web.passed().size(), 8U);
    for (const RelayWeb::Frame& frame : web.passed())
        EXPECT_EQ(as_text(frame.bytes).find("buy five"), std::string_view::npos);
}

TEST(Relay, APeerThatIsConnectedIsReachedWithoutOthers) {
    RelayWeb web(3);
    web.link_all_in_a_line();
    web.send(0, 1, "next door");
    EXPECT_EQ(web.texts(1), (Texts{"next door"}));
    for (const RelayWeb::Frame& frame : web.passed())
        EXPECT_NE(frame.to, 2U);
}

TEST(Relay, WhatIsSentFirstArrivesFirstAndManyTravelTogether) {
    RelayWeb web(4);
    web.link_all_in_a_line();
    Texts all;
    for (int i = 0; i < 600; ++i) {
        all.push_back("message " + std::to_string(i));
        web.send(0, 3, all.back());
    }
    web.advance(s(10));
    EXPECT_EQ(web.texts(3), all);
    EXPECT_TRUE(web[0].lost.empty());
    // Within the bounds of the relays, which therefore dropped nothing.
    EXPECT_EQ(web[1].relay->stats().over_rate + web[2].relay->stats().over_rate, 0U);
    EXPECT_EQ(web[0].relay->stats().repeated, 0U);
}

TEST(Relay, ThreeKindsOfMessagesFindTheirRecipients) {
    RelayWeb web(5);
    web.link_all_in_a_line();
    web.send(0, 4, "to four");
    web.send(0, 2, "to two");
    web.send(4, 2, "to two from four");
    EXPECT_EQ(web.texts(4), (Texts{"to four"}));
    EXPECT_EQ(web[2].received, (std::vector<RelayWeb::Received>{{0, "to two"}, {4, "to two from four"}}));
}

TEST(Relay, TheLargestPayloadArrivesAndALargerOneIsRefusedAtOnce) {
    RelayWeb web(3);
    web.link_all_in_a_line();
    const std::string largest(relay_payload_max, 'x');
    web.send(0, 2, largest);
    web.advance(s(1));
    EXPECT_EQ(web.texts(2), (Texts{largest}));
    web.send(0, 2, largest + "x");
    EXPECT_EQ(web[0].lost, (Texts{"it does not fit a relayed message"}));
}

TEST(Relay, SixMayStandBetweenAndNotSeven) {
    RelayWeb web(9);
    web.link_all_in_a_line();
    web.send(0, 7, "six between");
    web.send(0, 8, "seven between", s(5));
    EXPECT_EQ(web.texts(7), (Texts{"six between"}));
    web.advance(s(6));
    EXPECT_TRUE(web.texts(8).empty());
    EXPECT_EQ(web[0].lost, (Texts{"no way to it was found"}));
}

TEST(Relay, WhatCannotBeDeliveredIsReportedOnceWithTheReason) {
    RelayWeb web(4);
    web.send(0, 3, "alone", s(2));
    web.advance(s(3));
    EXPECT_EQ(web[0].lost, (Texts{"no peer relays"}));
    web.link(0, 1);
    web.send(0, 3, "to nobody that is there", s(2));
    web.advance(s(3));
    EXPECT_EQ(web[0].lost, (Texts{"no peer relays", "no way to it was found"}));
    web.send(0, 0, "to itself");
    EXPECT_EQ(web[0].lost.back(), "it is for this node itself");
    EXPECT_EQ(web[0].relay->stats().undeliverable, 3U);
    EXPECT_EQ(web[0].relay->stats().waiting, 0U);
}

TEST(Relay, WhatIsBehindAMessageThatEndsEndsWithIt) {
    RelayWeb web(4);
    web.send(0, 3, "first", s(2));
    web.send(0, 3, "second", s(60));
    web.send(0, 2, "to another", s(60));
    web.advance(s(3));
    EXPECT_EQ(web[0].lost.size(), 2U);
    EXPECT_EQ(web[0].relay->stats().waiting, 1U);
    web.link_all_in_a_line();
    web.advance(s(10));
    EXPECT_TRUE(web.texts(3).empty());
    EXPECT_EQ(web.texts(2), (Texts{"to another"}));
}

TEST(Relay, ANewPeerIsAskedAtOnceForWhomNobodyFound) {
    RelayWeb web(4);
    web.link(0, 1);
    web.send(0, 3, "patience");
    web.advance(s(5));
    web.link(2, 3);
    web.link(0, 2);
    EXPECT_EQ(web.texts(3), (Texts{"patience"}));
}

TEST(Relay, ItsNextProcessIsFoundAndGetsWhatTheLastOneDidNotAcknowledge) {
    RelayWeb web(3);
    web.link_all_in_a_line();
    web.send(0, 2, "one");
    // Its acknowledgements are lost, then it starts anew.
    web.set_hand([&](RelayWeb::Frame& frame) { return frame.from != 2; });
    web.send(0, 2, "two");
    EXPECT_EQ(web.texts(2), (Texts{"one", "two"}));
    web.set_hand([](RelayWeb::Frame&) { return true; });
    web.restart(2);
    web.advance(s(3));
    EXPECT_EQ(web.texts(2), (Texts{"one", "two", "two"})) << "once for each process";
    web.send(0, 2, "three");
    EXPECT_EQ(web.texts(2).back(), "three");
    EXPECT_TRUE(web[0].lost.empty());
}

TEST(Relay, TheSendersNextProcessIsHeard) {
    RelayWeb web(3);
    web.link_all_in_a_line();
    web.send(0, 2, "one");
    web.restart(0);
    web.advance(s(1));  // or its stamps would not be later than those of the process before it
    web.send(0, 2, "two");
    EXPECT_EQ(web.texts(2), (Texts{"one", "two"}));
}

TEST(Relay, ALostAcknowledgementDeliversNothingTwice) {
    RelayWeb web(3);
    web.link_all_in_a_line();
    web.send(0, 2, "one");
    int lost = 0;
    web.set_hand([&](RelayWeb::Frame& frame) { return frame.from != 2 || ++lost > 2; });
    web.send(0, 2, "two");
    web.advance(s(5));
    EXPECT_EQ(web.texts(2), (Texts{"one", "two"}));
    EXPECT_GT(lost, 2);
    EXPECT_EQ(web[0].relay->stats().waiting, 0U);
}

TEST(Relay, WhatWaitsIsBoundedForEachRecipientAndInRecipients) {
    RelayWeb web(2);
    web.link_all_in_a_line();
    PeerId nobody;
    relay::Outputs out;
    const auto send = [&](const PeerId& to, std::size_t bytes) {
        out.clear();
        web[0].relay->send(web.now(), to, 0x90, SharedBytes(Bytes(bytes)), s(30), out);
        return !std::ranges::any_of(out, [](const relay::Output& output) {
            return std::holds_alternative<relay::Undeliverable>(output);
        });
    };
    nobody.data.fill(1);
    for (std::size_t i = 0; i < Relay::waiting_max; ++i)
        ASSERT_TRUE(send(nobody, 1)) << i;
    EXPECT_FALSE(send(nobody, 1));
    nobody.data.fill(2);
    for (std::size_t i = 0; i < Relay::waiting_bytes_max / relay_payload_max; ++i)
        ASSERT_TRUE(send(nobody, relay_payload_max)) << i;
    EXPECT_FALSE(send(nobody, relay_payload_max));
    for (std::size_t i = 2; i < Relay::outbound_max; ++i) {
        nobody.data.fill(static_cast<std::uint8_t>(i + 1));
        ASSERT_TRUE(send(nobody, 1)) << i;
    }
    nobody.data.fill(200);
    EXPECT_FALSE(send(nobody, 1));
    web.advance(s(31));
    EXPECT_EQ(web[0].relay->stats().waiting, 0U);
    EXPECT_TRUE(send(nobody, 1)) << "those to whom nothing waits make room";
}

// --- its parts ---

PeerId numbered(std::uint64_t number) {
    PeerId id;
    id.data[0] = static_cast<std::uint8_t>(number);
    id.data[1] = static_cast<std::uint8_t>(number >> 8);
    id.data[2] = 1;
    return id;
}
constexpr MonoTime t0{1'000'000'000};

TEST(RelayRoutes, TheWayByWhichTheNewestCameFirstIsBest) {
    RelayRoutes routes;
    const PeerId a = numbered(1), b = numbered(2), c = numbered(3), d = numbered(4), far = numbered(9);
    for (const PeerId& peer : {a, b, c, d})
        routes.peer_up(peer);
    EXPECT_TRUE(routes.hops_to(t0, far, nullptr).empty());
    routes.heard(t0, a, far, true);
    routes.heard(t0, b, far, true);
    routes.heard(t0, c, far, false);
    EXPECT_EQ(routes.hops_to(t0, far, nullptr), (std::vector<PeerId>{b, a, c}));
    EXPECT_EQ(routes.hops_to(t0, far, &b), (std::vector<PeerId>{a, c}));
    routes.heard(t0 + s(1), d, far, false);
    EXPECT_EQ(routes.hops_to(t0 + s(1), far, nullptr), (std::vector<PeerId>{b, a, d})) << "three at most";
    routes.peer_down(b);
    EXPECT_EQ(routes.hops_to(t0 + s(1), far, nullptr), (std::vector<PeerId>{a, d, c}));
    EXPECT_EQ(routes.hops_to(t0 + RelayRoutes::lifetime, far, nullptr), (std::vector<PeerId>{d}));
    routes.forget_old(t0 + RelayRoutes::lifetime);
    EXPECT_EQ(routes.size(), 1U);
}

TEST(RelayRoutes, APeerFullOfInventedNodesDisplacesOnlyItsOwn) {
    RelayRoutes routes;
    const PeerId good = numbered(1), bad = numbered(2), far = numbered(3);
    routes.peer_up(good);
    routes.peer_up(bad);
    routes.heard(t0, good, far, true);
    for (std::uint64_t i = 0; i < 3 * RelayRoutes::far_per_peer_max; ++i)
        routes.heard(t0 + Duration::milliseconds(static_cast<std::int64_t>(i)), bad, numbered(100 + i), true);
    EXPECT_EQ(routes.size(), RelayRoutes::far_per_peer_max + 1);
    EXPECT_EQ(routes.hops_to(t0 + s(1), far, nullptr), (std::vector<PeerId>{good}));
    EXPECT_TRUE(routes.hops_to(t0 + s(1), numbered(100), nullptr).empty()) << "the oldest went";
}

TEST(RelayLimits, EachBoundIsItsOwn) {
    RelayLimits limits(t0);
    const PeerId peer = numbered(1), other = numbered(2);
    limits.peer_up(t0, peer);
    limits.peer_up(t0, other);
    for (int i = 0; i < RelayLimits::out_seeks.capacity; ++i)
        ASSERT_TRUE(limits.goes_out(t0, peer, {true, 200}));
    EXPECT_FALSE(limits.goes_out(t0, peer, {true, 200}));
    EXPECT_TRUE(limits.goes_out(t0, peer, {false, 200})) << "what is no seek still goes";
    EXPECT_TRUE(limits.goes_out(t0, other, {true, 200}));
    EXPECT_TRUE(limits.comes_in(t0, peer, {true, 200}));
    EXPECT_FALSE(limits.comes_in(t0, peer, {false, 3 << 20}));
    for (int i = 0; i < RelayLimits::source_seeks.capacity; ++i)
        ASSERT_TRUE(limits.from_source(t0, numbered(7), {true, 200}));
    EXPECT_FALSE(limits.from_source(t0, numbered(7), {true, 200}));
    EXPECT_TRUE(limits.from_source(t0, numbered(8), {true, 200}));
    EXPECT_TRUE(limits.from_source(t0 + s(2), numbered(7), {true, 200}));
}

TEST(RelayLimits, SourcesAreBounded) {
    RelayLimits limits(t0);
    for (std::uint64_t i = 0; i < RelayLimits::sources_max + 100; ++i)
        (void)limits.from_source(t0 + Duration::milliseconds(static_cast<std::int64_t>(i)), numbered(i), {});
    EXPECT_EQ(limits.sources(), RelayLimits::sources_max);
}

}  // namespace
}  // namespace peerbook::p2p::testing
