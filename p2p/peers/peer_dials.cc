// Whom PeerManager dials, and what it does from time to time.
#include <algorithm>

#include "p2p/peers/peer_manager.h"

namespace peerbook::p2p {

bool PeerManager::dial_under_way(const PeerId& peer) const {
    return std::any_of(connections_.begin(), connections_.end(), [&](const auto& entry) {
        if (entry.second.direction != Direction::outbound || entry.second.registered) return false;
        const KnownAddress* known = dialled_at(entry.second);
        return known && known->id == peer;
    });
}

bool PeerManager::needs_no_dial(Now now, const PeerId& peer) const {
    if (connected_directly(peer) || dial_under_way(peer) || is_banned(now, peer)) return true;
    const PeerHealth* health = records_.find(peer);
    return health && !health->allows_attempt(now.mono);
}

void PeerManager::dial_silent(Now now, PeerEffects& out) {
    std::vector<PeerAddress> addresses;
    for (const auto& [id, connection] : connections_) {
        if (!connection.registered || connection.direction != Direction::outbound) continue;
        if (now.mono - connection.session->heard_at() < replaceable_silence) continue;
        const KnownAddress* known = dialled_at(connection);
        if (known && known->next_attempt <= now.mono) addresses.push_back(connection.remote);
    }
    for (const PeerAddress& address : addresses)
        dial(now, address, false, out);
}

std::size_t PeerManager::room_for_dials() const {
    const auto count = static_cast<std::size_t>(
        std::count_if(connections_.begin(), connections_.end(), [](const auto& entry) {
            const Connection& connection = entry.second;
            return (connection.direction == Direction::outbound && !connection.feeler) ||
                   connection.registered;
        }));
    return options_.peers_max > count ? options_.peers_max - count : 0;
}

void PeerManager::dial_due(Now now, PeerEffects& out) {
    const auto skip = [&](const PeerId& id) { return needs_no_dial(now, id); };
    for (const PeerAddress& address : book_.due(now.mono, room_for_dials(), true, skip))
        dial(now, address, false, out);
    const auto outbound =
        static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(), [](const auto& c) {
            return c.second.direction == Direction::outbound && !c.second.feeler && !c.second.carried;
        }));
    const std::size_t wanted = std::max<std::size_t>(options_.outbound_reserved, 1);
    if (outbound < wanted) {
        for (const PeerAddress& address :
             book_.due(now.mono, std::min(room_for_dials(), wanted - outbound), false, skip))
            dial(now, address, false, out);
        return;
    }
    if (!feeler_at_) feeler_at_ = now.mono;
    if (now.mono - *feeler_at_ < feeler_interval) return;
    feeler_at_ = now.mono;
    if (const auto address = book_.feeler(now.mono, skip)) dial(now, *address, true, out);
}

void PeerManager::dial(Now now, const PeerAddress& address, bool feeler, PeerEffects& out) {
    if (const KnownAddress* known = book_.find(address); known && known->id) {
        if (dial_under_way(*known->id)) return;  // of several addresses of one peer, one at a time
        if (PeerHealth* health = records_.find(*known->id)) health->attempt_started(now.mono);
    }
    const ConnectionId id(++last_connection_);
    connections_.emplace(id,
                         Connection{Direction::outbound, address, address, now.mono, {}, false, {}, feeler});
    if (feeler) ++feelers_;
    book_.attempt_started(address);
    out.emplace_back(effect::Dial{id, address});
}

void PeerManager::maintain(Now now, PeerEffects& out) {
    maintained_at_ = now.mono;
    records_.maintain(now.mono);
    end_expired(now, out);
}

// Configured ones need no help: they are dialled in any case.
std::vector<PeerAddress> PeerManager::anchors() const {
    std::vector<std::pair<MonoTime, PeerAddress>> found;
    for (const auto& [id, connection] : connections_) {
        if (!connection.registered || connection.direction != Direction::outbound) continue;
        const KnownAddress* known = dialled_at(connection);
        if (!known || known->configured || !known->seen) continue;
        found.emplace_back(connection.session->authenticated_at(), connection.remote);
    }
    std::sort(found.begin(), found.end());
    if (found.size() > anchors_max) found.resize(anchors_max);
    std::vector<PeerAddress> addresses;
    for (const auto& [since, address] : found)
        addresses.push_back(address);
    return addresses;
}

std::string PeerManager::peers_to_json(Now now) const {
    PeersFile file;
    file.peers = book_.proven();
    const std::vector<PeerAddress> kept = anchors();
    for (PeersFile::Peer& peer : file.peers)
        peer.anchor = std::find(kept.begin(), kept.end(), peer.address) != kept.end();
    file.bans = scores_.bans(now.wall);
    for (const auto& [peer, health] : records_.all())
        file.records.push_back({peer, health.since(), health.successes(), health.failures(),
                                std::max(scores_.score(now.mono, peer), ban_score), now.wall});
    return write_peers_file(file);
}

Status PeerManager::load_peers_json(Now now, std::string_view text, bool own) {
    Result<PeersFile> file = parse_peers_file(text);
    if (!file) return file.error();
    if (!own)
        for (PeersFile::Peer& peer : file->peers)
            peer.anchor = false;
    book_.restore(now.mono, file->peers);
    for (const PeerScores::Ban& ban : file->bans) {
        if (ban.until <= now.wall) continue;
        scores_.restore(ban);
    }
    if (!own) return {};  // how another node was served says little about how this one will be
    for (const PeersFile::Record& record : file->records) {
        scores_.restore(now, record.id, record.reputation, record.at);
        records_.of(now, record.id).restore(record.since, record.successes, record.failures);
    }
    return {};
}

}  // namespace peerbook::p2p
