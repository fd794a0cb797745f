#include "p2p/discovery/peer_discovery.h"

#include <algorithm>

#include "p2p/wire/message.h"

namespace peerbook::p2p {

PeerDiscovery::PeerDiscovery(Hooks hooks, bool broadcasts, std::uint64_t seed)
    : hooks_(std::move(hooks)), schedule_(broadcasts, seed), alive_(std::make_shared<bool>(true)) {}

PeerDiscovery::~PeerDiscovery() {
    stop();
}

Status PeerDiscovery::add(std::unique_ptr<DiscoveryStrategy> strategy, Duration interval) {
    const std::string name(strategy->name());
    if (rows_.size() >= strategies_max)
        return Error{ErrorCode::too_large,
                     "more than " + std::to_string(strategies_max) + " ways to find peers"};
    if (std::any_of(rows_.begin(), rows_.end(), [&](const Row& row) { return row.name == name; }))
        return Error{ErrorCode::conflict, "two ways to find peers are called " + name};
    const std::size_t index = schedule_.add(interval);
    rows_.emplace_back().name = name;
    const Status started = strategy->start([this, index, alive = alive_](const PeerAddress& address) {
        if (*alive && hooks_.found(rows_[index].name, address)) ++rows_[index].found;
    });
    if (started.ok()) {
        if (outside_port_) strategy->set_outside_port(*outside_port_);
        if (broadcast_) strategy->set_broadcast(*broadcast_);
        rows_[index].strategy = std::move(strategy);
        return {};
    }
    rows_[index].last_error = printable(started.error().message);
    schedule_.remove(index);
    hooks_.say(true, "strategy=" + name + " cannot be used reason=\"" + rows_[index].last_error + "\"");
    return {};
}

void PeerDiscovery::tick(Now now, std::size_t connected, std::size_t wanted) {
    if (stopped_) return;
    for (const std::size_t index : schedule_.overdue(now.mono))
        judge(index, Error{ErrorCode::timed_out, "a search did not end within " +
                                                     std::to_string(search_time_max.ms() / 1000) + " s"});
    for (const std::size_t index : schedule_.due(now.mono, {connected, wanted}))
        search(now, index);
}

void PeerDiscovery::search(Now now, std::size_t index) {
    Row& row = rows_[index];
    ++row.searches;
    row.found_before = row.found;
    row.last_search = now.wall;
    row.strategy->search([this, index, alive = alive_](const Status& status) {
        if (*alive && schedule_.searching(index)) ended(hooks_.clock(), index, status);
    });
}

void PeerDiscovery::ended(Now now, std::size_t index, const Status& status) {
    schedule_.ended(now.mono, index, status.ok(), rows_[index].found > rows_[index].found_before);
    judge(index, status);
}

void PeerDiscovery::judge(std::size_t index, const Status& status) {
    Row& row = rows_[index];
    const bool was_failing = std::exchange(row.failing, !status.ok());
    if (status.ok()) {
        if (was_failing) hooks_.say(false, "strategy=" + row.name + " works again");
        return;
    }
    row.last_error = printable(status.error().message);
    if (!was_failing)
        hooks_.say(true, "strategy=" + row.name + " fails and is tried again in silence reason=\"" +
                             row.last_error + "\"");
}

std::vector<DiscoveryInfo> PeerDiscovery::infos(Now now) const {
    std::vector<DiscoveryInfo> infos;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const Row& row = rows_[i];
        DiscoveryInfo info;
        info.name = row.name;
        info.state = !row.strategy            ? "unusable"
                     : schedule_.searching(i) ? "searching"
                     : row.failing            ? "failing"
                     : row.searches == 0      ? "starting"
                                              : "waiting";
        info.found = row.found;
        info.searches = row.searches;
        info.last_search = row.last_search;
        info.next_search_in = schedule_.next_in(now.mono, i);
        info.last_error = row.last_error;
        infos.push_back(std::move(info));
    }
    return infos;
}

void PeerDiscovery::set_outside_port(std::uint16_t port) {
    outside_port_ = port;
    for (Row& row : rows_)
        if (row.strategy) row.strategy->set_outside_port(port);
}

void PeerDiscovery::set_broadcast(Now now, bool broadcast) {
    broadcast_ = broadcast;
    for (Row& row : rows_)
        if (row.strategy) row.strategy->set_broadcast(broadcast);
    schedule_.set_broadcasts(now.mono, broadcast);
}

void PeerDiscovery::stop() {
    if (std::exchange(stopped_, true)) return;
    *alive_ = false;
    for (Row& row : rows_)
        if (row.strategy) row.strategy->stop();
}

}  // namespace peerbook::p2p
