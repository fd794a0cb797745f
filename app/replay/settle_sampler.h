// Measures how long blocks take to settle, by long polls of one node on a connection of its own: one block at
// a time, so it takes a sample whenever it has none under way. Thread-safe: lanes offer, its thread waits.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "app/replay/histogram.h"
#include "app/replay/node_link.h"

namespace peerbook::app::replay {

class SettleSampler {
  public:
    // `stop` outlives it.
    SettleSampler(NodeAddress address, const std::atomic<bool>& stop);
    ~SettleSampler();

    // Takes the block as a sample if none is under way. `begin`: when its batch was sent (or due).
    void offer(std::uint64_t block, MonoTime begin);
    // Waits for the sample under way and ends the thread. No offers afterwards.
    void finish();
    // After finish().
    const Histogram& settled_us() const { return settled_us_; }

  private:
    struct Sample {
        std::uint64_t block = 0;
        MonoTime begin;
    };
    void run();

    NodeLink link_;
    std::mutex mutex_;  // guards waiting_ and ending_
    std::condition_variable changed_;
    std::optional<Sample> waiting_;
    bool ending_ = false;
    Histogram settled_us_;  // the thread's until finish()
    std::thread thread_;
};

}  // namespace peerbook::app::replay
