// Checks that are always on. A failed check is a bug of ours, never a user's or a peer's mistake: it stops
// the process with the place and the condition, because a node that trades on with broken state loses
// people's money.
#pragma once

namespace peerbook {

[[noreturn]] void check_failed(const char* condition, const char* file, int line, const char* message);

}  // namespace peerbook

#define PB_CHECK(condition, message)                                           \
    do {                                                                       \
        if (!(condition)) [[unlikely]]                                         \
            ::peerbook::check_failed(#condition, __FILE__, __LINE__, message); \
    } while (false)
