#include "config/nearest_name.h"

#include <algorithm>
#include <array>

namespace peerbook::config {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    // Rows of the table of distances between prefixes: two before, one before, current.
    std::array<std::vector<std::size_t>, 3> rows;
    for (std::vector<std::size_t>& row : rows)
        row.resize(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        rows[1][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        rows[2][0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = rows[1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            rows[2][j] = std::min({replaced, rows[1][j] + 1, rows[2][j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                rows[2][j] = std::min(rows[2][j], rows[0][j - 2] + 1);
        }
        std::rotate(rows.begin(), rows.begin() + 1, rows.end());
    }
    return rows[1][b.size()];
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
    constexpr std::size_t compared_max = 64;
    std::string nearest;
    std::size_t best = 2 * compared_max;
    for (const std::string& candidate : known) {
        const std::size_t distance =
            edit_distance(name.substr(0, compared_max), std::string_view(candidate).substr(0, compared_max));
        if (distance < best) {
            best = distance;
            nearest = candidate;
        }
    }
    return nearest;
}

}  // namespace peerbook::config
