// An engine that executes prepared commits as a node does, with its undo pruned behind it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
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

// Bytes that this process holds from the allocator now; 0 where it does not say.
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
