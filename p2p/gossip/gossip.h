// Spreads opaque payloads of the application through a network of peers: policies, relaying, pulls, and
// anti-entropy, without sockets. gossip_settings.h says what there is to choose.
//
// A message is known by its id (gossip_wire.h), a hash of what it says, so a relay cannot change it; who its
// author is, the application knows. Nothing is passed on before the application has accepted it: each Deliver
// is answered by accept() or reject(), at once or later.
//
// Tree (Plumtree, Leitão et al. 2007): all links of the overlay begin as eager; a payload that comes twice
// makes its second link lazy on both sides, so that what remains is a tree. Lazy links carry announcements. A
// message that was announced and does not come in time is pulled; "in time" is graft_after, a random part of
// it, and twice what the tree has lagged behind announcements of late. Other than in the paper, one loss does
// not change the tree: only after grafts_after_missed messages in a row had to be pulled, the link that
// brings the next is eager from then on. A link that is new to a node which has a tree begins as lazy.
//
// Anti-entropy: every 30 s, and for three peers, (1) a digest of the ids taken in of late goes to the peer,
// which sends what is lacking in it and asks for what it lacks itself; (2) AntiEntropyDue lets the
// application compare what it has digests of its own for.
//
// Peers without the capability "gossip/1" get the payloads of this node itself, pushed as plain frames.
//
// Memory is bounded by the settings and by the constants below. Pure: time, seed and clock are arguments,
// outputs are data, performed in order. Not thread-safe.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/random.h"
#include "p2p/gossip/dedup_window.h"
#include "p2p/gossip/message_store.h"
#include "p2p/gossip/overlay.h"
#include "p2p/gossip/pull_queue.h"
#include "p2p/peers/rate_limiter.h"

