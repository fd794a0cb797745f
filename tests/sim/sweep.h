// Sweeps over seeds: parts that run in processes of their own, which run each seed in another one, and report
// through pipes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "tests/sim/world.h"

namespace peerbook::sim {

// Runs one seed; with `twice` a second time, and both must leave the same trace. "" or what is wrong.
std::string run_seed(std::uint64_t seed, bool twice, RareStates& rare, Figures& figures);
std::string replay_line(std::uint64_t seed);

// Seeds first, first + step, … below `end`; the report goes to the file descriptor. Returns an exit code.
int sweep_part(std::uint64_t first, std::uint64_t end, std::uint64_t step, std::uint64_t twice_one_in,
               int report);
// Reads all reports, waits for the children, prints the table and what failed. Returns an exit code.
int finish_sweep(const std::string& commit, std::uint64_t first, std::uint64_t seeds,
                 const std::vector<int>& reports, const std::vector<pid_t>& children);

}  // namespace peerbook::sim
