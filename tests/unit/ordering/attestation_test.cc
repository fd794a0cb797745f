#include "exchange/ordering/attestation.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace peerbook::exchange {
namespace {

Digest digest(std::uint64_t value) {
    return Hasher("test").add_u64(value).finish();
}

StateVote vote_for(std::uint64_t commit) {
    return {commit, digest(commit), digest(1'000 + commit)};
}

struct AttestationTest : testing::Test {
    Attestation attestation;

    void settle_to(std::uint64_t commit) {
        while (length < commit) {
            ++length;
            attestation.settled(length, digest(length));
        }
    }
    void vote(std::uint32_t member, const StateVote& vote) { attestation.vote(MemberIndex(member), vote); }

    std::uint64_t length = 0;
};

TEST_F(AttestationTest, MoreThanHalfAndFOfTheMembersAreNeeded) {
    const std::size_t needed[] = {1, 2, 2, 4, 4, 5, 6, 7, 7, 9};
    for (std::size_t members = 1; members <= 10; ++members) {
        EXPECT_EQ(Attestation::votes_needed(members), needed[members - 1]) << members << " members";
        const std::size_t f = (members - 1) / 3;
        EXPECT_GT(2 * Attestation::votes_needed(members), members + 2 * f);
        EXPECT_LE(2 * (Attestation::votes_needed(members) - 1), members + 2 * f);
    }
}

TEST_F(AttestationTest, TheStateThatEnoughMembersSignedIsAttestedUpToTheLeastOfTheirVotes) {
    attestation.begin(5);
    settle_to(10);
    vote(0, vote_for(10));
    vote(1, vote_for(7));
    vote(2, vote_for(9));
    EXPECT_EQ(attestation.attested(), 0u);
    vote(3, vote_for(8));
    EXPECT_EQ(attestation.attested(), 7u);
    vote(1, vote_for(9));
    EXPECT_EQ(attestation.attested(), 8u);
    EXPECT_EQ(attestation.counted(MemberIndex(1)), 9u);
    EXPECT_TRUE(attestation.take_disagreements().empty());
}

TEST_F(AttestationTest, OneMembersVotesCountOnce) {
    attestation.begin(2);
    settle_to(3);
    for (std::uint64_t commit = 1; commit <= 3; ++commit)
        vote(0, vote_for(commit));
    EXPECT_EQ(attestation.attested(), 0u);
}

TEST_F(AttestationTest, AVoteForWhatIsNotSettledHereWaitsForThat) {
    attestation.begin(2);
    vote(0, vote_for(2));
    vote(1, vote_for(2));
    settle_to(1);
    EXPECT_EQ(attestation.attested(), 0u);
    settle_to(2);
    EXPECT_EQ(attestation.attested(), 2u);
}

TEST_F(AttestationTest, OfVotesThatWaitTheNewestFewAreKept) {
    attestation.begin(1);
    for (std::uint64_t commit = 1; commit <= Attestation::votes_kept + 1; ++commit)
        vote(0, vote_for(commit));
    settle_to(1);
    EXPECT_EQ(attestation.attested(), 0u);
    settle_to(2);
    EXPECT_EQ(attestation.attested(), 2u);
}

TEST_F(AttestationTest, AVoteForAnotherLogDoesNotCountAndIsTold) {
    attestation.begin(3);
    settle_to(4);
    StateVote other = vote_for(4);
    other.prefix = digest(99);
    vote(0, vote_for(4));
    vote(2, other);
    EXPECT_EQ(attestation.attested(), 0u);
    const auto told = attestation.take_disagreements();
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].member, MemberIndex(2));
    EXPECT_EQ(told[0].commit, 4u);
    EXPECT_TRUE(told[0].is_log);
    EXPECT_TRUE(attestation.take_disagreements().empty());
    EXPECT_EQ(attestation.disagreeing(), 1u);
    vote(1, vote_for(4));
    EXPECT_EQ(attestation.attested(), 4u);
}

TEST_F(AttestationTest, AnotherRootIsToldWhenTheOwnOneIsMade) {
    attestation.begin(3);
    settle_to(4);
    StateVote other = vote_for(4);
    other.root = digest(98);
    vote(1, other);
    EXPECT_TRUE(attestation.take_disagreements().empty());
    attestation.made_root(4, vote_for(4).root);
    const auto told = attestation.take_disagreements();
    ASSERT_EQ(told.size(), 1u);
    EXPECT_FALSE(told[0].is_log);
    EXPECT_EQ(attestation.disagrees_at(MemberIndex(1)), 4u);
    vote(0, vote_for(4));
    EXPECT_EQ(attestation.attested(), 0u);
}

TEST_F(AttestationTest, TheOwnVoteIsForTheLastRoot) {
    attestation.begin(1);
    settle_to(4);
    EXPECT_FALSE(attestation.own_vote());
    attestation.made_root(3, vote_for(3).root);
    EXPECT_EQ(attestation.own_vote(), vote_for(3));
}

TEST_F(AttestationTest, ANewViewCountsItsOwnMembersVotesAndTakesNothingBack) {
    attestation.begin(2);
    settle_to(5);
    vote(0, vote_for(5));
    vote(1, vote_for(5));
    ASSERT_EQ(attestation.attested(), 5u);
    attestation.begin(3);
    settle_to(6);
    EXPECT_EQ(attestation.attested(), 5u);
    vote(2, vote_for(6));
    EXPECT_EQ(attestation.attested(), 5u);
    vote(1, vote_for(6));
    EXPECT_EQ(attestation.attested(), 6u);
}

TEST_F(AttestationTest, WhatIsTooOldToCompareDoesNotCount) {
    attestation.begin(1);
    settle_to(Attestation::prefixes_max + 5);
    vote(0, vote_for(5));
    EXPECT_EQ(attestation.attested(), 0u);
    vote(0, vote_for(6));
    EXPECT_EQ(attestation.attested(), 6u);
}

}  // namespace
}  // namespace peerbook::exchange
