// The figures of latency.h as a table for people: a row a network.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/latency.h"

namespace peerbook::sim {

struct LatencyRow {
    std::string links;
    LatencyPlan plan;
    LatencyResult result;
    std::int64_t cpu_us = 0;  // of the whole run, the simulator's own work included
};

std::string latency_table(const std::vector<LatencyRow>& rows, bool markdown);
// What the table's figures are, and what they are not.
std::string latency_notes(const std::vector<LatencyRow>& rows);

}  // namespace peerbook::sim
