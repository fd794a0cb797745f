#include "app/cli/json_text.h"

#include <rapidjson/error/en.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace peerbook::app::cli {

namespace {

const rapidjson::Value* member(const rapidjson::Value& object, const char* name) {
    if (!object.IsObject()) return nullptr;
    const auto found = object.FindMember(name);
    return found == object.MemberEnd() ? nullptr : &found->value;
}

}  // namespace

Result<rapidjson::Document> parse_json(const std::string& text) {
    // Iterative, so that no depth of nesting can exhaust the stack.
    constexpr unsigned flags = rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseIterativeFlag;
    rapidjson::Document document;
    document.Parse<flags>(text.data(), text.size());
    if (document.HasParseError()) {
        return Error{ErrorCode::invalid_input, "no JSON at byte " +
                                                   std::to_string(document.GetErrorOffset()) + ": " +
                                                   rapidjson::GetParseError_En(document.GetParseError())};
    }
    return document;
}

std::string text_at(const rapidjson::Value& object, const char* name) {
    const rapidjson::Value* value = member(object, name);
    if (value == nullptr) return {};
    if (value->IsString()) return {value->GetString(), value->GetStringLength()};
    if (value->IsBool()) return value->GetBool() ? "true" : "false";
    return {};
}

bool is_true(const rapidjson::Value& object, const char* name) {
    return text_at(object, name) == "true";
}

const rapidjson::Value* array_at(const rapidjson::Value& object, const char* name) {
    const rapidjson::Value* value = member(object, name);
    return value != nullptr && value->IsArray() ? value : nullptr;
}

const rapidjson::Value* object_at(const rapidjson::Value& object, const char* name) {
    const rapidjson::Value* value = member(object, name);
    return value != nullptr && value->IsObject() ? value : nullptr;
}

std::string json_string(std::string_view text) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
    return {buffer.GetString(), buffer.GetSize()};
}

void JsonObject::name(std::string_view name) {
    if (text_.size() > 1) text_ += ',';
    text_ += json_string(name);
    text_ += ':';
}

JsonObject& JsonObject::text(std::string_view key, std::string_view value) {
    name(key);
    text_ += json_string(value);
    return *this;
}

JsonObject& JsonObject::flag(std::string_view key, bool value) {
    name(key);
    text_ += value ? "true" : "false";
    return *this;
}

JsonObject& JsonObject::raw(std::string_view key, std::string_view json) {
    name(key);
    text_ += json;
    return *this;
}

}  // namespace peerbook::app::cli
