// Generated workloads for the engine benchmark: a function of a shape and a seed.
#pragma once

#include <cstdint>
#include <string>

#include "app/bench/engine_bench.h"

namespace peerbook::app {

// What a flow looks like. Shares are of all commands, in parts per million; what they leave adds orders.
struct FlowShape {
    std::string name;
    std::uint32_t markets = 1;
    std::uint32_t accounts = 1'000;
    std::uint32_t cancel_ppm = 450'000;
    std::uint32_t reduce_ppm = 5'000;
    std::uint32_t take_ppm = 45'000;  // immediate-or-cancel, up to take_ticks into the book
    std::int64_t take_ticks = 2;
    std::int64_t take_quantity = 150;
    std::int64_t depth_ticks = 200;  // orders rest up to here from the middle, most of them near it
    std::int64_t drift_ticks = 1;    // step of the middle's random walk
    std::uint32_t jump_ppm = 0;      // chance that the middle jumps by jump_ticks, back and forth
    std::int64_t jump_ticks = 0;
    std::uint64_t resting_before = 2'000;  // orders placed in the setup, in each market
    std::uint64_t live_max = 0;            // cancel the rest away above this many; 0: no limit
};

PreparedFlow make_flow(const FlowShape& shape, std::uint64_t commands, std::uint64_t seed);

}  // namespace peerbook::app
