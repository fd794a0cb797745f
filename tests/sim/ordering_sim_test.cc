// PEERBOOK_SIM_SEEDS=N runs N seeds instead of the small fixed set; PEERBOOK_SIM_SEED=S replays one of them.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/sim/cluster.h"

namespace peerbook::sim {
namespace {

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

std::string replay_line(std::uint64_t seed) {
    return "seed " + std::to_string(seed) + "; replay: PEERBOOK_SIM_SEED=" + std::to_string(seed) +
           " sim_ordering --gtest_filter=OrderingSimulation.NodesAgreeAndEverythingSettles";
}

void add(Tally& sum, const Tally& one) {
    sum.commands += one.commands;
    sum.commits += one.commits;
    sum.empty_blocks += one.empty_blocks;
    sum.rollbacks += one.rollbacks;
    sum.retractions += one.retractions;
    sum.suspended += one.suspended;
    sum.held_back += one.held_back;
    sum.duplicates += one.duplicates;
    sum.fetches += one.fetches;
    sum.fills += one.fills;
    sum.due += one.due;
    sum.roots += one.roots;
    sum.commits_executed += one.commits_executed;
    sum.checkpoint_replays += one.checkpoint_replays;
}

// Every tenth seed is settled a second time, slowly and naively, at each step.
Options options_of(std::uint64_t seed) {
    Options options = Options::draw(seed);
    if (seed % 10 == 0) options.naive = SettleRule::right;
    return options;
}

TEST(OrderingSimulation, NodesAgreeAndEverythingSettles) {
    const std::uint64_t only = number_from_environment("PEERBOOK_SIM_SEED", 0);
    const std::uint64_t first = only ? only : 1;
    const std::uint64_t last = only ? only : number_from_environment("PEERBOOK_SIM_SEEDS", 200);
    Tally sum;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        Cluster cluster(options_of(seed));
        const std::string failure = cluster.run();
        ASSERT_EQ(failure, "") << replay_line(seed);
        add(sum, cluster.tally());
    }
    std::printf(
        "%llu commands, %llu commits, %llu empty blocks, %llu rollbacks, %llu retractions, %llu fills, "
        "%llu suspended, %llu held back, %llu duplicates, %llu fetches, %llu due by time, %llu roots, %llu "
        "executions of commits, %llu of them for checkpoints\n",
        static_cast<unsigned long long>(sum.commands), static_cast<unsigned long long>(sum.commits),
        static_cast<unsigned long long>(sum.empty_blocks), static_cast<unsigned long long>(sum.rollbacks),
        static_cast<unsigned long long>(sum.retractions), static_cast<unsigned long long>(sum.fills),
        static_cast<unsigned long long>(sum.suspended), static_cast<unsigned long long>(sum.held_back),
        static_cast<unsigned long long>(sum.duplicates), static_cast<unsigned long long>(sum.fetches),
        static_cast<unsigned long long>(sum.due), static_cast<unsigned long long>(sum.roots),
        static_cast<unsigned long long>(sum.commits_executed),
        static_cast<unsigned long long>(sum.checkpoint_replays));
    if (only) return;
    // A state that no seed reaches is a state that nothing tests.
    EXPECT_GT(sum.rollbacks, 0u);
    EXPECT_GT(sum.retractions, 0u);
    EXPECT_GT(sum.fills, 0u);
    EXPECT_GT(sum.due, 0u);
    EXPECT_GT(sum.roots, 0u);
    EXPECT_GT(sum.suspended, 0u);
    EXPECT_GT(sum.held_back, 0u);
    EXPECT_GT(sum.duplicates, 0u);
    EXPECT_GT(sum.empty_blocks, 0u);
}

TEST(OrderingSimulation, ASeedIsReplayedExactly) {
    for (std::uint64_t seed : {3u, 8u, 21u}) {
        Cluster once(options_of(seed)), again(options_of(seed));
        ASSERT_EQ(once.run(), "");
        ASSERT_EQ(again.run(), "");
        EXPECT_EQ(once.tally().log, again.tally().log);
        EXPECT_EQ(once.tally().rollbacks, again.tally().rollbacks);
        EXPECT_EQ(once.tally().duplicates, again.tally().duplicates);
    }
}

// Mutations: with a mistake in the rule, the same checkers complain within a few seeds.
std::string complaint_of(SettleRule rule) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        Options options = Options::draw(seed);
        options.naive = rule;
        options.naive_decides = true;
        options.restarts = 0;
        Cluster cluster(options);
        if (std::string failure = cluster.run(); !failure.empty()) return failure;
    }
    return "";
}

TEST(OrderingSimulationMutation, TheRightRuleIsNotAccused) {
    EXPECT_EQ(complaint_of(SettleRule::right), "");
}

TEST(OrderingSimulationMutation, AMajorityOfTipsIsNotEnough) {
    EXPECT_NE(complaint_of(SettleRule::majority_of_tips).find("settled"), std::string::npos);
}

TEST(OrderingSimulationMutation, OneRoundTooFarIsNoticed) {
    EXPECT_NE(complaint_of(SettleRule::one_round_too_far).find("settled"), std::string::npos);
}

TEST(OrderingSimulationMutation, LeavingOneMemberOutIsNoticed) {
    EXPECT_NE(complaint_of(SettleRule::without_last_member).find("settled"), std::string::npos);
}

TEST(OrderingSimulationMutation, TiesInOrderOfArrivalAreNoticed) {
    EXPECT_NE(complaint_of(SettleRule::ties_by_arrival).find("settled"), std::string::npos);
}

TEST(OrderingSimulationMutation, BlocksThatStayLostAreNoticed) {
    Options options;
    options.members = 3;
    options.loss_ppm = 200'000;
    options.fetches = false;
    EXPECT_NE(Cluster(options).run().find("not everything was settled"), std::string::npos);
}

}  // namespace
}  // namespace peerbook::sim
