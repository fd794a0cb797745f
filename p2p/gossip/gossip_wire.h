// Frames of the gossip: kinds 0x03 … 0x08 of the peer protocol; section "Gossip" of PROTOCOL.md. Decoding
// allocates no more than the frame holds, and refuses what is malformed or above a bound.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "p2p/gossip/gossip_settings.h"
#include "p2p/peers/send_queue.h"

namespace peerbook::p2p {

inline constexpr std::uint8_t gossip_push_kind = 0x03;
inline constexpr std::uint8_t gossip_announce_kind = 0x04;
inline constexpr std::uint8_t gossip_want_kind = 0x05;
inline constexpr std::uint8_t gossip_prune_kind = 0x06;
inline constexpr std::uint8_t gossip_link_kind = 0x07;
inline constexpr std::uint8_t gossip_digest_kind = 0x08;

inline constexpr std::size_t announced_ids_max = 1'024;  // of one frame
inline constexpr std::size_t wanted_ids_max = 256;
inline constexpr std::size_t digest_ids_max = 4'096;
inline constexpr std::size_t gossip_head_bytes = 13;  // of a push, in front of the payload

// How the message travels, as its origin chose. What was pulled past a tree, or brought by anti-entropy
// (`repair`), is announced on all links from there on and pushed on none: whoever is behind the same gap
// pulls for itself, and no payload comes twice.
enum class GossipMode : std::uint8_t { direct, tree, epidemic, flood, pulled, repair };

struct GossipHeader {
    GossipMode mode = GossipMode::direct;
    std::uint8_t ttl = 0;   // relays still allowed
    std::uint8_t hops = 0;  // links it has passed when it arrives
    WallTime created;
    std::uint8_t kind = 0;  // the application's
};

struct Announcement {
    MessageId id;
    std::uint8_t hops = 0;  // that the payload would have when it arrives
};

// Why a message was announced, and so how it is to be sent when it is asked for.
enum class PullReason : std::uint8_t {
    tree,      // the tree did not bring it
    graft,     // the tree has failed several times: the link that brings it is eager from then on
    epidemic,  // payloads above a size travel like that
    repair,    // anti-entropy
};

enum class LinkStep : std::uint8_t {
    ask,     // be my neighbour
    urge,    // the same, from a node that has too few
    accept,  // answers to both
    refuse,
    leave,
};

namespace gossip {
struct Push {
    GossipHeader header;
    ByteView payload;  // within the frame
};
struct Announce {
    PullReason reason;
    bool is_lazy;  // the sender pushes nothing on this link, or not what comes along the tree
    std::vector<Announcement> entries;
};
struct Want {
    PullReason reason;  // graft: and push me what comes from here on, be there ids or none
    std::vector<MessageId> ids;
};
struct Digest {
    Duration span;  // every message taken in no longer ago than this is listed, unless there are too many
    std::vector<MessageId> ids;
};
}  // namespace gossip

// Kind, time of creation and payload: whoever relays cannot put other bytes under an id. Identical bytes of
// the same millisecond are one message.
MessageId gossip_id(std::uint8_t kind, WallTime created, ByteView payload);

OutgoingPayload push_frame(const GossipHeader& header, SharedBytes payload);
OutgoingPayload announce_frame(const gossip::Announce& announce);
OutgoingPayload want_frame(const gossip::Want& want);
OutgoingPayload prune_frame();
OutgoingPayload link_frame(LinkStep step);
OutgoingPayload digest_frame(const gossip::Digest& digest);

// Each takes a whole frame of its kind. Error: invalid_input.
Result<gossip::Push> parse_push(ByteView frame);
Result<gossip::Announce> parse_announce(ByteView frame);
Result<gossip::Want> parse_want(ByteView frame);
Status parse_prune(ByteView frame);
Result<LinkStep> parse_link(ByteView frame);
Result<gossip::Digest> parse_digest(ByteView frame);

}  // namespace peerbook::p2p
