// Addressed messages from node to node, each acted on once: the sender keeps a message until it is
// acknowledged, sends it again after pauses and reconnections, and reports what expired or found no room; the
// receiver acknowledges every copy and delivers the first.
//
// Pure: time is an argument, outputs are data. Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "p2p/routing/retry_queue.h"
#include "p2p/routing/seen_cache.h"

namespace peerbook::p2p {

class MessageRouter {
  public:
    struct Transmission {
        PeerId peer;
        OutgoingPayload payload;
    };
    struct Undeliverable {
        PeerId peer;
        std::uint8_t kind;
        std::string why;
    };
    struct Output {
        std::vector<Transmission> transmissions;
        std::vector<Undeliverable> undeliverable;
    };
    struct Received {
        OutgoingPayload acknowledgement;
        bool is_new = false;
        std::uint8_t kind = 0;
        ByteView payload;  // within the frame given
    };

    // `sender_start` differs between starts of one node, so that message ids are never used twice.
    explicit MessageRouter(std::uint64_t sender_start, RetryLimits limits = {});

    MessageId next_id();
    Output send(MonoTime now, const PeerId& peer, std::uint8_t kind, SharedBytes payload);
    void peer_connected(MonoTime now, const PeerId& peer);
    void peer_disconnected(const PeerId& peer);
    // A frame of routed_kind. Error: invalid_input.
    Result<Received> receive(MonoTime now, const PeerId& from, ByteView frame);
    // A frame of routed_ack_kind. Error: invalid_input. An acknowledgement of nothing is not one: it may be
    // the second.
    Status receive_ack(const PeerId& from, ByteView frame);
    // False if a control message with this id was seen from this peer.
    bool first_sight(MonoTime now, const PeerId& from, const MessageId& id);
    // Call about every second, and after peer_connected().
    Output tick(MonoTime now);

    std::size_t waiting() const { return retries_.size(); }
    std::uint64_t duplicates_dropped() const { return duplicates_dropped_; }
    std::uint64_t undeliverable() const { return undeliverable_; }

  private:
    std::uint64_t sender_start_;
    std::uint64_t last_id_ = 0;
    RetryQueue retries_;
    SeenCache seen_;
    std::set<PeerId> connected_;
    std::uint64_t duplicates_dropped_ = 0;
    std::uint64_t undeliverable_ = 0;
};

}  // namespace peerbook::p2p
