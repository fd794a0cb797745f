#include "exchange/ordering/dag.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/unit/ordering/drawn_dag.h"

namespace peerbook::exchange {
namespace {

constexpr WallTime now{10'000};

class DagOfThree : public ::testing::Test {
  protected:
    explicit DagOfThree(DagLimits limits = {}) : dag(drawn.view(), PublicKey{}, limits) {}

    AcceptKind offer(const std::string& name) { return dag.offer(drawn.block(name), now).kind; }
    void accept(const std::string& names) {
        std::istringstream words(names);
        for (std::string name; words >> name;)
            ASSERT_EQ(offer(name), AcceptKind::accepted) << name;
    }
    std::string refusal(VerifiedBlock block) {
        const AcceptOutcome outcome = dag.offer(std::move(block), now);
        EXPECT_EQ(outcome.kind, AcceptKind::invalid);
        return outcome.why;
    }
    // Names of what was accepted since the last call.
    std::string accepted() {
        std::string names;
        for (const Dag::Accepted& item : dag.take_accepted())
            names += (names.empty() ? "" : " ") + drawn.name_of(item.block.digest);
        return names;
    }
    std::string missing(const std::vector<ParentRef>& refs) const {
        std::string names;
        for (const ParentRef& ref : refs)
            names += (names.empty() ? "" : " ") + drawn.name_of(ref.digest);
        return names;
    }

    DrawnDag drawn{3};
    Dag dag;
};

#define EXPECT_SAYS(text, part)                                              \
    do {                                                                     \
        const std::string said = (text);                                     \
        EXPECT_NE(said.find(part), std::string::npos) << '"' << said << '"'; \
    } while (false)

TEST_F(DagOfThree, AcceptsBlocksWhoseParentsItHas) {
    drawn.draw(R"(
        A1 :
        B1 : A1
        A2 : A1 B1
    )");
    accept("A1 B1 A2");
    EXPECT_EQ(accepted(), "A1 B1 A2");
    EXPECT_EQ(dag.version_vector(), (VersionVector{2, 1, 0}));
    EXPECT_EQ(dag.find(drawn.digest("A2"))->seq, 2u);
    EXPECT_EQ(offer("B1"), AcceptKind::duplicate);
}

TEST_F(DagOfThree, SuspendsUntilTheParentsComeAndThenAcceptsInCausalOrder) {
    drawn.draw(R"(
        A1 :
        B1 : A1
        C1 : B1
        A2 : A1 C1
    )");
    const AcceptOutcome outcome = dag.offer(drawn.block("A2"), now);
    EXPECT_EQ(outcome.kind, AcceptKind::suspended);
    EXPECT_EQ(missing(outcome.missing), "A1 C1");
    EXPECT_EQ(missing(dag.offer(drawn.block("C1"), now).missing), "B1");
    EXPECT_EQ(offer("A2"), AcceptKind::duplicate);
    EXPECT_TRUE(dag.has(drawn.digest("A2")));
    EXPECT_FALSE(dag.find(drawn.digest("A2")).has_value());
    EXPECT_EQ(missing(dag.missing(9)), "A1 B1");
    EXPECT_EQ(missing(dag.missing(1)), "A1");
    // B1's parent A1 is missing, but A1 is already asked for by A2.
    EXPECT_EQ(missing(dag.offer(drawn.block("B1"), now).missing), "A1");
    EXPECT_EQ(accepted(), "");
    EXPECT_EQ(offer("A1"), AcceptKind::accepted);
    EXPECT_EQ(accepted(), "A1 B1 C1 A2");
    EXPECT_EQ(dag.suspended_count(), 0u);
    EXPECT_TRUE(dag.missing(9).empty());
}

TEST_F(DagOfThree, DoesNotAskForParentsThatWaitHereThemselves) {
    drawn.draw(R"(
        A1 :
        A2 : A1
        A3 : A2
    )");
    EXPECT_EQ(offer("A2"), AcceptKind::suspended);
    EXPECT_EQ(missing(dag.offer(drawn.block("A3"), now).missing), "");
}

TEST_F(DagOfThree, KeepsTheFirstOfTwoBlocksOfOneSeq) {
    drawn.draw(R"(
        A1 :
        A2 : A1
        A2': A1
        B1 : A2'
    )");
    accept("A1 A2");
    EXPECT_EQ(offer("A2'"), AcceptKind::equivocation);
    EXPECT_EQ(dag.refused_count(), 1u);
    // Whoever built on the other one waits.
    EXPECT_EQ(offer("B1"), AcceptKind::suspended);
    EXPECT_EQ(dag.version_vector(), (VersionVector{2, 0, 0}));
    EXPECT_FALSE(dag.is_forked());
}

TEST_F(DagOfThree, TakesTheSecondOfTwoBlocksOnceSomebodyBuiltOnIt) {
    drawn.draw(R"(
        A1 :
        A2 : A1
        A2': A1
        A3': A2'
        B1 : A3'
        C1 : A2
        A4': A3'
    )");
    accept("A1 A2 C1");
    EXPECT_EQ(missing(dag.offer(drawn.block("B1"), now).missing), "A3'");
    EXPECT_EQ(missing(dag.offer(drawn.block("A3'"), now).missing), "A2'");
    accept("A2'");
    EXPECT_EQ(accepted(), "A1 A2 C1 A2' A3' B1");
    EXPECT_TRUE(dag.is_forked());
    EXPECT_TRUE(dag.is_forked(MemberIndex(0)));
    EXPECT_FALSE(dag.is_forked(MemberIndex(1)));
    // The author's chain is what it was.
    EXPECT_EQ(dag.version_vector(), (VersionVector{2, 1, 1}));
    EXPECT_EQ(dag.digest_at(MemberIndex(0), 2), drawn.digest("A2"));
    EXPECT_EQ(dag.own_chain(MemberIndex(0), drawn.digest("A3'")),
              (std::vector{drawn.digest("A3'"), drawn.digest("A2'"), drawn.digest("A1")}));
    EXPECT_TRUE(dag.own_chain(MemberIndex(1), drawn.digest("A3'")).empty());
    // Nobody built on this one.
    EXPECT_EQ(offer("A4'"), AcceptKind::equivocation);
}

TEST_F(DagOfThree, TakesAllBranchesOfAMemberThatIsKnownToHaveThem) {
    drawn.draw(R"(
        A1 :
        A2 : A1
        A2': A1
        A3': A2'
        B1 :
        B1':
    )");
    accept("A1 A2 B1");
    dag.take_branches(MemberIndex(0));
    accept("A2' A3'");
    EXPECT_EQ(offer("B1'"), AcceptKind::equivocation);
    EXPECT_EQ(dag.offer(drawn.block("A2'"), now).kind, AcceptKind::duplicate);
}

TEST_F(DagOfThree, ABranchMayLieInFrontOfWhatIsSettled) {
    drawn.draw(R"(
        B1 :
        A1 : B1
        A1':
    )");
    accept("B1 A1");
    dag.set_settled_round(2);
    EXPECT_EQ(offer("A1'"), AcceptKind::equivocation);
    dag.take_branches(MemberIndex(0));
    accept("A1'");
    const auto all = dag.take_accepted();
    ASSERT_EQ(all.size(), 3u);
    EXPECT_FALSE(all[1].is_on_branch);
    EXPECT_TRUE(all[2].is_on_branch);
}

TEST_F(DagOfThree, WhatMembersHoldStaysAsItWasBeforeTheFork) {
    drawn.draw(R"(
        A1 :
        B1 : A1
        C1 : B1
        A2 : A1 C1
        A1':
        B2 : B1 A2
        B2': B1
    )");
    accept("A1 B1 C1 A2");
    const auto before = dag.stable_rounds();
    EXPECT_EQ(before, (std::vector<std::uint64_t>{2, 0, 1}));
    dag.take_branches(MemberIndex(0));
    accept("A1' B2");
    EXPECT_EQ(dag.stable_rounds(), before);
}

TEST_F(DagOfThree, WhatAJournalHoldsWasTakenBefore) {
    drawn.draw(R"(
        A1 :
        A1':
    )");
    accept("A1");
    EXPECT_EQ(dag.offer(drawn.block("A1'"), now, true).kind, AcceptKind::accepted);
}

class DagWithFewBranches : public DagOfThree {
  protected:
    DagWithFewBranches() : DagOfThree(limits()) {}
    static DagLimits limits() {
        DagLimits limits;
        limits.branch_blocks_per_author_max = 1;
        return limits;
    }
};

TEST_F(DagWithFewBranches, BoundsTheBranchesOfEachAuthor) {
    drawn.draw(R"(
        A1 :
        A1':
        A2': A1'
        B1 :
        B1':
    )");
    accept("A1 B1");
    dag.take_branches(MemberIndex(0));
    dag.take_branches(MemberIndex(1));
    accept("A1'");
    EXPECT_EQ(offer("A2'"), AcceptKind::equivocation);
    accept("B1'");
}

TEST_F(DagOfThree, SuspendedSiblingsLoseWhenOneIsAccepted) {
    drawn.draw(R"(
        A1 :
        B1 :
        A2 : A1
        A2': A1 B1
    )");
    EXPECT_EQ(offer("A2"), AcceptKind::suspended);
    EXPECT_EQ(offer("A2'"), AcceptKind::suspended);
    accept("B1");
    accept("A1");
    EXPECT_EQ(dag.suspended_count(), 0u);
    EXPECT_EQ(dag.version_vector(), (VersionVector{2, 1, 0}));
    EXPECT_EQ(dag.refused_count(), 1u);
}

TEST_F(DagOfThree, RefusesAuthorsOutsideTheView) {
    drawn.draw("A1 :");
    EXPECT_SAYS(refusal(drawn.broken("A1", [](BlockHeader& h) { ++h.author.data[0]; })), "not a member");
}

TEST_F(DagOfThree, RefusesHeadersThatBreakARuleByThemselves) {
    drawn.draw("A1 :");
    EXPECT_SAYS(refusal(drawn.broken("A1", [](BlockHeader& h) { h.round = 2; })), "round");
}

TEST_F(DagOfThree, RefusesAReferenceWithAnotherAuthorOrRound) {
    drawn.draw(R"(
        A1 :
        B1 :
        B2 : B1
        C1 : B1
    )");
    accept("A1 B1");
    EXPECT_SAYS(refusal(drawn.broken("C1", [](BlockHeader& h) { h.parents[0].author = MemberIndex(0); })),
                "another author or round");
    EXPECT_SAYS(refusal(drawn.broken("C1",
                                     [](BlockHeader& h) {
                                         h.parents[0].round = 5;
                                         h.round = 6;
                                     })),
                "another author or round");
}

TEST_F(DagOfThree, RefusesASeqThatDoesNotFollow) {
    drawn.draw(R"(
        A1 :
        A2 : A1
    )");
    accept("A1");
    EXPECT_SAYS(refusal(drawn.broken("A2", [](BlockHeader& h) { h.seq = 3; })), "does not follow");
}

TEST_F(DagOfThree, RefusesARoundThatDoesNotRise) {
    drawn.draw(R"(
        B1 :
        A1 : B1
        A2 : A1
    )");
    accept("B1 A1");
    EXPECT_SAYS(refusal(drawn.broken("A2",
                                     [](BlockHeader& h) {
                                         h.parents[0].round = 1;
                                         h.round = 2;
                                     })),
                "not above that of its author's earlier blocks");
}

TEST_F(DagOfThree, RefusesAParentThatThePreviousBlockIncludes) {
    drawn.draw(R"(
        B1 :
        A1 : B1
        A2 : A1 B1
    )");
    accept("B1 A1");
    EXPECT_SAYS(refusal(drawn.block("A2")), "no newer than what its author's previous block includes");
}

TEST_F(DagOfThree, RefusesATimestampBeforeAParents) {
    drawn.draw(R"(
        A1 : @7
        B1 : A1 @6
        C1 : A1 @7
    )");
    accept("A1");
    EXPECT_SAYS(refusal(drawn.block("B1")), "before a parent's");
    accept("C1");
}

TEST_F(DagOfThree, FindsASuspendedBlockInvalidOnceItsParentsAreThere) {
    drawn.draw(R"(
        A1 : @7
        B1 : A1 @6
    )");
    EXPECT_EQ(offer("B1"), AcceptKind::suspended);
    accept("A1");
    EXPECT_EQ(accepted(), "A1");
    EXPECT_EQ(dag.refused_count(), 1u);
    EXPECT_EQ(dag.suspended_count(), 0u);
}

TEST_F(DagOfThree, RefusesOneBlockNamedAsTwoAuthorsOnceItIsThere) {
    drawn.draw(R"(
        A1 :
        B1 :
        C1 : A1 B1
    )");
    const VerifiedBlock twice =
        drawn.broken("C1", [](BlockHeader& h) { h.parents[1].digest = h.parents[0].digest; });
    EXPECT_EQ(dag.offer(twice, now).kind, AcceptKind::suspended);
    accept("A1");
    EXPECT_EQ(dag.suspended_count(), 0u);
    EXPECT_EQ(dag.refused_count(), 1u);
}

TEST_F(DagOfThree, RefusesARoundThatIsSettled) {
    drawn.draw("A1 :");
    dag.set_settled_round(1);
    EXPECT_SAYS(refusal(drawn.block("A1")), "settled already");
}

TEST_F(DagOfThree, HoldsBackWhatIsTooFarAhead) {
    drawn.draw(R"(
        A1 : @12000
        B1 : @12001
        C1 : B1 @12001
    )");
    EXPECT_EQ(offer("A1"), AcceptKind::accepted);
    EXPECT_EQ(offer("B1"), AcceptKind::held_back);
    EXPECT_EQ(offer("B1"), AcceptKind::duplicate);
    EXPECT_EQ(dag.held_back_count(), 1u);
    dag.release_held_back(now);
    EXPECT_EQ(dag.held_back_count(), 1u);
    EXPECT_EQ(dag.offer(drawn.block("C1"), {now.ms + 1}).kind, AcceptKind::suspended);
    dag.release_held_back({now.ms + 1});
    EXPECT_EQ(dag.held_back_count(), 0u);
    EXPECT_EQ(accepted(), "A1 B1 C1");
}

TEST_F(DagOfThree, NeverHoldsBackItsOwn) {
    drawn.draw("A1 : @99999");
    Dag mine(drawn.view(), drawn.key(0), DagLimits{});
    EXPECT_EQ(mine.offer(drawn.block("A1"), now).kind, AcceptKind::accepted);
}

TEST_F(DagOfThree, HoldsBackTheGreatestTimestampWithoutOverflow) {
    drawn.draw("A1 : @9223372036854775807");
    EXPECT_EQ(dag.offer(drawn.block("A1"), WallTime{-5}).kind, AcceptKind::held_back);
}

TEST_F(DagOfThree, NextBlockNamesOwnTipFirstAndThenWhatIsNewer) {
    drawn.draw(R"(
        A1 :
        C1 : A1 @5
        B1 : A1 C1
        B2 : B1
    )");
    EXPECT_EQ(dag.next_block(MemberIndex(0)).seq, 1u);
    EXPECT_EQ(dag.next_block(MemberIndex(0)).round, 1u);
    accept("A1 C1");
    Dag::NextBlock next = dag.next_block(MemberIndex(2));
    EXPECT_EQ(next.seq, 2u);
    EXPECT_EQ(next.parents, std::vector<ParentRef>{drawn.ref("C1")});
    EXPECT_EQ(next.timestamp_min, WallTime{5});
    next = dag.next_block(MemberIndex(1));
    EXPECT_EQ(next.seq, 1u);
    EXPECT_EQ(next.parents, (std::vector<ParentRef>{drawn.ref("A1"), drawn.ref("C1")}));
    EXPECT_EQ(next.round, 3u);
}

class DagWithLittleRoom : public DagOfThree {
  protected:
    DagWithLittleRoom() : DagOfThree({2, 64u << 20, Duration::seconds(2)}) {
        drawn.draw(R"(
            A1 :
            A2 : A1
            A3 : A2
            A4 : A3
            B1 :
            B2 : B1
        )");
    }
};

TEST_F(DagWithLittleRoom, DropsTheHighestRoundsOfTheAuthor) {
    EXPECT_EQ(offer("A3"), AcceptKind::suspended);
    EXPECT_EQ(offer("A4"), AcceptKind::suspended);
    EXPECT_EQ(offer("A2"), AcceptKind::suspended);  // takes A4's place
    EXPECT_EQ(dag.suspended_count(), 2u);
    EXPECT_FALSE(dag.has(drawn.digest("A4")));
    EXPECT_EQ(offer("A4"), AcceptKind::dropped);
    EXPECT_EQ(offer("B2"), AcceptKind::suspended);  // another author has its own room
    accept("A1");
    EXPECT_EQ(accepted(), "A1 A2 A3");
    accept("A4");
}

TEST_F(DagWithLittleRoom, AsksAgainForADroppedParent) {
    EXPECT_EQ(offer("A3"), AcceptKind::suspended);
    EXPECT_EQ(offer("A4"), AcceptKind::suspended);
    drawn.draw("B3 : B2 A4");
    EXPECT_EQ(offer("B3"), AcceptKind::suspended);
    EXPECT_EQ(missing(dag.missing(9)), "A2 B2");
    EXPECT_EQ(offer("A2"), AcceptKind::suspended);
    EXPECT_EQ(missing(dag.missing(9)), "A1 B2 A4");
    accept("B1 B2 A1 A4");
    EXPECT_EQ(accepted(), "B1 B2 A1 A2 A3 A4 B3");
}

class DagWithFewBytes : public DagOfThree {
  protected:
    // A share of three bytes an author: one drawn block (two bytes) fits, a second does not.
    DagWithFewBytes() : DagOfThree({100, 9, Duration::seconds(2)}) {
        drawn.draw(R"(
            A1 :
            A2 : A1
            A3 : A2
            B1*: @20000
            B2 : B1 @20000
        )");
    }
};

TEST_F(DagWithFewBytes, BoundsTheBytesOfEachAuthor) {
    EXPECT_EQ(offer("A3"), AcceptKind::suspended);
    EXPECT_EQ(offer("A2"), AcceptKind::suspended);
    EXPECT_FALSE(dag.has(drawn.digest("A3")));
    accept("A1 A3");
}

TEST_F(DagWithFewBytes, CountsWhatIsHeldBackToo) {
    EXPECT_EQ(offer("B1"), AcceptKind::held_back);  // above the share, but one block always fits
    EXPECT_EQ(offer("B2"), AcceptKind::dropped);
    dag.release_held_back({20'000});
    EXPECT_EQ(dag.offer(drawn.block("B2"), {20'000}).kind, AcceptKind::accepted);
}

// Two members talk for long; the third's tip decides what must be kept.
class DagOverLongTime : public DagOfThree {
  protected:
    void talk(int from, int to) {
        for (int i = from; i <= to; ++i) {
            const std::string n = std::to_string(i), p = std::to_string(i - 1);
            drawn.draw(i == 1 ? "A1 :\nB1 : A1"
                              : "A" + n + " : A" + p + " B" + p + "\nB" + n + " : B" + p + " A" + n);
            accept("A" + n + " B" + n);
        }
        dag.prune();
    }
};

TEST_F(DagOverLongTime, KeepsWhatASilentMemberMayStillName) {
    talk(1, 300);
    EXPECT_EQ(dag.node_count(), 600u);
    drawn.draw("C1 : A5");
    accept("C1");
}

TEST_F(DagOverLongTime, ForgetsWhatEverybodyIncludesAndKeepsTheTips) {
    drawn.draw("C1 :");
    accept("C1");
    talk(1, 300);
    drawn.draw("C2 : C1 A300 B300");
    accept("C2");
    dag.prune();
    EXPECT_LT(dag.node_count(), 270u);
    EXPECT_EQ(dag.find(drawn.digest("A1")), std::nullopt);
    EXPECT_EQ(offer("A1"), AcceptKind::duplicate);
    EXPECT_EQ(offer("C1"), AcceptKind::duplicate);
    for (const char* tip : {"A300", "B300", "C2"})
        EXPECT_TRUE(dag.find(drawn.digest(tip)).has_value()) << tip;
    drawn.draw("C3 : C2 A5");
    EXPECT_SAYS(refusal(drawn.block("C3")), "older than what every member has included");
    talk(301, 302);
    EXPECT_EQ(dag.version_vector(), (VersionVector{302, 302, 2}));
}

}  // namespace
}  // namespace peerbook::exchange
