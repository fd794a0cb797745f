#include "p2p/peers/peer_manager.h"

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

namespace {

constexpr Duration route_interval = Duration::seconds(1);

void note(PeerEffects& out, NoteLevel level, std::string text) {
    out.emplace_back(effect::Note{level, std::move(text)});
}

std::string short_id(const PeerId& peer) {
    return to_hex(peer).substr(0, 12);
}

// The same on both sides of a connection, and nobody's choice alone.
Digest tag_of(const PeerSession& session, Direction direction) {
    const bool we_opened = direction == Direction::outbound;
    const Challenge &ours = session.challenge(), &theirs = session.peer()->challenge;
    Bytes bytes;
    for (const Challenge* challenge : {we_opened ? &ours : &theirs, we_opened ? &theirs : &ours})
        bytes.insert(bytes.end(), challenge->data.begin(), challenge->data.end());
    return hash_of("peerbook/p2p/connection-tag/1", bytes);
}

const char* name_of(Direction direction) {
    return direction == Direction::outbound ? "outbound" : "inbound";
}

}  // namespace

std::string PeerManager::Connection::label() const {
    std::string text = "address=" + p2p::to_string(remote) + " direction=" + name_of(direction);
    if (carried) text += " carried=yes";
    if (session && session->authenticated()) text = "peer=" + short_id(session->peer()->node) + " " + text;
    return text;
}

PeerManager::PeerManager(PeerManagerOptions options, const Signer& signer, const Verifier& verifier)
    : options_(std::move(options)),
      signer_(signer),
      verifier_(verifier),
      book_(options_.reconnect_interval_max, options_.seed, options_.bucket_secret),
      carried_(!options_.dials_directly),
      random_(options_.seed ^ 0x6865616c7468),
      router_(options_.sender_start) {
    options_.local.gossips = !options_.gossip.kinds.empty();
    options_.peers_max = std::max<std::size_t>(options_.peers_max, 1);
    options_.outbound_reserved = std::min(options_.outbound_reserved, options_.peers_max / 2);
}

bool PeerManager::add_configured(Now now, const PeerAddress& address) {
    const KnownAddress* known = book_.find(address);
    if (known && known->id)
        if (PeerHealth* health = records_.find(*known->id)) health->close_breaker();
    return book_.add_configured(now.mono, address);
}

std::size_t PeerManager::registered_inbound() const {
    return static_cast<std::size_t>(
        std::count_if(connections_.begin(), connections_.end(), [](const auto& entry) {
            return entry.second.registered && entry.second.direction == Direction::inbound;
        }));
}

template <typename Fits>
std::optional<ConnectionId> PeerManager::of_most_represented(bool oldest, Fits&& fits) const {
    std::map<std::string, std::vector<ConnectionId>> by_key;  // ids rise with time
    for (const auto& [id, connection] : connections_)
        if (fits(connection)) by_key[limit_key(connection.remote.host)].push_back(id);
    const std::vector<ConnectionId>* most = nullptr;
    for (const auto& [key, ids] : by_key) {
        const bool more = !most || ids.size() > most->size();
        const bool even = most && ids.size() == most->size();
        if (more || (even && (oldest ? ids.front() < most->front() : most->back() < ids.back()))) most = &ids;
    }
    if (!most) return std::nullopt;
    return oldest ? most->front() : most->back();
}

std::optional<ConnectionId> PeerManager::admit(Now now, const PeerAddress& remote, PeerEffects& out,
                                               bool carried) {
    std::size_t unauthenticated = 0, from_host = 0;
    const std::string key = limit_key(remote.host);
    for (const auto& [id, connection] : connections_) {
        if (connection.direction != Direction::inbound) continue;
        if (!connection.registered) ++unauthenticated;
        if (limit_key(connection.remote.host) == key) ++from_host;
    }
    const char* refusal = nullptr;
    if (stopped_)
        refusal = "shutting down";
    else if (scores_.stranger_banned(now.mono, key))
        refusal = "address is banned for a while";
    else if (from_host >= inbound_per_host_max && !is_loopback_host(remote.host))
        refusal = "too many from one address";
    if (refusal) {
        note(out, NoteLevel::debug,
             "refused address=" + p2p::to_string(remote) + " reason=\"" + refusal + "\"");
        return std::nullopt;
    }
    if (unauthenticated >= unauthenticated_inbound_max) {
        const auto victim = of_most_represented(true, [](const Connection& connection) {
            return connection.direction == Direction::inbound && !connection.registered;
        });
        ++handshakes_refused_;
        end(now, *victim, {"made room for another that is not authenticated yet"}, out);
    }
    const ConnectionId id(++last_connection_);
    Connection connection{Direction::inbound, remote, remote, now.mono, {}, false, {}};
    connection.carried = carried;
    connections_.emplace(id, std::move(connection));
    return id;
}

