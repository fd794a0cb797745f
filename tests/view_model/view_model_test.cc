#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/view_model/scopes.h"

namespace peerbook::view_model {
namespace {

// What a failure prints: the shortest schedule found, and how to see it again.
std::string explain(Universe& universe, Mutation mutation, const Outcome& run, std::uint64_t seed) {
    return "replay: VIEW_MODEL_SEED=" + std::to_string(seed) +
           " view_model --gtest_filter=ViewModel.*Random*\n" +
           describe(universe, shrink(universe, mutation, run));
}

TEST(ViewModel, NothingIsLostOrRunTwiceInRandomSchedules) {
    const char* one = std::getenv("VIEW_MODEL_SEED");
    const char* many = std::getenv("VIEW_MODEL_CASES");
    const std::uint64_t first = one ? std::strtoull(one, nullptr, 10) : 1;
    const std::uint64_t cases = one ? 1 : many ? std::strtoull(many, nullptr, 10) : 20'000;
    Reached reached;
    for (std::uint64_t seed = first; seed < first + cases; ++seed) {
        Universe universe;
        const Outcome run = run_schedule(universe, seed, Mutation::none, &reached);
        ASSERT_EQ(run.violation, "") << explain(universe, Mutation::none, run, seed);
    }
    if (one) return;
    for (const char* rare :
         {"adopted", "given up", "left", "lost stores", "ran", "three views", "two ledgers"})
        EXPECT_GT(reached[rare], 0) << rare << " was never reached";
    EXPECT_LT(reached["unrecoverable"] * 20, reached["schedules"]) << "too many schedules check too little";
}

TEST(ViewModel, NothingIsLostOrRunTwiceInRandomSchedulesWithForks) {
    const char* one = std::getenv("VIEW_MODEL_SEED");
    const char* many = std::getenv("VIEW_MODEL_CASES");
    const std::uint64_t first = one ? std::strtoull(one, nullptr, 10) : 1;
    const std::uint64_t cases = one ? 1 : many ? std::strtoull(many, nullptr, 10) : 10'000;
    Reached reached;
    for (std::uint64_t seed = first; seed < first + cases; ++seed) {
        Universe universe;
        const Outcome run = run_schedule(universe, seed, Mutation::none, &reached, true);
        ASSERT_EQ(run.violation, "") << explain(universe, Mutation::none, run, seed);
    }
    if (one) return;
    for (const char* rare : {"forked", "accepted", "forked twice"})
        EXPECT_GT(reached[rare], 0) << rare << " was never reached";
}

TEST(ViewModel, OneSeedIsOneSchedule) {
    Universe first, second;
    const Outcome once = run_schedule(first, 7, Mutation::none),
                  again = run_schedule(second, 7, Mutation::none);
    EXPECT_EQ(describe(first, once), describe(second, again));
}

TEST(ViewModel, ShrinkingKeepsAViolationAndOnlyWhatItNeeds) {
    Universe universe;
    const Scope scope = make_scope(universe, SmallScope::two_members_end_a_view);
    const Outcome found = search(universe, Mutation::both_halves_continue, scope).run;
    const Outcome small = shrink(universe, Mutation::both_halves_continue, found);
    ASSERT_NE(small.violation, "");
    EXPECT_EQ(replay(universe, Mutation::none, small.setup, small.actions), "");
    for (std::size_t i = 0; i < small.actions.size(); ++i) {
        std::vector<Action> fewer = small.actions;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_EQ(replay(universe, Mutation::both_halves_continue, small.setup, fewer), "");
    }
}

class SmallScopes : public testing::TestWithParam<SmallScope> {};

TEST_P(SmallScopes, HasNoViolationAnywhere) {
    Universe universe;
    const Search result = search(universe, Mutation::none, make_scope(universe, GetParam()));
    EXPECT_TRUE(result.is_complete);
    EXPECT_EQ(result.run.violation, "") << describe(universe, result.run);
    RecordProperty("states", static_cast<int>(result.states));
}

std::vector<SmallScope> all_scopes() {
    std::vector<SmallScope> scopes;
    for (int i = 0; i < static_cast<int>(SmallScope::scopes); ++i)
        scopes.push_back(static_cast<SmallScope>(i));
    return scopes;
}

INSTANTIATE_TEST_SUITE_P(ViewModel, SmallScopes, testing::ValuesIn(all_scopes()),
                         [](const auto& test) { return std::string(name_of(test.param)); });

// Where a mistake shows: in which scope, or within how many random schedules.
struct Catch {
    Mutation mutation;
    std::optional<SmallScope> scope;
    std::uint64_t seeds_max;  // 0: too rare there
    bool with_forks = false;
};

const std::vector<Catch>& catches() {
    using enum Mutation;
    using enum SmallScope;
    static const std::vector<Catch> all = {
        {settle_at_least_tip, two_found, 500},
        {settle_when_quorum_sent, two_found, 100},
        {settle_one_round_too_far, two_found, 100},
        {one_acknowledgement_only, two_found, 50},
        {acknowledges_everything, two_members_end_a_view, 100},
        {no_first_block, {}, 50},
        {observers_emit, observer_and_leaver, 500},
        {no_nonce_check, {}, 100},
        {no_reissue, two_found, 100},
        {no_consensus_on_cut, observer_and_leaver, 500},
        {cut_of_proposer, settled_by_two, 0},
        {cut_intersection, settled_by_two, 0},
        {volatile_promise, three_members_end_a_view, 0},
        {volatile_accept, two_members_end_a_view, 0},
        {quorum_of_new_view, two_members_end_a_view, 100},
        {both_halves_continue, two_members_end_a_view, 500},
        {one_promise_is_enough, three_ballots, 5000},
        {emits_after_voting, observer_and_leaver, 500},
        {ignores_accepted_value, two_members_end_a_view, 5000},
        {takes_lowest_accepted_value, three_ballots, 0},
        {accepts_below_promise, two_members_end_a_view, 0},
        {accepts_without_blocks, proposer_is_lost, 0},
        {votes_without_fsync_of_blocks, proposer_is_lost, 0},
        {volatile_proposer, two_members_end_a_view, 0},
        {keeps_paxos_state, two_members_end_a_view, 50},
        {past_not_fsynced, two_found, 2000},
        {own_block_not_fsynced, two_found, 500},
        {lost_store_same_key, proposer_is_lost, 500},
        {old_store_same_key, proposer_is_lost, 500},
        {volatile_binding, two_found, 1000},
        {volatile_tombstone, two_found, 2000},
        {gives_up_established, two_found, 1000},
        {second_leaves_by_itself, two_found, 200},
        {changes_view_before_established, {}, 500},
        {admits_before_established, three_found, 500},
        {forwards_unbound, {}, 500},
        {leaver_does_not_serve, observer_and_leaver, 5000},
        {leaver_forgets_commands, observer_and_leaver, 2000},
        {volunteer_exits, observer_and_leaver, 0},
        {adopts_without_leaving, {}, 5000},
        {fork_drops_settled, {}, 2000, true},
        {forks_while_behind, {}, 5000, true},
        {forks_while_a_quorum_lives, {}, 2000, true},
        {volatile_fork, {}, 5000, true},
    };
    return all;
}

TEST(ViewModel, EveryMutationHasAPlaceWhereItShows) {
    for (int i = 1; i < static_cast<int>(Mutation::count); ++i) {
        const auto mutation = static_cast<Mutation>(i);
        const bool is_listed = std::any_of(catches().begin(), catches().end(),
                                           [&](const Catch& row) { return row.mutation == mutation; });
        EXPECT_TRUE(is_listed) << name_of(mutation);
    }
}

class Mutations : public testing::TestWithParam<Catch> {};

TEST_P(Mutations, AreCaught) {
    const auto& [mutation, scope, seeds_max, with_forks] = GetParam();
    ASSERT_TRUE(scope || seeds_max > 0);
    if (scope) {
        Universe universe;
        const Search result = search(universe, mutation, make_scope(universe, *scope));
        EXPECT_NE(result.run.violation, "") << "in the scope " << name_of(*scope);
        RecordProperty("states", static_cast<int>(result.states));
    }
    std::uint64_t seed = 1;
    for (bool caught = seeds_max == 0; !caught; ++seed) {
        ASSERT_LE(seed, seeds_max) << "not in that many schedules";
        Universe universe;
        caught = !run_schedule(universe, seed, mutation, nullptr, with_forks).violation.empty();
    }
    RecordProperty("seeds", static_cast<int>(seed - 1));
}

INSTANTIATE_TEST_SUITE_P(ViewModel, Mutations, testing::ValuesIn(catches()),
                         [](const auto& test) { return std::string(name_of(test.param.mutation)); });

}  // namespace
}  // namespace peerbook::view_model
