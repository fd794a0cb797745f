// Messages that peers announced and that have not come: whom to ask for each, and when. One announcer is
// asked at a time, in the order in which they announced; one that does not deliver in time is followed by the
// next. After each was asked twice the message is given up: anti-entropy will bring it.
//
// Bounded in messages, in messages announced by one peer, and in announcers of one message.
//
// Pure: time is an argument. Not thread-safe.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "p2p/gossip/gossip_wire.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

class PullQueue {
  public:
    static constexpr std::size_t messages_max = 4'096;
    static constexpr std::size_t per_peer_max = 1'024;
    static constexpr std::size_t announcers_max = 8;
    static constexpr int asked_max = 2;  // times, each announcer

    struct Ask {
        PeerId peer;
        MessageId id;
        PullReason reason;
    };

    explicit PullQueue(Duration again_after) : again_after_(again_after) {}

    // `peer` has `id`, which is to be asked for after `wait` unless it comes. The shortest wait counts, with
    // its reason. False if there is no room.
    bool announced(MonoTime now, const MessageId& id, const PeerId& peer, Duration wait, PullReason reason);
    // It came. Who announced it, and when the first did; nobody, if it was not waited for.
    struct Announced {
        std::vector<PeerId> by;
        MonoTime first_at;
    };
    Announced received(const MessageId& id);
    void peer_down(const PeerId& peer);
    std::vector<Ask> take_due(MonoTime now);

    std::optional<MonoTime> next_due() const;
    std::size_t size() const { return wanted_.size(); }
    std::uint64_t given_up() const { return given_up_; }

  private:
    struct Announcer {
        PeerId peer;
        int asked = 0;
    };
    struct Wanted {
        std::deque<Announcer> announcers;  // the next to ask first
        MonoTime first_at, due;
        PullReason reason;
        bool asked = false;
    };
    using WantedMap = std::map<MessageId, Wanted>;
    void forget(WantedMap::iterator it);
    void release(const PeerId& peer);

    Duration again_after_;
    WantedMap wanted_;
    std::set<std::pair<MonoTime, MessageId>> by_due_;
    std::map<PeerId, std::size_t> per_peer_;
    std::uint64_t given_up_ = 0;
};

}  // namespace peerbook::p2p
