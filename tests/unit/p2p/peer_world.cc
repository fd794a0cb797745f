#include "tests/unit/p2p/peer_world.h"

#include "base/hash.h"

namespace peerbook::p2p {

KeySeed seed_of(std::uint8_t number) {
    KeySeed seed;
    seed.data.fill(number);
    return seed;
}

Digest named_digest(std::string_view name) {
    return hash_of("test", as_bytes(name));
}

SharedBytes shared_text(std::string_view text) {
    const ByteView bytes = as_bytes(text);
    return SharedBytes(Bytes(bytes.begin(), bytes.end()));
}

bool PeerWorld::Node::noted(std::string_view part) const {
    for (const std::string& note : notes)
        if (note.find(part) != std::string::npos) return true;
    return false;
}

PeerManagerOptions PeerWorld::options() {
    PeerManagerOptions made;
    made.local.network = named_digest("network");
    made.local.ledger = named_digest("ledger");
    made.local.agent = "test";
    made.local.listen_port = 3000;
    return made;
}

PeerWorld::Node& PeerWorld::add(std::uint8_t number, PeerManagerOptions options, std::string host) {
    auto node = std::make_unique<Node>();
    node->host = host.empty() ? "10.0.0." + std::to_string(number) : host;
    node->signer = make_ed25519_signer(seed_of(number));
    options.seed = number;
    options.sender_start = number;
    options.relay_secret = seed_of(static_cast<std::uint8_t>(100 + number));
    node->manager = std::make_unique<PeerManager>(options, *node->signer, verifier_);
    return *nodes_.emplace(node->host, std::move(node)).first->second;
}

void PeerWorld::remove(Node& node) {
    sever(node);
    nodes_.erase(std::string(node.host));
}

Now PeerWorld::now(const Node& node) const {
    return {MonoTime{elapsed_.ns}, WallTime{1'700'000'000'000 + elapsed_.ms() + node.clock_error.ms()}};
}

void PeerWorld::settle() {
    while (!in_flight_.empty()) {
        const InFlight flying = std::move(in_flight_.front());
        in_flight_.pop_front();
        const auto wire = wires_.find(flying.wire);
        if (wire == wires_.end()) continue;
        const End end = wire->second.ends[flying.to];
        PeerEffects effects;
        if (flying.payload.empty()) {
            wires_.erase(wire);
            end.node->wires.erase(end.id);
            end.node->manager->connection_closed(now(*end.node), end.id, "closed by the peer", effects);
        } else {
            end.node->manager->frame(now(*end.node), end.id, flying.payload, effects);
        }
        perform(*end.node, std::move(effects));
    }
}

void PeerWorld::advance(Duration span) {
    const Duration until = elapsed_ + span;
    do {
        for (auto& [host, node] : nodes_) {
            PeerEffects effects;
            node->manager->tick(now(*node), effects);
            perform(*node, std::move(effects));
        }
        settle();
        elapsed_ = elapsed_ + Duration::milliseconds(200);
    } while (elapsed_ < until);
}

void PeerWorld::perform(Node& node, PeerEffects&& effects) {
    for (PeerEffect& effect : effects) {
        if (auto* what = std::get_if<effect::Dial>(&effect)) dial(node, *what);
        if (auto* what = std::get_if<effect::Send>(&effect)) send(node, what->connection, what->payload);
        if (auto* what = std::get_if<effect::SendToPeer>(&effect)) {
            for (const auto& [id, wire_id] : node.wires) {
                const Wire& wire = wires_.at(wire_id);
                const int other = wire.ends[0].node == &node && wire.ends[0].id == id ? 1 : 0;
                if (wire.ends[other].node->id() == what->peer) send(node, id, what->payload);
            }
        }
        if (auto* what = std::get_if<effect::Close>(&effect)) hang_up(node, what->connection);
        if (std::holds_alternative<effect::Connected>(effect)) ++node.connected;
        if (std::holds_alternative<effect::Disconnected>(effect)) ++node.disconnected;
        if (auto* what = std::get_if<effect::Deliver>(&effect))
            node.payloads.push_back({what->peer, what->kind, std::string(as_text(what->payload))});
        if (auto* what = std::get_if<effect::DeliverGossip>(&effect)) {
            node.gossip.push_back({what->peer, what->kind, std::string(as_text(what->payload.view()))});
            if (node.answer == Node::Answer::none) continue;
            PeerEffects more;
            node.manager->answer_gossip(now(node), what->id, node.answer == Node::Answer::accept, more);
            perform(node, std::move(more));
        }
        if (auto* what = std::get_if<effect::DeliverSealed>(&effect))
            node.sealed.push_back({what->from, what->kind, std::string(as_text(what->payload.view()))});
        if (auto* what = std::get_if<effect::Undeliverable>(&effect)) node.undeliverable.push_back(what->why);
        if (auto* what = std::get_if<effect::Note>(&effect)) node.notes.push_back(what->text);
    }
}

void PeerWorld::dial(Node& node, const effect::Dial& dial) {
    node.dials.push_back(dial.address);
    if (black_holes_.contains(dial.address.host)) return;
    const auto other_host = other_hosts_.find(dial.address.host);
    const auto target =
        nodes_.find(other_host == other_hosts_.end() ? dial.address.host : other_host->second);
    PeerEffects effects;
    std::optional<ConnectionId> accepted;
    if (target != nodes_.end() && dial.carried && target->second->carries)
        accepted = target->second->manager->admit(now(*target->second), {node.host, 0}, effects, true);
    else if (target != nodes_.end() && !dial.carried && target->second->reachable && node.reachable)
        accepted = target->second->manager->admit(now(*target->second), {node.host, 40000}, effects);
    if (!accepted) {
        node.manager->connection_closed(now(node), dial.connection, "cannot connect", effects);
        return perform(node, std::move(effects));
    }
    Node& other = *target->second;
    const std::uint64_t wire = ++last_wire_;
    wires_[wire] = {{{&node, dial.connection}, {&other, *accepted}}, false};
    node.wires[dial.connection] = wire;
    other.wires[*accepted] = wire;
    Challenge challenge;
    challenge.data[0] = static_cast<std::uint8_t>(++last_challenge_);
    const Digest exporter = named_digest("wire " + std::to_string(wire));
    const Digest ours = named_digest(node.host), theirs = named_digest(other.host);
    node.manager->channel_ready(now(node), dial.connection, dial.address, {ours, theirs, exporter}, challenge,
                                effects);
    perform(node, std::exchange(effects, {}));
    challenge.data[1] = 1;
    const std::uint16_t port = dial.carried ? 0 : 40000;
    other.manager->channel_ready(now(other), *accepted, {node.host, port}, {theirs, ours, exporter},
                                 challenge, effects);
    perform(other, std::move(effects));
}

void PeerWorld::send(Node& node, ConnectionId id, const OutgoingPayload& payload) {
    const auto found = node.wires.find(id);
    if (found == node.wires.end()) return;
    const Wire& wire = wires_.at(found->second);
    if (wire.is_cut) return;
    Bytes bytes(payload.head.begin(), payload.head.begin() + payload.head_size);
    const ByteView body = payload.body.view();
    bytes.insert(bytes.end(), body.begin(), body.end());
    const int to = wire.ends[0].node == &node && wire.ends[0].id == id ? 1 : 0;
    for (const Lost& lost : lost_)
        if (lost.from == &node && lost.to == wire.ends[to].node &&
            as_text(bytes).find(lost.part) != std::string_view::npos)
            return;
    in_flight_.push_back({found->second, to, std::move(bytes)});
}

void PeerWorld::hang_up(Node& node, ConnectionId id) {
    const auto found = node.wires.find(id);
    if (found == node.wires.end()) return;
    const Wire& wire = wires_.at(found->second);
    const int to = wire.ends[0].node == &node && wire.ends[0].id == id ? 1 : 0;
    if (!wire.is_cut) in_flight_.push_back({found->second, to, {}});
    node.wires.erase(found);
}

void PeerWorld::cut(Node& a, Node& b) {
    for (auto& [id, wire] : wires_)
        if ((wire.ends[0].node == &a && wire.ends[1].node == &b) ||
            (wire.ends[0].node == &b && wire.ends[1].node == &a))
            wire.is_cut = true;
}

void PeerWorld::sever(Node& node) {
    const auto wires = node.wires;
    for (const auto& [id, wire] : wires) {
        hang_up(node, id);
        PeerEffects effects;
        node.manager->connection_closed(now(node), id, "severed", effects);
        perform(node, std::move(effects));
    }
    settle();
}

void PeerWorld::inject(Node& from, Node& to, const Bytes& payload) {
    for (const auto& [id, wire_id] : to.wires) {
        const Wire& wire = wires_.at(wire_id);
        const int end = wire.ends[0].node == &to && wire.ends[0].id == id ? 0 : 1;
        if (wire.ends[1 - end].node != &from) continue;
        in_flight_.push_back({wire_id, end, payload});
        break;
    }
    settle();
}

void PeerWorld::report(Node& node, const PeerId& peer, int points) {
    PeerEffects effects;
    node.manager->report_misbehaviour(now(node), peer, points, "broke a rule", effects);
    perform(node, std::move(effects));
    settle();
}

void PeerWorld::send_reliably(Node& node, const PeerId& peer, std::string_view text) {
    PeerEffects effects;
    node.manager->send_reliably(now(node), peer, 0x90, shared_text(text), effects);
    perform(node, std::move(effects));
    settle();
}

void PeerWorld::send_sealed(Node& node, const PeerId& to, std::string_view text, Duration lifetime) {
    PeerEffects effects;
    node.manager->send_sealed(now(node), to, 0x90, shared_text(text), lifetime, effects);
    perform(node, std::move(effects));
    settle();
}

void PeerWorld::publish(Node& node, std::uint8_t kind, std::string_view text) {
    PeerEffects effects;
    node.manager->publish(now(node), kind, shared_text(text), effects);
    perform(node, std::move(effects));
    settle();
}

void PeerWorld::disconnect(Node& node, const PeerId& peer) {
    PeerEffects effects;
    const Status status = node.manager->disconnect(now(node), peer, effects);
    PB_CHECK(status.ok(), "the peer to disconnect is connected");
    perform(node, std::move(effects));
    settle();
}

void PeerWorld::set_broadcast(Node& node, bool broadcast) {
    PeerEffects effects;
    node.manager->set_broadcast(now(node), broadcast, broadcast, effects);
    perform(node, std::move(effects));
}

void PeerWorld::ban(Node& node, const PeerId& peer, Duration time) {
    PeerEffects effects;
    node.manager->ban(now(node), peer, time, effects);
    perform(node, std::move(effects));
    settle();
}

std::optional<ConnectionId> PeerWorld::stranger(Node& node, const std::string& host) {
    PeerEffects effects;
    const auto id = node.manager->admit(now(node), {host, 50000}, effects);
    perform(node, std::move(effects));
    return id;
}

void PeerWorld::bad_frame(Node& node, ConnectionId id) {
    PeerEffects effects;
    node.manager->bad_frame(now(node), id, "not a frame", effects);
    perform(node, std::move(effects));
}

bool meet(const PeerWorld::Node& a, const PeerWorld::Node& b) {
    return a.manager->connected(b.id()) && b.manager->connected(a.id());
}

PeerInfo info_of(PeerWorld& world, PeerWorld::Node& node, const PeerId& peer) {
    for (const PeerInfo& info : node.manager->peers(world.now(node)))
        if (info.id == peer) return info;
    return {};
}

std::string last_error_at(PeerWorld& world, PeerWorld::Node& node, const PeerAddress& address) {
    for (const PeerInfo& info : node.manager->peers(world.now(node)))
        if (info.address == to_string(address)) return info.last_error;
    return "no such address";
}

PeerManagerOptions silent_options() {
    PeerManagerOptions options = PeerWorld::options();
    options.local.broadcast = false;
    return options;
}

PeerManagerOptions gossip_options(GossipPolicy policy) {
    PeerManagerOptions options = silent_options();
    options.gossip.policy = policy;
    options.gossip.kinds[block_like] = {true, false, true, false, false};
    options.gossip.kinds[critical_kind] = {true, true, false, false, false};
    options.gossip.kinds[relayed_kind] = {true, false, false, false, true};
    return options;
}

}  // namespace peerbook::p2p
