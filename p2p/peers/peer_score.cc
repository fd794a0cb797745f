#include "p2p/peers/peer_score.h"

#include <algorithm>
#include <utility>

#include "p2p/peers/peer_address.h"

namespace peerbook::p2p {

int PeerScores::healed(const Score& score, MonoTime now) {
    if (now <= score.at) return score.points;
    const std::int64_t healed = (now - score.at).ns / score_heals_every.ns;
    return healed >= -std::int64_t{score.points} ? 0 : score.points + static_cast<int>(healed);
}

template <typename Key>
PeerScores::Score& PeerScores::charge(std::map<Key, Score>& table, Now now, const Key& key, int points) {
    if (!table.contains(key) && table.size() >= scored_max) {
        // Whoever fills the table with new names pushes out the most innocent, never a ban that lasts while
        // anything else is there.
        const auto badness = [now](const Score& score) {
            if (score.banned_until && now.wall < *score.banned_until)
                return std::pair(1, score.banned_until->ms);
            if (score.stranger_banned_until && now.mono < *score.stranger_banned_until)
                return std::pair(1, score.stranger_banned_until->ns);
            return std::pair(0, std::int64_t{-healed(score, now.mono)});
        };
        table.erase(std::min_element(table.begin(), table.end(), [&](const auto& a, const auto& b) {
            return badness(a.second) < badness(b.second);
        }));
    }
    Score& score = table[key];
    score.points = std::max(healed(score, now.mono) - std::clamp(points, 0, 1000), -1000);
    score.at = now.mono;
    return score;
}

bool PeerScores::penalise(Now now, const PeerId& peer, int points, bool configured) {
    if (points <= 0) return false;
    Score& score = charge(peers_, now, peer, points);
    if (score.points > ban_score) return false;
    score.points = 0;
    if (!configured) score.banned_until = WallTime{now.wall.ms + ban_time.ms()};
    return true;
}

bool PeerScores::penalise_stranger(Now now, const std::string& host, int points) {
    if (points <= 0 || is_loopback_host(host)) return false;
    Score& score = charge(strangers_, now, host, points);
    if (score.points > ban_score) return false;
    score.points = 0;
    score.stranger_banned_until = now.mono + stranger_ban_time;
    return true;
}

bool PeerScores::banned(WallTime now, const PeerId& peer) const {
    const auto found = peers_.find(peer);
    return found != peers_.end() && found->second.banned_until && now < *found->second.banned_until;
}

bool PeerScores::stranger_banned(MonoTime now, const std::string& host) const {
    const auto found = strangers_.find(host);
    return found != strangers_.end() && found->second.stranger_banned_until &&
           now < *found->second.stranger_banned_until;
}

int PeerScores::score(MonoTime now, const PeerId& peer) const {
    const auto found = peers_.find(peer);
    return found == peers_.end() ? 0 : healed(found->second, now);
}

std::vector<PeerScores::Ban> PeerScores::bans(WallTime now) const {
    std::vector<Ban> bans;
    for (const auto& [peer, score] : peers_)
        if (score.banned_until && now < *score.banned_until) bans.push_back({peer, *score.banned_until});
    return bans;
}

void PeerScores::restore(const Ban& ban) {
    if (peers_.size() < scored_max) peers_[ban.peer].banned_until = ban.until;
}

}  // namespace peerbook::p2p
