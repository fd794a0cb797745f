// That what measures settling measures it: a small network for one virtual second.
#include "tests/sim/latency.h"

#include <gtest/gtest.h>

namespace peerbook::sim {
namespace {

LatencyPlan small(LatencyPlan plan) {
    plan.orders_per_second = 300;
    plan.markets = 2;
    plan.accounts_per_node = 4;
    plan.warm_up_us = 700'000;
    plan.measured_us = 1'000'000;
    return plan;
}

TEST(Latency, EveryCommandSettlesAndLaterThanItIsProvisional) {
    const LatencyPlan plan = small(LatencyPlan::lan());
    const LatencyResult result = measure_latency(plan);
    ASSERT_EQ(result.failure, "");
    EXPECT_EQ(result.refused, 0u);
    EXPECT_EQ(result.provisional_us.size() + result.settled_us.size(), result.submitted);
    EXPECT_NEAR(static_cast<double>(result.submitted), 300, 60);
    EXPECT_GT(result.orders_traded, 0u);
    const std::int64_t provisional = percentile(result.provisional_us, 50);
    const std::int64_t settled = percentile(result.settled_us, 50);
    EXPECT_GE(result.provisional_us.front(), plan.sync_us);
    EXPECT_GT(settled, provisional + plan.delay_us_min);
    // What every member has to say about it takes two blocks each, so three writes and three ways, and waits.
    EXPECT_LT(settled, 30'000);
}

TEST(Latency, TwoRunsOfASeedAreTheSame) {
    LatencyPlan plan = small(LatencyPlan::wan());
    const LatencyResult first = measure_latency(plan), second = measure_latency(plan);
    EXPECT_EQ(first.failure, "");
    EXPECT_TRUE(first == second);
    plan.seed = 2;
    EXPECT_NE(measure_latency(plan).trace_hash, first.trace_hash);
}

TEST(Latency, APercentileIsTheValueThatSoManyDoNotExceed) {
    EXPECT_EQ(percentile({}, 50), 0);
    EXPECT_EQ(percentile({7}, 99), 7);
    EXPECT_EQ(percentile({1, 2, 3, 4}, 50), 2);
    EXPECT_EQ(percentile({1, 2, 3, 4}, 99), 4);
}

}  // namespace
}  // namespace peerbook::sim
