// Random schedules: a function of the seed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/view_model/world.h"

namespace peerbook::view_model {

// How often something rare was reached, over many schedules.
using Reached = std::map<std::string, int>;

struct Outcome {
    Setup setup;
    std::vector<Action> actions;
    std::string violation;  // empty: none
};

// Ends at the first violation. `universe` may be new or shared.
// `with_forks`: quorums are lost for good, and what is left goes on in forks.
Outcome run_schedule(Universe& universe, std::uint64_t seed, Mutation mutation, Reached* reached = nullptr,
                     bool with_forks = false);

// The violation of these actions, those that are not possible left out.
std::string replay(Universe& universe, Mutation mutation, const Setup& setup,
                   const std::vector<Action>& actions);

// Fewer actions with a violation, by leaving out what is not needed. Precondition: `run` has one.
Outcome shrink(Universe& universe, Mutation mutation, Outcome run);

std::string describe(const Universe& universe, const Outcome& run);

}  // namespace peerbook::view_model