// The newcomer is authenticated, but not registered.
bool PeerManager::make_inbound_room(Now now, const Connection& newcomer, const PeerId& peer,
                                    PeerEffects& out) {
    const auto is_unprotected = [this](const Connection& connection) {
        return connection.registered && connection.direction == Direction::inbound &&
               !book_.is_configured(connection.session->peer()->node);
    };
    const auto victim = of_most_represented(false, is_unprotected);
    if (!victim) return false;
    if (!book_.is_configured(peer)) {
        const auto count = [&](const std::string& key) {
            return std::count_if(connections_.begin(), connections_.end(), [&](const auto& entry) {
                return is_unprotected(entry.second) && limit_key(entry.second.remote.host) == key;
            });
        };
        if (count(limit_key(connections_.at(*victim).remote.host)) <=
            count(limit_key(newcomer.remote.host)) + 1)
            return false;
    }
    end(now, *victim, {"made room for another peer", true}, out);
    return true;
}

void PeerManager::channel_ready(Now now, ConnectionId id, const PeerAddress& remote,
                                const ChannelBinding& channel, const Challenge& challenge, PeerEffects& out) {
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second.session) return;
    Connection& connection = found->second;
    if (connection.direction == Direction::inbound) connection.remote = remote;
    connection.endpoint = remote;
    // A dial may take its time over several addresses; the handshake's five seconds begin when one has
    // answered. An accepted stranger has five seconds for everything.
    const MonoTime opened_at = connection.direction == Direction::outbound ? now.mono : connection.opened_at;
    ConnectionClaim here = claim_for(connection);
    connection.told_port = here.port.value_or(0);
    const PeerSession::Setup setup{options_.local, signer_,   verifier_, router_,        connection.direction,
                                   channel,        challenge, opened_at, std::move(here)};
    connection.session.emplace(setup, now);
    perform(now, id, connection.session->start(now), out);
}

void PeerManager::frame(Now now, ConnectionId id, ByteView payload, PeerEffects& out) {
    const auto found = connections_.find(id);
    if (found == connections_.end() || !found->second.session) return;
    if (found->second.registered)
        records_.of(now, found->second.session->peer()->node).received(now.mono, payload.size());
    perform(now, id, found->second.session->receive(now, payload), out);
}

void PeerManager::bytes(Now now, ConnectionId id) {
    const auto found = connections_.find(id);
    if (found != connections_.end() && found->second.session) found->second.session->heard(now);
}

void PeerManager::bad_frame(Now now, ConnectionId id, const std::string& why, PeerEffects& out) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    const bool counted = found->second.registered;  // then penalise() recorded the failure
    if (!penalise(now, found->second, penalty_frame, why, out))
        end(now, id, {why, false, false, !counted}, out);
}

void PeerManager::connection_closed(Now now, ConnectionId id, const std::string& why, PeerEffects& out) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    const Connection& connection = found->second;
    // Whoever comes and goes without a handshake costs us one; it adds up to a ban of the address.
    if (connection.direction == Direction::inbound &&
        !(connection.session && connection.session->authenticated()))
        scores_.penalise_stranger(now, limit_key(connection.remote.host), penalty_timeout);
    end(now, id, {why, false, false, true}, out);
}

