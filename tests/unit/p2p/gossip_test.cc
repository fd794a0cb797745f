#include "p2p/gossip/gossip.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>

namespace peerbook::p2p {
namespace {

constexpr std::uint8_t block = 0x90, chatter = 0x91, alarm_kind = 0x92, own_digest = 0x93;

PeerId peer(std::size_t number) {
    PeerId id;
    id.data[0] = static_cast<std::uint8_t>(number);
    return id;
}

Bytes bytes_of(const OutgoingPayload& frame) {
    Bytes bytes(frame.head.begin(), frame.head.begin() + frame.head_size);
    const ByteView body = frame.body.view();
    bytes.insert(bytes.end(), body.begin(), body.end());
    return bytes;
}

GossipSettings settings_of(GossipPolicy policy) {
    GossipSettings settings;
    settings.policy = policy;
    settings.kinds = {{block, {true, false, true, true}},
                      {chatter, {}},
                      {alarm_kind, {true, true, false, true}},
                      {own_digest, {true, false, true, false}}};
    return settings;
}

// Gossips with one clock. Frames arrive at once and in order; time passes with advance().
class Net {
  public:
    struct Node {
        std::unique_ptr<Gossip> gossip;
        std::vector<gossip::Deliver> delivered;
        std::vector<gossip::Violation> violations;
        std::vector<PeerId> anti_entropy;
        std::vector<std::string> plain;  // frames of the application that are not gossip
        std::set<std::size_t> links;
        bool accepts = true, mute = false;
    };

    Net(std::size_t count, const GossipSettings& settings) : nodes(count) {
        for (std::size_t i = 0; i < count; ++i)
            nodes[i].gossip = std::make_unique<Gossip>(settings, i + 1, now().mono);
    }
    void connect(std::size_t a, std::size_t b, bool speaks = true) {
        for (const auto& [self, other] : {std::pair{a, b}, std::pair{b, a}}) {
            nodes[self].links.insert(other);
            run(self, [&](Gossip& gossip, gossip::Outputs& out) {
                gossip.peer_up(now(), peer(other), speaks, Duration::milliseconds(10), out);
            });
        }
    }
    void connect_all() {
        for (std::size_t a = 0; a < nodes.size(); ++a)
            for (std::size_t b = a + 1; b < nodes.size(); ++b)
                connect(a, b);
    }
    void disconnect(std::size_t a, std::size_t b) {
        for (const auto& [self, other] : {std::pair{a, b}, std::pair{b, a}}) {
            nodes[self].links.erase(other);
            run(self,
                [&](Gossip& gossip, gossip::Outputs& out) { gossip.peer_down(now(), peer(other), out); });
        }
    }
    MessageId broadcast(std::size_t from, std::uint8_t kind, std::string_view text) {
        MessageId id;
        run(from, [&](Gossip& gossip, gossip::Outputs& out) {
            id = gossip.broadcast(now(), kind, SharedBytes(Bytes(text.begin(), text.end())), out);
        });
        settle();
        return id;
    }
    void inject(std::size_t from, std::size_t to, const OutgoingPayload& frame) {
        frames_.push_back({from, to, bytes_of(frame)});
        settle();
    }
    void run(std::size_t self, const std::function<void(Gossip&, gossip::Outputs&)>& act) {
        gossip::Outputs out;
        act(*nodes[self].gossip, out);
        perform(self, std::move(out));
    }
    void settle() {
        while (!frames_.empty()) {
            const Frame frame = std::move(frames_.front());
            frames_.pop_front();
            if (!nodes[frame.to].links.contains(frame.from)) continue;
            ++frames_of_kind[frame.bytes.front()];
            if (frame.bytes.front() >= application_kind_min) {
                nodes[frame.to].plain.emplace_back(frame.bytes.begin() + 1, frame.bytes.end());
                continue;
            }
            run(frame.to, [&](Gossip& gossip, gossip::Outputs& out) {
                gossip.receive(now(), peer(frame.from), frame.bytes, out);
            });
        }
    }
    void advance(std::int64_t ms) {
        settle();
        for (; ms > 0; ms -= 50) {
            ms_ += 50;
            for (std::size_t i = 0; i < nodes.size(); ++i)
                if (nodes[i].gossip->next_due() <= now().mono)
                    run(i, [&](Gossip& gossip, gossip::Outputs& out) { gossip.tick(now(), out); });
            settle();
        }
    }
    std::size_t reached(std::string_view text) const {
        return static_cast<std::size_t>(std::count_if(nodes.begin(), nodes.end(), [&](const Node& node) {
            return std::any_of(node.delivered.begin(), node.delivered.end(),
                               [&](const auto& deliver) { return as_text(deliver.payload.view()) == text; });
        }));
    }
    GossipStats stats(std::size_t node) const { return nodes[node].gossip->stats(); }
    std::uint64_t duplicates() const {
        std::uint64_t sum = 0;
        for (const Node& node : nodes)
            sum += node.gossip->stats().duplicates;
        return sum;
    }
    Now now() const { return {MonoTime{} + Duration::milliseconds(ms_), {1'700'000'000'000 + ms_}}; }

