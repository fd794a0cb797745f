// JSON that benchmarks write. Pure.
#pragma once

#include <string>

namespace peerbook::app {

// As a JSON string, without control characters.
inline std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (static_cast<unsigned char>(c) >= 0x20) out += c;
    }
    return out + "\"";
}

}  // namespace peerbook::app
