// What PeerManager does about the way in from the internet: what peers are told of it, and dial-backs.
#include <algorithm>

#include "p2p/peers/ip_address.h"
#include "p2p/peers/peer_manager.h"

namespace peerbook::p2p {

namespace {

bool is_global(const std::string& host) {
    const auto ip = parse_ip(host);
    return ip && scope_of(*ip) == IpScope::global;
}

void note(PeerEffects& out, std::string text) {
    out.emplace_back(effect::Note{NoteLevel::info, std::move(text)});
}

bool dials_back(const HandshakeMessage& peer) {
    return peer.can(reach_capability);
}

}  // namespace

std::uint16_t PeerManager::port_from_outside() const {
    return mapping_ ? mapping_->external_port : options_.local.listen_port;
}

std::uint16_t PeerManager::outside_port() const {
    const bool is_shut = reachability_ && reachability_->reach() == Reach::unreachable;
    return options_.local.broadcast && !is_shut ? port_from_outside() : std::uint16_t{0};
}

std::uint16_t PeerManager::port_told_to(const PeerAddress& peer) const {
    if (!options_.local.broadcast) return 0;
    return is_global(peer.host) ? outside_port() : options_.local.listen_port;
}

ConnectionClaim PeerManager::claim_for(const Connection& connection) const {
    ConnectionClaim here;
    here.port = port_told_to(connection.endpoint);
    here.look = connection.feeler;
    // Where it is carried to says nothing of where the peer is seen.
    if (options_.local.dials_back && !connection.carried && connection.endpoint.port != 0 &&
        parse_ip(connection.endpoint.host))
        here.seen = connection.endpoint;
    return here;
}

bool PeerManager::came_from_outside(const Connection& connection) const {
    const auto& seen = connection.session->peer()->seen;
    return connection.direction == Direction::inbound && !connection.carried && seen &&
           is_seen_from_outside({connection.remote.host, seen->host});
}

void PeerManager::set_broadcast(Now now, bool broadcast, bool checks_reach, PeerEffects& out) {
    options_.local.broadcast = broadcast;
    options_.checks_reach = checks_reach;
    if (reachability_) reachability_->changed(now.mono);
    if (directory_) {
        Directory::Outputs outputs;
        directory_->set_broadcast(now, broadcast, outputs);
        route_directory(now, std::move(outputs), out);
    }
    tend_reach(now, out);  // at once: address exchanges go on meanwhile
}

void PeerManager::set_mapping(Now now, std::optional<PortMapping> mapping) {
    const bool same =
        mapping_.has_value() == mapping.has_value() && (!mapping || leads_alike(*mapping, *mapping_));
    mapping_ = std::move(mapping);
    if (!same && reachability_) reachability_->changed(now.mono);
}

void PeerManager::say(Now now, ConnectionId id, ControlBody body, PeerEffects& out) {
    out.emplace_back(effect::Send{id, connections_.at(id).session->say(now, std::move(body))});
}

void PeerManager::take_reach_messages(Now now, ConnectionId id, const SessionOutput& output,
                                      PeerEffects& out) {
    const Connection& connection = connections_.at(id);
    if (!connection.registered) return;
    const HandshakeMessage& peer = *connection.session->peer();
    if (output.dial_back) dial_back(now, id, output.dial_back->port, out);
    if (output.dial_back_answer && reachability_) {
        using Result = DialBackAnswer::Result;
        const Result result = output.dial_back_answer->result;
        const bool is_current = output.dial_back_answer->port == port_from_outside();
        reachability_->answered(now, peer.node,
                                !is_current                     ? Reachability::Answer::refused
                                : result == Result::reachable   ? Reachability::Answer::reachable
                                : result == Result::unreachable ? Reachability::Answer::unreachable
                                                                : Reachability::Answer::refused);
    }
    // Also of who did not broadcast before: that it names a port means that it does now.
    if (output.reached_at) take_reached_at(now, id, output.reached_at->port);
}

void PeerManager::take_reached_at(Now now, ConnectionId id, std::uint16_t port) {
    Connection& connection = connections_.at(id);
    const std::string host = connection.endpoint.host;
    connection.claimed_port = port;
    book_.reached_at(now, {host, port}, connection.session->peer()->node);
    // Nodes behind one gateway may have claimed one port of it, before they knew better.
    for (const auto& [other, neighbour] : connections_)
        if (other != id && neighbour.registered && neighbour.direction == Direction::inbound &&
            neighbour.endpoint.host == host && neighbour.claimed_port != 0)
            book_.observed(now, {host, neighbour.claimed_port}, neighbour.session->peer()->node, true);
}

void PeerManager::dial_back(Now now, ConnectionId id, std::uint16_t port, PeerEffects& out) {
    const Connection& asking = connections_.at(id);
    const PeerId asker = asking.session->peer()->node;
    const auto under_way = std::count_if(connections_.begin(), connections_.end(), [](const auto& entry) {
        return entry.second.dial_back.has_value();
    });
    if (!dial_back_limits_) dial_back_limits_.emplace(now.mono);
    if (!options_.local.dials_back ||
        !dial_back_limits_->take(now.mono, asker, asking.endpoint.host, static_cast<std::size_t>(under_way)))
        return say(now, id, DialBackAnswer{port, DialBackAnswer::Result::refused}, out);
    const PeerAddress address{asking.endpoint.host, port};
    const ConnectionId dialled(++last_connection_);
    Connection connection{Direction::outbound, address, address, now.mono, {}, false, {}, true};
    connection.dial_back = DialBackTask{asker};
    connections_.emplace(dialled, std::move(connection));
    out.emplace_back(effect::Dial{dialled, address});
}

void PeerManager::answer_dial_back(Now now, const Connection& dialled, PeerEffects& out) {
    const auto asker = by_peer_.find(dialled.dial_back->asker);
    if (asker == by_peer_.end() || stopped_) return;
    say(now, asker->second,
        DialBackAnswer{dialled.remote.port, dialled.dial_back->met ? DialBackAnswer::Result::reachable
                                                                   : DialBackAnswer::Result::unreachable},
        out);
}

std::vector<Reachability::Candidate> PeerManager::reach_candidates() const {
    std::vector<Reachability::Candidate> candidates;
    for (const auto& [peer, id] : by_peer_) {
        const Connection& connection = connections_.at(id);
        const HandshakeMessage& claim = *connection.session->peer();
        if (dials_back(claim) && claim.seen &&
            is_seen_from_outside({connection.endpoint.host, claim.seen->host}))
            candidates.push_back({peer, group_key(connection.endpoint.host)});
    }
    return candidates;
}

void PeerManager::tend_reach(Now now, PeerEffects& out) {
    if (options_.checks_reach && options_.local.broadcast && options_.local.dials_back) {
        if (!reachability_) reachability_.emplace(now.mono);
        if (reachability_->due(now))
            if (const auto peer = reachability_->ask(now, reach_candidates()))
                say(now, by_peer_.at(*peer), DialBack{port_from_outside()}, out);
        const Reach reach = reachability_->reach();
        if (reach != noted_reach_ && reach != Reach::unknown)
            note(out, (reach == Reach::reachable ? "reachable" : "not reachable") +
                          std::string(" from the internet port=") + std::to_string(port_from_outside()) +
                          (reach == Reach::reachable ? ""
                                                     : ": peers dialled it in vain; it dials out, and others "
                                                       "hear it through peers that both have"));
        noted_reach_ = reach;
    }
    for (auto& [id, connection] : connections_) {
        if (!connection.registered || !dials_back(*connection.session->peer())) continue;
        const std::uint16_t port = port_told_to(connection.endpoint);
        if (port == connection.told_port) continue;
        connection.told_port = port;
        say(now, id, ReachedAt{port}, out);
    }
}

NatInfo PeerManager::nat_info() const {
    NatInfo info;
    std::vector<SeenAddress> reports;
    for (const auto& [peer, id] : by_peer_) {
        const Connection& connection = connections_.at(id);
        if (const auto& seen = connection.session->peer()->seen)
            reports.push_back({connection.endpoint.host, seen->host});
    }
    if (const auto agreed = agreed_address(reports)) {
        info.seen_host = p2p::to_string(agreed->address);
        info.seen_by = agreed->networks;
    }
    if (reachability_) {
        info.reach = reachability_->reach();
        info.reach_since = reachability_->since();
        info.last_proof = reachability_->last_proof();
        info.asked = reachability_->asked();
    }
    if (dial_back_limits_) {
        info.dialled_back = dial_back_limits_->taken();
        info.dial_backs_refused = dial_back_limits_->refused();
    }
    info.told_port = outside_port();
    return info;
}

}  // namespace peerbook::p2p
