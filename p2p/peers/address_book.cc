#include "p2p/peers/address_book.h"

#include <algorithm>

#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

AddressBook::AddressBook(Duration retry_pause_max, std::uint64_t seed, const Digest& secret)
    : retry_pause_max_(std::max(retry_pause_max, retry_pause_min)), random_(seed), buckets_(secret) {}

bool AddressBook::add_configured(MonoTime now, const PeerAddress& address) {
    const auto found = entries_.find(address);
    if (found != entries_.end() && found->second.configured) {
        // Asked for again by name: no more waiting.
        found->second.next_attempt = now;
        found->second.ourselves = false;
        return true;
    }
    if (configured_ >= configured_addresses_max) return false;
    KnownAddress& known = entry(address, found_by::bootstrap);
    leave_place(known);
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
    if (static_cast<std::size_t>(from_source) >= addresses_of_one_source_max) return false;
    // On one machine, and in one private network, every peer is a source of its own.
    const PeerAddress told_from{std::string(source_host), 1};
    const std::string group = is_loopback_host(source_host) ? to_hex(source) : group_of(told_from);
    KnownAddress* known = enter(address, group, false, found_by::peer_exchange);
    if (!known) return false;
    known->told_by = source;
    known->next_attempt = now;
    return true;
}

AddressBook::Discovered AddressBook::add_discovered(MonoTime now, std::string_view strategy,
                                                    const PeerAddress& address) {
    const auto ip = parse_ip(address.host);
    if (address.port == 0 ||
        (ip && (scope_of(*ip) == IpScope::unusable || (ip->is_v6 && scope_of(*ip) == IpScope::link_local))))
        return Discovered::refused;
    if (const auto found = entries_.find(address); found != entries_.end()) {
        KnownAddress& known = found->second;
        if (known.ourselves) return Discovered::refused;
        known.next_attempt = std::min(known.next_attempt, now + found_again_pause_max);
        return Discovered::known;
    }
    KnownAddress* known = enter(address, "strategy " + std::string(strategy), false, strategy);
    if (!known) return Discovered::refused;
    known->next_attempt = now;
    return Discovered::fresh;
}

KnownAddress* AddressBook::enter(const PeerAddress& address, std::string_view source_group, bool came,
                                 std::string_view found_by) {
    const AddressPlace place = buckets_.new_place(address, source_group);
    if (const PeerAddress* other = buckets_.at(place)) {
        const KnownAddress& standing = entries_.at(*other);
        const bool is_rumour = !standing.seen && !standing.came;
        if (standing.dialling || (!standing.failing_since && !(came && is_rumour))) return nullptr;
    }
    if (!make_room(address)) return nullptr;
    if (const PeerAddress* other = buckets_.at(place)) erase(entries_.find(*other));
    KnownAddress& known = entry(address, found_by);
    known.added = ++last_added_;
    known.place = place;
    buckets_.put(place, address);
    return &known;
}

void AddressBook::leave_place(KnownAddress& known) {
    if (known.place) buckets_.clear(*known.place);
    known.place.reset();
    known.contested = false;
}

void AddressBook::erase(Entries::iterator entry) {
    if (entry->second.configured) --configured_;
    leave_place(entry->second);
    entries_.erase(entry);
}

void AddressBook::move_to_tried(WallTime now, KnownAddress& known) {
    if (!known.place || known.place->tried) return;
    const AddressPlace place = buckets_.tried_place(known.address);
    if (const PeerAddress* other = buckets_.at(place)) {
        KnownAddress& standing = entries_.at(*other);
        const bool is_old = standing.seen && now.ms - standing.seen->ms > shared_within.ms();
        const bool is_failing = standing.failing_since && standing.failures > 1;
        if (standing.dialling || (!is_failing && !is_old)) {
            standing.contested = true;
            return;
        }
        leave_place(standing);
        const AddressPlace back = buckets_.new_place(standing.address, group_of(standing.address));
        if (buckets_.at(back)) {
            erase(entries_.find(standing.address));
        } else {
            standing.place = back;
            buckets_.put(back, standing.address);
        }
    }
    leave_place(known);
    known.place = place;
    buckets_.put(place, known.address);
}

void AddressBook::observed(Now now, const PeerAddress& address, const PeerId& id, bool shareable) {
    const auto found = entries_.find(address);
    KnownAddress* known =
        found == entries_.end() ? enter(address, group_of(address), true, found_by::inbound) : &found->second;
    if (!known) return;
    if (known->configured || known->seen) {
        if (known->id == id) known->came = now.wall;
        return;
    }
    known->id = id;
    known->shareable = shareable;
    known->came = now.wall;
    known->added = ++last_added_;
}

