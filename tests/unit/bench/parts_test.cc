// The parts that are measured alone do the engine's work.
#include <gtest/gtest.h>

#include <tuple>

#include "app/bench/bench_report.h"
#include "app/bench/book_part.h"
#include "app/bench/engine_bench.h"
#include "app/bench/money_part.h"
#include "tests/unit/bench/flow_outcome.h"

namespace peerbook::app {
namespace {

using namespace exchange;

PreparedFlow made(const std::string& name) {
    WorkloadSize size;
    size.operations = 4'000;
    size.deep_orders = 10'000;  // beyond what is taken for cached
    for (const Workload& workload : generated_workloads(size))
        if (workload.name == name) return *workload.make();
    ADD_FAILURE() << "there is no workload " << name;
    return {};
}

using Fill = std::tuple<std::uint32_t, std::uint64_t, std::uint32_t, std::uint64_t, std::int64_t,
                        std::int64_t, std::int64_t>;

// The engine numbers accounts from 1, after the fee account.
std::vector<Fill> fills_of(const EventBuffer& events, std::uint32_t first_account) {
    std::vector<Fill> fills;
    for (const Event& event : events)
        if (event.kind == EventKind::filled)
            fills.emplace_back(event.order.account.value() - first_account, event.order.nonce,
                               event.maker.account.value() - first_account, event.maker.nonce,
                               event.price.value(), event.quantity.value(), event.maker_leaves.value());
    return fills;
}

TEST(BookAlone, FillsWhatTheEngineFills) {
    for (const char* name : {"stock-like", "sweeps", "icebergs", "replaces", "alternate-best", "deep-book"}) {
        PreparedFlow flow = made(name);
        flow.rules.rules_version = 1;  // commands of a commit in their order, as a book alone takes them
        const FlowOutcome outcome = execute(flow);
        BookAlone book(flow.rules.markets.size());
        EventBuffer events;
        const auto before = book_commands(flow, flow.resting), commands = book_commands(flow, flow.flow);
        ASSERT_TRUE(before && commands) << name;
        for (const BookCommand& command : *before)
            book.execute(command, events);
        events.clear();
        book.execute_all(*commands, events);
        EXPECT_GT(outcome.fills, 50u) << name;
        EXPECT_EQ(fills_of(events, 0), fills_of(outcome.events, 1)) << name;
        EXPECT_EQ(book.books().size(), outcome.run->engine().stats().resting_orders) << name;
    }
}

TEST(BookAlone, SaysWhatItCannotDo) {
    for (const char* name : {"stops-cascade", "mass-quotes", "batch-auction"}) {
        const PreparedFlow flow = made(name);
        EXPECT_FALSE(book_commands(flow, flow.flow)) << name;
    }
}

TEST(AdmissionAlone, AdmitsEachCommandOnce) {
    const PreparedFlow flow = made("stock-like");
    AdmissionAlone admission(flow);
    for (const CommandBatch& commit : flow.flow) {
        EXPECT_EQ(admission.admit(commit, 1), commit.commands.size());
        EXPECT_EQ(admission.admit(commit, 1), 0u);
    }
}

TEST(LedgerAlone, KeepsWhatThereIs) {
    const PreparedFlow flow = made("sweeps");
    const FlowOutcome outcome = execute(flow);
    std::vector<MoneyMove> moves;
    add_money_moves(outcome.events, moves);
    LedgerAlone ledger(flow.rules);
    std::uint64_t fills = 0;
    for (const MoneyMove& move : moves) {
        ledger.apply(move);
        fills += move.kind == MoneyMove::Kind::fill;
    }
    EXPECT_EQ(fills, outcome.fills);
    for (const AssetId asset : {AssetId(0), AssetId(1)}) {
        Amount sum = 0;
        for (std::uint32_t account = 0; account <= 1'000; ++account)
            sum += ledger.balances().get(AccountIndex(account), asset).total;
        EXPECT_TRUE(sum == 0);
    }
}

TEST(EngineBench, ReportsEachPartOfTheWorkloadThatIsNamed) {
    EngineBenchOptions options;
    options.size.operations = 2'000;
    options.rounds = 1;
    options.parts = true;
    options.only = {"add-cancel"};
    const Result<EngineBenchReport> report = run_engine_bench(options);
    ASSERT_TRUE(report.ok());
    ASSERT_EQ(report->workloads.size(), 1u);
    const WorkloadFigures& figures = report->workloads[0];
    EXPECT_EQ(figures.name, "add-cancel");
    EXPECT_EQ(figures.operations, 2'000u);
    EXPECT_LE(figures.p50_ns, figures.p999_ns);
    std::vector<std::string> names;
    for (const PartFigures& part : figures.parts)
        names.push_back(part.name);
    EXPECT_EQ(names,
              (std::vector<std::string>{"decode", "admission", "book", "book ahead", "ledger", "undo record",
                                        "undo back", "events", "state root", "snap write", "snap load"}));
    const std::string table = to_table(*report);
    EXPECT_NE(table.find("add-cancel"), std::string::npos);
    EXPECT_NE(table.find("state root"), std::string::npos);
}

TEST(EngineBench, RefusesAWorkloadThatIsNotThere) {
    EngineBenchOptions options;
    options.only = {"stock-like", "nonsense"};
    const Result<EngineBenchReport> report = run_engine_bench(options);
    ASSERT_FALSE(report.ok());
    EXPECT_EQ(report.error().code, ErrorCode::not_found);
    EXPECT_NE(report.error().message.find("'nonsense'"), std::string::npos);
}

}  // namespace
}  // namespace peerbook::app
