// Small text files of one item a line.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace peerbook::app {

// Without blanks and ends of lines around it.
std::string_view trimmed(std::string_view text);

// Calls take(line), trimmed, for each line that is not blank; nothing where there is no file. Errors: io;
// too_large; corrupt: what take() refused, with file and line.
Status read_lines(const std::string& path, std::size_t bytes_max,
                  const std::function<Status(std::string_view line)>& take);

}  // namespace peerbook::app
