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
    const WallTime until{now.wall.ms + ban_time.ms()};
    if (!configured && (!score.banned_until || *score.banned_until < until)) {
        score.banned_until = until;
        score.by_operator = false;
    }
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

bool PeerScores::banned(WallTime now, const PeerId& peer, bool configured) const {
    const auto ban = ban_of(now, peer);
    return ban && (ban->by_operator || !configured);
}

std::optional<PeerScores::Ban> PeerScores::ban_of(WallTime now, const PeerId& peer) const {
    const auto found = peers_.find(peer);
    if (found == peers_.end() || !found->second.banned_until || *found->second.banned_until <= now)
        return std::nullopt;
    return Ban{peer, *found->second.banned_until, found->second.by_operator};
}

void PeerScores::ban(Now now, const PeerId& peer, Duration time) {
    Score& score = charge(peers_, now, peer, 0);
    score.banned_until = WallTime{now.wall.ms + time.ms()};
    score.by_operator = true;
}

bool PeerScores::unban(WallTime now, const PeerId& peer) {
    if (!ban_of(now, peer)) return false;
    peers_.erase(peer);
    return true;
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
        if (const auto ban = ban_of(now, peer)) bans.push_back(*ban);
    return bans;
}

void PeerScores::restore(const Ban& ban) {
    if (!peers_.contains(ban.peer) && peers_.size() >= scored_max) return;
    Score& score = peers_[ban.peer];
    score.banned_until = ban.until;
    score.by_operator = ban.by_operator;
}

void PeerScores::restore(Now now, const PeerId& peer, int points, WallTime at) {
    if (points >= 0 || (!peers_.contains(peer) && peers_.size() >= scored_max)) return;
    const std::int64_t healed = std::max<std::int64_t>(now.wall.ms - at.ms, 0) / score_heals_every.ms();
    if (healed >= -std::int64_t{points}) return;
    Score& score = peers_[peer];
    score.points = std::max(points + static_cast<int>(healed), ban_score + 1);
    score.at = now.mono;
}

std::vector<PeerId> PeerScores::scored() const {
    std::vector<PeerId> ids;
    for (const auto& [peer, score] : peers_)
        ids.push_back(peer);
    return ids;
}

}  // namespace peerbook::p2p
