// Small scopes, searched to the end: every order of every step that the budgets allow. Messages stay in
// flight for ever, so each may come at any time, several times, or never.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tests/view_model/schedule.h"

namespace peerbook::view_model {

struct Scope {
    Setup setup;
    std::vector<Action> beginning = {};             // what has happened before the search starts
    std::map<What, int> budget = {};                // how often at most; what is not in here does not happen
    std::vector<SortedSet<Key>> suspicions = {{}};  // that a ballot may be started with
    std::uint64_t heal_one_of = 1;        // states that are healed and checked for losses: one of so many
    std::size_t states_max = 10'000'000;  // gives up above
};

struct Search {
    std::size_t states = 0;
    bool is_complete = true;
    Outcome run;  // if it has a violation: the schedule that led to it
};

Search search(Universe& universe, Mutation mutation, const Scope& scope);

}  // namespace peerbook::view_model
