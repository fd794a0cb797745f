// What PeerManager tells people of its peers, and what its operator does to them.
#include <algorithm>
#include <set>

#include "p2p/peers/peer_manager.h"

namespace peerbook::p2p {

namespace {

constexpr const char* refused_by_operator = "banned by its operator";

}  // namespace

void PeerManager::add_record(Now now, const PeerId& peer, PeerInfo& info) const {
    info.reputation = scores_.score(now.mono, peer);
    if (const auto ban = scores_.ban_of(now.wall, peer)) info.banned_until = ban->until;
    info.breaker = to_string(BreakerState::closed);
    const PeerHealth* health = records_.find(peer);
    if (!health) return;
    info.availability = health->availability(now.mono);
    info.performance = health->performance();
    info.health = health->health(now.wall);
    info.successes = health->successes();
    info.failures = health->failures();
    info.failures_in_row = health->failures_in_row();
    info.breaker = to_string(health->breaker(now.mono));
    info.since = health->since();
    if (info.round_trip == Duration{}) info.round_trip = health->round_trip();
}

PeerInfo PeerManager::describe(Now now, const Connection& connection) const {
    PeerInfo info;
    info.address = p2p::to_string(connection.remote);
    info.outbound = connection.direction == Direction::outbound;
    info.last_error = connection.last_error;
    info.state = "connecting";
    info.found_by = connection.found_by;
    info.carried = connection.carried;
    if (const KnownAddress* known = dialled_at(connection)) {
        info.configured = known->configured;
        if (info.found_by.empty()) info.found_by = known->found_by;
        info.seen = known->seen;
        if (known->id) info.id = *known->id;
        if (info.last_error.empty()) info.last_error = known->last_error;
    }
    if (!connection.registered) {
        if (!info.id.is_zero()) add_record(now, info.id, info);
        return info;
    }
    const HandshakeMessage& peer = *connection.session->peer();
    info.id = peer.node;
    info.configured = book_.is_configured(peer.node);
    info.state = connection.session->state() == PeerSession::State::stale ? "stale" : "connected";
    info.agent = peer.agent;
    info.version = peer.version;
    info.ledger = peer.ledger;
    info.round_trip = connection.session->round_trip();
    info.connected_for = now.mono - connection.session->authenticated_at();
    add_record(now, peer.node, info);
    return info;
}

std::vector<PeerInfo> PeerManager::peers(Now now) const {
    std::vector<PeerInfo> infos;
    std::set<PeerAddress> listed;
    std::set<PeerId> named;
    for (const auto& [id, connection] : connections_) {
        if (connection.direction == Direction::inbound && !connection.registered) continue;
        if (connection.dial_back) continue;
        infos.push_back(describe(now, connection));
        listed.insert(connection.remote);
        named.insert(infos.back().id);
    }
    for (const auto& [address, known] : book_.entries()) {
        if (listed.contains(address) || (known.id && connected(*known.id))) continue;
        if (!known.configured && !known.seen && !known.came) continue;  // only rumours so far
        PeerInfo info;
        if (known.id) info.id = *known.id;
        info.address = p2p::to_string(address);
        info.outbound = true;  // as it would be dialled
        info.configured = known.configured;
        info.found_by = known.found_by;
        info.seen = known.seen;
        info.state = "disconnected";
        info.last_error = known.last_error;
        MonoTime retry = known.next_attempt;
        if (known.id) {
            add_record(now, *known.id, info);
            if (is_banned(now, *known.id)) info.state = "banned";
            if (const PeerHealth* health = records_.find(*known.id);
                health && health->breaker(now.mono) == BreakerState::open)
                retry = std::max(retry, health->retry_at());
            named.insert(*known.id);
        }
        if (info.state != "banned") info.retry_in = std::max(retry - now.mono, Duration{});
        infos.push_back(std::move(info));
    }
    for (const PeerScores::Ban& ban : scores_.bans(now.wall)) {
        if (named.contains(ban.peer)) continue;
        PeerInfo info;
        info.id = ban.peer;
        info.state = "banned";
        add_record(now, ban.peer, info);
        infos.push_back(std::move(info));
    }
    return infos;
}

std::map<std::string, PeerManager::FoundBy, std::less<>> PeerManager::found_by_way() const {
    std::map<std::string, FoundBy, std::less<>> ways;
    for (const auto& [way, count] : book_.found())
        ways[way].addresses = count;
    for (const auto& [id, connection] : connections_)
        if (connection.registered) ++ways[connection.found_by].connected;
    return ways;
}

void PeerManager::ban(Now now, const PeerId& peer, Duration time, PeerEffects& out) {
    scores_.ban(now, peer, time);
    ++bans_;
    if (const auto found = by_peer_.find(peer); found != by_peer_.end())
        end(now, found->second, {refused_by_operator, true}, out);
}

Status PeerManager::unban(Now now, const PeerId& peer) {
    if (!scores_.unban(now.wall, peer))
        return Error{ErrorCode::not_found, "peer " + to_hex(peer) + " is not banned"};
    return {};
}

}  // namespace peerbook::p2p
