// Every connection and every known address of this node: whom to dial, whom to admit, which of two
// connections to keep, when to drop and ban. The whole peer layer but for sockets: an adapter, or a
// simulator, reports what happened and performs the effects, in order.
//
// Two connections to one peer: the one that the node with the lower id opened is kept. If one side opened
// both, the one with the lower tag, a hash of both challenges, while the first is young, so that both sides
// choose alike; else the older. One that has been silent for 7.5 s gives way (its peer may have restarted).
//
// One end may see a connection break and the other not, as when a router in between forgets it. If it was we
// who dialled, we dial again beside it once it has been silent for 7.5 s. If it was the peer, its new
// connection is a second one of a peer that is connected for 10 s or more: we ask on the first, and if
// nothing comes for 0.7 s, the peer's next attempt takes its place.
//
// Limits: peers_max connections in all, of which a part is reserved for those we open; 8 inbound per network
// address (a /64 of IPv6) except loopback; 32 inbound that are not authenticated yet: one more pushes out the
// oldest of the address that has most. When all inbound places are taken, a configured peer, or one whose
// address has clearly fewer, takes that of the youngest peer that is not configured of the address that has
// most; others are told so and closed.
//
// Of each peer a record is kept (peer_health.h). 5 failures in a row end its connection and open its circuit
// breaker: no dial of any of its addresses until that lets one through. A connection that it opens itself is
// taken all the same.
//
// While all outbound places are taken, a feeler every 2 min dials an address of *new*, or a contested one,
// and hangs up after the handshake: so *tried* fills with addresses that are alive. The two outbound peers
// that are connected for longest are the anchors: after a restart they are dialled before all others, so that
// whoever fills the address book meanwhile does not choose all of this node's peers.
//
// A connection that only looks (a feeler, or a dial-back that a peer asked for) is never one of a peer's: it
// takes no place and replaces nothing.
//
// Of a node that broadcasts, peers on the internet are told the port by which it is reached from there: the
// gateway's where one is mapped, none once it is known that nobody gets in (nat/reachability.h). Peers on
// private networks and on this machine are told the port that it listens on.
//
// A connection may be carried by other means than TCP (transport/stream_carrier.h), to places that the
// address book does not have (carried_dials.h). All else is the same: TLS, handshake, limits, bans. A direct
// connection replaces a carried one of the same peer, never the other way round while it is heard, and is
// still dialled for beside it.
//
// Pure: time, seed and challenges are arguments; no callbacks. Not thread-safe.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "p2p/authority/address_bindings.h"
#include "p2p/directory/directory.h"
#include "p2p/gossip/gossip.h"
#include "p2p/nat/dial_back.h"
#include "p2p/nat/external_address.h"
#include "p2p/nat/nat_info.h"
#include "p2p/nat/reachability.h"
#include "p2p/peers/address_book.h"
#include "p2p/peers/carried_dials.h"
#include "p2p/peers/peer_health.h"
#include "p2p/peers/peer_info.h"
#include "p2p/peers/peer_session.h"
#include "p2p/relay/relay.h"

