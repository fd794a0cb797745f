#include "exchange/engine/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exchange/engine/restore.h"
#include "tests/unit/exchange/state_world.h"

namespace peerbook::exchange {
namespace {

using testing::HasSubstr;

std::size_t count_of(const WrittenSnapshot& snapshot, StateDomain domain) {
    return snapshot.manifest.entries[static_cast<std::size_t>(domain)];
}

std::unique_ptr<Engine> restored(const WrittenSnapshot& snapshot, const NetworkRules& rules) {
    Result<SnapshotReader> reader = read_snapshot(snapshot, rules);
    if (!reader.ok()) {
        ADD_FAILURE() << reader.error().message;
        return nullptr;
    }
    Result<std::unique_ptr<Engine>> engine = restore_engine(rules, *reader);
    if (!engine.ok()) {
        ADD_FAILURE() << engine.error().message;
        return nullptr;
    }
    return std::move(engine).value();
}

TEST(Snapshot, ARestoredEngineGoesOnAsTheOriginal) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        World world(seed);
        const WrittenSnapshot snapshot = write_snapshot(world.engine.freeze());
        const std::unique_ptr<Engine> copy = restored(snapshot, state_world_rules());
        ASSERT_TRUE(copy);
        EXPECT_EQ(state_root_of(copy->freeze()), snapshot.manifest.origin.state_root);
        EXPECT_EQ(copy->state_digest(), world.engine.state_digest());
        EXPECT_EQ(copy->next_deadline(), world.engine.next_deadline());
        for (int i = 0; i < 80; ++i) {
            const Commit commit = world.flow.next(world.engine, 20);
            const EventBuffer events = apply(world.engine, commit);
            const EventBuffer copied = told_by(world.engine, *copy, apply(*copy, commit));
            ASSERT_EQ(events, copied) << "seed " << seed << " commit " << i;
            ASSERT_EQ(copy->state_digest(), world.engine.state_digest()) << i;
            ASSERT_EQ(copy->next_deadline(), world.engine.next_deadline()) << i;
        }
        EXPECT_EQ(state_root_of(copy->freeze()), state_root_of(world.engine.freeze()));
        EXPECT_TRUE(copy->check_invariants().ok());
    }
}

TEST(Snapshot, TheFlowOfTheseTestsReachesEveryKindOfEntry) {
    std::array<std::size_t, state_domain_count> entries{};
    std::size_t icebergs = 0, expiring = 0, waiting = 0, budgets = 0, gaps = 0, switches = 0, auctions = 0,
                created = 0;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        World world(seed);
        const FrozenState state = world.engine.freeze();
        const WrittenSnapshot snapshot = write_snapshot(state);
        for (std::size_t i = 0; i < state_domain_count; ++i)
            entries[i] += snapshot.manifest.entries[i];
        for (std::size_t slot = 0; slot < state.orders.size(); ++slot) {
            const Order& order = state.orders[slot];
            if (order.is_live == 0) continue;
            waiting += order.is_waiting;
            if (order.is_extended == 0) continue;
            const OrderExtension& extension =
                state.extensions[static_cast<std::size_t>(order.quantity_or_extension)];
            icebergs += extension.hidden != 0 ? 1u : 0u;
            expiring += extension.expires_at_ms != 0 ? 1u : 0u;
            budgets += extension.budget != 0 ? 1u : 0u;
        }
        for (std::size_t i = 0; i < state.accounts.accounts.size(); ++i) {
            const Account& account = state.accounts.accounts[i];
            switches += account.cancel_after_ms != 0 ? 1u : 0u;
            account.nonces.for_each_gap([&](std::uint64_t, std::uint64_t) { ++gaps; });
        }
        for (const MarketState& market : state.markets) {
            auctions += market.phase == MarketPhase::auction ? 1u : 0u;
            created += market.created_from ? 1u : 0u;
        }
    }
    for (std::size_t i = 0; i < state_domain_count; ++i)
        EXPECT_GT(entries[i], 0u) << to_string(static_cast<StateDomain>(i));
    for (const std::size_t seen : {icebergs, expiring, waiting, budgets, gaps, switches, created})
        EXPECT_GT(seen, 0u);
    World young(1, 2);
    for (const MarketState& market : young.engine.freeze().markets)
        auctions += market.phase == MarketPhase::auction ? 1u : 0u;
    EXPECT_GT(auctions, 0u);
}

