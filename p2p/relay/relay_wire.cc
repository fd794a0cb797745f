#include "p2p/relay/relay_wire.h"

#include <algorithm>
#include <string_view>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"

namespace peerbook::p2p {

namespace {

constexpr std::string_view domain = "peerbook/p2p/relayed/1";
constexpr std::int64_t time_ms_max = std::int64_t{1} << 53;

bool is_sealed(RelayType type) {
    return type == RelayType::narrow || type == RelayType::wide;
}

Bytes signed_message(const Digest& digest) {
    Bytes message(domain.begin(), domain.end());
    message.insert(message.end(), digest.data.begin(), digest.data.end());
    return message;
}

}  // namespace

Result<ParsedRelay> parse_relay(ByteView frame) {
    ParsedRelay relay;
    Decoder in(frame);
    if (in.u8() != relay_kind) in.fail("not a relayed message");
    relay.ttl = in.u8();
    if (relay.ttl > relay_ttl_max) in.fail("ttl above the limit");
    const std::size_t begin = in.position();
    const std::uint8_t type = in.u8();
    if (in.ok() && type > static_cast<std::uint8_t>(RelayType::wide))
        return Error{ErrorCode::unavailable, "relayed message of a newer version"};
    if (type == 0) in.fail("type 0");
    RelayEnvelope& envelope = relay.envelope;
    envelope.type = static_cast<RelayType>(type);
    in.fixed(envelope.sender);
    in.fixed(envelope.recipient);
    envelope.created.ms = in.i64();
    if (envelope.created.ms < 0 || envelope.created.ms > time_ms_max) in.fail("a time out of bounds");
    if (envelope.sender == envelope.recipient) in.fail("its sender is its recipient");
    if (is_sealed(envelope.type)) {
        const std::size_t rest = in.remaining();
        if (rest < Signature::size + sealed_box_overhead ||
            rest > Signature::size + sealed_box_overhead + parcel_bytes_max)
            in.fail("the size of its box is out of bounds");
        envelope.box = in.raw(in.ok() ? rest - Signature::size : 0);
    } else {
        in.fixed(envelope.key);
        if (envelope.type == RelayType::found) in.fixed(envelope.seek);
    }
    relay.signed_part = in.consumed(begin);
    in.fixed(relay.signature);
    if (Status status = in.finish(); !status.ok()) return status.error().within("relayed message");
    return relay;
}

Digest relay_digest(const Digest& network, ByteView signed_part) {
    return Hasher(domain).add(network.view()).add(signed_part).finish();
}

bool is_signed_by_sender(const ParsedRelay& relay, const Digest& digest, const Verifier& verifier) {
    return verifier.verify(relay.envelope.sender, signed_message(digest), relay.signature);
}

Bytes write_relay(const RelayEnvelope& envelope, const Digest& network, const Signer& signer) {
    PB_CHECK(envelope.sender == signer.public_key(), "an envelope is signed by its sender");
    Bytes bytes;
    bytes.reserve(1 + 2 * PeerId::size + 8 + envelope.box.size() + 2 * 32 + Signature::size);
    Encoder out(bytes);
    out.u8(static_cast<std::uint8_t>(envelope.type));
    out.raw(envelope.sender.view());
    out.raw(envelope.recipient.view());
    out.i64(envelope.created.ms);
    if (is_sealed(envelope.type)) {
        out.raw(envelope.box);
    } else {
        out.raw(envelope.key.view());
        if (envelope.type == RelayType::found) out.raw(envelope.seek.view());
    }
    const Signature signature = signer.sign(signed_message(relay_digest(network, bytes)));
    out.raw(signature.view());
    return bytes;
}

OutgoingPayload relay_frame(std::uint8_t ttl, SharedBytes envelope) {
    OutgoingPayload frame;
    frame.head[0] = relay_kind;
    frame.head[1] = ttl;
    frame.head_size = 2;
    frame.body = std::move(envelope);
    return frame;
}

Bytes write_parcel(const Parcel& parcel) {
    Bytes bytes;
    Encoder out(bytes);
    out.raw(parcel.sender.view());
    out.raw(parcel.key.view());
    out.varint(parcel.number);
    out.varint(parcel.acknowledged);
    out.varint(parcel.entries.size());
    for (const Parcel::Entry& entry : parcel.entries) {
        out.u8(entry.kind);
        out.bytes(entry.payload);
    }
    PB_CHECK(bytes.size() <= parcel_bytes_max, "a parcel is within its bounds");
    return bytes;
}

Result<Parcel> parse_parcel(ByteView bytes) {
    Parcel parcel;
    Decoder in(bytes);
    in.fixed(parcel.sender);
    in.fixed(parcel.key);
    parcel.number = in.varint();
    parcel.acknowledged = in.varint();
    const std::uint64_t count = in.varint_max(parcel_entries_max, "more payloads than a parcel has");
    if ((parcel.number == 0) != (count == 0)) in.fail("a parcel has a number and payloads, or neither");
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        Parcel::Entry entry;
        entry.kind = in.u8();
        if (entry.kind < application_kind_min) in.fail("not a kind of the application");
        entry.payload = in.bytes(relay_payload_max, "a payload above the limit");
        parcel.entries.push_back(entry);
    }
    if (Status status = in.finish(); !status.ok()) return status.error().within("parcel");
    return parcel;
}

}  // namespace peerbook::p2p
