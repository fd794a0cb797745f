// A queue between two threads that hands over everything waiting at once: waking an idle core costs tens of
// microseconds, so the taker gets batches, not messages.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.h"

namespace peerbook::app {

// Thread-safe because a mutex guards all state. Unbounded here; each user's bound is named where it puts.
template <typename T>
class HandOff {
  public:
    void put(T item) {
        bool wake = false;
        {
            std::lock_guard lock(mutex_);
            wake = items_.empty();
            items_.push_back(std::move(item));
        }
        if (wake) ready_.notify_one();
    }

    void put_all(std::vector<T> items) {
        if (items.empty()) return;
        {
            std::lock_guard lock(mutex_);
            for (T& item : items)
                items_.push_back(std::move(item));
        }
        ready_.notify_one();
    }

    // Swaps all that waits into `out` (emptied first). Blocks until there is something, `until` has passed or
    // close(). False when closed and empty.
    bool take_all(std::vector<T>& out, std::optional<MonoTime> until = std::nullopt) {
        out.clear();
        std::unique_lock lock(mutex_);
        const auto something = [this] { return closed_ || !items_.empty(); };
        if (until)
            ready_.wait_until(
                lock, std::chrono::steady_clock::time_point(std::chrono::nanoseconds(until->ns)), something);
        else
            ready_.wait(lock, something);
        out.swap(items_);
        return !(closed_ && out.empty());
    }

    void close() {
        {
            std::lock_guard lock(mutex_);
            closed_ = true;
        }
        ready_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable ready_;
    std::vector<T> items_;
    bool closed_ = false;
};

}  // namespace peerbook::app
