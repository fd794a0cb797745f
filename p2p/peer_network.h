// The peer layer as the application sees it: authenticated peers that exchange opaque payloads.
//
// PeerNetwork is the adapter that runs the pure parts (peers/peer_manager.h, routing/message_router.h,
// peers/address_book.h) on an Asio io_context with TLS transport. All calls and all callbacks happen on that
// io_context's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/time.h"
#include "p2p/discovery/discovery_info.h"
#include "p2p/discovery/discovery_schedule.h"
#include "p2p/discovery/discovery_strategy.h"
#include "p2p/gossip/gossip.h"
#include "p2p/nat/nat_info.h"
#include "p2p/peers/peer_id.h"
#include "p2p/peers/peer_info.h"
#include "p2p/relay/relay.h"
#include "p2p/transport/stream_carrier.h"

namespace boost::asio {
class io_context;
}

namespace peerbook::p2p {

struct PeerNetworkOptions {
    std::string listen_host = "0.0.0.0";
    std::uint16_t listen_port = 3000;    // 0: any free one
    std::vector<std::string> bootstrap;  // "host:port"; configured peers, never banned
    std::size_t peers_max = 50;
    std::size_t outbound_reserved = 8;
    Duration reconnect_interval_max = Duration::seconds(3600);
    std::string peers_file;          // persisted addresses, JSON; empty: none
    bool broadcast = true;           // off: our address is never announced or shared
    NatWay nat = NatWay::automatic;  // how the gateway is asked for a port, if broadcast and not on loopback
    bool plain_tcp = false;          // without TLS; only where asked for by name
    bool direct = true;              // false: no TCP, neither in nor out; all is carried (set_carrier)
    Digest network;
    Digest ledger;      // zero goes with every other
    std::string agent;  // program version, for people
    // The network's own (authority/node_certificate.h): peers without a certificate of it are refused, and so
    // is a second node for an e-mail address. Then this node's certificate, encoded, and the file in which it
    // remembers who was seen with which address.
    std::optional<PublicKey> authority;
    Bytes certificate;
    std::string bindings_file;
    GossipSettings gossip;  // which kinds publish() takes, and how they spread; valid
    // Kinds that are sent compressed, between peers that both list some: those whose content everybody may
    // read, and that are large. Empty: nothing is, and what is compressed is not taken.
    std::vector<std::uint8_t> compressed_kinds;
};

struct PeerNetworkStats {
    std::uint64_t frames_in = 0, frames_out = 0, bytes_in = 0, bytes_out = 0;
    std::uint64_t saved_in = 0, saved_out = 0;  // bytes that compression spared; not in those above
    std::uint64_t handshakes_refused = 0, bans = 0, duplicates_dropped = 0, undeliverable = 0;
    std::uint64_t feelers = 0;  // dialled
    std::size_t connected = 0, known_addresses = 0, retry_queue = 0;
    std::size_t banned = 0;  // now; `bans` counts all of this run
    GossipStats gossip;
    GossipPolicy gossip_policy = GossipPolicy::automatic;  // by which the next message travels
    RelayStats relay;
};

class PeerNetworkListener {
  public:
    virtual ~PeerNetworkListener() = default;
    virtual void on_peer_connected(const PeerId& peer) = 0;
    virtual void on_peer_disconnected(const PeerId& peer) = 0;
    virtual void on_payload(const PeerId& peer, std::uint8_t kind, ByteView payload) = 0;
    // A payload that `from` published or passed on: answer with answer_gossip(), at once or later. It may be
    // of anybody, whatever it says; nothing is passed on before it is accepted.
    virtual void on_gossip(const PeerId& from, const MessageId& id, std::uint8_t kind,
                           SharedBytes payload) = 0;
    // A payload that `from` gave to send_sealed(), itself and nobody else; it need not be connected.
    virtual void on_sealed(const PeerId& from, std::uint8_t kind, SharedBytes payload) = 0;
    // A payload given to send_reliably() or send_sealed() that expired or found no room; `why` for the log.
    virtual void on_undeliverable(const PeerId& peer, std::uint8_t kind, const std::string& why) = 0;
};

class PeerNetwork {
  public:
    // `listener` and `signer` outlive the PeerNetwork. Makes or loads the transport key below
    // `keys_directory`. Errors: io, conflict (port in use; the message names it), invalid_input (gossip),
    // corrupt (the file of bindings).
    static Result<std::unique_ptr<PeerNetwork>> start(boost::asio::io_context& io, PeerNetworkOptions options,
                                                      const Signer& signer, const std::string& keys_directory,
                                                      PeerNetworkListener& listener);
    virtual ~PeerNetwork() = default;

