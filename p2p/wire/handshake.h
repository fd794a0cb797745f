// The handshake: how two nodes learn who the other is, that both mean the same network and ledger, and that
// the transport between them has nobody in the middle. Zero for the ledger goes with
// any; nodes of Peerbook claim it, and tell of their ledgers when they are connected.
//
//   both → handshake       claim: node id, version, network, ledger, clock, a fresh challenge
//   both → handshake_ack   proof: the node key's endorsement of this very connection
//
// The endorsement signs domain ‖ network ‖ signer's certificate hash ‖ other's certificate hash ‖
// exporter ‖ role of the signer (0x00 opened the connection, 0x01 accepted it) ‖ hash of the signer's
// handshake payload ‖ hash of the other's. Certificates tie it to the two transport keys; the exporter (RFC
// 5705) ties it to one TLS session; the role keeps it from being reflected; the hashes cover both challenges
// and every claim. So it is worth nothing on another connection. Without TLS the certificates and the
// exporter are zero, and only the challenges remain: enough against replay, not against a man in the middle.
//
// Pure: one object a connection, time and randomness are arguments. Not thread-safe.
#pragma once

#include <optional>
#include <string>

#include "p2p/authority/node_certificate.h"
#include "p2p/wire/message.h"

namespace peerbook::p2p {

inline constexpr const char* gossip_capability = "gossip/1";        // it takes kinds 0x03 … 0x08
inline constexpr const char* reach_capability = "reach/1";          // it dials back, and takes reached_at
inline constexpr const char* relay_capability = "relay/1";          // it takes and passes on kind 0x09
inline constexpr const char* directory_capability = "directory/1";  // it takes kind 0x0a
inline constexpr const char* compression_capability = "zstd/1";     // it takes kind 0x10
inline constexpr const char* protocol_version = "1.0";              // another major version is refused
inline constexpr Duration handshake_time_max = Duration::seconds(5);
inline constexpr Duration clock_gap_warned = Duration::seconds(5);
inline constexpr Duration clock_gap_refused = Duration::seconds(30);

// What the transport knows of a connection; digests of the certificates (transport/certificates.h).
struct ChannelBinding {
    Digest local_certificate;
    Digest remote_certificate;
    Digest exporter;
};

// What this node says of itself.
struct LocalNode {
    Digest network;
    Digest ledger;
    std::string agent;
    std::uint16_t listen_port = 0;
    bool broadcast = true;
    bool gossips = false;     // names the capability gossip/1
    bool dials_back = false;  // names the capability reach/1
    bool expands = false;     // names the capability zstd/1
    bool relays = false;      // names the capability relay/1
    // The network's own, if it has one: then whoever has no certificate of it is refused, and this node shows
    // its own (authority/node_certificate.h).
    std::optional<PublicKey> authority = {};
    Bytes certificate = {};
};

// What it says on one connection alone.
struct ConnectionClaim {
    std::optional<std::uint16_t> port;  // in place of listen_port; 0: it cannot be dialled from there
    std::optional<PeerAddress> seen;    // see HandshakeMessage
    bool look = false;
};

// What a step of the handshake asks of the caller.
struct HandshakeStep {
    std::optional<ControlBody> send;
    bool done = false;
    struct Refusal {
        std::string reason;
        int points = 0;  // of misbehaviour; 0 where nobody did wrong
        // The peer claims our own key, with this challenge. No proof: the caller knows whether it is ours.
        std::optional<Challenge> own_key_claimed;
    };
    std::optional<Refusal> refusal;
    std::optional<std::string> warning;
};

class Handshake {
  public:
    // `signer`, `verifier` and `local` outlive the Handshake.
    Handshake(const LocalNode& local, const Signer& signer, const Verifier& verifier, Direction direction,
              const ChannelBinding& channel, const Challenge& challenge, ConnectionClaim here = {});

    // Our claim. The caller encodes it and hands the exact payload back with sent().
    HandshakeMessage claim(WallTime now) const;
    void sent(ByteView payload);

    // `payload` is the frame that `body` was parsed from.
    HandshakeStep receive(Now now, const ControlBody& body, ByteView payload);

    const Challenge& challenge() const { return challenge_; }
    // The peer's claim; proven only once a step said done.
    const std::optional<HandshakeMessage>& peer() const { return peer_; }
    // The peer's, genuine, for the id that it claims; none where the network has no authority.
    const std::optional<NodeCertificate>& certificate() const { return certificate_; }

  private:
    HandshakeStep receive_claim(Now now, const HandshakeMessage& claim, ByteView payload);
    HandshakeStep receive_proof(const HandshakeAck& ack);
    // Why the claim's certificate will not do.
    std::optional<HandshakeStep> check_certificate_of(Now now, const HandshakeMessage& claim);
    Bytes endorsed_bytes(bool ours) const;

    const LocalNode& local_;
    const Signer& signer_;
    const Verifier& verifier_;
    Direction direction_;
    ChannelBinding channel_;
    Challenge challenge_;
    ConnectionClaim here_;
    Digest our_payload_;
    Digest their_payload_;
    std::optional<HandshakeMessage> peer_;
    std::optional<NodeCertificate> certificate_;
};

}  // namespace peerbook::p2p
