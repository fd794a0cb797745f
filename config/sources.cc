#include "config/sources.h"

#define TOML_EXCEPTIONS 0
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
// Its assertions end the process at what some files hold; without them it reports an error there.
#define TOML_ASSERT(condition) static_cast<void>(0)
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>

namespace peerbook::config {

namespace {

using Kind = DocumentValue::Kind;

Error invalid(const std::string& name, std::size_t line, const std::string& what) {
    return {ErrorCode::invalid_input, name + (line > 0 ? ":" + std::to_string(line) : "") + ": " + what};
}

Error too_deep(const std::string& name, std::size_t line) {
    return invalid(name, line, "nested deeper than " + std::to_string(document_depth_max) + " levels");
}

// 1 + the line breaks before `offset`.
std::size_t line_at(const std::string& text, std::size_t offset) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size()));
    return 1 + static_cast<std::size_t>(std::count(text.begin(), end, '\n'));
}

Result<DocumentValue> from_toml(const toml::node& node, const std::string& name, std::size_t depth) {
    DocumentValue value;
    value.line = node.source().begin.line;
    if (depth > document_depth_max) return too_deep(name, value.line);
    if (const toml::table* table = node.as_table()) {
        for (const auto& [key, member] : *table) {
            Result<DocumentValue> converted = from_toml(member, name, depth + 1);
            if (!converted.ok()) return converted.error();
            value.members.push_back({std::string(key.str()), std::move(converted.value())});
        }
    } else if (const toml::array* array = node.as_array()) {
        value.kind = Kind::list;
        for (const toml::node& item : *array) {
            Result<DocumentValue> converted = from_toml(item, name, depth + 1);
            if (!converted.ok()) return converted.error();
            value.items.push_back(std::move(converted.value()));
        }
    } else if (const toml::value<std::string>* text = node.as_string()) {
        value.kind = Kind::text;
        value.text = text->get();
    } else if (const toml::value<std::int64_t>* integer = node.as_integer()) {
        value.kind = Kind::integer;
        value.text = std::to_string(integer->get());
    } else if (const toml::value<bool>* boolean = node.as_boolean()) {
        value.kind = Kind::boolean;
        value.text = boolean->get() ? "true" : "false";
    } else {
        value.kind = Kind::other;
    }
    return value;
}

Result<DocumentValue> from_json(const rapidjson::Value& json, const std::string& name, std::size_t depth) {
    DocumentValue value;
    if (depth > document_depth_max) return too_deep(name, 0);
    if (json.IsObject()) {
        std::set<std::string> names;
        for (const auto& member : json.GetObject()) {
            const std::string key(member.name.GetString(), member.name.GetStringLength());
            if (!names.insert(key).second) return invalid(name, 0, "the name \"" + key + "\" comes twice");
            Result<DocumentValue> converted = from_json(member.value, name, depth + 1);
            if (!converted.ok()) return converted.error();
            value.members.push_back({key, std::move(converted.value())});
        }
    } else if (json.IsArray()) {
        value.kind = Kind::list;
        for (const rapidjson::Value& item : json.GetArray()) {
            Result<DocumentValue> converted = from_json(item, name, depth + 1);
            if (!converted.ok()) return converted.error();
            value.items.push_back(std::move(converted.value()));
        }
    } else if (json.IsString()) {
        value.kind = Kind::text;
        value.text.assign(json.GetString(), json.GetStringLength());
    } else if (json.IsBool()) {
        value.kind = Kind::boolean;
        value.text = json.GetBool() ? "true" : "false";
    } else {
        value.kind = Kind::other;
    }
    return value;
}

// Where text outside comments leaves ASCII; npos if it never does. toml++ 3.3 asks of characters, even of
// some inside what looks like a string, whether they are blanks, and for some (U+048B is one) that has
// undefined behaviour.
std::size_t first_foreign_byte(const std::string& text) {
    char quote = 0;
    bool comment = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\n') {
            comment = false;
            quote = 0;
        } else if (comment) {
            continue;
        } else if ((static_cast<unsigned char>(c) & 0x80) != 0) {
            return i;
        } else if (quote != 0) {
            if (c == '\\' && quote == '"')
                ++i;
            else if (c == quote)
                quote = 0;
        } else if (c == '#') {
            comment = true;
        } else if (c == '"' || c == '\'') {
            if (text.compare(i, 3, std::string(3, c)) == 0)
                i += 2;  // a string of several lines: what it holds is judged like the rest
            else
                quote = c;
        }
    }
    return std::string::npos;
}

}  // namespace

Result<DocumentValue> parse_toml(const std::string& text, const std::string& name) {
    if (const std::size_t at = first_foreign_byte(text); at != std::string::npos)
        return invalid(name, line_at(text, at),
                       "letters beyond ASCII may stand in comments only; in a string write \\uXXXX");
    const toml::parse_result parsed = toml::parse(text, name);
    if (!parsed)
        return invalid(name, parsed.error().source().begin.line, std::string(parsed.error().description()));
    return from_toml(parsed.table(), name, 0);
}

Result<DocumentValue> parse_json(const std::string& text, const std::string& name) {
    // Iterative: a text of a million brackets must not exhaust the stack. Numbers as strings: no double
    // touches them.
    constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag |
                               rapidjson::kParseValidateEncodingFlag;
    rapidjson::Document document;
    document.Parse<flags>(text.data(), text.size());
    if (document.HasParseError())
        return invalid(name, line_at(text, document.GetErrorOffset()),
                       rapidjson::GetParseError_En(document.GetParseError()));
    if (!document.IsObject()) return invalid(name, 0, "not a JSON object");
    return from_json(document, name, 0);
}

Result<std::string> read_text_file(const std::string& path, std::size_t bytes_max) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        const int number = errno;
        return Error{number == ENOENT ? ErrorCode::not_found : ErrorCode::io,
                     path + ": cannot open: " + std::generic_category().message(number)};
    }
    std::string text(bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return Error{ErrorCode::io, path + ": cannot read"};
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > bytes_max)
        return Error{ErrorCode::too_large, path + ": larger than " + std::to_string(bytes_max) + " bytes"};
    return text;
}

}  // namespace peerbook::config