// A claim of our key proves nothing. But a challenge that we chose for another connection of ours, and sent
// over it alone, shows that its other end is this one: that connection was dialled to ourselves.
void PeerManager::notice_ourselves(Now now, ConnectionId id, const Challenge& claimed) {
    for (const auto& [other, connection] : connections_) {
        if (other == id || !connection.session || connection.session->challenge() != claimed) continue;
        const Connection& self = connections_.at(id);
        for (const Connection* end : {&connection, &self})
            if (end->direction == Direction::outbound)
                end->carried ? carried_.is_ourselves(now.mono, end->remote)
                             : book_.is_ourselves(now.mono, end->remote);
    }
}

void PeerManager::perform(Now now, ConnectionId id, SessionOutput&& output, PeerEffects& out) {
    Connection& connection = connections_.at(id);
    for (OutgoingPayload& payload : output.send)
        out.emplace_back(effect::Send{id, std::move(payload)});
    if (connection.registered) {
        PeerHealth& health = records_.of(now, connection.session->peer()->node);
        if (output.answered) {
            health.answered(now.mono, *output.answered);
            if (gossip_) gossip_->round_trip(connection.session->peer()->node, *output.answered);
        }
        for (unsigned i = 0; i < output.unanswered; ++i)
            record_failure(now, connection.session->peer()->node);
    }
    if (output.warning)
        note(out, NoteLevel::warn, connection.label() + " warning=\"" + *output.warning + "\"");
    if (output.own_key_claimed) notice_ourselves(now, id, *output.own_key_claimed);
    if (output.violation.points > 0 &&
        penalise(now, connection, output.violation.points, output.violation.why, out))
        return;
    if (output.close) {
        if (!connection.registered) ++handshakes_refused_;
        const bool peer_ended =
            output.violation.points == 0 && output.close->starts_with("peer said goodbye");
        const bool counted = connection.registered && output.violation.points > penalty_flood;
        end(now, id, {*output.close, !peer_ended, false, output.violation.points > 0 && !counted}, out);
        return;
    }
    if (output.authenticated) {
        authenticated(now, id, out);
        const auto still = connections_.find(id);
        if (still == connections_.end()) return;
    }
    for (const PeerAddress& address : output.addresses)
        book_.add_exchanged(now.mono, connection.session->peer()->node, connection.endpoint.host, address);
    if (output.delivery)
        out.emplace_back(effect::Deliver{connection.session->peer()->node, output.delivery->kind,
                                         output.delivery->payload});
    if (output.exchange_due) send_exchange(now, id, out);
    take_reach_messages(now, id, output, out);
    if (output.gossip && gossip_) {
        gossip::Outputs outputs;
        gossip_->receive(now, connection.session->peer()->node, *output.gossip, outputs);
        route_gossip(now, std::move(outputs), out);
    }
    if (output.relayed && relay_)
        return take_relayed(now, connection.session->peer()->node, *output.relayed, out);
    if (output.signed_control && connection.registered) {
        Directory::Outputs outputs;
        directory().receive(now, connection.session->peer()->node, *output.signed_control, outputs);
        route_directory(now, std::move(outputs), out);
    }
    if (output.unanswered > 0 || output.violation.points > 0) end_if_failing(now, id, out);
}

void PeerManager::end_if_failing(Now now, ConnectionId id, PeerEffects& out) {
    const auto found = connections_.find(id);
    if (found == connections_.end() || !found->second.registered) return;
    const PeerHealth* health = records_.find(found->second.session->peer()->node);
    if (health && health->failures_in_row() >= failures_in_row_max)
        end(now, id, {std::to_string(failures_in_row_max) + " failures in a row", true}, out);
}

void PeerManager::record_failure(Now now, const PeerId& peer) {
    records_.of(now, peer).failed(now.mono, options_.reconnect_interval_max,
                                  static_cast<std::uint32_t>(random_.below(256)));
}

bool PeerManager::is_banned(Now now, const PeerId& peer) const {
    return scores_.banned(now.wall, peer, book_.is_configured(peer));
}

bool PeerManager::keeps_existing(Now now, const Connection& existing, const Connection& incoming,
                                 const PeerId& peer) const {
    if (now.mono - existing.session->heard_at() >= replaceable_silence) return false;
    if (existing.carried != incoming.carried) return incoming.carried;
    const bool is_young = now.mono - existing.session->authenticated_at() < young_for;
    if (!is_young && existing.session->unanswered(now.mono) >= probe_time_max) return false;
    if (existing.direction == incoming.direction) {
        if (!is_young) return true;
        return tag_of(*existing.session, existing.direction) < tag_of(*incoming.session, incoming.direction);
    }
    const bool we_are_lower = signer_.public_key() < peer;
    return (existing.direction == Direction::outbound) == we_are_lower;
}

