// Workloads made of recorded order flow (app/replay): the commands that make a file's events happen again, by
// a thousand accounts instead of the file's anonymous traders.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/bench/workloads.h"

namespace peerbook::app {

// In the order of the table in BENCHMARKS.md: aapl, amzn, bitstamp, and aapl-64: the file of aapl in 64
// markets at once, each with its own prices and accounts and a start of its own within the first minute, in
// order of time. A file is found by the beginning of its name (AAPL_, AMZN_, bitstamp_), as LOBSTER and the
// recorder of Bitstamp name them, plain or gzip; the order-book file beside a message file repairs what the
// latter is silent about. `missing` gets one line for each workload whose file is not in `directory`.
std::vector<Workload> recorded_workloads(const std::string& directory, const WorkloadSize& size,
                                         std::vector<std::string>& missing);

}  // namespace peerbook::app
