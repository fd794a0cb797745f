#include "p2p/discovery/discovery_schedule.h"

#include <algorithm>
#include <utility>

namespace peerbook::p2p {

std::size_t DiscoverySchedule::add(Duration interval) {
    Row row;
    row.interval = row.pause = std::max(interval, start_gap);
    rows_.push_back(row);
    return rows_.size() - 1;
}

void DiscoverySchedule::remove(std::size_t strategy) {
    rows_[strategy].removed = true;
    rows_[strategy].began.reset();
}

void DiscoverySchedule::set_broadcasts(MonoTime now, bool broadcasts) {
    broadcasts_ = broadcasts;
    for (Row& row : rows_) {
        if (row.began) row.again = true;
        if (row.next) row.next = std::min(*row.next, now);
    }
}

bool DiscoverySchedule::may_begin_first(MonoTime now, std::size_t strategy) const {
    while (strategy > 0 && rows_[strategy - 1].removed)
        --strategy;
    if (strategy == 0) return true;
    const Row& before = rows_[strategy - 1];
    return before.first_ended || (before.first_began && now - *before.first_began >= start_gap);
}

std::vector<std::size_t> DiscoverySchedule::due(MonoTime now, const Peers& peers) {
    const bool lost_all = peers.connected == 0 && peers_.connected > 0;
    peers_ = peers;
    std::vector<std::size_t> strategies;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        Row& row = rows_[i];
        if (row.removed || row.began) continue;
        if (lost_all && row.next) row.next = std::min(*row.next, now + lonely_pause_max);
        if (row.next ? *row.next > now : !may_begin_first(now, i)) continue;
        row.began = now;
        if (!row.first_began) row.first_began = now;
        strategies.push_back(i);
    }
    return strategies;
}

std::vector<std::size_t> DiscoverySchedule::overdue(MonoTime now) {
    std::vector<std::size_t> strategies;
    for (std::size_t i = 0; i < rows_.size(); ++i)
        if (rows_[i].began && !rows_[i].overdue && now - *rows_[i].began >= search_time_max) {
            rows_[i].overdue = true;
            strategies.push_back(i);
        }
    return strategies;
}

void DiscoverySchedule::ended(MonoTime now, std::size_t strategy, bool ok, bool found_something) {
    Row& row = rows_[strategy];
    if (row.removed || !row.began) return;
    row.began.reset();
    row.overdue = false;
    row.first_ended = true;
    const bool was_failing = std::exchange(row.failing, !ok);
    const bool has_enough = peers_.wanted > 0 && peers_.connected >= peers_.wanted;
    if (!ok)
        row.pause = std::min(was_failing ? row.pause * 2 : row.interval, failing_interval_max);
    else if (was_failing || broadcasts_ || (found_something && !has_enough))
        row.pause = row.interval;
    else
        row.pause = std::min(row.pause * 2, std::max(quiet_interval_max, row.interval));
    if (ok && peers_.connected == 0) row.pause = std::min(row.pause, lonely_pause_max);
    const auto eighth = static_cast<std::uint64_t>(row.pause.ns / 8);
    row.next = now + row.pause - Duration{static_cast<std::int64_t>(random_.below(eighth + 1))};
    if (std::exchange(row.again, false)) row.next = now;
}

std::optional<Duration> DiscoverySchedule::next_in(MonoTime now, std::size_t strategy) const {
    const Row& row = rows_[strategy];
    if (row.removed || row.began || !row.next) return std::nullopt;
    return std::max(*row.next - now, Duration{});
}

}  // namespace peerbook::p2p
