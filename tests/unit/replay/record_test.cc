#include "app/replay/record.h"

#include <gtest/gtest.h>

namespace peerbook::app::replay {
namespace {

// Two buys at one price, then an execution of the first.
Flow two_orders_and_an_execution() {
    Flow flow;
    flow.scale.price_max = flow.scale.quantity_max = 1'000'000;
    flow.orders = {{11, exchange::Side::buy, false}, {12, exchange::Side::buy, false}};
    flow.commands = {
        {FlowKind::place, exchange::Side::buy, false, 0, 0, 50, 10, 0},
        {FlowKind::place, exchange::Side::buy, false, 1, 1, 50, 10, 0},
        {FlowKind::take, exchange::Side::sell, false, 0, 2, 50, 10, 0},
    };
    flow.trades = {{0, 2, false, 10}};
    flow.counts.executions = 1;
    flow.counts.executed_lots = 10;
    flow.rows = 3;
    return flow;
}

FlowOutcome resting(std::int64_t leaves) {
    FlowOutcome outcome;
    outcome.leaves = leaves;
    return outcome;
}

FlowOutcome filled(std::vector<FlowFill> fills) {
    FlowOutcome outcome;
    outcome.fills = std::move(fills);
    return outcome;
}

RecordReport report_of(Flow flow, FlowOutcome execution) {
    RecordCheck check(flow, nullptr);
    check.outcome(0, resting(10));
    check.outcome(1, resting(10));
    check.outcome(2, execution);
    return check.finish();
}

TEST(RecordCheck, ClassesOfExecutions) {
    const Flow flow = two_orders_and_an_execution();
    EXPECT_EQ(report_of(flow, filled({{0, 50, 10}})).executions_same, 1u);
    EXPECT_EQ(report_of(flow, filled({})).differences.nothing, 1u);
    EXPECT_EQ(report_of(flow, filled({{0, 50, 4}})).differences.partly, 1u);
    EXPECT_EQ(report_of(flow, filled({{std::nullopt, 51, 10}})).differences.better_price, 1u);
    EXPECT_EQ(report_of(flow, filled({{1, 50, 10}})).differences.other_order, 1u);
    Flow seeded = flow;
    seeded.orders[0].seeded = true;
    EXPECT_EQ(report_of(seeded, filled({{1, 50, 10}})).differences.behind_seeded, 1u);
    const RecordReport split = report_of(flow, filled({{0, 50, 6}, {1, 50, 4}}));
    EXPECT_EQ(split.executions_same, 0u);
    EXPECT_EQ(split.lots_same, 6);
    EXPECT_EQ(split.lots_executed, 10);
}

TEST(RecordCheck, TheBookIsRebuiltFromAnswers) {
    const Flow flow = two_orders_and_an_execution();
    RecordCheck check(flow, nullptr);
    check.outcome(0, resting(10));
    check.outcome(1, resting(7));
    EXPECT_EQ(check.levels(exchange::Side::buy, 5), (std::vector<MarketLevel>{{50, 17}}));
    check.outcome(2, filled({{0, 50, 10}}));
    EXPECT_EQ(check.levels(exchange::Side::buy, 5), (std::vector<MarketLevel>{{50, 7}}));
    EXPECT_TRUE(check.levels(exchange::Side::sell, 5).empty());
}

TEST(RecordCheck, RejectionsAreCountedByReason) {
    const Flow flow = two_orders_and_an_execution();
    RecordCheck check(flow, nullptr);
    FlowOutcome rejected;
    rejected.rejected = true;
    rejected.reason = exchange::Reason::insufficient_balance;
    check.outcome(0, rejected);
    EXPECT_TRUE(check.levels(exchange::Side::buy, 5).empty());
    EXPECT_EQ(check.rejections(exchange::Reason::insufficient_balance), 1u);
    EXPECT_EQ(check.finish().rejected_other, 1u);
}

TEST(RecordCheck, ClassesOfRows) {
    Flow flow = two_orders_and_an_execution();
    flow.commands.pop_back();
    flow.trades.clear();
    OfficialBook official;
    official.levels = 2;
    const auto row = [&](std::initializer_list<OfficialLevel> bids) {
        OfficialRow out;
        for (const OfficialLevel& level : bids)
            out.bids[out.bid_count++] = level;
        return out;
    };
    const auto compare = [&](const OfficialRow& second) {
        official.rows = {row({{50, 10}}), second};
        flow.rows = 2;
        RecordCheck check(flow, &official);
        check.outcome(0, resting(10));
        check.outcome(1, resting(10));
        return check.finish();
    };
    RecordReport report = compare(row({{50, 20}}));
    EXPECT_EQ(report.rows, 2u);
    EXPECT_EQ(report.rows_all, 2u);
    EXPECT_EQ(compare(row({{50, 30}})).at_best.less_quantity, 1u);
    EXPECT_EQ(compare(row({{50, 10}})).at_best.more_quantity, 1u);
    EXPECT_EQ(compare(row({{49, 20}})).at_best.extra_level, 1u);
    EXPECT_EQ(compare(row({{51, 20}})).at_best.missing_level, 1u);
    report = compare(row({{50, 20}, {49, 5}}));
    EXPECT_EQ(report.rows_best, 2u);
    EXPECT_EQ(report.rows_all, 1u);
    EXPECT_EQ(report.deeper.missing_level, 1u);
}

}  // namespace
}  // namespace peerbook::app::replay
