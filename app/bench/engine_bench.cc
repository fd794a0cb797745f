#include "app/bench/engine_bench.h"

#include <algorithm>
#include <utility>

#include "app/bench/engine_run.h"
#include "base/check.h"

namespace peerbook::app {

namespace {

using namespace exchange;

// Below this the fixed parts (windows of levels, tables, pages) hide what one order costs.
constexpr std::uint64_t orders_for_bytes_min = 100'000;
constexpr std::size_t percentile_commands_max = 200'000;  // a round
constexpr std::size_t cancelling_accounts = 16;           // a commit

std::uint64_t median_timer_overhead() {
    std::vector<std::uint64_t> times(10'001);
    for (std::uint64_t& time : times)
        time = ns_since(Timer::now());
    std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
    return times[times.size() / 2];
}

// The whole flow once. Returns the counters over it.
CounterReading measure_commits(const PreparedFlow& flow, FastestStretches& stretches,
                               PerfCounters& counters) {
    EngineRun run(flow, undo_commits_kept);
    run.commit_each(flow.opening);
    run.commit_each(flow.resting);
    stretches.begin_round();
    counters.start();
    CommandBatch decoded;
    for (const CommandBatch& commit : flow.flow) {
        decoded = commit;
        const Timer::time_point start = Timer::now();
        run.commit({&decoded, 1});
        stretches.add(ns_since(start));
    }
    return counters.stop();
}

void measure_singles(const PreparedFlow& flow, std::vector<std::uint64_t>& times) {
    EngineRun run(flow, undo_commits_kept);
    run.commit_each(flow.opening);
    run.commit_each(flow.resting);
    CommandBatch single;
    single.accounts.resize(1);
    single.commands.resize(1);
    std::size_t measured = 0;
    for (const CommandBatch& commit : flow.flow) {
        single.kind = commit.kind;
        single.signer = commit.signer;
        for (const BatchCommand& command : commit.commands) {
            single.accounts[0] = commit.accounts[command.account];
            single.commands[0] = command;
            single.commands[0].account = 0;
            const Timer::time_point start = Timer::now();
            run.commit({&single, 1});
            times.push_back(ns_since(start));
        }
        measured += commit.commands.size();
        if (measured >= percentile_commands_max) break;
    }
}

void note_percentiles(std::vector<std::uint64_t>& times, WorkloadFigures& figures) {
    if (times.empty()) return;
    std::sort(times.begin(), times.end());
    const auto at = [&](std::size_t thousandths) {
        return times[std::min(times.size() - 1, times.size() * thousandths / 1'000)];
    };
    figures.p50_ns = at(500);
    figures.p99_ns = at(990);
    figures.p999_ns = at(999);
    figures.max_ns = times.back();
}

// Every account of the flow cancels all it has.
void cancel_everything(const PreparedFlow& flow, EngineRun& run) {
    CommandBatch batch;
    const auto flush = [&] {
        run.commit({&batch, 1});
        batch.accounts.clear();
        batch.commands.clear();
    };
    for (const CommandBatch& opening : flow.opening)
        for (const BatchCommand& command : opening.commands) {
            if (!std::holds_alternative<OpenAccount>(command.body)) continue;
            const AccountId& id = opening.accounts[command.account];
            const std::uint64_t nonce = run.engine().next_nonce(*run.engine().find_account(id));
            batch.signer = opening.signer;
            batch.commands.push_back(
                {nonce, 0, static_cast<std::uint32_t>(batch.accounts.size()), CancelAll{}});
            batch.accounts.push_back(id);
            if (batch.accounts.size() == cancelling_accounts) flush();
        }
    if (!batch.commands.empty()) flush();
    run.settle();
    PB_CHECK(run.engine().stats().resting_orders == 0, "an order outlived the cancelling of everything");
}

void count_events(const EventBuffer& events, WorkloadFigures& figures) {
    figures.events += events.size();
    for (const Event& event : events) {
        figures.fills += event.kind == EventKind::filled;
        figures.triggered += event.kind == EventKind::triggered;
        figures.rejected += event.kind == EventKind::rejected;
    }
}

std::uint64_t grown_since(std::uint64_t before) {
    const std::uint64_t now = heap_bytes();
    return now > before ? now - before : 0;
}

void count_outcomes(const PreparedFlow& flow, WorkloadFigures& figures) {
    const std::uint64_t heap_before = heap_bytes();
    EngineRun run(flow, undo_commits_kept);
    run.commit_each(flow.opening);
    run.settle();
    const std::uint64_t heap_opened = heap_bytes();
    run.commit_each(flow.resting);
    run.settle();
    const std::uint64_t resting = run.engine().stats().resting_orders;
    if (resting >= orders_for_bytes_min)
        figures.bytes_per_resting_order =
            static_cast<double>(grown_since(heap_opened)) / static_cast<double>(resting);
    for (const CommandBatch& commit : flow.flow) {
        run.commit({&commit, 1});
        figures.commands += commit.commands.size();
        count_events(run.events(), figures);
    }
    figures.operations = operation_count(flow.flow);
    const EngineStats stats = run.engine().stats();
    figures.resting_orders = stats.resting_orders;
    const std::size_t kept = std::min(undo_commits_kept, flow.flow.size());
    const std::uint64_t undoable =
        operation_count({flow.flow.end() - static_cast<std::ptrdiff_t>(kept), flow.flow.end()});
    if (undoable > 0)
        figures.undo_bytes_per_operation =
            static_cast<double>(stats.undo_bytes) / static_cast<double>(undoable);
    figures.memory_peak_bytes = grown_since(heap_before);
    cancel_everything(flow, run);
    figures.memory_after_bytes = grown_since(heap_before);
}

std::optional<double> divided(std::optional<double> value, double by) {
    if (value) *value /= by;
    return value;
}

CounterReading divided(const CounterReading& counters, double by) {
    return {divided(counters.cycles, by), divided(counters.instructions, by),
            divided(counters.l1d_misses, by), divided(counters.llc_misses, by)};
}

WorkloadFigures measure(const PreparedFlow& flow, const EngineBenchOptions& options, PerfCounters& counters) {
    WorkloadFigures figures;
    figures.name = flow.name;
    count_outcomes(flow, figures);
    if (figures.operations == 0) return figures;
    const auto operations = static_cast<double>(figures.operations);
    std::vector<std::uint64_t> times;
    FastestStretches stretches;
    CounterReading fewest;
    for (std::uint32_t round = 0; round < std::max(options.rounds, 1u); ++round) {
        const CounterReading reading = measure_commits(flow, stretches, counters);
        if (!fewest.cycles || reading.cycles < fewest.cycles) fewest = reading;
        measure_singles(flow, times);
    }
    figures.mean_ns = stretches.total_ns() / operations;
    figures.counters = divided(fewest, operations);
    note_percentiles(times, figures);
    if (options.parts) figures.parts = measure_parts(flow, options.rounds);
    return figures;
}

Status check_names(const std::vector<std::string>& only, const std::vector<Workload>& all) {
    for (const std::string& name : only)
        if (std::none_of(all.begin(), all.end(), [&](const Workload& known) { return known.name == name; })) {
            std::string names;
            for (const Workload& known : all)
                names += (names.empty() ? "" : ", ") + known.name;
            return Error{ErrorCode::not_found, "there is no workload '" + name + "'; there are " + names};
        }
    return {};
}

}  // namespace

Result<EngineBenchReport> run_engine_bench(const EngineBenchOptions& options) {
    std::vector<Workload> all = options.recorded;
    for (Workload& generated : generated_workloads(options.size))
        all.push_back(std::move(generated));
    if (Status status = check_names(options.only, all); !status.ok()) return status.error();
    EngineBenchReport report;
    report.seed = options.size.seed;
    report.timer_overhead_ns = median_timer_overhead();
    PerfCounters counters;
    report.no_counters = counters.why_not();
    for (const Workload& workload : all) {
        if (!options.only.empty() &&
            std::find(options.only.begin(), options.only.end(), workload.name) == options.only.end())
            continue;
        if (options.on_begin) options.on_begin(workload.name);
        const Result<PreparedFlow> flow = workload.make();
        if (!flow.ok()) return flow.error().within(workload.name);
        report.workloads.push_back(measure(*flow, options, counters));
        report.workloads.back().what = workload.what;
    }
    return report;
}

}  // namespace peerbook::app
