#include "p2p/registry/registry_table.h"

#include <algorithm>

#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

RegistryTable::RegistryTable(WallTime start, std::uint64_t seed, const Verifier& verifier,
                             RegistryLimits limits)
    : limits_(limits), verifier_(verifier), random_(seed), refused_until_{start.ms - 1} {}

Status RegistryTable::check_time(WallTime now, WallTime time, const Key& key) const {
    const std::int64_t gap = time.ms - now.ms;
    if (gap > registry_clock_gap_max.ms() || gap < -registry_clock_gap_max.ms())
        return Error{ErrorCode::invalid_input, "time: " + std::to_string(gap < 0 ? -gap / 1000 : gap / 1000) +
                                                   " s " + (gap < 0 ? "behind" : "ahead of") +
                                                   " this registry's clock; 60 s are allowed"};
    const auto row = rows_.find(key);
    const auto gone = withdrawn_.find(key);
    if (time <= refused_until_ || (row != rows_.end() && time <= row->second.entry.time) ||
        (gone != withdrawn_.end() && time <= gone->second))
        return Error{ErrorCode::conflict, "time: something later is known already; sign it anew"};
    return {};
}

Status RegistryTable::add(WallTime now, const RegistryEntry& entry) {
    forget_old(now);
    const Key key{entry.network, entry.node};
    if (Status status = check_time(now, entry.time, key); !status.ok()) return status;
    if (entry.expires <= now || entry.expires.ms - entry.time.ms > registry_entry_time_max.ms())
        return Error{ErrorCode::invalid_input, "expires: must be later than now and at most 1 h after time"};
    if (!is_genuine(entry, verifier_))
        return Error{ErrorCode::invalid_input, "signature: is not the node's over these members"};
    const std::string& host = entry.address.host;
    const bool is_exempt = is_loopback_host(host);
    Row row{entry, is_exempt ? "" : limit_key(host), is_exempt ? "" : group_key(host)};
    // The old entry keeps its place, and loses it with its host.
    const auto found = rows_.find(key);
    const bool stays = found != rows_.end() && found->second.host_key == row.host_key;
    if (!stays) {
        if (Status status = make_room(row); !status.ok()) return status;
    }
    withdrawn_.erase(key);
    rows_[key] = std::move(row);
    return {};
}

Result<bool> RegistryTable::remove(WallTime now, const RegistryWithdrawal& withdrawal) {
    forget_old(now);
    const Key key{withdrawal.network, withdrawal.node};
    if (Status status = check_time(now, withdrawal.time, key); !status.ok()) return status.error();
    if (!is_genuine(withdrawal, verifier_))
        return Error{ErrorCode::invalid_input, "signature: is not the node's over these members"};
    if (rows_.erase(key) == 0) return false;
    if (withdrawn_.size() >= limits_.withdrawals_max) {
        const auto oldest =
            std::min_element(withdrawn_.begin(), withdrawn_.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
        refused_until_ = std::max(refused_until_, oldest->second);
        withdrawn_.erase(oldest);
    }
    withdrawn_[key] = withdrawal.time;
    return true;
}

Status RegistryTable::make_room(const Row& newcomer) {
    std::size_t of_host = 0;
    std::map<std::string_view, std::size_t> of_group;
    for (const auto& [key, row] : rows_) {
        ++of_group[row.group_key];
        if (row.host_key == newcomer.host_key) ++of_host;
    }
    const std::size_t of_own_group = of_group[newcomer.group_key];
    if (!newcomer.host_key.empty() && of_host >= limits_.of_one_host_max)
        return Error{
            ErrorCode::unavailable,
            "this registry keeps " + std::to_string(limits_.of_one_host_max) + " nodes of one host at most"};
    if (!newcomer.host_key.empty() && of_own_group >= limits_.of_one_network_max)
        return Error{ErrorCode::unavailable, "this registry keeps " +
                                                 std::to_string(limits_.of_one_network_max) +
                                                 " nodes of one network of hosts at most"};
    if (rows_.size() < limits_.entries_max) return {};
    const auto largest = std::max_element(of_group.begin(), of_group.end(),
                                          [](const auto& a, const auto& b) { return a.second < b.second; });
    if (largest->second <= of_own_group + 1)
        return Error{ErrorCode::unavailable, "this registry is full; try another, or later"};
    auto victim = rows_.end();
    for (auto it = rows_.begin(); it != rows_.end(); ++it)
        if (it->second.group_key == largest->first &&
            (victim == rows_.end() || it->second.entry.expires < victim->second.entry.expires))
            victim = it;
    rows_.erase(victim);
    return {};
}

void RegistryTable::forget_old(WallTime now) {
    std::erase_if(rows_, [&](const auto& row) { return row.second.entry.expires <= now; });
    std::erase_if(withdrawn_,
                  [&](const auto& one) { return now.ms - one.second.ms > registry_clock_gap_max.ms(); });
}

std::vector<RegistryEntry> RegistryTable::sample(WallTime now, const Digest& network, std::string_view host,
                                                 std::size_t count_max) {
    std::vector<const RegistryEntry*> fit;
    for (auto it = rows_.lower_bound({network, PeerId{}}); it != rows_.end() && it->first.first == network;
         ++it)
        if (it->second.entry.expires > now && may_pass(it->second.entry.address.host, host))
            fit.push_back(&it->second.entry);
    const std::size_t count = std::min(count_max, fit.size());
    std::vector<RegistryEntry> chosen;
    for (std::size_t i = 0; i < count; ++i) {
        std::swap(fit[i], fit[i + random_.below(fit.size() - i)]);
        chosen.push_back(*fit[i]);
    }
    return chosen;
}

}  // namespace peerbook::p2p
