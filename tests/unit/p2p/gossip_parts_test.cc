// The parts of the gossip, each alone: settings, frames, dedup, pulls, kept messages, the overlay.
#include <gtest/gtest.h>

#include <functional>

#include "p2p/gossip/dedup_window.h"
#include "p2p/gossip/gossip_wire.h"
#include "p2p/gossip/message_store.h"
#include "p2p/gossip/overlay.h"
#include "p2p/gossip/pull_queue.h"

namespace peerbook::p2p {
namespace {

constexpr MonoTime start{1'000'000'000'000};

MonoTime at(std::int64_t ms) {
    return start + Duration::milliseconds(ms);
}

PeerId peer(std::uint8_t number) {
    PeerId id;
    id.data.fill(number);
    return id;
}

MessageId id_of(std::uint64_t number) {
    return gossip_id(0x90, WallTime{static_cast<std::int64_t>(number)}, {});
}

Bytes bytes_of(const OutgoingPayload& frame) {
    Bytes bytes(frame.head.begin(), frame.head.begin() + frame.head_size);
    const ByteView body = frame.body.view();
    bytes.insert(bytes.end(), body.begin(), body.end());
    return bytes;
}

TEST(GossipSettings, DefaultsAreValidAndFollowTheNetworksSize) {
    EXPECT_TRUE(validate(GossipSettings{}).ok());
    for (const auto& [size, fanout, interval_ms, age_s] :
         {std::tuple{50, 3U, 1'500, 30}, {51, 4U, 1'000, 60}, {500, 4U, 1'000, 60}, {501, 6U, 500, 120}}) {
        const GossipScale scale = scale_for(static_cast<std::size_t>(size));
        EXPECT_EQ(scale.fanout, fanout) << size;
        EXPECT_EQ(scale.interval, Duration::milliseconds(interval_ms)) << size;
        EXPECT_EQ(scale.age_max, Duration::seconds(age_s)) << size;
    }
}

TEST(GossipSettings, EachSettingOutOfItsBoundsIsNamed) {
    using Change = std::function<void(GossipSettings&)>;
    const std::vector<std::pair<const char*, Change>> changes{
        {"fanout is 0", [](auto& s) { s.fanout = 0; }},
        {"fanout is 65", [](auto& s) { s.fanout = 65; }},
        {"interval_ms", [](auto& s) { s.interval = Duration::milliseconds(49); }},
        {"age_ms", [](auto& s) { s.age_max = Duration::seconds(-1); }},
        {"direct_nodes", [](auto& s) { s.direct_nodes_max = 0; }},
        {"forward_ppm", [](auto& s) { s.forward_ppm = 1'000'001; }},
        {"push_ppm", [](auto& s) { s.push_ppm = 1'000'001; }},
        {"forwards", [](auto& s) { s.forwards_max = 33; }},
        {"ttl is 33", [](auto& s) { s.ttl = 33; }},
        {"announced_above", [](auto& s) { s.announced_above = 1 << 30; }},
        {"degree_min", [](auto& s) { s.degree_min = 0; }},
        {"degree_max", [](auto& s) { s.degree_max = 65; }},
        {"degree is 13", [](auto& s) { s.degree = 13; }},
        {"degree is 5", [](auto& s) { s.degree = 5; }},
        {"announce_delay_ms", [](auto& s) { s.announce_delay = Duration::seconds(11); }},
        {"graft_after_ms", [](auto& s) { s.graft_after = {}; }},
        {"pull_again_after_ms", [](auto& s) { s.pull_again_after = {}; }},
        {"anti_entropy_interval_ms", [](auto& s) { s.anti_entropy_interval = {}; }},
        {"anti_entropy_peers", [](auto& s) { s.anti_entropy_peers = 0; }},
        {"prune_interval_ms", [](auto& s) { s.prune_interval = {}; }},
        {"dedup_window_ms is 500", [](auto& s) { s.dedup_window = Duration::milliseconds(500); }},
        {"dedup_ids", [](auto& s) { s.dedup_ids_max = 1; }},
        {"filter_ids", [](auto& s) { s.filter_ids_max = 1; }},
        {"kept_messages", [](auto& s) { s.kept_messages_max = 1; }},
        {"kept_bytes", [](auto& s) { s.kept_bytes_max = 1; }},
        {"2 * anti_entropy_interval_ms, 180000", [](auto& s) { s.dedup_window = Duration::seconds(179); }},
        {"kind 127", [](auto& s) { s.kinds[127] = {}; }},
    };
    for (const auto& [name, change] : changes) {
        GossipSettings settings;
        change(settings);
        const Status status = validate(settings);
        ASSERT_FALSE(status.ok()) << name;
        EXPECT_NE(status.error().message.find(name), std::string::npos) << status.error().message;
    }
}

TEST(GossipSettings, PoliciesAreNamedAsInTheSettingsFile) {
    for (const char* name : {"auto", "direct", "tree", "epidemic", "flood"})
        EXPECT_STREQ(to_string(*parse_gossip_policy(name)), name);
    EXPECT_FALSE(parse_gossip_policy("automatic"));
}

TEST(GossipWire, FramesComeBackAsTheyWere) {
    const Bytes text{'h', 'i'};
    const GossipHeader header{GossipMode::epidemic, 31, 2, {1'700'000'000'123}, 0x91};
    const Bytes pushed = bytes_of(push_frame(header, SharedBytes(text)));
    EXPECT_EQ(pushed.size(), gossip_head_bytes + text.size());
    const auto push = parse_push(pushed);
    ASSERT_TRUE(push);
    EXPECT_EQ(push->header.mode, GossipMode::epidemic);
    EXPECT_EQ(push->header.ttl, 31);
    EXPECT_EQ(push->header.hops, 2);
    EXPECT_EQ(push->header.created.ms, 1'700'000'000'123);
    EXPECT_EQ(push->header.kind, 0x91);
    EXPECT_TRUE(std::equal(text.begin(), text.end(), push->payload.begin(), push->payload.end()));

    const auto announce =
        parse_announce(bytes_of(announce_frame({PullReason::tree, true, {{id_of(1), 3}, {id_of(2), 4}}})));
    ASSERT_TRUE(announce);
    EXPECT_TRUE(announce->is_lazy);
    ASSERT_EQ(announce->entries.size(), 2U);
    EXPECT_EQ(announce->entries[1].id, id_of(2));
    EXPECT_EQ(announce->entries[1].hops, 4);

    const auto want = parse_want(bytes_of(want_frame({PullReason::graft, {id_of(5)}})));
    ASSERT_TRUE(want);
    EXPECT_EQ(want->reason, PullReason::graft);
    EXPECT_EQ(want->ids, std::vector{id_of(5)});

    EXPECT_TRUE(parse_prune(bytes_of(prune_frame())).ok());
    EXPECT_EQ(*parse_link(bytes_of(link_frame(LinkStep::refuse))), LinkStep::refuse);
    const auto digest = parse_digest(bytes_of(digest_frame({Duration::seconds(90), {id_of(7), id_of(8)}})));
    ASSERT_TRUE(digest);
    EXPECT_EQ(digest->span, Duration::seconds(90));
    EXPECT_EQ(digest->ids.size(), 2U);
}

TEST(GossipWire, MalformedFramesAreErrors) {
    const auto push_with = [](std::size_t place, std::uint8_t byte) {
        Bytes frame = bytes_of(push_frame({GossipMode::tree, 32, 1, {1}, 0x90}, SharedBytes(Bytes{1})));
        frame[place] = byte;
        return frame;
    };
    EXPECT_TRUE(parse_push(push_with(13, 9)));
    EXPECT_FALSE(parse_push(push_with(1, 6)));      // mode
    EXPECT_FALSE(parse_push(push_with(2, 33)));     // ttl
    EXPECT_FALSE(parse_push(push_with(3, 34)));     // hops
    EXPECT_FALSE(parse_push(push_with(12, 0x7f)));  // kind
    EXPECT_FALSE(parse_push(Bytes{gossip_push_kind, 1, 32}));
    EXPECT_FALSE(parse_announce(Bytes{gossip_announce_kind, 0}));
    EXPECT_FALSE(parse_announce(Bytes{gossip_announce_kind, 4, 0}));         // reason
    EXPECT_FALSE(parse_announce(Bytes{gossip_announce_kind, 0, 2}));         // lazy
    EXPECT_FALSE(parse_announce(Bytes(3 + 17 + 16, gossip_announce_kind)));  // half an entry
    Bytes many(3 + 17 * (announced_ids_max + 1));
    EXPECT_FALSE(parse_announce(many));
    many.resize(3 + 17 * announced_ids_max);
    EXPECT_TRUE(parse_announce(many));
    EXPECT_FALSE(parse_want(Bytes{gossip_want_kind}));
    EXPECT_FALSE(parse_want(Bytes{gossip_want_kind, 4}));
    EXPECT_FALSE(parse_want(Bytes(2 + 15)));
    EXPECT_FALSE(parse_want(Bytes(2 + 16 * (wanted_ids_max + 1))));
    EXPECT_FALSE(parse_prune(Bytes{gossip_prune_kind, 0}).ok());
    EXPECT_FALSE(parse_link(Bytes{gossip_link_kind}));
    EXPECT_FALSE(parse_link(Bytes{gossip_link_kind, 5}));
    EXPECT_FALSE(parse_digest(Bytes{gossip_digest_kind, 0, 0, 0}));
    EXPECT_FALSE(parse_digest(Bytes(5 + 16 * (digest_ids_max + 1))));
}

TEST(GossipWire, AnIdCoversKindTimeAndPayload) {
    const Bytes a{1}, b{2};
    EXPECT_EQ(gossip_id(0x90, {5}, a), gossip_id(0x90, {5}, a));
    EXPECT_NE(gossip_id(0x90, {5}, a), gossip_id(0x91, {5}, a));
    EXPECT_NE(gossip_id(0x90, {5}, a), gossip_id(0x90, {6}, a));
    EXPECT_NE(gossip_id(0x90, {5}, a), gossip_id(0x90, {5}, b));
}

TEST(BloomFilter, ForgetsNothingAndIsWrongOnceInAMillion) {
    BloomFilter filter(20'000, 7);
    for (std::uint64_t i = 0; i < 20'000; ++i)
        filter.insert(id_of(i));
    std::size_t forgotten = 0, wrong = 0;
    for (std::uint64_t i = 0; i < 20'000; ++i)
        forgotten += filter.may_contain(id_of(i)) ? 0 : 1;
    for (std::uint64_t i = 20'000; i < 320'000; ++i)
        wrong += filter.may_contain(id_of(i)) ? 1 : 0;
    EXPECT_EQ(forgotten, 0U);
    EXPECT_LE(wrong, 3U);
    EXPECT_LE(filter.bytes() * 8, 20'000U * 29 + 64);
}

TEST(DedupWindow, RemembersForItsWindow) {
    DedupWindow seen({Duration::seconds(300), 10'000, 10'000}, 1, start);
    EXPECT_TRUE(seen.insert(start, id_of(1)));
    EXPECT_FALSE(seen.insert(at(299'999), id_of(1)));
    EXPECT_FALSE(seen.contains(at(299'999), id_of(2)));
    EXPECT_TRUE(seen.insert(at(300'000), id_of(1)));
    EXPECT_TRUE(seen.contains(at(590'000), id_of(1)));
    EXPECT_FALSE(seen.contains(at(2'000'000), id_of(1)));
    EXPECT_EQ(seen.exact_ids(), 0U);
}

TEST(DedupWindow, FiltersTakeTurnsWithoutForgettingWhatIsInTheWindow) {
    DedupWindow seen({Duration::seconds(300), 50'000, 20'000}, 1, start);
    std::size_t forgotten = 0;
    // 20 a second for 20 min: four windows, and a filter that is full long before its time.
    for (std::uint64_t i = 0; i < 24'000; ++i) {
        const MonoTime now = at(static_cast<std::int64_t>(i) * 50);
        ASSERT_TRUE(seen.insert(now, id_of(i)));
        if (i >= 5'000) forgotten += seen.contains(now, id_of(i - 5'000)) ? 0 : 1;
    }
    EXPECT_EQ(forgotten, 0U);
    EXPECT_LE(seen.exact_ids(), 6'001U);
}

TEST(DedupWindow, MemoryFollowsTheRateWithinItsBound) {
    DedupWindow seen({Duration::seconds(300), 2'000, 8'000}, 1, start);
    const std::size_t small = seen.filter_bytes();
    std::size_t repeated = 0;
    for (std::uint64_t i = 0; i < 100'000; ++i) {
        seen.insert(start, id_of(i));
        // What left the exact set in the flood is still known to the filters.
        if (i >= 5'000) repeated += seen.contains(start, id_of(i - 5'000)) ? 0 : 1;
    }
    EXPECT_EQ(repeated, 0U);
    EXPECT_EQ(seen.exact_ids(), 2'000U);
    EXPECT_GT(seen.filter_bytes(), small);
    EXPECT_LE(seen.filter_bytes(), 2U * (8'000 * 29 / 8 + 8));
    for (const std::int64_t ms : {300'000, 600'000, 900'000})
        seen.insert(at(ms), id_of(static_cast<std::uint64_t>(ms)));
    EXPECT_EQ(seen.filter_bytes(), small);  // quiet again
}

TEST(PullQueue, AsksOneAnnouncerAfterTheOtherAndGivesUp) {
    PullQueue queue(Duration::milliseconds(700));
    const Duration wait = Duration::milliseconds(500);
    EXPECT_TRUE(queue.announced(start, id_of(1), peer(1), wait, PullReason::tree));
    EXPECT_TRUE(queue.announced(start, id_of(1), peer(2), wait, PullReason::tree));
    EXPECT_TRUE(queue.announced(start, id_of(1), peer(1), wait, PullReason::tree));  // said twice
    EXPECT_TRUE(queue.take_due(at(499)).empty());
    std::vector<PeerId> asked;
    for (std::int64_t ms = 500; ms <= 500 + 4 * 700; ms += 100)
        for (const PullQueue::Ask& ask : queue.take_due(at(ms)))
            asked.push_back(ask.peer);
    EXPECT_EQ(asked, (std::vector{peer(1), peer(2), peer(1), peer(2)}));
    EXPECT_EQ(queue.size(), 0U);
    EXPECT_EQ(queue.given_up(), 1U);
    EXPECT_FALSE(queue.next_due());
}

TEST(PullQueue, WhatCameIsNotAskedForAndNamesItsHolders) {
    PullQueue queue(Duration::milliseconds(700));
    queue.announced(at(5), id_of(1), peer(1), {}, PullReason::epidemic);
    queue.announced(at(9), id_of(1), peer(2), {}, PullReason::epidemic);
    const PullQueue::Announced announced = queue.received(id_of(1));
    EXPECT_EQ(announced.by, (std::vector{peer(1), peer(2)}));
    EXPECT_EQ(announced.first_at, at(5));
    EXPECT_TRUE(queue.take_due(at(10'000)).empty());
    EXPECT_TRUE(queue.received(id_of(1)).by.empty());
}

TEST(PullQueue, TheShortestWaitCounts) {
    PullQueue queue(Duration::milliseconds(700));
    queue.announced(start, id_of(1), peer(1), Duration::seconds(5), PullReason::repair);
    queue.announced(start, id_of(1), peer(2), Duration::milliseconds(500), PullReason::tree);
    queue.announced(start, id_of(1), peer(3), Duration::seconds(9), PullReason::repair);
    ASSERT_EQ(queue.take_due(at(500)).size(), 1U);
    // Once asked, an announcement does not shorten the wait for the answer.
    queue.announced(at(500), id_of(1), peer(4), {}, PullReason::epidemic);
    EXPECT_TRUE(queue.take_due(at(1'199)).empty());
    const auto asks = queue.take_due(at(1'200));
    ASSERT_EQ(asks.size(), 1U);
    EXPECT_EQ(asks[0].peer, peer(2));
    EXPECT_EQ(asks[0].reason, PullReason::tree);
}

TEST(PullQueue, IsBoundedByPeerAndInAll) {
    PullQueue queue(Duration::milliseconds(700));
    const auto fill = [&](std::uint8_t number, std::uint64_t first) {
        std::size_t taken = 0;
        for (std::uint64_t i = 0; i < 2'000; ++i)
            taken += queue.announced(start, id_of(first + i), peer(number), {}, PullReason::tree) ? 1 : 0;
        return taken;
    };
    EXPECT_EQ(fill(1, 0), PullQueue::per_peer_max);
    for (std::uint8_t number = 2; number <= 4; ++number)
        EXPECT_EQ(fill(number, number * 10'000U), PullQueue::per_peer_max);
    EXPECT_EQ(queue.size(), PullQueue::messages_max);
    EXPECT_EQ(fill(5, 90'000), 0U);
    queue.peer_down(peer(1));
    EXPECT_EQ(queue.size(), PullQueue::messages_max - PullQueue::per_peer_max);
    EXPECT_EQ(fill(5, 90'000), PullQueue::per_peer_max);
    queue.peer_down(peer(2));
    std::size_t announcers = 0;
    for (std::uint8_t number = 10; number < 30; ++number)
        announcers += queue.announced(start, id_of(1'000'000), peer(number), {}, PullReason::tree) ? 1 : 0;
    EXPECT_EQ(announcers, PullQueue::announcers_max);
}

KeptMessage message(std::size_t bytes, bool urgent, std::int64_t ms) {
    KeptMessage made;
    made.payload = SharedBytes(Bytes(bytes));
    made.rules.urgent = urgent;
    made.at = at(ms);
    made.accepted = true;
    return made;
}

TEST(MessageStore, ChatterMakesRoomForBlocksAndNotTheOtherWay) {
    MessageStore store(4, 1'000);
    for (std::uint64_t i = 0; i < 4; ++i)
        EXPECT_TRUE(store.insert(id_of(i), message(10, i % 2 == 0, static_cast<std::int64_t>(i))));
    EXPECT_TRUE(store.insert(id_of(4), message(10, true, 4)));
    EXPECT_FALSE(store.find(id_of(1)));  // the oldest chatter
    EXPECT_TRUE(store.insert(id_of(5), message(10, true, 5)));
    EXPECT_FALSE(store.find(id_of(3)));
    EXPECT_FALSE(store.insert(id_of(6), message(10, false, 6)));  // all that is kept are blocks
    EXPECT_TRUE(store.insert(id_of(7), message(10, true, 7)));
    EXPECT_FALSE(store.find(id_of(0)));  // then the oldest block
    EXPECT_EQ(store.size(), 4U);
}

TEST(MessageStore, IsBoundedInBytes) {
    MessageStore store(100, 1'000);
    EXPECT_FALSE(store.insert(id_of(0), message(1'001, true, 0)));
    for (std::uint64_t i = 1; i <= 20; ++i)
        EXPECT_TRUE(store.insert(id_of(i), message(300, true, static_cast<std::int64_t>(i))));
    EXPECT_EQ(store.size(), 3U);
    EXPECT_EQ(store.bytes(), 900U);
    store.drop_older_than(at(20));
    EXPECT_EQ(store.bytes(), 300U);
}

TEST(MessageStore, RecentOnesAreTheAcceptedOnesOfASpan) {
    MessageStore store(100, 1'000);
    for (std::uint64_t i = 0; i < 5; ++i) {
        KeptMessage made = message(1, false, static_cast<std::int64_t>(i) * 100);
        made.accepted = i != 3;
        made.rules.digested = i != 2;
        store.insert(id_of(i), std::move(made));
    }
    EXPECT_EQ(store.recent(at(400), Duration::milliseconds(300), 10), (std::vector{id_of(4), id_of(1)}));
    EXPECT_EQ(store.recent(at(400), Duration::milliseconds(300), 1), std::vector{id_of(4)});
}

TEST(Overlay, AsksUntilItHasItsDegreeHalfOfThemNear) {
    Overlay overlay({6, 8, 12}, 1);
    for (std::uint8_t number = 1; number <= 40; ++number)
        overlay.peer_up(start, peer(number), Duration::milliseconds(number));
    Overlay::Output out;
    overlay.tick(start, out);
    ASSERT_EQ(out.send.size(), 8U);
    std::size_t near = 0;
    Overlay::Output answers;
    for (const auto& [asked, step] : out.send) {
        EXPECT_EQ(step, LinkStep::urge);  // it has none
        near += asked.data[0] <= 8 ? 1 : 0;
        overlay.receive(start, asked, LinkStep::accept, answers);
    }
    EXPECT_GE(near, 4U);
    EXPECT_LT(near, 8U);
    EXPECT_EQ(answers.linked.size(), 8U);
    EXPECT_FALSE(overlay.next_due().has_value() && *overlay.next_due() < at(1'000));
    Overlay::Output quiet;
    overlay.tick(at(1'000), quiet);
    EXPECT_TRUE(quiet.send.empty());
}

TEST(Overlay, ARefusalAndASilenceAreFollowedByOthers) {
    Overlay overlay({1, 1, 2}, 1);
    overlay.peer_up(start, peer(1), {});
    overlay.peer_up(start, peer(2), {});
    Overlay::Output out;
    overlay.tick(start, out);
    ASSERT_EQ(out.send.size(), 1U);
    const PeerId first = out.send[0].peer;
    overlay.receive(start, first, LinkStep::refuse, out);
    overlay.tick(start, out);
    ASSERT_EQ(out.send.size(), 2U);
    EXPECT_NE(out.send[1].peer, first);
    overlay.tick(at(2'999), out);
    EXPECT_EQ(out.send.size(), 2U);  // waits for the answer; the first is not asked so soon
    overlay.tick(at(30'000), out);
    ASSERT_EQ(out.send.size(), 3U);
    EXPECT_EQ(out.send[2].peer, first);
}

TEST(Overlay, FullItRefusesButMakesRoomForWhoHasTooFew) {
    Overlay overlay({1, 2, 3}, 1);
    Overlay::Output out;
    for (std::uint8_t number = 1; number <= 5; ++number) {
        overlay.peer_up(start, peer(number), Duration::milliseconds(number));
        overlay.receive(start, peer(number), LinkStep::ask, out);
    }
    EXPECT_EQ(overlay.neighbours().size(), 3U);
    EXPECT_EQ(out.send.back().step, LinkStep::refuse);
    overlay.receive(start, peer(5), LinkStep::urge, out);
    EXPECT_EQ(out.send.back().step, LinkStep::accept);
    EXPECT_TRUE(overlay.linked(peer(5)));
    EXPECT_EQ(overlay.neighbours().size(), 3U);
    ASSERT_EQ(out.unlinked.size(), 1U);
    EXPECT_EQ(out.send[out.send.size() - 2].step, LinkStep::leave);
    EXPECT_EQ(out.send[out.send.size() - 2].peer, out.unlinked[0]);
}

TEST(Overlay, AnAnswerThatNobodyWaitsForMakesNoLink) {
    Overlay overlay({1, 2, 3}, 1);
    Overlay::Output out;
    overlay.peer_up(start, peer(1), {});
    overlay.receive(start, peer(1), LinkStep::accept, out);
    EXPECT_FALSE(overlay.linked(peer(1)));
    ASSERT_EQ(out.send.size(), 1U);
    EXPECT_EQ(out.send[0].step, LinkStep::leave);
    overlay.receive(start, peer(2), LinkStep::ask, out);  // no peer at all
    EXPECT_EQ(out.send.size(), 1U);
}

TEST(Overlay, APeerThatIsGoneIsReplaced) {
    Overlay overlay({1, 1, 2}, 1);
    Overlay::Output out;
    overlay.peer_up(start, peer(1), {});
    overlay.receive(start, peer(1), LinkStep::ask, out);
    overlay.peer_up(start, peer(2), {});
    overlay.tick(start, out);
    EXPECT_EQ(out.send.size(), 1U);
    overlay.peer_down(peer(1), out);
    EXPECT_EQ(out.unlinked, std::vector{peer(1)});
    overlay.tick(at(1), out);
    ASSERT_EQ(out.send.size(), 2U);
    EXPECT_EQ(out.send[1].peer, peer(2));
}

}  // namespace
}  // namespace peerbook::p2p
