#include "app/grape/grape_service.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "p2p/dht/service_name.h"

namespace peerbook::app {

namespace {

using rapidjson::Value;
using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

constexpr const char* no_nodes = "No nodes to query";

template <typename Write>
ApiResponse json(Write write) {
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    write(writer);
    ApiResponse response;
    response.body.assign(buffer.GetString(), buffer.GetSize());
    return response;
}

void write_text(Writer& writer, std::string_view text) {
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

// A result that is a text, and also how most errors look.
ApiResponse json_text(std::string_view text) {
    return json([&](Writer& writer) { write_text(writer, text); });
}

std::string_view text_of(const Value& value) {
    return {value.GetString(), value.GetStringLength()};
}

// JavaScript knows one kind of number: 7000.0 is an integer.
std::optional<std::int64_t> integer_of(const Value& value) {
    if (value.IsInt64()) return value.GetInt64();
    if (!value.IsDouble()) return std::nullopt;
    const double number = value.GetDouble();
    if (std::floor(number) != number || std::abs(number) > 9e15) return std::nullopt;
    return static_cast<std::int64_t>(number);
}

// The bencoding of what a client stores; nothing for what this node does not store (lists, tables,
// fractions).
std::optional<std::string> bencoded(const Value& value) {
    if (value.IsString()) {
        const std::string_view text = text_of(value);
        return std::to_string(text.size()) + ":" + std::string(text);
    }
    if (value.IsBool()) return std::string(value.GetBool() ? "i1e" : "i0e");
    if (const auto number = integer_of(value)) return "i" + std::to_string(*number) + "e";
    return std::nullopt;
}

std::size_t sequence_length(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first < 0xe0) return 2;
    if (first >= 0xe0 && first < 0xf0) return 3;
    if (first >= 0xf0 && first < 0xf5) return 4;
    return 0;
}

// Bytes that are no UTF-8 become U+FFFD: what strangers stored goes into JSON.
std::string as_utf8(std::string_view bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes.size();) {
        const std::size_t length = sequence_length(static_cast<unsigned char>(bytes[i]));
        bool is_good = length != 0 && i + length <= bytes.size();
        for (std::size_t j = 1; is_good && j < length; ++j)
            is_good = (static_cast<unsigned char>(bytes[i + j]) & 0xc0) == 0x80;
        if (is_good && length >= 3) {  // overlong forms, surrogates, beyond U+10FFFF
            const auto a = static_cast<unsigned char>(bytes[i]), b = static_cast<unsigned char>(bytes[i + 1]);
            is_good = !(a == 0xe0 && b < 0xa0) && !(a == 0xed && b >= 0xa0) && !(a == 0xf0 && b < 0x90) &&
                      !(a == 0xf4 && b >= 0x90);
        }
        text += is_good ? bytes.substr(i, length) : std::string_view("\xef\xbf\xbd");
        i += is_good ? length : 1;
    }
    return text;
}

// What a bencoded text or integer says; other items as they are.
std::string value_text(ByteView item) {
    const std::string_view text = as_text(item);
    if (text.starts_with('i') && text.ends_with('e')) return std::string(text.substr(1, text.size() - 2));
    const std::size_t colon = text.find(':');
    if (!text.empty() && text.front() >= '0' && text.front() <= '9' && colon != std::string_view::npos)
        return as_utf8(text.substr(colon + 1));
    return as_utf8(text);
}

// A part of a question, or null.
const Value* member(const Value& object, const char* name) {
    if (!object.IsObject()) return nullptr;
    const auto found = object.FindMember(name);
    return found == object.MemberEnd() ? nullptr : &found->value;
}

void lookup(p2p::Dht& dht, const Value* data, ApiCompletion done) {
    if (data == nullptr || !data->IsString() || data->GetStringLength() == 0)
        return done(json_text("ERR_GRAPE_LOOKUP"));
    dht.lookup(p2p::service_key(text_of(*data)), grape_lookup_time_ms,
               [done = std::move(done)](const Result<std::vector<p2p::PeerAddress>>& found) {
                   if (!found) return done(json_text(no_nodes));
                   done(json([&](Writer& writer) {
                       writer.StartArray();
                       std::size_t count = 0;
                       for (const p2p::PeerAddress& address : *found)
                           if (count++ < grape_lookup_addresses_max) write_text(writer, to_string(address));
                       writer.EndArray();
                   }));
               });
}

void announce(p2p::Dht& dht, const Value* data, ApiCompletion done) {
    if (data == nullptr || !data->IsArray()) return done(json_text("ERR_GRAPE_ANNOUNCE"));
    const auto port = data->Size() > 1 ? integer_of((*data)[1]) : std::nullopt;
    if (!port) return done(json_text("ERR_GRAPE_SERVICE_PORT"));
    if (!(*data)[0].IsString()) return done(text_response(500, "ERR_GRAPE_ANNOUNCE"));
    if (*port < 0 || *port > 65'535)
        return done(text_response(
            500, "The value of \"value\" is out of range. It must be >= 0 and <= 65535. Received " +
                     std::to_string(*port)));
    dht.announce(p2p::service_key(text_of((*data)[0])),
                 *port == 0 ? dht.port() : static_cast<std::uint16_t>(*port),
                 [done = std::move(done)](const Result<std::size_t>& told) {
                     if (!told) return done(json_text(no_nodes));
                     done(json([&](Writer& writer) { writer.Uint64(*told); }));
                 });
}

void put(p2p::Dht& dht, const Value* data, ApiCompletion done) {
    if (data == nullptr || data->IsNull()) return done(text_response(500, "ERR_GRAPE_PAYLOAD_INVALID"));
    if (member(*data, "k") != nullptr) return done(json_text("ERR_GRAPE_GENERIC"));  // a mutable item
    const Value* value = data->IsString() ? data : member(*data, "v");
    if (value == nullptr) return done(json_text("opts.v not given"));
    const auto item = bencoded(*value);
    if (!item) return done(json_text("ERR_GRAPE_GENERIC"));
    if (item->size() > p2p::dht_value_bytes_max)
        return done(json_text("v must be less than 1000 bytes in put()"));
    dht.put(as_bytes(*item), [done = std::move(done)](const Result<p2p::DhtKey>& hash) {
        done(json_text(hash ? to_hex(*hash) : no_nodes));
    });
}

void get(p2p::Dht& dht, const Value* data, ApiCompletion done) {
    if (data == nullptr || data->IsNull()) return done(text_response(500, "ERR_GRAPE_PAYLOAD_INVALID"));
    const Value* hash = data->IsString() ? data : member(*data, "hash");
    if (hash == nullptr || !hash->IsString()) return done(json_text("ERR_GRAPE_GENERIC"));
    const auto key = fixed_from_hex<p2p::DhtKey>(text_of(*hash));
    ApiResponse nothing;
    if (!key) return done(nothing);
    dht.get(*key, [&dht, done = std::move(done)](const Result<std::optional<Bytes>>& found) {
        if (!found || !*found) return done(ApiResponse{});
        done(json([&](Writer& writer) {
            writer.StartObject();
            writer.Key("id");
            write_text(writer, to_hex(dht.node_id()));
            writer.Key("token");
            writer.Null();
            writer.Key("v");
            write_text(writer, value_text(**found));
            writer.EndObject();
        }));
    });
}

}  // namespace

GrapeService::GrapeService(p2p::Dht& dht, const Clock& clock)
    : dht_(dht), clock_(clock), bucket_(grape_rate, clock.now().mono) {}

void GrapeService::handle(ApiRequest& request, ApiCompletion done) {
    if (!bucket_.take(clock_.now().mono)) {
        ApiResponse busy = json_text("ERR_GRAPE_BUSY");
        busy.status = 503;
        return done(std::move(busy));
    }
    rapidjson::Document question;
    question.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(
        request.body.data(), request.body.size());
    if (question.HasParseError() || question.IsNull())
        return done(text_response(500, "ERR_GRAPE_PAYLOAD_INVALID"));
    const Value* data = member(question, "data");
    if (request.query.empty()) {
        if (request.path == "/lookup") return lookup(dht_, data, std::move(done));
        if (request.path == "/announce") return announce(dht_, data, std::move(done));
        if (request.path == "/put") return put(dht_, data, std::move(done));
        if (request.path == "/get") return get(dht_, data, std::move(done));
    }
    done(json_text("ERR_REQ_NOTFOUND"));
}

}  // namespace peerbook::app
