// The machine's clocks, read. Thread-safe. Only adapters may call: logic is handed a Now.
#pragma once

#include <chrono>

#include "base/time.h"

namespace peerbook {

inline MonoTime mono_now() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::nanoseconds>(since).count()};
}

inline WallTime wall_now() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
}

// Both clocks, for whoever is given a Clock.
class SystemClock final : public Clock {
  public:
    Now now() const override { return {mono_now(), wall_now()}; }
};

}  // namespace peerbook
