#include "p2p/peers/peers_file.h"

#include <rapidjson/document.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

#include <optional>

namespace peerbook::p2p {

namespace {

constexpr const char* about =
    "Addresses of peers, what this node saw of them, and bans. No keys and no secrets.";
// A quarter for each of peers, bans and records, so that each finds room; the last is for what surrounds
// them.
constexpr std::size_t part_bytes_max = peers_file_bytes_max / 4;

using Writer = rapidjson::PrettyWriter<rapidjson::StringBuffer>;
using rapidjson::Value;

void write_one(Writer& writer, const PeersFile::Peer& peer) {
    writer.Key("address");
    writer.String(to_string(peer.address));
    writer.Key("id");
    writer.String(to_hex(peer.id));
    writer.Key("seen");
    writer.Int64(peer.seen.ms);
    writer.Key("shareable");
    writer.Bool(peer.shareable);
    if (!peer.anchor) return;
    writer.Key("anchor");
    writer.Bool(true);
}

void write_one(Writer& writer, const PeerScores::Ban& ban) {
    writer.Key("id");
    writer.String(to_hex(ban.peer));
    writer.Key("until");
    writer.Int64(ban.until.ms);
    if (!ban.by_operator) return;
    writer.Key("by_operator");
    writer.Bool(true);
}

void write_one(Writer& writer, const PeersFile::Record& record) {
    writer.Key("id");
    writer.String(to_hex(record.id));
    writer.Key("since");
    writer.Int64(record.since.ms);
    writer.Key("successes");
    writer.Uint(record.successes);
    writer.Key("failures");
    writer.Uint(record.failures);
    writer.Key("reputation");
    writer.Int(record.reputation);
    writer.Key("at");
    writer.Int64(record.at.ms);
}

template <typename Item>
void write_list(Writer& writer, const rapidjson::StringBuffer& buffer, const char* name,
                const std::vector<Item>& items) {
    const std::size_t begin = buffer.GetSize();
    writer.Key(name);
    writer.StartArray();
    for (const Item& item : items) {
        if (buffer.GetSize() - begin > part_bytes_max - 1024) break;
        writer.StartObject();
        write_one(writer, item);
        writer.EndObject();
    }
    writer.EndArray();
}

std::optional<std::string> text_member(const Value& object, const char* name) {
    const auto member = object.FindMember(name);
    if (member == object.MemberEnd() || !member->value.IsString()) return std::nullopt;
    return std::string(member->value.GetString(), member->value.GetStringLength());
}

std::optional<std::int64_t> integer_member(const Value& object, const char* name) {
    const auto member = object.FindMember(name);
    if (member == object.MemberEnd() || !member->value.IsInt64()) return std::nullopt;
    return member->value.GetInt64();
}

std::optional<std::int64_t> integer_member(const Value& object, const char* name, std::int64_t min,
                                           std::int64_t max) {
    const auto value = integer_member(object, name);
    return value && min <= *value && *value <= max ? value : std::nullopt;
}

// Absent: false. None: not a truth value.
std::optional<bool> flag_member(const Value& object, const char* name) {
    const auto member = object.FindMember(name);
    if (member == object.MemberEnd()) return false;
    if (!member->value.IsBool()) return std::nullopt;
    return member->value.GetBool();
}

std::optional<PeerId> id_member(const Value& object) {
    const auto text = text_member(object, "id");
    if (!text) return std::nullopt;
    const auto id = fixed_from_hex<PeerId>(*text);
    return id ? std::optional(*id) : std::nullopt;
}

std::optional<PeersFile::Peer> read_peer(const Value& value) {
    if (!value.IsObject()) return std::nullopt;
    const auto text = text_member(value, "address");
    const auto id = id_member(value);
    const auto seen = integer_member(value, "seen");
    const auto shareable = flag_member(value, "shareable"), anchor = flag_member(value, "anchor");
    if (!text || !id || !seen || !shareable || !anchor || !value.HasMember("shareable")) return std::nullopt;
    const auto address = parse_peer_address(*text);
    if (!address) return std::nullopt;
    return PeersFile::Peer{*address, *id, {*seen}, *shareable, *anchor};
}

std::optional<PeerScores::Ban> read_ban(const Value& value) {
    if (!value.IsObject()) return std::nullopt;
    const auto id = id_member(value);
    const auto until = integer_member(value, "until");
    const auto by_operator = flag_member(value, "by_operator");
    if (!id || !until || !by_operator) return std::nullopt;
    return PeerScores::Ban{*id, {*until}, *by_operator};
}

std::optional<PeersFile::Record> read_record(const Value& value) {
    constexpr std::int64_t time_max = std::int64_t{1} << 53, count_max = 1'000'000;
    if (!value.IsObject()) return std::nullopt;
    const auto id = id_member(value);
    const auto since = integer_member(value, "since", 0, time_max),
               at = integer_member(value, "at", 0, time_max),
               successes = integer_member(value, "successes", 0, count_max),
               failures = integer_member(value, "failures", 0, count_max),
               reputation = integer_member(value, "reputation", ban_score, 0);
    if (!id || !since || !at || !successes || !failures || !reputation) return std::nullopt;
    return PeersFile::Record{*id,
                             {*since},
                             static_cast<std::uint32_t>(*successes),
                             static_cast<std::uint32_t>(*failures),
                             static_cast<int>(*reputation),
                             {*at}};
}

template <typename Item, typename Read>
std::optional<std::vector<Item>> read_array(const Value& object, const char* name, Read read) {
    const auto member = object.FindMember(name);
    if (member == object.MemberEnd() || !member->value.IsArray()) return std::nullopt;
    std::vector<Item> items;
    for (const Value& element : member->value.GetArray()) {
        auto item = read(element);
        if (!item) return std::nullopt;
        items.push_back(std::move(*item));
    }
    return items;
}

}  // namespace

std::string write_peers_file(const PeersFile& file) {
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    writer.SetIndent(' ', 2);
    writer.StartObject();
    writer.Key("about");
    writer.String(about);
    writer.Key("version");
    writer.Int(1);
    write_list(writer, buffer, "peers", file.peers);
    write_list(writer, buffer, "bans", file.bans);
    write_list(writer, buffer, "records", file.records);
    writer.EndObject();
    return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

Result<PeersFile> parse_peers_file(std::string_view text) {
    const Error corrupt{ErrorCode::corrupt, "peers file is not what this program writes"};
    rapidjson::Document document;
    if (text.size() > peers_file_bytes_max) return corrupt;
    document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
    if (document.HasParseError() || !document.IsObject() || integer_member(document, "version") != 1)
        return corrupt;
    auto peers = read_array<PeersFile::Peer>(document, "peers", read_peer);
    auto bans = read_array<PeerScores::Ban>(document, "bans", read_ban);
    // Files of the first releases have no records.
    auto records = document.HasMember("records")
                       ? read_array<PeersFile::Record>(document, "records", read_record)
                       : std::optional(std::vector<PeersFile::Record>());
    if (!peers || !bans || !records) return corrupt;
    return PeersFile{std::move(*peers), std::move(*bans), std::move(*records)};
}

}  // namespace peerbook::p2p