    // False if not connected, the payload is too large for a frame, or the peer's queue (16 MiB) is full;
    // then nothing was queued. A peer whose queue stays full for 5 s is dropped.
    virtual bool send(const PeerId& peer, std::uint8_t kind, SharedBytes payload) = 0;
    // To all connected peers; returns how many took it.
    virtual std::size_t broadcast(std::uint8_t kind, SharedBytes payload) = 0;
    // To all nodes of the network, also those that are not connected, by gossip. Peers that do not gossip get
    // it as by broadcast(). Precondition: the options' gossip settings name the kind. Dropped if it is too
    // large for a frame with gossip_head_bytes.
    virtual void publish(std::uint8_t kind, SharedBytes payload) = 0;
    // Whether what on_gossip() brought is genuine, and worth passing on.
    virtual void answer_gossip(const MessageId& id, bool accept) = 0;
    // So many nodes that take part are known to be alive and not connected. While it is 0, and the network
    // small, nobody relays what is published.
    virtual void set_nodes_apart(std::size_t nodes) = 0;
    // Through the router: kept and tried again until the peer acknowledges it or it expires (60 s); the
    // peer's listener sees it once.
    virtual void send_reliably(const PeerId& peer, std::uint8_t kind, SharedBytes payload) = 0;
    // To one node of the network, connected or not: sealed to it, carried by others where need be, in the
    // order of the calls to one node, and acknowledged by it. Its listener sees it at most once for each of
    // its processes. on_undeliverable() tells of what was not acknowledged within `lifetime`, is above
    // relay_payload_max, or found no room.
    virtual void send_sealed(const PeerId& node, std::uint8_t kind, SharedBytes payload,
                             Duration lifetime) = 0;
    // The peer broke a rule of the application's protocol: lowers its score by `points` (100 bans).
    virtual void report_misbehaviour(const PeerId& peer, int points, const std::string& why) = 0;

    // Adds a configured peer and dials it soon. Errors: invalid_input (not host:port), unavailable (table
    // full, or nothing is dialled).
    virtual Status connect(const std::string& address) = 0;
    // Drops the peer and forgets its address until somebody names it again. Error: not_found.
    virtual Status disconnect(const PeerId& peer) = 0;
    // Forgets an address that was configured or learnt, "host:port", and drops what was dialled there.
    // Errors: invalid_input, not_found.
    virtual Status forget(const std::string& address) {
        return Error{ErrorCode::not_found, "address " + address + " is not known"};
    }
    // Refuses the peer for that long, also a configured one, and ends its connection.
    virtual Status ban(const PeerId& peer, Duration time) = 0;
    // Error: not_found, it is not banned.
    virtual Status unban(const PeerId& peer) = 0;
    // The peers file (peers/peers_file.h) as it would be written now.
    virtual std::string export_peers() const = 0;
    // Adds addresses and bans of such a text. Error: corrupt; then nothing was added.
    virtual Status import_peers(const std::string& text) = 0;
    // What a strategy needs to know of this node.
    virtual DiscoveryIdentity discovery_identity() const = 0;
    // One more way to find peers (discovery/peer_discovery.h), after those that are there; it starts at once.
    // Errors: conflict (its name is taken), too_large, unavailable (stopped).
    virtual Status add_strategy(std::unique_ptr<DiscoveryStrategy> strategy,
                                Duration interval = search_interval) = 0;
    // Connections are carried by `carrier` to the places that the strategy named found_by::carried finds,
    // where no direct one can be had. It outlives the network, or stop().
    virtual void set_carrier(StreamCarrier& carrier) = 0;
    // Somebody at `host`, an address literal, has a connection carried here: the end of it that the caller
    // now owns. Nothing: refused, as a connection from there would be.
    virtual std::optional<int> accept_carried(const std::string& host) = 0;
    // Every way to find peers and what came of it, in order.
    virtual std::vector<DiscoveryInfo> discovery() const = 0;
    // The way in from the internet: the gateway's port, and whether anybody came by it.
    virtual NatInfo nat() const = 0;
    // What this node offers, by name (directory/directory.h): told to peers and, if it broadcasts, to the
    // network. Error: invalid_input.
    virtual Status set_services(std::vector<std::string> services) {
        (void)services;
        return {};
    }
    // Nodes known to offer it. If none of them can be reached, the network is asked, and a call some hundred
    // milliseconds later knows what it said. Errors: invalid_input (no name), unavailable.
    virtual Result<std::vector<ServiceInfo>> find_service(const std::string& service) {
        (void)service;
        return Error{ErrorCode::unavailable, "the peer layer is stopped"};
    }
    // In place of the option from now on, until the process ends.
    virtual void set_broadcast(bool broadcast) { (void)broadcast; }
    // Makes a new transport key; connections from now on use it, those that are open go on. Returns the
    // digest of its certificate. Errors: io, unavailable.
    virtual Result<Digest> rotate_transport_key() = 0;
    virtual std::vector<PeerInfo> peers() const = 0;
    virtual PeerNetworkStats stats() const = 0;
    virtual std::uint16_t port() const = 0;
    // Says goodbye, persists addresses, closes. No callbacks afterwards.
    virtual void stop() = 0;
};

// The same below `keys_directory` while no PeerNetwork uses it.
Result<Digest> rotate_transport_key(const std::string& keys_directory);

}  // namespace peerbook::p2p
