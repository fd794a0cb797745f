// Commands made from a recording: what is sent to a market so that the recorded events happen again.
//
//   submission            limit order, good till cancelled     (the account of its side)
//   partial deletion      reduce                               (same account)
//   deletion              cancel                               (same account)
//   visible execution     immediate-or-cancel order at the resting order's price for the executed size, from
//   a
//                         third account, so that self-trade prevention never acts
//   trade between two     nothing: both orders were submitted, and the market matches them; where it did not,
//   what orders of the file    the recording says is gone is cancelled hidden execution      nothing: it does
//   not touch the visible book
//
// A recording is not complete, so the flow repairs it, and counts what it repairs:
//   unknown orders        an event on an order that was never submitted (it stood there before, or deeper
//   than the file
//                         looks): the order is placed just before that event, with as much as the event needs
//   stale orders          with the official book: an order of the flow that would stand inside the official
//   best bid
//                         and ask was removed while the file was silent about it: cancelled
//   outlived, restored    where the market's queue is not the recorded one, an execution hits another order
//   than
//                         recorded: the recorded one, which outlives it, is cut to what the record says, and
//                         the other is placed again, so that one difference does not breed others
//   execution above what  the recording's own arithmetic does not add up: the command is cut to what is left
//   is left, duplicates   or, for a second submission of a live id, skipped
//
// Prices that are no multiple of the market's tick: the order is skipped with all its events, and counted.
// Quantities that are no multiple of the lot are rounded down, and counted; below one lot the order is
// skipped.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "app/replay/recording.h"
#include "base/result.h"
#include "exchange/market/market.h"

namespace peerbook::app::replay {

// How a recording's integers become ticks and lots of a market.
struct FlowScale {
    // Exactly one of each pair is 1: a tick is `price_divisor` units of the file, or a unit is `price_factor`
    // ticks.
    std::int64_t price_divisor = 1, price_factor = 1;
    std::int64_t quantity_divisor = 1, quantity_factor = 1;
    std::int64_t price_max = 0;     // ticks
    std::int64_t quantity_max = 0;  // lots

    // Empty where the price is no multiple of the tick or out of the market's range.
    std::optional<std::int64_t> ticks(std::int64_t file_price) const;
    // Rounded down, at most quantity_max.
    std::int64_t lots(std::int64_t file_quantity) const;
    friend auto operator<=>(const FlowScale&, const FlowScale&) = default;
};

// Error: tick or lot and the file's unit are not whole multiples of each other.
Result<FlowScale> make_scale(const Recording& recording, const exchange::MarketRules& market);

enum class FlowKind : std::uint8_t { place, take, reduce, cancel };

struct FlowCommand {
    FlowKind kind = FlowKind::place;
    exchange::Side side = exchange::Side::buy;  // of the order placed, or of the aggressor
    bool repair = false;                        // not in the recording: a seeded or stale order
    std::uint32_t order = 0;  // index into Flow::orders: the order placed, changed, or meant by an execution
    std::uint32_t row = 0;
    std::int64_t price = 0;     // ticks; of a reduction or cancel its order's
    std::int64_t quantity = 0;  // lots; place, take and reduce
    std::int64_t time_ns = 0;
};

struct FlowOrder {
    std::uint64_t recorded = 0;  // the file's name for it
    exchange::Side side = exchange::Side::buy;
    bool seeded = false;
};

// An execution or trade as recorded: what the market is compared with.
struct RecordedTrade {
    std::uint32_t maker = 0;      // index into Flow::orders
    std::uint32_t taker = 0;      // index into Flow::orders; for an execution: index into Flow::commands
    bool taker_is_order = false;  // which of the two
    std::int64_t quantity = 0;    // lots
};

struct FlowCounts {
    std::uint64_t hidden = 0, halts = 0;
    std::uint64_t seeded = 0;    // orders placed because an event named an unknown one
    std::uint64_t stale = 0;     // orders cancelled because the official book says they are gone
    std::uint64_t fillers = 0;   // orders placed for official quantity that no event ever names
    std::uint64_t requeued = 0;  // orders placed again behind an older one
    std::uint64_t outlived = 0;  // orders cut because the record says that less of them rests
    std::uint64_t restored = 0;  // orders placed again because an execution hit them instead of the recorded
    std::uint64_t duplicates = 0;    // submissions of an id that lives
    std::uint64_t above_leaves = 0;  // events on more than the order had left
    std::uint64_t off_tick =
        0;                      // events skipped: price no multiple of the tick, or out of the market's range
    std::uint64_t rounded = 0;  // quantities rounded down to lots
    std::uint64_t below_lot = 0;   // events skipped: nothing left after rounding
    std::uint64_t executions = 0;  // recorded executions and trades
    std::int64_t executed_lots = 0;
    exchange::Amount buy_notional_peak =
        0;  // highest sum of ticks × lots of resting buys: what funding needs
    exchange::Amount sell_lots_peak = 0;
    exchange::Amount traded_notional = 0;  // ticks × lots of all recorded executions
};

struct Flow {
    FlowScale scale;
    std::vector<FlowCommand> commands;  // in recorded order
    std::vector<FlowOrder> orders;
    std::vector<RecordedTrade> trades;
    FlowCounts counts;
    std::uint32_t rows = 0;
};

// How much of the official book the flow is repaired with.
enum class Repair : std::uint8_t {
    best,    // stale orders inside its best prices are cancelled, as above
    levels,  // also: when a price comes into the file's sight, its quantity is made the official one, by
             // orders that later events name, or by fillers that none does; and what rests at other prices in
             // sight is cancelled
};

// `official` may be null with Repair::best; if given, it has a row for each of the recording's rows (error:
// too few).
Result<Flow> build_flow(const Recording& recording, const FlowScale& scale, const OfficialBook* official,
                        Repair repair = Repair::best);

}  // namespace peerbook::app::replay
