#include "tests/sim/scheduler.h"

#include <utility>

namespace peerbook::sim {

void Scheduler::after(std::int64_t delay_us, std::function<void()> action) {
    queue_.emplace(std::pair(now_us_ + delay_us, ++scheduled_), std::move(action));
}

void Scheduler::run_until(std::int64_t until_us, const std::function<bool()>& stop) {
    while (!queue_.empty() && queue_.begin()->first.first <= until_us && !stop()) {
        auto next = queue_.extract(queue_.begin());
        now_us_ = next.key().first;
        next.mapped()();
    }
    if (!stop()) now_us_ = until_us;
}

}  // namespace peerbook::sim
