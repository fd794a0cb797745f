#include "p2p/peers/address_book.h"

#include <rapidjson/document.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

#include <algorithm>

#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

namespace {

// Whether a peer at `peer_host` may tell us of this host, or be told. A peer at a name that is no literal is
// taken for one anywhere.
bool may_pass(std::string_view host, std::string_view peer_host) {
    const auto ip = parse_ip(host);
    if (!ip) return false;
    const auto peer_ip = parse_ip(peer_host);
    const IpScope peer = is_loopback_host(peer_host) ? IpScope::loopback
                         : peer_ip                   ? scope_of(*peer_ip)
                                                     : IpScope::global;
    switch (scope_of(*ip)) {
        case IpScope::global:
            return true;
        case IpScope::private_network:
            return peer == IpScope::private_network || peer == IpScope::loopback;
        case IpScope::loopback:
            return peer == IpScope::loopback;
        case IpScope::link_local:
        case IpScope::unusable:
            return false;
    }
    return false;
}

}  // namespace

AddressBook::AddressBook(Duration retry_pause_max, std::uint64_t seed)
    : retry_pause_max_(std::max(retry_pause_max, retry_pause_min)), random_(seed) {}

bool AddressBook::add_configured(MonoTime now, const PeerAddress& address) {
    const auto found = entries_.find(address);
    if (found != entries_.end() && found->second.configured) {
        // Asked for again by name: no more waiting.
        found->second.next_attempt = now;
        found->second.ourselves = false;
        return true;
    }
    if (configured_ >= configured_addresses_max) return false;
    KnownAddress& known = entry(address);
    known.configured = true;
    known.ourselves = false;
    known.next_attempt = now;
    ++configured_;
    return true;
}

bool AddressBook::add_exchanged(MonoTime now, const PeerId& source, std::string_view source_host,
                                const PeerAddress& address) {
    if (!may_pass(address.host, source_host)) return false;
    if (entries_.contains(address)) return true;
    const auto from_source = std::count_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
        return entry.second.told_by == source && !entry.second.seen;
    });
    if (static_cast<std::size_t>(from_source) >= addresses_of_one_source_max || !make_room(address))
        return false;
    KnownAddress& known = entry(address);
    known.told_by = source;
    known.added = ++last_added_;
    known.next_attempt = now;
    return true;
}

void AddressBook::observed(Now now, const PeerAddress& address, const PeerId& id, bool shareable) {
    const auto found = entries_.find(address);
    if (found == entries_.end() && !make_room(address)) return;
    KnownAddress& known = entry(address);
    if (known.configured || known.seen) {
        if (known.id == id) known.came = now.wall;
        return;
    }
    known.id = id;
    known.shareable = shareable;
    known.came = now.wall;
    known.added = ++last_added_;
}

void AddressBook::forget(const PeerId& id) {
    std::erase_if(entries_, [&](const auto& entry) {
        if (entry.second.id != id) return false;
        if (entry.second.configured) --configured_;
        return true;
    });
}

bool AddressBook::forget(const PeerAddress& address) {
    const auto found = entries_.find(address);
    if (found == entries_.end()) return false;
    if (found->second.configured) --configured_;
    entries_.erase(found);
    return true;
}

KnownAddress& AddressBook::entry(const PeerAddress& address) {
    const auto [found, is_new] = entries_.try_emplace(address);
    if (is_new) {
        found->second.address = address;
        found->second.host_key = limit_key(address.host);
        found->second.network_key = group_key(address.host);
    }
    return found->second;
}

