// A mistake in a request, with the field it is in, so that a client can point at it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/result.h"

namespace peerbook::app {

struct ApiError {
    ErrorCode code = ErrorCode::invalid_input;
    std::string message;            // for people
    std::string field;              // of JSON or of the query; empty: none in particular
    std::optional<std::size_t> at;  // byte of the input, where known

    ApiError() = default;
    ApiError(std::string message_, std::string field_)
        : message(std::move(message_)), field(std::move(field_)) {}
    explicit ApiError(const Error& error) : code(error.code), message(error.message) {}
};

// A value or an ApiError; read it as one reads Result.
template <typename T>
class [[nodiscard]] ApiResult {
  public:
    ApiResult(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    ApiResult(ApiError error) : state_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const { return state_.index() == 0; }
    T& value() {
        PB_CHECK(ok(), "value() of a failed ApiResult");
        return std::get<0>(state_);
    }
    ApiError& error() {
        PB_CHECK(!ok(), "error() of a successful ApiResult");
        return std::get<1>(state_);
    }

  private:
    std::variant<T, ApiError> state_;
};

// What a user wrote, short and printable, in quotes, for an error message.
std::string quoted(std::string_view text);
// The same text with everything but printable ASCII replaced, cut at `length_max`. For words that strangers
// choose.
std::string printable(std::string_view text, std::size_t length_max);
// The candidate that is nearest to `word` if it is near enough to be what was meant, else empty.
std::string_view nearest_word(std::string_view word, const std::string_view* candidates, std::size_t count);

}  // namespace peerbook::app
