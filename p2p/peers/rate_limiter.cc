#include "p2p/peers/rate_limiter.h"

#include <algorithm>

namespace peerbook::p2p {

namespace {
constexpr __int128 unit = 1'000'000'000'000;
}

TokenBucket::TokenBucket(Rate rate, MonoTime now)
    : rate_(rate), level_(unit * rate.capacity), filled_at_(now) {}

void TokenBucket::refill(MonoTime now) {
    if (now <= filled_at_) return;
    const __int128 gained = static_cast<__int128>((now - filled_at_).ns) * rate_.per_1000_s;
    level_ = std::min(level_ + gained, unit * rate_.capacity);
    filled_at_ = now;
}

bool TokenBucket::has(MonoTime now, std::int64_t count) {
    refill(now);
    return level_ >= unit * count;
}

bool TokenBucket::take(MonoTime now, std::int64_t count) {
    if (!has(now, count)) return false;
    level_ -= unit * count;
    return true;
}

std::int64_t TokenBucket::take_up_to(MonoTime now, std::int64_t count_max) {
    refill(now);
    const auto taken = std::min(count_max, static_cast<std::int64_t>(level_ / unit));
    level_ -= unit * taken;
    return taken;
}

Duration TokenBucket::charge(MonoTime now, std::int64_t count) {
    refill(now);
    level_ -= unit * count;
    if (level_ >= 0 || rate_.per_1000_s <= 0) return {};
    return Duration{static_cast<std::int64_t>((-level_ + rate_.per_1000_s - 1) / rate_.per_1000_s)};
}

}  // namespace peerbook::p2p
