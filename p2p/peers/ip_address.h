// Address literals as numbers, so that two spellings of one address are one address, and so that addresses
// one party can have for the asking (a /64 of IPv6) count as one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace peerbook::p2p {

struct IpAddress {
    bool is_v6 = false;                    // never for IPv4 mapped into IPv6
    std::array<std::uint8_t, 16> bytes{};  // the first 4 for IPv4
    friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

// None if it is a name or nothing. A zone ("%eth0") is left out.
std::optional<IpAddress> parse_ip(std::string_view text);
// Lower case, the longest run of zeros shortened (RFC 5952).
std::string to_string(const IpAddress& ip);
// A literal in that form, IPv4 mapped into IPv6 as IPv4 and without a zone; other texts as they are.
std::string plain_literal(const std::string& text);

// Who can reach an address. `unusable`: unspecified, broadcast, multicast, reserved; nobody is dialled there
// because a peer says so.
enum class IpScope : unsigned char { unusable, loopback, link_local, private_network, global };
IpScope scope_of(const IpAddress& ip);

// Hosts with the same key count as one in limits: an IPv4 address, a /64 of IPv6; a name is itself. Loopback
// stays as it is written.
std::string limit_key(std::string_view host);
// Networks that are likely one party's: a /16 of IPv4, a /32 of IPv6; a name is itself.
std::string group_key(std::string_view host);

}  // namespace peerbook::p2p
