#include "p2p/peers/ip_address.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/bytes.h"
#include "p2p/peers/peer_address.h"

namespace peerbook::p2p {

namespace {

// Four numbers without signs or zeros in front, 0 … 255.
bool parse_v4(std::string_view text, std::uint8_t* out) {
    for (int i = 0; i < 4; ++i) {
        const std::size_t dot = i < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos || dot == 0 || dot > 3) return false;
        const std::string_view part = text.substr(0, dot);
        unsigned value = 0;
        const auto [stop, code] = std::from_chars(part.data(), part.data() + part.size(), value);
        if (code != std::errc() || stop != part.data() + part.size() || value > 255) return false;
        if (part.size() > 1 && part.front() == '0') return false;
        out[i] = static_cast<std::uint8_t>(value);
        if (i < 3) text.remove_prefix(dot + 1);
    }
    return true;
}

// Appends the groups between colons, the last of which may be an IPv4 address. Empty text is no group.
bool parse_groups(std::string_view text, std::vector<std::uint8_t>& out) {
    while (!text.empty()) {
        const std::size_t colon = text.find(':');
        const std::string_view part = text.substr(0, colon);
        if (colon == std::string_view::npos && part.find('.') != std::string_view::npos) {
            out.resize(out.size() + 4);
            return parse_v4(part, out.data() + out.size() - 4);
        }
        unsigned value = 0;
        const auto [stop, code] = std::from_chars(part.data(), part.data() + part.size(), value, 16);
        if (part.empty() || part.size() > 4 || code != std::errc() || stop != part.data() + part.size())
            return false;
        out.push_back(static_cast<std::uint8_t>(value >> 8));
        out.push_back(static_cast<std::uint8_t>(value));
        if (colon == std::string_view::npos) return true;
        text.remove_prefix(colon + 1);
        if (text.empty()) return false;  // ends in a colon
    }
    return true;
}

bool parse_v6(std::string_view text, std::array<std::uint8_t, 16>& out) {
    if (text.size() > 45) return false;
    std::vector<std::uint8_t> front, back;
    const std::size_t gap = text.find("::");
    if (gap == std::string_view::npos) {
        if (!parse_groups(text, front) || front.size() != 16) return false;
    } else {
        const std::string_view before = text.substr(0, gap);
        if (before.find('.') != std::string_view::npos) return false;
        if (!parse_groups(before, front) || !parse_groups(text.substr(gap + 2), back)) return false;
        if (front.size() + back.size() > 14) return false;
    }
    out = {};
    std::copy(front.begin(), front.end(), out.begin());
    std::copy(back.begin(), back.end(), out.end() - static_cast<std::ptrdiff_t>(back.size()));
    return true;
}

std::string prefix_text(const IpAddress& ip, std::size_t bytes) {
    return (ip.is_v6 ? "v6 " : "v4 ") + to_hex(ByteView(ip.bytes).first(bytes));
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
    IpAddress ip;
    if (text.find(':') == std::string_view::npos) {
        if (!parse_v4(text, ip.bytes.data())) return std::nullopt;
        return ip;
    }
    if (!parse_v6(text.substr(0, text.find('%')), ip.bytes)) return std::nullopt;
    static constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    ip.is_v6 = !std::equal(mapped.begin(), mapped.end(), ip.bytes.begin());
    if (!ip.is_v6) {
        std::copy(ip.bytes.begin() + 12, ip.bytes.end(), ip.bytes.begin());
        std::fill(ip.bytes.begin() + 4, ip.bytes.end(), std::uint8_t{0});
    }
    return ip;
}

std::string to_string(const IpAddress& ip) {
    if (!ip.is_v6)
        return std::to_string(ip.bytes[0]) + "." + std::to_string(ip.bytes[1]) + "." +
               std::to_string(ip.bytes[2]) + "." + std::to_string(ip.bytes[3]);
    std::array<unsigned, 8> groups{};
    for (std::size_t i = 0; i < 8; ++i)
        groups[i] = unsigned{ip.bytes[2 * i]} << 8 | ip.bytes[2 * i + 1];
    std::size_t gap = 8, gap_size = 1;  // a single zero is not shortened
    for (std::size_t i = 0; i < 8; ++i) {
        std::size_t size = 0;
        while (i + size < 8 && groups[i + size] == 0)
            ++size;
        if (size > gap_size) {
            gap = i;
            gap_size = size;
        }
    }
    std::string text;
    for (std::size_t i = 0; i < 8; ++i) {
        if (i == gap) {
            text += "::";
            i += gap_size - 1;
            continue;
        }
        if (!text.empty() && text.back() != ':') text += ':';
        char digits[4];
        const auto [end, code] = std::to_chars(digits, digits + 4, groups[i], 16);
        text.append(digits, end);
    }
    return text;
}

std::string plain_literal(const std::string& text) {
    const auto ip = parse_ip(text);
    return ip ? to_string(*ip) : text;
}

IpScope scope_of(const IpAddress& ip) {
    const auto& b = ip.bytes;
    if (!ip.is_v6) {
        if (b[0] == 127) return IpScope::loopback;
        if (b[0] == 0 || b[0] >= 224) return IpScope::unusable;
        if (b[0] == 169 && b[1] == 254) return IpScope::link_local;
        const bool is_private = b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
                                (b[0] == 192 && b[1] == 168) || (b[0] == 100 && (b[1] & 0xc0) == 64);
        return is_private ? IpScope::private_network : IpScope::global;
    }
    const bool zeros = std::all_of(b.begin(), b.end() - 1, [](std::uint8_t byte) { return byte == 0; });
    if (zeros && b[15] == 1) return IpScope::loopback;
    if (zeros && b[15] == 0) return IpScope::unusable;
    if (b[0] == 0xff) return IpScope::unusable;
    if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) return IpScope::link_local;
    const bool is_private = (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0xc0);
    return is_private ? IpScope::private_network : IpScope::global;
}

std::string limit_key(std::string_view host) {
    const auto ip = parse_ip(host);
    if (!ip || is_loopback_host(host)) return std::string(host);
    return prefix_text(*ip, ip->is_v6 ? 8 : 4);
}

std::string group_key(std::string_view host) {
    const auto ip = parse_ip(host);
    if (!ip) return std::string(host);
    return prefix_text(*ip, ip->is_v6 ? 4 : 2);
}

}  // namespace peerbook::p2p
