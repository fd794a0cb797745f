#include "base/bytes.h"

#include <cstdio>
#include <cstdlib>

namespace peerbook {

void check_failed(const char* condition, const char* file, int line, const char* message) {
    std::fprintf(stderr, "peerbook: internal error at %s:%d: %s (%s). The node stops to protect its state.\n",
                 file, line, message, condition);
    std::abort();
}

const char* to_string(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid_input:
            return "invalid_input";
        case ErrorCode::not_found:
            return "not_found";
        case ErrorCode::conflict:
            return "conflict";
        case ErrorCode::corrupt:
            return "corrupt";
        case ErrorCode::io:
            return "io";
        case ErrorCode::unavailable:
            return "unavailable";
        case ErrorCode::unauthorized:
            return "unauthorized";
        case ErrorCode::too_large:
            return "too_large";
        case ErrorCode::timed_out:
            return "timed_out";
    }
    return "unknown";
}

ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string to_hex(ByteView bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (std::uint8_t byte : bytes) {
        text.push_back(digits[byte >> 4]);
        text.push_back(digits[byte & 15]);
    }
    return text;
}

namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

Status from_hex(std::string_view text, std::span<std::uint8_t> out) {
    if (text.size() != out.size() * 2)
        return Error{ErrorCode::invalid_input, "expected " + std::to_string(out.size() * 2) +
                                                   " hex digits, got " + std::to_string(text.size())};
    for (std::size_t i = 0; i < out.size(); ++i) {
        int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return Error{ErrorCode::invalid_input, "not a hex digit near position " + std::to_string(2 * i)};
        out[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return {};
}

}  // namespace peerbook
