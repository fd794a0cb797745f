// Time as values. Logic never asks for the time: it is handed one. Only adapters own a Clock.
#pragma once

#include <compare>
#include <cstdint>

namespace peerbook {

// A span of time in nanoseconds.
struct Duration {
    std::int64_t ns = 0;

    static constexpr Duration nanoseconds(std::int64_t n) { return {n}; }
    static constexpr Duration microseconds(std::int64_t n) { return {n * 1'000}; }
    static constexpr Duration milliseconds(std::int64_t n) { return {n * 1'000'000}; }
    static constexpr Duration seconds(std::int64_t n) { return {n * 1'000'000'000}; }
    constexpr std::int64_t ms() const { return ns / 1'000'000; }
    friend constexpr auto operator<=>(Duration, Duration) = default;
    friend constexpr Duration operator+(Duration a, Duration b) { return {a.ns + b.ns}; }
    friend constexpr Duration operator-(Duration a, Duration b) { return {a.ns - b.ns}; }
    friend constexpr Duration operator*(Duration a, std::int64_t k) { return {a.ns * k}; }
};

// A point on this process's monotonic clock; for time-outs and rates. Means nothing to another process.
struct MonoTime {
    std::int64_t ns = 0;
    friend constexpr auto operator<=>(MonoTime, MonoTime) = default;
    friend constexpr MonoTime operator+(MonoTime t, Duration d) { return {t.ns + d.ns}; }
    friend constexpr MonoTime operator-(MonoTime t, Duration d) { return {t.ns - d.ns}; }
    friend constexpr Duration operator-(MonoTime a, MonoTime b) { return {a.ns - b.ns}; }
};

// Milliseconds since the Unix epoch; what blocks and control messages carry.
struct WallTime {
    std::int64_t ms = 0;
    friend constexpr auto operator<=>(WallTime, WallTime) = default;
};

// Both readings of one instant: what an input to a state machine is stamped with.
struct Now {
    MonoTime mono;
    WallTime wall;
};

class Clock {
  public:
    virtual ~Clock() = default;
    virtual Now now() const = 0;
};

}  // namespace peerbook
