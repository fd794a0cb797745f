// An engine that executes prepared commits as a node does, with its undo pruned behind it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <numeric>
#include <span>
#include <vector>

#include "app/bench/prepared_flow.h"
#include "exchange/engine/engine.h"

namespace peerbook::app {

using Timer = std::chrono::steady_clock;

inline std::uint64_t ns_since(Timer::time_point start) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(Timer::now() - start).count());
}

// Time of work that is done several times, cut into the same stretches each time. Of each stretch the fastest
// counts: what the machine does besides only ever adds, and hardly ever to the same stretch again, while what
// belongs to the work (a table that grows) is in all of them.
class FastestStretches {
  public:
    void begin_round() { next_ = 0; }
    void add(std::uint64_t ns) {
        if (next_ == ns_.size())
            ns_.push_back(ns);
        else
            ns_[next_] = std::min(ns_[next_], ns);
        ++next_;
    }
    double total_ns() const {
        return static_cast<double>(std::accumulate(ns_.begin(), ns_.end(), std::uint64_t{0}));
    }

  private:
    std::vector<std::uint64_t> ns_;
    std::size_t next_ = 0;
};

// Bytes that this process holds from the allocator, which may not say, and on huge pages now.
std::uint64_t heap_bytes();

class EngineRun {
  public:
    // `undo_kept`: commits that stay undoable. Rules are `flow`'s; nothing is executed yet.
    EngineRun(const PreparedFlow& flow, std::size_t undo_kept);

    void commit(std::span<const exchange::CommandBatch> batches) {
        events_.clear();
        marks_.push_back(engine_.mark());
        engine_.apply({WallTime{static_cast<std::int64_t>(++commits_)}, rules_version_, batches}, events_);
        if (marks_.size() > undo_kept_) {
            marks_.pop_front();
            engine_.prune_undo(marks_.empty() ? engine_.mark() : marks_.front());
        }
    }
    void commit_each(const std::vector<exchange::CommandBatch>& commits) {
        for (const exchange::CommandBatch& commit_batch : commits)
            commit({&commit_batch, 1});
    }
    // After undo_to() took the last `count` commits back: they can be made again at the same times.
    void forget_commits(std::size_t count);
    // Forgets all undo, and frees what only this object holds.
    void settle();

    exchange::Engine& engine() { return engine_; }
    // Of the last commit.
    const exchange::EventBuffer& events() const { return events_; }

  private:
    exchange::Engine engine_;
    exchange::EventBuffer events_;
    std::deque<exchange::UndoMark> marks_;  // before each undoable commit
    std::size_t undo_kept_;
    std::uint16_t rules_version_;
    std::uint64_t commits_ = 0;
};

}  // namespace peerbook::app