void AddressBook::keep_secret(const PeerId& id) {
    for (auto& [address, known] : entries_)
        if (known.id == id) known.shareable = false;
}

void AddressBook::reached_at(Now now, const PeerAddress& address, const PeerId& id) {
    if (address.port != 0) observed(now, address, id, true);
    for (auto& [other, known] : entries_)
        if (known.id == id && other.host == address.host) known.shareable = other.port == address.port;
}

void AddressBook::forget(const PeerId& id) {
    for (auto it = entries_.begin(); it != entries_.end();) {
        const auto entry = it++;
        if (entry->second.id == id) erase(entry);
    }
}

bool AddressBook::forget(const PeerAddress& address) {
    const auto found = entries_.find(address);
    if (found == entries_.end()) return false;
    erase(found);
    return true;
}

KnownAddress& AddressBook::entry(const PeerAddress& address, std::string_view found_by) {
    const auto [found, is_new] = entries_.try_emplace(address);
    if (is_new) {
        found->second.address = address;
        found->second.found_by = found_by;
        ++found_.try_emplace(std::string(found_by)).first->second;
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
    erase(victim);
    return true;
}

std::vector<PeerAddress> AddressBook::choose(std::vector<PeerAddress> fit, std::size_t count_max) {
    const std::size_t count = std::min(count_max, fit.size());
    for (std::size_t i = 0; i < count; ++i)
        std::swap(fit[i], fit[i + random_.below(fit.size() - i)]);
    fit.resize(count);
    return fit;
}

std::vector<PeerAddress> AddressBook::choose(Due fit, std::size_t count_max) {
    std::vector<PeerAddress> chosen = choose(std::move(fit.anchors), count_max);
    std::vector<PeerAddress> tried = choose(std::move(fit.tried), count_max),
                             others = choose(std::move(fit.others), count_max);
    while (chosen.size() < count_max && !(tried.empty() && others.empty())) {
        const bool from_tried = others.empty() || (!tried.empty() && random_.below(2) == 0);
        std::vector<PeerAddress>& from = from_tried ? tried : others;
        chosen.push_back(std::move(from.back()));
        from.pop_back();
    }
    return chosen;
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
    known.anchor = false;
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
    if (!found->second.configured && now - *found->second.failing_since >= give_up_time) erase(found);
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
    known.contested = known.anchor = false;
    move_to_tried(now.wall, known);
}

void AddressBook::connection_kept(const PeerAddress& address) {
    if (const auto found = entries_.find(address); found != entries_.end()) found->second.failures = 0;
}

void AddressBook::looked_at(MonoTime now, const PeerAddress& address) {
    const auto found = entries_.find(address);
    if (found == entries_.end()) return;
    found->second.dialling = false;
    found->second.failures = 0;
    found->second.next_attempt = now;
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
    const std::size_t share = std::max(shared_min, fit.size() * shared_percent / 100);
    return choose(std::move(fit), std::min(count_max, share));
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

std::vector<PeersFile::Peer> AddressBook::proven() const {
    std::vector<PeersFile::Peer> peers;
    for (const auto& [address, known] : entries_)
        if (known.seen && known.id && !known.ourselves)
            peers.push_back({address, *known.id, *known.seen, known.shareable, known.anchor});
    return peers;
}

void AddressBook::restore(MonoTime now, const std::vector<PeersFile::Peer>& peers) {
    for (const PeersFile::Peer& peer : peers) {
        if (entries_.contains(peer.address)) continue;
        const AddressPlace places[] = {buckets_.tried_place(peer.address),
                                       buckets_.new_place(peer.address, group_of(peer.address))};
        const auto* place = std::find_if(std::begin(places), std::end(places),
                                         [this](const AddressPlace& one) { return !buckets_.at(one); });
        if (place == std::end(places) || !make_room(peer.address)) continue;
        KnownAddress& kept = entry(peer.address, found_by::persisted);
        kept.place = *place;
        buckets_.put(*place, peer.address);
        kept.id = peer.id;
        kept.seen = peer.seen;
        kept.shareable = peer.shareable;
        kept.anchor = peer.anchor;
        kept.next_attempt = now;
        kept.added = ++last_added_;
    }
}

}  // namespace peerbook::p2p
