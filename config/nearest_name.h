// The known name that an unknown one was most likely meant to be.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace peerbook::config {

// Least number of insertions, deletions, replacements and swaps of neighbours that turn one into the other,
// where no part is changed twice (optimal string alignment). Costs |a| × |b|: callers bound what they pass.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The first of the nearest. Names are compared by their first 64 characters. Empty if there are no known
// names.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

}  // namespace peerbook::config
