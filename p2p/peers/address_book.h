// Addresses at which peers may be found, and when to try each again.
//
// Sources: configured (kept and dialled for ever), persisted (from the last run), exchanged (told by a peer),
// observed (a peer that connected to us and says where it listens), discovered (by a strategy of
// p2p/discovery; each is a source group of its own). Those that are not configured stand in
// the buckets of *new* and *tried* (address_buckets.h), and together are bounded: one source peer, one host
// and one network may fill at most a part; when that is full, the oldest address that never answered makes
// room.
//
// Who finds his place in *new* taken gets it only if the other failed, or was only told while he came
// himself. Who answered moves to *tried*. If his place there is taken by one that failed since or was not
// seen for a day, that one goes back to *new*; else he stays where he is, and the other is marked as
// contested, so that the next feeler looks whether it is still there.
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

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "p2p/peers/address_buckets.h"
#include "p2p/peers/peer_address.h"
#include "p2p/peers/peers_file.h"

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
// Of the addresses that may be given to a peer, it gets this share, and so many at least.
inline constexpr std::size_t shared_percent = 23, shared_min = 8;
inline constexpr Duration ourselves_time = Duration::seconds(3600);
// An address that failed and that a strategy finds again is tried after this long at most.
inline constexpr Duration found_again_pause_max = Duration::seconds(15);

// How an address came into the book first; strategies have names of their own.
namespace found_by {
inline constexpr std::string_view persisted = "persisted", bootstrap = "bootstrap",
                                  peer_exchange = "peer_exchange", inbound = "inbound";
// A strategy's: what it finds is no address to dial, and stands in CarriedDials.
inline constexpr std::string_view carried = "grenache-rpc";
}  // namespace found_by

struct KnownAddress {
    PeerAddress address;
    std::string host_key, network_key;  // limit_key() and group_key() of the host
    bool configured = false;
    std::optional<PeerId> id;       // who answered there last; while not seen, who says so
    std::optional<PeerId> told_by;  // the peer that gave it to us
    std::string found_by;           // the way it came first, for people
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
    std::optional<AddressPlace> place;  // unless configured
    bool contested = false;             // another that answered would stand in this place
    bool anchor = false;                // of the last run; until the next attempt ends
};

class AddressBook {
  public:
    // `secret` decides about places in buckets: random, and nobody else's.
    AddressBook(Duration retry_pause_max, std::uint64_t seed, const Digest& secret = {});

    // False if the table of configured ones is full.
    bool add_configured(MonoTime now, const PeerAddress& address);
    // False if there is no room for it, or it may not come from this source, whose own address is given.
    bool add_exchanged(MonoTime now, const PeerId& source, std::string_view source_host,
                       const PeerAddress& address);
    // An address that a strategy found. `fresh`: it was not known. `refused`: nobody can be dialled there
    // (unspecified, multicast, link-local of IPv6), it is this node's own, or there is no room.
    enum class Discovered : unsigned char { fresh, known, refused };
    Discovered add_discovered(MonoTime now, std::string_view strategy, const PeerAddress& address);
    // The peer is connected and says that it listens here, at the address it came from.
    void observed(Now now, const PeerAddress& address, const PeerId& id, bool shareable);
    // Removes what leads to this peer.
    void forget(const PeerId& id);
    // False if it is not known.
    bool forget(const PeerAddress& address);

