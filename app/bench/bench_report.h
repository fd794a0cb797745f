// A report of the engine benchmark as a table for people and as JSON for scripts/bench_compare.
#pragma once

#include <string>

#include "app/bench/engine_bench.h"

namespace peerbook::app {

std::string to_table(const EngineBenchReport& report);
// One object: seed, timer_overhead_ns, and a list of workloads with all their figures and parts.
std::string to_json(const EngineBenchReport& report);

}  // namespace peerbook::app
