#include "p2p/wire/handshake.h"

#include "base/codec.h"
#include "base/hash.h"
#include "p2p/peers/peer_score.h"

namespace peerbook::p2p {

namespace {

constexpr const char* endorsement_domain = "peerbook/p2p/endorsement/1";
constexpr const char* payload_domain = "peerbook/p2p/handshake-payload/1";

HandshakeStep refuse(std::string reason, int points, std::optional<Challenge> own_key_claimed = {}) {
    HandshakeStep step;
    step.refusal = HandshakeStep::Refusal{std::move(reason), points, own_key_claimed};
    return step;
}

std::string short_hex(const Digest& digest) {
    return to_hex(digest).substr(0, 16);
}

std::string_view major_of(std::string_view version) {
    return version.substr(0, version.find('.'));
}

}  // namespace

Handshake::Handshake(const LocalNode& local, const Signer& signer, const Verifier& verifier,
                     Direction direction, const ChannelBinding& channel, const Challenge& challenge,
                     ConnectionClaim here)
    : local_(local),
      signer_(signer),
      verifier_(verifier),
      direction_(direction),
      channel_(channel),
      challenge_(challenge),
      here_(std::move(here)) {}

HandshakeMessage Handshake::claim(WallTime now) const {
    HandshakeMessage claim;
    claim.node = signer_.public_key();
    claim.version = protocol_version;
    claim.agent = local_.agent;
    claim.port = local_.broadcast ? here_.port.value_or(local_.listen_port) : std::uint16_t{0};
    claim.broadcast = local_.broadcast;
    claim.capabilities = {"routed"};
    if (local_.gossips) claim.capabilities.emplace_back(gossip_capability);
    if (local_.dials_back) claim.capabilities.emplace_back(reach_capability);
    claim.capabilities.emplace_back(directory_capability);
    if (local_.expands) claim.capabilities.emplace_back(compression_capability);
    if (local_.relays) claim.capabilities.emplace_back(relay_capability);
    claim.network = local_.network;
    claim.ledger = local_.ledger;
    claim.clock = now;
    claim.challenge = challenge_;
    claim.seen = here_.seen;
    claim.look = here_.look;
    if (local_.authority) claim.certificate = local_.certificate;
    return claim;
}

void Handshake::sent(ByteView payload) {
    our_payload_ = hash_of(payload_domain, payload);
}

HandshakeStep Handshake::receive(Now now, const ControlBody& body, ByteView payload) {
    if (const auto* claim = std::get_if<HandshakeMessage>(&body)) return receive_claim(now, *claim, payload);
    if (const auto* ack = std::get_if<HandshakeAck>(&body)) return receive_proof(*ack);
    return refuse("a message other than handshake before authentication", penalty_protocol);
}

HandshakeStep Handshake::receive_claim(Now now, const HandshakeMessage& claim, ByteView payload) {
    if (peer_) return refuse("a second handshake on one connection", penalty_protocol);
    if (major_of(claim.version) != major_of(protocol_version))
        return refuse("protocol version " + claim.version + ", ours is " + protocol_version, 0);
    if (claim.network != local_.network)
        return refuse("wrong network " + short_hex(claim.network) + ", ours is " + short_hex(local_.network),
                      0);
    if (claim.ledger != local_.ledger && !claim.ledger.is_zero() && !local_.ledger.is_zero())
        return refuse("wrong ledger " + short_hex(claim.ledger) + ", ours is " + short_hex(local_.ledger), 0);
    if (claim.node == signer_.public_key()) return refuse("connected to itself", 0, claim.challenge);
    if (!is_valid_public_key(claim.node)) return refuse("node id is not a valid key", penalty_protocol);

    if (auto refusal = check_certificate_of(now, claim)) return std::move(*refusal);

    HandshakeStep step;
    // Unsigned, because the peer chooses its clock and the difference of two extremes would overflow.
    const bool ahead = claim.clock > now.wall;
    const auto gap_ms =
        ahead ? static_cast<std::uint64_t>(claim.clock.ms) - static_cast<std::uint64_t>(now.wall.ms)
              : static_cast<std::uint64_t>(now.wall.ms) - static_cast<std::uint64_t>(claim.clock.ms);
    const std::string gap =
        "clock " + std::to_string(gap_ms) + " ms " + (ahead ? "ahead of" : "behind") + " ours";
    if (gap_ms > static_cast<std::uint64_t>(clock_gap_refused.ms())) return refuse(gap, 0);
    if (gap_ms > static_cast<std::uint64_t>(clock_gap_warned.ms())) step.warning = gap;

    peer_ = claim;
    their_payload_ = hash_of(payload_domain, payload);
    step.send = HandshakeAck{signer_.sign(endorsed_bytes(true))};
    return step;
}

std::optional<HandshakeStep> Handshake::check_certificate_of(Now now, const HandshakeMessage& claim) {
    if (!local_.authority) return std::nullopt;
    if (claim.certificate.empty())
        return refuse("this network takes nodes with a certificate of its authority only", 0);
    const auto certificate = decode_certificate(claim.certificate);
    if (!certificate.ok()) return refuse(certificate.error().message, penalty_protocol);
    const Status holds =
        check_certificate(*certificate, *local_.authority, local_.network, claim.node, now.wall, verifier_);
    if (!holds.ok())
        return refuse(holds.error().message,
                      holds.error().code == ErrorCode::unauthorized ? penalty_signature : 0);
    certificate_ = *certificate;
    return std::nullopt;
}

HandshakeStep Handshake::receive_proof(const HandshakeAck& ack) {
    if (!peer_) return refuse("handshake_ack before handshake", penalty_protocol);
    if (!verifier_.verify(peer_->node, endorsed_bytes(false), ack.endorsement))
        return refuse("endorsement does not match the node key and this connection", penalty_signature);
    HandshakeStep step;
    step.done = true;
    return step;
}

Bytes Handshake::endorsed_bytes(bool ours) const {
    const bool signer_opened = (direction_ == Direction::outbound) == ours;
    Bytes bytes;
    Encoder out(bytes);
    out.text(endorsement_domain);
    out.raw(local_.network.view());
    out.raw((ours ? channel_.local_certificate : channel_.remote_certificate).view());
    out.raw((ours ? channel_.remote_certificate : channel_.local_certificate).view());
    out.raw(channel_.exporter.view());
    out.u8(signer_opened ? 0x00 : 0x01);
    out.raw((ours ? our_payload_ : their_payload_).view());
    out.raw((ours ? their_payload_ : our_payload_).view());
    return bytes;
}

}  // namespace peerbook::p2p
