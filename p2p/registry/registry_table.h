// What a bootstrap registry keeps: which node of which network said that it takes connections where, for an
// hour at most. In memory only.
//
// Taken is what the node signed within registry_clock_gap_max, later than anything that it signed before, for
// the host that it comes from: so nobody can point a network at somebody else, and nothing that was said once
// counts again. Who took itself out is remembered for as long as an older registration could still pass;
// where those are too many, and after a start, everything signed until then is refused.
//
// Bounds: entries_max in all; of one host (an IPv4 address, a /64 of IPv6) and of one network of hosts (/16,
// /32) a part, loopback exempt. At the bound of a host or a network of hosts the newcomer is refused. When
// the table is full, the one that would expire first of the network of hosts that has most makes room, unless
// that is the newcomer's own.
//
// Pure: time and the seed are arguments. Not thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "p2p/registry/registry_wire.h"

namespace peerbook::p2p {

struct RegistryLimits {
    std::size_t entries_max = 4'096;
    std::size_t of_one_host_max = 8;
    std::size_t of_one_network_max = 256;  // of hosts
    std::size_t withdrawals_max = 4'096;   // remembered
};

class RegistryTable {
  public:
    // What was signed before `start` is refused. `verifier` outlives the table.
    RegistryTable(WallTime start, std::uint64_t seed, const Verifier& verifier, RegistryLimits limits = {});

    // Takes or renews the entry. Precondition: it comes from the host that it names. Errors: invalid_input
    // (its times, its signature), conflict (it said something later already), unavailable (a bound).
    Status add(WallTime now, const RegistryEntry& entry);
    // Whether there was something to take out. Errors: invalid_input, conflict.
    Result<bool> remove(WallTime now, const RegistryWithdrawal& withdrawal);
    // At most `count_max` of those nodes of the network that somebody at `host` may hear of, chosen at
    // random.
    std::vector<RegistryEntry> sample(WallTime now, const Digest& network, std::string_view host,
                                      std::size_t count_max);
    // Entries, expired ones perhaps included.
    std::size_t size() const { return rows_.size(); }

  private:
    using Key = std::pair<Digest, PeerId>;  // network, node
    struct Row {
        RegistryEntry entry;
        std::string host_key, group_key;  // empty on loopback, which no bound of hosts concerns
    };
    using Rows = std::map<Key, Row>;

    Status check_time(WallTime now, WallTime time, const Key& key) const;
    Status make_room(const Row& newcomer);
    void forget_old(WallTime now);

    RegistryLimits limits_;
    const Verifier& verifier_;
    Random random_;
    WallTime refused_until_;  // signed then or before: refused
    Rows rows_;
    std::map<Key, WallTime> withdrawn_;  // when it was signed
};

}  // namespace peerbook::p2p
