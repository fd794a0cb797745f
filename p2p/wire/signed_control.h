// Control messages that others pass on: frames 0x0a ‖ {type, id, from, to, timestamp, ttl, payload,
// signature}, JSON. `payload` is a JSON object as text, so that its bytes are what was signed whoever passes
// it on; `ttl` is not signed, because it falls at each hop.
//
// Pure. Bounds and forms are those of control messages (message.h).
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/time.h"
#include "p2p/wire/message.h"

namespace peerbook::p2p {

inline constexpr std::uint8_t signed_control_kind = 0x0a;  // first byte of the frame
inline constexpr std::size_t signed_control_payload_bytes_max = 8 * 1024;
inline constexpr Duration signed_control_age_max = Duration::seconds(60);
inline constexpr Duration signed_control_ahead_max = Duration::seconds(30);

struct SignedControl {
    std::string type;
    MessageId id;  // unique among the messages of one sender
    PeerId from;
    std::optional<PeerId> to;  // none: all
    WallTime timestamp;
    std::int64_t ttl = 0;  // how often it may still be passed on
    std::string payload;
    Signature signature;
};

// `body`: what follows the frame's first byte. Errors: invalid_input with what is wrong; too_large. The
// signature is not checked.
Result<SignedControl> parse_signed_control(ByteView body);
// The same, the other way round. Precondition: the bounds hold.
Bytes write_signed_control(const SignedControl& message);

void sign_control(SignedControl& message, const Digest& network, const Signer& signer);
bool is_genuine(const SignedControl& message, const Digest& network, const Verifier& verifier);
// The same for two messages only if they say the same and have one signature; the ttl does not count.
Digest identity_of(const SignedControl& message, const Digest& network);
// Whether its time is within signed_control_age_max and signed_control_ahead_max.
bool is_timely(const SignedControl& message, WallTime now);

}  // namespace peerbook::p2p
