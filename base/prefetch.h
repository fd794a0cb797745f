// Asks the processor for a cache line that will be read or written soon. Thread-safe; any address will do.
#pragma once

namespace peerbook {

inline void prefetch_line(const void* address) {
    __builtin_prefetch(address);
    // g++ takes a function that only asks for lines for one without effects, and drops the calls of it.
    asm volatile("");
}

}  // namespace peerbook
