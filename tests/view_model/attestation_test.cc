#include "tests/view_model/attestation.h"

#include <gtest/gtest.h>

namespace peerbook::view_model {
namespace {

constexpr std::uint64_t seeds = 1'500;

bool has_violation(const AttestationRules& rules) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed)
        if (!run_attestation(seed, rules).violation.empty()) return true;
    return false;
}

TEST(Attestation, NoViewChangeTakesBackAnAttestedBlock) {
    std::uint64_t attested = 0;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        const AttestationRun run = run_attestation(seed, {});
        ASSERT_EQ(run.violation, "") << "seed " << seed;
        attested += run.attested;
    }
    EXPECT_GT(attested, seeds / 20);
}

TEST(Attestation, VotesOfHalfTheMembersAndHalfOfFAreTooFew) {
    EXPECT_TRUE(has_violation({.asks_for_more_votes = false}));
}

TEST(Attestation, TheFirstInOrderIsTheWrongOneToKeep) {
    EXPECT_TRUE(has_violation({.cut = Keeps::first_in_order}));
}

// Enough where a second block never stands in front of the first; but it may be given fewer parents. Rare:
// the first seeds of 20,000.
TEST(Attestation, TheOneThatVotesSettleIsNotAlwaysTheOneToKeep) {
    EXPECT_FALSE(has_violation({.cut = Keeps::what_votes_settle, .twins_go_back = false}));
    for (const std::uint64_t seed : {1'597u, 2'349u, 9'281u, 10'542u, 11'680u}) {
        EXPECT_NE(run_attestation(seed, {.cut = Keeps::what_votes_settle}).violation, "") << "seed " << seed;
        EXPECT_EQ(run_attestation(seed, {}).violation, "") << "seed " << seed;
    }
}

}  // namespace
}  // namespace peerbook::view_model