// The narrowest table that is full decides where room is made.
bool AddressBook::make_room(const PeerAddress& address) {
    const bool is_loopback = is_loopback_host(address.host);
    const std::string host = limit_key(address.host), network = group_key(address.host);
    std::size_t of_host = 0, of_network = 0;
    if (!is_loopback) {
        for (const auto& [other, known] : entries_) {
            if (known.configured || known.network_key != network) continue;
            ++of_network;
            if (known.host_key == host) ++of_host;
        }
    }
    const bool host_is_full = of_host >= addresses_of_one_host_max,
               network_is_full = of_network >= addresses_of_one_network_max;
    if (!host_is_full && !network_is_full && entries_.size() - configured_ < addresses_max) return true;
    const auto oldest = [&](auto&& fits) {
        auto best = entries_.end();
        for (auto it = entries_.begin(); it != entries_.end(); ++it) {
            const KnownAddress& known = it->second;
            if (known.configured || known.dialling || !fits(known)) continue;
            if (host_is_full ? known.host_key != host : network_is_full && known.network_key != network)
                continue;
            if (best == entries_.end() || known.added < best->second.added) best = it;
        }
        return best;
    };
    auto victim = oldest([](const KnownAddress& known) { return !known.seen; });
    if (victim == entries_.end())
        victim = oldest([](const KnownAddress& known) { return known.failing_since && known.failures > 1; });
    if (victim == entries_.end()) return false;
    entries_.erase(victim);
    return true;
}

std::vector<PeerAddress> AddressBook::choose(std::vector<PeerAddress> fit, std::size_t count_max) {
    const std::size_t count = std::min(count_max, fit.size());
    for (std::size_t i = 0; i < count; ++i)
        std::swap(fit[i], fit[i + random_.below(fit.size() - i)]);
    fit.resize(count);
    return fit;
}

void AddressBook::attempt_started(const PeerAddress& address) {
    if (const auto found = entries_.find(address); found != entries_.end()) {
        found->second.dialling = true;
        found->second.ourselves = false;
    }
}

Duration AddressBook::pause_after(unsigned failures) const {
    Duration pause = retry_pause_min;
    for (unsigned i = 0; i < failures && pause < retry_pause_max_; ++i)
        pause = pause * 2;
    return std::min(pause, retry_pause_max_);
}

void AddressBook::back_off(MonoTime now, KnownAddress& known, const std::string& why) {
    known.dialling = false;
    known.last_error = why;
    if (!known.failing_since) known.failing_since = now;
    const Duration pause = pause_after(known.failures);
    if (known.failures < 63) ++known.failures;
    const auto quarter = static_cast<std::uint64_t>(pause.ns / 4);
    known.next_attempt = now + pause - Duration{static_cast<std::int64_t>(random_.below(quarter + 1))};
}

void AddressBook::attempt_failed(MonoTime now, const PeerAddress& address, const std::string& why) {
    const auto found = entries_.find(address);
    if (found == entries_.end()) return;
    back_off(now, found->second, why);
    if (!found->second.configured && now - *found->second.failing_since >= give_up_time)
        entries_.erase(found);
}

void AddressBook::attempt_succeeded(Now now, const PeerAddress& address, const PeerId& id, bool shareable) {
    const auto found = entries_.find(address);
    if (found == entries_.end()) return;
    KnownAddress& known = found->second;
    known.id = id;
    known.shareable = shareable;
    known.seen = now.wall;
    known.failing_since.reset();
    known.last_error.clear();
}

void AddressBook::connection_kept(const PeerAddress& address) {
    if (const auto found = entries_.find(address); found != entries_.end()) found->second.failures = 0;
}

void AddressBook::connection_lost(MonoTime now, const PeerAddress& address, const std::string& why,
                                  Duration lasted) {
    const auto found = entries_.find(address);
    if (found == entries_.end()) return;
    unsigned& failures = found->second.failures;
    if (lasted >= worked_after)
        while (failures > 0 && pause_after(failures) > lasted)
            --failures;
    back_off(now, found->second, why);
}

void AddressBook::is_ourselves(MonoTime now, const PeerAddress& address) {
    const auto found = entries_.find(address);
    if (found == entries_.end()) return;
    found->second.ourselves = true;
    found->second.dialling = false;
    found->second.next_attempt = now + ourselves_time;
    found->second.last_error = "this node itself";
}

std::vector<PeerAddress> AddressBook::sample(WallTime now, std::size_t count_max, const PeerId& for_peer,
                                             std::string_view peer_host) {
    std::vector<PeerAddress> fit;
    const auto is_fresh = [now](const std::optional<WallTime>& time) {
        return time && now.ms - time->ms <= shared_within.ms();
    };
    for (const auto& [address, known] : entries_) {
        if (!known.shareable || known.ourselves || known.id == for_peer) continue;
        if (!is_fresh(known.seen) && !is_fresh(known.came)) continue;
        if (may_pass(address.host, peer_host)) fit.push_back(address);
    }
    return choose(std::move(fit), count_max);
}

