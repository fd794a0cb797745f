// Places where nodes are reached by other means than a connection (Grenache's RPC), and when one is tried:
// only while the node there has had no connection for carried_after, and a place of which it is not known who
// is there, to learn that. What fails is tried again after carried_pause_min, doubled up to
// carried_pause_max.
//
// Whoever answers a look-up can put addresses here, so they are few, fewer of one host, and forgotten when
// nobody finds them again. When all places are taken, one that failed makes room for one that was never
// tried, else the newcomer is refused.
//
// Pure. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.h"
#include "p2p/peers/peer_address.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

inline constexpr std::size_t carried_addresses_max = 64;
inline constexpr std::size_t carried_addresses_of_host_max = 4;  // loopback exempt
inline constexpr std::size_t carried_dials_at_once = 4;
inline constexpr Duration carried_after = Duration::seconds(3);
inline constexpr Duration carried_pause_min = Duration::seconds(5);
inline constexpr Duration carried_pause_max = Duration::seconds(3600);
inline constexpr Duration carried_forgotten_after = Duration::seconds(3600);
inline constexpr Duration carried_self_pause = Duration::seconds(3600);  // where this node answered itself

class CarriedDials {
  public:
    // `at_once`: nothing else leads to nodes, so that nothing is waited for.
    explicit CarriedDials(bool at_once) : at_once_(at_once) {}

    // An address literal was found. Whether it is new and was kept.
    bool add(MonoTime now, const PeerAddress& address);

    // Whom to dial now, at most `count_max`. `is_met(id)`: there is a connection with that node, or no use in
    // one.
    template <typename IsMet>
    std::vector<PeerAddress> due(MonoTime now, std::size_t count_max, IsMet&& is_met) {
        forget_old(now);
        std::vector<std::pair<MonoTime, PeerAddress>> ripe;
        for (auto& [address, entry] : entries_) {
            if (entry.id && is_met(*entry.id)) {
                entry.alone_since.reset();
                entry.found_at = now;
                continue;
            }
            if (!entry.alone_since) entry.alone_since = now;
            const bool waited = at_once_ || now - *entry.alone_since >= carried_after;
            if (!waited || entry.is_under_way || now < entry.next) continue;
            ripe.emplace_back(entry.next, address);
        }
        // Who waits for longest first, so that nobody's answers can keep others out.
        std::sort(ripe.begin(), ripe.end());
        std::vector<PeerAddress> addresses;
        for (const auto& [since, address] : ripe)
            if (addresses.size() < count_max) addresses.push_back(address);
        return addresses;
    }

    // Of one that due() gave. Then one of those below, at an end of which it is not under way any more.
    void started(const PeerAddress& address);
    void met(const PeerAddress& address, const PeerId& id);  // authenticated; still under way
    void ended(MonoTime now, const PeerAddress& address, bool failed);
    // Until it is found again.
    void forget(const PeerId& id);
    void is_ourselves(MonoTime now, const PeerAddress& address);

    std::size_t size() const { return entries_.size(); }

  private:
    struct Entry {
        std::optional<PeerId> id;
        MonoTime found_at, next;
        std::optional<MonoTime> alone_since;
        Duration pause;  // the last one after a failure; zero: it did not fail since it was of use
        bool is_under_way = false;
    };
    void forget_old(MonoTime now);
    bool make_room();

    bool at_once_;
    std::map<PeerAddress, Entry> entries_;
};

}  // namespace peerbook::p2p
