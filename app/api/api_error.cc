#include "app/api/api_error.h"

#include <algorithm>
#include <vector>

namespace peerbook::app {

namespace {

constexpr std::size_t quoted_length_max = 48;

// How many letters must be put in, left out, replaced or swapped with their neighbour.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_previous(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before_previous.swap(previous);
        previous.swap(row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = a[i - 1] == b[j - 1];
            row[j] = std::min({previous[j - 1] + (same ? 0 : 1), previous[j] + 1, row[j - 1] + 1});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before_previous[j - 2] + 1);
        }
    }
    return row.back();
}

}  // namespace

std::string printable(std::string_view text, std::size_t length_max) {
    std::string out;
    const bool cut = text.size() > length_max;
    for (char c : text.substr(0, length_max))
        out.push_back(c >= 0x20 && c < 0x7f ? c : '?');
    if (cut) out += "...";
    return out;
}

std::string quoted(std::string_view text) {
    return "\"" + printable(text, quoted_length_max) + "\"";
}

std::string_view nearest_word(std::string_view word, const std::string_view* candidates, std::size_t count) {
    constexpr std::size_t word_length_max = 32;
    if (word.empty() || word.size() > word_length_max) return {};
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (std::size_t c = 0; c < count; ++c) {
        const std::size_t distance = edit_distance(word, candidates[c]);
        if (distance >= best_distance) continue;
        best_distance = distance;
        best = candidates[c];
    }
    return best;
}

}  // namespace peerbook::app
