#include "app/terminal/tables.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/check.h"

namespace peerbook::app {

namespace {

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// Bytes of the well-formed code point at the front, 0 if it is none. Overlong forms and surrogates cannot
// harm a terminal that shows code points, so only the shape is checked.
std::size_t code_point_length(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if (!is_continuation(text[i])) return 0;
    }
    return length;
}

// C0, DEL and C1 (U+0080 … U+009F, which some terminals obey).
bool is_control(std::string_view code_point) {
    const auto first = static_cast<unsigned char>(code_point[0]);
    if (code_point.size() == 1) return first < 0x20 || first == 0x7f;
    return first == 0xc2 && static_cast<unsigned char>(code_point[1]) < 0xa0;
}

std::string padded(const std::string& text, std::size_t width, Align align) {
    const std::size_t length = shown_length(text);
    const std::string blanks(width > length ? width - length : 0, ' ');
    return align == Align::left ? text + blanks : blanks + text;
}

bool locale_is_utf8() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0') continue;
        const std::string_view text(value);
        return text.find("UTF-8") != std::string_view::npos || text.find("utf8") != std::string_view::npos;
    }
    return false;
}

}  // namespace

TerminalStyle TerminalStyle::of(std::FILE* stream) {
    TerminalStyle style;
    const int fd = ::fileno(stream);
    style.is_terminal = ::isatty(fd) != 0;
    style.unicode = locale_is_utf8();
    if (!style.is_terminal) return style;
    const char* no_color = std::getenv("NO_COLOR");
    style.color = no_color == nullptr || *no_color == '\0';
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) style.width = size.ws_col;
    return style;
}

std::string painted(std::string_view text, Paint paint, const TerminalStyle& style) {
    if (!style.color || paint == Paint::plain || text.empty()) return std::string(text);
    const char* code = "";
    switch (paint) {
        case Paint::plain:
            break;
        case Paint::bold:
            code = "1";
            break;
        case Paint::dim:
            code = "2";
            break;
        case Paint::green:
            code = "32";
            break;
        case Paint::red:
            code = "31";
            break;
    }
    return std::string("\x1b[") + code + "m" + std::string(text) + "\x1b[0m";
}

std::string terminal_text(std::string_view text, std::size_t length_max) {
    std::string shown;
    for (std::size_t count = 0; !text.empty() && count < length_max; ++count) {
        const std::size_t length = code_point_length(text);
        if (length == 0 || is_control(text.substr(0, length))) {
            shown += '?';
        } else {
            shown += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return shown;
}

std::size_t shown_length(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add_row(std::vector<std::string> cells, Paint paint) {
    PB_CHECK(cells.size() == columns_.size(), "a row has as many cells as the table has columns");
    for (std::string& cell : cells)
        cell = terminal_text(cell);
    rows_.push_back({std::move(cells), paint});
}

std::string Table::draw(const TerminalStyle& style) const {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t width = shown_length(columns_[i].title);
        for (const Row& row : rows_)
            width = std::max(width, shown_length(row.cells[i]));
        widths.push_back(width);
    }
    const auto line_of = [&](const auto& cell_at) {
        std::string line;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (i > 0) line += "  ";
            line += padded(cell_at(i), widths[i], columns_[i].align);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        return line;
    };
    std::string text =
        painted(line_of([this](std::size_t i) -> const std::string& { return columns_[i].title; }),
                Paint::bold, style) +
        "\n";
    for (const Row& row : rows_) {
        text += painted(line_of([&row](std::size_t i) -> const std::string& { return row.cells[i]; }),
                        row.paint, style);
        text += "\n";
    }
    return text;
}

void Properties::add(std::string name, std::string value) {
    lines_.emplace_back(std::move(name), terminal_text(value));
}

std::string Properties::draw(const TerminalStyle& style) const {
    std::size_t width = 0;
    for (const auto& [name, value] : lines_)
        width = std::max(width, shown_length(name));
    std::string text;
    for (const auto& [name, value] : lines_) {
        text += painted(padded(name, width, Align::left), Paint::dim, style) + "  " + value + "\n";
    }
    return text;
}

}  // namespace peerbook::app
