// What PeerManager does about the relaying that lives in it.
#include <algorithm>

#include "p2p/peers/peer_manager.h"

namespace peerbook::p2p {

Relay* PeerManager::relay(Now now) {
    if (!options_.local.relays) return nullptr;
    if (!relay_) relay_.emplace(options_.local.network, signer_, verifier_, options_.relay_secret, now.mono);
    return &*relay_;
}

void PeerManager::relay_up(Now now, const HandshakeMessage& peer, PeerEffects& out) {
    Relay* relay = this->relay(now);
    if (!relay || std::ranges::find(peer.capabilities, relay_capability) == peer.capabilities.end()) return;
    relay::Outputs outputs;
    relay->peer_up(now, peer.node, outputs);
    route_relayed(now, std::move(outputs), out);
}

void PeerManager::send_sealed(Now now, const PeerId& to, std::uint8_t kind, SharedBytes payload,
                              Duration lifetime, PeerEffects& out) {
    Relay* relay = this->relay(now);
    if (!relay) {
        out.push_back(effect::Undeliverable{to, kind, "this node does not relay"});
        return;
    }
    relay::Outputs outputs;
    relay->send(now, to, kind, std::move(payload), lifetime, outputs);
    route_relayed(now, std::move(outputs), out);
}

void PeerManager::take_relayed(Now now, const PeerId& peer, ByteView frame, PeerEffects& out) {
    relay::Outputs outputs;
    relay_->receive(now, peer, frame, outputs);
    route_relayed(now, std::move(outputs), out);
}

void PeerManager::tend_relay(Now now, PeerEffects& out) {
    if (!relay_) return;
    relay::Outputs outputs;
    relay_->tick(now, outputs);
    route_relayed(now, std::move(outputs), out);
}

void PeerManager::route_relayed(Now now, relay::Outputs&& outputs, PeerEffects& out) {
    for (relay::Output& output : outputs) {
        if (auto* send = std::get_if<relay::Send>(&output))
            out.push_back(effect::SendToPeer{send->peer, std::move(send->frame)});
        else if (auto* deliver = std::get_if<relay::Deliver>(&output))
            out.push_back(effect::DeliverSealed{deliver->from, deliver->kind, std::move(deliver->payload)});
        else if (auto* lost = std::get_if<relay::Undeliverable>(&output))
            out.push_back(effect::Undeliverable{lost->to, lost->kind, std::move(lost->why)});
        else if (const auto* violation = std::get_if<relay::Violation>(&output))
            report_misbehaviour(now, violation->peer, violation->points, violation->why, out);
    }
}

}  // namespace peerbook::p2p
