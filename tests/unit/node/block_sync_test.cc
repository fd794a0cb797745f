#include "app/node/block_sync.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>

#include "base/hash.h"
#include "tests/support/cheap_keys.h"
#include "tests/support/toy_market.h"

namespace peerbook::app {
namespace {

using exchange::OpenLedger;
using exchange::VerifiedBlock;
using peerbook::testing::CheapSigner;

constexpr WallTime wall{1'000};
constexpr MonoTime begin{1'000'000'000};
constexpr Duration ms = Duration::milliseconds(1);

// Four members. Node 0 is the one whose BlockSync is looked at; the others only make blocks.
class BlockSyncTest : public ::testing::Test {
  protected:
    BlockSyncTest() {
        std::vector<PublicKey> keys;
        for (std::size_t i = 0; i < 4; ++i)
            keys.push_back(signers.emplace_back(i).public_key());
        view = exchange::make_first_view(network, keys).value();
        for (const CheapSigner& signer : signers)
            ledgers.push_back(std::make_unique<OpenLedger>(peerbook::testing::toy_rules(network), view,
                                                           signer.public_key(), exchange::LedgerLimits{}));
        sync = std::make_unique<BlockSync>(*ledgers[0], Random(1));
        for (std::size_t i = 1; i < 4; ++i)
            sync->on_connected(key(i), effects);
        effects = {};
    }

    const PublicKey& key(std::size_t member) const { return signers[member].public_key(); }
    VerifiedBlock make(std::size_t member) {
        exchange::Block block = ledgers[member]->make_block({}, wall);
        exchange::sign_block(block, signers[member]);
        auto verified =
            exchange::verify_block(SharedBytes(exchange::encode_block(block, view)), view, network,
                                   exchange::rules_version_latest, peerbook::testing::CheapVerifier{});
        EXPECT_TRUE(verified.ok());
        EXPECT_EQ(ledgers[member]->accept(*verified, wall).kind, exchange::AcceptKind::accepted);
        return std::move(*verified);
    }
    std::vector<VerifiedBlock> make(std::size_t member, std::size_t count) {
        std::vector<VerifiedBlock> blocks;
        for (std::size_t i = 0; i < count; ++i)
            blocks.push_back(make(member));
        return blocks;
    }
    // Node 0 gets the block from its author. What it then asks for stays in `effects`.
    void take(const VerifiedBlock& block, MonoTime now) {
        const auto outcome = ledgers[0]->accept(block, wall);
        const auto author = view.index_of(block.header.author)->value();
        if (outcome.kind == exchange::AcceptKind::suspended)
            sync->on_suspended(block.header.author, outcome.missing,
                               block.header.seq - 1 - ledgers[0]->version_vector()[author], now, effects);
    }
    // Every second block, so that those between are missing. Returns these.
    std::vector<Digest> take_every_second(const std::vector<VerifiedBlock>& blocks, MonoTime now) {
        std::vector<Digest> missing;
        for (std::size_t i = 0; i + 1 < blocks.size(); i += 2) {
            missing.push_back(blocks[i].digest);
            take(blocks[i + 1], now);
        }
        return missing;
    }

    // How often each was asked for since the last call, of anyone.
    std::map<Digest, int> asked(MonoTime now) {
        wake = sync->flush(now, effects);
        std::map<Digest, int> times;
        peers_asked.clear();
        for (const SendEffect& send : std::exchange(effects, {}).sends) {
            if (static_cast<MessageKind>(send.kind) != MessageKind::want) continue;
            const auto digests = decode_want(send.payload.view());
            EXPECT_TRUE(digests.ok());  // it refuses more than 32
            if (!digests.ok()) continue;
            ++peers_asked[send.peer];
            for (const Digest& digest : *digests)
                ++times[digest];
        }
        return times;
    }
    static std::map<Digest, int> each(const std::vector<Digest>& digests, int times) {
        std::map<Digest, int> all;
        for (const Digest& digest : digests)
            all[digest] = times;
        return all;
    }

    const Digest network = hash_of("block sync test", {});
    std::deque<CheapSigner> signers;
    exchange::View view;
    std::vector<std::unique_ptr<OpenLedger>> ledgers;
    std::unique_ptr<BlockSync> sync;
    Effects effects;
    std::map<PublicKey, int> peers_asked;  // messages
    std::optional<MonoTime> wake;
};

// A node that installs a view says what it has there while what it lacked of the last one is still being
// read.
TEST_F(BlockSyncTest, WhatAPeerSaysDuringAReadForItIsAnsweredAfterwards) {
    take(make(1), begin);
    effects = {};
    const VersionVectorMessage lacks{ledgers[0]->view_digest(), 1, {0, 0, 0, 0}};
    sync->on_version_vector(key(2), lacks, effects);
    sync->on_version_vector(key(2), lacks, effects);
    EXPECT_EQ(effects.read_missing.size(), 1u);
    sync->on_blocks_read(key(2), false, {}, effects);
    EXPECT_EQ(effects.read_missing.size(), 2u);
    sync->on_blocks_read(key(2), false, {}, effects);
    EXPECT_EQ(effects.read_missing.size(), 2u);
}

TEST_F(BlockSyncTest, NothingIsAskedForWhereNothingWaits) {
    take(make(1), begin);
    EXPECT_TRUE(asked(begin).empty());
    EXPECT_TRUE(asked(begin + ms * 5'000).empty());
    EXPECT_EQ(sync->wanted_count(), 0u);
}

TEST_F(BlockSyncTest, AMissingParentIsAskedForAtTheSenderAndThenAtThreePeersEvery500Ms) {
    const auto blocks = make(1, 2);
    take(blocks[1], begin);
    EXPECT_EQ(asked(begin), each({blocks[0].digest}, 1));
    EXPECT_EQ(peers_asked, (std::map<PublicKey, int>{{key(1), 1}}));
    EXPECT_EQ(wake, begin + ms * 500);
    EXPECT_TRUE(asked(begin + ms * 499).empty());
    EXPECT_EQ(asked(begin + ms * 500), each({blocks[0].digest}, 3));
    EXPECT_EQ(peers_asked.size(), 3u);
    EXPECT_TRUE(asked(begin + ms * 999).empty());
    EXPECT_EQ(asked(begin + ms * 1'000), each({blocks[0].digest}, 3));
}

TEST_F(BlockSyncTest, NoneOfManyMissingParentsIsAskedForAgainBefore500Ms) {
    const auto missing = take_every_second(make(1, 100), begin);
    ASSERT_GT(missing.size(), want_digests_max);
    EXPECT_EQ(asked(begin), each(missing, 1));
    for (int i = 1; i < 500; ++i)
        EXPECT_TRUE(asked(begin + ms * i).empty()) << i;
    EXPECT_EQ(asked(begin + ms * 500), each(missing, 3));
    for (int i = 501; i < 1'000; ++i)
        EXPECT_TRUE(asked(begin + ms * i).empty()) << i;
}

TEST_F(BlockSyncTest, ThoseThatBecameMissingLaterHaveTheirOwnTimes) {
    const auto first = make(1, 2), second = make(2, 2);
    take(first[1], begin);
    take(second[1], begin + ms * 300);
    asked(begin + ms * 300);
    EXPECT_EQ(asked(begin + ms * 500), each({first[0].digest}, 3));
    EXPECT_EQ(wake, begin + ms * 800);
    EXPECT_EQ(asked(begin + ms * 800), each({second[0].digest}, 3));
}

TEST_F(BlockSyncTest, WhatCameIsNotAskedForAgain) {
    const auto blocks = make(1, 4);
    take(blocks[1], begin);
    take(blocks[3], begin);
    asked(begin);
    take(blocks[0], begin + ms * 100);
    EXPECT_EQ(asked(begin + ms * 500), each({blocks[2].digest}, 3));
    take(blocks[2], begin + ms * 600);
    EXPECT_TRUE(asked(begin + ms * 1'000).empty());
    EXPECT_EQ(sync->wanted_count(), 0u);
}

// More than peers serve in that time; those that had no turn come first in the next one.
TEST_F(BlockSyncTest, EverythingThatIsMissingIsAskedForInTheEnd) {
    const auto missing = take_every_second(make(1, 2 * (BlockSync::want_served_max + 100)), begin);
    asked(begin);
    auto part = asked(begin + ms * 500);
    EXPECT_EQ(part.size(), BlockSync::want_served_max);
    for (const auto& [digest, times] : asked(begin + ms * 1'000)) {
        part[digest] += times;
        EXPECT_LE(times, 3);
    }
    EXPECT_EQ(part.size(), missing.size());
}

// A parent names only its own parents, so a long chain would come one block a round trip.
TEST_F(BlockSyncTest, WhoSendsBlocksFromFarAheadFor500MsGetsTheVersionVector) {
    const auto vectors = [&] {
        std::vector<PublicKey> peers;
        for (const SendEffect& send : std::exchange(effects, {}).sends)
            if (static_cast<MessageKind>(send.kind) == MessageKind::version_vector)
                peers.push_back(send.peer);
        return peers;
    };
    const auto blocks = make(1, 60), near = make(2, 16);
    take(near[15], begin);
    take(near[14], begin + ms * 600);
    EXPECT_EQ(vectors(), std::vector<PublicKey>()) << "15 blocks may be on their way";
    take(blocks[40], begin + ms * 600);
    take(blocks[39], begin + ms * 1'099);
    EXPECT_EQ(vectors(), std::vector<PublicKey>());
    take(blocks[38], begin + ms * 1'100);
    take(blocks[37], begin + ms * 1'599);
    EXPECT_EQ(vectors(), (std::vector<PublicKey>{key(1)})) << "once in 500 ms";
    take(blocks[36], begin + ms * 1'600);
    EXPECT_EQ(vectors(), (std::vector<PublicKey>{key(1)}));
    for (const auto& all : {blocks, near})
        for (const auto& block : all)
            take(block, begin + ms * 2'000);
    sync->flush(begin + ms * 2'200, effects);
    effects = {};
    take(make(1, 20).back(), begin + ms * 3'000);
    EXPECT_EQ(vectors(), std::vector<PublicKey>()) << "nothing was missing meanwhile";
}

// As after its child was released from those held back: nobody was asked yet.
TEST_F(BlockSyncTest, AParentThatNobodyWasAskedForIsAskedForAtTheNextLook) {
    const auto blocks = make(1, 2);
    EXPECT_EQ(ledgers[0]->accept(blocks[1], wall).kind, exchange::AcceptKind::suspended);
    EXPECT_EQ(asked(begin), each({blocks[0].digest}, 3));
}

TEST_F(BlockSyncTest, WhatIsRememberedIsBoundedByWhatIsMissing) {
    // Each child comes, and then its parent: nothing is missing for long, and no time passes.
    const auto pending = make(2, 2);
    take(pending[1], begin);
    for (std::size_t i = 0; i < 2 * BlockSync::wanted_spare; ++i) {
        const auto blocks = make(1, 2);
        take(blocks[1], begin);
        take(blocks[0], begin);
        ASSERT_LE(sync->wanted_count(), BlockSync::wanted_spare + 2 * 2);
    }
    asked(begin + ms * 499);
    EXPECT_EQ(asked(begin + ms * 500), each({pending[0].digest}, 3));
    EXPECT_EQ(sync->wanted_count(), 1u);
}

}  // namespace
}  // namespace peerbook::app
