// What PeerManager does about certificates of the network's authority.
#include "p2p/peers/peer_manager.h"

namespace peerbook::p2p {

Status PeerManager::bind_address(Now now, const Connection& connection) {
    if (!options_.local.authority) return {};
    const NodeCertificate& certificate = *connection.session->certificate();
    // Its own address is this node's, whoever else has a certificate for it.
    const auto own = decode_certificate(options_.local.certificate);
    if (own.ok() && own->email == certificate.email && own->node != certificate.node)
        return Error{ErrorCode::conflict, "the e-mail address of its certificate belongs to this node"};
    return bindings_.bind(certificate, now.wall);
}

void PeerManager::end_expired(Now now, PeerEffects& out) {
    std::vector<ConnectionId> expired;
    for (const auto& [id, connection] : connections_)
        if (connection.registered && connection.session->certificate() &&
            connection.session->certificate()->expires <= now.wall)
            expired.push_back(id);
    for (const ConnectionId id : expired)
        end(now, id, {"its certificate has expired", true}, out);
}

}  // namespace peerbook::p2p
