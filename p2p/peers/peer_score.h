// Misbehaviour of peers, and bans. A score starts at 0 and falls; at −50 the peer is banned for 24 h. One
// point heals every 10 min, so that rare time-outs of an honest peer never add up. Configured peers are never
// banned: reaching −50 only drops them and starts their score afresh. The operator may ban anybody, for any
// time.
//
// Strangers, who have no id yet, are scored by network address; loopback is exempt (one machine, many nodes),
// and their bans last 10 min, because an address may be shared.
//
// Both tables are bounded; when full, the entry nearest to innocence makes room, and if all are banned, the
// ban that ends first. Pure, not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

inline constexpr int penalty_timeout = 1;
inline constexpr int penalty_flood = 1;  // each control message above the peer's rate
inline constexpr int penalty_frame = 5;
inline constexpr int penalty_protocol = 10;
inline constexpr int penalty_signature = 20;
inline constexpr int ban_score = -50;
inline constexpr Duration ban_time = Duration::seconds(24 * 3600);
inline constexpr Duration stranger_ban_time = Duration::seconds(600);
inline constexpr Duration score_heals_every = Duration::seconds(600);
inline constexpr std::size_t scored_max = 4096;  // entries of each table

class PeerScores {
  public:
    struct Ban {
        PeerId peer;
        WallTime until;
        bool by_operator = false;  // holds for configured peers, too
    };

    // True if this brought the peer to the ban score: the caller drops it. It is banned unless configured.
    bool penalise(Now now, const PeerId& peer, int points, bool configured);
    bool penalise_stranger(Now now, const std::string& host, int points);

    bool banned(WallTime now, const PeerId& peer, bool configured = false) const;
    std::optional<Ban> ban_of(WallTime now, const PeerId& peer) const;
    // By the operator.
    void ban(Now now, const PeerId& peer, Duration time);
    // Ends the ban and forgives everything. False if there is none.
    bool unban(WallTime now, const PeerId& peer);
    bool stranger_banned(MonoTime now, const std::string& host) const;
    int score(MonoTime now, const PeerId& peer) const;

    // For persistence, in order of the ids.
    std::vector<Ban> bans(WallTime now) const;
    void restore(const Ban& ban);
    // Points of an earlier start, healed meanwhile.
    void restore(Now now, const PeerId& peer, int points, WallTime at);
    std::vector<PeerId> scored() const;

  private:
    struct Score {
        int points = 0;  // ≤ 0
        MonoTime at;
        std::optional<WallTime> banned_until;
        bool by_operator = false;
        std::optional<MonoTime> stranger_banned_until;
    };
    static int healed(const Score& score, MonoTime now);
    template <typename Key>
    static Score& charge(std::map<Key, Score>& table, Now now, const Key& key, int points);

    std::map<PeerId, Score> peers_;
    std::map<std::string, Score> strangers_;
};

}  // namespace peerbook::p2p
