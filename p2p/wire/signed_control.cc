#include "p2p/wire/signed_control.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "base/hash.h"
#include "p2p/wire/json_members.h"

namespace peerbook::p2p {

namespace {

constexpr std::string_view domain = "peerbook signed control message";

Error malformed(const std::string& what) {
    return {ErrorCode::invalid_input, "signed control message: " + what};
}

Digest content_digest(const SignedControl& message, const Digest& network) {
    return Hasher(domain)
        .add(network.view())
        .add_u64(message.type.size())
        .add(as_bytes(message.type))
        .add(message.id.view())
        .add(message.from.view())
        .add(message.to.value_or(PeerId{}).view())
        .add_u64(static_cast<std::uint64_t>(message.timestamp.ms))
        .add(as_bytes(message.payload))
        .finish();
}

Bytes signed_bytes(const SignedControl& message, const Digest& network) {
    const Digest digest = content_digest(message, network);
    const ByteView head = as_bytes(domain);
    Bytes bytes(head.begin(), head.end());
    bytes.insert(bytes.end(), digest.data.begin(), digest.data.end());
    return bytes;
}

}  // namespace

Result<SignedControl> parse_signed_control(ByteView body) {
    if (body.size() > control_bytes_max)
        return Error{ErrorCode::too_large,
                     "signed control message of " + std::to_string(body.size()) + " bytes"};
    rapidjson::Document document;
    if (Status parsed = parse_object(as_text(body), document); !parsed.ok())
        return malformed(parsed.error().message);
    Members in(document);
    SignedControl message;
    message.type = in.text("type");
    message.id = in.fixed<MessageId>("id");
    message.from = in.fixed<PeerId>("from");
    const std::string to = in.text("to");
    message.timestamp = {in.integer("timestamp", 0, int64_max)};
    message.ttl = in.integer("ttl", 0, ttl_max);
    message.payload = in.text("payload", signed_control_payload_bytes_max);
    message.signature = in.fixed<Signature>("signature");
    if (!in.failure().empty()) return malformed(in.failure());
    if (to != "*") {
        const Result<PeerId> recipient = fixed_from_hex<PeerId>(to);
        if (!recipient || recipient->is_zero()) return malformed("to is neither * nor a node id");
        message.to = *recipient;
    }
    return message;
}

Bytes write_signed_control(const SignedControl& message) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    const auto text = [&writer](const char* name, std::string_view value) {
        writer.Key(name);
        writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
    };
    writer.StartObject();
    text("type", message.type);
    text("id", to_hex(message.id));
    text("from", to_hex(message.from));
    text("to", message.to ? to_hex(*message.to) : std::string("*"));
    writer.Key("timestamp");
    writer.Int64(message.timestamp.ms);
    writer.Key("ttl");
    writer.Int64(message.ttl);
    text("payload", message.payload);
    text("signature", to_hex(message.signature));
    writer.EndObject();
    const ByteView written = as_bytes({buffer.GetString(), buffer.GetSize()});
    return Bytes(written.begin(), written.end());
}

void sign_control(SignedControl& message, const Digest& network, const Signer& signer) {
    message.from = signer.public_key();
    message.signature = signer.sign(signed_bytes(message, network));
}

bool is_genuine(const SignedControl& message, const Digest& network, const Verifier& verifier) {
    return verifier.verify(message.from, signed_bytes(message, network), message.signature);
}

Digest identity_of(const SignedControl& message, const Digest& network) {
    return Hasher("peerbook/p2p/signed-control/1")
        .add(content_digest(message, network).view())
        .add(message.signature.view())
        .finish();
}

bool is_timely(const SignedControl& message, WallTime now) {
    return message.timestamp.ms >= now.ms - signed_control_age_max.ms() &&
           message.timestamp.ms <= now.ms + signed_control_ahead_max.ms();
}

}  // namespace peerbook::p2p
