#include <algorithm>

#include "tests/model/comparison.h"

namespace peerbook::exchange::model {

const std::vector<std::string>& states_looked_for() {
    static const std::vector<std::string> names{
        "several orders trigger in one commit", "a triggered order trades",
        "a later part of an iceberg trades",    "own orders shrink each other",
        "an auction ends with trades",          "a market trades in a batch",
        "own orders meet in an auction",        "a fee needs more than 64 bits",
        "one order trades with four",           "a command follows the one it names",
    };
    return names;
}

void Reached::note(const EventBuffer& events) {
    std::size_t triggered = 0, fills_in_row = 0;
    const Event* before = nullptr;
    for (const Event& event : events) {
        ++kinds[event.kind];
        if (event.kind == EventKind::rejected)
            ++rejected[event.reason];
        else if (event.reason != Reason::none)
            ++others[event.reason];

        const bool is_fill = event.kind == EventKind::filled;
        const bool is_of_time = event.command == no_command;
        triggered += event.kind == EventKind::triggered;
        if (is_fill && before != nullptr && before->kind == EventKind::triggered &&
            before->order == event.order)
            ++states["a triggered order trades"];
        if (is_fill && !is_of_time && event.ordinal > 0) ++states["a later part of an iceberg trades"];
        if (event.kind == EventKind::reduced && event.reason == Reason::self_trade)
            ++states["own orders shrink each other"];
        if (event.kind == EventKind::market_changed && event.quantity > Quantity(0))
            ++states["an auction ends with trades"];
        if (is_fill && is_of_time) ++states["a market trades in a batch"];
        if (is_of_time && event.reason == Reason::self_trade) ++states["own orders meet in an auction"];
        if (is_fill && event.amount >> 44 != 0) ++states["a fee needs more than 64 bits"];
        fills_in_row =
            is_fill && before != nullptr && before->order == event.order ? fills_in_row + 1 : is_fill;
        if (fills_in_row == 4) ++states["one order trades with four"];
        if (event.kind == EventKind::cancelled && event.reason == Reason::requested && before != nullptr &&
            before->command < event.command && before->kind == EventKind::rested &&
            before->order == event.order)
            ++states["a command follows the one it names"];
        before = &event;
    }
    if (triggered > 1) ++states["several orders trigger in one commit"];
}

}  // namespace peerbook::exchange::model
