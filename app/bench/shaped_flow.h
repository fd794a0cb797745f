// Random flows: orders around a middle that wanders, cancels of random open orders, aggressors.
#pragma once

#include <cstdint>
#include <string>

#include "app/bench/prepared_flow.h"

namespace peerbook::app {

// What a flow looks like. Shares are of all commands, in parts per million; what they leave places orders.
// Prices are in ticks and quantities in lots.
struct FlowShape {
    std::string name;
    std::uint32_t markets = 1;
    std::uint32_t accounts = 1'000;
    bool matches_in_batches = false;
    std::uint32_t cancel_ppm = 450'000;  // of any open order
    std::uint32_t reduce_ppm = 5'000;    // by one lot
    std::uint32_t replace_ppm = 0;       // by an order near the middle
    std::uint32_t take_ppm = 45'000;     // immediate-or-cancel, up to take_ticks beyond the middle
    std::int64_t take_ticks = 2;
    std::int64_t take_quantity = 150;  // at most
    std::uint32_t iceberg_ppm = 0;     // of placed orders: show a tenth of ten times the quantity
    std::int64_t depth_ticks = 200;    // orders rest up to here from the middle, most of them near it
    std::int64_t drift_ticks = 1;      // step of the middle's random walk
    std::uint32_t drift_ppm = 50'000;  // chance of a step
    std::uint32_t jump_ppm = 0;        // chance that the middle jumps by jump_ticks, back and forth
    std::int64_t jump_ticks = 0;
    // Every so many commands the market falls by crash_ticks within crash_commands, all of them large sells,
    // and comes back within eight times as many; 0: never.
    std::uint64_t crash_every = 0;
    std::uint64_t crash_commands = 400;
    std::int64_t crash_ticks = 0;
    std::uint64_t resting_before = 2'000;  // in each market
};

PreparedFlow make_shaped_flow(const FlowShape& shape, std::uint64_t operations, std::uint64_t seed);

}  // namespace peerbook::app
