// When a log's state roots are taken.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace peerbook::exchange {

inline constexpr std::uint64_t checkpoint_commits = 256;
inline constexpr Duration checkpoint_interval = Duration::seconds(1);  // of commit time

// Tells which commits of a log are checkpoints: the first one, and each that comes checkpoint_commits or
// checkpoint_interval after the checkpoint before. So equal logs have equal checkpoints.
class CheckpointSchedule {
  public:
    // The next commit in order. True if it is a checkpoint.
    bool pass(std::uint64_t index, WallTime time) {
        if (last_time_ && index - last_index_ < checkpoint_commits &&
            time.ms - last_time_->ms < checkpoint_interval.ms())
            return false;
        last_index_ = index;
        last_time_ = time;
        return true;
    }

  private:
    std::uint64_t last_index_ = 0;
    std::optional<WallTime> last_time_;
};

}  // namespace peerbook::exchange
