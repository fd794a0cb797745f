// What PeerManager does about the gossip that lives in it.
#include "base/check.h"
#include "p2p/peers/peer_manager.h"

namespace peerbook::p2p {

Gossip* PeerManager::gossip(Now now) {
    if (!options_.local.gossips) return nullptr;
    if (!gossip_) gossip_.emplace(options_.gossip, random_.next(), now.mono);
    return &*gossip_;
}

void PeerManager::gossip_up(Now now, const HandshakeMessage& peer, PeerEffects& out) {
    Gossip* gossip = this->gossip(now);
    if (!gossip) return;
    const PeerHealth* health = records_.find(peer.node);
    gossip::Outputs outputs;
    gossip->peer_up(now, peer.node, peer.can(gossip_capability), health ? health->round_trip() : Duration{},
                    outputs);
    gossip->set_network_size(by_peer_.size() + 1 + nodes_apart_);
    route_gossip(now, std::move(outputs), out);
}

void PeerManager::gossip_down(Now now, const PeerId& peer, PeerEffects& out) {
    if (!gossip_) return;
    gossip::Outputs outputs;
    gossip_->peer_down(now, peer, outputs);
    gossip_->set_network_size(by_peer_.size() + 1 + nodes_apart_);
    route_gossip(now, std::move(outputs), out);
}

void PeerManager::set_nodes_apart(Now now, std::size_t nodes) {
    nodes_apart_ = nodes;
    if (Gossip* gossip = this->gossip(now)) gossip->set_network_size(by_peer_.size() + 1 + nodes_apart_);
}

GossipPolicy PeerManager::gossip_policy() const {
    return gossip_ ? gossip_->policy() : options_.gossip.policy;
}

void PeerManager::publish(Now now, std::uint8_t kind, SharedBytes payload, PeerEffects& out) {
    Gossip* gossip = this->gossip(now);
    PB_CHECK(gossip && gossip->gossips(kind), "only listed kinds are gossiped");
    gossip::Outputs outputs;
    gossip->broadcast(now, kind, std::move(payload), outputs);
    route_gossip(now, std::move(outputs), out);
}

void PeerManager::answer_gossip(Now now, const MessageId& id, bool accept, PeerEffects& out) {
    if (!gossip_) return;
    gossip::Outputs outputs;
    if (accept)
        gossip_->accept(now, id, outputs);
    else
        gossip_->reject(id);
    route_gossip(now, std::move(outputs), out);
}

// What is told about anti-entropy needs nothing here: the application compares with all its peers by itself.
void PeerManager::route_gossip(Now now, gossip::Outputs&& outputs, PeerEffects& out) {
    for (gossip::Output& output : outputs) {
        if (auto* send = std::get_if<gossip::Send>(&output))
            out.push_back(effect::SendToPeer{send->peer, std::move(send->frame)});
        else if (auto* deliver = std::get_if<gossip::Deliver>(&output))
            out.push_back(effect::DeliverGossip{deliver->from, deliver->id, deliver->kind,
                                                std::move(deliver->payload)});
        else if (const auto* violation = std::get_if<gossip::Violation>(&output))
            report_misbehaviour(now, violation->peer, violation->points, violation->why, out);
    }
}

}  // namespace peerbook::p2p
