#include "app/replay/flow_builder.h"

#include "base/check.h"

namespace peerbook::app::replay {

FlowBuilder::FlowBuilder(const Recording& recording, const FlowScale& scale, const OfficialBook* official,
                         Repair repair)
    : recording_(recording), official_(official) {
    if (repair == Repair::levels) foresight_.emplace(recording, *official);
    flow_.scale = scale;
    flow_.rows = recording.rows;
    flow_.commands.reserve(recording.events.size() + recording.events.size() / 8);
}

Flow FlowBuilder::build() {
    for (const RecordedEvent& event : recording_.events) {
        now_ns_ = event.time_ns;
        row_ = event.row;
        // What the official book after this event no longer has was gone before it, but for its own
        // order.
        cancel_stale(event.order);
        handle(event);
        cancel_stale(0);
        if (foresight_) repair_levels(event.order);
    }
    return std::move(flow_);
}

void FlowBuilder::handle(const RecordedEvent& event) {
    switch (event.type) {
        case RecordedType::hidden:
            ++flow_.counts.hidden;
            return;
        case RecordedType::halt:
            ++flow_.counts.halts;
            return;
        case RecordedType::submit:
            if (live_.contains(event.order)) {
                ++flow_.counts.duplicates;
            } else {
                place(event, false);
            }
            return;
        case RecordedType::reduce:
        case RecordedType::remove:
        case RecordedType::execute:
        case RecordedType::trade:
            change(event);
            return;
    }
}

FlowBuilder::Live* FlowBuilder::place(const RecordedEvent& event, bool seeded) {
    const std::optional<std::int64_t> price = flow_.scale.ticks(event.price);
    if (!price) {
        ++flow_.counts.off_tick;
        return nullptr;
    }
    const std::int64_t lots = flow_.scale.lots(event.quantity);
    if (lots == 0) {
        ++flow_.counts.below_lot;
        return nullptr;
    }
    if (flow_.scale.quantity_divisor > 1 && event.quantity % flow_.scale.quantity_divisor != 0)
        ++flow_.counts.rounded;
    if (seeded && foresight_) make_room(event, *price, lots);
    Live& live = live_[event.order];
    live.side = event.side;
    live.raw_price = event.price;
    live.price = *price;
    live.raw_leaves = event.quantity;
    live.leaves = lots;
    if (seeded) ++flow_.counts.seeded;
    place_in_market(event.order, live, seeded);
    grow(live, lots);
    return &live;
}

// Gives `live` a new order in the market with its leaves.
void FlowBuilder::place_in_market(std::uint64_t id, Live& live, bool seeded) {
    live.index = static_cast<std::uint32_t>(flow_.orders.size());
    flow_.orders.push_back({id, live.side, seeded});
    emit(FlowKind::place, live.side, seeded, live, live.leaves);
    market_.place(live.index, live.side, live.price, live.leaves);
}

// Reductions, deletions, executions and trades take `quantity` off an order.
void FlowBuilder::change(const RecordedEvent& event) {
    auto found = live_.find(event.order);
    Live* live = found == live_.end() ? nullptr : &found->second;
    if (live == nullptr) {
        if (event.quantity == 0) return;
        live = place(event, true);
        if (live == nullptr) return;
        if (foresight_) requeue(live->side, live->price);
    }
    std::int64_t raw = event.quantity;
    if (raw > live->raw_leaves) {
        ++flow_.counts.above_leaves;
        raw = live->raw_leaves;
    }
    // Lots are what the whole lots of the leaves lose, so that rounding never adds up.
    const std::int64_t lots_after = flow_.scale.lots(live->raw_leaves - raw);
    const std::int64_t lots = live->leaves - lots_after;
    const bool ends = event.type == RecordedType::remove || lots_after == 0;
    grow(*live, ends ? -live->leaves : -lots);
    live->raw_leaves -= raw;
    live->leaves = ends ? 0 : lots_after;
    switch (event.type) {
        case RecordedType::execute:
            record_trade(event, *live, lots);
            execute(event, *live, lots);
            break;
        case RecordedType::trade:
            record_trade(event, *live, lots);
            cut_excess(*live);
            break;
        default:
            if (ends) {
                emit(FlowKind::cancel, live->side, false, *live, 0);
                market_.cancel(live->index);
            } else if (lots > 0) {
                emit(FlowKind::reduce, live->side, false, *live, lots);
                market_.reduce(live->index, lots);
            }
    }
    if (ends) forget(event.order, *live);
}

// An aggressor for `lots` of the resting order. Where the market's queue differs from the recorded one,
// it hits another order; then both are put back to what the record says, so that one difference does not
// breed others.
void FlowBuilder::execute(const RecordedEvent& event, Live& live, std::int64_t lots) {
    if (lots == 0) return;
    const exchange::Side taker = exchange::opposite(live.side);
    emit(FlowKind::take, taker, false, live, lots);
    const std::vector<PaperFill> fills = market_.take(taker, live.price, lots);
    cut_excess(live);
    for (const PaperFill& fill : fills) {
        const std::uint64_t id = flow_.orders[fill.maker].recorded;
        auto other = live_.find(id);
        if (id == event.order || other == live_.end() || other->second.index != fill.maker) continue;
        ++flow_.counts.restored;
        if (market_.leaves(fill.maker) > 0) {
            emit(FlowKind::cancel, other->second.side, true, other->second, 0);
            market_.cancel(fill.maker);
        }
        place_in_market(id, other->second, true);
    }
    if (foresight_) requeue(live.side, live.price);
}

// The record says that less of the order rests than the market has.
void FlowBuilder::cut_excess(const Live& live) {
    const std::int64_t excess = market_.leaves(live.index) - live.leaves;
    if (excess <= 0) return;
    ++flow_.counts.outlived;
    emit(live.leaves == 0 ? FlowKind::cancel : FlowKind::reduce, live.side, true, live,
         live.leaves == 0 ? 0 : excess);
    market_.reduce(live.index, excess);
}

void FlowBuilder::record_trade(const RecordedEvent& event, const Live& live, std::int64_t lots) {
    const bool execution = event.type == RecordedType::execute;
    if (lots == 0 || (!execution && event.counterparty == 0)) return;
    RecordedTrade trade;
    trade.quantity = lots;
    trade.maker = live.index;
    trade.taker = static_cast<std::uint32_t>(flow_.commands.size());
    if (!execution) {
        // The counterparty's own event came before this one, so it may be gone from the live orders.
        const std::optional<std::uint32_t> other = index_of(event.counterparty);
        if (!other) return;
        trade.taker = *other;
        trade.taker_is_order = true;
        if (event.counterparty < event.order) {
            trade.taker = live.index;
            trade.maker = *other;
        }
    }
    flow_.trades.push_back(trade);
    ++flow_.counts.executions;
    flow_.counts.executed_lots += lots;
    flow_.counts.traded_notional += static_cast<exchange::Amount>(lots) * live.price;
}

std::optional<std::uint32_t> FlowBuilder::index_of(std::uint64_t id) const {
    if (auto live = live_.find(id); live != live_.end()) return live->second.index;
    if (auto gone = gone_.find(id); gone != gone_.end()) return gone->second;
    return std::nullopt;
}

// Cancels what rests inside the official best bid and ask after the current row, but not the order
// `kept`.
void FlowBuilder::cancel_stale(std::uint64_t kept) {
    if (official_ == nullptr) return;
    const OfficialRow& official = official_->rows[row_];
    const auto limit = [&](const OfficialLevel* levels, std::size_t count) -> std::optional<std::int64_t> {
        return count == 0 ? std::nullopt : flow_.scale.ticks(levels[0].price);
    };
    cancel_better(exchange::Side::buy, limit(official.bids, official.bid_count), kept);
    cancel_better(exchange::Side::sell, limit(official.asks, official.ask_count), kept);
}

void FlowBuilder::cancel_better(exchange::Side side, std::optional<std::int64_t> limit, std::uint64_t kept) {
    for (const std::uint32_t index : market_.better_than(side, limit))
        if (flow_.orders[index].recorded != kept) drop_stale(index);
}

// Cancels a resting order that the official book no longer has.
void FlowBuilder::drop_stale(std::uint32_t index) {
    const std::uint64_t id = flow_.orders[index].recorded;
    auto found = live_.find(id);
    PB_CHECK(found != live_.end() && found->second.index == index, "an order rests that the record lost");
    ++flow_.counts.stale;
    emit(FlowKind::cancel, found->second.side, true, found->second, 0);
    market_.cancel(index);
    grow(found->second, -found->second.leaves);
    forget(id, found->second);
}

void FlowBuilder::forget(std::uint64_t id, const Live& live) {
    if (recording_.format == RecordingFormat::bitstamp) gone_[id] = live.index;
    live_.erase(id);
}

void FlowBuilder::emit(FlowKind kind, exchange::Side side, bool repair, const Live& live, std::int64_t lots) {
    FlowCommand command;
    command.kind = kind;
    command.side = side;
    command.repair = repair;
    command.order = live.index;
    command.row = row_;
    command.price = live.price;
    command.quantity = lots;
    command.time_ns = now_ns_;
    flow_.commands.push_back(command);
}

void FlowBuilder::grow(const Live& live, std::int64_t lots) {
    if (live.side == exchange::Side::buy) {
        buy_notional_ += static_cast<exchange::Amount>(lots) * live.price;
        flow_.counts.buy_notional_peak = std::max(flow_.counts.buy_notional_peak, buy_notional_);
    } else {
        sell_lots_ += lots;
        flow_.counts.sell_lots_peak = std::max(flow_.counts.sell_lots_peak, sell_lots_);
    }
}

}  // namespace peerbook::app::replay
