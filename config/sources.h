// Where configuration comes from: TOML and JSON texts as one kind of tree, with line numbers where they are
// known. The parsing libraries stay inside the .cc file. Numbers are never read as floating point.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace peerbook::config {

struct DocumentValue {
    enum class Kind {
        text,
        integer,  // of TOML
        boolean,  // "true" or "false"
        other,    // what no key takes: a TOML float, date or time, a JSON null
        list,
        table,
    };
    Kind kind = Kind::table;
    struct Member;
    std::string text;                  // of a scalar
    std::vector<DocumentValue> items;  // of a list
    std::vector<Member> members;       // of a table; no name twice
    std::size_t line = 0;              // from 1; 0 in JSON
};
struct DocumentValue::Member {
    std::string name;
    DocumentValue value;
};

inline constexpr std::size_t document_depth_max = 8;

// `name` stands for the text in errors: "name:line: what". Errors: invalid_input (syntax, a name twice,
// nested too deeply). The answer is a table.
Result<DocumentValue> parse_toml(const std::string& text, const std::string& name);
// A JSON string and a JSON number come back alike, as Kind::text.
Result<DocumentValue> parse_json(const std::string& text, const std::string& name);

// Errors: not_found, io, too_large; each names the path.
Result<std::string> read_text_file(const std::string& path, std::size_t bytes_max);

}  // namespace peerbook::config
