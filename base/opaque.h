// Values that the compiler cannot follow. For choices that no processor can guess: what the compiler knows of
// a value it makes branches of, where a conditional move or a look-up would do. Thread-safe.
#pragma once

#include <cstdint>

namespace peerbook {

template <typename T>
T opaque(T value) {
    asm("" : "+r"(value));
    return value;
}

// `wanted` or, where it is null, `otherwise`, by a conditional move.
template <typename T>
const T* or_else(const T* wanted, const T* otherwise) {
    wanted = opaque(wanted);
    return opaque(wanted != nullptr ? wanted : otherwise);
}

// One of two words, by arithmetic.
inline std::uint64_t chosen(bool is_first, std::uint64_t first, std::uint64_t second) {
    const std::uint64_t mask = opaque(std::uint64_t{0} - std::uint64_t{is_first});
    return second ^ ((first ^ second) & mask);
}
template <typename T>
T* chosen(bool is_first, T* first, T* second) {
    return reinterpret_cast<T*>(
        chosen(is_first, reinterpret_cast<std::uint64_t>(first), reinterpret_cast<std::uint64_t>(second)));
}

}  // namespace peerbook