const KnownAddress* AddressBook::find(const PeerAddress& address) const {
    const auto found = entries_.find(address);
    return found == entries_.end() ? nullptr : &found->second;
}

bool AddressBook::is_configured(const PeerId& id) const {
    return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) {
        return entry.second.configured && entry.second.seen && entry.second.id == id;
    });
}

std::string AddressBook::to_json(const std::vector<PeerScores::Ban>& bans) const {
    rapidjson::StringBuffer buffer;
    rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
    writer.SetIndent(' ', 2);
    writer.StartObject();
    writer.Key("version");
    writer.Int(1);
    writer.Key("peers");
    writer.StartArray();
    for (const auto& [address, known] : entries_) {
        if (!known.seen || !known.id || known.ourselves) continue;
        if (buffer.GetSize() > peers_file_bytes_max / 2) break;  // the other half is for bans
        writer.StartObject();
        writer.Key("address");
        writer.String(to_string(address));
        writer.Key("id");
        writer.String(to_hex(*known.id));
        writer.Key("seen");
        writer.Int64(known.seen->ms);
        writer.Key("shareable");
        writer.Bool(known.shareable);
        writer.EndObject();
    }
    writer.EndArray();
    writer.Key("bans");
    writer.StartArray();
    for (const PeerScores::Ban& ban : bans) {
        if (buffer.GetSize() > peers_file_bytes_max - 1024) break;
        writer.StartObject();
        writer.Key("id");
        writer.String(to_hex(ban.peer));
        writer.Key("until");
        writer.Int64(ban.until.ms);
        writer.EndObject();
    }
    writer.EndArray();
    writer.EndObject();
    return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

namespace {

using rapidjson::Value;

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

std::optional<KnownAddress> read_known(const Value& value) {
    if (!value.IsObject()) return std::nullopt;
    const auto address_text = text_member(value, "address");
    const auto id_text = text_member(value, "id");
    const auto seen = integer_member(value, "seen");
    const auto shareable = value.FindMember("shareable");
    if (!address_text || !id_text || !seen || shareable == value.MemberEnd() || !shareable->value.IsBool())
        return std::nullopt;
    const auto address = parse_peer_address(*address_text);
    const auto id = fixed_from_hex<PeerId>(*id_text);
    if (!address || !id) return std::nullopt;
    KnownAddress known;
    known.address = *address;
    known.id = *id;
    known.seen = WallTime{*seen};
    known.shareable = shareable->value.GetBool();
    return known;
}

std::optional<PeerScores::Ban> read_ban(const Value& value) {
    if (!value.IsObject()) return std::nullopt;
    const auto id_text = text_member(value, "id");
    const auto until = integer_member(value, "until");
    if (!id_text || !until) return std::nullopt;
    const auto id = fixed_from_hex<PeerId>(*id_text);
    if (!id) return std::nullopt;
    return PeerScores::Ban{*id, WallTime{*until}};
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

Result<std::vector<PeerScores::Ban>> AddressBook::load_json(MonoTime now, std::string_view text) {
    const Error corrupt{ErrorCode::corrupt, "peers file is not what this program writes"};
    rapidjson::Document document;
    if (text.size() > peers_file_bytes_max) return corrupt;
    document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
    if (document.HasParseError() || !document.IsObject() || integer_member(document, "version") != 1)
        return corrupt;
    auto peers = read_array<KnownAddress>(document, "peers", read_known);
    auto bans = read_array<PeerScores::Ban>(document, "bans", read_ban);
    if (!peers || !bans) return corrupt;
    for (const KnownAddress& known : *peers) {
        if (entries_.contains(known.address) || !make_room(known.address)) continue;
        KnownAddress& kept = entry(known.address);
        kept.id = known.id;
        kept.seen = known.seen;
        kept.shareable = known.shareable;
        kept.next_attempt = now;
        kept.added = ++last_added_;
    }
    return std::move(*bans);
}

}  // namespace peerbook::p2p
