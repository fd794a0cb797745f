// Addresses at which peers may be found, and when to try each again.
//
// Sources: configured (kept and dialled for ever), persisted (from the last run), exchanged (told by a peer),
// observed (a peer that connected to us and says where it listens). Not configured ones share a bounded
// table; one source peer may fill at most a part of it, and when it is full, an address that never answered
// makes room for a new one.
//
// A failed attempt doubles the pause from 1 s to the given maximum, with jitter of a quarter so that nodes
// cut off together do not return together; an address that failed for 3 days and is not configured is
// forgotten.
//
// Only addresses of peers that answered within 24 h and agreed to be shared are given to others. Loopback
// addresses go only to, and come only from, peers on this machine.
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
inline constexpr std::size_t configured_addresses_max = 256;
inline constexpr Duration retry_pause_min = Duration::seconds(1);
inline constexpr Duration give_up_time = Duration::seconds(3 * 24 * 3600);
inline constexpr Duration shared_within = Duration::seconds(24 * 3600);
inline constexpr std::size_t peers_file_bytes_max = 1024 * 1024;

struct KnownAddress {
    PeerAddress address;
    bool configured = false;
    std::optional<PeerId> id;       // who answered there last
    std::optional<PeerId> told_by;  // the peer that gave it to us
    bool shareable = false;         // its owner agreed
    std::optional<WallTime> seen;   // last authenticated connection
    bool dialling = false;
    bool ourselves = false;
    unsigned failures = 0;  // in a row
    MonoTime next_attempt;
    std::optional<MonoTime> failing_since;
    std::string last_error;
};

class AddressBook {
  public:
    AddressBook(Duration retry_pause_max, std::uint64_t seed);

    // False if the table of configured ones is full.
    bool add_configured(MonoTime now, const PeerAddress& address);
    // False if there is no room for it, or it may not come from this source.
    bool add_exchanged(MonoTime now, const PeerId& source, bool source_is_loopback,
                       const PeerAddress& address);
    // The peer is connected and says that it listens here.
    void observed(Now now, const PeerAddress& address, const PeerId& id, bool shareable);
    // Removes what leads to this peer.
    void forget(const PeerId& id);

    // Addresses to dial now, configured first; `skip` tells which ids need no dialling.
    template <typename Skip>
    std::vector<PeerAddress> due(MonoTime now, std::size_t count_max, bool configured, Skip&& skip) const {
        std::vector<PeerAddress> chosen;
        for (const auto& [address, known] : entries_) {
            if (chosen.size() >= count_max) break;
            if (known.configured != configured || known.dialling || known.ourselves ||
                known.next_attempt > now)
                continue;
            if (known.id && skip(*known.id)) continue;
            chosen.push_back(address);
        }
        return chosen;
    }
    void attempt_started(const PeerAddress& address);
    void attempt_failed(MonoTime now, const PeerAddress& address, const std::string& why);
    // Authenticated. The pause starts afresh only with connection_kept(), or a peer that drops us at once
    // would be dialled every second.
    void attempt_succeeded(Now now, const PeerAddress& address, const PeerId& id, bool shareable);
    void connection_kept(const PeerAddress& address);
    void connection_lost(MonoTime now, const PeerAddress& address, const std::string& why);
    void is_ourselves(const PeerAddress& address);

    // At most count_max shareable addresses, chosen at random, for a peer.
    std::vector<PeerAddress> sample(WallTime now, std::size_t count_max, const PeerId& for_peer,
                                    bool peer_is_loopback);

    const KnownAddress* find(const PeerAddress& address) const;
    bool is_configured(const PeerId& id) const;
    const std::map<PeerAddress, KnownAddress>& entries() const { return entries_; }

    // The peers file: JSON, see PROTOCOL.md. Bans ride along.
    std::string to_json(const std::vector<PeerScores::Ban>& bans) const;
    // Adds what the text holds. Error: corrupt; then nothing was added.
    Result<std::vector<PeerScores::Ban>> load_json(MonoTime now, std::string_view text);

  private:
    bool make_room();
    void back_off(MonoTime now, KnownAddress& known, const std::string& why);

    Duration retry_pause_max_;
    Random random_;
    std::map<PeerAddress, KnownAddress> entries_;
    std::size_t configured_ = 0;
};

}  // namespace peerbook::p2p