namespace peerbook::p2p {

inline constexpr std::size_t inbound_per_host_max = 8;
inline constexpr std::size_t unauthenticated_inbound_max = 32;
inline constexpr Duration dial_time_max = Duration::seconds(10);  // name, TCP and TLS
inline constexpr Duration replaceable_silence = Duration::milliseconds(7500);
inline constexpr Duration probe_time_max =
    Duration::milliseconds(700);  // less than the pause before an attempt
inline constexpr Duration young_for = Duration::seconds(10);
inline constexpr Duration maintenance_interval = Duration::seconds(10);
inline constexpr Duration feeler_interval = Duration::seconds(120);
inline constexpr std::size_t anchors_max = 2;
inline constexpr Duration kept_after = Duration::seconds(60);  // a connection of this age ends the backoff

struct PeerManagerOptions {
    LocalNode local;
    std::size_t peers_max = 50;
    std::size_t outbound_reserved = 8;
    Duration reconnect_interval_max = Duration::seconds(3600);
    std::uint64_t seed = 0;          // of jitter and samples
    Digest bucket_secret;            // see AddressBook
    std::uint64_t sender_start = 0;  // see MessageRouter
    GossipSettings gossip;           // valid; without kinds nothing is gossiped
    bool checks_reach = false;       // asks peers to dial back; only with local.dials_back and broadcast
    bool dials_directly = true;      // false: all connections that it opens are carried
    KeySeed relay_secret;            // see Relay; used with local.relays
};

enum class NoteLevel : unsigned char { debug, info, warn };

namespace effect {
struct Dial {  // then channel_ready() or connection_closed()
    ConnectionId connection;
    PeerAddress address;
    bool carried = false;  // by the carrier, not by TCP
};
struct Send {  // control; a connection whose control queue is full is reported with connection_closed()
    ConnectionId connection;
    OutgoingPayload payload;
};
struct SendToPeer {  // of the router; may be refused when the peer's queue is full, it is tried again
    PeerId peer;
    OutgoingPayload payload;
};
struct Close {  // what is queued is written first, within a second
    ConnectionId connection;
};
struct Connected {  // frames up to frame_bytes_max are read from now on
    ConnectionId connection;
    PeerId peer;
    bool expands = false;  // and may be sent compressed
};
struct Disconnected {
    PeerId peer;
};
struct Deliver {
    PeerId peer;
    std::uint8_t kind;
    ByteView payload;  // within the frame given to frame()
};
struct DeliverGossip {  // answer with answer_gossip()
    PeerId peer;        // who passed it on
    MessageId id;
    std::uint8_t kind;
    SharedBytes payload;
};
struct DeliverSealed {  // relayed or not; `from` is proven, and need not be connected
    PeerId from;
    std::uint8_t kind;
    SharedBytes payload;
};
struct Undeliverable {
    PeerId peer;
    std::uint8_t kind;
    std::string why;
};
struct Note {  // for the log
    NoteLevel level;
    std::string text;
};
}  // namespace effect

using PeerEffect =
    std::variant<effect::Dial, effect::Send, effect::SendToPeer, effect::Close, effect::Connected,
                 effect::Disconnected, effect::Deliver, effect::DeliverGossip, effect::DeliverSealed,
                 effect::Undeliverable, effect::Note>;
using PeerEffects = std::vector<PeerEffect>;

class PeerManager {
  public:
    // `signer` and `verifier` outlive the PeerManager.
    PeerManager(PeerManagerOptions options, const Signer& signer, const Verifier& verifier);

    // False if the table of configured addresses is full.
    bool add_configured(Now now, const PeerAddress& address);

    // A strategy found an address; the next tick may dial it. Whether it was not known before.
    bool add_discovered(Now now, std::string_view strategy, const PeerAddress& address) {
        return book_.add_discovered(now.mono, strategy, address) == AddressBook::Discovered::fresh;
    }

    // A place was found to which connections are carried. Whether it was not known before.
    bool add_carried(Now now, const PeerAddress& address) { return carried_.add(now.mono, address); }

    // A connection was accepted from host:port, or one that is carried from that host. None: close it.
    std::optional<ConnectionId> admit(Now now, const PeerAddress& remote, PeerEffects& out,
                                      bool carried = false);
    // The transport of an admitted or dialled connection is ready. `challenge` is fresh and random.
    void channel_ready(Now now, ConnectionId id, const PeerAddress& remote, const ChannelBinding& channel,
                       const Challenge& challenge, PeerEffects& out);
    void frame(Now now, ConnectionId id, ByteView payload, PeerEffects& out);
    // Bytes arrived that may be part of a frame.
    void bytes(Now now, ConnectionId id);
    // The stream holds no frame, or begins with no TLS. The connection is closed.
    void bad_frame(Now now, ConnectionId id, const std::string& why, PeerEffects& out);
    // It is gone: dialling failed, or the other side closed, or its queue was full.
    void connection_closed(Now now, ConnectionId id, const std::string& why, PeerEffects& out);

    void send_reliably(Now now, const PeerId& peer, std::uint8_t kind, SharedBytes payload, PeerEffects& out);
    void report_misbehaviour(Now now, const PeerId& peer, int points, const std::string& why,
                             PeerEffects& out);

    // --- gossip (gossip/gossip.h), of kinds that the settings name ---
    // Precondition: the payload fits a frame with gossip_head_bytes. Gives SendToPeer only.
    void publish(Now now, std::uint8_t kind, SharedBytes payload, PeerEffects& out);
    // Of a DeliverGossip; nothing is passed on before it is accepted. Gives SendToPeer only.
    void answer_gossip(Now now, const MessageId& id, bool accept, PeerEffects& out);
    // So many nodes that take part are known to be reached by others only. While it is 0, and the network
    // small, nobody relays.
    void set_nodes_apart(Now now, std::size_t nodes);
    GossipStats gossip_stats() const { return gossip_ ? gossip_->stats() : GossipStats{}; }
    GossipPolicy gossip_policy() const;

    // --- services (directory/directory.h) ---
    // What this node offers from now on. Error: invalid_input (no names, or too many).
    Status set_services(Now now, std::vector<std::string> services, PeerEffects& out);
    // Nodes known to offer it; where none of them can be dialled, the network is asked, and what comes is
    // found by a later call. Error: invalid_input (no name).
    Result<std::vector<ServiceInfo>> find_service(Now now, const std::string& service, PeerEffects& out);
    // --- sealed messages to one node, carried by others (relay/relay.h) ---
    // Undeliverable at once where local.relays is off.
    void send_sealed(Now now, const PeerId& to, std::uint8_t kind, SharedBytes payload, Duration lifetime,
                     PeerEffects& out);
    RelayStats relay_stats() const { return relay_ ? relay_->stats() : RelayStats{}; }