    // Addresses to dial now: anchors, then others chosen at random, so that nobody is first by the name he
    // takes, half of *tried* and half of *new*, so that nobody is by the number of them; `skip` tells which
    // ids need no dialling.
    template <typename Skip>
    std::vector<PeerAddress> due(MonoTime now, std::size_t count_max, bool configured, Skip&& skip) {
        Due fit;
        for (const auto& [address, known] : entries_) {
            if (known.configured != configured || known.dialling || known.next_attempt > now) continue;
            if (known.id && skip(*known.id)) continue;
            const bool is_tried = known.place && known.place->tried;
            (known.anchor ? fit.anchors : is_tried ? fit.tried : fit.others).push_back(address);
        }
        return choose(std::move(fit), count_max);
    }
    // The address that the next feeler shall look at: a contested one, else one of *new*.
    template <typename Skip>
    std::optional<PeerAddress> feeler(MonoTime now, Skip&& skip) {
        std::vector<PeerAddress> contested, fresh;
        for (const auto& [address, known] : entries_) {
            if (!known.place || known.dialling || known.next_attempt > now) continue;
            if (known.id && skip(*known.id)) continue;
            if (known.contested) contested.push_back(address);
            if (!known.place->tried) fresh.push_back(address);
        }
        const auto chosen = choose(contested.empty() ? std::move(fresh) : std::move(contested), 1);
        return chosen.empty() ? std::nullopt : std::optional(chosen.front());
    }
    void attempt_started(const PeerAddress& address);
    void attempt_failed(MonoTime now, const PeerAddress& address, const std::string& why);
    // Authenticated. The pause starts afresh only with connection_kept(), or a peer that drops us at once
    // would be dialled every second.
    void attempt_succeeded(Now now, const PeerAddress& address, const PeerId& id, bool shareable);
    void connection_kept(const PeerAddress& address);
    // A feeler found it there, and hangs up.
    void looked_at(MonoTime now, const PeerAddress& address);
    void connection_lost(MonoTime now, const PeerAddress& address, const std::string& why, Duration lasted);
    // Not dialled for ourselves_time, unless it is named again.
    void is_ourselves(MonoTime now, const PeerAddress& address);

    // The peer does not want its addresses to be shared, whatever it said before.
    void keep_secret(const PeerId& id);
    // The peer is connected from this host and says at which port of it others reach it now; 0: at none.
    void reached_at(Now now, const PeerAddress& address, const PeerId& id);

    // Shareable addresses for a peer, chosen at random: of those that it may have, the larger of shared_min
    // and shared_percent, but at most count_max.
    std::vector<PeerAddress> sample(WallTime now, std::size_t count_max, const PeerId& for_peer,
                                    std::string_view peer_host);

    const KnownAddress* find(const PeerAddress& address) const;
    // Whether this peer answered at a configured address.
    bool is_configured(const PeerId& id) const;
    const std::map<PeerAddress, KnownAddress>& entries() const { return entries_; }
    // Addresses that came by each way, all since the start: found_by → number. Ways are few: those of
    // found_by and the strategies'.
    const std::map<std::string, std::uint64_t, std::less<>>& found() const { return found_; }

    // What the peers file keeps: addresses that answered.
    std::vector<PeersFile::Peer> proven() const;
    void restore(MonoTime now, const std::vector<PeersFile::Peer>& peers);

  private:
    using Entries = std::map<PeerAddress, KnownAddress>;
    struct Due {
        std::vector<PeerAddress> anchors, tried, others;
    };
    KnownAddress& entry(const PeerAddress& address, std::string_view found_by);
    void erase(Entries::iterator entry);
    bool make_room(const PeerAddress& address);
    // A new entry in its place of *new*; null if others have a better right to the room.
    KnownAddress* enter(const PeerAddress& address, std::string_view source_group, bool came,
                        std::string_view found_by);
    void move_to_tried(WallTime now, KnownAddress& known);
    void leave_place(KnownAddress& known);
    std::vector<PeerAddress> choose(std::vector<PeerAddress> fit, std::size_t count_max);
    Duration pause_after(unsigned failures) const;
    std::vector<PeerAddress> choose(Due fit, std::size_t count_max);
    void back_off(MonoTime now, KnownAddress& known, const std::string& why);

    Duration retry_pause_max_;
    Random random_;
    Entries entries_;
    AddressBuckets buckets_;
    std::size_t configured_ = 0;
    std::uint64_t last_added_ = 0;
    std::map<std::string, std::uint64_t, std::less<>> found_;
};

}  // namespace peerbook::p2p
