#include "p2p/gossip/pull_queue.h"

#include <algorithm>

namespace peerbook::p2p {

bool PullQueue::announced(MonoTime now, const MessageId& id, const PeerId& peer, Duration wait,
                          PullReason reason) {
    std::size_t& count = per_peer_[peer];
    auto found = wanted_.find(id);
    const bool full = count >= per_peer_max || (found == wanted_.end() && wanted_.size() >= messages_max) ||
                      (found != wanted_.end() && found->second.announcers.size() >= announcers_max);
    if (full) {
        if (count == 0) per_peer_.erase(peer);
        return false;
    }
    if (found == wanted_.end()) {
        found = wanted_.emplace(id, Wanted{{}, now, now + wait, reason}).first;
        by_due_.insert({found->second.due, id});
    } else if (now + wait < found->second.due && !found->second.asked) {
        by_due_.erase({found->second.due, id});
        found->second.due = now + wait;
        found->second.reason = reason;
        by_due_.insert({found->second.due, id});
    }
    std::deque<Announcer>& announcers = found->second.announcers;
    const bool known = std::any_of(announcers.begin(), announcers.end(),
                                   [&](const Announcer& announcer) { return announcer.peer == peer; });
    if (known) return true;
    announcers.push_back({peer});
    ++count;
    return true;
}

void PullQueue::release(const PeerId& peer) {
    const auto count = per_peer_.find(peer);
    if (--count->second == 0) per_peer_.erase(count);
}

void PullQueue::forget(WantedMap::iterator it) {
    by_due_.erase({it->second.due, it->first});
    for (const Announcer& announcer : it->second.announcers)
        release(announcer.peer);
    wanted_.erase(it);
}

PullQueue::Announced PullQueue::received(const MessageId& id) {
    Announced announced;
    const auto found = wanted_.find(id);
    if (found == wanted_.end()) return announced;
    for (const Announcer& announcer : found->second.announcers)
        announced.by.push_back(announcer.peer);
    announced.first_at = found->second.first_at;
    forget(found);
    return announced;
}

void PullQueue::peer_down(const PeerId& peer) {
    if (!per_peer_.contains(peer)) return;
    for (auto it = wanted_.begin(); it != wanted_.end();) {
        const auto current = it++;
        std::deque<Announcer>& announcers = current->second.announcers;
        const auto found = std::find_if(announcers.begin(), announcers.end(),
                                        [&](const Announcer& announcer) { return announcer.peer == peer; });
        if (found == announcers.end()) continue;
        release(peer);
        announcers.erase(found);
        if (announcers.empty()) forget(current);
    }
}

std::vector<PullQueue::Ask> PullQueue::take_due(MonoTime now) {
    std::vector<Ask> asks;
    while (!by_due_.empty() && by_due_.begin()->first <= now) {
        const auto found = wanted_.find(by_due_.begin()->second);
        Wanted& wanted = found->second;
        Announcer next = wanted.announcers.front();
        if (next.asked >= asked_max) {
            ++given_up_;
            forget(found);
            continue;
        }
        asks.push_back({next.peer, found->first, wanted.reason});
        ++next.asked;
        wanted.asked = true;
        wanted.announcers.pop_front();
        wanted.announcers.push_back(next);
        by_due_.erase(by_due_.begin());
        wanted.due = now + again_after_;
        by_due_.insert({wanted.due, found->first});
    }
    return asks;
}

std::optional<MonoTime> PullQueue::next_due() const {
    if (by_due_.empty()) return std::nullopt;
    return by_due_.begin()->first;
}

}  // namespace peerbook::p2p
