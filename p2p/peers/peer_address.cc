#include "p2p/peers/peer_address.h"

#include <charconv>

#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

namespace {

Error bad_address(std::string_view text, const char* why) {
    return {ErrorCode::invalid_input, "peer address '" + std::string(text.substr(0, 80)) + "' " + why};
}

bool is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

bool is_v6_character(char c) {
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

}  // namespace

Result<PeerAddress> parse_peer_address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return bad_address(text, "has no port: write host:port");
    std::string_view host = text.substr(0, colon);
    const std::string_view port_text = text.substr(colon + 1);
    const bool is_v6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (is_v6) host = host.substr(1, host.size() - 2);
    if (host.empty() || host.size() > host_bytes_max) return bad_address(text, "has no host or one too long");
    for (char c : host)
        if (!(is_v6 ? is_v6_character(c) : is_host_character(c)))
            return bad_address(text, "has a character that no host name has");
    unsigned port = 0;
    const char* end = port_text.data() + port_text.size();
    const auto [stop, code] = std::from_chars(port_text.data(), end, port);
    if (code != std::errc() || stop != end || port == 0 || port > 65535)
        return bad_address(text, "has a port that is not 1 to 65535");
    const auto ip = parse_ip(host);
    if (is_v6 && !ip) return bad_address(text, "has brackets around what is no IPv6 address");
    return PeerAddress{ip ? to_string(*ip) : std::string(host), static_cast<std::uint16_t>(port)};
}

std::string to_string(const PeerAddress& address) {
    const bool is_v6 = address.host.find(':') != std::string::npos;
    return (is_v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

bool is_loopback_host(std::string_view host) {
    if (host == "localhost") return true;
    const auto ip = parse_ip(host);
    return ip && scope_of(*ip) == IpScope::loopback;
}

bool may_pass(std::string_view host, std::string_view other_host) {
    const auto ip = parse_ip(host);
    if (!ip) return false;
    const auto other_ip = parse_ip(other_host);
    const IpScope other = is_loopback_host(other_host) ? IpScope::loopback
                          : other_ip                   ? scope_of(*other_ip)
                                                       : IpScope::global;
    switch (scope_of(*ip)) {
        case IpScope::global:
            return true;
        case IpScope::private_network:
            return other == IpScope::private_network || other == IpScope::loopback;
        case IpScope::loopback:
            return other == IpScope::loopback;
        case IpScope::link_local:
        case IpScope::unusable:
            return false;
    }
    return false;
}

}  // namespace peerbook::p2p
