// Addressed messages that have not been acknowledged. Each is sent when its peer is there, sent again with
// growing pauses (1 s doubling to 16 s) while no acknowledgement comes, at once when the peer reconnects, and
// given up when it expires. Bounded in messages and bytes over all peers, and in messages for one peer, so
// that one unreachable peer cannot push out the rest; what finds no room is refused. Pure, not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/time.h"
#include "p2p/peers/send_queue.h"

namespace peerbook::p2p {

struct RetryLimits {
    std::size_t messages_max = 4096;
    std::size_t messages_per_peer_max = 1024;
    std::size_t bytes_max = 16 * 1024 * 1024;
    Duration expiry = Duration::seconds(60);
};

class RetryQueue {
  public:
    struct Entry {
        PeerId peer;
        MessageId id;
        std::uint8_t kind = 0;
        SharedBytes payload;
        MonoTime expires;
        MonoTime next_attempt;
        Duration pause;
    };
    // Messages to hand to their peers now, and those whose time is over.
    struct Due {
        std::vector<Entry> send;
        std::vector<Entry> expired;
    };

    explicit RetryQueue(RetryLimits limits = {}) : limits_(limits) {}

    // The reason for which there is no room, or nothing. The first attempt is due at once.
    std::optional<std::string> push(MonoTime now, const PeerId& peer, const MessageId& id, std::uint8_t kind,
                                    SharedBytes payload);
    // False if no such message waits for this peer.
    bool acknowledge(const PeerId& peer, const MessageId& id);
    // Everything for this peer is due at the next collect().
    void peer_connected(MonoTime now, const PeerId& peer);
    // `is_connected` tells which peers can take messages now; others keep waiting.
    template <typename IsConnected>
    Due collect(MonoTime now, IsConnected&& is_connected) {
        Due due;
        for (auto it = entries_.begin(); it != entries_.end();) {
            Entry& entry = it->second;
            if (entry.expires <= now) {
                due.expired.push_back(entry);
                forget(it++);
                continue;
            }
            if (entry.next_attempt <= now && is_connected(entry.peer)) {
                due.send.push_back(entry);
                postpone(entry, now);
            }
            ++it;
        }
        return due;
    }

    std::size_t size() const { return entries_.size(); }
    std::size_t bytes() const { return bytes_; }

  private:
    using Entries = std::map<MessageId, Entry>;  // ids of one sender rise: oldest first
    void forget(Entries::iterator it);
    static void postpone(Entry& entry, MonoTime now);

    RetryLimits limits_;
    Entries entries_;
    std::map<PeerId, std::size_t> per_peer_;
    std::size_t bytes_ = 0;
};

}  // namespace peerbook::p2p
