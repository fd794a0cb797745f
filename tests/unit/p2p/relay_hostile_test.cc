// Relays that drop, hold back, repeat, change, flood and claim: what each can do to messages of others, which
// is no more than to lose those that have no other way.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/hash.h"
#include "p2p/peers/peer_score.h"
#include "tests/unit/p2p/relay_web.h"

namespace peerbook::p2p::testing {
namespace {

using Texts = std::vector<std::string>;
using Frame = RelayWeb::Frame;

Duration s(std::int64_t seconds) {
    return Duration::seconds(seconds);
}

bool is_sealed(const Frame& frame) {
    return frame.type() == RelayType::narrow || frame.type() == RelayType::wide;
}

bool honest(Frame&) {
    return true;
}

// 0 reaches 3 through `quick`, whose way is the better one, since it is asked first, and through `other`.
struct Diamond {
    Diamond() : web(4), quick(web.id(1) < web.id(2) ? 1 : 2), other(3 - quick) {
        web.link(0, 1);
        web.link(1, 3);
        web.link(0, 2);
        web.link(2, 3);
    }
    RelayWeb web;
    std::size_t quick, other;
};

std::unique_ptr<Signer> stranger(std::uint64_t number) {
    KeySeed seed;
    seed.data = Hasher("stranger").add_u64(number).finish().data;
    return make_ed25519_signer(seed);
}

Bytes frame_bytes(const RelayEnvelope& envelope, const Digest& network, const Signer& signer,
                  std::uint8_t ttl = relay_ttl_max) {
    Bytes bytes{relay_kind, ttl};
    const Bytes rest = write_relay(envelope, network, signer);
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    return bytes;
}

Bytes seek_frame(const RelayWeb& web, const Signer& sender, const PeerId& recipient, WallTime created,
                 std::uint8_t key = 1) {
    RelayEnvelope seek;
    seek.type = RelayType::seek;
    seek.sender = sender.public_key();
    seek.recipient = recipient;
    seek.created = created;
    seek.key.data.fill(key);
    return frame_bytes(seek, web.network(), sender);
}

// --- dropping ---

TEST(HostileRelay, WhoDropsEverythingIsGoneAround) {
    Diamond diamond;
    diamond.web.set_hand([&](Frame& frame) { return frame.from != diamond.quick; });
    diamond.web.send(0, 3, "one");
    diamond.web.advance(s(3));
    EXPECT_EQ(diamond.web.texts(3), (Texts{"one"}));
    EXPECT_TRUE(diamond.web[0].lost.empty());
}

TEST(HostileRelay, WhoShowsTheWayAndDropsWhatIsSealedIsGoneAround) {
    Diamond diamond;
    diamond.web.set_hand([&](Frame& frame) { return frame.from != diamond.quick || !is_sealed(frame); });
    diamond.web.send(0, 3, "one");
    EXPECT_TRUE(diamond.web.texts(3).empty()) << "its way was the best";
    diamond.web.advance(s(2));
    EXPECT_EQ(diamond.web.texts(3), (Texts{"one"}));
    // From then on nothing waits for it.
    diamond.web.send(0, 3, "two");
    diamond.web.send(3, 0, "three");
    diamond.web.advance(s(2));
    EXPECT_EQ(diamond.web.texts(3), (Texts{"one", "two"}));
    EXPECT_EQ(diamond.web.texts(0), (Texts{"three"}));
}

TEST(HostileRelay, OneBehindAnHonestOneIsGoneAroundAsWell) {
    // 0 – 1, and from there over 2, who drops, or 3.
    RelayWeb web(5);
    web.link(0, 1);
    for (const std::size_t middle : {2, 3}) {
        web.link(1, middle);
        web.link(middle, 4);
    }
    web.set_hand([](Frame& frame) { return frame.from != 2 || !is_sealed(frame); });
    web.send(0, 4, "one");
    web.advance(s(3));
    EXPECT_EQ(web.texts(4), (Texts{"one"}));
    EXPECT_EQ(web[0].relay->stats().waiting, 0U);
}

TEST(HostileRelay, WhereItIsTheOnlyWayTheSenderIsTold) {
    RelayWeb web(3);
    web.link_all_in_a_line();
    web.set_hand([](Frame& frame) { return frame.from != 1 || !is_sealed(frame); });
    web.send(0, 2, "one", s(5));
    web.advance(s(6));
    EXPECT_TRUE(web.texts(2).empty());
    EXPECT_EQ(web[0].lost, (Texts{"expired without an acknowledgement"}));
    web.set_hand(honest);
    web.send(0, 2, "two");
    web.advance(s(2));
    EXPECT_EQ(web.texts(2), (Texts{"two"})) << "what was reported as lost never comes";
}

// --- repeating ---

TEST(HostileRelay, WhatItRepeatsIsDeliveredToNobodyAgain) {
    RelayWeb web(4);
    web.link_all_in_a_line();
    web.send(0, 3, "one");
    web.send(3, 0, "two");
    const std::vector<Frame> recorded = web.passed();
    for (const Duration later : {Duration{}, s(1), s(29), s(31), s(120)}) {
        web.advance(later);
        for (const Frame& frame : recorded) {
            Bytes again = frame.bytes;
            again[1] = relay_ttl_max;
            for (std::size_t to = 0; to < 4; ++to)
                for (const std::size_t from : web[to].links)
                    web.inject(from, to, again);
        }
        EXPECT_EQ(web.texts(3), (Texts{"one"})) << later.ms();
        EXPECT_EQ(web.texts(0), (Texts{"two"})) << later.ms();
    }
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_TRUE(web[i].violations.empty()) << "an honest relay may be handed copies";
}

TEST(HostileRelay, WhatItRepeatsToANewProcessDoesNotOpen) {
    RelayWeb web(3);
    web.link_all_in_a_line();
    web.send(0, 2, "one");
    const std::vector<Frame> recorded = web.passed();
    web.restart(2);
    for (const Frame& frame : recorded)
        if (frame.to == 2) web.inject(1, 2, frame.bytes);
    EXPECT_EQ(web.texts(2), (Texts{"one"}));
    EXPECT_EQ(web[2].relay->stats().unopened, 1U);
}

TEST(HostileRelay, NothingOfOneNetworkCountsInAnother) {
    RelayWeb ours(3), others(3, "another network");
    ours.link_all_in_a_line();
    others.link_all_in_a_line();
    ours.send(0, 2, "one");
    for (const Frame& frame : ours.passed()) {
        if (frame.to != 2) continue;
        others[2].violations.clear();
        others.inject(1, 2, frame.bytes);
        ASSERT_EQ(others[2].violations.size(), 1U) << "the signature covers the network";
    }
    EXPECT_TRUE(others.texts(2).empty());
}

TEST(HostileRelay, OldAndFutureStampsAreNotTakenIn) {
    RelayWeb web(3);
    web.link_all_in_a_line();
    const auto sender = stranger(1);
    const auto carried_after = [&](std::int64_t ms) {
        const std::uint64_t before = web[1].relay->stats().carried;
        web.inject(0, 1, seek_frame(web, *sender, web.id(2), {web.now().wall.ms + ms}));
        return web[1].relay->stats().carried - before;
    };
    EXPECT_EQ(carried_after(-relay_age_max.ms() - 1), 0U);
    EXPECT_EQ(carried_after(relay_ahead_max.ms() + 1), 0U);
    EXPECT_EQ(web[1].relay->stats().stale, 2U);
    EXPECT_GT(carried_after(-relay_age_max.ms()), 0U);
    EXPECT_GT(carried_after(relay_ahead_max.ms()), 0U);
    const std::int64_t far_future = (std::int64_t{1} << 53) - web.now().wall.ms;
    EXPECT_EQ(carried_after(far_future), 0U);
    EXPECT_EQ(web[1].relay->stats().stale, 3U);
    EXPECT_TRUE(web[1].violations.empty());
}

// --- holding back and reordering ---

TEST(HostileRelay, WhatItHoldsBackIsNotDeliveredBehindWhatCameLater) {
    Diamond diamond;
    RelayWeb& web = diamond.web;
    std::vector<Frame> held;
    web.set_hand([&](Frame& frame) {
        if (frame.from != diamond.quick || !is_sealed(frame)) return true;
        held.push_back(frame);
        return false;
    });
    web.send(0, 3, "one");
    web.advance(s(2));
    web.send(0, 3, "two");
    web.advance(s(2));
    ASSERT_EQ(web.texts(3), (Texts{"one", "two"}));
    ASSERT_FALSE(held.empty());
    web.set_hand(honest);
    std::ranges::reverse(held);
    for (const Frame& frame : held)
        web.inject(diamond.quick, frame.to, frame.bytes);
    EXPECT_EQ(web.texts(3), (Texts{"one", "two"}));
    EXPECT_GT(web[3].relay->stats().late + web[3].relay->stats().duplicates, 0U);
}

// --- changing ---

TEST(HostileRelay, NoByteOfASealedMessageCanBeChangedAndWhoChangesOnePays) {
    RelayWeb web(3);
    web.link_all_in_a_line();
    web.send(0, 2, "first");
    Bytes sealed;
    web.set_hand([&](Frame& frame) {
        if (frame.to == 2 && is_sealed(frame) && sealed.empty()) sealed = frame.bytes;
        return frame.to != 2;
    });
    web.send(0, 2, "second", s(1));
    ASSERT_FALSE(sealed.empty());
    web.set_hand([](Frame&) { return false; });
    for (std::size_t at = 2; at < sealed.size(); ++at) {
        Bytes changed = sealed;
        changed[at] ^= 0x10;
        web[2].violations.clear();
        web.inject(1, 2, changed);
        // A time far away counts as old, and a type of a later version as such; nothing else is forgiven.
        const bool is_stamp = at >= 2 + 1 + 64 && at < 2 + 1 + 64 + 8;
        if (at != 2 && !is_stamp) {
            EXPECT_EQ(web[2].violations.size(), 1U) << at;
        }
        if (at % 16 == 0) web.advance(s(1));  // within what the peer may send
    }
    EXPECT_EQ(web.texts(2), (Texts{"first"}));
    EXPECT_EQ(web[2].relay->stats().delivered, 1U);
}

TEST(HostileRelay, OneThatFlipsBitsOnlyDelays) {
    Diamond diamond;
    RelayWeb& web = diamond.web;
    int flipped = 0;
    web.set_hand([&](Frame& frame) {
        if (frame.from == diamond.quick && is_sealed(frame))
            frame.bytes[80 + static_cast<std::size_t>(++flipped) % 40] ^= 1;
        return true;
    });
    web.send(0, 3, "one");
    web.advance(s(3));
    EXPECT_EQ(web.texts(3), (Texts{"one"}));
    EXPECT_GT(flipped, 0);
    ASSERT_FALSE(web[3].violations.empty());
    EXPECT_TRUE(web[3].violations[0].starts_with(std::to_string(diamond.quick) + " " +
                                                 std::to_string(penalty_signature)));
}

TEST(HostileRelay, SomebodysBoxCannotBeSignedAsOnesOwn) {
    RelayWeb web(3);
    web.link_all_in_a_line();
    web.send(0, 2, "first");
    std::optional<Frame> caught;
    web.set_hand([&](Frame& frame) {
        if (frame.from == 1 && frame.to == 2 && is_sealed(frame)) caught = frame;
        return !(frame.from == 1 && frame.to == 2);
    });
    web.send(0, 2, "give me the money", s(1));
    ASSERT_TRUE(caught);
    web.set_hand(honest);
    const auto parsed = parse_relay(caught->bytes);
    ASSERT_TRUE(parsed.ok());
    RelayEnvelope mine = parsed->envelope;
    mine.sender = web.id(1);
    web.inject(1, 2, frame_bytes(mine, web.network(), *web[1].signer));
    EXPECT_EQ(web.texts(2), (Texts{"first"}));
    EXPECT_EQ(web[2].relay->stats().unopened, 1U);
}

// --- claiming ---

struct Claimant : ::testing::Test {
    // 0 knows only 1; what 1 answers is the test's. 2 is elsewhere.
    Claimant() : web(3) {
        web.link(0, 1);
        web.set_hand([this](Frame& frame) {
            if (frame.to != 1) return true;
            if (frame.type() == RelayType::seek) {
                const auto parsed = parse_relay(frame.bytes);
                if (parsed.ok()) seek = relay_digest(web.network(), parsed->signed_part);
            } else {
                ++sealed_to_1;
            }
            return false;
        });
        web.send(0, 2, "for two alone", s(4));
    }
    void answer(const PeerId& claimed, const Signer& signer, const Digest& about) {
        const SealKeyPair mine(KeySeed{});
        RelayEnvelope found;
        found.type = RelayType::found;
        found.sender = signer.public_key();
        found.recipient = web.id(0);
        found.created = web.now().wall;
        found.key = mine.public_key();
        found.seek = about;
        Bytes bytes = frame_bytes(found, web.network(), signer);
        std::copy(claimed.data.begin(), claimed.data.end(), bytes.begin() + 3);
        web.inject(1, 0, bytes);
    }
    RelayWeb web;
    Digest seek;
    int sealed_to_1 = 0;
};

TEST_F(Claimant, ItCannotAnswerInTheNameOfTheOneThatIsSought) {
    answer(web.id(2), *web[1].signer, seek);
    EXPECT_EQ(web[0].violations.size(), 1U);
    web.advance(s(5));
    EXPECT_EQ(sealed_to_1, 0) << "nothing was sealed to its key";
    EXPECT_EQ(web[0].lost, (Texts{"no way to it was found"}));
}

TEST_F(Claimant, ItsOwnAnswerIsNoneForTheOneThatIsSought) {
    answer(web.id(1), *web[1].signer, seek);
    web.advance(s(5));
    EXPECT_EQ(sealed_to_1, 0);
    EXPECT_EQ(web[0].lost, (Texts{"no way to it was found"}));
}

TEST_F(Claimant, AnAnswerToAnotherQuestionIsNone) {
    answer(web.id(2), *web[2].signer, hash_of("test", as_bytes("an older question")));
    web.advance(s(5));
    EXPECT_EQ(sealed_to_1, 0);
    EXPECT_EQ(web[0].lost, (Texts{"no way to it was found"}));
    EXPECT_TRUE(web[0].violations.empty()) << "it may be late";
}

TEST(HostileRelay, AWayThatItHadAndLostIsLeftAgain) {
    Diamond diamond;
    RelayWeb& web = diamond.web;
    web.send(0, 3, "one");
    std::vector<Frame> answers;
    for (const Frame& frame : web.passed())
        if (frame.type() == RelayType::found) answers.push_back(frame);
    ASSERT_FALSE(answers.empty());
    // It is cut off from 3, says nothing of it, and goes on handing out what proved its way.
    const std::size_t cut = diamond.quick;
    web.set_hand([cut](Frame& frame) {
        return !(frame.from == cut && frame.to == 3) && !(frame.from == 3 && frame.to == cut);
    });
    for (int i = 0; i < 5; ++i) {
        for (const Frame& frame : answers)
            web.inject(cut, 0, frame.bytes);
        web.send(0, 3, "more " + std::to_string(i));
        web.advance(s(2));
    }
    EXPECT_EQ(web.texts(3), (Texts{"one", "more 0", "more 1", "more 2", "more 3", "more 4"}));
}

// --- flooding ---

TEST(HostileRelay, AFloodOfSeeksIsCutDownAtTheFirstHonestNode) {
    // 0 floods 1; 1 has 2 and 3, they have 4.
    RelayWeb web(5);
    for (const auto& [a, b] :
         {std::pair(0, 1), std::pair(1, 2), std::pair(1, 3), std::pair(2, 4), std::pair(3, 4)})
        web.link(static_cast<std::size_t>(a), static_cast<std::size_t>(b));
    const std::size_t before = web.passed().size();
    PeerId nobody;
    nobody.data.fill(7);
    std::vector<std::unique_ptr<Signer>> senders;
    for (std::uint64_t i = 0; i < 100; ++i)
        senders.push_back(stranger(i));
    for (std::int64_t i = 0; i < 2'000; ++i)
        web.inject(0, 1,
                   seek_frame(web, *senders[static_cast<std::size_t>(i) % senders.size()], nobody,
                              {web.now().wall.ms + i % 20'000}));
    std::map<std::pair<std::size_t, std::size_t>, std::int64_t> by_link;
    for (std::size_t i = before; i < web.passed().size(); ++i)
        ++by_link[{web.passed()[i].from, web.passed()[i].to}];
    EXPECT_GT((by_link[{1, 2}]), 0);
    for (const auto& [link, count] : by_link)
        EXPECT_LE(count, RelayLimits::out_seeks.capacity) << link.first << " to " << link.second;
    EXPECT_GT(web[1].relay->stats().over_rate, 1'900U);
    EXPECT_LE(web[2].relay->stats().ways, 2 * RelayRoutes::far_per_peer_max);
    EXPECT_TRUE(web[1].violations.empty() && web[2].violations.empty())
        << "an honest relay pays for nobody's flood";
}

TEST(HostileRelay, AFloodOfOneSenderLeavesRoomForOthersOnTheSameLine) {
    RelayWeb web(3);
    web.link_all_in_a_line();
    web.send(0, 2, "before");
    const auto flooder = stranger(1);
    // All that its source may send, and more, through the same peer.
    for (std::int64_t i = 0; i < 100; ++i)
        web.inject(0, 1, seek_frame(web, *flooder, web.id(2), {web.now().wall.ms + i}, 9));
    EXPECT_LE(web[2].relay->stats().ways, 2U);
    web.send(0, 2, "and after");
    web.advance(s(2));
    EXPECT_EQ(web.texts(2), (Texts{"before", "and after"}));
}

TEST(HostileRelay, LargeMessagesOfManyKeysAreCutDownByTheirBytes) {
    RelayWeb web(3);
    web.link_all_in_a_line();
    const Bytes box(sealed_box_overhead + 100'000, 1);
    std::uint64_t out_bytes = 0;
    web.set_hand([&](Frame& frame) {
        if (frame.from == 1 && frame.to == 2) out_bytes += frame.bytes.size();
        return frame.to != 2;
    });
    for (std::uint64_t i = 0; i < 100; ++i) {
        const auto sender = stranger(i);
        RelayEnvelope envelope;
        envelope.type = RelayType::wide;
        envelope.sender = sender->public_key();
        envelope.recipient = web.id(2);
        envelope.created = web.now().wall;
        envelope.box = box;
        web.inject(0, 1, frame_bytes(envelope, web.network(), *sender));
    }
    EXPECT_GT(out_bytes, 0U);
    EXPECT_LE(out_bytes, static_cast<std::uint64_t>(RelayLimits::out_bytes.capacity));
}

TEST(HostileRelay, WrongSignaturesAndMalformedFramesCostTheirSender) {
    RelayWeb web(3);
    web.link_all_in_a_line();
    const auto sender = stranger(1);
    Bytes forged = seek_frame(web, *sender, web.id(2), web.now().wall);
    forged.back() ^= 1;
    web.inject(0, 1, forged);
    web.inject(0, 1, Bytes{relay_kind});
    web.inject(0, 1, Bytes{relay_kind, relay_ttl_max + 1, 1});
    EXPECT_EQ(web[1].violations.size(), 3U);
    EXPECT_TRUE(web[1].violations[0].starts_with("0 " + std::to_string(penalty_signature)));
    EXPECT_TRUE(web[1].violations[1].starts_with("0 " + std::to_string(penalty_protocol)));
    // A forged copy in front does not keep the genuine one away.
    forged.back() ^= 1;
    web.inject(0, 1, forged);
    EXPECT_EQ(web[1].relay->stats().carried, 2U) << "it, and its answer";
    EXPECT_EQ(web[2].relay->stats().duplicates, 0U);
}

TEST(HostileRelay, AFrameOfANewerVersionIsIgnored) {
    RelayWeb web(2);
    web.link_all_in_a_line();
    web.inject(0, 1, Bytes{relay_kind, 3, 17, 1, 2, 3});
    EXPECT_TRUE(web[1].violations.empty());
}

TEST(RelayWire, WhatIsWrittenIsReadAndEverythingElseRefused) {
    RelayWeb web(2);
    const SealKeyPair key(KeySeed{});
    const Bytes payload(10, 5);
    const Parcel parcel{web.id(0), key.public_key(), 7, 3, {{0x90, payload}, {0x91, {}}}};
    const Bytes bytes = write_parcel(parcel);
    const auto read = parse_parcel(bytes);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->number, 7U);
    EXPECT_EQ(read->acknowledged, 3U);
    ASSERT_EQ(read->entries.size(), 2U);
    EXPECT_EQ(read->entries[0].payload.size(), 10U);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(parse_parcel(ByteView(bytes).first(size)).ok()) << size;
    EXPECT_FALSE(parse_parcel(write_parcel({web.id(0), key.public_key(), 0, 3, {{0x90, payload}}})).ok());
    EXPECT_FALSE(parse_parcel(write_parcel({web.id(0), key.public_key(), 7, 3, {}})).ok());
    EXPECT_FALSE(parse_parcel(write_parcel({web.id(0), key.public_key(), 7, 3, {{0x7f, payload}}})).ok());
    const Bytes seek = seek_frame(web, *web[0].signer, web.id(1), web.now().wall);
    for (std::size_t size = 0; size < seek.size(); ++size)
        EXPECT_FALSE(parse_relay(ByteView(seek).first(size)).ok()) << size;
    EXPECT_FALSE(parse_relay(seek_frame(web, *web[0].signer, web.id(0), web.now().wall)).ok()) << "to itself";
    EXPECT_FALSE(parse_relay(seek_frame(web, *web[0].signer, web.id(1), {-1})).ok());
    Bytes above = seek;
    above[1] = relay_ttl_max + 1;
    EXPECT_FALSE(parse_relay(above).ok());
}

}  // namespace
}  // namespace peerbook::p2p::testing
