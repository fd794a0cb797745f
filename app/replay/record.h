// Compares what a market did with what was recorded: which resting orders the executions hit, and, with an
// official book, whether the levels after each row are equal. The market's book is rebuilt from its answers
// alone (what rested, filled, was reduced and cancelled), so that each of some hundred thousand rows can be
// compared; that the rebuilt book is the market's own is checked by asking the market now and then (load.h).
//
// Only meaningful where the commands were executed in the flow's order. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "app/replay/flow.h"
#include "exchange/engine/event.h"

namespace peerbook::app::replay {

struct FlowFill {
    std::optional<std::uint32_t> maker;  // index into Flow::orders; empty: an order that is not the flow's
    std::int64_t price = 0;              // ticks
    std::int64_t quantity = 0;           // lots
};

// What the market answered to one command.
struct FlowOutcome {
    bool rejected = false;
    exchange::Reason reason = exchange::Reason::none;
    std::int64_t leaves = 0;  // of a placed order, after its own fills
    std::vector<FlowFill> fills;
};

struct MarketLevel {
    std::int64_t price = 0;     // ticks
    std::int64_t quantity = 0;  // lots
    friend bool operator==(const MarketLevel&, const MarketLevel&) = default;
};

// Every execution that did not hit exactly the recorded order is in one class, the first that applies.
struct ExecutionDifferences {
    std::uint64_t nothing = 0;  // no fill at all: the order had gone
    std::uint64_t better_price =
        0;  // an order at a better price stood in front, that the record does not know of
    std::uint64_t behind_seeded =
        0;  // a seeded order is involved: its true place in the queue is not in the file
    std::uint64_t other_order = 0;  // another order of the same price had priority
    std::uint64_t partly = 0;       // the recorded order, but for less
};

// Every row whose levels differ is in one class, by its first difference from the best level down.
struct BookDifferences {
    std::uint64_t missing_level = 0;  // official has a price that the market has not
    std::uint64_t extra_level = 0;    // the market has a price that the official book has not
    std::uint64_t less_quantity = 0;  // same price, less in the market
    std::uint64_t more_quantity = 0;  // same price, more in the market
};

struct RecordReport {
    std::uint64_t executions = 0;       // recorded
    std::uint64_t executions_same = 0;  // hit the recorded order for the recorded quantity
    std::int64_t lots_recorded = 0;
    std::int64_t lots_executed = 0;  // of the recorded executions, against whatever order
    std::int64_t lots_same = 0;      // against the recorded order
    ExecutionDifferences differences;
    std::uint64_t rows = 0;       // compared with the official book
    std::uint64_t rows_best = 0;  // best bid and ask, price and size, equal
    std::uint64_t rows_best_price = 0;
    std::uint64_t rows_all = 0;          // all official levels equal
    BookDifferences at_best;             // rows whose best level differs
    BookDifferences deeper;              // rows whose best level is equal, and a deeper one not
    std::uint64_t rejected_unknown = 0;  // cancels and reductions of an order that had gone
    std::uint64_t rejected_other = 0;
};

class RecordCheck {
  public:
    // Both outlive it; `official` may be null.
    RecordCheck(const Flow& flow, const OfficialBook* official);

    // The outcome of command `index`; commands in order, each once.
    void outcome(std::uint32_t index, const FlowOutcome& outcome);
    // After the last one.
    RecordReport finish();

    // The rebuilt book, best first.
    std::vector<MarketLevel> levels(exchange::Side side, std::size_t depth) const;
    std::uint64_t rejections(exchange::Reason reason) const;

  private:
    struct Resting {
        exchange::Side side = exchange::Side::buy;
        std::int64_t price = 0;
        std::int64_t leaves = 0;  // 0: does not rest
    };
    using Levels = std::map<std::int64_t, std::int64_t>;

    void change(std::uint32_t order, std::int64_t lots);
    void compare_rows_before(std::uint32_t row);
    void compare_row(const OfficialRow& official);
    void compare_execution(const RecordedTrade& trade, const FlowOutcome& outcome);
    void note_rejection(const FlowOutcome& outcome);

    const Flow& flow_;
    const OfficialBook* official_;
    std::vector<Resting> orders_;
    Levels bids_, asks_;
    std::uint32_t next_row_ = 0;
    std::size_t next_trade_ = 0;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t>
        filled_;  // (taker, maker) → lots; trades only
    std::map<exchange::Reason, std::uint64_t> rejections_;
    RecordReport report_;
};

}  // namespace peerbook::app::replay
