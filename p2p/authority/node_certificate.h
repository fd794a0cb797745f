// A certificate of a network's own authority: that one e-mail address and one node id belong together, until
// a day. Where the network file names an authority, nodes show each other theirs in the handshake, whose
// proof covers it, and refuse whoever has none. PROTOCOL.md, "Certificates of a network", has the bytes.
//
// Addresses are compared as they are written here: lower case, ASCII, nothing else. What else is one person's
// mailbox (tags behind a plus sign, other domains) is for the authority to know.
//
// Values and pure functions; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/time.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

inline constexpr std::uint16_t certificate_version = 1;
inline constexpr std::size_t email_bytes_max = 254;
inline constexpr std::size_t certificate_bytes_max = 2 + 32 + 32 + 2 + email_bytes_max + 8 + 8 + 64;

struct NodeCertificate {
    Digest network;
    PeerId node;
    std::string email;  // as email_address() gives it
    WallTime issued, expires;
    Signature signature;  // of the authority
    friend bool operator==(const NodeCertificate&, const NodeCertificate&) = default;
};

// The address in the one form in which it counts: blanks around it off, lower case. Error: invalid_input,
// with what is wrong. Quoted local parts, comments and literals of hosts are not taken.
Result<std::string> email_address(std::string_view text);

// Precondition: email_address(email) gives it unchanged, and issued < expires, both from 0 to 2^53 ms.
NodeCertificate make_certificate(const Digest& network, const PeerId& node, std::string email,
                                 WallTime issued, WallTime expires, const Signer& authority);
Bytes encode_certificate(const NodeCertificate& certificate);
// One encoding a certificate. Error: invalid_input.
Result<NodeCertificate> decode_certificate(ByteView bytes);
bool is_signed_by(const NodeCertificate& certificate, const PublicKey& authority, const Verifier& verifier);

// That it is of this authority, for this network and node, and holds at `now`. When it was issued does not
// matter: clocks differ. Errors: unauthorized (another authority, or changed), conflict (of another network,
// or another node's), timed_out (expired).
Status check_certificate(const NodeCertificate& certificate, const PublicKey& authority,
                         const Digest& network, const PeerId& node, WallTime now, const Verifier& verifier);

}  // namespace peerbook::p2p
