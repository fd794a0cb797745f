// JSON in and out with numbers as text, so that no price ever passes through a double.
#pragma once

#include <rapidjson/document.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace peerbook::app::cli {

// Numbers come out as strings. Error: invalid_input with the position.
Result<rapidjson::Document> parse_json(const std::string& text);

// The member as text: a string as it is, true and false by their names; empty where it is missing or null.
std::string text_at(const rapidjson::Value& object, const char* name);
bool is_true(const rapidjson::Value& object, const char* name);
// Null where it is missing or not an array (object).
const rapidjson::Value* array_at(const rapidjson::Value& object, const char* name);
const rapidjson::Value* object_at(const rapidjson::Value& object, const char* name);

// Builds one flat JSON object.
class JsonObject {
  public:
    JsonObject& text(std::string_view name, std::string_view value);
    JsonObject& flag(std::string_view name, bool value);
    // `json` is a whole JSON value.
    JsonObject& raw(std::string_view name, std::string_view json);
    std::string str() const { return text_ + "}"; }

  private:
    void name(std::string_view name);
    std::string text_ = "{";
};

// With quotes and escapes.
std::string json_string(std::string_view text);

}  // namespace peerbook::app::cli
