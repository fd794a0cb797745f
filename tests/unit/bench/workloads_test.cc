// The generated workloads are what they are called, and nothing but their sizes and seed.
#include "app/bench/workloads.h"

#include <gtest/gtest.h>

#include <map>

#include "app/bench/engine_bench.h"
#include "base/codec.h"
#include "tests/unit/bench/flow_outcome.h"

namespace peerbook::app {
namespace {

using namespace exchange;

WorkloadSize small(std::uint64_t seed = 1) {
    WorkloadSize size;
    size.operations = 6'000;
    size.deep_orders = 10'000;
    size.level_orders = 1'000;
    size.cascade_orders = 1'200;
    size.seed = seed;
    return size;
}

PreparedFlow made(const std::string& name, const WorkloadSize& size) {
    for (const Workload& workload : generated_workloads(size))
        if (workload.name == name) return *workload.make();
    ADD_FAILURE() << "there is no workload " << name;
    return {};
}

Bytes bytes_of(const PreparedFlow& flow) {
    Bytes bytes;
    Encoder out(bytes);
    for (const auto* part : {&flow.opening, &flow.resting, &flow.flow})
        for (const CommandBatch& commit : *part)
            for (const BatchCommand& command : commit.commands) {
                out.u32(command.account);
                out.u64(command.nonce);
                encode_command_body(out, command.body);
            }
    return bytes;
}

TEST(Workloads, AreFunctionsOfTheirSizesAndSeed) {
    for (const Workload& workload : generated_workloads(small())) {
        const Bytes bytes = bytes_of(*workload.make());
        EXPECT_EQ(bytes, bytes_of(made(workload.name, small()))) << workload.name;
        EXPECT_NE(bytes, bytes_of(made(workload.name, small(2)))) << workload.name;
    }
}

TEST(Workloads, HardlyEverSendWhatIsRejected) {
    for (const Workload& workload : generated_workloads(small())) {
        const PreparedFlow flow = *workload.make();
        EXPECT_EQ(flow.name, workload.name);
        const FlowOutcome outcome = execute(flow);
        EXPECT_GE(outcome.operations, small().operations) << workload.name;
        EXPECT_LE(outcome.rejected * 100, outcome.operations) << workload.name;
        const Status sound = outcome.run->engine().check_invariants();
        EXPECT_TRUE(sound.ok()) << workload.name << ": " << sound.error().message;
    }
}

TEST(Workloads, OneLevelHasOneLevel) {
    const FlowOutcome outcome = execute(made("one-level", small()));
    EXPECT_EQ(outcome.bid_levels_max, 1u);
    EXPECT_EQ(outcome.ask_levels_max, 0u);
    EXPECT_EQ(outcome.run->engine().stats().resting_orders, small().level_orders);
}

TEST(Workloads, StopsTriggerEachOtherByTheThousand) {
    const PreparedFlow flow = made("stops-cascade", small());
    EngineRun run(flow, 0);
    run.commit_each(flow.opening);
    run.commit_each(flow.resting);
    std::map<std::uint64_t, std::size_t> by_command;
    std::uint64_t commits = 0;
    for (const CommandBatch& commit : flow.flow) {
        run.commit({&commit, 1});
        ++commits;
        for (const Event& event : run.events())
            if (event.kind == EventKind::triggered) ++by_command[commits << 32 | event.command];
    }
    ASSERT_GE(by_command.size(), 2u);
    for (const auto& [command, triggered] : by_command)
        EXPECT_EQ(triggered, small().cascade_orders);
}

TEST(Workloads, DeepBookBeginsDeep) {
    const PreparedFlow flow = made("deep-book", small());
    EngineRun run(flow, 0);
    run.commit_each(flow.opening);
    run.commit_each(flow.resting);
    EXPECT_EQ(run.engine().stats().resting_orders, small().deep_orders);
}

TEST(Workloads, ManyMarketsAllTrade) {
    const FlowOutcome outcome = execute(made("64-markets", small()));
    const Engine& engine = outcome.run->engine();
    ASSERT_EQ(engine.rules().markets.size(), 64u);
    std::size_t with_both_sides = 0;
    for (std::uint32_t market = 0; market < 64; ++market)
        with_both_sides +=
            engine.best(MarketId(market), Side::buy) && engine.best(MarketId(market), Side::sell) ? 1u : 0u;
    EXPECT_EQ(with_both_sides, 64u);
    EXPECT_GT(outcome.fills, 64u);
}

TEST(Workloads, CrashesFallAndComeBack) {
    WorkloadSize size = small();
    size.operations = 60'000;
    const FlowOutcome outcome = execute(made("flash-crash", size));
    std::int64_t lowest = INT64_MAX, last = 0;
    for (const Event& event : outcome.events)
        if (event.kind == EventKind::filled) lowest = std::min(lowest, last = event.price.value());
    EXPECT_LT(lowest, last - 5'000);
}

TEST(Workloads, SpecialOnesUseWhatTheyAreFor) {
    std::map<std::string, std::uint64_t> refreshed, requoted, replaced, collected;
    for (const char* name : {"icebergs", "mass-quotes", "replaces", "batch-auction"})
        for (const Event& event : execute(made(name, small())).events) {
            refreshed[name] += event.kind == EventKind::filled && event.ordinal > 0;
            requoted[name] += event.kind == EventKind::cancelled && event.reason == Reason::requoted;
            replaced[name] += event.kind == EventKind::replaced;
            collected[name] += event.kind == EventKind::filled && event.command == no_command;
        }
    EXPECT_GT(refreshed["icebergs"], 50u);
    EXPECT_GT(requoted["mass-quotes"], 3'000u);
    EXPECT_GT(replaced["replaces"], 2'000u);
    EXPECT_GT(collected["batch-auction"], 100u);
}

}  // namespace
}  // namespace peerbook::app