    std::vector<Node> nodes;
    std::map<std::uint8_t, std::size_t> frames_of_kind;

  private:
    struct Frame {
        std::size_t from, to;
        Bytes bytes;
    };
    void perform(std::size_t self, gossip::Outputs&& out) {
        Node& node = nodes[self];
        for (gossip::Output& output : out) {
            if (const auto* send = std::get_if<gossip::Send>(&output)) {
                if (!node.mute) frames_.push_back({self, send->peer.data[0], bytes_of(send->frame)});
            } else if (const auto* deliver = std::get_if<gossip::Deliver>(&output)) {
                node.delivered.push_back(*deliver);
                if (node.accepts)
                    run(self, [&](Gossip& gossip, gossip::Outputs& more) {
                        gossip.accept(now(), deliver->id, more);
                    });
            } else if (const auto* due = std::get_if<gossip::AntiEntropyDue>(&output)) {
                node.anti_entropy.push_back(due->peer);
            } else {
                node.violations.push_back(std::get<gossip::Violation>(output));
            }
        }
    }
    std::deque<Frame> frames_;
    std::int64_t ms_ = 1'000'000;
};

TEST(Gossip, DirectGoesToAllPeersOnceAndIsNotRelayed) {
    Net net(5, settings_of(GossipPolicy::direct));
    net.connect_all();
    net.disconnect(0, 4);
    net.broadcast(0, block, "a");
    EXPECT_EQ(net.reached("a"), 3U);
    EXPECT_EQ(net.frames_of_kind[gossip_push_kind], 3U);
    EXPECT_EQ(net.duplicates(), 0U);
}

TEST(Gossip, AutomaticIsDirectWhileAFewAreAllConnectedAndElseATree) {
    Net net(17, settings_of(GossipPolicy::automatic));
    for (std::size_t i = 1; i < 16; ++i)
        net.connect(0, i);
    EXPECT_EQ(net.nodes[0].gossip->policy(), GossipPolicy::direct);
    net.nodes[0].gossip->set_network_size(16);
    EXPECT_EQ(net.nodes[0].gossip->policy(), GossipPolicy::direct);
    EXPECT_EQ(net.nodes[1].gossip->policy(), GossipPolicy::direct);  // as far as it knows
    net.nodes[1].gossip->set_network_size(16);
    EXPECT_EQ(net.nodes[1].gossip->policy(), GossipPolicy::tree);  // not connected to all
    net.connect(0, 16);
    EXPECT_EQ(net.nodes[0].gossip->policy(), GossipPolicy::tree);
}

TEST(Gossip, ATreeBringsOneCopyToEachOnceItHasGrown) {
    Net net(30, settings_of(GossipPolicy::tree));
    for (std::size_t a = 0; a < 30; ++a)
        for (const std::size_t step : {1U, 5U, 8U, 11U})
            net.connect(a, (a + step) % 30);
    net.advance(5'000);
    net.broadcast(0, block, "first");
    net.advance(1'000);
    EXPECT_EQ(net.reached("first"), 29U);
    EXPECT_GT(net.duplicates(), 0U);
    const std::uint64_t duplicates = net.duplicates();
    for (std::size_t i = 0; i < 10; ++i) {
        const std::string text = "m" + std::to_string(i);
        net.broadcast(i * 3, block, text);
        EXPECT_EQ(net.reached(text), 29U);
    }
    EXPECT_EQ(net.duplicates(), duplicates);
    std::size_t eager = 0;
    for (std::size_t i = 0; i < 30; ++i)
        eager += net.stats(i).eager;
    EXPECT_EQ(eager, 2U * 29);  // a tree of 30 nodes has 29 links
    EXPECT_EQ(net.stats(3).amplification_milli(),
              1'000 + 1'000 * net.stats(3).duplicates / net.stats(3).seen);
}

// 0 – 1 and 0 – 2 and 1 – 2.
struct Triangle : Net {
    Triangle() : Net(3, settings_of(GossipPolicy::tree)) {
        connect_all();
        advance(2'000);
        broadcast(0, block, "grow");
        advance(1'000);
    }
};

TEST(Gossip, WhatIsAnnouncedAndDoesNotComeIsPulledAndThenGrafted) {
    Triangle net;
    EXPECT_EQ(net.stats(1).eager + net.stats(2).eager, 2U);  // 1 – 2 is lazy
    // 0 pushes to 1 no more: 1 hears of it from 2.
    net.inject(1, 0, prune_frame());
    net.broadcast(0, block, "a");
    EXPECT_EQ(net.reached("a"), 1U);
    net.advance(450);
    EXPECT_EQ(net.reached("a"), 1U);
    net.advance(1'000);
    EXPECT_EQ(net.reached("a"), 2U);
    EXPECT_EQ(net.stats(1).pulled, 1U);
    EXPECT_EQ(net.stats(1).grafts + net.stats(2).grafts, 0U);  // one loss does not change the tree
}

TEST(Gossip, HalfALinkOfTheTreeIsMadeWholeWhenItsLazySideAnnounces) {
    Triangle net;
    net.inject(1, 0, prune_frame());
    net.broadcast(0, block, "a");
    net.advance(1'500);
    net.broadcast(0, block, "b");  // 0 announced "a" to 1, which pushes to 0: 1 has asked for the other half
    EXPECT_EQ(net.reached("b"), 2U);
}

TEST(Gossip, ASecondCopyIsAnsweredWithAPrune) {
    Triangle net;
    const std::size_t before = net.frames_of_kind[gossip_prune_kind];
    const OutgoingPayload frame =
        push_frame({GossipMode::tree, 5, 1, net.now().wall, block}, SharedBytes(Bytes{7}));
    net.inject(0, 1, frame);
    EXPECT_EQ(net.frames_of_kind[gossip_prune_kind], before);
    net.inject(0, 1, frame);
    EXPECT_EQ(net.frames_of_kind[gossip_prune_kind], before + 1);
    EXPECT_EQ(net.nodes[1].delivered.size(), 2U);  // and it is not delivered again
}

TEST(Gossip, TheSecondMessageInARowThatHadToBePulledGrafts) {
    Triangle net;
    net.inject(1, 0, prune_frame());
    net.inject(0, 1, prune_frame());  // now 1 is in no tree
    net.broadcast(0, block, "a");
    net.advance(1'500);
    EXPECT_EQ(net.reached("a"), 2U);
    EXPECT_EQ(net.stats(1).grafts, 0U);
    net.broadcast(0, block, "b");
    net.advance(1'500);
    EXPECT_EQ(net.reached("b"), 2U);
    EXPECT_EQ(net.stats(1).grafts, 1U);
    net.broadcast(0, block, "c");
    EXPECT_EQ(net.reached("c"), 2U);  // at once
}

TEST(Gossip, ADigestIsNotAnsweredWithWhatMayStillBeOnItsWay) {
    Net net(2, settings_of(GossipPolicy::direct));
    net.broadcast(0, block, "a");
    net.connect(0, 1);
    net.inject(1, 0, digest_frame({Duration::seconds(60), {}}));
    EXPECT_EQ(net.frames_of_kind[gossip_announce_kind], 0U);
    net.advance(5'000);
    net.inject(1, 0, digest_frame({Duration::seconds(60), {}}));
    EXPECT_GE(net.frames_of_kind[gossip_announce_kind], 1U);
}

TEST(Gossip, ANeighbourThatIsGoneIsReplacedInTheTree) {
    Net net(12, settings_of(GossipPolicy::tree));
    for (std::size_t a = 0; a < 12; ++a)
        for (const std::size_t step : {1U, 3U, 5U})
            net.connect(a, (a + step) % 12);
    net.advance(3'000);
    net.broadcast(0, block, "first");
    for (std::size_t other = 0; other < 12; ++other)
        if (net.nodes[4].links.contains(other)) net.disconnect(4, other);
    for (int i = 0; i < 6; ++i) {
        const std::string text = "m" + std::to_string(i);
        net.broadcast(0, block, text);
        net.advance(4'000);
        EXPECT_EQ(net.reached(text), 10U) << text;  // all but the origin and the one that is gone
    }
    const std::uint64_t pulled = net.stats(7).pulled;
    net.broadcast(0, block, "healed");
    EXPECT_EQ(net.reached("healed"), 10U);  // at once: by the tree
    EXPECT_EQ(net.stats(7).pulled, pulled);
}

TEST(Gossip, NothingIsPassedOnBeforeTheApplicationAcceptsIt) {
    Net net(3, settings_of(GossipPolicy::tree));
    net.connect(0, 1);
    net.connect(1, 2);
    net.advance(2'000);
    net.nodes[1].accepts = false;
    const MessageId id = net.broadcast(0, block, "a");
    net.advance(2'000);
    EXPECT_EQ(net.reached("a"), 1U);
    net.inject(2, 1, want_frame({PullReason::tree, {id}}));
    EXPECT_EQ(net.reached("a"), 1U);
    net.run(1, [&](Gossip& gossip, gossip::Outputs& out) { gossip.accept(net.now(), id, out); });
    net.settle();
    EXPECT_EQ(net.reached("a"), 2U);

    const MessageId bad = net.broadcast(0, block, "bad");
    net.nodes[1].gossip->reject(bad);
    net.run(1, [&](Gossip& gossip, gossip::Outputs& out) { gossip.accept(net.now(), bad, out); });
    net.settle();
    EXPECT_EQ(net.reached("bad"), 1U);
    EXPECT_EQ(net.stats(1).refused, 1U);
}

TEST(Gossip, EpidemicPushesToItsFanoutAndAnnouncesWhatIsLarge) {
    GossipSettings settings = settings_of(GossipPolicy::epidemic);
    settings.fanout = 3;
    settings.forward_ppm = 0;
    Net net(20, settings);
    net.connect_all();
    net.broadcast(0, block, "small");
    EXPECT_EQ(net.frames_of_kind[gossip_push_kind], 3U);
    EXPECT_EQ(net.reached("small"), 3U);
    const std::string large(2'000, 'x');
    net.broadcast(0, block, large);
    EXPECT_EQ(net.frames_of_kind[gossip_push_kind], 3U);
    EXPECT_EQ(net.frames_of_kind[gossip_announce_kind], 3U);
    net.advance(50);
    EXPECT_GE(net.reached(large), 3U);  // pulled at once; a round may have begun
    net.advance(20'000);
    EXPECT_EQ(net.reached(large), 19U);  // by the rounds
}

TEST(Gossip, EpidemicStopsAfterItsForwards) {
    GossipSettings settings = settings_of(GossipPolicy::epidemic);
    settings.fanout = 1;
    settings.forward_ppm = 1'000'000;
    settings.forwards_max = 2;
    Net net(6, settings);
    for (std::size_t i = 0; i + 1 < 6; ++i)
        net.connect(i, i + 1);
    net.broadcast(0, block, "a");
    EXPECT_EQ(net.reached("a"), 3U);  // the first receiver and two forwards
}

TEST(Gossip, ATtlLimitsRelays) {
    GossipSettings settings = settings_of(GossipPolicy::flood);
    settings.ttl = 1;
    Net net(5, settings);
    for (std::size_t i = 0; i + 1 < 5; ++i)
        net.connect(i, i + 1);
    net.broadcast(0, block, "a");
    EXPECT_EQ(net.reached("a"), 2U);
    EXPECT_EQ(net.stats(2).hops_max, 2U);
}

TEST(Gossip, WhatIsCriticalIsFloodedUnderEveryPolicy) {
    for (const GossipPolicy policy : {GossipPolicy::direct, GossipPolicy::tree, GossipPolicy::epidemic}) {
        Net net(6, settings_of(policy));
        for (std::size_t i = 0; i + 1 < 6; ++i)
            net.connect(i, i + 1);
        net.broadcast(0, alarm_kind, "fire");
        EXPECT_EQ(net.reached("fire"), 5U) << to_string(policy);
    }
}

TEST(Gossip, PeersWithoutTheCapabilityGetOwnPayloadsPlain) {
    for (const GossipPolicy policy : {GossipPolicy::direct, GossipPolicy::tree, GossipPolicy::epidemic}) {
        Net net(3, settings_of(policy));
        net.connect(0, 1);
        net.connect(0, 2, false);
        net.advance(2'000);
        net.broadcast(0, block, "a");
        EXPECT_EQ(net.nodes[2].plain, std::vector<std::string>{"a"}) << to_string(policy);
        EXPECT_EQ(net.reached("a"), 1U);
        EXPECT_EQ(net.frames_of_kind[gossip_push_kind], 1U);
    }
}

TEST(Gossip, AntiEntropyBringsWhatAPushMissed) {
    Net net(2, settings_of(GossipPolicy::tree));
    net.broadcast(0, block, "of 0");
    net.broadcast(1, block, "of 1");
    net.broadcast(0, own_digest, "by the application's digest");
    net.advance(6'000);  // no longer on its way
    net.connect(0, 1);
    net.advance(6'500);
    EXPECT_EQ(net.reached("of 0"), 1U);
    EXPECT_EQ(net.reached("of 1"), 1U);
    EXPECT_TRUE(net.nodes[1].delivered[0].repaired);
    EXPECT_EQ(net.stats(1).repaired, 1U);
    EXPECT_EQ(net.duplicates(), 0U);
    EXPECT_EQ(net.reached("by the application's digest"), 0U);
    ASSERT_FALSE(net.nodes[1].anti_entropy.empty());  // that is its own to compare
    EXPECT_EQ(net.nodes[1].anti_entropy[0], peer(0));
}

TEST(Gossip, OldAndFutureMessagesAreRefusedUnlessTheirKindIsAgeless) {
    Net net(2, settings_of(GossipPolicy::tree));
    net.connect(0, 1);
    const std::int64_t wall = net.now().wall.ms;
    const std::int64_t lifetime = 30'000 + 2 * 30'000;
    const auto arrives = [&](std::uint8_t kind, std::int64_t created) {
        const std::size_t before = net.nodes[1].delivered.size();
        net.inject(0, 1, push_frame({GossipMode::tree, 5, 1, {created}, kind}, SharedBytes(Bytes{1})));
        return net.nodes[1].delivered.size() > before;
    };
    EXPECT_FALSE(arrives(chatter, wall - lifetime - 1));
    EXPECT_TRUE(arrives(chatter, wall - lifetime));
    EXPECT_TRUE(arrives(chatter, wall + 30'000));
    EXPECT_FALSE(arrives(chatter, wall + 30'001));
    EXPECT_TRUE(arrives(block, wall - lifetime - 1));
    EXPECT_TRUE(arrives(block, wall + 30'001));
    EXPECT_EQ(net.stats(1).refused, 2U);
}

TEST(Gossip, ARelayPassesNothingOnThatIsOlderThanTheAge) {
    Net net(3, settings_of(GossipPolicy::tree));
    net.connect(0, 1);
    net.connect(1, 2);
    net.advance(2'000);
    const std::int64_t wall = net.now().wall.ms;
    net.inject(0, 1, push_frame({GossipMode::tree, 5, 1, {wall - 30'001}, chatter}, SharedBytes(Bytes{1})));
    EXPECT_EQ(net.nodes[1].delivered.size(), 1U);
    EXPECT_EQ(net.nodes[2].delivered.size(), 0U);
    net.inject(0, 1, push_frame({GossipMode::tree, 5, 1, {wall - 30'000}, chatter}, SharedBytes(Bytes{2})));
    EXPECT_EQ(net.nodes[2].delivered.size(), 1U);
}

TEST(Gossip, ChatterOfOnePeerIsLimitedAndBlocksAreNot) {
    Net net(2, settings_of(GossipPolicy::tree));
    net.connect(0, 1);
    for (std::int64_t i = 0; i < 2'100; ++i) {
        const WallTime created{net.now().wall.ms - i};
        net.inject(0, 1, push_frame({GossipMode::direct, 5, 1, created, chatter}, SharedBytes(Bytes{1})));
        net.inject(0, 1, push_frame({GossipMode::direct, 5, 1, created, block}, SharedBytes(Bytes{1})));
    }
    EXPECT_EQ(net.nodes[1].delivered.size(), 2'000U + 2'100U);
    EXPECT_EQ(net.stats(1).refused, 100U);
}

TEST(Gossip, AMalformedFrameIsAViolationAndAnUnknownKindIsNot) {
    Net net(2, settings_of(GossipPolicy::tree));
    net.connect(0, 1);
    for (std::uint8_t kind = gossip_push_kind; kind <= gossip_digest_kind; ++kind)
        net.inject(0, 1, plain_payload(kind, SharedBytes(Bytes{77})));
    EXPECT_EQ(net.nodes[1].violations.size(), 6U);
    net.inject(0, 1, push_frame({GossipMode::tree, 5, 1, net.now().wall, 0xf0}, SharedBytes(Bytes{1})));
    EXPECT_EQ(net.nodes[1].violations.size(), 6U);
    EXPECT_EQ(net.nodes[1].delivered.size(), 0U);
    EXPECT_EQ(net.stats(1).refused, 1U);
}

TEST(Gossip, APeerIsServedNoMoreThanItsBytes) {
    Net net(2, settings_of(GossipPolicy::direct));
    std::vector<MessageId> ids;
    for (int i = 0; i < 20; ++i)
        ids.push_back(net.broadcast(0, block, std::string(1'000'000, static_cast<char>('a' + i))));
    net.connect(0, 1);
    net.inject(1, 0, want_frame({PullReason::tree, ids}));
    EXPECT_EQ(net.frames_of_kind[gossip_push_kind], 8U);  // 8 MiB at once, then 2 MB a second
    net.advance(1'000);
    net.inject(1, 0, want_frame({PullReason::tree, ids}));
    EXPECT_EQ(net.frames_of_kind[gossip_push_kind], 10U);
}

TEST(Gossip, StatisticsCountWhatHappened) {
    Net net(3, settings_of(GossipPolicy::flood));
    net.connect_all();
    net.advance(2'000);
    net.broadcast(0, block, "abcd");
    const GossipStats origin = net.stats(0), other = net.stats(1);
    EXPECT_EQ(origin.messages, 1U);
    EXPECT_EQ(origin.seen, 0U);
    EXPECT_EQ(other.seen, 1U);
    EXPECT_EQ(other.duplicates, 1U);  // from 2, which had it from 0
    EXPECT_EQ(other.amplification_milli(), 2'000U);
    EXPECT_EQ(other.payload_bytes_in, 8U);
    EXPECT_EQ(other.hops_sum, 1U);
    EXPECT_EQ(other.peers, 2U);
    EXPECT_EQ(other.neighbours, 2U);
    EXPECT_EQ(other.kept_messages, 1U);
    EXPECT_EQ(other.kept_bytes, 4U);
    EXPECT_EQ(other.dedup_ids, 1U);
    EXPECT_GT(other.bytes_out, 0U);
}

}  // namespace
}  // namespace peerbook::p2p
