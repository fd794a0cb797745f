#include "p2p/grenache/grape_wire.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>

#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

namespace {

constexpr std::size_t quoted_bytes_max = 120;
using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

// A stranger's words for the log.
std::string quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text.substr(0, quoted_bytes_max))
        out += c >= ' ' && c <= '~' ? c : '?';
    return out + "'";
}

void write_text(Writer& writer, std::string_view text) {
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

template <typename WriteData>
std::string question(std::string_view rid, WriteData write_data) {
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    writer.StartObject();
    writer.Key("rid");
    write_text(writer, rid);
    writer.Key("data");
    write_data(writer);
    writer.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
}

Result<rapidjson::Document> answer(unsigned http_status, std::string_view body) {
    if (body.size() > grape_body_bytes_max)
        return Error{ErrorCode::too_large, "the Grape's answer is above 8,192 bytes"};
    if (http_status != 200)
        return Error{ErrorCode::unavailable,
                     "the Grape answers " + std::to_string(http_status) + " " + quoted(body)};
    rapidjson::Document document;
    document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(body.data(),
                                                                                           body.size());
    if (document.HasParseError())
        return Error{ErrorCode::corrupt, "what answers is no Grape: " + quoted(body) + " is not JSON"};
    if (document.IsString())
        return Error{ErrorCode::unavailable,
                     "the Grape answers " + quoted({document.GetString(), document.GetStringLength()})};
    return document;
}

}  // namespace

Result<PeerAddress> parse_grape_url(std::string_view url) {
    constexpr std::string_view scheme = "http://";
    const Error wrong{ErrorCode::invalid_input,
                      "the Grape's URL must be http://host:port, not " + quoted(url)};
    if (!url.starts_with(scheme)) return wrong;
    std::string_view rest = url.substr(scheme.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    Result<PeerAddress> address = parse_peer_address(rest);
    if (!address) return wrong;
    return address;
}

std::string grape_announce_body(std::string_view rid, std::string_view service, std::uint16_t port) {
    return question(rid, [&](Writer& writer) {
        writer.StartArray();
        write_text(writer, service);
        writer.Uint(port);
        writer.EndArray();
    });
}

std::string grape_lookup_body(std::string_view rid, std::string_view service) {
    return question(rid, [&](Writer& writer) { write_text(writer, service); });
}

Status read_grape_announce(unsigned http_status, std::string_view body) {
    Result<rapidjson::Document> read = answer(http_status, body);
    if (!read) return read.error();
    if (!read->IsNumber())  // how many nodes were told
        return Error{ErrorCode::corrupt, "what answers is no Grape: " + quoted(body) + " is no count"};
    return {};
}

Result<std::vector<PeerAddress>> read_grape_lookup(unsigned http_status, std::string_view body) {
    Result<rapidjson::Document> read = answer(http_status, body);
    if (!read) return read.error();
    if (!read->IsArray())
        return Error{ErrorCode::corrupt, "what answers is no Grape: " + quoted(body) + " is no list"};
    std::vector<PeerAddress> found;
    for (const rapidjson::Value& item : read->GetArray()) {
        if (!item.IsString() || found.size() >= grape_addresses_max) continue;
        const Result<PeerAddress> address = parse_peer_address({item.GetString(), item.GetStringLength()});
        if (!address) continue;
        const auto ip = parse_ip(address->host);
        if (!ip || scope_of(*ip) == IpScope::unusable) continue;
        if (std::find(found.begin(), found.end(), *address) == found.end()) found.push_back(*address);
    }
    return found;
}

}  // namespace peerbook::p2p
