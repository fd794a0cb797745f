// Sealed messages to one node, also through nodes in between: how this node sends and takes its own, and
// carries those of others. relay_wire.h has the bytes, relay_routes.h the ways, relay_limits.h what it may
// cost.
//
// Sending. A seek goes to all peers that relay, and from them on, each once; the recipient answers each way
// on which a copy came (at most answers_max) with a `found`: the key of its process, and the seek's digest.
// Both teach those between the ways, in both directions, since both are signed. Then what waits for the
// recipient goes in parcels, one under way at a time, so that what was sent first is delivered first. A
// parcel goes by the best way (narrow); unacknowledged, it is sealed and sent again by up to three ways at
// each node (wide), with a new seek, which also finds the recipient's new process. What is not acknowledged
// within its lifetime is reported.
//
// Taking. An envelope counts if it is signed by its sender for this network, stamped at most 60 s ago and 30
// s ahead, and new; a parcel if it opens, its stamp is later than the last one of its sender, and its number
// is higher than the last of that process. So what is repeated, held back or reordered on the way is
// delivered at most once and in order. Seen envelopes are remembered for longer than they are valid, and the
// bound on verifications keeps their number below the memory for them: nobody can push one out. A new process
// has another key, so nothing that was said to the old one opens. The records of senders are bounded by
// inbound_max; more senders than that within 150 s could have a parcel whose acknowledgement was lost be
// delivered twice.
//
// What no relay can do is read, change, invent or repeat. What any of them can do is drop; a message gets
// through while some way of at most relay_ttl_max honest relays is among those that are tried, or its
// lifetime ends and the sender is told.
//
// Pure: time and secret are arguments, outputs are data, performed in order. Not thread-safe.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "p2p/relay/relay_limits.h"
#include "p2p/relay/relay_routes.h"
#include "p2p/relay/relay_wire.h"
#include "p2p/routing/seen_cache.h"

