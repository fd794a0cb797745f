#include "exchange/ordering/open_ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>

#include "exchange/engine/state_root.h"
#include "tests/support/cheap_keys.h"
#include "tests/support/toy_market.h"

namespace peerbook::exchange {
namespace {

using testing::CheapSigner;
using testing::toy_command;
using testing::toy_limit;

WallTime now;  // of all nodes, unless a test says otherwise

// Nodes 0 … members − 1 are the view; one more observes.
class OpenLedgerOf : public ::testing::Test {
  protected:
    explicit OpenLedgerOf(std::size_t members) {
        now = {1'000};
        std::vector<PublicKey> keys;
        for (std::size_t i = 0; i <= members; ++i)
            signers.emplace_back(i);
        for (std::size_t i = 0; i < members; ++i)
            keys.push_back(signers[i].public_key());
        view = make_first_view(network, keys).value();
        for (const CheapSigner& signer : signers)
            ledgers.push_back(std::make_unique<OpenLedger>(testing::toy_rules(network), view,
                                                           signer.public_key(), LedgerLimits{}));
    }

    // The node signs its next block and accepts it itself.
    VerifiedBlock emit(std::size_t node, const std::vector<Command>& commands, WallTime time = now) {
        PayloadBuilder payload;
        for (const Command& command : commands)
            EXPECT_TRUE(payload.add_hosted(command));
        Block block = ledgers[node]->make_block(payload.empty() ? Bytes{} : payload.take(), time);
        sign_block(block, signers[node]);
        Result<VerifiedBlock> verified = verify_block(SharedBytes(encode_block(block, view)), view, network,
                                                      rules_version_latest, testing::CheapVerifier{});
        EXPECT_TRUE(verified.ok()) << verified.error().message;
        EXPECT_EQ(ledgers[node]->accept(*verified, time).kind, AcceptKind::accepted);
        return std::move(verified).value();
    }
    void deliver(const VerifiedBlock& block, std::size_t node) {
        EXPECT_EQ(ledgers[node]->accept(block, now).kind, AcceptKind::accepted);
    }
    void emit_to_all(std::size_t node, const std::vector<Command>& commands) {
        const VerifiedBlock block = emit(node, commands);
        for (std::size_t other = 0; other < ledgers.size(); ++other)
            if (other != node) deliver(block, other);
        for (auto& ledger : ledgers)
            ledger->execute();
    }
    // Members emit what rule 7 asks for until nobody has to; returns each member's number of empty blocks.
    std::vector<int> acknowledge() {
        std::vector<int> empties(view.members.size(), 0);
        for (bool any = true; any;) {
            any = false;
            for (std::size_t i = 0; i < view.members.size(); ++i) {
                if (!ledgers[i]->acknowledgement_due()) continue;
                any = true;
                if (++empties[i] > 10) return empties;
                emit_to_all(i, {});
            }
        }
        return empties;
    }
    Command open(std::size_t node, const std::string& name) {
        return toy_command(signers[node].public_key(), name, 1, OpenAccount{name});
    }
    Command faucet(std::size_t node, const std::string& name, std::uint64_t nonce, AssetId asset) {
        return toy_command(signers[node].public_key(), name, nonce, Faucet{asset, 1'000'000'000});
    }
    Command limit(std::size_t node, const std::string& name, std::uint64_t nonce, Side side,
                  std::int64_t price) {
        return toy_command(signers[node].public_key(), name, nonce, toy_limit(side, price, 1));
    }

    Digest network = hash_of("test network", {});
    std::vector<CheapSigner> signers;
    View view;
    std::vector<std::unique_ptr<OpenLedger>> ledgers;
};

std::size_t count(const EventBuffer& events, EventKind kind) {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [&](const Event& event) { return event.kind == kind; }));
}

class OpenLedgerAlone : public OpenLedgerOf {
  protected:
    OpenLedgerAlone() : OpenLedgerOf(1) {}
};

TEST_F(OpenLedgerAlone, SettlesItsBlocksAtOnce) {
    emit(0, {open(0, "alice"), faucet(0, "alice", 2, testing::toy_usd)});
    LedgerUpdate update = ledgers[0]->execute();
    ASSERT_EQ(update.applied.size(), 1u);
    ASSERT_EQ(update.settled.size(), 1u);
    EXPECT_TRUE(update.retracted.empty());
    EXPECT_EQ(update.settled[0].index, 1u);
    EXPECT_EQ(update.settled[0].commands, 2u);
    EXPECT_EQ(count(update.settled[0].events, EventKind::issued), 1u);
    EXPECT_EQ(count(update.applied[0].events, EventKind::issued), 1u);
    EXPECT_EQ(ledgers[0]->settled_prefix().length, 1u);
    EXPECT_FALSE(ledgers[0]->acknowledgement_due());
    EXPECT_TRUE(ledgers[0]->is_settled(MemberIndex(0), 1));
    EXPECT_FALSE(ledgers[0]->is_settled(MemberIndex(0), 2));
    EXPECT_FALSE(ledgers[0]->is_settled(MemberIndex(7), 1));
}

TEST_F(OpenLedgerAlone, ExecutesNothingTwice) {
    emit(0, {open(0, "alice")});
    ledgers[0]->execute();
    const LedgerUpdate update = ledgers[0]->execute();
    EXPECT_TRUE(update.applied.empty());
    EXPECT_TRUE(update.settled.empty());
    EXPECT_EQ(ledgers[0]->stats().commands_executed, 1u);
}

TEST_F(OpenLedgerAlone, PrefixHashChainsTheSettledBlocks) {
    const Digest first = emit(0, {}).digest;
    const Digest second = emit(0, {}).digest;
    ledgers[0]->execute();
    Digest hash;
    for (const Digest& digest : {first, second})
        hash = Hasher("peerbook log").add(hash.view()).add(digest.view()).finish();
    EXPECT_EQ(ledgers[0]->settled_prefix().hash, hash);
}

TEST_F(OpenLedgerAlone, BlocksOfAnotherViewAreNotKept) {
    VerifiedBlock block = emit(0, {});
    ++block.header.view.data[0];
    EXPECT_EQ(ledgers[0]->accept(block, now).kind, AcceptKind::other_view);
    EXPECT_FALSE(ledgers[0]->has_block(digest_of(block.header)));
}

TEST_F(OpenLedgerAlone, AnObserverFollowsButDoesNotEmit) {
    EXPECT_FALSE(ledgers[1]->is_member());
    emit_to_all(0, {open(0, "alice")});
    EXPECT_EQ(ledgers[1]->settled_prefix().hash, ledgers[0]->settled_prefix().hash);
    EXPECT_EQ(ledgers[1]->engine().state_digest(), ledgers[0]->engine().state_digest());
    EXPECT_FALSE(ledgers[1]->acknowledgement_due());
}

TEST_F(OpenLedgerAlone, CommitTimeNeverFallsEvenIfTheClockIsSetBack) {
    emit(0, {open(0, "alice")}, {900});
    EXPECT_EQ(emit(0, {}, {500}).header.timestamp, WallTime{900});
    emit(0, {}, {950});
    const LedgerUpdate update = ledgers[0]->execute();
    ASSERT_EQ(update.settled.size(), 3u);
    EXPECT_EQ(update.settled[0].time, WallTime{900});
    EXPECT_EQ(update.settled[1].time, WallTime{900});
    EXPECT_EQ(update.settled[2].time, WallTime{950});
}

class OpenLedgerOfTwo : public OpenLedgerOf {
  protected:
    OpenLedgerOfTwo() : OpenLedgerOf(2) {}
    // alice sells one at 100; bob (at node 0) and carol (at node 1) have dollars. Everything settled
    // everywhere.
    void prepare_market() {
        emit_to_all(0, {open(0, "alice"), faucet(0, "alice", 2, testing::toy_btc),
                        limit(0, "alice", 3, Side::sell, 100), open(0, "bob"),
                        faucet(0, "bob", 2, testing::toy_usd)});
        emit_to_all(1, {open(1, "carol"), faucet(1, "carol", 2, testing::toy_usd)});
        acknowledge();
        for (auto& ledger : ledgers)
            ASSERT_EQ(ledger->stats().unsettled_commands, 0u);
    }
};

TEST_F(OpenLedgerOfTwo, BothBuyTheSameOrderAndOneFillIsRetracted) {
    prepare_market();
    const VerifiedBlock by_bob = emit(0, {limit(0, "bob", 3, Side::buy, 100)});
    const VerifiedBlock by_carol = emit(1, {limit(1, "carol", 3, Side::buy, 100)});
    // Each node fills its own customer first, provisionally.
    for (std::size_t node : {0u, 1u}) {
        const LedgerUpdate update = ledgers[node]->execute();
        ASSERT_EQ(update.applied.size(), 1u);
        EXPECT_EQ(count(update.applied[0].events, EventKind::filled), 1u);
        EXPECT_TRUE(update.settled.empty());
    }
    deliver(by_carol, 0);
    deliver(by_bob, 1);
    deliver(by_bob, 2);
    deliver(by_carol, 2);
    ledgers[2]->execute();
    LedgerUpdate at[2] = {ledgers[0]->execute(), ledgers[1]->execute()};
    // One node sees its own block first in K and applies the other's after it; the other one has to take
    // back.
    const std::size_t loser = at[0].retracted.empty() ? 1 : 0;
    const std::size_t winner = 1 - loser;
    EXPECT_TRUE(at[winner].retracted.empty());
    ASSERT_EQ(at[winner].applied.size(), 1u);
    EXPECT_EQ(count(at[winner].applied[0].events, EventKind::rested), 1u);
    EXPECT_EQ(ledgers[winner]->stats().rollbacks, 0u);
    ASSERT_EQ(at[loser].retracted.size(), 1u);
    EXPECT_EQ(at[loser].retracted[0].author, MemberIndex(static_cast<std::uint32_t>(loser)));
    EXPECT_EQ(count(at[loser].retracted[0].events, EventKind::filled), 1u);
    ASSERT_EQ(at[loser].applied.size(), 2u);
    EXPECT_EQ(count(at[loser].applied[0].events, EventKind::filled), 1u);
    EXPECT_EQ(count(at[loser].applied[1].events, EventKind::filled), 0u);
    EXPECT_EQ(at[loser].applied[1].block, at[loser].retracted[0].block);
    EXPECT_EQ(ledgers[loser]->stats().rollbacks, 1u);
    EXPECT_EQ(ledgers[loser]->stats().commands_replayed, 1u);
    acknowledge();
    for (auto& ledger : ledgers) {
        EXPECT_EQ(ledger->engine().state_digest(), ledgers[0]->engine().state_digest());
        EXPECT_EQ(ledger->settled_prefix().hash, ledgers[0]->settled_prefix().hash);
        EXPECT_EQ(ledger->stats().unsettled_commands, 0u);
        EXPECT_TRUE(ledger->engine().check_invariants().ok());
    }
}

TEST_F(OpenLedgerOfTwo, AReplayWithTheSameEventsReportsNothing) {
    prepare_market();
    const VerifiedBlock by_bob = emit(0, {limit(0, "bob", 3, Side::buy, 10)});
    const VerifiedBlock by_carol = emit(1, {limit(1, "carol", 3, Side::buy, 11)});
    ledgers[0]->execute();
    ledgers[1]->execute();
    deliver(by_carol, 0);
    deliver(by_bob, 1);
    for (std::size_t node : {0u, 1u}) {
        const LedgerUpdate update = ledgers[node]->execute();
        EXPECT_TRUE(update.retracted.empty());
        ASSERT_EQ(update.applied.size(), 1u);
        EXPECT_EQ(update.applied[0].author, MemberIndex(node == 0 ? 1 : 0));
    }
    EXPECT_EQ(ledgers[0]->stats().rollbacks + ledgers[1]->stats().rollbacks, 1u);
}

TEST_F(OpenLedgerOfTwo, RollsBackOnceForABatchOfLateBlocks) {
    prepare_market();
    std::vector<VerifiedBlock> ones, twos;
    for (std::uint64_t i = 0; i < 5; ++i) {
        ones.push_back(emit(0, {limit(0, "bob", 3 + i, Side::buy, 10)}));
        twos.push_back(emit(1, {limit(1, "carol", 3 + i, Side::buy, 11)}));
        ledgers[0]->execute();
    }
    for (const VerifiedBlock& block : twos)
        deliver(block, 0);
    ledgers[0]->execute();
    EXPECT_LE(ledgers[0]->stats().rollbacks, 1u);
    EXPECT_LE(ledgers[0]->stats().commands_replayed, 5u);
}

TEST_F(OpenLedgerOfTwo, AcknowledgesACommandWithAtMostTwoEmptyBlocksEach) {
    EXPECT_FALSE(ledgers[0]->acknowledgement_due());
    emit_to_all(0, {open(0, "alice")});
    EXPECT_FALSE(ledgers[0]->is_settled(MemberIndex(0), 1));
    EXPECT_TRUE(ledgers[1]->acknowledgement_due());
    const std::vector<int> empties = acknowledge();
    for (int blocks : empties)
        EXPECT_LE(blocks, 2);
    for (auto& ledger : ledgers) {
        EXPECT_TRUE(ledger->is_settled(MemberIndex(0), 1));
        EXPECT_EQ(ledger->stats().unsettled_commands, 0u);
    }
}

TEST_F(OpenLedgerOfTwo, AnEmptyBlockOwesNoAcknowledgement) {
    emit_to_all(0, {});
    for (auto& ledger : ledgers)
        EXPECT_FALSE(ledger->acknowledgement_due());
}

TEST_F(OpenLedgerOfTwo, HandsAcceptedBlocksToTheJournalInCausalOrder) {
    const VerifiedBlock first = emit(0, {open(0, "alice")});
    const VerifiedBlock second = emit(0, {});
    EXPECT_EQ(ledgers[1]->accept(second, now).kind, AcceptKind::suspended);
    EXPECT_TRUE(ledgers[1]->take_accepted().empty());
    EXPECT_EQ(ledgers[1]->missing(10), second.header.parents);
    EXPECT_TRUE(ledgers[1]->has_block(second.digest));
    deliver(first, 1);
    const auto accepted = ledgers[1]->take_accepted();
    ASSERT_EQ(accepted.size(), 2u);
    EXPECT_EQ(accepted[0].seq, 1u);
    EXPECT_EQ(accepted[1].seq, 2u);
    EXPECT_EQ(accepted[1].round, 2u);
    EXPECT_TRUE(std::equal(accepted[0].encoded.view().begin(), accepted[0].encoded.view().end(),
                           first.encoded.view().begin(), first.encoded.view().end()));
    EXPECT_TRUE(ledgers[1]->take_accepted().empty());
    EXPECT_EQ(ledgers[1]->version_vector(), (VersionVector{2, 0}));
    EXPECT_EQ(ledgers[1]->find_block(second.digest)->seq, 2u);
    EXPECT_EQ(ledgers[1]->stats().commits, 0u);
    ledgers[1]->execute();
    EXPECT_EQ(ledgers[1]->stats().commits, 2u);
    EXPECT_EQ(ledgers[1]->stats().settled_commits, 0u);
}

TEST_F(OpenLedgerOfTwo, TellsEachMembersProgress) {
    emit_to_all(0, {open(0, "alice")});
    emit_to_all(1, {});
    const auto progress = ledgers[0]->progress();
    ASSERT_EQ(progress.size(), 2u);
    EXPECT_EQ(progress[0].tip_round, 1u);
    EXPECT_EQ(progress[0].stable_round, 0u);
    EXPECT_EQ(progress[1].tip_round, 2u);
    EXPECT_EQ(progress[1].stable_round, 1u);
    EXPECT_EQ(progress[1].tip_seq, 1u);
}

TEST_F(OpenLedgerOfTwo, SaysWhenTooMuchIsUnsettled) {
    LedgerLimits limits;
    limits.unsettled_commands_max = 1;
    OpenLedger small(testing::toy_rules(network), view, signers[1].public_key(), limits);
    EXPECT_EQ(small.accept(emit(0, {open(0, "alice")}), now).kind, AcceptKind::accepted);
    EXPECT_FALSE(small.overloaded());
    EXPECT_EQ(small.accept(emit(0, {open(0, "bob")}), now).kind, AcceptKind::accepted);
    EXPECT_TRUE(small.overloaded());
}

TEST_F(OpenLedgerOfTwo, ARejectedDuplicateNonceExecutesOnce) {
    emit_to_all(0, {open(0, "alice"), faucet(0, "alice", 2, testing::toy_usd)});
    emit(0, {faucet(0, "alice", 2, testing::toy_usd)});
    const LedgerUpdate update = ledgers[0]->execute();
    ASSERT_EQ(update.applied.size(), 1u);
    EXPECT_EQ(count(update.applied[0].events, EventKind::issued), 0u);
    ASSERT_EQ(count(update.applied[0].events, EventKind::rejected), 1u);
    EXPECT_EQ(update.applied[0].events[0].reason, Reason::nonce_used);
}

// --- commit time ---

Command until(Command limit, WallTime expires_at) {
    SpecialOrder special;
    special.order = std::get<LimitOrder>(limit.body);
    special.expires_at = expires_at;
    limit.body = Boxed<SpecialOrder>(special);
    return limit;
}

TEST_F(OpenLedgerAlone, AnEmptyBlockExpiresWhatIsDueByItsTime) {
    emit(0, {open(0, "alice"), faucet(0, "alice", 2, testing::toy_usd),
             until(limit(0, "alice", 3, Side::buy, 10), {5'000})});
    ledgers[0]->execute();
    EXPECT_EQ(ledgers[0]->engine().next_deadline(), WallTime{5'000});
    emit(0, {}, {4'999});
    EXPECT_TRUE(ledgers[0]->execute().applied[0].events.empty());
    emit(0, {}, {5'000});
    const LedgerUpdate update = ledgers[0]->execute();
    ASSERT_EQ(count(update.applied[0].events, EventKind::expired), 1u);
    EXPECT_EQ(update.applied[0].events[0].command, no_command);
    EXPECT_FALSE(ledgers[0]->engine().next_deadline().has_value());
}

TEST_F(OpenLedgerOfTwo, ALateBlockOfALaterTimeTakesBackATradeWithAnOrderThatItExpires) {
    emit_to_all(0, {open(0, "alice"), faucet(0, "alice", 2, testing::toy_btc),
                    until(limit(0, "alice", 3, Side::sell, 100), {5'000}), open(0, "bob"),
                    faucet(0, "bob", 2, testing::toy_usd)});
    acknowledge();
    // Node 1's clock is ahead, and its block comes in front of the trade: lower rounds are first.
    const VerifiedBlock ahead = emit(1, {}, {5'000});
    const VerifiedBlock filler = emit(0, {}, {4'000});
    const VerifiedBlock trade = emit(0, {limit(0, "bob", 3, Side::buy, 100)}, {4'000});
    ASSERT_LT(ahead.header.round, trade.header.round);
    const LedgerUpdate before = ledgers[0]->execute();
    ASSERT_EQ(before.applied.size(), 2u);
    EXPECT_EQ(count(before.applied[1].events, EventKind::filled), 1u);
    EXPECT_EQ(before.applied[1].time, WallTime{4'000});

    EXPECT_EQ(ledgers[0]->accept(ahead, {5'000}).kind, AcceptKind::accepted);
    const LedgerUpdate after = ledgers[0]->execute();
    std::size_t expired = 0;
    for (const Commit& commit : after.applied)
        expired += count(commit.events, EventKind::expired);
    EXPECT_EQ(expired, 1u);
    ASSERT_EQ(after.retracted.size(), 1u);
    EXPECT_EQ(after.retracted[0].block, trade.digest);
    EXPECT_EQ(count(after.retracted[0].events, EventKind::filled), 1u);
    EXPECT_EQ(after.applied.back().block, trade.digest);
    EXPECT_EQ(after.applied.back().time, WallTime{5'000});
    EXPECT_EQ(count(after.applied.back().events, EventKind::rested), 1u);

    EXPECT_EQ(ledgers[1]->accept(filler, {5'000}).kind, AcceptKind::accepted);
    EXPECT_EQ(ledgers[1]->accept(trade, {5'000}).kind, AcceptKind::accepted);
    for (const VerifiedBlock* block : {&ahead, &filler, &trade})
        EXPECT_EQ(ledgers[2]->accept(*block, {5'000}).kind, AcceptKind::accepted);
    for (auto& ledger : ledgers) {
        ledger->execute();
        EXPECT_EQ(ledger->engine().state_digest(), ledgers[0]->engine().state_digest());
    }
}

TEST_F(OpenLedgerOfTwo, AnEmptyBlockThatMadeSomethingDueIsAcknowledged) {
    emit_to_all(0, {open(0, "alice"), faucet(0, "alice", 2, testing::toy_btc),
                    until(limit(0, "alice", 3, Side::sell, 100), {5'000})});
    acknowledge();
    now = {5'000};
    emit_to_all(0, {});
    const std::uint64_t seq = ledgers[0]->version_vector()[0];
    EXPECT_TRUE(ledgers[1]->acknowledgement_due());
    EXPECT_FALSE(ledgers[1]->is_settled(MemberIndex(0), seq));
    for (int blocks : acknowledge())
        EXPECT_LE(blocks, 2);
    for (auto& ledger : ledgers)
        EXPECT_TRUE(ledger->is_settled(MemberIndex(0), seq));
}

// --- checkpoints ---

// Executes the settled log alone and gives the state root after each commit.
class StraightRun {
  public:
    explicit StraightRun(const Digest& network) : engine_(testing::toy_rules(network)) {}
    Digest execute(const VerifiedBlock& block) {
        EventBuffer events;
        engine_.apply({block.header.timestamp, block.header.rules_version, block.batches}, events);
        return state_root_of(engine_.freeze());
    }

  private:
    Engine engine_;
};

TEST(Checkpoints, AreTheFirstCommitAndEach256thOrEachSecondAfterTheLast) {
    CheckpointSchedule schedule;
    std::vector<std::uint64_t> found;
    for (std::uint64_t index = 1; index <= 600; ++index) {
        const std::int64_t ms = index < 300 ? 7'000 : 7'999 + static_cast<std::int64_t>(index - 300);
        if (schedule.pass(index, {ms})) found.push_back(index);
    }
    EXPECT_EQ(found, (std::vector<std::uint64_t>{1, 257, 301, 557}));
}

TEST_F(OpenLedgerAlone, HandsOutTheStateAtEachCheckpoint) {
    StraightRun straight(network);
    StateRoot root;
    std::vector<std::uint64_t> commits;
    for (std::uint64_t i = 1; i <= 600; ++i) {
        std::vector<Command> commands;
        if (i == 1) commands = {open(0, "alice"), faucet(0, "alice", 2, testing::toy_usd)};
        if (i > 1) commands = {limit(0, "alice", 1 + i, Side::buy, 10 + static_cast<std::int64_t>(i % 7))};
        const Digest should = straight.execute(emit(0, commands));
        ledgers[0]->execute();
        const auto checkpoint = ledgers[0]->take_checkpoint();
        if (!checkpoint) continue;
        commits.push_back(checkpoint->commit);
        EXPECT_EQ(checkpoint->commit, i);
        EXPECT_EQ(to_hex(root.advance(checkpoint->state)), to_hex(should));
    }
    EXPECT_EQ(commits, (std::vector<std::uint64_t>{1, 257, 513}));
    EXPECT_FALSE(ledgers[0]->take_checkpoint().has_value());
    EXPECT_EQ(ledgers[0]->stats().checkpoint_replays, 0u);
    EXPECT_EQ(ledgers[0]->stats().commands_replayed, 0u);
}

TEST_F(OpenLedgerOfTwo, ACheckpointIsOfTheSettledCommitWhateverWasExecutedAfterIt) {
    emit_to_all(0, {open(0, "alice"), faucet(0, "alice", 2, testing::toy_usd)});
    acknowledge();
    StateRoot roots[3];
    std::map<std::uint64_t, Digest> known;
    auto compare = [&] {
        for (std::size_t i = 0; i < ledgers.size(); ++i)
            if (const auto checkpoint = ledgers[i]->take_checkpoint()) {
                const Digest root = roots[i].advance(checkpoint->state);
                const auto [entry, is_new] = known.emplace(checkpoint->commit, root);
                EXPECT_EQ(to_hex(entry->second), to_hex(root)) << "commit " << checkpoint->commit;
            }
    };
    compare();
    for (std::uint64_t i = 0; i < 700; ++i) {
        emit_to_all(0, {limit(0, "alice", 3 + i, Side::buy, 10 + static_cast<std::int64_t>(i % 7))});
        if (i % 5 == 0) emit_to_all(1, {});
        compare();
    }
    acknowledge();
    compare();
    EXPECT_GE(known.size(), 4u);
    for (auto& ledger : ledgers) {
        EXPECT_EQ(ledger->stats().checkpoint_replays, 0u) << "the states were kept while they waited";
        EXPECT_EQ(ledger->stats().commands_replayed, 0u);
    }
}

TEST_F(OpenLedgerOfTwo, AfterALongWaitTheStateOfTheLastCheckpointIsExecutedAgain) {
    emit_to_all(0, {open(0, "alice"), faucet(0, "alice", 2, testing::toy_usd)});
    // Node 1 hears nothing while more checkpoints pass than are kept.
    const std::uint64_t commits = checkpoint_commits * (OpenLedger::frozen_states_max + 3) + 100;
    std::vector<VerifiedBlock> blocks;
    for (std::uint64_t i = 0; i < commits; ++i) {
        blocks.push_back(emit(0, i % 64 == 0
                                     ? std::vector<Command>{limit(0, "alice", 3 + i / 64, Side::buy, 10)}
                                     : std::vector<Command>{}));
        ledgers[0]->execute();
    }
    EXPECT_EQ(ledgers[0]->stats().checkpoint_replays, 0u);
    for (const VerifiedBlock& block : blocks)
        for (std::size_t other : {1u, 2u})
            deliver(block, other);
    for (auto& ledger : ledgers)
        ledger->execute();
    acknowledge();
    for (auto& ledger : ledgers) {
        EXPECT_GT(ledger->stats().checkpoint_replays, 0u);
        EXPECT_LE(ledger->stats().checkpoint_replays, checkpoint_commits + 10);
    }
    std::optional<Checkpoint> checkpoints[3];
    for (std::size_t i = 0; i < 3; ++i) {
        checkpoints[i] = ledgers[i]->take_checkpoint();
        ASSERT_TRUE(checkpoints[i].has_value());
        EXPECT_EQ(checkpoints[i]->commit, checkpoints[0]->commit);
        EXPECT_EQ(to_hex(state_root_of(checkpoints[i]->state)), to_hex(state_root_of(checkpoints[0]->state)));
    }
}

}  // namespace
}  // namespace peerbook::exchange