void PeerManager::authenticated(Now now, ConnectionId id, PeerEffects& out) {
    Connection& connection = connections_.at(id);
    const HandshakeMessage& peer = *connection.session->peer();
    const bool shareable = peer.broadcast && peer.port != 0;
    if (!peer.broadcast) book_.keep_secret(peer.node);
    if (reachability_ && came_from_outside(connection)) reachability_->proven(now);
    if (connection.dial_back) {
        connection.dial_back->met = peer.node == connection.dial_back->asker;
        return end(now, id, {"dialled back", true, true}, out);
    }
    if (connection.direction == Direction::outbound && connection.carried)
        carried_.met(connection.remote, peer.node);
    else if (connection.direction == Direction::outbound)
        book_.attempt_succeeded(now, connection.remote, peer.node, shareable);
    if (is_banned(now, peer.node)) {
        ++handshakes_refused_;
        return end(now, id, {"banned", true}, out);
    }
    if (Status bound = bind_address(now, connection); !bound.ok()) {
        ++handshakes_refused_;
        return end(now, id, {bound.error().message, true}, out);
    }
    // It lives: an open breaker has nothing more to wait for.
    if (PeerHealth* health = records_.find(peer.node)) health->succeeded(now.mono);
    if (connection.feeler) {
        records_.of(now, peer.node).succeeded(now.mono);
        return end(now, id, {"only looked whether it is there", true, true}, out);
    }
    if (peer.look) {
        if (shareable) book_.observed(now, {connection.remote.host, peer.port}, peer.node, true);
        return end(now, id, {"it only looked whether this node is there", false, true}, out);
    }
    const auto existing = by_peer_.find(peer.node);
    if (existing != by_peer_.end()) {
        const ConnectionId other = existing->second;
        if (keeps_existing(now, connections_.at(other), connection, peer.node)) {
            if (auto question = connections_.at(other).session->ask(now))
                out.emplace_back(effect::Send{other, std::move(*question)});
            return end(now, id, {"duplicate connection", true, true}, out);
        }
        end(now, other, {"replaced by another connection", true, true}, out);
    } else if ((by_peer_.size() >= options_.peers_max ||
                (connection.direction == Direction::inbound && registered_inbound() >= inbound_max())) &&
               !(connection.direction == Direction::inbound &&
                 make_inbound_room(now, connection, peer.node, out))) {
        // It is sent away with others to ask, or the newcomers of a full node would never meet anybody.
        ++handshakes_refused_;
        if (connection.direction == Direction::inbound && shareable)
            book_.observed(now, {connection.remote.host, peer.port}, peer.node, true);
        send_exchange(now, id, out);
        return end(now, id, {"enough peers", true}, out);
    }
    connection.registered = true;
    connection.claimed_port = shareable ? peer.port : std::uint16_t{0};
    const KnownAddress* known = connection.direction == Direction::outbound
                                    ? dialled_at(connection)
                                    : book_.find({connection.remote.host, peer.port});
    connection.found_by = known ? known->found_by : std::string(found_by::inbound);
    if (connection.carried && connection.direction == Direction::outbound)
        connection.found_by = found_by::carried;
    by_peer_.emplace(peer.node, id);
    records_.of(now, peer.node).connected(now.mono);
    note_listening(now, connection);
    router_.peer_connected(now.mono, peer.node);
    out.emplace_back(effect::Connected{id, peer.node, peer.can(compression_capability)});
    gossip_up(now, peer, out);
    directory_up(now, id, out);
    relay_up(now, peer, out);
    note(out, NoteLevel::info, "connected " + connection.label() + " agent=\"" + peer.agent + "\"");
    route(router_.tick(now.mono), out);
}