namespace peerbook::p2p {

namespace relay {
struct Send {
    PeerId peer;
    OutgoingPayload frame;
};
struct Deliver {
    PeerId from;  // proven; need not be a peer
    std::uint8_t kind;
    SharedBytes payload;
};
struct Undeliverable {
    PeerId to;
    std::uint8_t kind;
    std::string why;
};
struct Violation {
    PeerId peer;
    int points;
    std::string why;
};
using Output = std::variant<Send, Deliver, Undeliverable, Violation>;
using Outputs = std::vector<Output>;
}  // namespace relay

struct RelayStats {
    std::uint64_t sent = 0, delivered = 0, undeliverable = 0;  // payloads of this node, and for it
    std::uint64_t seeks = 0, repeated = 0;                     // of this node: seeks; parcels sent again
    std::uint64_t carried = 0, carried_bytes = 0;              // frames of others that were passed on
    // Not passed on or taken: above a bound; stamped too long ago or ahead; copies; no way is known; does not
    // open, or is no parcel; overtaken by a later one.
    std::uint64_t over_rate = 0, stale = 0, duplicates = 0, no_way = 0, unopened = 0, late = 0;
    std::size_t peers = 0, ways = 0, waiting = 0;  // now
};

class Relay {
  public:
    static constexpr std::size_t outbound_max = 64;            // nodes to which something waits or is known
    static constexpr std::size_t waiting_max = 1'024;          // payloads for one node
    static constexpr std::size_t waiting_bytes_max = 4 << 20;  // for one node
    static constexpr std::size_t all_bytes_max = 16 << 20;     // for all
    static constexpr std::size_t inbound_max = 4'096;          // senders whose last parcel is remembered
    static constexpr std::size_t answers_max = 3;              // to the copies of one seek
    static constexpr std::size_t answered_max = 64;            // seeks whose answers are kept for copies
    static constexpr std::size_t seeks_remembered = 4;         // of one node, whose answers still count
    static constexpr Duration pause_min = Duration::milliseconds(500), pause_max = Duration::seconds(4);
    static constexpr Duration wide_for = Duration::seconds(60);  // after a narrow parcel was lost
    static constexpr Duration idle_after =
        Duration::seconds(120);  // what is known of a recipient is forgotten
    static constexpr Duration inbound_kept = Duration::seconds(150);
    static constexpr std::size_t seen_max = 65'536;
    static constexpr Duration seen_time = Duration::seconds(120);
    // Of this node's own, unasked: with RelayLimits::answers below RelayLimits::source_*, so that relays drop
    // none of it.
    static constexpr TokenBucket::Rate own_messages{48, 24'000}, own_seeks{8, 500};
    static constexpr TokenBucket::Rate own_bytes{896 * 1024, 112 * 1024 * 1'000};

    // `signer` and `verifier` outlive the Relay. `secret` is drawn for this process and used for nothing
    // else.
    Relay(const Digest& network, const Signer& signer, const Verifier& verifier, const KeySeed& secret,
          MonoTime now);

    // A connected peer that names the capability relay/1.
    void peer_up(Now now, const PeerId& peer, relay::Outputs& out);
    void peer_down(const PeerId& peer);

    // To a node that speaks relay/1, connected or not. Delivered once and in the order of the calls to one
    // node, or reported as undeliverable after `lifetime`, with what was sent to that node later, or at once
    // if there is no room. No way is sought to one that just wrote: its parcel named the key.
    void send(Now now, const PeerId& to, std::uint8_t kind, SharedBytes payload, Duration lifetime,
              relay::Outputs& out);
    // A whole frame of relay_kind.
    void receive(Now now, const PeerId& from, ByteView frame, relay::Outputs& out);
    // Five times a second.
    void tick(Now now, relay::Outputs& out);

    RelayStats stats() const;

  private:
    struct Message {
        std::uint8_t kind = 0;
        SharedBytes payload;
        MonoTime expires;
    };
    struct Letter {
        std::uint64_t number = 0;
        std::vector<Message> messages;
        int attempts = 0;
        MonoTime next_attempt;
        Duration pause = pause_min;
    };
    struct Outbound {
        std::optional<SealKey> key;
        WallTime key_said_at;      // by the recipient
        std::deque<Digest> seeks;  // newest last
        MonoTime next_seek;
        Duration seek_pause = pause_min;
        std::deque<Message> waiting;
        std::optional<Letter> under_way;
        std::size_t bytes = 0;  // of both
        std::size_t count = 0;
        MonoTime wide_until;
        MonoTime used_at;
    };
    struct Inbound {
        SealKey key;
        WallTime created;          // of the last envelope that counted
        std::uint64_t number = 0;  // of the last parcel delivered
        MonoTime heard_at;
    };
    struct Answered {
        Digest seek;
        SharedBytes found;
        std::set<PeerId> told;
    };

    // --- of others (relay.cc) ---
    void forward(Now now, const PeerId& from, const ParsedRelay& relay, ByteView frame, relay::Outputs& out);
    void take(Now now, const PeerId& from, const ParsedRelay& relay, const Digest& digest,
              relay::Outputs& out);
    void take_copy(Now now, const PeerId& from, const RelayEnvelope& envelope, const Digest& digest,
                   relay::Outputs& out);
    void answer_seek(Now now, const PeerId& from, const RelayEnvelope& seek, const Digest& digest,
                     relay::Outputs& out);
    void take_found(Now now, const RelayEnvelope& found, relay::Outputs& out);
    void take_parcel(Now now, const PeerId& from, const RelayEnvelope& envelope, relay::Outputs& out);
    // --- own ones (relay_sending.cc) ---
    void seek(Now now, const PeerId& to, Outbound& outbound, relay::Outputs& out);
    void step(Now now, const PeerId& to, Outbound& outbound, relay::Outputs& out);
    void transmit(Now now, const PeerId& to, Outbound& outbound, relay::Outputs& out);
    void expire(Now now, const PeerId& to, Outbound& outbound, relay::Outputs& out);
    void acknowledged(Now now, const PeerId& by, std::uint64_t number, relay::Outputs& out);
    // One that only acknowledges is an answer, whose room the caller has taken. False: it cannot be sealed,
    // or there is no way or no room for it now.
    bool send_parcel(Now now, const PeerId& to, const SealKey& key, const Parcel& parcel, bool is_wide,
                     relay::Outputs& out);
    Letter next_letter(Outbound& outbound);
    void give_up(const PeerId& to, Outbound& outbound, const Message& message, const char* why,
                 relay::Outputs& out);
    std::vector<PeerId> ways_to(MonoTime now, const PeerId& node, bool is_wide, const PeerId* except) const;
    RelayEnvelope envelope_to(Now now, const PeerId& to, RelayType type);
    KeySeed fresh_seed();

    Digest network_;
    const Signer& signer_;
    const Verifier& verifier_;
    KeySeed secret_;
    std::uint64_t seeds_ = 0;
    SealKeyPair key_;
    std::set<PeerId> peers_;
    RelayRoutes routes_;
    RelayLimits limits_;
    SeenCache seen_;
    TokenBucket own_messages_, own_seeks_, own_bytes_;
    std::map<PeerId, Outbound> outbound_;
    std::size_t outbound_bytes_ = 0;
    std::map<PeerId, Inbound> inbound_;
    std::deque<Answered> answered_;
    std::uint64_t last_number_ = 0;
    WallTime last_created_;
    std::optional<MonoTime> tidied_at_;
    RelayStats stats_;
};

}  // namespace peerbook::p2p
