// What nodes and a bootstrap registry say to each other: JSON over HTTP, and the bytes that nodes sign. Pure;
// each side is a stranger to the other, so everything that is read is checked. Format: PROTOCOL.md,
// "Bootstrap registry".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/time.h"
#include "p2p/peers/peer_address.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

inline constexpr std::size_t registry_request_bytes_max = 2'048;  // of a body; one entry has about 450
inline constexpr std::size_t registry_reply_bytes_max = 16'384;
inline constexpr std::size_t registry_reply_nodes_max = 32;
inline constexpr Duration registry_entry_time_max = Duration::seconds(3600);
// Between the clocks of a node and of a registry. What was signed longer ago is refused, so that nothing has
// to be remembered for longer.
inline constexpr Duration registry_clock_gap_max = Duration::seconds(60);

inline constexpr std::string_view registry_register_path = "/api/bootstrap/register";
inline constexpr std::string_view registry_unregister_path = "/api/bootstrap/unregister";
inline constexpr std::string_view registry_discover_path = "/api/bootstrap/discover";

// A node says where it takes connections. `time`: when it said so, later with each saying.
struct RegistryEntry {
    Digest network;
    PeerId node;
    PeerAddress address;  // a literal in its canonical form
    WallTime time, expires;
    Signature signature;
    friend bool operator==(const RegistryEntry&, const RegistryEntry&) = default;
};

// A node takes back what it said until `time`.
struct RegistryWithdrawal {
    Digest network;
    PeerId node;
    WallTime time;
    Signature signature;
    friend bool operator==(const RegistryWithdrawal&, const RegistryWithdrawal&) = default;
};

// What the signatures cover.
Bytes signed_part(const RegistryEntry& entry);
Bytes signed_part(const RegistryWithdrawal& withdrawal);
bool is_genuine(const RegistryEntry& entry, const Verifier& verifier);
bool is_genuine(const RegistryWithdrawal& withdrawal, const Verifier& verifier);

// Bodies of requests. Reading checks the form alone. Errors: too_large, invalid_input (names the member).
std::string write_registration(const RegistryEntry& entry);
std::string write_withdrawal(const RegistryWithdrawal& withdrawal);
Result<RegistryEntry> read_registration(std::string_view body);
Result<RegistryWithdrawal> read_withdrawal(std::string_view body);

// The answer to a registration and to a discovery.
struct RegistryReply {
    std::string you;  // the address literal that the request came from
    std::vector<RegistryEntry> nodes;
};
std::string write_registry_reply(const RegistryReply& reply);
// All nodes are taken to be of `network`, which their signatures then prove or not; those of bad form are
// left out, and what comes after registry_reply_nodes_max. Errors: unavailable (the registry refuses; its
// words), corrupt (what answers is no registry), too_large.
Result<RegistryReply> read_registry_reply(unsigned http_status, std::string_view body, const Digest& network);

// A registration is refused with this where it names another address than the one it came from.
std::string write_wrong_address(std::string_view message, std::string_view you);
// The address that such a refusal names; nothing in any other answer.
std::optional<std::string> read_wrong_address(unsigned http_status, std::string_view body);

// "http://host:port", with or without a slash after it. Error: invalid_input.
Result<PeerAddress> parse_registry_url(std::string_view url);

// Whether a node that speaks from `local` may be told that it was seen at `seen`: its own address, or that of
// a NAT in front of a private one. Else a registry could have a node sign that it is somewhere else.
bool may_be_seen_at(std::string_view local, std::string_view seen);
// The port by which others reach a node that they see at this address: on the internet the outside one, which
// is 0 if nobody gets in.
std::uint16_t port_reached_at(std::string_view host, std::uint16_t listening, std::uint16_t outside);
// Whether a node that listens on `listen_host` (a setting: literal, localhost, or unspecified) takes
// connections at the address literal.
bool listens_at(std::string_view listen_host, std::string_view address);

}  // namespace peerbook::p2p
