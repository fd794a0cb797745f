// Messages of the last minutes: to serve pulls and repairs from. Bounded in messages and bytes; what is not
// urgent goes first when there is no room, then the oldest. Payloads are shared with whoever else holds them.
//
// Pure, not thread-safe.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "p2p/gossip/gossip_wire.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

struct KeptMessage {
    GossipHeader header;  // as it arrived here; of an own one, as it was made
    SharedBytes payload;
    MonoTime at;
    GossipKind rules;
    bool accepted = false;                // by the application; nothing else is passed on
    std::optional<PeerId> from;           // none: an own one
    std::vector<PeerId> holders;          // who announced it, so that it is not offered to them
    bool serves(const PeerId& to) const;  // false for a holder or the sender
};

class MessageStore {
  public:
    MessageStore(std::size_t messages_max, std::size_t bytes_max)
        : messages_max_(messages_max), bytes_max_(bytes_max) {}

    // Room is made by dropping others, so the pointer of an earlier call may be gone. Null if the message
    // alone is above the bound, or all that is kept is urgent and it is not.
    KeptMessage* insert(const MessageId& id, KeptMessage message);
    KeptMessage* find(const MessageId& id);
    void erase(const MessageId& id);
    void drop_older_than(MonoTime limit);

    // The accepted ones of the last `span`, newest first, at most `count_max`.
    std::vector<MessageId> recent(MonoTime now, Duration span, std::size_t count_max) const;

    std::size_t size() const { return messages_.size(); }
    std::size_t bytes() const { return bytes_; }

  private:
    struct Place {
        MonoTime at;
        MessageId id;
    };
    using Order = std::deque<Place>;  // oldest first; may name what was erased
    bool drop_oldest(Order& order);

    std::size_t messages_max_, bytes_max_;
    std::map<MessageId, KeptMessage> messages_;
    Order urgent_, chatter_;
    std::size_t bytes_ = 0;
};

}  // namespace peerbook::p2p
