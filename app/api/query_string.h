// The part of a URL after the question mark, and the segments before it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/api/api_error.h"

namespace peerbook::app {

inline constexpr std::size_t query_parameters_max = 16;

// Undoes %41 and, where `plus_is_blank`, '+'. Empty optional: a percent sign without two hex digits.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_blank);

class QueryString {
  public:
    // Error: bad percent code, a name given twice, more than query_parameters_max, or a name not among
    // `known`.
    static ApiResult<QueryString> parse(std::string_view text, std::initializer_list<std::string_view> known);

    // Null if absent.
    const std::string* find(std::string_view name) const;
    std::string text(std::string_view name) const;  // empty if absent
    // Error: not a number within [min, max].
    ApiResult<std::uint64_t> number(std::string_view name, std::uint64_t fallback, std::uint64_t min,
                                    std::uint64_t max) const;

  private:
    std::vector<std::pair<std::string, std::string>> values_;
};

}  // namespace peerbook::app
