#include "app/replay/record.h"

#include <algorithm>

#include "base/check.h"

namespace peerbook::app::replay {

namespace {

// What the first difference of two lists of levels is; null if the first `count` levels are equal.
std::uint64_t BookDifferences::*first_difference(const std::vector<MarketLevel>& official,
                                                 const std::vector<MarketLevel>& market, bool descending,
                                                 std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
        const bool has_official = i < official.size(), has_market = i < market.size();
        if (!has_official && !has_market) return nullptr;
        if (!has_official) return &BookDifferences::extra_level;
        if (!has_market) return &BookDifferences::missing_level;
        if (official[i] == market[i]) continue;
        if (official[i].price == market[i].price)
            return market[i].quantity < official[i].quantity ? &BookDifferences::less_quantity
                                                             : &BookDifferences::more_quantity;
        const bool market_is_better =
            descending ? market[i].price > official[i].price : market[i].price < official[i].price;
        return market_is_better ? &BookDifferences::extra_level : &BookDifferences::missing_level;
    }
    return nullptr;
}

}  // namespace

RecordCheck::RecordCheck(const Flow& flow, const OfficialBook* official)
    : flow_(flow), official_(official), orders_(flow.orders.size()) {
    report_.executions = flow.counts.executions;
    report_.lots_recorded = flow.counts.executed_lots;
}

void RecordCheck::change(std::uint32_t order, std::int64_t lots) {
    Resting& resting = orders_[order];
    lots = std::max(lots, -resting.leaves);
    if (lots == 0) return;
    resting.leaves += lots;
    Levels& side = resting.side == exchange::Side::buy ? bids_ : asks_;
    auto level = side.try_emplace(resting.price, 0).first;
    level->second += lots;
    if (level->second == 0) side.erase(level);
}

void RecordCheck::note_rejection(const FlowOutcome& outcome) {
    ++rejections_[outcome.reason];
    if (outcome.reason == exchange::Reason::unknown_order) {
        ++report_.rejected_unknown;
    } else {
        ++report_.rejected_other;
    }
}

void RecordCheck::outcome(std::uint32_t index, const FlowOutcome& outcome) {
    const FlowCommand& command = flow_.commands[index];
    compare_rows_before(command.row);
    if (outcome.rejected) note_rejection(outcome);
    for (const FlowFill& fill : outcome.fills) {
        if (!fill.maker) continue;
        change(*fill.maker, -fill.quantity);
        if (command.kind == FlowKind::place) filled_[{command.order, *fill.maker}] += fill.quantity;
    }
    switch (command.kind) {
        case FlowKind::place:
            if (!outcome.rejected && outcome.leaves > 0) {
                orders_[command.order] = {command.side, command.price, 0};
                change(command.order, outcome.leaves);
            }
            break;
        case FlowKind::take:
            while (next_trade_ < flow_.trades.size() &&
                   (flow_.trades[next_trade_].taker_is_order || flow_.trades[next_trade_].taker < index))
                ++next_trade_;
            PB_CHECK(next_trade_ < flow_.trades.size() && flow_.trades[next_trade_].taker == index,
                     "an aggressor without a recorded execution");
            compare_execution(flow_.trades[next_trade_], outcome);
            break;
        case FlowKind::reduce:
            if (!outcome.rejected) change(command.order, -command.quantity);
            break;
        case FlowKind::cancel:
            if (!outcome.rejected) change(command.order, -orders_[command.order].leaves);
            break;
    }
}

