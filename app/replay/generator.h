// Order flow in LOBSTER's format from a seed, so that the project's tests need no recorded data: submissions,
// partial deletions, deletions, visible and hidden executions around a touch that wanders, and orders that
// stood there before the file begins. Equal options give equal text on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace peerbook::app::replay {

struct GeneratorOptions {
    std::uint64_t seed = 1;
    std::uint32_t rows = 10'000;
    std::uint32_t unknown_orders = 20;  // that stand in the book before the first row
    std::size_t book_levels = 5;        // of the order-book text; 0: none is made
    // As in LOBSTER's files of few levels: nothing is said about orders deeper than book_levels.
    bool silent_below = false;
};

struct GeneratedFlow {
    std::string messages;
    std::string book;  // the official book after each row
};

inline constexpr std::uint32_t generated_rows_max = 10'000'000;

// Preconditions: rows ≤ generated_rows_max; silent_below only with book_levels.
GeneratedFlow generate_lobster(const GeneratorOptions& options);

}  // namespace peerbook::app::replay
