#include "p2p/gossip/overlay.h"

#include <algorithm>

namespace peerbook::p2p {

void Overlay::peer_up(MonoTime now, const PeerId& peer, Duration round_trip) {
    peers_.insert_or_assign(peer, Peer{round_trip, {}, now});
    look_at_ = now;
}

void Overlay::peer_down(const PeerId& peer, Output& out) {
    if (peers_.erase(peer) == 0) return;
    unlink(peer, out);
}

void Overlay::round_trip(const PeerId& peer, Duration round_trip) {
    const auto found = peers_.find(peer);
    if (found != peers_.end()) found->second.round_trip = round_trip;
}

void Overlay::link(const PeerId& peer, Output& out) {
    if (neighbours_.insert(peer).second) out.linked.push_back(peer);
}

void Overlay::unlink(const PeerId& peer, Output& out) {
    if (neighbours_.erase(peer) == 0) return;
    out.unlinked.push_back(peer);
    if (!look_at_) look_at_ = MonoTime{};  // at the next tick
}

// Of two neighbours drawn at random the one with the longer way goes: not always the farthest, or the
// farthest nodes of a network would lose all that link them.
bool Overlay::make_room(Output& out) {
    if (neighbours_.empty()) return false;
    const auto draw = [&] {
        return *std::next(neighbours_.begin(),
                          static_cast<std::ptrdiff_t>(random_.below(neighbours_.size())));
    };
    const PeerId first = draw(), second = draw();
    const PeerId victim = peers_.at(first).round_trip < peers_.at(second).round_trip ? second : first;
    out.send.push_back({victim, LinkStep::leave});
    unlink(victim, out);
    return true;
}

void Overlay::receive(MonoTime now, const PeerId& peer, LinkStep step, Output& out) {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    Peer& state = found->second;
    switch (step) {
        case LinkStep::ask:
        case LinkStep::urge: {
            const bool agrees = linked(peer) || neighbours_.size() < limits_.degree_max ||
                                (step == LinkStep::urge && make_room(out));
            out.send.push_back({peer, agrees ? LinkStep::accept : LinkStep::refuse});
            if (agrees) {
                state.asked_at.reset();
                link(peer, out);
            }
            return;
        }
        case LinkStep::accept:
            if (!state.asked_at && !linked(peer)) {
                // Too late: it was given up, or it never was asked.
                out.send.push_back({peer, LinkStep::leave});
                return;
            }
            state.asked_at.reset();
            if (linked(peer)) return;
            if (neighbours_.size() >= limits_.degree_max)
                out.send.push_back({peer, LinkStep::leave});
            else
                link(peer, out);
            return;
        case LinkStep::refuse:
        case LinkStep::leave:
            state.asked_at.reset();
            state.not_before = now + refused_pause;
            unlink(peer, out);
            look_at_ = now;
            return;
    }
}

std::optional<PeerId> Overlay::candidate(MonoTime now, bool near) {
    std::vector<std::pair<Duration, PeerId>> fit;
    for (const auto& [id, peer] : peers_)
        if (!linked(id) && !peer.asked_at && peer.not_before <= now) fit.push_back({peer.round_trip, id});
    if (fit.empty()) return std::nullopt;
    if (near) return std::min_element(fit.begin(), fit.end())->second;
    return fit[random_.below(fit.size())].second;
}

void Overlay::tick(MonoTime now, Output& out) {
    if (!look_at_ || now < *look_at_) return;
    std::size_t asked = 0;
    for (auto& [id, peer] : peers_) {
        if (!peer.asked_at) continue;
        if (now - *peer.asked_at < answer_time_max) {
            ++asked;
            continue;
        }
        peer.asked_at.reset();
        peer.not_before = now + refused_pause;
    }
    while (neighbours_.size() + asked < limits_.degree) {
        const auto peer = candidate(now, near_next_);
        if (!peer) break;
        near_next_ = !near_next_;
        peers_.at(*peer).asked_at = now;
        ++asked;
        out.send.push_back({*peer, neighbours_.size() < limits_.degree_min ? LinkStep::urge : LinkStep::ask});
    }
    if (neighbours_.size() < limits_.degree)
        look_at_ = now + look_interval;
    else
        look_at_.reset();
}

}  // namespace peerbook::p2p
