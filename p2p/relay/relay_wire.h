// Sealed messages to one node, carried by others: kind 0x09 of the peer protocol; section "Relayed messages"
// of PROTOCOL.md.
//
//   frame     kind 1 ‖ ttl 1 ‖ envelope
//   envelope  signed part ‖ the sender's signature 64
//
// Relays see who sends to whom, how much and when: they need the recipient to carry it, and an authentic
// sender to learn the way back and to bound what each may ask of them. What is said is sealed: to the key of
// the recipient's process, which its node key signed (RelayEnvelope::key of a `found`), not to the node key
// itself. So the node key signs and does nothing else, and what was recorded on the way can be read by nobody
// once the recipient's process has ended.
//
// Decoding allocates no more than the frame holds. Pure; values.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/sealed_box.h"
#include "base/time.h"
#include "p2p/peers/peer_id.h"
#include "p2p/peers/send_queue.h"

namespace peerbook::p2p {

inline constexpr std::uint8_t relay_kind = 0x09;
inline constexpr std::uint8_t relay_ttl_max = 6;                    // relays between the two
inline constexpr std::size_t relay_payload_max = 500'000;           // bytes of one application payload
inline constexpr std::size_t parcel_entries_max = 256;              // payloads in one parcel
inline constexpr std::size_t parcel_bytes_max = 512 * 1024;         // a parcel before it is sealed
inline constexpr Duration relay_age_max = Duration::seconds(60);    // by the receiver's clock
inline constexpr Duration relay_ahead_max = Duration::seconds(30);  // as far apart as clocks of peers may be

enum class RelayType : std::uint8_t {
    seek = 1,    // where is the recipient? goes to all
    found = 2,   // its answer, back the way on which the seek came
    narrow = 3,  // a sealed parcel, on the best way that each relay knows
    wide = 4,    // the same on several ways, after a narrow one was lost
};

struct RelayEnvelope {
    RelayType type = RelayType::seek;
    PeerId sender;
    PeerId recipient;
    WallTime created;  // by the sender's clock; rises with each of its envelopes
    SealKey key;       // seek, found: to which the sender's process can be written
    Digest seek;       // found: relay_digest() of the question, so that no old answer fits
    ByteView box;      // narrow, wide: a sealed parcel; within what it was parsed from
};

// What is in a box. Between two processes parcels are numbered upwards, not without gaps.
struct Parcel {
    struct Entry {
        std::uint8_t kind = 0;  // the application's
        ByteView payload;       // within what it was parsed from, or whatever the writer says
    };
    PeerId sender;             // that of the envelope: else another could sign somebody's box as its own
    SealKey key;               // to which the answer is sealed
    std::uint64_t number = 0;  // 0: it only acknowledges
    std::uint64_t acknowledged = 0;  // the highest number that this sender took from the recipient; 0: none
    std::vector<Entry> entries;
};

struct ParsedRelay {
    std::uint8_t ttl = 0;
    RelayEnvelope envelope;
    ByteView signed_part;
    Signature signature;
};

// A whole frame of relay_kind. Errors: invalid_input; unavailable, a type of a newer minor version.
Result<ParsedRelay> parse_relay(ByteView frame);
// What names the message, and is signed: network and signed part, not ttl. So it is worth nothing in another
// network.
Digest relay_digest(const Digest& network, ByteView signed_part);
bool is_signed_by_sender(const ParsedRelay& relay, const Digest& digest, const Verifier& verifier);

// The envelope with its signature. Precondition: the sender is the signer.
Bytes write_relay(const RelayEnvelope& envelope, const Digest& network, const Signer& signer);
// A frame with such an envelope; frames with different ttl share it.
OutgoingPayload relay_frame(std::uint8_t ttl, SharedBytes envelope);

// Precondition: the bounds above hold.
Bytes write_parcel(const Parcel& parcel);
// Error: invalid_input.
Result<Parcel> parse_parcel(ByteView bytes);

}  // namespace peerbook::p2p
