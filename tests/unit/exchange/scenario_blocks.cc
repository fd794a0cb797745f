#include <string>

#include "tests/unit/exchange/scenario.h"

namespace peerbook::exchange::scenario {

namespace {

constexpr std::string_view fence = "```";
constexpr std::string_view opening = "```book";

std::string trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return "";
    return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

Error wrong(const std::string& file, int line, const std::string& what) {
    return {ErrorCode::invalid_input, file + ":" + std::to_string(line) + ": " + what};
}

}  // namespace

Result<std::vector<Block>> find_blocks(const std::string& file, std::string_view markdown) {
    std::vector<Block> blocks;
    std::string heading;
    bool in_block = false, in_other_fence = false;
    int number = 0;
    while (!markdown.empty()) {
        ++number;
        const std::size_t end = markdown.find('\n');
        const std::string_view line = markdown.substr(0, end);
        markdown = end == std::string_view::npos ? std::string_view() : markdown.substr(end + 1);
        const std::string text = trimmed(line);
        if (in_other_fence) {
            in_other_fence = text != fence;
        } else if (!in_block && text == opening) {
            in_block = true;
            blocks.push_back({file, number, heading, "", {}});
        } else if (!in_block && text.starts_with(fence)) {
            in_other_fence = true;
        } else if (!in_block) {
            if (text.starts_with("#")) heading = trimmed(text.substr(text.find_first_not_of('#')));
        } else if (text == fence) {
            if (blocks.back().title.empty()) return wrong(file, number, "the block has no title");
            in_block = false;
        } else if (blocks.back().title.empty()) {
            if (!text.starts_with("# ")) return wrong(file, number, "a block starts with '# its title'");
            blocks.back().title = trimmed(text.substr(2));
            blocks.back().line = number;
        } else if (!text.empty() && !text.starts_with("#")) {
            blocks.back().lines.push_back({number, std::string(line)});
        }
    }
    if (in_block) return wrong(file, number, "the block is not closed");
    if (blocks.empty()) return wrong(file, number, "the page has no ```book block");
    return blocks;
}

}  // namespace peerbook::exchange::scenario
