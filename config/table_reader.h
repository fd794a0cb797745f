// Reads the keys of one table of a configuration file. The first mistake is kept, with file, line and key;
// reads after it give empty values, so that a caller checks once, at the end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/sources.h"

namespace peerbook::config {

inline constexpr std::size_t decimal_text_length_max = 60;

// Digits with at most one point between digits, at most decimal_text_length_max characters.
bool is_decimal(const std::string& text);

class TableReader {
  public:
    // `table` outlives the reader. `place` is what stands before keys in messages: "markets[2]", or "".
    TableReader(const DocumentValue& table, std::string file, std::string place)
        : table_(table), file_(std::move(file)), place_(std::move(place)) {}

    // Call before reading.
    void allow_only(const std::vector<std::string>& known);

    std::string text(const char* key, bool required);
    // A positive decimal, or with `zero_allowed` any. Empty if absent or written as "".
    std::string decimal(const char* key, bool required, bool zero_allowed);
    std::uint64_t integer(const char* key, std::uint64_t fallback, std::uint64_t min, std::uint64_t max);
    bool flag(const char* key, bool fallback);
    // One of `allowed`, or the first of them if absent.
    std::string choice(const char* key, const std::vector<std::string>& allowed);
    const std::vector<DocumentValue>& list(const char* key, bool required, std::size_t count_max);
    bool has(const char* key) const;

    // A mistake in the value of `key`.
    void refuse(const char* key, const std::string& what);

    Status status() const { return failure_; }

    // In quotes, and cut if it is long.
    static std::string shown(const std::string& text);

  private:
    const DocumentValue* find(const char* key, bool required);
    void fail(const std::string& key, const DocumentValue& where, const std::string& what);

    const DocumentValue& table_;
    std::string file_;
    std::string place_;
    Status failure_;
};

}  // namespace peerbook::config
