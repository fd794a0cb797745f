// What waits for the journal, and when it is written. Pure, so that the effect runner and the simulators keep
// one rule.
//
// The disk writes one thing at a time. If peers' blocks were written as they come, the own block that is made
// meanwhile would wait for that write, and a member would have a block on the disk with every second write
// only. So what nobody waits for goes with the next append that somebody does wait for. Order is kept: an own
// block or a promise comes behind the blocks that it claims, in the same write or a later one (RULES.md, rule
// 5).
//
// Any thread, one at a time.
#pragma once

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "app/node/effects.h"
#include "base/time.h"

namespace peerbook::app {

class WriteQueue {
  public:
    // So long does an append wait for an urgent one: a little longer than T_ack, so that an acknowledgement
    // takes the blocks with it that it is of. A crash forgets what waits; peers send it again.
    static constexpr Duration patience = Duration::milliseconds(8);

    // Leaves in `effects` what is to be written now: all that waits, or nothing. Has the node called again
    // when the rest is due.
    void pass(Effects& effects, MonoTime now) {
        for (const AppendEffect& append : effects.appends) {
            const MonoTime due = append.is_urgent ? now : now + patience;
            due_ = due_ ? std::min(*due_, due) : due;
        }
        std::move(effects.appends.begin(), effects.appends.end(), std::back_inserter(waiting_));
        effects.appends.clear();
        if (!due_) return;
        if (*due_ <= now)
            effects.appends = take();
        else if (!effects.wake_at || *due_ < *effects.wake_at)
            effects.wake_at = due_;
    }

    // All that waits; at the end of the process.
    std::vector<AppendEffect> take() {
        due_.reset();
        return std::exchange(waiting_, {});
    }
    bool empty() const { return waiting_.empty(); }

  private:
    std::vector<AppendEffect> waiting_;
    std::optional<MonoTime> due_;
};

}  // namespace peerbook::app
