// The processor's own counters over a stretch of one thread's work, where kernel and machine allow it. Linux
// only (perf_event_open); kernel time is not counted.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace peerbook::app {

// Empty: the machine does not have that counter, or the kernel does not show it.
struct CounterReading {
    std::optional<double> cycles;
    std::optional<double> instructions;
    std::optional<double> l1d_misses;  // reads that missed the first-level data cache
    std::optional<double> llc_misses;  // reads that missed the last-level cache
};

// For the thread that made it. Counters that have to share the hardware are scaled by the time they ran.
class PerfCounters {
  public:
    PerfCounters();
    ~PerfCounters();
    PerfCounters(const PerfCounters&) = delete;
    PerfCounters& operator=(const PerfCounters&) = delete;

    bool any() const;
    // Why there is none; empty if any().
    const std::string& why_not() const { return why_not_; }

    void start();
    CounterReading stop();

  private:
    static constexpr std::size_t counter_count = 4;
    std::array<int, counter_count> files_;  // -1: that counter is not there
    std::string why_not_;
};

}  // namespace peerbook::app