namespace peerbook::p2p {

namespace gossip {
struct Send {
    PeerId peer;
    OutgoingPayload frame;
    bool urgent;  // before what is not
};
struct Deliver {  // answer with accept() or reject()
    PeerId from;
    MessageId id;
    std::uint8_t kind;
    SharedBytes payload;
    std::uint8_t hops;
    bool repaired;  // by anti-entropy
};
struct AntiEntropyDue {
    PeerId peer;
};
struct Violation {
    PeerId peer;
    int points;
    std::string why;
};
using Output = std::variant<Send, Deliver, AntiEntropyDue, Violation>;
using Outputs = std::vector<Output>;
}  // namespace gossip

struct GossipStats {
    std::uint64_t messages = 0;    // own ones
    std::uint64_t seen = 0;        // taken in for the first time
    std::uint64_t duplicates = 0;  // payloads that came again
    std::uint64_t repaired = 0;    // of those seen, brought by anti-entropy
    std::uint64_t refused = 0;     // too old, above a rate, of an unknown kind, or rejected
    std::uint64_t passed_on = 0;   // payloads of others that were pushed or served
    std::uint64_t pulled = 0, grafts = 0, prunes = 0;
    std::uint64_t payload_bytes_in = 0, bytes_out = 0;
    std::uint64_t hops_sum = 0, hops_max = 0;          // of those seen
    std::size_t peers = 0, neighbours = 0, eager = 0;  // now; neighbours are the active ones
    std::size_t kept_messages = 0, kept_bytes = 0, wanted = 0, dedup_ids = 0, dedup_filter_bytes = 0;
    // Payload copies received for each message, in thousandths: 1000 is the least there can be.
    std::uint64_t amplification_milli() const { return seen == 0 ? 0 : (seen + duplicates) * 1000 / seen; }
};

class Gossip {
  public:
    static constexpr TokenBucket::Rate chatter_rate{2'000, 500'000};  // of one peer, messages not urgent
    static constexpr TokenBucket::Rate served_rate{8 << 20,
                                                   2'000'000'000};  // to one peer, bytes for its wants
    static constexpr TokenBucket::Rate digest_rate{20, 2'000};      // of one peer
    static constexpr Duration clock_ahead_max = Duration::seconds(30);
    static constexpr int grafts_after_missed = 2;
    static constexpr Duration in_flight = Duration::seconds(5);     // too young for anti-entropy to mend
    static constexpr std::size_t queued_announcements_max = 4'096;  // to one peer
    static constexpr Duration pulled_span = Duration::seconds(10);  // of an epidemic round that pulls

    // Precondition: validate(settings).ok(). `seed` is secret.
    Gossip(GossipSettings settings, std::uint64_t seed, MonoTime now);

    // How many nodes there are, as far as is known; scales what the settings leave open.
    void set_network_size(std::size_t nodes) { network_size_ = nodes; }

    // `speaks`: it has the capability.
    void peer_up(Now now, const PeerId& peer, bool speaks, Duration round_trip, gossip::Outputs& out);
    void peer_down(Now now, const PeerId& peer, gossip::Outputs& out);
    void round_trip(const PeerId& peer, Duration round_trip) { overlay_.round_trip(peer, round_trip); }

    // Of this node. Precondition: gossips(kind), and the payload fits a frame with gossip_head_bytes.
    MessageId broadcast(Now now, std::uint8_t kind, SharedBytes payload, gossip::Outputs& out);
    bool gossips(std::uint8_t kind) const { return settings_.kinds.contains(kind); }

    // A frame of kinds 0x03 … 0x08.
    void receive(Now now, const PeerId& peer, ByteView frame, gossip::Outputs& out);
    void accept(Now now, const MessageId& id, gossip::Outputs& out);
    void reject(const MessageId& id);

    void tick(Now now, gossip::Outputs& out);
    // When to call tick() at the latest.
    MonoTime next_due() const;

    // What the next own message travels by, unless it is critical.
    GossipPolicy policy() const;
    GossipStats stats() const;
    const Overlay& overlay() const { return overlay_; }

  private:
    struct Peer {
        bool speaks;
        bool eager = false;  // only of neighbours
        std::vector<Announcement> announcements;
        TokenBucket chatter, served, digests;
    };
    using Peers = std::map<PeerId, Peer>;

    void take_push(Now now, const PeerId& from, Peer& peer, ByteView frame, gossip::Outputs& out);
    void take_duplicate(MonoTime now, const PeerId& from, Peer& peer, const gossip::Push& push,
                        gossip::Outputs& out);
    void counts_on_link(MonoTime now, const PeerId& peer, gossip::Outputs& out);
    void take_announce(MonoTime now, const PeerId& from, Peer& peer, const gossip::Announce& announce,
                       gossip::Outputs& out);
    void take_want(MonoTime now, const PeerId& from, Peer& peer, const gossip::Want& want,
                   gossip::Outputs& out);
    void take_digest(MonoTime now, const PeerId& from, Peer& peer, const gossip::Digest& digest,
                     gossip::Outputs& out);
    void pass_on(MonoTime now, const MessageId& id, const KeptMessage& message, gossip::Outputs& out);
    void pass_along_tree(MonoTime now, const MessageId& id, const KeptMessage& message, bool pushes,
                         gossip::Outputs& out);
    void push(const PeerId& to, const KeptMessage& message, GossipMode mode, gossip::Outputs& out);
    void announce_later(MonoTime now, Peer& peer, const MessageId& id, const KeptMessage& message);
    void flush_announcements(gossip::Outputs& out);
    void ask_for_due(MonoTime now, gossip::Outputs& out);
    void epidemic_round(MonoTime now, gossip::Outputs& out);
    void anti_entropy(MonoTime now, gossip::Outputs& out);
    bool too_old(Now now, const GossipHeader& header, Duration age_max) const;
    void send_digest(MonoTime now, const PeerId& peer, Duration span, gossip::Outputs& out);
    void apply(const Overlay::Output& changes, gossip::Outputs& out);
    void send(const PeerId& to, OutgoingPayload frame, bool urgent, gossip::Outputs& out);
    void make_lazy(const PeerId& peer_id, Peer& peer, gossip::Outputs& out);
    // At most `count` peers that speak gossip; with `message`, such that are not known to have it.
    std::vector<PeerId> random_speakers(std::size_t count, const KeptMessage* message = nullptr);
    void graft_some_link(gossip::Outputs& out);
    bool has_eager() const;
    Duration graft_wait();
    void came_by_tree(MonoTime now, const PullQueue::Announced& announced);

    GossipScale scale() const;
    Duration lifetime() const { return gossip_lifetime(settings_, network_size_); }

    GossipSettings settings_;
    Random random_;
    std::size_t network_size_ = 0;
    Peers peers_;
    std::size_t speakers_ = 0;
    Overlay overlay_;
    bool has_tree_ = false;  // some link was pruned: new ones begin as lazy
    int missed_in_row_ = 0;  // messages that had to be pulled past the tree
    Duration tree_lag_;      // of the tree behind announcements, smoothed
    DedupWindow seen_;
    MessageStore kept_;
    PullQueue wanted_;
    std::optional<MonoTime> announce_at_;
    MonoTime next_round_, next_anti_entropy_, next_prune_;
    GossipStats stats_;
};

}  // namespace peerbook::p2p
