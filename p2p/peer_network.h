// The peer layer as the application sees it: authenticated peers that exchange opaque payloads.
//
// PeerNetwork is the adapter that runs the pure parts (peers/peer_manager.h, routing/message_router.h,
// peers/address_book.h) on an Asio io_context with TLS transport. All calls and all callbacks happen on that
// io_context's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/time.h"

namespace boost::asio {
class io_context;
}

namespace peerbook::p2p {

using PeerId = PublicKey;  // a node's Ed25519 key

struct PeerNetworkOptions {
    std::string listen_host = "0.0.0.0";
    std::uint16_t listen_port = 3000;  // 0: any free one
    std::vector<std::string> bootstrap;  // "host:port"; configured peers, never banned
    std::size_t peers_max = 50;
    std::size_t outbound_reserved = 8;
    Duration reconnect_interval_max = Duration::seconds(3600);
    std::string peers_file;  // persisted addresses, JSON; empty: none
    bool broadcast = true;   // off: our address is never announced or shared
    bool plain_tcp = false;  // without TLS; only where asked for by name
    Digest network;
    Digest ledger;
    std::string agent;       // program version, for people
};

struct PeerInfo {
    PeerId id;
    std::string address;     // as connected
    bool outbound = false;
    bool configured = false;
    std::string state;       // connecting, connected, stale, disconnected, banned
    std::string agent;
    Duration round_trip;
    Duration connected_for;
    std::uint64_t bytes_in = 0, bytes_out = 0, messages_in = 0, messages_out = 0;
    std::size_t queued_bytes = 0;
    int misbehaviour = 0;    // 0, falling; a ban at −50
    std::string last_error;
};

struct PeerNetworkStats {
    std::uint64_t frames_in = 0, frames_out = 0, bytes_in = 0, bytes_out = 0;
    std::uint64_t handshakes_refused = 0, bans = 0, duplicates_dropped = 0, undeliverable = 0;
    std::size_t connected = 0, known_addresses = 0, retry_queue = 0;
};

// Payload kinds are the application's; 0x80 … 0xff. Lower ones belong to this layer.
inline constexpr std::uint8_t application_kind_min = 0x80;
inline constexpr std::size_t frame_bytes_max = 1024 * 1024;  // a protocol constant

class PeerNetworkListener {
  public:
    virtual ~PeerNetworkListener() = default;
    virtual void on_peer_connected(const PeerId& peer) = 0;
    virtual void on_peer_disconnected(const PeerId& peer) = 0;
    virtual void on_payload(const PeerId& peer, std::uint8_t kind, ByteView payload) = 0;
    // A payload given to send_reliably() that expired or found no room; `why` for the log.
    virtual void on_undeliverable(const PeerId& peer, std::uint8_t kind, const std::string& why) = 0;
};

class PeerNetwork {
  public:
    // `listener` and `signer` outlive the PeerNetwork. Makes or loads the transport key below `keys_directory`.
    // Errors: io, conflict (port in use; the message names it).
    static Result<std::unique_ptr<PeerNetwork>> start(boost::asio::io_context& io, PeerNetworkOptions options,
                                                      const Signer& signer, const std::string& keys_directory,
                                                      PeerNetworkListener& listener);
    virtual ~PeerNetwork() = default;

    // False if not connected or the peer's queue (bounded in bytes) is full; then nothing was queued.
    virtual bool send(const PeerId& peer, std::uint8_t kind, SharedBytes payload) = 0;
    // To all connected peers; returns how many took it.
    virtual std::size_t broadcast(std::uint8_t kind, SharedBytes payload) = 0;
    // Through the router: kept and tried again until delivered to the peer's socket or expired (default 60 s).
    virtual void send_reliably(const PeerId& peer, std::uint8_t kind, SharedBytes payload) = 0;
    // The peer broke a rule of the application's protocol: lowers its score by `points` (100 bans).
    virtual void report_misbehaviour(const PeerId& peer, int points, const std::string& why) = 0;

    virtual Status connect(const std::string& address) = 0;
    virtual Status disconnect(const PeerId& peer) = 0;
    virtual std::vector<PeerInfo> peers() const = 0;
    virtual PeerNetworkStats stats() const = 0;
    virtual std::uint16_t port() const = 0;
    // Says goodbye, persists addresses, closes. No callbacks afterwards.
    virtual void stop() = 0;
};

}  // namespace peerbook::p2p
