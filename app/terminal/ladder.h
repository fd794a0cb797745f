// The order book as a ladder: asks above, bids below, the best prices in the middle, and beside each price a
// bar of the quantity that must trade before the price gets past it.
#pragma once

#include <string>
#include <vector>

#include "app/terminal/tables.h"
#include "base/result.h"

namespace peerbook::app {

// Decimals as text, exactly as the node gave them.
struct LadderLevel {
    std::string price;
    std::string quantity;
    std::string orders;  // how many
};

struct Ladder {
    std::string market;
    std::string last;                     // empty: no trade yet
    std::string commit;                   // position in the log that it shows
    std::vector<LadderLevel> bids, asks;  // best first
};

// Pure. Error: invalid_input, where a price or quantity is no decimal.
Result<std::string> draw_ladder(const Ladder& ladder, const TerminalStyle& style);

}  // namespace peerbook::app