void RecordCheck::compare_execution(const RecordedTrade& trade, const FlowOutcome& outcome) {
    const std::int64_t price = flow_.commands[trade.taker].price;
    std::int64_t same = 0, all = 0;
    bool better = false, seeded = flow_.orders[trade.maker].seeded;
    for (const FlowFill& fill : outcome.fills) {
        all += fill.quantity;
        if (fill.maker == trade.maker) same += fill.quantity;
        if (fill.price != price) better = true;
        if (fill.maker && flow_.orders[*fill.maker].seeded) seeded = true;
    }
    report_.lots_executed += all;
    report_.lots_same += same;
    if (same == trade.quantity) {
        ++report_.executions_same;
    } else if (all == 0) {
        ++report_.differences.nothing;
    } else if (better) {
        ++report_.differences.better_price;
    } else if (all == same) {
        ++report_.differences.partly;
    } else if (seeded) {
        ++report_.differences.behind_seeded;
    } else {
        ++report_.differences.other_order;
    }
}

void RecordCheck::compare_rows_before(std::uint32_t row) {
    if (official_ == nullptr) return;
    for (; next_row_ < row && next_row_ < official_->rows.size(); ++next_row_)
        compare_row(official_->rows[next_row_]);
}

void RecordCheck::compare_row(const OfficialRow& official) {
    const std::size_t depth = official_->levels;
    const auto scaled = [&](const OfficialLevel* levels, std::size_t count) {
        std::vector<MarketLevel> out;
        for (std::size_t i = 0; i < count; ++i)
            out.push_back(
                {flow_.scale.ticks(levels[i].price).value_or(0), flow_.scale.lots(levels[i].quantity)});
        return out;
    };
    const std::vector<MarketLevel> official_bids = scaled(official.bids, official.bid_count);
    const std::vector<MarketLevel> official_asks = scaled(official.asks, official.ask_count);
    const std::vector<MarketLevel> bids = levels(exchange::Side::buy, depth);
    const std::vector<MarketLevel> asks = levels(exchange::Side::sell, depth);
    ++report_.rows;
    const auto best_price = [](const std::vector<MarketLevel>& side) {
        return side.empty() ? 0 : side[0].price;
    };
    if (best_price(official_bids) == best_price(bids) && best_price(official_asks) == best_price(asks))
        ++report_.rows_best_price;
    auto difference = first_difference(official_asks, asks, false, 0, 1);
    if (difference == nullptr) difference = first_difference(official_bids, bids, true, 0, 1);
    if (difference != nullptr) {
        ++(report_.at_best.*difference);
        return;
    }
    ++report_.rows_best;
    difference = first_difference(official_asks, asks, false, 1, depth);
    if (difference == nullptr) difference = first_difference(official_bids, bids, true, 1, depth);
    if (difference != nullptr) {
        ++(report_.deeper.*difference);
        return;
    }
    ++report_.rows_all;
}

RecordReport RecordCheck::finish() {
    compare_rows_before(flow_.rows);
    for (const RecordedTrade& trade : flow_.trades) {
        if (!trade.taker_is_order) continue;
        auto found = filled_.find({trade.taker, trade.maker});
        const std::int64_t lots = found == filled_.end() ? 0 : std::min(found->second, trade.quantity);
        if (found != filled_.end()) found->second -= lots;
        report_.lots_same += lots;
        report_.lots_executed += lots;
        if (lots == trade.quantity) {
            ++report_.executions_same;
        } else if (lots > 0) {
            ++report_.differences.partly;
        } else if (flow_.orders[trade.maker].seeded || flow_.orders[trade.taker].seeded) {
            ++report_.differences.behind_seeded;
        } else {
            ++report_.differences.other_order;
        }
    }
    return report_;
}

std::vector<MarketLevel> RecordCheck::levels(exchange::Side side, std::size_t depth) const {
    std::vector<MarketLevel> out;
    if (side == exchange::Side::buy) {
        for (auto level = bids_.rbegin(); level != bids_.rend() && out.size() < depth; ++level)
            out.push_back({level->first, level->second});
    } else {
        for (auto level = asks_.begin(); level != asks_.end() && out.size() < depth; ++level)
            out.push_back({level->first, level->second});
    }
    return out;
}

std::uint64_t RecordCheck::rejections(exchange::Reason reason) const {
    auto found = rejections_.find(reason);
    return found == rejections_.end() ? 0 : found->second;
}

}  // namespace peerbook::app::replay
