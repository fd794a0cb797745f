// The machine's clocks. Adapters only.
#pragma once

#include <chrono>

#include "base/time.h"

namespace peerbook::app {

// Thread-safe because it holds no state.
class SystemClock final : public Clock {
  public:
    Now now() const override {
        using std::chrono::duration_cast;
        return {{duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
                     .count()},
                {duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
                     .count()}};
    }
};

}  // namespace peerbook::app
