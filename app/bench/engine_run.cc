#include "app/bench/engine_run.h"

#include <malloc.h>

#include "base/huge_pages.h"

namespace peerbook::app {

std::uint64_t heap_bytes() {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd + huge_bytes_in_use();
}

EngineRun::EngineRun(const PreparedFlow& flow, std::size_t undo_kept)
    : engine_(flow.rules), undo_kept_(undo_kept), rules_version_(flow.rules.rules_version) {
    events_.reserve(64 * commit_commands);
}

void EngineRun::forget_commits(std::size_t count) {
    commits_ -= count;
    while (count-- > 0 && !marks_.empty())
        marks_.pop_back();
}

void EngineRun::settle() {
    marks_.clear();
    engine_.prune_undo(engine_.mark());
    events_ = exchange::EventBuffer();
}

}  // namespace peerbook::app
