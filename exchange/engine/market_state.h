// What changes about a market besides its book, and what waits for administrators.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "exchange/engine/command.h"
#include "exchange/market/market.h"

namespace peerbook::exchange {

struct MarketState {
    MarketPhase phase = MarketPhase::trading;
    std::optional<std::int64_t> last;         // price of the last trade, ticks
    std::optional<WallTime> auction_ends_at;  // while phase is auction
    // Of a market that was created after the start: what it was made from.
    std::optional<CreateMarket> created_from;
    friend bool operator==(const MarketState&, const MarketState&) = default;
};

// An action that some administrators asked for.
struct Proposal {
    Digest id;                // of action and reference
    WallTime since;           // first word; once done, when
    std::uint64_t words = 0;  // bit i: administrator i of the rules asked for it
    bool is_done = false;
    friend bool operator==(const Proposal&, const Proposal&) = default;
};

}  // namespace peerbook::exchange
