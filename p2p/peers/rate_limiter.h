// A token bucket: `capacity` at once, `per_1000_s` in a thousand seconds (so that slow rates are whole
// numbers). Pure: time is an argument and may stand still but is never expected to fall. Not thread-safe.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace peerbook::p2p {

class TokenBucket {
  public:
    struct Rate {
        std::int64_t capacity;
        std::int64_t per_1000_s;
    };
    TokenBucket(Rate rate, MonoTime now);

    // Takes `count` tokens if there are as many; otherwise none.
    bool take(MonoTime now, std::int64_t count = 1);
    bool has(MonoTime now, std::int64_t count = 1);
    // Takes as many as there are, at most `count_max`.
    std::int64_t take_up_to(MonoTime now, std::int64_t count_max);

    // Takes `count`, which happened already, though there be less. How long until nothing is owed.
    Duration charge(MonoTime now, std::int64_t count);

  private:
    void refill(MonoTime now);

    Rate rate_;
    __int128 level_;  // in 10⁻¹² tokens: the unit that makes ns × tokens per 1000 s exact
    MonoTime filled_at_;
};

}  // namespace peerbook::p2p
