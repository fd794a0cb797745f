// How fast the engine alone is: prepared commits in, events out, on one thread, with admission, nonces,
// ledger, fees, matching and undo. Nothing is read from disk or network while the time is taken, and no
// signature is checked: batches come as decode_payload gives them.
//
// How it is measured:
//   warm-up      a first run counts outcomes and memory and is not timed
//   mean         whole flow in commits of commit_commands commands, a new engine each round; of each commit
//                the fastest round counts (FastestStretches). A commit's commands are copied just before its
//                time is taken, so that they are in the cache as if they had just been decoded
//   percentiles  each command is a commit of its own, so that one can be timed: this includes the fixed cost
//                of a commit and the timer (timer_overhead_ns, printed and subtracted nowhere); all rounds
//                together, so that nothing slow is left out
//   counters     cycles, instructions and cache misses over the same loop as the mean, that copying included,
//                of the round with the fewest cycles, where the machine has them
//   memory       the heap's own count of what is in use. Bytes an order: what placing the orders that rest
//                before the flow added. Peak: after the flow. After: when all accounts cancelled everything
//                and undo was pruned
// The last undo_commits_kept commits can be undone at any time, as a node keeps what is not settled yet;
// marking and pruning are inside the time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "app/bench/engine_parts.h"
#include "app/bench/perf_counters.h"
#include "app/bench/workloads.h"

namespace peerbook::app {

inline constexpr std::size_t undo_commits_kept = 16;

struct EngineBenchOptions {
    WorkloadSize size;
    std::uint32_t rounds = 5;
    bool parts = false;              // measure the parts too
    std::vector<std::string> only;   // names of workloads; empty: all
    std::vector<Workload> recorded;  // run before the generated ones
    // Told the name of each workload as it begins, because a whole run takes minutes.
    std::function<void(const std::string&)> on_begin;
};

struct WorkloadFigures {
    std::string name;
    std::string what;
    std::uint64_t commands = 0;
    std::uint64_t operations = 0;  // mean and percentiles are of these; see operation_count
    std::uint64_t events = 0;
    std::uint64_t fills = 0;
    std::uint64_t triggered = 0;
    std::uint64_t rejected = 0;
    double mean_ns = 0;  // an operation
    // Of single commands; a mass quote counts as one here.
    std::uint64_t p50_ns = 0, p99_ns = 0, p999_ns = 0, max_ns = 0;
    CounterReading counters;             // an operation
    std::uint64_t resting_orders = 0;    // at the end
    double bytes_per_resting_order = 0;  // 0 where too few rest to tell
    double undo_bytes_per_operation = 0;
    std::uint64_t memory_peak_bytes = 0;
    std::uint64_t memory_after_bytes = 0;
    std::vector<PartFigures> parts;
};

struct EngineBenchReport {
    std::uint64_t seed = 0;
    std::uint64_t timer_overhead_ns = 0;
    std::string no_counters;           // why there are no hardware counters; empty: there are
    std::vector<std::string> skipped;  // a line each
    std::vector<WorkloadFigures> workloads;
};

// Error: a name in `only` that no workload has, or a recorded file that cannot be read.
Result<EngineBenchReport> run_engine_bench(const EngineBenchOptions& options);

}  // namespace peerbook::app
