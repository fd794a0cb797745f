// RapidJSON's writer with the few kinds of value that answers have. For json_write.cc and json_trading.cc
// only.
#pragma once

#include <rapidjson/writer.h>

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "app/api/api_error.h"
#include "base/bytes.h"

namespace peerbook::app {

// Lets RapidJSON's writer append to a std::string, so that the answer is not copied once more.
class StringSink {
  public:
    using Ch = char;
    explicit StringSink(std::string& out) : out_(out) {}
    void Put(char c) { out_.push_back(c); }
    void Flush() {}

  private:
    std::string& out_;
};

inline constexpr std::size_t foreign_text_max = 200;
inline constexpr std::size_t message_length_max = 1'000;

class Json {
  public:
    Json() : sink_(text_), writer_(sink_) { text_.reserve(512); }

    Json& begin() { return writer_.StartObject(), *this; }
    Json& end() { return writer_.EndObject(), *this; }
    Json& begin_list() { return writer_.StartArray(), *this; }
    Json& end_list() { return writer_.EndArray(), *this; }
    Json& key(std::string_view name) { return writer_.Key(name.data(), length(name)), *this; }
    Json& text(std::string_view value) { return writer_.String(value.data(), length(value)), *this; }
    // Words that a peer chose: only printable ASCII goes out.
    Json& foreign(std::string_view value, std::size_t length_max = foreign_text_max) {
        return text(printable(value, length_max));
    }
    Json& flag(bool value) { return writer_.Bool(value), *this; }
    Json& small(std::uint32_t value) { return writer_.Uint(value), *this; }
    Json& small_signed(int value) { return writer_.Int(value), *this; }
    Json& number(std::uint64_t value) { return digits(value); }
    Json& number_signed(std::int64_t value) { return digits(value); }
    template <typename Tag, std::size_t N>
    Json& hex(const FixedBytes<Tag, N>& bytes) {
        static constexpr char alphabet[] = "0123456789abcdef";
        char buffer[2 * N];
        for (std::size_t i = 0; i < N; ++i) {
            buffer[2 * i] = alphabet[bytes.data[i] >> 4];
            buffer[2 * i + 1] = alphabet[bytes.data[i] & 15];
        }
        return text({buffer, sizeof buffer});
    }

    std::string take() { return std::move(text_); }

  private:
    static rapidjson::SizeType length(std::string_view value) {
        return static_cast<rapidjson::SizeType>(value.size());
    }
    template <typename Int>
    Json& digits(Int value) {
        char buffer[24];
        auto [end, failure] = std::to_chars(buffer, buffer + sizeof buffer, value);
        return text({buffer, static_cast<std::size_t>(end - buffer)});
    }

    std::string text_;
    StringSink sink_;
    rapidjson::Writer<StringSink> writer_;
};

}  // namespace peerbook::app
