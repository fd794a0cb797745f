// Repair::levels. A file of L levels tells everything about a price while it is among the best L, and nothing
// while it is not. So only when a price comes into sight is its quantity taken from the official book; from
// then on it must stay equal by the commands alone, until it is out of sight again. A difference at a price
// that stayed in sight is never repaired here: it is one between the record and the market.
#include <algorithm>

#include "app/replay/flow_builder.h"
#include "base/check.h"

namespace peerbook::app::replay {

namespace {

// Above all ids of the readers, which are positive 64-bit integers.
constexpr std::uint64_t first_filler = std::uint64_t{1} << 63;

bool is_filler(std::uint64_t id) {
    return id >= first_filler;
}

bool has_price(const OfficialLevel* levels, std::size_t count, std::int64_t price) {
    return std::any_of(levels, levels + count,
                       [&](const OfficialLevel& level) { return level.price == price; });
}

}  // namespace

std::int64_t FlowBuilder::raw_of(std::int64_t lots) const {
    return lots / flow_.scale.quantity_factor * flow_.scale.quantity_divisor;
}

void FlowBuilder::repair_levels(std::uint64_t event_order) {
    static const OfficialRow nothing;
    const OfficialRow& now = official_->rows[row_];
    const OfficialRow& before = row_ == 0 ? nothing : official_->rows[row_ - 1];
    repairing_ = true;
    repair_side(exchange::Side::buy, now.bids, now.bid_count, before.bids, before.bid_count, event_order);
    repair_side(exchange::Side::sell, now.asks, now.ask_count, before.asks, before.ask_count, event_order);
    repairing_ = false;
}

void FlowBuilder::repair_side(exchange::Side side, const OfficialLevel* levels, std::size_t count,
                              const OfficialLevel* before, std::size_t count_before,
                              std::uint64_t event_order) {
    // Prices in sight that the official book does not have. A side with fewer levels than the file shows is
    // whole.
    std::optional<std::int64_t> sight;
    if (count == official_->levels) sight = flow_.scale.ticks(levels[count - 1].price);
    for (const std::int64_t price : market_.prices(side, sight)) {
        const bool is_official = std::any_of(levels, levels + count, [&](const OfficialLevel& level) {
            return flow_.scale.ticks(level.price) == price;
        });
        if (is_official) continue;
        for (const std::uint32_t index : market_.orders_at(side, price))
            if (flow_.orders[index].recorded != event_order) drop_stale(index);
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (has_price(before, count_before, levels[i].price)) continue;
        const std::optional<std::int64_t> price = flow_.scale.ticks(levels[i].price);
        if (!price) continue;
        const std::int64_t missing = flow_.scale.lots(levels[i].quantity) - market_.lots_at(side, *price);
        if (missing < 0) take_off(side, levels[i], -missing, event_order, row_);
        if (missing > 0) {
            add_to(side, levels[i].price, missing);
            requeue(side, *price);
        }
    }
}

// Takes `excess` off a price that is in sight at `row`. What an event names while it stays in sight is surely
// there; of the rest, fillers go first, then what no event ever names, then what one names after the price
// was out of sight: whole orders that fit, the oldest first, and at last a part of one.
void FlowBuilder::take_off(exchange::Side side, const OfficialLevel& level, std::int64_t excess,
                           std::uint64_t kept, std::uint32_t row) {
    const std::int64_t price = *flow_.scale.ticks(level.price);
    const std::uint32_t until = foresight_->in_sight_until(side, level.price, row) + 1;
    const auto doubt = [&](std::uint64_t id) {
        if (id == kept || foresight_->is_seen_within(id, row, until)) return 0;
        return is_filler(id) ? 3 : foresight_->is_seen_after(id, row) ? 1 : 2;
    };
    for (int class_of = 3; class_of >= 1; --class_of) {
        for (const std::uint32_t index : market_.orders_at(side, price)) {
            const std::int64_t leaves = market_.leaves(index);
            if (leaves > excess || doubt(flow_.orders[index].recorded) != class_of) continue;
            excess -= leaves;
            drop_stale(index);
        }
    }
    for (int class_of = 3; class_of >= 1; --class_of) {
        for (const std::uint32_t index : market_.orders_at(side, price)) {
            if (excess == 0) return;
            if (doubt(flow_.orders[index].recorded) != class_of) continue;
            const std::int64_t lots = std::min(excess, market_.leaves(index) - 1);
            if (lots == 0) continue;
            ++flow_.counts.stale;
            shrink(index, lots);
            excess -= lots;
        }
    }
}

// Orders that an event names while the price stays in sight were there already; a filler stands for the rest.
void FlowBuilder::add_to(exchange::Side side, std::int64_t file_price, std::int64_t lots) {
    const std::uint32_t until = foresight_->in_sight_until(side, file_price, row_) + 1;
    RecordedEvent event;
    event.side = side;
    event.price = file_price;
    for (const Foresight::Unknown& unknown : foresight_->unknown_at(side, file_price)) {
        const std::int64_t unknown_lots = flow_.scale.lots(unknown.quantity);
        if (unknown.first_row <= row_ || unknown.first_row > until || unknown_lots == 0 ||
            unknown_lots > lots || live_.contains(unknown.order))
            continue;
        event.order = unknown.order;
        event.quantity = unknown.quantity;
        place(event, true);
        lots -= unknown_lots;
    }
    event.quantity = raw_of(lots);
    if (event.quantity == 0) return;
    event.order = first_filler + next_filler_++;
    ++flow_.counts.fillers;
    place(event, true);
}

// An unknown order is about to be seeded at a price that was in sight before: the official quantity contains
// it.
void FlowBuilder::make_room(const RecordedEvent& event, std::int64_t price, std::int64_t lots) {
    if (repairing_ || row_ == 0) return;
    const OfficialRow& before = official_->rows[row_ - 1];
    const bool buy = event.side == exchange::Side::buy;
    const OfficialLevel* levels = buy ? before.bids : before.asks;
    const OfficialLevel* end = levels + (buy ? before.bid_count : before.ask_count);
    const OfficialLevel* level =
        std::find_if(levels, end, [&](const OfficialLevel& one) { return one.price == event.price; });
    if (level == end) return;
    const std::int64_t excess = market_.lots_at(event.side, price) + lots - flow_.scale.lots(level->quantity);
    if (excess > 0) take_off(event.side, *level, excess, event.order, row_ - 1);
}

// Ids count the orders in the order of their arrival: what was placed late for an old id goes before the
// younger ones, by placing those again behind it. Fillers, whose age nobody knows, come last.
void FlowBuilder::requeue(exchange::Side side, std::int64_t price) {
    const std::vector<std::uint32_t> queue = market_.orders_at(side, price);
    std::vector<std::uint64_t> ids;
    for (const std::uint32_t index : queue)
        ids.push_back(flow_.orders[index].recorded);
    std::vector<std::uint64_t> sorted = ids;
    std::sort(sorted.begin(), sorted.end());
    const auto first = std::mismatch(ids.begin(), ids.end(), sorted.begin()).first - ids.begin();
    for (auto i = static_cast<std::size_t>(first); i < queue.size(); ++i) {
        ++flow_.counts.requeued;
        emit(FlowKind::cancel, side, true, live_.at(ids[i]), 0);
        market_.cancel(queue[i]);
    }
    for (auto i = static_cast<std::size_t>(first); i < queue.size(); ++i)
        place_in_market(sorted[i], live_.at(sorted[i]), true);
}

void FlowBuilder::shrink(std::uint32_t index, std::int64_t lots) {
    Live& live = live_.at(flow_.orders[index].recorded);
    PB_CHECK(lots < live.leaves, "an order is shrunk to nothing");
    live.leaves -= lots;
    live.raw_leaves -= raw_of(lots);
    emit(FlowKind::reduce, live.side, true, live, lots);
    market_.reduce(index, lots);
    grow(live, -lots);
}

}  // namespace peerbook::app::replay