    // --- a network's own authority (authority/) ---
    // What outlives the process, and how often it changed. Error of load: corrupt; then nothing changed.
    std::string bindings_text(Now now) const { return bindings_.to_text(now.wall); }
    std::uint64_t bindings_changes() const { return bindings_.changes(); }
    Status load_bindings(Now now, std::string_view text) { return bindings_.load_text(text, now.wall); }

    // --- the way in from the internet (nat/) ---
    // Whether this node is announced and its address shared from now on. Peers that take reached_at are told;
    // `checks_reach` as in the options.
    void set_broadcast(Now now, bool broadcast, bool checks_reach, PeerEffects& out);
    // What leads here at the gateway; none: nothing does, or nothing is known of it.
    void set_mapping(Now now, std::optional<PortMapping> mapping);
    // What peers on the internet are told; 0: that nobody can dial this node.
    std::uint16_t outside_port() const;
    // Without what the port mapper knows.
    NatInfo nat_info() const;

    // Error: not_found.
    Status disconnect(Now now, const PeerId& peer, PeerEffects& out);
    // Drops what was dialled at this address and forgets it. Error: not_found.
    Status forget(Now now, const PeerAddress& address, PeerEffects& out);
    // Call five times a second, or as often as the simulated clock likes.
    // Ends what connects this peer and refuses it for that long; also a configured one.
    void ban(Now now, const PeerId& peer, Duration time, PeerEffects& out);
    // Error: not_found, it is not banned.
    Status unban(Now now, const PeerId& peer);

    void tick(Now now, PeerEffects& out);
    // Goodbye to all; gives no more dials.
    void stop(Now now, PeerEffects& out);

    // Without counters of bytes and messages, which the adapter has.
    std::vector<PeerInfo> peers(Now now) const;
    bool connected(const PeerId& peer) const { return by_peer_.contains(peer); }
    std::size_t connected_count() const { return by_peer_.size(); }
    std::size_t known_addresses() const { return book_.entries().size(); }
    // By way (KnownAddress::found_by): addresses found since the start, and peers connected now.
    struct FoundBy {
        std::uint64_t addresses = 0;
        std::size_t connected = 0;
    };
    std::map<std::string, FoundBy, std::less<>> found_by_way() const;
    const MessageRouter& router() const { return router_; }
    std::uint64_t handshakes_refused() const { return handshakes_refused_; }
    std::uint64_t bans() const { return bans_; }
    std::uint64_t feelers() const { return feelers_; }
    std::size_t banned_count(Now now) const { return scores_.bans(now.wall).size(); }

    // The peers file.
    std::string peers_to_json(Now now) const;
    // Adds what the text holds. Error: corrupt; then nothing was added. Anchors of another node's file are no
    // anchors here.
    Status load_peers_json(Now now, std::string_view text, bool own = true);

  private:
    // A dial for a peer that asked for it.
    struct DialBackTask {
        PeerId asker;
        bool met = false;  // it answered there
    };
    struct Connection {
        Direction direction;
        PeerAddress remote;    // dialled, or as accepted
        PeerAddress endpoint;  // an address literal, once the transport is ready
        MonoTime opened_at;
        std::optional<PeerSession> session;
        bool registered = false;  // authenticated and the one connection of its peer
        std::string last_error;
        bool feeler = false;        // only looks; also for whoever asked to be dialled back
        std::string found_by = {};  // of a registered one
        std::optional<DialBackTask> dial_back = {};
        std::uint16_t told_port = 0;     // of this node's
        std::uint16_t claimed_port = 0;  // of the peer's, by which others reach it; of a registered one
        bool carried = false;
        std::string label() const;
    };
    using Connections = std::map<ConnectionId, Connection>;