bool PeerManager::penalise(Now now, Connection& connection, int points, const std::string& why,
                           PeerEffects& out) {
    connection.last_error = why;
    if (!connection.registered) {
        // A time-out of a node that we dialled is its absence, not its guilt.
        if (connection.direction == Direction::inbound)
            scores_.penalise_stranger(now, limit_key(connection.remote.host), points);
        return false;
    }
    const PeerId peer = connection.session->peer()->node;
    note(
        out, NoteLevel::info,
        "violation " + connection.label() + " points=-" + std::to_string(points) + " reason=\"" + why + "\"");
    if (points > penalty_flood) record_failure(now, peer);
    const bool configured = book_.is_configured(peer);
    if (!scores_.penalise(now, peer, points, configured)) return false;
    if (!configured) ++bans_;
    const std::string verdict = configured ? "dropped for misbehaviour: " : "banned for misbehaviour: ";
    end(now, by_peer_.at(peer), {verdict + why, true}, out);
    return true;
}

void PeerManager::end(Now now, ConnectionId id, const Ending& ending, PeerEffects& out) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    Connection& connection = found->second;
    if (connection.dial_back) {
        answer_dial_back(now, connection, out);
        if (connection.session)
            out.emplace_back(effect::Send{id, connection.session->goodbye(now, ending.why)});
        out.emplace_back(effect::Close{id});
        connections_.erase(found);
        return;
    }
    const bool proven = connection.session && connection.session->authenticated();
    if (ending.failed && connection.direction == Direction::outbound && !proven) {
        const KnownAddress* dialled = dialled_at(connection);
        if (dialled && dialled->id) record_failure(now, *dialled->id);
    } else if (ending.failed && connection.registered) {
        record_failure(now, connection.session->peer()->node);
    }
    if (ending.say_goodbye && connection.session)
        out.emplace_back(effect::Send{id, connection.session->goodbye(now, ending.why)});
    out.emplace_back(effect::Close{id});

    const bool was_authenticated = connection.session && connection.session->authenticated();
    const KnownAddress* known = dialled_at(connection);
    carried_ended(now, connection, ending.duplicate);
    const bool first_failure = connection.direction == Direction::outbound && known && known->failures == 0;
    if (connection.direction == Direction::outbound && known && !known->ourselves) {
        if (!was_authenticated) {
            book_.attempt_failed(now.mono, connection.remote, ending.why);
        } else if (connection.feeler) {
            book_.looked_at(now.mono, connection.remote);
        } else {
            const Duration lasted = now.mono - connection.session->authenticated_at();
            const bool kept = lasted >= kept_after;
            if (kept && !ending.failed && connection.registered) {
                PeerHealth& health = records_.of(now, connection.session->peer()->node);
                if (health.failures_in_row() == 0) health.succeeded(now.mono);
            }
            if (kept || ending.duplicate) book_.connection_kept(connection.remote);
            book_.connection_lost(now.mono, connection.remote, ending.why, lasted);
        }
    }
    std::string text = connection.registered ? "disconnected " : "not connected ";
    text += connection.label() + " reason=\"" + ending.why + "\"";
    // What strangers do, and what fails again and again, stays below info.
    const bool worth_info = connection.registered || (first_failure && !ending.duplicate);
    note(out, worth_info ? NoteLevel::info : NoteLevel::debug, std::move(text));

    if (connection.registered) {
        const PeerId peer = connection.session->peer()->node;
        by_peer_.erase(peer);
        router_.peer_disconnected(peer);
        records_.of(now, peer).disconnected(now.mono);
        out.emplace_back(effect::Disconnected{peer});
        gossip_down(now, peer, out);
        if (directory_) directory_->neighbour_down(peer);
        if (relay_) relay_->peer_down(peer);
    }
    connections_.erase(found);
}

void PeerManager::send_exchange(Now now, ConnectionId id, PeerEffects& out) {
    Connection& connection = connections_.at(id);
    const PeerId& peer = connection.session->peer()->node;
    PeerHealth& record = records_.of(now, peer);
    const std::size_t count_max = std::min(exchanged_addresses_max, record.addresses_left(now.mono));
    std::vector<PeerAddress> addresses = book_.sample(now.wall, count_max, peer, connection.endpoint.host);
    record.told_addresses(now.mono, addresses.size());
    out.emplace_back(effect::Send{id, connection.session->exchange(now, std::move(addresses))});
}

