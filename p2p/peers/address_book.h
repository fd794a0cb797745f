// Addresses at which peers may be found, and when to try each again.
//
// Sources: configured (kept and dialled for ever), persisted (from the last run), exchanged (told by a peer),
// observed (a peer that connected to us and says where it listens). Not configured ones share a bounded
// table, of which one source peer, one host and one network may fill at most a part; when it is full, the
// oldest address that never answered makes room for a new one.
//
// An address counts as seen, and an id as the one that answers there, only after a connection that we opened.
// What a peer says of itself or of others changes nothing about such an entry, nor about a configured one.
//
// A failed attempt doubles the pause from 1 s to the given maximum, with jitter of a quarter so that nodes
// cut off together do not return together; an address that failed for 3 days and is not configured is
// forgotten. After a connection that lasted 5 s or more the pause is no longer than it lasted: over a line
// that breaks often, peers are connected half of the time at least.
//
// Only literals of addresses, of peers that answered or came to us within 24 h and agreed to be shared, are
// given to others. Loopback addresses go only to, and come only from, peers on this machine; those of private
// networks, peers on private networks or this machine; unspecified, multicast and link-local ones, nobody.
//
// Pure: time and the seed are arguments. Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "p2p/peers/peer_address.h"
#include "p2p/peers/peer_score.h"

namespace peerbook::p2p {

inline constexpr std::size_t addresses_max = 1000;  // not configured
inline constexpr std::size_t addresses_of_one_source_max = 64;
inline constexpr std::size_t addresses_of_one_host_max = 4;       // see limit_key(); not on loopback
inline constexpr std::size_t addresses_of_one_network_max = 128;  // see group_key(); not on loopback
inline constexpr std::size_t configured_addresses_max = 1024;
inline constexpr Duration retry_pause_min = Duration::seconds(1);
inline constexpr Duration worked_after = Duration::seconds(5);  // a connection of this age was one
inline constexpr Duration give_up_time = Duration::seconds(3 * 24 * 3600);
inline constexpr Duration shared_within = Duration::seconds(24 * 3600);
inline constexpr Duration ourselves_time = Duration::seconds(3600);
inline constexpr std::size_t peers_file_bytes_max = 4 * 1024 * 1024;

struct KnownAddress {
    PeerAddress address;
    std::string host_key, network_key;  // limit_key() and group_key() of the host
    bool configured = false;
    std::optional<PeerId> id;       // who answered there last; while not seen, who says so
    std::optional<PeerId> told_by;  // the peer that gave it to us
    bool shareable = false;         // its owner agreed
    std::optional<WallTime> seen;   // last authenticated connection that we opened
    std::optional<WallTime> came;   // last time that its owner connected to us
    std::uint64_t added = 0;        // order of entry and of coming
    bool dialling = false;
    bool ourselves = false;  // until the next attempt
    unsigned failures = 0;   // in a row
    MonoTime next_attempt;
    std::optional<MonoTime> failing_since;
    std::string last_error;
};

class AddressBook {
  public:
    AddressBook(Duration retry_pause_max, std::uint64_t seed);

    // False if the table of configured ones is full.
    bool add_configured(MonoTime now, const PeerAddress& address);
    // False if there is no room for it, or it may not come from this source, whose own address is given.
    bool add_exchanged(MonoTime now, const PeerId& source, std::string_view source_host,
                       const PeerAddress& address);
    // The peer is connected and says that it listens here, at the address it came from.
    void observed(Now now, const PeerAddress& address, const PeerId& id, bool shareable);
    // Removes what leads to this peer.
    void forget(const PeerId& id);
    // False if it is not known.
    bool forget(const PeerAddress& address);

    // Addresses to dial now, chosen at random, so that nobody is first by the name he takes; `skip` tells
    // which ids need no dialling.
    template <typename Skip>
    std::vector<PeerAddress> due(MonoTime now, std::size_t count_max, bool configured, Skip&& skip) {
        std::vector<PeerAddress> fit;
        for (const auto& [address, known] : entries_) {
            if (known.configured != configured || known.dialling || known.next_attempt > now) continue;
            if (known.id && skip(*known.id)) continue;
            fit.push_back(address);
        }
        return choose(std::move(fit), count_max);
    }
    void attempt_started(const PeerAddress& address);
    void attempt_failed(MonoTime now, const PeerAddress& address, const std::string& why);
    // Authenticated. The pause starts afresh only with connection_kept(), or a peer that drops us at once
    // would be dialled every second.
    void attempt_succeeded(Now now, const PeerAddress& address, const PeerId& id, bool shareable);
    void connection_kept(const PeerAddress& address);
    void connection_lost(MonoTime now, const PeerAddress& address, const std::string& why, Duration lasted);
    // Not dialled for ourselves_time, unless it is named again.
    void is_ourselves(MonoTime now, const PeerAddress& address);

    // At most count_max shareable addresses, chosen at random, for a peer.
    std::vector<PeerAddress> sample(WallTime now, std::size_t count_max, const PeerId& for_peer,
                                    std::string_view peer_host);

    const KnownAddress* find(const PeerAddress& address) const;
    // Whether this peer answered at a configured address.
    bool is_configured(const PeerId& id) const;
    const std::map<PeerAddress, KnownAddress>& entries() const { return entries_; }

    // The peers file: JSON, see PROTOCOL.md, never above what load_json() takes. Bans ride along.
    std::string to_json(const std::vector<PeerScores::Ban>& bans) const;
    // Adds what the text holds. Error: corrupt; then nothing was added.
    Result<std::vector<PeerScores::Ban>> load_json(MonoTime now, std::string_view text);

  private:
    KnownAddress& entry(const PeerAddress& address);
    bool make_room(const PeerAddress& address);
    std::vector<PeerAddress> choose(std::vector<PeerAddress> fit, std::size_t count_max);
    Duration pause_after(unsigned failures) const;
    void back_off(MonoTime now, KnownAddress& known, const std::string& why);

    Duration retry_pause_max_;
    Random random_;
    std::map<PeerAddress, KnownAddress> entries_;
    std::size_t configured_ = 0;
    std::uint64_t last_added_ = 0;
};

}  // namespace peerbook::p2p
