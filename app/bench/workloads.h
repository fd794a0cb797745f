// The workloads of the engine benchmark, each a function of its sizes and a seed: equal ones make equal
// commands. What each is for stands beside its name, and `peerbook bench engine` prints it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "app/bench/prepared_flow.h"
#include "base/result.h"

namespace peerbook::app {

struct WorkloadSize {
    std::uint64_t operations = 500'000;     // measured; flows that go in cycles end with a whole one
    std::uint64_t deep_orders = 1'000'000;  // that rest in the deep book before
    std::uint64_t level_orders = 100'000;   // that rest in the one level before
    std::uint32_t cascade_orders = 2'000;   // stops that trigger each other
    std::uint64_t seed = 1;
};

struct Workload {
    std::string name;
    std::string what;  // one line
    // Error: a recorded file could not be read. Generated ones never fail.
    std::function<Result<PreparedFlow>()> make;
};

std::vector<Workload> generated_workloads(const WorkloadSize& size);

}  // namespace peerbook::app
