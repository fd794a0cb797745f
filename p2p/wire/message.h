// Control messages: JSON objects {type, id, from, to, timestamp, ttl, payload}. Keys, signatures and digests
// are lower-case hex, integers are JSON integers or decimal text. Unknown members are ignored, so that a
// newer minor version can add some; an unknown type is UnknownControl.
//
// Parsing never allocates more than a small multiple of the input, never recurses, and refuses: more than
// control_bytes_max, more than control_depth_max levels, missing or mistyped members, values out of their
// bounds.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/time.h"
#include "p2p/peers/peer_address.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

inline constexpr std::size_t control_bytes_max = 16 * 1024;
inline constexpr int control_depth_max = 8;
inline constexpr std::size_t control_text_bytes_max = 200;  // agent, reason, capability, id, version
inline constexpr std::size_t capabilities_max = 16;
inline constexpr std::size_t exchanged_addresses_max = 20;
inline constexpr std::int64_t ttl_max = 32;

// First byte of a payload of this layer that is not JSON.
inline constexpr std::uint8_t routed_kind = 0x01;      // 16-byte message id, application kind, payload
inline constexpr std::uint8_t routed_ack_kind = 0x02;  // 16-byte message id

inline constexpr std::uint8_t compressed_kind = 0x10;  // wire/compression.h

// Unique among all messages of one sender: 8 random bytes of its start, then a counter.
using MessageId = FixedBytes<struct MessageIdTag, 16>;
using Challenge = FixedBytes<struct ChallengeTag, 32>;

// Says who the sender claims to be, and how to talk to it. The claim counts once HandshakeAck's endorsement
// verifies.
struct HandshakeMessage {
    PeerId node;
    std::string version;     // of this protocol, "major.minor"
    std::string agent;       // of the program, for people
    std::uint16_t port = 0;  // where it listens, on the address we see; 0: it does not say
    bool broadcast = false;  // whether its address may be given to others
    std::vector<std::string> capabilities;
    Digest network;
    Digest ledger;
    WallTime clock;
    Challenge challenge;  // random, new for each connection
    // Since capability reach/1, and left out where it says nothing:
    std::optional<PeerAddress> seen;  // where the sender sees the receiver; an address literal
    bool look = false;                // the sender only looks whether somebody is there, and hangs up
    // Where the network has an authority (authority/node_certificate.h); as encoded, not checked yet. Empty:
    // none.
    Bytes certificate;

    bool can(std::string_view capability) const {
        return std::find(capabilities.begin(), capabilities.end(), capability) != capabilities.end();
    }
};
struct HandshakeAck {
    Signature endorsement;
};
struct Heartbeat {
    std::uint64_t sequence = 0;
};
struct HeartbeatAck {
    std::uint64_t sequence = 0;  // of the heartbeat it answers
};
struct PeerExchange {
    std::vector<PeerAddress> addresses;  // ≤ exchanged_addresses_max
};
struct Goodbye {
    std::string reason;
};
// Asks the receiver to dial the sender back: at this port of the address that the question comes from.
struct DialBack {
    std::uint16_t port = 0;
};
struct DialBackAnswer {
    std::uint16_t port = 0;  // of the question
    enum class Result : unsigned char { reachable, unreachable, refused } result = Result::refused;
};
// Where the sender can be dialled now, at the address that the receiver sees; in place of what its handshake
// said.
struct ReachedAt {
    std::uint16_t port = 0;  // 0: nowhere
};
struct UnknownControl {
    std::string type;
};

using ControlBody = std::variant<HandshakeMessage, HandshakeAck, Heartbeat, HeartbeatAck, PeerExchange,
                                 Goodbye, DialBack, DialBackAnswer, ReachedAt, UnknownControl>;

struct ControlMessage {
    MessageId id;
    PeerId from;
    std::optional<PeerId> to;  // none: all
    WallTime timestamp;
    std::int64_t ttl = 0;  // 0: for the receiver only
    ControlBody body;
};

// Error: invalid_input with what is wrong; too_large.
Result<ControlMessage> parse_control(ByteView payload);
// Precondition: the bounds above hold, and the body is not UnknownControl.
Bytes write_control(const ControlMessage& message);

// `text` cut to control_text_bytes_max, with everything but printable ASCII, and the quote and the backslash,
// replaced by '?': fit for quoted fields of logs and for JSON.
std::string printable(std::string_view text);

}  // namespace peerbook::p2p
