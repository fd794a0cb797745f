// Virtual time: what is to happen, in order of time and, at one instant, of being scheduled. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

namespace peerbook::sim {

class Scheduler {
  public:
    // Microseconds since the start.
    std::int64_t now_us() const { return now_us_; }
    void after(std::int64_t delay_us, std::function<void()> action);
    // Runs what is due up to `until_us`, and stops early when `stop()` says so.
    void run_until(std::int64_t until_us, const std::function<bool()>& stop);

  private:
    std::map<std::pair<std::int64_t, std::uint64_t>, std::function<void()>> queue_;
    std::int64_t now_us_ = 0;
    std::uint64_t scheduled_ = 0;
};

}  // namespace peerbook::sim
