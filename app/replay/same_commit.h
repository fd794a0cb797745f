// Which commands of a market may share a commit without a change of what comes of them.
//
// Inside a commit cancels and reductions run before orders that stand in front of them (or, if their target
// is in the same commit, right after it). That is the same as the recorded order unless one of those orders
// reaches the target: then it would have traded with what the cancel takes away. Everything else keeps its
// order.
#pragma once

#include <algorithm>
#include <optional>

#include "app/replay/flow.h"

namespace peerbook::app::replay {

class SameCommit {
  public:
    // True, and the command belongs to the commit, if it may join those before it. False: it must wait for
    // the next commit, for which clear() makes room.
    bool add(const FlowCommand& command) {
        const bool is_buy = command.side == exchange::Side::buy;
        if (command.kind == FlowKind::reduce || command.kind == FlowKind::cancel)
            return is_buy ? !lowest_sell_ || *lowest_sell_ > command.price
                          : !highest_buy_ || *highest_buy_ < command.price;
        if (is_buy)
            highest_buy_ = std::max(highest_buy_.value_or(command.price), command.price);
        else
            lowest_sell_ = std::min(lowest_sell_.value_or(command.price), command.price);
        return true;
    }
    void clear() { *this = {}; }

  private:
    std::optional<std::int64_t> highest_buy_, lowest_sell_;  // limits of the commit's orders, ticks
};

}  // namespace peerbook::app::replay
