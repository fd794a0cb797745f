// Tables for terminals. Pure but for TerminalStyle::of().
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace peerbook::app {

// What the place that is written to can show.
struct TerminalStyle {
    std::size_t width = 80;  // columns
    bool is_terminal = false;
    bool color = false;    // ANSI colours
    bool unicode = false;  // block characters

    // Of an open stream: colours on a terminal unless NO_COLOR is set, unicode by the locale's environment.
    static TerminalStyle of(std::FILE* stream);
};

enum class Paint { plain, bold, dim, green, red };
// `text` in a colour, or as it is where the style has none.
std::string painted(std::string_view text, Paint paint, const TerminalStyle& style);

// `text` without control characters and broken UTF-8 (each replaced by '?'), cut to `length_max` code points.
std::string terminal_text(std::string_view text, std::size_t length_max = 256);
// Code points; what a terminal shows as one column each for the text of this program.
std::size_t shown_length(std::string_view text);

enum class Align { left, right };

struct Column {
    std::string title;
    Align align = Align::left;
};

// Rows of text under titles, two blanks between columns, no trailing blanks.
class Table {
  public:
    explicit Table(std::vector<Column> columns);
    // As many cells as there are columns; made printable here. Colours the whole row.
    void add_row(std::vector<std::string> cells, Paint paint = Paint::plain);
    bool empty() const { return rows_.empty(); }
    // Lines, each ended by a line break.
    std::string draw(const TerminalStyle& style) const;

  private:
    struct Row {
        std::vector<std::string> cells;
        Paint paint;
    };
    std::vector<Column> columns_;
    std::vector<Row> rows_;
};

// "name   value" lines; for one thing with many properties.
class Properties {
  public:
    void add(std::string name, std::string value);
    std::string draw(const TerminalStyle& style) const;

  private:
    std::vector<std::pair<std::string, std::string>> lines_;
};

}  // namespace peerbook::app
