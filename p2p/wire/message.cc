#include "p2p/wire/message.h"

#include "p2p/authority/node_certificate.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>

#include "p2p/peers/ip_address.h"
#include "p2p/wire/json_members.h"

namespace peerbook::p2p {

namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

Error malformed(const std::string& what) {
    return {ErrorCode::invalid_input, "control message: " + what};
}

HandshakeMessage read_handshake(Members& in) {
    HandshakeMessage out;
    out.node = in.fixed<PeerId>("nodeId");
    out.version = printable(in.text("version"));
    out.agent = printable(in.text("agent"));
    out.port = static_cast<std::uint16_t>(in.integer("port", 0, 65535));
    out.broadcast = in.boolean("broadcast");
    out.capabilities = in.texts("capabilities", capabilities_max);
    for (std::string& capability : out.capabilities)
        capability = printable(capability);
    out.network = in.fixed<Digest>("network");
    out.ledger = in.fixed<Digest>("ledger");
    out.clock = {in.integer("clock", 0, int64_max)};
    out.challenge = in.fixed<Challenge>("challenge");
    if (in.has("seen")) {
        const Result<PeerAddress> seen = parse_peer_address(in.text("seen", host_bytes_max + 8));
        if (seen && parse_ip(seen->host))
            out.seen = *seen;
        else
            in.fail("seen", "is no address literal and port");
    }
    out.look = in.has("look") && in.boolean("look");
    if (in.has("certificate")) {
        const std::string hex = in.text("certificate", 2 * certificate_bytes_max);
        out.certificate.resize(hex.size() / 2);
        if (!from_hex(hex, out.certificate).ok()) in.fail("certificate", "is not in hexadecimal digits");
    }
    return out;
}

DialBackAnswer read_dial_back_answer(Members& in) {
    DialBackAnswer out;
    out.port = static_cast<std::uint16_t>(in.integer("port", 1, 65535));
    const std::string result = in.text("result");
    if (result == "reachable")
        out.result = DialBackAnswer::Result::reachable;
    else if (result == "unreachable")
        out.result = DialBackAnswer::Result::unreachable;
    else if (result != "refused")
        in.fail("result", "is none of reachable, unreachable, refused");
    return out;
}

PeerExchange read_peer_exchange(Members& in) {
    PeerExchange out;
    for (const std::string& text : in.texts("addresses", exchanged_addresses_max)) {
        Result<PeerAddress> address = parse_peer_address(text);
        if (!address) {
            in.fail("addresses", "has one that is not host:port");
            return {};
        }
        out.addresses.push_back(*address);
    }
    return out;
}

ControlBody read_body(const std::string& type, Members& in) {
    const auto sequence = [&in] { return static_cast<std::uint64_t>(in.integer("sequence", 0, int64_max)); };
    if (type == "handshake") return read_handshake(in);
    if (type == "handshake_ack") return HandshakeAck{in.fixed<Signature>("endorsement")};
    if (type == "heartbeat") return Heartbeat{sequence()};
    if (type == "heartbeat_ack") return HeartbeatAck{sequence()};
    if (type == "peerexchange") return read_peer_exchange(in);
    if (type == "goodbye") return Goodbye{printable(in.text("reason"))};
    if (type == "dialback") return DialBack{static_cast<std::uint16_t>(in.integer("port", 1, 65535))};
    if (type == "dialback_answer") return read_dial_back_answer(in);
    if (type == "reached_at") return ReachedAt{static_cast<std::uint16_t>(in.integer("port", 0, 65535))};
    return UnknownControl{printable(type)};
}

template <typename Text>
void write_text(Writer& writer, const char* name, const Text& value) {
    writer.Key(name);
    writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void write_integer(Writer& writer, const char* name, std::int64_t value) {
    writer.Key(name);
    writer.Int64(value);
}

const char* name_of(DialBackAnswer::Result result) {
    switch (result) {
        case DialBackAnswer::Result::reachable:
            return "reachable";
        case DialBackAnswer::Result::unreachable:
            return "unreachable";
        case DialBackAnswer::Result::refused:
            break;
    }
    return "refused";
}

struct BodyWriter {
    Writer& writer;

    void operator()(const HandshakeMessage& body) const {
        write_text(writer, "nodeId", to_hex(body.node));
        write_text(writer, "version", body.version);
        write_text(writer, "agent", body.agent);
        write_integer(writer, "port", body.port);
        writer.Key("broadcast");
        writer.Bool(body.broadcast);
        writer.Key("capabilities");
        writer.StartArray();
        for (const std::string& capability : body.capabilities)
            writer.String(capability);
        writer.EndArray();
        write_text(writer, "network", to_hex(body.network));
        write_text(writer, "ledger", to_hex(body.ledger));
        write_integer(writer, "clock", body.clock.ms);
        write_text(writer, "challenge", to_hex(body.challenge));
        if (body.seen) write_text(writer, "seen", to_string(*body.seen));
        if (body.look) {
            writer.Key("look");
            writer.Bool(true);
        }
        if (!body.certificate.empty()) write_text(writer, "certificate", to_hex(ByteView(body.certificate)));
    }
    void operator()(const HandshakeAck& body) const {
        write_text(writer, "endorsement", to_hex(body.endorsement));
    }
    void operator()(const Heartbeat& body) const {
        write_integer(writer, "sequence", static_cast<std::int64_t>(body.sequence));
    }
    void operator()(const HeartbeatAck& body) const {
        write_integer(writer, "sequence", static_cast<std::int64_t>(body.sequence));
    }
    void operator()(const PeerExchange& body) const {
        writer.Key("addresses");
        writer.StartArray();
        for (const PeerAddress& address : body.addresses)
            writer.String(to_string(address));
        writer.EndArray();
    }
    void operator()(const Goodbye& body) const { write_text(writer, "reason", body.reason); }
    void operator()(const DialBack& body) const { write_integer(writer, "port", body.port); }
    void operator()(const DialBackAnswer& body) const {
        write_integer(writer, "port", body.port);
        write_text(writer, "result", std::string_view(name_of(body.result)));
    }
    void operator()(const ReachedAt& body) const { write_integer(writer, "port", body.port); }
    void operator()(const UnknownControl&) const {
        PB_CHECK(false, "an unknown control message cannot be sent");
    }
};

struct TypeName {
    const char* operator()(const HandshakeMessage&) const { return "handshake"; }
    const char* operator()(const HandshakeAck&) const { return "handshake_ack"; }
    const char* operator()(const Heartbeat&) const { return "heartbeat"; }
    const char* operator()(const HeartbeatAck&) const { return "heartbeat_ack"; }
    const char* operator()(const PeerExchange&) const { return "peerexchange"; }
    const char* operator()(const Goodbye&) const { return "goodbye"; }
    const char* operator()(const DialBack&) const { return "dialback"; }
    const char* operator()(const DialBackAnswer&) const { return "dialback_answer"; }
    const char* operator()(const ReachedAt&) const { return "reached_at"; }
    const char* operator()(const UnknownControl&) const { return "unknown"; }
};

}  // namespace

std::string printable(std::string_view text) {
    std::string out(text.substr(0, control_text_bytes_max));
    for (char& c : out)
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') c = '?';
    return out;
}

Result<ControlMessage> parse_control(ByteView payload) {
    if (payload.size() > control_bytes_max)
        return Error{ErrorCode::too_large, "control message of " + std::to_string(payload.size()) + " bytes"};
    const std::string_view text = as_text(payload);
    rapidjson::Document document;
    if (Status parsed = parse_object(text, document); !parsed.ok()) return malformed(parsed.error().message);

    Members in(document);
    ControlMessage message;
    const std::string type = in.text("type");
    message.id = in.fixed<MessageId>("id");
    message.from = in.fixed<PeerId>("from");
    const std::string to = in.text("to");
    message.timestamp = {in.integer("timestamp", 0, int64_max)};
    message.ttl = in.integer("ttl", 0, ttl_max);
    const rapidjson::Value* body = in.object("payload");
    if (!in.failure().empty()) return malformed(in.failure());
    if (to != "*") {
        Result<PeerId> recipient = fixed_from_hex<PeerId>(to);
        if (!recipient) return malformed("to is neither * nor a node id");
        message.to = *recipient;
    }
    Members body_in(*body);
    message.body = read_body(type, body_in);
    if (!body_in.failure().empty()) return malformed(printable(type) + "." + body_in.failure());
    return message;
}

Bytes write_control(const ControlMessage& message) {
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    writer.StartObject();
    write_text(writer, "type", std::string_view(std::visit(TypeName{}, message.body)));
    write_text(writer, "id", to_hex(message.id));
    write_text(writer, "from", to_hex(message.from));
    write_text(writer, "to", message.to ? to_hex(*message.to) : std::string("*"));
    write_integer(writer, "timestamp", message.timestamp.ms);
    write_integer(writer, "ttl", message.ttl);
    writer.Key("payload");
    writer.StartObject();
    std::visit(BodyWriter{writer}, message.body);
    writer.EndObject();
    writer.EndObject();
    const ByteView text = as_bytes({buffer.GetString(), buffer.GetSize()});
    return Bytes(text.begin(), text.end());
}

}  // namespace peerbook::p2p
