#include "config/table_reader.h"

#include <algorithm>
#include <charconv>

#include "config/nearest_name.h"

namespace peerbook::config {

namespace {

using Kind = DocumentValue::Kind;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace

bool is_decimal(const std::string& text) {
    if (text.empty() || text.size() > decimal_text_length_max) return false;
    if (!is_digit(text.front()) || !is_digit(text.back())) return false;
    return std::count(text.begin(), text.end(), '.') <= 1 &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
}

void TableReader::allow_only(const std::vector<std::string>& known) {
    if (table_.kind != Kind::table) return fail("", table_, "must be a table of keys and values");
    for (const auto& [name, value] : table_.members)
        if (std::find(known.begin(), known.end(), name) == known.end())
            return fail(name, value,
                        "unknown key; the nearest known one is \"" + nearest_name(name, known) + "\"");
}

std::string TableReader::text(const char* key, bool required) {
    const DocumentValue* value = find(key, required);
    if (!value) return {};
    if (value->kind == Kind::text) return value->text;
    fail(key, *value, "must be a text in quotes");
    return {};
}

std::string TableReader::decimal(const char* key, bool required, bool zero_allowed) {
    const DocumentValue* value = find(key, required);
    if (!value || (!required && value->kind == Kind::text && value->text.empty())) return {};
    if (value->kind != Kind::text && value->kind != Kind::integer) {
        fail(key, *value, "must be a decimal in quotes, as \"0.01\"");
    } else if (!is_decimal(value->text)) {
        fail(key, *value,
             shown(value->text) + " is no decimal: digits with at most one point, at most " +
                 std::to_string(decimal_text_length_max) + " characters, as \"0.01\"");
    } else if (!zero_allowed && value->text.find_first_not_of("0.") == std::string::npos) {
        fail(key, *value, shown(value->text) + " is not allowed; allowed: above zero");
    }
    return value->text;
}

std::uint64_t TableReader::integer(const char* key, std::uint64_t fallback, std::uint64_t min,
                                   std::uint64_t max) {
    const DocumentValue* value = find(key, false);
    if (!value) return fallback;
    std::uint64_t number = 0;
    const std::string& text = value->text;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool scalar = value->kind == Kind::integer || value->kind == Kind::text;
    if (!scalar || failure != std::errc() || end != text.data() + text.size() || number < min || number > max)
        fail(key, *value,
             shown(text) + " is not allowed; allowed: an integer from " + std::to_string(min) + " to " +
                 std::to_string(max));
    return number;
}

bool TableReader::flag(const char* key, bool fallback) {
    const DocumentValue* value = find(key, false);
    if (!value) return fallback;
    const bool scalar = value->kind == Kind::boolean || value->kind == Kind::text;
    if (!scalar || (value->text != "true" && value->text != "false"))
        fail(key, *value, shown(value->text) + " is not allowed; allowed: true, false");
    return value->text == "true";
}

std::string TableReader::choice(const char* key, const std::vector<std::string>& allowed) {
    const std::string given = text(key, false);
    if (given.empty()) return allowed.front();
    if (std::find(allowed.begin(), allowed.end(), given) != allowed.end()) return given;
    std::string names;
    for (const std::string& name : allowed)
        names += (names.empty() ? "" : ", ") + shown(name);
    refuse(key, shown(given) + " is not allowed; allowed: " + names);
    return allowed.front();
}

const std::vector<DocumentValue>& TableReader::list(const char* key, bool required, std::size_t count_max) {
    static const std::vector<DocumentValue> none;
    const DocumentValue* value = find(key, required);
    if (!value) return none;
    if (value->kind != Kind::list)
        fail(key, *value, "must be a list");
    else if (value->items.size() > count_max)
        fail(key, *value,
             std::to_string(value->items.size()) + " entries; at most " + std::to_string(count_max));
    else if (required && value->items.empty())
        fail(key, *value, "needs at least one entry");
    else
        return value->items;
    return none;
}

bool TableReader::has(const char* key) const {
    return std::any_of(table_.members.begin(), table_.members.end(),
                       [&](const DocumentValue::Member& member) { return member.name == key; });
}

void TableReader::refuse(const char* key, const std::string& what) {
    const DocumentValue* value = find(key, false);
    fail(key, value ? *value : table_, what);
}

std::string TableReader::shown(const std::string& text) {
    return "\"" + (text.size() > 80 ? text.substr(0, 80) + "…" : text) + "\"";
}

const DocumentValue* TableReader::find(const char* key, bool required) {
    for (const auto& [name, value] : table_.members)
        if (name == key) return &value;
    if (required) fail(key, table_, "missing");
    return nullptr;
}

void TableReader::fail(const std::string& key, const DocumentValue& where, const std::string& what) {
    if (!failure_.ok()) return;
    std::string message = file_;
    if (where.line > 0) message += ":" + std::to_string(where.line);
    message += ": " + place_ + (place_.empty() || key.empty() ? "" : ".") + key;
    failure_ = Error{ErrorCode::invalid_input, message + ": " + what};
}

}  // namespace peerbook::config
