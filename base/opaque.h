// Values that the compiler cannot follow. For choices that no processor can guess: what the compiler knows of
// a value it makes branches of, where a conditional move or a look-up would do. Thread-safe.
#pragma once

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

}  // namespace peerbook