    void perform(Now now, ConnectionId id, SessionOutput&& output, PeerEffects& out);
    void authenticated(Now now, ConnectionId id, PeerEffects& out);
    bool keeps_existing(Now now, const Connection& existing, const Connection& incoming,
                        const PeerId& peer) const;
    bool penalise(Now now, Connection& connection, int points, const std::string& why, PeerEffects& out);
    void send_exchange(Now now, ConnectionId id, PeerEffects& out);
    struct Ending {
        std::string why;
        bool say_goodbye = false;
        bool duplicate = false;
        bool failed = false;  // by the peer, or the line to it
    };
    void end(Now now, ConnectionId id, const Ending& ending, PeerEffects& out);
    // Of those that fit, the oldest or the youngest of the network address that has most of them.
    template <typename Fits>
    std::optional<ConnectionId> of_most_represented(bool oldest, Fits&& fits) const;
    bool make_inbound_room(Now now, const Connection& newcomer, const PeerId& peer, PeerEffects& out);
    void notice_ourselves(Now now, ConnectionId id, const Challenge& claimed);
    bool dial_under_way(const PeerId& peer) const;
    std::size_t registered_inbound() const;
    std::size_t inbound_max() const { return options_.peers_max - options_.outbound_reserved; }
    void dial_due(Now now, PeerEffects& out);
    void dial_silent(Now now, PeerEffects& out);
    void dial_carried(Now now, PeerEffects& out);
    void carried_ended(Now now, const Connection& connection, bool is_duplicate);
    // None of one that is carried, whose place is no address to dial.
    const KnownAddress* dialled_at(const Connection& connection) const;
    // In the book, where others or this node may dial it.
    void note_listening(Now now, const Connection& connection);
    bool connected_directly(const PeerId& peer) const;
    std::size_t room_for_dials() const;
    void dial(Now now, const PeerAddress& address, bool feeler, PeerEffects& out);
    bool needs_no_dial(Now now, const PeerId& peer) const;
    bool is_banned(Now now, const PeerId& peer) const;
    void record_failure(Now now, const PeerId& peer);
    void end_if_failing(Now now, ConnectionId id, PeerEffects& out);
    void maintain(Now now, PeerEffects& out);
    std::vector<PeerAddress> anchors() const;
    void route(const MessageRouter::Output& routed, PeerEffects& out);
    Gossip* gossip(Now now);  // null: nothing is gossiped
    void gossip_up(Now now, const HandshakeMessage& peer, PeerEffects& out);
    void gossip_down(Now now, const PeerId& peer, PeerEffects& out);
    void route_gossip(Now now, gossip::Outputs&& outputs, PeerEffects& out);
    Directory& directory();
    void directory_up(Now now, ConnectionId id, PeerEffects& out);
    void route_directory(Now now, Directory::Outputs&& outputs, PeerEffects& out);
    std::map<PeerId, PeerAddress> addresses_for(const std::optional<PeerId>& asks) const;
    // Why the peer's certificate will not do beside those that were seen. Ok where there is no authority.
    Status bind_address(Now now, const Connection& connection);
    void end_expired(Now now, PeerEffects& out);
    Relay* relay(Now now);  // null: nothing is relayed
    void relay_up(Now now, const HandshakeMessage& peer, PeerEffects& out);
    void tend_relay(Now now, PeerEffects& out);
    void take_relayed(Now now, const PeerId& peer, ByteView frame, PeerEffects& out);
    void route_relayed(Now now, relay::Outputs&& outputs, PeerEffects& out);
    ConnectionClaim claim_for(const Connection& connection) const;
    std::uint16_t port_told_to(const PeerAddress& peer) const;
    std::uint16_t port_from_outside() const;
    bool came_from_outside(const Connection& connection) const;
    void take_reach_messages(Now now, ConnectionId id, const SessionOutput& output, PeerEffects& out);
    void dial_back(Now now, ConnectionId id, std::uint16_t port, PeerEffects& out);
    void answer_dial_back(Now now, const Connection& dialled, PeerEffects& out);
    void take_reached_at(Now now, ConnectionId id, std::uint16_t port);
    void say(Now now, ConnectionId id, ControlBody body, PeerEffects& out);
    void tend_reach(Now now, PeerEffects& out);
    std::vector<Reachability::Candidate> reach_candidates() const;
    PeerInfo describe(Now now, const Connection& connection) const;
    void add_record(Now now, const PeerId& peer, PeerInfo& info) const;

    PeerManagerOptions options_;
    const Signer& signer_;
    const Verifier& verifier_;
    AddressBook book_;
    CarriedDials carried_;
    PeerScores scores_;
    PeerRecords records_;
    Random random_;
    MessageRouter router_;
    std::optional<Gossip> gossip_;  // from the first connection on
    std::optional<Relay> relay_;    // the same
    AddressBindings bindings_;
    std::size_t nodes_apart_ = 0;
    std::optional<Directory> directory_;  // made when first needed
    std::optional<PortMapping> mapping_;
    std::optional<Reachability> reachability_;  // from the first tick on, where it is checked
    Reach noted_reach_ = Reach::unknown;
    std::optional<DialBackLimits> dial_back_limits_;  // from the first question on
    Connections connections_;
    std::map<PeerId, ConnectionId> by_peer_;
    std::uint64_t last_connection_ = 0;
    std::optional<MonoTime> routed_at_, maintained_at_, feeler_at_;
    std::uint64_t feelers_ = 0;
    bool stopped_ = false;
    std::uint64_t handshakes_refused_ = 0;
    std::uint64_t bans_ = 0;
};

}  // namespace peerbook::p2p
