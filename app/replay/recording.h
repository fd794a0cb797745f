// What a recorded file says happened, in one form for every format: the readers make it, the flow is built
// from it. Prices and quantities stay in the file's own integer units; the flow scales them to a market's
// ticks and lots.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "exchange/market/types.h"

namespace peerbook::app::replay {

enum class RecordedType : std::uint8_t {
    submit,   // a new order; one whose price crosses the book trades at once
    reduce,   // `quantity` taken off a resting order by its owner
    remove,   // the rest of an order deleted by its owner
    execute,  // `quantity` of the resting order `order` was traded; the aggressor is not an order of the file
    trade,    // `quantity` of `order` was traded with another order of the file, submitted as any other
    hidden,   // an execution that the visible book never shows
    halt,     // trading halted or resumed, or another message without an order
};

struct RecordedEvent {
    std::int64_t time_ns = 0;  // since an origin of the file's own
    RecordedType type = RecordedType::submit;
    bool ends = false;                          // trade only: `order` was filled by it
    exchange::Side side = exchange::Side::buy;  // of `order`; for an execution that is the resting one
    std::uint64_t order = 0;                    // the file's name for it
    std::uint64_t counterparty = 0;             // trade only, on the later of its two events: the other order
    std::int64_t price = 0;                     // units of 10^-price_decimals of the quote asset
    std::int64_t quantity = 0;                  // units of 10^-quantity_decimals of the base asset
    std::uint32_t row = 0;                      // position among the file's rows, from 0
};

enum class RecordingFormat : std::uint8_t { lobster, bitstamp };

struct Recording {
    RecordingFormat format = RecordingFormat::lobster;
    unsigned price_decimals = 0;
    unsigned quantity_decimals = 0;
    std::uint32_t rows = 0;
    std::vector<RecordedEvent> events;  // in recorded order; rows never decrease
};

// The official book after one row: best level first, at most `levels` a side, absent levels left out.
struct OfficialLevel {
    std::int64_t price = 0;
    std::int64_t quantity = 0;
    friend bool operator==(const OfficialLevel&, const OfficialLevel&) = default;
};

inline constexpr std::size_t official_levels_max = 10;

struct OfficialRow {
    std::uint8_t bid_count = 0, ask_count = 0;
    OfficialLevel bids[official_levels_max];
    OfficialLevel asks[official_levels_max];
};

struct OfficialBook {
    std::size_t levels = 0;
    std::vector<OfficialRow> rows;  // one a row of the message file
};

}  // namespace peerbook::app::replay
