// What PeerManager does about connections that are carried by other means than TCP.
#include "p2p/peers/ip_address.h"
#include "p2p/peers/peer_manager.h"

namespace peerbook::p2p {

const KnownAddress* PeerManager::dialled_at(const Connection& connection) const {
    return connection.carried ? nullptr : book_.find(connection.remote);
}

bool PeerManager::connected_directly(const PeerId& peer) const {
    const auto found = by_peer_.find(peer);
    return found != by_peer_.end() && !connections_.at(found->second).carried;
}

void PeerManager::note_listening(Now now, const Connection& connection) {
    const HandshakeMessage& peer = *connection.session->peer();
    if (!peer.broadcast || peer.port == 0) return;
    if (connection.direction == Direction::inbound || connection.carried)
        book_.observed(now, {connection.remote.host, peer.port}, peer.node, true);
    // Dialled by name: others take only literals.
    else if (!parse_ip(connection.remote.host) && parse_ip(connection.endpoint.host))
        book_.observed(now, connection.endpoint, peer.node, true);
}

// The circuit breaker is not asked: direct dials that fail are why there is a carrier, which has pauses of
// its own.
void PeerManager::dial_carried(Now now, PeerEffects& out) {
    std::size_t under_way = 0;
    for (const auto& [id, connection] : connections_)
        if (connection.carried && connection.direction == Direction::outbound && !connection.registered)
            ++under_way;
    const std::size_t room =
        under_way < carried_dials_at_once ? std::min(carried_dials_at_once - under_way, room_for_dials()) : 0;
    const auto is_met = [&](const PeerId& peer) { return connected(peer) || is_banned(now, peer); };
    for (const PeerAddress& address : carried_.due(now.mono, room, is_met)) {
        carried_.started(address);
        const ConnectionId id(++last_connection_);
        Connection connection{Direction::outbound, address, address, now.mono, {}, false, {}};
        connection.carried = true;
        connections_.emplace(id, std::move(connection));
        out.emplace_back(effect::Dial{id, address, true});
    }
}

// After one that said who is there, or lasted, the next is not held back.
void PeerManager::carried_ended(Now now, const Connection& connection, bool is_duplicate) {
    if (!connection.carried || connection.direction != Direction::outbound) return;
    const bool lasted =
        connection.registered && now.mono - connection.session->authenticated_at() >= worked_after;
    carried_.ended(now.mono, connection.remote, !is_duplicate && !lasted);
}

}  // namespace peerbook::p2p
