// Reading JSON objects that peers send. Private to p2p.
#pragma once

#include <rapidjson/document.h>

#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "p2p/peers/peer_address.h"
#include "p2p/wire/message.h"

namespace peerbook::p2p {

inline constexpr std::int64_t int64_max = std::numeric_limits<std::int64_t>::max();

// Numbers become text, so that Members reads both forms alike and never through double. Error: invalid_input:
// not one object, or deeper than control_depth_max.
Status parse_object(std::string_view text, rapidjson::Document& document);

// Reads members of one object; the first missing or wrong one is remembered, and later reads return zero
// values.
class Members {
  public:
    explicit Members(const rapidjson::Value& object) : object_(object) {}

    std::string text(const char* name, std::size_t bytes_max = control_text_bytes_max) {
        const rapidjson::Value* member = find(name);
        if (!member) return {};
        if (!member->IsString()) return fail(name, "is not text"), std::string();
        if (member->GetStringLength() > bytes_max) return fail(name, "is too long"), std::string();
        return {member->GetString(), member->GetStringLength()};
    }

    bool has(const char* name) const { return object_.HasMember(name); }

    // Numbers arrive as text (kParseNumbersAsStringsFlag), so both forms are read alike and never through
    // double.
    std::int64_t integer(const char* name, std::int64_t min, std::int64_t max) {
        const std::string digits = text(name, 20);
        std::int64_t value = 0;
        const char* end = digits.data() + digits.size();
        const auto [stop, code] = std::from_chars(digits.data(), end, value);
        if (failure_.empty() && (code != std::errc() || stop != end || value < min || value > max))
            fail(name, "is not an integer in its range");
        return failure_.empty() ? value : 0;
    }

    bool boolean(const char* name) {
        const rapidjson::Value* member = find(name);
        if (member && !member->IsBool()) fail(name, "is not true or false");
        return member && member->IsBool() && member->GetBool();
    }

    template <typename Fixed>
    Fixed fixed(const char* name) {
        const std::string hex = text(name);
        Fixed value;
        if (failure_.empty() && !from_hex(hex, value.data).ok()) fail(name, "is not hex of its length");
        return value;
    }

    std::vector<std::string> texts(const char* name, std::size_t count_max) {
        std::vector<std::string> values;
        const rapidjson::Value* member = find(name);
        if (!member) return values;
        if (!member->IsArray()) return fail(name, "is not an array"), values;
        if (member->Size() > count_max) return fail(name, "has too many elements"), values;
        for (const rapidjson::Value& element : member->GetArray()) {
            if (!element.IsString() || element.GetStringLength() > host_bytes_max + 8)
                return fail(name, "has an element that is not text of its length"), values;
            values.emplace_back(element.GetString(), element.GetStringLength());
        }
        return values;
    }

    std::vector<const rapidjson::Value*> objects(const char* name, std::size_t count_max) {
        std::vector<const rapidjson::Value*> values;
        const rapidjson::Value* member = find(name);
        if (!member) return values;
        if (!member->IsArray()) return fail(name, "is not an array"), values;
        if (member->Size() > count_max) return fail(name, "has too many elements"), values;
        for (const rapidjson::Value& element : member->GetArray()) {
            if (!element.IsObject()) return fail(name, "has an element that is not an object"), values;
            values.push_back(&element);
        }
        return values;
    }

    const rapidjson::Value* object(const char* name) {
        const rapidjson::Value* member = find(name);
        if (member && !member->IsObject()) return fail(name, "is not an object"), nullptr;
        return member;
    }

    void fail(const char* name, const char* why) {
        if (failure_.empty()) failure_ = std::string(name) + " " + why;
    }
    const std::string& failure() const { return failure_; }

  private:
    const rapidjson::Value* find(const char* name) {
        if (!failure_.empty()) return nullptr;
        const auto member = object_.FindMember(name);
        if (member == object_.MemberEnd()) return fail(name, "is missing"), nullptr;
        return &member->value;
    }

    const rapidjson::Value& object_;
    std::string failure_;
};

}  // namespace peerbook::p2p
