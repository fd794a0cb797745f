#include "p2p/dht/node_record.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/codec.h"
#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

namespace {

constexpr std::uint8_t version = 1;

void append(Bytes& bytes, std::string_view text) {
    const ByteView view = as_bytes(text);
    bytes.insert(bytes.end(), view.begin(), view.end());
}

// The bytes of a bencoded text that is the whole input.
Result<ByteView> text_of(ByteView bencoded) {
    const std::string_view text = as_text(bencoded);
    const std::size_t colon = text.find(':');
    std::size_t size = 0;
    const Error wrong{ErrorCode::corrupt, "the value of a node record is no bencoded text"};
    if (colon == std::string_view::npos) return wrong;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + colon, size);
    if (failure != std::errc() || end != text.data() + colon || size != text.size() - colon - 1) return wrong;
    return bencoded.subspan(colon + 1);
}

}  // namespace

std::string node_record_salt(const Digest& network) {
    return to_hex(network);
}

Bytes signed_part_of_item(std::string_view salt, std::int64_t seq, ByteView bencoded) {
    Bytes bytes;
    if (!salt.empty()) append(bytes, "4:salt" + std::to_string(salt.size()) + ":" + std::string(salt));
    append(bytes, "3:seqi" + std::to_string(seq) + "e1:v");
    bytes.insert(bytes.end(), bencoded.begin(), bencoded.end());
    return bytes;
}

DhtSignedItem make_node_record(const Signer& signer, const Digest& network, WallTime now,
                               const std::vector<PeerAddress>& addresses) {
    PB_CHECK(!addresses.empty() && addresses.size() <= node_record_addresses_max,
             "a record has some addresses");
    Bytes record;
    Encoder out(record);
    out.u8(version);
    out.u8(static_cast<std::uint8_t>(addresses.size()));
    for (const PeerAddress& address : addresses) {
        const auto ip = parse_ip(address.host);
        PB_CHECK(ip, "a record has literals");
        out.u8(ip->is_v6 ? 6 : 4);
        out.raw(ByteView(ip->bytes).first(ip->is_v6 ? 16 : 4));
        out.u16(address.port);
    }
    DhtSignedItem item;
    append(item.bencoded, std::to_string(record.size()) + ":");
    item.bencoded.insert(item.bencoded.end(), record.begin(), record.end());
    item.seq = now.ms;
    item.signature = signer.sign(signed_part_of_item(node_record_salt(network), item.seq, item.bencoded));
    return item;
}

Result<std::vector<PeerAddress>> read_node_record(const PublicKey& node, const Digest& network, WallTime now,
                                                  const DhtSignedItem& item, const Verifier& verifier) {
    // Not as a difference: the sequence number is anything that 64 bits hold.
    if (item.seq < now.ms - node_record_age_max.ms())
        return Error{ErrorCode::invalid_input, "the node record is too old"};
    if (item.seq > now.ms + node_record_ahead_max.ms())
        return Error{ErrorCode::invalid_input, "the node record is from the future"};
    if (item.bencoded.size() > dht_value_bytes_max ||
        !verifier.verify(node, signed_part_of_item(node_record_salt(network), item.seq, item.bencoded),
                         item.signature))
        return Error{ErrorCode::invalid_input, "the node record is not signed by its node"};
    const auto text = text_of(item.bencoded);
    if (!text) return text.error();
    Decoder in(*text);
    const Error wrong{ErrorCode::corrupt, "the value is no node record"};
    if (in.u8() != version) return wrong;
    const std::size_t count = in.u8();
    if (count == 0 || count > node_record_addresses_max) return wrong;
    std::vector<PeerAddress> addresses;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t family = in.u8();
        if (family != 4 && family != 6) return wrong;
        IpAddress ip;
        ip.is_v6 = family == 6;
        for (std::size_t byte = 0; byte < (ip.is_v6 ? 16u : 4u); ++byte)
            ip.bytes[byte] = in.u8();
        const std::uint16_t port = in.u16();
        if (port == 0 || scope_of(ip) == IpScope::unusable || parse_ip(to_string(ip)) != ip) return wrong;
        addresses.push_back({to_string(ip), port});
    }
    if (!in.finish().ok()) return wrong;
    return addresses;
}

}  // namespace peerbook::p2p
