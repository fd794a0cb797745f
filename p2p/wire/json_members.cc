#include "p2p/wire/json_members.h"

namespace peerbook::p2p {

namespace {

// RapidJSON bounds neither depth nor work; a scan outside of strings does. Returns false above
// control_depth_max.
bool depth_is_bounded(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > control_depth_max) return false;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return true;
}

}  // namespace

Status parse_object(std::string_view text, rapidjson::Document& document) {
    if (!depth_is_bounded(text)) return Error{ErrorCode::invalid_input, "nested too deeply"};
    document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag |
                   rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
    if (document.HasParseError() || !document.IsObject())
        return Error{ErrorCode::invalid_input,
                     "not a JSON object, byte " + std::to_string(document.GetErrorOffset())};
    return {};
}

}  // namespace peerbook::p2p
