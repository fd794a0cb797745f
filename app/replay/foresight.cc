#include "app/replay/foresight.h"

#include <algorithm>
#include <unordered_set>

namespace peerbook::app::replay {

Foresight::Foresight(const Recording& recording, const OfficialBook& official) {
    for (std::uint32_t row = 0; row < official.rows.size(); ++row) {
        const OfficialRow& levels = official.rows[row];
        for (std::size_t i = 0; i < levels.bid_count; ++i)
            note_sight({exchange::Side::buy, levels.bids[i].price}, row);
        for (std::size_t i = 0; i < levels.ask_count; ++i)
            note_sight({exchange::Side::sell, levels.asks[i].price}, row);
    }
    std::unordered_set<std::uint64_t> submitted;
    struct Found {
        Place level;
        std::size_t position = 0;
    };
    std::unordered_map<std::uint64_t, Found> places;  // of unknown orders whose removal was not seen yet
    for (const RecordedEvent& event : recording.events) {
        if (event.type == RecordedType::hidden || event.type == RecordedType::halt) continue;
        rows_[event.order].push_back(event.row);
        if (event.type == RecordedType::submit) {
            submitted.insert(event.order);
            continue;
        }
        if (submitted.contains(event.order)) continue;
        auto [place, is_new] = places.try_emplace(event.order);
        if (is_new) {
            place->second.level = {event.side, event.price};
            std::vector<Unknown>& level = unknown_[place->second.level];
            place->second.position = level.size();
            level.push_back({event.order, event.row, 0});
        }
        unknown_[place->second.level][place->second.position].quantity += event.quantity;
        if (event.type == RecordedType::remove) submitted.insert(event.order);
    }
    for (auto& [key, level] : unknown_)
        std::sort(level.begin(), level.end(),
                  [](const Unknown& a, const Unknown& b) { return a.order < b.order; });
}

const std::vector<Foresight::Unknown>& Foresight::unknown_at(exchange::Side side,
                                                             std::int64_t file_price) const {
    static const std::vector<Unknown> none;
    auto found = unknown_.find({side, file_price});
    return found == unknown_.end() ? none : found->second;
}

bool Foresight::is_seen_after(std::uint64_t order, std::uint32_t row) const {
    auto found = rows_.find(order);
    return found != rows_.end() && found->second.back() > row;
}

bool Foresight::is_seen_within(std::uint64_t order, std::uint32_t after, std::uint32_t until) const {
    auto found = rows_.find(order);
    if (found == rows_.end()) return false;
    auto next = std::upper_bound(found->second.begin(), found->second.end(), after);
    return next != found->second.end() && *next <= until;
}

void Foresight::note_sight(Place place, std::uint32_t row) {
    std::vector<Span>& spans = sight_[place];
    if (!spans.empty() && spans.back().last + 1 == row) {
        spans.back().last = row;
    } else {
        spans.push_back({row, row});
    }
}

std::uint32_t Foresight::in_sight_until(exchange::Side side, std::int64_t file_price,
                                        std::uint32_t row) const {
    const std::vector<Span>& spans = sight_.at({side, file_price});
    auto after = std::upper_bound(spans.begin(), spans.end(), row,
                                  [](std::uint32_t wanted, const Span& span) { return wanted < span.first; });
    return std::prev(after)->last;
}

}  // namespace peerbook::app::replay
