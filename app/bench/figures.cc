#include "app/bench/figures.h"

#include <algorithm>
#include <cstdio>

#include "app/bench/json_text.h"

namespace peerbook::app {

namespace {

std::string printed(double value) {
    char text[64];
    const double size = value < 0 ? -value : value;
    std::snprintf(text, sizeof text, size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.3f", value);
    return text;
}

std::string padded(const std::string& text, std::size_t width, bool right) {
    const std::string space(width > text.size() ? width - text.size() : 0, ' ');
    return right ? space + text : text + space;
}

std::string verdict(const Figure& figure) {
    if (!figure.target) return "";
    const bool met =
        figure.smaller_is_better ? figure.value <= *figure.target : figure.value >= *figure.target;
    return (figure.smaller_is_better ? "target <= " : "target >= ") + printed(*figure.target) +
           (met ? ", met" : ", missed");
}

std::string number(double value) {
    char text[64];
    std::snprintf(text, sizeof text, "%.4f", value);
    return text;
}

}  // namespace

std::string to_table(const std::vector<Figure>& figures) {
    std::size_t what_width = 0, value_width = 0, unit_width = 0;
    for (const Figure& figure : figures) {
        what_width = std::max(what_width, figure.what.size());
        value_width = std::max(value_width, printed(figure.value).size());
        unit_width = std::max(unit_width, figure.unit.size());
    }
    std::string text;
    for (const Figure& figure : figures) {
        std::string line = padded(figure.what, what_width, false) + "  " +
                           padded(printed(figure.value), value_width, true) + " " +
                           padded(figure.unit, unit_width, false) + "  " + verdict(figure);
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

std::string to_json(const std::string& bench, const std::vector<Figure>& figures) {
    std::string text = "{\"bench\":" + quoted(bench) + ",\"figures\":[";
    const char* separator = "";
    for (const Figure& figure : figures) {
        text += separator;
        text += "{\"name\":" + quoted(figure.name) + ",\"what\":" + quoted(figure.what) +
                ",\"value\":" + number(figure.value) + ",\"unit\":" + quoted(figure.unit);
        if (figure.target) text += ",\"target\":" + number(*figure.target);
        text += "}";
        separator = ",";
    }
    return text + "]}";
}

}  // namespace peerbook::app
