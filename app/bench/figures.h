// Figures that stand for themselves, one a line: what was measured, how much, and the target where there is
// one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace peerbook::app {

struct Figure {
    std::string name;  // for scripts: letters, digits, dots
    std::string what;  // for people
    double value = 0;
    std::string unit;
    std::optional<double> target = {};
    bool smaller_is_better = false;
};

// A line a figure; targets that are met are marked.
std::string to_table(const std::vector<Figure>& figures);
// {"bench": bench, "figures":[{name, what, value, unit, target?}]}
std::string to_json(const std::string& bench, const std::vector<Figure>& figures);

}  // namespace peerbook::app