void PeerManager::send_reliably(Now now, const PeerId& peer, std::uint8_t kind, SharedBytes payload,
                                PeerEffects& out) {
    route(router_.send(now.mono, peer, kind, std::move(payload)), out);
}

void PeerManager::route(const MessageRouter::Output& routed, PeerEffects& out) {
    for (const MessageRouter::Transmission& transmission : routed.transmissions)
        out.emplace_back(effect::SendToPeer{transmission.peer, transmission.payload});
    for (const MessageRouter::Undeliverable& lost : routed.undeliverable)
        out.emplace_back(effect::Undeliverable{lost.peer, lost.kind, lost.why});
}

void PeerManager::report_misbehaviour(Now now, const PeerId& peer, int points, const std::string& why,
                                      PeerEffects& out) {
    const auto found = by_peer_.find(peer);
    if (found != by_peer_.end()) {
        const ConnectionId id = found->second;
        if (!penalise(now, connections_.at(id), points, why, out)) end_if_failing(now, id, out);
        return;
    }
    const bool configured = book_.is_configured(peer);
    if (scores_.penalise(now, peer, points, configured) && !configured) ++bans_;
}

Status PeerManager::disconnect(Now now, const PeerId& peer, PeerEffects& out) {
    const auto found = by_peer_.find(peer);
    if (found == by_peer_.end())
        return Error{ErrorCode::not_found, "peer " + to_hex(peer) + " is not connected"};
    end(now, found->second, {"disconnected by its operator", true}, out);
    book_.forget(peer);
    carried_.forget(peer);
    return {};
}

Status PeerManager::forget(Now now, const PeerAddress& address, PeerEffects& out) {
    if (!book_.find(address))
        return Error{ErrorCode::not_found, "address " + p2p::to_string(address) + " is not known"};
    std::vector<ConnectionId> ids;
    for (const auto& [id, connection] : connections_)
        if (connection.direction == Direction::outbound && connection.remote == address) ids.push_back(id);
    for (const ConnectionId id : ids)
        end(now, id, {"disconnected by its operator", true}, out);
    book_.forget(address);
    return {};
}

void PeerManager::tick(Now now, PeerEffects& out) {
    if (stopped_) return;
    std::vector<ConnectionId> ids;
    ids.reserve(connections_.size());
    for (const auto& [id, connection] : connections_)
        ids.push_back(id);
    for (const ConnectionId id : ids) {
        const auto found = connections_.find(id);
        if (found == connections_.end()) continue;
        Connection& connection = found->second;
        if (connection.session) {
            perform(now, id, connection.session->tick(now), out);
            continue;
        }
        const bool outbound = connection.direction == Direction::outbound;
        if (now.mono - connection.opened_at < (outbound ? dial_time_max : handshake_time_max)) continue;
        ++handshakes_refused_;
        penalise(now, connection, penalty_timeout, "no TLS handshake in time", out);
        end(now, id, {outbound ? "no answer within 10 s" : "no TLS handshake within 5 s", false, false, true},
            out);
    }
    if (!routed_at_ || now.mono - *routed_at_ >= route_interval) {
        routed_at_ = now.mono;
        route(router_.tick(now.mono), out);
    }
    if (gossip_) {
        gossip::Outputs outputs;
        gossip_->tick(now, outputs);
        route_gossip(now, std::move(outputs), out);
    }
    if (directory_) {
        Directory::Outputs outputs;
        directory_->tick(now, outputs);
        route_directory(now, std::move(outputs), out);
    }
    tend_relay(now, out);
    if (!maintained_at_ || now.mono - *maintained_at_ >= maintenance_interval) maintain(now, out);
    tend_reach(now, out);
    if (options_.dials_directly) {
        dial_silent(now, out);
        dial_due(now, out);
    }
    dial_carried(now, out);
}

void PeerManager::stop(Now now, PeerEffects& out) {
    if (directory_ && !stopped_) {
        Directory::Outputs outputs;
        directory_->leave(now, outputs);
        route_directory(now, std::move(outputs), out);
    }
    stopped_ = true;
    while (!connections_.empty())
        end(now, connections_.begin()->first, {"shutting down", true, true}, out);
}

}  // namespace peerbook::p2p
