#include "p2p/registry/registry_wire.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "base/codec.h"
#include "p2p/peers/ip_address.h"
#include "p2p/wire/message.h"

namespace peerbook::p2p {

namespace {

using rapidjson::Value;
using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

constexpr std::string_view entry_domain = "peerbook/registry/register/1";
constexpr std::string_view withdrawal_domain = "peerbook/registry/unregister/1";
constexpr std::int64_t time_max_ms = std::int64_t{1} << 53;  // what every JSON reader can hold
constexpr std::size_t quoted_bytes_max = 120;

void write_text(Writer& writer, const char* name, std::string_view text) {
    writer.Key(name);
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void write_time(Writer& writer, const char* name, WallTime time) {
    writer.Key(name);
    writer.Int64(time.ms);
}

template <typename Write>
std::string object(Write write) {
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    writer.StartObject();
    write(writer);
    writer.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
}

// The network goes without saying where one was asked for.
void write_members(Writer& writer, const RegistryEntry& entry) {
    write_text(writer, "node", to_hex(entry.node));
    write_text(writer, "address", to_string(entry.address));
    write_time(writer, "time", entry.time);
    write_time(writer, "expires", entry.expires);
    write_text(writer, "signature", to_hex(entry.signature));
}

Error bad_member(const char* name, const char* wanted) {
    return {ErrorCode::invalid_input, std::string(name) + ": must be " + wanted};
}

const Value* member(const Value& object, const char* name) {
    const auto found = object.FindMember(name);
    return found == object.MemberEnd() ? nullptr : &found->value;
}

std::optional<std::string_view> text_of(const Value& object, const char* name) {
    const Value* value = member(object, name);
    if (value == nullptr || !value->IsString()) return std::nullopt;
    return std::string_view(value->GetString(), value->GetStringLength());
}

template <typename Fixed>
Status read_fixed(const Value& object, const char* name, const char* wanted, Fixed& out) {
    const auto text = text_of(object, name);
    const auto value = text ? fixed_from_hex<Fixed>(*text) : Result<Fixed>(bad_member(name, wanted));
    if (!value) return bad_member(name, wanted);
    out = *value;
    return {};
}

Status read_time(const Value& object, const char* name, WallTime& out) {
    const Value* value = member(object, name);
    if (value == nullptr || !value->IsInt64() || value->GetInt64() < 0 || value->GetInt64() > time_max_ms)
        return bad_member(name, "milliseconds since 1970, a number without quotes");
    out.ms = value->GetInt64();
    return {};
}

Status read_members(const Value& object, RegistryEntry& entry) {
    constexpr const char* address_wanted = "an IP address and a port, such as 192.0.2.1:3000";
    if (Status read = read_fixed(object, "node", "a node id, 64 hexadecimal digits", entry.node); !read.ok())
        return read;
    const auto text = text_of(object, "address");
    if (!text) return bad_member("address", address_wanted);
    const Result<PeerAddress> address = parse_peer_address(*text);
    if (!address || !parse_ip(address->host)) return bad_member("address", address_wanted);
    entry.address = *address;
    if (Status read = read_time(object, "time", entry.time); !read.ok()) return read;
    if (Status read = read_time(object, "expires", entry.expires); !read.ok()) return read;
    return read_fixed(object, "signature", "a signature, 128 hexadecimal digits", entry.signature);
}

Status read_network(const Value& object, Digest& network) {
    return read_fixed(object, "network", "a network id, 64 hexadecimal digits", network);
}

bool parse(rapidjson::Document& document, std::string_view text) {
    document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(text.data(),
                                                                                           text.size());
    return !document.HasParseError() && document.IsObject();
}

Status parse_request(rapidjson::Document& document, std::string_view body) {
    if (body.size() > registry_request_bytes_max)
        return Error{ErrorCode::too_large,
                     "the body is above " + std::to_string(registry_request_bytes_max) + " bytes"};
    if (!parse(document, body)) return Error{ErrorCode::invalid_input, "the body is no JSON object"};
    return {};
}

}  // namespace

Bytes signed_part(const RegistryEntry& entry) {
    Bytes bytes;
    Encoder out(bytes);
    out.text(entry_domain);
    out.raw(entry.network.view());
    out.raw(entry.node.view());
    out.text(to_string(entry.address));
    out.i64(entry.time.ms);
    out.i64(entry.expires.ms);
    return bytes;
}

Bytes signed_part(const RegistryWithdrawal& withdrawal) {
    Bytes bytes;
    Encoder out(bytes);
    out.text(withdrawal_domain);
    out.raw(withdrawal.network.view());
    out.raw(withdrawal.node.view());
    out.i64(withdrawal.time.ms);
    return bytes;
}

bool is_genuine(const RegistryEntry& entry, const Verifier& verifier) {
    return verifier.verify(entry.node, signed_part(entry), entry.signature);
}

bool is_genuine(const RegistryWithdrawal& withdrawal, const Verifier& verifier) {
    return verifier.verify(withdrawal.node, signed_part(withdrawal), withdrawal.signature);
}

std::string write_registration(const RegistryEntry& entry) {
    return object([&](Writer& writer) {
        write_text(writer, "network", to_hex(entry.network));
        write_members(writer, entry);
    });
}

std::string write_withdrawal(const RegistryWithdrawal& withdrawal) {
    return object([&](Writer& writer) {
        write_text(writer, "network", to_hex(withdrawal.network));
        write_text(writer, "node", to_hex(withdrawal.node));
        write_time(writer, "time", withdrawal.time);
        write_text(writer, "signature", to_hex(withdrawal.signature));
    });
}

Result<RegistryEntry> read_registration(std::string_view body) {
    rapidjson::Document document;
    if (Status parsed = parse_request(document, body); !parsed.ok()) return parsed.error();
    RegistryEntry entry;
    if (Status read = read_network(document, entry.network); !read.ok()) return read.error();
    if (Status read = read_members(document, entry); !read.ok()) return read.error();
    return entry;
}

Result<RegistryWithdrawal> read_withdrawal(std::string_view body) {
    rapidjson::Document document;
    if (Status parsed = parse_request(document, body); !parsed.ok()) return parsed.error();
    RegistryWithdrawal taken;
    if (Status read = read_network(document, taken.network); !read.ok()) return read.error();
    if (Status read = read_fixed(document, "node", "a node id, 64 hexadecimal digits", taken.node);
        !read.ok())
        return read.error();
    if (Status read = read_time(document, "time", taken.time); !read.ok()) return read.error();
    if (Status read =
            read_fixed(document, "signature", "a signature, 128 hexadecimal digits", taken.signature);
        !read.ok())
        return read.error();
    return taken;
}

std::string write_registry_reply(const RegistryReply& reply) {
    return object([&](Writer& writer) {
        write_text(writer, "you", reply.you);
        writer.Key("nodes");
        writer.StartArray();
        for (const RegistryEntry& entry : reply.nodes) {
            writer.StartObject();
            write_members(writer, entry);
            writer.EndObject();
        }
        writer.EndArray();
    });
}

Result<RegistryReply> read_registry_reply(unsigned http_status, std::string_view body,
                                          const Digest& network) {
    if (body.size() > registry_reply_bytes_max)
        return Error{ErrorCode::too_large,
                     "answers with more than " + std::to_string(registry_reply_bytes_max) + " bytes"};
    rapidjson::Document document;
    const bool is_object = parse(document, body);
    const Error no_registry{ErrorCode::corrupt, "what answers is no registry: status " +
                                                    std::to_string(http_status) + ", '" +
                                                    printable(body.substr(0, quoted_bytes_max)) + "'"};
    if (http_status != 200) {
        const auto message = is_object ? text_of(document, "message") : std::nullopt;
        if (!message) return no_registry;
        return Error{ErrorCode::unavailable, "refuses: " + printable(*message)};
    }
    const Value* nodes = is_object ? member(document, "nodes") : nullptr;
    const auto you = is_object ? text_of(document, "you") : std::nullopt;
    const auto ip = you ? parse_ip(*you) : std::nullopt;
    if (!ip || nodes == nullptr || !nodes->IsArray()) return no_registry;
    RegistryReply reply{to_string(*ip), {}};
    for (const Value& node : nodes->GetArray()) {
        RegistryEntry entry;
        entry.network = network;
        if (reply.nodes.size() < registry_reply_nodes_max && node.IsObject() &&
            read_members(node, entry).ok())
            reply.nodes.push_back(std::move(entry));
    }
    return reply;
}

std::string write_wrong_address(std::string_view message, std::string_view you) {
    return object([&](Writer& writer) {
        write_text(writer, "code", "conflict");
        write_text(writer, "message", message);
        write_text(writer, "you", you);
    });
}

std::optional<std::string> read_wrong_address(unsigned http_status, std::string_view body) {
    rapidjson::Document document;
    if (http_status != 409 || body.size() > registry_reply_bytes_max || !parse(document, body))
        return std::nullopt;
    const auto you = text_of(document, "you");
    const auto ip = you ? parse_ip(*you) : std::nullopt;
    return ip ? std::optional(to_string(*ip)) : std::nullopt;
}

Result<PeerAddress> parse_registry_url(std::string_view url) {
    constexpr std::string_view scheme = "http://";
    const Error wrong{ErrorCode::invalid_input, "a registry's URL must be http://host:port, not '" +
                                                    printable(url.substr(0, quoted_bytes_max)) + "'"};
    if (!url.starts_with(scheme)) return wrong;
    std::string_view rest = url.substr(scheme.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    Result<PeerAddress> address = parse_peer_address(rest);
    if (!address) return wrong;
    return address;
}

bool may_be_seen_at(std::string_view local, std::string_view seen) {
    const auto from = parse_ip(local), at = parse_ip(seen);
    if (!from || !at) return false;
    const IpScope scope = scope_of(*at);
    switch (scope_of(*from)) {
        case IpScope::loopback:
            return scope == IpScope::loopback;
        case IpScope::private_network:
            return scope == IpScope::private_network || scope == IpScope::global;
        case IpScope::global:
            return *from == *at;
        case IpScope::link_local:
        case IpScope::unusable:
            return false;
    }
    return false;
}

std::uint16_t port_reached_at(std::string_view host, std::uint16_t listening, std::uint16_t outside) {
    const auto ip = parse_ip(host);
    return ip && scope_of(*ip) == IpScope::global ? outside : listening;
}

bool listens_at(std::string_view listen_host, std::string_view address) {
    const auto ip = parse_ip(address);
    if (!ip) return false;
    if (listen_host == "0.0.0.0") return !ip->is_v6;
    if (listen_host == "::") return true;
    return parse_ip(listen_host == "localhost" ? "127.0.0.1" : listen_host) == ip;
}

}  // namespace peerbook::p2p
