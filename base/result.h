// Result<T>: a value, or an Error of the environment or of an input. Mistakes of users inside the exchange
// are events with a reason (exchange/engine/event.h), not Errors. Library exceptions are turned into Results
// in the adapter that owns the library.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace peerbook {

enum class ErrorCode : unsigned char {
    invalid_input,  // the bytes or words given are wrong; repeating will not help
    not_found,      // what was named does not exist
    conflict,       // another process, key or state is in the way
    corrupt,        // stored data fails its checks
    io,             // disk or network said no
    unavailable,    // not now: queue full, not connected, shutting down
    unauthorized,   // wrong or missing credentials or signature
    too_large,      // above a named limit
    timed_out,
};

const char* to_string(ErrorCode code);

struct Error {
    ErrorCode code;
    std::string message;  // for people: what happened, where, what to do

    // The same error with "context: " in front.
    Error within(const std::string& context) const { return {code, context + ": " + message}; }
};

template <typename T>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    // Precondition: ok().
    T& value() & {
        PB_CHECK(ok(), "value() of a failed Result");
        return std::get<0>(state_);
    }
    const T& value() const& {
        PB_CHECK(ok(), "value() of a failed Result");
        return std::get<0>(state_);
    }
    T&& value() && {
        PB_CHECK(ok(), "value() of a failed Result");
        return std::get<0>(std::move(state_));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    // Precondition: !ok().
    const Error& error() const {
        PB_CHECK(!ok(), "error() of a successful Result");
        return std::get<1>(state_);
    }

  private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    bool ok() const { return !error_; }
    explicit operator bool() const { return ok(); }
    const Error& error() const {
        PB_CHECK(!ok(), "error() of a successful Result");
        return *error_;
    }

  private:
    std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace peerbook
