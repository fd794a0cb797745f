#include "p2p/routing/retry_queue.h"

#include <algorithm>

namespace peerbook::p2p {

namespace {
constexpr Duration pause_min = Duration::seconds(1);
constexpr Duration pause_max = Duration::seconds(16);
}  // namespace

std::optional<std::string> RetryQueue::push(MonoTime now, const PeerId& peer, const MessageId& id,
                                            std::uint8_t kind, SharedBytes payload) {
    if (entries_.size() >= limits_.messages_max || bytes_ + payload.size() > limits_.bytes_max)
        return "retry queue is full: " + std::to_string(entries_.size()) + " messages of " +
               std::to_string(bytes_) + " bytes wait";
    const auto count = per_peer_.find(peer);
    if (count != per_peer_.end() && count->second >= limits_.messages_per_peer_max)
        return "retry queue is full for this peer: " + std::to_string(count->second) + " messages wait";
    ++per_peer_[peer];
    bytes_ += payload.size();
    entries_.emplace(id, Entry{peer, id, kind, std::move(payload), now + limits_.expiry, now, pause_min});
    return std::nullopt;
}

bool RetryQueue::acknowledge(const PeerId& peer, const MessageId& id) {
    const auto found = entries_.find(id);
    if (found == entries_.end() || found->second.peer != peer) return false;
    forget(found);
    return true;
}

void RetryQueue::peer_connected(MonoTime now, const PeerId& peer) {
    for (auto& [id, entry] : entries_) {
        if (entry.peer != peer) continue;
        entry.next_attempt = now;
        entry.pause = pause_min;
    }
}

void RetryQueue::forget(Entries::iterator it) {
    bytes_ -= it->second.payload.size();
    const auto count = per_peer_.find(it->second.peer);
    if (--count->second == 0) per_peer_.erase(count);
    entries_.erase(it);
}

void RetryQueue::postpone(Entry& entry, MonoTime now) {
    entry.next_attempt = now + entry.pause;
    entry.pause = std::min(entry.pause * 2, pause_max);
}

}  // namespace peerbook::p2p
