// How fast the engine alone is: prepared commands in, events out, on one thread, with admission, nonces,
// ledger, fees and undo. Nothing is read from disk or network while the time is taken.
//
// The mean is taken over whole runs in batches of batch_commands; the fastest of the rounds counts, since the
// machine's other work only ever adds. Percentiles time each command on its own and include
// timer_overhead_ns. Undo records are kept for the last undo_batches_kept batches, as a node keeps them for
// what is not settled yet.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "exchange/engine/command.h"
#include "exchange/market/market.h"

namespace peerbook::app {

// Commands to measure, in batches, with what must be there before.
struct PreparedFlow {
    std::string name;
    exchange::NetworkRules rules;
    std::vector<exchange::CommandBatch> setup;  // not timed: accounts, money, resting orders
    std::vector<exchange::CommandBatch> flow;
};

struct EngineBenchOptions {
    std::uint64_t seed = 1;
    std::uint64_t commands = 500'000;  // in each generated workload
    std::uint64_t deep_book_orders = 1'000'000;
    std::uint32_t rounds = 3;
    std::string only;                    // run just the workload of this name; empty: all
    std::vector<PreparedFlow> recorded;  // flows made from recordings, measured like the generated ones
};

struct WorkloadFigures {
    std::string name;
    std::uint64_t commands = 0;
    std::uint64_t fills = 0;
    std::uint64_t rejected = 0;
    double mean_ns = 0;  // a command
    std::uint64_t p50_ns = 0;
    std::uint64_t p99_ns = 0;
    std::uint64_t resting_orders = 0;  // at the end
    double bytes_per_resting_order =
        0;  // memory that setup and flow added, by most orders that rested; 0 if few
    double undo_bytes_per_command = 0;
};

struct EngineBenchReport {
    std::uint64_t seed = 0;
    std::uint64_t timer_overhead_ns = 0;
    std::vector<WorkloadFigures> workloads;
};

inline constexpr std::size_t batch_commands = 256;
inline constexpr std::size_t undo_batches_kept = 16;

EngineBenchReport run_engine_bench(const EngineBenchOptions& options);
std::string to_table(const EngineBenchReport& report);
std::string to_json(const EngineBenchReport& report);

}  // namespace peerbook::app
