#include "app/node_keys/text_lines.h"

#include "config/sources.h"

namespace peerbook::app {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

Status read_lines(const std::string& path, std::size_t bytes_max,
                  const std::function<Status(std::string_view line)>& take) {
    const Result<std::string> text = config::read_text_file(path, bytes_max);
    if (!text.ok()) return text.error().code == ErrorCode::not_found ? Status() : Status(text.error());
    std::string_view rest = *text;
    for (std::size_t number = 1; !rest.empty(); ++number) {
        const std::size_t end = rest.find('\n');
        const std::string_view line = trimmed(rest.substr(0, end));
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        if (line.empty()) continue;
        if (Status taken = take(line); !taken.ok())
            return Error{ErrorCode::corrupt,
                         path + ":" + std::to_string(number) + ": " + taken.error().message};
    }
    return {};
}

}  // namespace peerbook::app