TEST(Snapshot, AnEngineThatExecutedNothingIsRestored) {
    Engine engine(state_world_rules());
    const WrittenSnapshot snapshot = write_snapshot(engine.freeze(), 0);
    const std::unique_ptr<Engine> copy = restored(snapshot, state_world_rules());
    ASSERT_TRUE(copy);
    // The first commit starts the auctions of both.
    RandomFlow flow(1);
    const Commit first = flow.first();
    const EventBuffer events = apply(engine, first);
    EXPECT_EQ(events, told_by(engine, *copy, apply(*copy, first)));
    EXPECT_EQ(engine.state_digest(), copy->state_digest());
}

TEST(Snapshot, ARestoredEngineUndoesWhatItExecutedItself) {
    World world(2);
    const WrittenSnapshot snapshot = write_snapshot(world.engine.freeze());
    const std::unique_ptr<Engine> copy = restored(snapshot, state_world_rules());
    ASSERT_TRUE(copy);
    const UndoMark mark = copy->mark();
    for (int i = 0; i < 30; ++i)
        apply(*copy, world.flow.next(*copy, 20));
    copy->undo_to(mark);
    EXPECT_EQ(state_root_of(copy->freeze()), snapshot.manifest.origin.state_root);
    EXPECT_TRUE(copy->check_invariants().ok());
}

TEST(Snapshot, EqualStatesGiveEqualBytes) {
    World world(3);
    const WrittenSnapshot snapshot = write_snapshot(world.engine.freeze());
    const std::unique_ptr<Engine> copy = restored(snapshot, state_world_rules());
    ASSERT_TRUE(copy);
    const WrittenSnapshot again = write_snapshot(copy->freeze());
    EXPECT_EQ(again.manifest, snapshot.manifest);
    EXPECT_EQ(again.manifest.digest(), snapshot.manifest.digest());
    EXPECT_EQ(again.chunks, snapshot.chunks);
}

TEST(Snapshot, AManifestComesBackFromItsBytes) {
    World world(3);
    const SnapshotManifest manifest = write_snapshot(world.engine.freeze(), 1'234'567).manifest;
    const Result<SnapshotManifest> read = SnapshotManifest::decode(manifest.encode());
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, manifest);
    EXPECT_EQ(read->origin.commit, 1'234'567u);
}

TEST(Snapshot, WritingWhileTheEngineExecutesGivesTheStateAtTheFreeze) {
    World world(4);
    const FrozenState frozen = world.engine.freeze();
    const WrittenSnapshot expected = write_snapshot(frozen);
    SnapshotWriter writer(frozen, expected.manifest.origin);
    std::vector<Bytes> chunks;
    int steps = 0;
    while (!writer.is_done()) {
        apply(world.engine, world.flow.next(world.engine, 20));
        Result<std::optional<Bytes>> chunk = writer.step();
        ASSERT_TRUE(chunk.ok());
        if (*chunk) chunks.push_back(std::move(**chunk));
        ++steps;
    }
    EXPECT_GT(steps, 9);  // at least one for each domain
    EXPECT_EQ(writer.manifest(), expected.manifest);
    EXPECT_EQ(chunks, expected.chunks);
    EXPECT_NE(state_root_of(world.engine.freeze()), expected.manifest.origin.state_root);
}

