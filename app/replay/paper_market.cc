#include "app/replay/paper_market.h"

#include <algorithm>

#include "base/check.h"

namespace peerbook::app::replay {

std::int64_t PaperMarket::match(exchange::Side taker, std::int64_t price, std::int64_t lots) {
    fills_.clear();
    Side& makers = side_of(exchange::opposite(taker));
    const std::int64_t limit = key_of(exchange::opposite(taker), price);
    while (lots > 0 && !makers.empty() && makers.begin()->first <= limit) {
        Level& level = makers.begin()->second;
        Order& maker = orders_[level.queue.front()];
        const std::int64_t filled = std::min(lots, maker.leaves);
        if (filled > 0) fills_.push_back({level.queue.front(), filled});
        lots -= filled;
        maker.leaves -= filled;
        level.lots -= filled;
        if (maker.leaves == 0) level.queue.pop_front();
        if (level.lots == 0) makers.erase(makers.begin());
    }
    return lots;
}

const std::vector<PaperFill>& PaperMarket::place(std::uint32_t order, exchange::Side side, std::int64_t price,
                                                 std::int64_t lots) {
    PB_CHECK(order <= orders_.size() && leaves(order) == 0, "paper orders are numbered one by one");
    const std::int64_t left = match(side, price, lots);
    if (order == orders_.size()) orders_.emplace_back();
    orders_[order] = {side, price, left};
    if (left > 0) {
        Level& level = side_of(side)[key_of(side, price)];
        level.lots += left;
        level.queue.push_back(order);
    }
    return fills_;
}

const std::vector<PaperFill>& PaperMarket::take(exchange::Side side, std::int64_t price, std::int64_t lots) {
    match(side, price, lots);
    return fills_;
}

void PaperMarket::reduce(std::uint32_t order, std::int64_t lots) {
    Order& found = orders_.at(order);
    lots = std::min(lots, found.leaves);
    if (lots == 0) return;
    Side& side = side_of(found.side);
    auto level = side.find(key_of(found.side, found.price));
    found.leaves -= lots;
    level->second.lots -= lots;
    if (level->second.lots == 0) side.erase(level);
}

void PaperMarket::cancel(std::uint32_t order) {
    reduce(order, orders_.at(order).leaves);
}

std::optional<std::int64_t> PaperMarket::best(exchange::Side side) const {
    const Side& levels = side_of(side);
    if (levels.empty()) return std::nullopt;
    const std::int64_t key = levels.begin()->first;
    return side == exchange::Side::buy ? -key : key;
}

std::vector<std::uint32_t> PaperMarket::better_than(exchange::Side side,
                                                    std::optional<std::int64_t> limit) const {
    std::vector<std::uint32_t> out;
    for (const auto& [key, level] : side_of(side)) {
        if (limit && key >= key_of(side, *limit)) break;
        for (const std::uint32_t order : level.queue)
            if (orders_[order].leaves > 0) out.push_back(order);
    }
    return out;
}

std::int64_t PaperMarket::lots_at(exchange::Side side, std::int64_t price) const {
    auto level = side_of(side).find(key_of(side, price));
    return level == side_of(side).end() ? 0 : level->second.lots;
}

std::vector<std::uint32_t> PaperMarket::orders_at(exchange::Side side, std::int64_t price) const {
    std::vector<std::uint32_t> out;
    auto level = side_of(side).find(key_of(side, price));
    if (level == side_of(side).end()) return out;
    for (const std::uint32_t order : level->second.queue)
        if (orders_[order].leaves > 0) out.push_back(order);
    return out;
}

std::vector<std::int64_t> PaperMarket::prices(exchange::Side side, std::optional<std::int64_t> limit) const {
    std::vector<std::int64_t> out;
    for (const auto& [key, level] : side_of(side)) {
        if (limit && key > key_of(side, *limit)) break;
        out.push_back(side == exchange::Side::buy ? -key : key);
    }
    return out;
}

}  // namespace peerbook::app::replay
