#include "p2p/peers/carried_dials.h"

#include <algorithm>

#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

bool CarriedDials::add(MonoTime now, const PeerAddress& address) {
    if (const auto known = entries_.find(address); known != entries_.end()) {
        known->second.found_at = now;
        return false;
    }
    const auto ip = parse_ip(address.host);
    if (!ip || scope_of(*ip) == IpScope::unusable || address.port == 0) return false;
    const std::string key = limit_key(address.host);
    const auto of_host = std::count_if(entries_.begin(), entries_.end(),
                                       [&](const auto& entry) { return limit_key(entry.first.host) == key; });
    if (!is_loopback_host(address.host) && static_cast<std::size_t>(of_host) >= carried_addresses_of_host_max)
        return false;
    if (entries_.size() >= carried_addresses_max && !make_room()) return false;
    Entry entry;
    entry.found_at = entry.next = now;
    entries_.emplace(address, entry);
    return true;
}

// Of those that failed, the one that failed most.
bool CarriedDials::make_room() {
    auto worst = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it)
        if (!it->second.is_under_way && it->second.pause > Duration{} &&
            (worst == entries_.end() || it->second.pause > worst->second.pause))
            worst = it;
    if (worst == entries_.end()) return false;
    entries_.erase(worst);
    return true;
}

void CarriedDials::forget_old(MonoTime now) {
    std::erase_if(entries_, [&](const auto& entry) {
        return !entry.second.is_under_way && now - entry.second.found_at >= carried_forgotten_after;
    });
}

void CarriedDials::started(const PeerAddress& address) {
    if (const auto found = entries_.find(address); found != entries_.end()) found->second.is_under_way = true;
}

void CarriedDials::met(const PeerAddress& address, const PeerId& id) {
    const auto found = entries_.find(address);
    if (found == entries_.end()) return;
    found->second.id = id;
}

void CarriedDials::ended(MonoTime now, const PeerAddress& address, bool failed) {
    const auto found = entries_.find(address);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    entry.is_under_way = false;
    if (failed)
        entry.pause = std::min(std::max(entry.pause * 2, carried_pause_min), carried_pause_max);
    else
        entry.pause = Duration{};
    // Also one that only said who it is: whoever hangs up at once is not called without end.
    entry.next = std::max(entry.next, now + std::max(entry.pause, carried_after));
}

void CarriedDials::forget(const PeerId& id) {
    std::erase_if(entries_, [&](const auto& entry) { return entry.second.id == id; });
}

void CarriedDials::is_ourselves(MonoTime now, const PeerAddress& address) {
    if (const auto found = entries_.find(address); found != entries_.end())
        found->second.next = now + carried_self_pause;
}

}  // namespace peerbook::p2p
