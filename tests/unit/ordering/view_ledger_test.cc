// OpenLedger from one view to the next.
#include <gtest/gtest.h>

#include <memory>
#include <sstream>

#include "exchange/engine/state_root.h"
#include "exchange/ordering/open_ledger.h"
#include "tests/support/toy_market.h"
#include "tests/unit/ordering/drawn_dag.h"

namespace peerbook::exchange {
namespace {

using testing::toy_command;
using testing::toy_limit;

const WallTime now{1'000'000};

class SuccessiveViews : public ::testing::Test {
  protected:
    SuccessiveViews() : dag(3) {
        dag.draw(R"(
            A1*:
            B1 : A1
            C1*: B1
            A2*: A1 C1
            B2*: B1 A2
            C2*: C1
        )");
        // alice sells one; bob at C buys it.
        dag.set_commands(
            "A1", {open(0, "alice"), faucet(0, "alice", testing::toy_btc), limit(0, "alice", Side::sell)});
        dag.set_commands("C1", {open(2, "bob"), faucet(2, "bob", testing::toy_usd)});
        dag.set_commands("A2", {});
        dag.set_commands("B2", {open(1, "carol")});
        dag.set_commands("C2", {limit(2, "bob", Side::buy)});
    }

    // An account's first three commands.
    Command open(std::size_t member, const std::string& name) const {
        return toy_command(dag.key(member), name, 1, OpenAccount{name});
    }
    Command faucet(std::size_t member, const std::string& name, AssetId asset) const {
        return toy_command(dag.key(member), name, 2, Faucet{asset, 1'000'000'000});
    }
    Command limit(std::size_t member, const std::string& name, Side side) const {
        return toy_command(dag.key(member), name, 3, toy_limit(side, 100, 1));
    }

    std::unique_ptr<OpenLedger> ledger_of(std::size_t member, const std::string& blocks) const {
        auto ledger = empty_ledger(dag, member);
        give(*ledger, dag, blocks);
        return ledger;
    }
    // The view after all that the ledger holds, of these members.
    static View next_of(const OpenLedger& ledger, const std::vector<PublicKey>& members) {
        const View& view = ledger.view();
        View next;
        next.ledger = view.ledger;
        next.number = view.number + 1;
        next.previous = digest_of(view);
        next.members = members;
        const ChainTips tips = ledger.tips();
        for (std::size_t i = 0; i < tips.size(); ++i)
            next.cut.push_back({view.members[i], tips[i].seq, tips[i].digest});
        const OpenLedger::LogEnd end = ledger.log_end(tips);
        next.base_round = end.round;
        next.log_length = end.length;
        next.prefix_hash = end.hash;
        return next;
    }
    View cut_without_c2() const { return next_of(*ledger_of(0, "A1 B1 C1 A2 B2"), {dag.key(0), dag.key(1)}); }
    std::string names(const std::vector<LedgerUpdate::VoidBlock>& blocks) const {
        std::string all;
        for (const auto& block : blocks)
            all += dag.name_of(block.block) + " ";
        return all;
    }
    std::string names(const std::vector<Commit>& commits) const {
        std::string all;
        for (const Commit& commit : commits)
            all += dag.name_of(commit.block) + " ";
        return all;
    }
    static std::size_t fills(const std::vector<Commit>& commits) {
        std::size_t count = 0;
        for (const Commit& commit : commits)
            for (const Event& event : commit.events)
                count += event.kind == EventKind::filled;
        return count;
    }

    DrawnDag dag;
};

TEST_F(SuccessiveViews, InstallingSettlesTheWholeCutInOrder) {
    const auto ledger = ledger_of(0, "A1 B1 C1 A2 B2");
    ledger->execute();
    const std::uint64_t settled_before = ledger->settled_prefix().length;
    EXPECT_LT(settled_before, 5u);
    const View next = cut_without_c2();
    const auto update = ledger->install(next);
    ASSERT_TRUE(update.ok()) << update.error().message;
    EXPECT_TRUE(update->voided.empty());
    EXPECT_TRUE(update->retracted.empty());
    EXPECT_TRUE(update->applied.empty());
    EXPECT_EQ(update->settled.size(), 5 - settled_before);
    EXPECT_EQ(ledger->settled_prefix().length, 5u);
    EXPECT_EQ(ledger->settled_prefix().hash, next.prefix_hash);
    EXPECT_EQ(ledger->stats().settled_round, next.base_round);
    EXPECT_EQ(ledger->stats().unsettled_commands, 0u);
    EXPECT_EQ(ledger->view().number, 2u);
    EXPECT_EQ(ledger->stats().blocks_accepted, 5u);
}

TEST_F(SuccessiveViews, BlocksOutsideTheCutAreVoidAndTheirEffectsRetracted) {
    const auto ledger = ledger_of(2, "A1 B1 C1 C2");
    EXPECT_EQ(fills(ledger->execute().applied), 1u);
    give(*ledger, dag, "A2 B2");
    ledger->execute();
    const auto update = ledger->install(cut_without_c2());
    ASSERT_TRUE(update.ok()) << update.error().message;
    EXPECT_EQ(names(update->voided), "C2 ");
    EXPECT_EQ(names(update->retracted), "C2 ");
    EXPECT_EQ(fills(update->retracted), 1u);
    EXPECT_EQ(fills(update->applied), 0u);
    EXPECT_FALSE(ledger->is_member());
    // The state is that of a node that never saw it, nonces included.
    const auto other = ledger_of(0, "A1 B1 C1 A2 B2");
    ASSERT_TRUE(other->install(cut_without_c2()).ok());
    EXPECT_EQ(ledger->engine().state_digest(), other->engine().state_digest());
    EXPECT_TRUE(ledger->engine().check_invariants().ok());
}

TEST_F(SuccessiveViews, AVoidBlockThatWasNeverExecutedIsNotRetracted) {
    const auto ledger = ledger_of(2, "A1 B1 C1 A2 B2 C2");
    const auto update = ledger->install(cut_without_c2());
    ASSERT_TRUE(update.ok());
    EXPECT_EQ(names(update->voided), "C2 ");
    EXPECT_TRUE(update->retracted.empty());
    EXPECT_EQ(update->settled.size(), 5u);
    EXPECT_EQ(update->applied.size(), 5u);
}

TEST_F(SuccessiveViews, BehindAVoidBlockWhatChangedIsExecutedAgain) {
    // Whatever their order in K: C2 takes alice's order, and dave is told of it or not.
    dag.set_commands("B2",
                     {open(1, "dave"), faucet(1, "dave", testing::toy_usd), limit(1, "dave", Side::buy)});
    const auto ledger = ledger_of(2, "A1 B1 C1 A2 C2 B2");
    ledger->execute();
    const auto update = ledger->install(next_of(*ledger_of(0, "A1 B1 C1 A2 B2"), {dag.key(0)}));
    ASSERT_TRUE(update.ok());
    EXPECT_EQ(fills(update->retracted), 1u);
    const bool b2_changed = names(update->retracted) == "C2 B2 ";
    EXPECT_EQ(fills(update->applied), b2_changed ? 1u : 0u);
    EXPECT_TRUE(ledger->engine().check_invariants().ok());
}

TEST_F(SuccessiveViews, WithoutABlockOfTheCutNothingIsInstalled) {
    const auto ledger = ledger_of(1, "A1 B1 C1 A2");
    EXPECT_EQ(ledger->install(cut_without_c2()).error().code, ErrorCode::unavailable);
    EXPECT_EQ(ledger->view().number, 1u);
    give(*ledger, dag, "B2");
    EXPECT_TRUE(ledger->install(cut_without_c2()).ok());
}

TEST_F(SuccessiveViews, ACutThatLeavesOutWhatIsSettledIsRefused) {
    const auto ledger = ledger_of(0, "A1 B1 C1 A2 B2");
    ledger->execute();
    ASSERT_GT(ledger->settled_prefix().length, 0u);
    View next = cut_without_c2();
    for (CutEntry& entry : next.cut)
        entry = {entry.author, 0, {}};
    next.base_round = 0;
    next.log_length = 0;
    next.prefix_hash = {};
    EXPECT_EQ(ledger->install(next).error().code, ErrorCode::conflict);
}

TEST_F(SuccessiveViews, ARecordWithAnotherLogIsRefused) {
    const auto ledger = ledger_of(0, "A1 B1 C1 A2 B2");
    for (int field = 0; field < 3; ++field) {
        View next = cut_without_c2();
        if (field == 0) ++next.base_round;
        if (field == 1) ++next.log_length;
        if (field == 2) next.prefix_hash.data[0] ^= 1;
        EXPECT_EQ(ledger->install(next).error().code, ErrorCode::conflict) << field;
    }
    // The author may have signed that one as well.
    View next = cut_without_c2();
    next.cut[0].digest.data[0] ^= 1;
    EXPECT_EQ(ledger->install(next).error().code, ErrorCode::unavailable);
    next = cut_without_c2();
    next.number = 3;
    EXPECT_EQ(ledger->install(next).error().code, ErrorCode::invalid_input);
    EXPECT_TRUE(ledger->install(cut_without_c2()).ok());
}

TEST_F(SuccessiveViews, BlocksOfAClosedViewAreNotTakenAndThoseOfTheNextOneBeginAnew) {
    const auto a = ledger_of(0, "A1 B1 C1 A2 B2");
    const auto b = ledger_of(1, "A1 B1 C1 A2 B2");
    ASSERT_TRUE(a->install(cut_without_c2()).ok());
    EXPECT_EQ(a->accept(dag.block("C2"), now).kind, AcceptKind::other_view);
    auto emit = [&](OpenLedger& ledger, std::size_t member) {
        Block block = ledger.make_block({}, now);
        sign_block(block, dag.signer(member));
        return verify_block(SharedBytes(encode_block(block, ledger.view())), ledger.view(),
                            DrawnDag::network(), rules_version_latest, testing::CheapVerifier{})
            .value();
    };
    const VerifiedBlock first = emit(*a, 0);
    EXPECT_EQ(first.header.seq, 1u);
    EXPECT_EQ(first.header.round, a->view().base_round + 1);
    EXPECT_TRUE(first.header.parents.empty());
    EXPECT_EQ(b->accept(first, now).kind, AcceptKind::other_view);  // b has not installed it yet
    ASSERT_TRUE(b->install(cut_without_c2()).ok());
    EXPECT_EQ(b->accept(first, now).kind, AcceptKind::accepted);
    EXPECT_EQ(a->accept(first, now).kind, AcceptKind::accepted);
    for (int i = 0; i < 3; ++i)
        for (auto& [ledger, member] : {std::pair(a.get(), 0u), std::pair(b.get(), 1u)}) {
            const VerifiedBlock block = emit(*ledger, member);
            for (OpenLedger* each : {a.get(), b.get()}) {
                EXPECT_EQ(each->accept(block, now).kind, AcceptKind::accepted);
                each->take_accepted();
                each->execute();
            }
        }
    // One log across both views.
    EXPECT_GT(a->settled_prefix().length, 7u);
    EXPECT_EQ(a->settled_prefix().hash, b->settled_prefix().hash);
    EXPECT_EQ(a->settled_prefix().length, b->settled_prefix().length);
}

TEST_F(SuccessiveViews, AnEmptyViewHasAnEmptyCut) {
    const auto ledger = ledger_of(0, "");
    const auto update = ledger->install(next_of(*ledger, {dag.key(0)}));
    ASSERT_TRUE(update.ok());
    EXPECT_TRUE(update->settled.empty());
    EXPECT_EQ(ledger->settled_prefix().length, 0u);
    EXPECT_EQ(ledger->view().base_round, 0u);
}

TEST_F(SuccessiveViews, TheLastCheckpointOfTheCutIsHandedOutThoughItsStateWasNotKept) {
    const auto straight = ledger_of(0, "A1 B1 C1 A2 B2");
    straight->execute();
    straight->install(cut_without_c2()).value();
    const auto ledger = ledger_of(2, "A1 B1 C1 A2 B2 C2");
    ledger->execute();
    ledger->install(cut_without_c2()).value();
    const auto one = straight->take_checkpoint();
    const auto other = ledger->take_checkpoint();
    ASSERT_EQ(one.has_value(), other.has_value());
    if (one) {
        EXPECT_EQ(one->commit, other->commit);
    }
}

TEST_F(SuccessiveViews, KnowsWhetherItHoldsWhatTipsName) {
    const auto ledger = ledger_of(0, "A1 B1 C1");
    const ChainTips tips = ledger->tips();
    EXPECT_EQ(tips[0], (ChainTip{1, dag.digest("A1")}));
    EXPECT_EQ(ledger->holding(tips), Holding::all);
    ChainTips more = tips;
    more[0] = {2, dag.digest("A2")};
    EXPECT_EQ(ledger->holding(more), Holding::lacks_blocks);
    ChainTips other = tips;
    other[0].digest = dag.digest("A2");
    EXPECT_EQ(ledger->holding(other), Holding::other_blocks);
    EXPECT_EQ(ledger->others_in(other), std::vector{MemberIndex(0)});
    EXPECT_TRUE(ledger->others_in(more).empty());
    ChainTips fewer = tips;
    fewer[2] = {0, {}};
    EXPECT_EQ(ledger->holding(fewer), Holding::all);
}

// A signs two blocks with seq 2. B builds on the one, C on the other.
class ForkedView : public SuccessiveViews {
  protected:
    ForkedView() {
        DrawnDag forked(3);
        forked.draw(R"(
            A1*:
            B1 : A1
            C1*: B1
            A2*: A1 C1
            A2'*: A1 B1
            B2*: B1 A2
            C2*: C1 A2'
            C2c: C1 B2
            B3 : B2 C2c
        )");
        dag = std::move(forked);
        dag.set_commands(
            "A1", {open(0, "alice"), faucet(0, "alice", testing::toy_btc), limit(0, "alice", Side::sell)});
        dag.set_commands("C1", {open(2, "bob"), faucet(2, "bob", testing::toy_usd)});
        dag.set_commands("A2", {open(0, "ann")});
        dag.set_commands("A2'", {open(0, "abe")});
        dag.set_commands("B2", {open(1, "carol")});
        dag.set_commands("C2", {limit(2, "bob", Side::buy)});
    }
    // Of everything, with this one of A's two blocks.
    View next_with(const OpenLedger& ledger, const std::string& chosen) const {
        View next = next_of(ledger, {dag.key(1), dag.key(2)});
        next.cut[0].digest = dag.digest(chosen);
        const OpenLedger::LogEnd end = ledger.log_end(cut_tips(next));
        next.base_round = end.round;
        next.log_length = end.length;
        next.prefix_hash = end.hash;
        return next;
    }
    std::unique_ptr<OpenLedger> at_b() const { return forked(1, "A1 B1 C1 A2 B2", "A2' C2"); }
    std::unique_ptr<OpenLedger> at_c() const { return forked(2, "A1 B1 C1 A2' C2", "A2 B2"); }

  private:
    std::unique_ptr<OpenLedger> forked(std::size_t member, const std::string& side,
                                       const std::string& other) const {
        auto ledger = ledger_of(member, side);
        ledger->execute();
        ledger->take_branches(MemberIndex(0));
        give(*ledger, dag, other);
        ledger->execute();
        return ledger;
    }
};

TEST_F(ForkedView, AllInstallTheOneThatTheCutNamesAndTakeBackTheOther) {
    for (const std::string chosen : {"A2", "A2'"}) {
        const auto b = at_b(), c = at_c();
        EXPECT_TRUE(b->is_forked());
        EXPECT_EQ(b->tips()[0].digest, dag.digest("A2"));
        EXPECT_EQ(c->tips()[0].digest, dag.digest("A2'"));
        const View next = next_with(*b, chosen);
        EXPECT_EQ(next.log_length, 6u);
        const std::string other = chosen == "A2" ? "A2'" : "A2";
        for (OpenLedger* ledger : {b.get(), c.get()}) {
            ASSERT_TRUE(ledger->check_end(next).ok()) << ledger->check_end(next).error().message;
            const auto update = ledger->install(next);
            ASSERT_TRUE(update.ok());
            EXPECT_EQ(names(update->voided), other + " ");
            EXPECT_NE(names(update->retracted).find(other + " "), std::string::npos);
            EXPECT_NE(names(update->settled).find(chosen + " "), std::string::npos);
            EXPECT_EQ(names(update->settled).find(other + " "), std::string::npos);
            // Honest members' blocks on both sides stay.
            EXPECT_NE(names(update->settled).find("B2 "), std::string::npos);
            EXPECT_NE(names(update->settled).find("C2 "), std::string::npos);
            EXPECT_EQ(fills(update->settled), 1u);
            EXPECT_FALSE(ledger->is_forked());
            EXPECT_TRUE(ledger->engine().check_invariants().ok());
        }
        EXPECT_EQ(b->settled_prefix().hash, c->settled_prefix().hash);
        EXPECT_EQ(b->engine().state_digest(), c->engine().state_digest());
    }
}

TEST_F(ForkedView, NothingSettlesAnyMore) {
    const auto ledger = at_b();
    const std::uint64_t settled = ledger->settled_prefix().length;
    ledger->take_branches(MemberIndex(2));
    give(*ledger, dag, "C2c");
    give(*ledger, dag, "B3");
    ledger->execute();
    EXPECT_EQ(ledger->settled_prefix().length, settled);
}

TEST_F(ForkedView, OneThatLacksTheNamedBlockMayTakeItAndThenInstalls) {
    const View next = next_with(*at_b(), "A2");
    const auto ledger = ledger_of(2, "A1 B1 C1 A2' C2");
    EXPECT_EQ(ledger->check_end(next).error().code, ErrorCode::unavailable);
    EXPECT_EQ(ledger->others_in(cut_tips(next)), std::vector{MemberIndex(0)});
    EXPECT_EQ(ledger->claimed_blocks()[0], 2u);
    ledger->take_branches(MemberIndex(0));
    EXPECT_EQ(ledger->claimed_blocks()[0], 0u);  // nothing is settled, so all of A's blocks are asked for
    give(*ledger, dag, "A2 B2");
    EXPECT_TRUE(ledger->check_end(next).ok());
}

TEST_F(ForkedView, ACutWithTheOtherOfTwoBlocksOfWhichOneIsSettledIsRefused) {
    const auto settled = ledger_of(1, "A1 B1 C1 A2 B2 C2c B3");
    settled->execute();
    ASSERT_TRUE(settled->is_settled(MemberIndex(0), 2));
    View next = next_with(*at_c(), "A2'");
    next.cut[1] = {dag.key(1), 2, dag.digest("B2")};
    next.cut[2] = {dag.key(2), 2, dag.digest("C2")};
    EXPECT_EQ(settled->check_end(next).error().code, ErrorCode::unavailable);
    settled->take_branches(MemberIndex(0));
    settled->take_branches(MemberIndex(2));
    give(*settled, dag, "A2' C2");
    const Status end = settled->check_end(next);
    EXPECT_EQ(end.error().code, ErrorCode::conflict) << end.error().message;
    EXPECT_FALSE(settled->install(next).ok());
}

TEST_F(ForkedView, TheStateAfterWhatIsSettledCanBeHadAtAnyTime) {
    const auto ledger = ledger_of(1, "A1 B1 C1 A2 B2 C2c");
    EXPECT_FALSE(ledger->checkpoint_settled());  // not executed yet
    ledger->execute();
    give(*ledger, dag, "B3");
    ledger->execute();
    (void)ledger->take_checkpoint();
    const std::uint64_t length = ledger->settled_prefix().length;
    const Digest state = ledger->engine().state_digest();
    const auto checkpoint = ledger->checkpoint_settled();
    ASSERT_TRUE(checkpoint);
    EXPECT_EQ(checkpoint->commit, length);
    EXPECT_EQ(ledger->engine().state_digest(), state);
    // The same state, where nothing stands behind it.
    const auto same = ledger_of(0, "A1 B1 C1 A2");
    ASSERT_TRUE(same->install(next_of(*same, {dag.key(1), dag.key(2)})).ok());
    const auto other = same->checkpoint_settled();
    ASSERT_TRUE(other);
    EXPECT_EQ(other->commit, length);
    EXPECT_EQ(StateRoot().advance(checkpoint->state), StateRoot().advance(other->state));
}

}  // namespace
}  // namespace peerbook::exchange
