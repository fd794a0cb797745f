#include "tests/view_model/attestation.h"

#include <gtest/gtest.h>

namespace peerbook::view_model {
namespace {

constexpr std::uint64_t seeds = 1'500;

std::uint64_t violations(const AttestationRules& rules) {
    std::uint64_t found = 0;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed)
        found += !run_attestation(seed, rules).violation.empty();
    return found;
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
    EXPECT_GT(violations({.asks_for_more_votes = false, .cut_respects_votes = true}), 0u);
}

TEST(Attestation, TheFirstInOrderIsTheWrongOneToKeep) {
    EXPECT_GT(violations({.asks_for_more_votes = true, .cut_respects_votes = false}), 0u);
}

}  // namespace
}  // namespace peerbook::view_model