// So many orders that there are several chunks and several runs to merge.
class LargeSnapshot : public testing::Test {
  protected:
    static constexpr std::uint64_t orders_count = 36'000;
    static NetworkRules rules() {
        NetworkRules rules = state_world_rules();
        rules.commands_per_second_max = 0;
        return rules;
    }
    static void SetUpTestSuite() {
        engine = std::make_unique<Engine>(rules());
        PublicKey node;
        node.data.fill(7);
        for (int i = 0; i < 10; ++i) {
            CommandBatch batch;
            batch.signer = node;
            const std::string name = "trader" + std::to_string(i);
            const AccountId id = hosted_account_id(node, name);
            batch.add(id, {1, 0}, OpenAccount{name});
            batch.add(id, {2, 0}, Faucet{AssetId(0), 1'000'000'000});
            for (std::uint64_t nonce = 3; nonce < 3 + orders_count / 10; ++nonce) {
                LimitOrder order;
                order.market = MarketId(0);
                order.price = Price(static_cast<std::int64_t>(1 + nonce % 500));
                order.quantity = Quantity(static_cast<std::int64_t>(1 + nonce % 7));
                batch.add(id, {nonce, 0}, order);
            }
            apply(*engine, {{1'000 + i}, {batch}});
        }
        snapshot = write_snapshot(engine->freeze());
    }
    static void TearDownTestSuite() { engine.reset(); }
    static inline std::unique_ptr<Engine> engine;
    static inline WrittenSnapshot snapshot;
};

TEST_F(LargeSnapshot, IsCutIntoChunksThatAreFull) {
    EXPECT_EQ(count_of(snapshot, StateDomain::orders), orders_count);
    ASSERT_GT(snapshot.chunks.size(), 3u);
    for (std::size_t i = 0; i < snapshot.chunks.size(); ++i) {
        EXPECT_LE(snapshot.chunks[i].size(), snapshot_chunk_bytes_max);
        if (i + 1 < snapshot.chunks.size()) {
            EXPECT_GT(snapshot.chunks[i].size(), snapshot_chunk_bytes_max - 200);
        }
    }
}

TEST_F(LargeSnapshot, TakesChunksInAnyOrder) {
    Result<SnapshotReader> reader = SnapshotReader::open(snapshot.manifest.encode(), rules());
    ASSERT_TRUE(reader.ok());
    EXPECT_THAT(reader->finish().error().message, HasSubstr("of its chunks are missing"));
    for (std::size_t i = snapshot.chunks.size(); i-- > 0;) {
        EXPECT_FALSE(reader->has_chunk(i));
        EXPECT_EQ(reader->missing_count(), i + 1);
        ASSERT_TRUE(reader->add_chunk(i, snapshot.chunks[i]).ok());
        EXPECT_TRUE(reader->has_chunk(i));
    }
    ASSERT_TRUE(reader->finish().ok()) << reader->finish().error().message;
    Result<std::unique_ptr<Engine>> copy = restore_engine(rules(), *reader);
    ASSERT_TRUE(copy.ok()) << copy.error().message;
    EXPECT_EQ((*copy)->state_digest(), engine->state_digest());
    const auto first = engine->orders(MarketId(0), Side::buy, 1'000);
    const auto restored_first = (*copy)->orders(MarketId(0), Side::buy, 1'000);
    ASSERT_EQ(first.size(), restored_first.size());
    for (std::size_t i = 0; i < first.size(); ++i)
        EXPECT_EQ(first[i].sequence, restored_first[i].sequence);
}

TEST_F(LargeSnapshot, RefusesChunksThatAreNotTheManifests) {
    Result<SnapshotReader> reader = SnapshotReader::open(snapshot.manifest.encode(), rules());
    ASSERT_TRUE(reader.ok());
    const auto expect_corrupt = [&](std::size_t number, Bytes chunk) {
        const Status status = reader->add_chunk(number, std::move(chunk));
        ASSERT_FALSE(status.ok());
        EXPECT_EQ(status.error().code, ErrorCode::corrupt);
        EXPECT_THAT(status.error().message,
                    HasSubstr("chunk " + std::to_string(number) + " is not what the manifest says"));
    };
    for (std::size_t at : {0ul, 1ul, 1'000ul, snapshot.chunks[2].size() - 1}) {
        Bytes damaged = snapshot.chunks[2];
        damaged[at] ^= 0x20;
        expect_corrupt(2, damaged);
    }
    Bytes truncated = snapshot.chunks[2];
    truncated.pop_back();
    expect_corrupt(2, truncated);
    Bytes oversized = snapshot.chunks[2];
    oversized.push_back(0);
    expect_corrupt(2, oversized);
    expect_corrupt(2, Bytes(snapshot_chunk_bytes_max * 3));
    expect_corrupt(2, {});
    expect_corrupt(2, snapshot.chunks[3]);  // the right content in the wrong place
    EXPECT_THAT(reader->add_chunk(snapshot.chunks.size(), snapshot.chunks[0]).error().message,
                HasSubstr("there is no chunk"));
    // Nothing of that was taken in.
    for (std::size_t i = 0; i < snapshot.chunks.size(); ++i)
        ASSERT_TRUE(reader->add_chunk(i, snapshot.chunks[i]).ok());
    EXPECT_THAT(reader->add_chunk(0, snapshot.chunks[0]).error().message, HasSubstr("is there already"));
    EXPECT_TRUE(reader->finish().ok());
}

TEST_F(LargeSnapshot, RefusesChunksThatAManifestNamesInTheWrongOrder) {
    WrittenSnapshot swapped = snapshot;
    std::swap(swapped.chunks[2], swapped.chunks[3]);
    std::swap(swapped.manifest.chunks[2], swapped.manifest.chunks[3]);
    EXPECT_THAT(read_snapshot(swapped, rules()).error().message,
                HasSubstr("chunk 3 does not go on where the one before ends"));
}

TEST_F(LargeSnapshot, RefusesOtherCountsTimesAndRootsThanTheManifests) {
    WrittenSnapshot other = snapshot;
    --other.manifest.entries[static_cast<std::size_t>(StateDomain::orders)];
    EXPECT_THAT(read_snapshot(other, rules()).error().message,
                HasSubstr("it has 36000 entries of orders, and its manifest says 35999"));
    other = snapshot;
    other.manifest.origin.state_root.data[0] ^= 1;
    EXPECT_THAT(read_snapshot(other, rules()).error().message, HasSubstr("state root"));
    other = snapshot;
    other.manifest.time = WallTime{1};
    EXPECT_THAT(read_snapshot(other, rules()).error().message, HasSubstr("another time"));
}

// --- manifests ---

TEST(SnapshotManifest, IsRefusedIfItIsNotOne) {
    World world(3);
    const SnapshotManifest manifest = write_snapshot(world.engine.freeze()).manifest;
    const auto refusal = [](const Bytes& bytes, NetworkRules rules = state_world_rules()) {
        Result<SnapshotReader> reader = SnapshotReader::open(bytes, rules);
        return reader.ok() ? std::string("accepted") : reader.error().message;
    };
    const Bytes bytes = manifest.encode();
    EXPECT_EQ(refusal(bytes), "accepted");
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_THAT(refusal(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))),
                    HasSubstr("snapshot manifest: malformed"))
            << size;
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_THAT(refusal(longer), HasSubstr("left over"));
    Bytes other_format = bytes;
    other_format[1] = 2;
    EXPECT_THAT(refusal(other_format), HasSubstr("unknown format version"));
    EXPECT_THAT(refusal(Bytes(snapshot_manifest_bytes_max + 1)), HasSubstr("above 1 MiB"));

    NetworkRules elsewhere = state_world_rules();
    elsewhere.network.data[0] ^= 1;
    EXPECT_THAT(refusal(bytes, elsewhere), HasSubstr("another network"));
    SnapshotManifest changed = manifest;
    changed.origin.rules_version = rules_version_latest + 1;
    EXPECT_THAT(refusal(changed.encode()), HasSubstr("rules of version"));
    changed = manifest;
    changed.chunks[0].size = snapshot_chunk_bytes_max + 1;
    EXPECT_THAT(refusal(changed.encode()), HasSubstr("a chunk is above 512 KiB"));
    changed.chunks[0].size = 0;
    EXPECT_THAT(refusal(changed.encode()), HasSubstr("a chunk is empty"));
    changed.chunks.clear();
    EXPECT_THAT(refusal(changed.encode()), HasSubstr("there are no chunks"));
    changed.chunks.resize(snapshot_chunks_max + 1);
    EXPECT_THAT(refusal(changed.encode()), HasSubstr("more than 16,384 chunks"));
}

// --- windows of nonces ---

TEST(NonceWindow, EndsBelowItsLimit) {
    NonceWindow window = NonceWindow::restored(nonce_limit - 4, {});
    EXPECT_EQ(window.verdict(nonce_limit), NonceWindow::Verdict::out_of_window);
    EXPECT_EQ(window.verdict(UINT64_MAX), NonceWindow::Verdict::out_of_window);
    ASSERT_EQ(window.verdict(nonce_limit - 1), NonceWindow::Verdict::free);
    window.burn(nonce_limit - 1);
    EXPECT_EQ(window.verdict(nonce_limit), NonceWindow::Verdict::out_of_window);
    std::vector<NonceWindow::Gap> gaps;
    window.for_each_gap([&](std::uint64_t first, std::uint64_t last) { gaps.push_back({first, last}); });
    EXPECT_EQ(gaps, (std::vector<NonceWindow::Gap>{{nonce_limit - 3, nonce_limit - 2}}));
    window.burn(nonce_limit - 3);
    window.burn(nonce_limit - 2);
    EXPECT_FALSE(window.burn_if_next(nonce_limit));
    EXPECT_EQ(window.verdict(nonce_limit), NonceWindow::Verdict::out_of_window);
}

TEST(NonceWindow, IsRestoredFromItsHighestAndItsGaps) {
    Random random(5);
    for (int round = 0; round < 40; ++round) {
        NonceWindow window;
        std::uint64_t highest = 0;
        for (int i = 0; i < 2'000; ++i) {
            const std::uint64_t reach = random.below(50) == 0 ? 70'000 : 40;
            const std::uint64_t nonce = highest + 20 - std::min(highest + 20, random.below(reach));
            if (window.verdict(nonce) == NonceWindow::Verdict::free) window.burn(nonce);
            highest = window.highest();
        }
        std::vector<NonceWindow::Gap> gaps;
        window.for_each_gap([&](std::uint64_t first, std::uint64_t last) { gaps.push_back({first, last}); });
        NonceWindow copy = NonceWindow::restored(window.highest(), gaps);
        for (std::uint64_t nonce = 0; nonce < window.highest() + 70'000; ++nonce)
            ASSERT_EQ(copy.verdict(nonce), window.verdict(nonce)) << nonce;
        // And they stay alike.
        for (int i = 0; i < 500; ++i) {
            const std::uint64_t nonce = window.highest() + 20 - std::min(window.highest(), random.below(300));
            ASSERT_EQ(copy.verdict(nonce), window.verdict(nonce));
            if (window.verdict(nonce) != NonceWindow::Verdict::free) continue;
            window.burn(nonce);
            copy.burn(nonce);
        }
        for (std::uint64_t nonce = 0; nonce < window.highest() + 100; ++nonce)
            ASSERT_EQ(copy.verdict(nonce), window.verdict(nonce)) << nonce;
    }
}

}  // namespace
}  // namespace peerbook::exchange
