#include "p2p/gossip/gossip.h"

#include <algorithm>

#include "base/check.h"
#include "p2p/peers/peer_score.h"

namespace peerbook::p2p {

namespace {

constexpr std::size_t holders_max = 64;  // remembered of one message

void add_holder(KeptMessage& message, const PeerId& peer) {
    if (message.holders.size() < holders_max && message.serves(peer)) message.holders.push_back(peer);
}

GossipMode mode_for(PullReason reason) {
    switch (reason) {
        case PullReason::tree:
        case PullReason::graft:
            return GossipMode::pulled;
        case PullReason::epidemic:
            return GossipMode::epidemic;
        case PullReason::repair:
            break;
    }
    return GossipMode::repair;
}

// What floods a network costs it most.
bool is_rated(const GossipKind& kind) {
    return !kind.urgent || kind.critical || kind.relayed;
}

void sooner(std::optional<MonoTime>& due, MonoTime at) {
    if (!due || at < *due) due = at;
}

}  // namespace

Gossip::Gossip(GossipSettings settings, std::uint64_t seed, MonoTime now)
    : settings_(std::move(settings)),
      random_(seed),
      overlay_({settings_.degree_min, settings_.degree, settings_.degree_max}, random_.next()),
      seen_({settings_.dedup_window, settings_.dedup_ids_max, settings_.filter_ids_max}, random_.next(), now),
      kept_(settings_.kept_messages_max, settings_.kept_bytes_max),
      wanted_(settings_.pull_again_after),
      next_round_(now),
      next_anti_entropy_(now + Duration::nanoseconds(static_cast<std::int64_t>(random_.below(
                                   static_cast<std::uint64_t>(settings_.anti_entropy_interval.ns))))),
      next_prune_(now + settings_.prune_interval) {
    PB_CHECK(validate(settings_).ok(), "gossip settings were validated");
}

GossipScale Gossip::scale() const {
    GossipScale scale = scale_for(std::max(network_size_, peers_.size() + 1));
    scale.fanout = settings_.fanout.value_or(scale.fanout);
    scale.interval = settings_.interval.value_or(scale.interval);
    scale.age_max = settings_.age_max.value_or(scale.age_max);
    return scale;
}

GossipPolicy Gossip::policy() const {
    if (settings_.policy != GossipPolicy::automatic) return settings_.policy;
    const std::size_t nodes = std::max(network_size_, peers_.size() + 1);
    const bool all_connected = peers_.size() + 1 >= nodes;
    return nodes <= settings_.direct_nodes_max && all_connected ? GossipPolicy::direct : GossipPolicy::tree;
}

// Peers.

void Gossip::peer_up(Now now, const PeerId& peer, bool speaks, Duration round_trip, gossip::Outputs& out) {
    peer_down(now, peer, out);
    peers_.emplace(peer, Peer{speaks,
                              false,
                              {},
                              TokenBucket(chatter_rate, now.mono),
                              TokenBucket(served_rate, now.mono),
                              TokenBucket(digest_rate, now.mono)});
    // Whoever was alone has most to catch up.
    if (peers_.size() == 1)
        next_anti_entropy_ = std::min(next_anti_entropy_, now.mono + Duration::seconds(1));
    if (!speaks) return;
    ++speakers_;
    overlay_.peer_up(now.mono, peer, round_trip);
}

void Gossip::peer_down(Now, const PeerId& peer, gossip::Outputs& out) {
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    if (found->second.speaks) --speakers_;
    peers_.erase(found);
    wanted_.peer_down(peer);
    Overlay::Output changes;
    overlay_.peer_down(peer, changes);
    apply(changes, out);
}

bool Gossip::has_eager() const {
    return std::any_of(overlay_.neighbours().begin(), overlay_.neighbours().end(),
                       [this](const PeerId& peer) { return peers_.at(peer).eager; });
}

void Gossip::graft_some_link(gossip::Outputs& out) {
    const std::set<PeerId>& neighbours = overlay_.neighbours();
    if (neighbours.empty() || has_eager()) return;
    const PeerId peer =
        *std::next(neighbours.begin(), static_cast<std::ptrdiff_t>(random_.below(neighbours.size())));
    peers_.at(peer).eager = true;
    ++stats_.grafts;
    send(peer, want_frame({PullReason::graft, {}}), true, out);
}

void Gossip::apply(const Overlay::Output& changes, gossip::Outputs& out) {
    for (const Overlay::Output::Message& message : changes.send)
        send(message.peer, link_frame(message.step), true, out);
    for (const PeerId& peer : changes.unlinked) {
        const auto found = peers_.find(peer);
        if (found == peers_.end()) continue;
        found->second.eager = false;
        found->second.announcements.clear();
    }
    if (!has_tree_)
        for (const PeerId& peer : changes.linked)
            if (overlay_.linked(peer)) peers_.at(peer).eager = true;
    // The others may have a tree already, and this link as a lazy one.
    const bool was_first = !changes.linked.empty() && overlay_.neighbours().size() == changes.linked.size();
    if (was_first && overlay_.linked(changes.linked.front())) {
        peers_.at(changes.linked.front()).eager = true;
        send(changes.linked.front(), want_frame({PullReason::graft, {}}), true, out);
    }
    if (!changes.unlinked.empty()) graft_some_link(out);
}

void Gossip::make_lazy(const PeerId& peer_id, Peer& peer, gossip::Outputs& out) {
    peer.eager = false;
    has_tree_ = true;
    ++stats_.prunes;
    send(peer_id, prune_frame(), true, out);
}

// Sending.

void Gossip::send(const PeerId& to, OutgoingPayload frame, bool urgent, gossip::Outputs& out) {
    stats_.bytes_out += frame.size();
    out.emplace_back(gossip::Send{to, std::move(frame), urgent});
}

void Gossip::push(const PeerId& to, const KeptMessage& message, GossipMode mode, gossip::Outputs& out) {
    GossipHeader header = message.header;
    header.mode = mode;
    if (message.from) ++stats_.passed_on;
    if (header.ttl > 0 && message.from) --header.ttl;
    header.hops = static_cast<std::uint8_t>(std::min<int>(header.hops + 1, ttl_max + 1));
    send(to, push_frame(header, message.payload), message.rules.urgent, out);
}

MessageId Gossip::broadcast(Now now, std::uint8_t kind, SharedBytes payload, gossip::Outputs& out) {
    const auto rules = settings_.kinds.find(kind);
    PB_CHECK(rules != settings_.kinds.end(), "only listed kinds are gossiped");
    PB_CHECK(payload.size() + gossip_head_bytes <= frame_bytes_max, "a payload fits a frame");
    KeptMessage message;
    message.rules = rules->second;
    message.header.created = now.wall;
    message.header.kind = kind;
    message.header.ttl = static_cast<std::uint8_t>(settings_.ttl);
    switch (message.rules.critical ? GossipPolicy::flood : policy()) {
        case GossipPolicy::direct:
            message.header.mode = message.rules.relayed ? GossipMode::flood : GossipMode::direct;
            break;
        case GossipPolicy::epidemic:
            message.header.mode = GossipMode::epidemic;
            break;
        case GossipPolicy::flood:
            message.header.mode = GossipMode::flood;
            break;
        case GossipPolicy::automatic:
        case GossipPolicy::tree:
            message.header.mode = GossipMode::tree;
            break;
    }
    message.payload = std::move(payload);
    message.at = now.mono;
    message.accepted = true;
    const MessageId id = gossip_id(kind, now.wall, message.payload.view());
    if (!seen_.insert(now.mono, id)) return id;  // the same bytes in the same millisecond
    ++stats_.messages;
    for (const auto& [peer_id, peer] : peers_)
        if (!peer.speaks) send(peer_id, plain_payload(kind, message.payload), message.rules.urgent, out);
    pass_on(now.mono, id, message, out);
    kept_.insert(id, std::move(message));
    return id;
}

std::vector<PeerId> Gossip::random_speakers(std::size_t count, const KeptMessage* message) {
    std::vector<PeerId> fit;
    for (const auto& [id, peer] : peers_)
        if (peer.speaks && (!message || message->serves(id))) fit.push_back(id);
    count = std::min(count, fit.size());
    for (std::size_t i = 0; i < count; ++i)
        std::swap(fit[i], fit[i + random_.below(fit.size() - i)]);
    fit.resize(count);
    return fit;
}

void Gossip::pass_on(MonoTime now, const MessageId& id, const KeptMessage& message, gossip::Outputs& out) {
    const bool is_own = !message.from;
    switch (message.header.mode) {
        case GossipMode::direct:
            if (!is_own) return;
            [[fallthrough]];
        case GossipMode::flood:
            for (const auto& [peer_id, peer] : peers_)
                if (peer.speaks && message.serves(peer_id)) push(peer_id, message, message.header.mode, out);
            return;
        case GossipMode::tree:
        case GossipMode::pulled:
            return pass_along_tree(now, id, message, true, out);
        case GossipMode::repair:
            return pass_along_tree(now, id, message, false, out);
        case GossipMode::epidemic:
            if (!is_own &&
                (message.header.hops > settings_.forwards_max || !random_.chance(settings_.forward_ppm)))
                return;
            for (const PeerId& peer : random_speakers(scale().fanout, &message)) {
                if (message.payload.size() <= settings_.announced_above)
                    push(peer, message, GossipMode::epidemic, out);
                else
                    send(peer,
                         announce_frame({PullReason::epidemic,
                                         true,
                                         {{id, static_cast<std::uint8_t>(message.header.hops + 1)}}}),
                         message.rules.urgent, out);
            }
            return;
    }
}

void Gossip::pass_along_tree(MonoTime now, const MessageId& id, const KeptMessage& message, bool pushes,
                             gossip::Outputs& out) {
    if (overlay_.neighbours().empty()) {
        // No overlay yet.
        for (const PeerId& peer : random_speakers(settings_.degree, &message))
            push(peer, message, message.header.mode, out);
        return;
    }
    for (const PeerId& peer_id : overlay_.neighbours()) {
        if (!message.serves(peer_id)) continue;
        Peer& peer = peers_.at(peer_id);
        if (pushes && peer.eager)
            push(peer_id, message, message.header.mode, out);
        else
            announce_later(now, peer, id, message);
    }
}

void Gossip::announce_later(MonoTime now, Peer& peer, const MessageId& id, const KeptMessage& message) {
    if (peer.announcements.size() >= queued_announcements_max) return;
    peer.announcements.push_back({id, static_cast<std::uint8_t>(message.header.hops + 1)});
    sooner(announce_at_, now + settings_.announce_delay);
}

void Gossip::flush_announcements(gossip::Outputs& out) {
    announce_at_.reset();
    for (const PeerId& peer_id : overlay_.neighbours()) {
        Peer& peer = peers_.at(peer_id);
        std::vector<Announcement>& queue = peer.announcements;
        std::map<PullReason, std::vector<Announcement>> batches;
        for (const Announcement& entry : queue) {
            const KeptMessage* message = kept_.find(entry.id);
            // It may have told us meanwhile that it has it.
            if (!message || !message->serves(peer_id)) continue;
            const bool was_repaired = message->header.mode == GossipMode::repair;
            batches[was_repaired ? PullReason::repair : PullReason::tree].push_back(entry);
        }
        for (const auto& [reason, entries] : batches)
            for (std::size_t i = 0; i < entries.size(); i += announced_ids_max) {
                const auto begin = entries.begin() + static_cast<std::ptrdiff_t>(i);
                const auto end =
                    begin + static_cast<std::ptrdiff_t>(std::min(announced_ids_max, entries.size() - i));
                send(peer_id, announce_frame({reason, !peer.eager, {begin, end}}), true, out);
            }
        queue.clear();
    }
}

// Receiving.

void Gossip::receive(Now now, const PeerId& from, ByteView frame, gossip::Outputs& out) {
    const auto found = peers_.find(from);
    if (found == peers_.end() || !found->second.speaks || frame.empty()) return;
    Peer& peer = found->second;
    const auto violation = [&](const Error& error) {
        out.emplace_back(gossip::Violation{from, penalty_protocol, error.message});
    };
    switch (frame.front()) {
        case gossip_push_kind:
            return take_push(now, from, peer, frame, out);
        case gossip_announce_kind: {
            const auto announce = parse_announce(frame);
            return announce ? take_announce(now.mono, from, peer, *announce, out)
                            : violation(announce.error());
        }
        case gossip_want_kind: {
            const auto want = parse_want(frame);
            return want ? take_want(now.mono, from, peer, *want, out) : violation(want.error());
        }
        case gossip_prune_kind: {
            const Status status = parse_prune(frame);
            if (!status.ok()) return violation(status.error());
            peer.eager = false;
            has_tree_ = true;
            return;
        }
        case gossip_link_kind: {
            const auto step = parse_link(frame);
            if (!step) return violation(step.error());
            Overlay::Output changes;
            overlay_.receive(now.mono, from, *step, changes);
            return apply(changes, out);
        }
        case gossip_digest_kind: {
            const auto digest = parse_digest(frame);
            return digest ? take_digest(now.mono, from, peer, *digest, out) : violation(digest.error());
        }
        default:
            return;
    }
}

bool Gossip::too_old(Now now, const GossipHeader& header, Duration age_max) const {
    return header.created.ms < now.wall.ms - age_max.ms();
}

void Gossip::take_push(Now now, const PeerId& from, Peer& peer, ByteView frame, gossip::Outputs& out) {
    const Result<gossip::Push> push = parse_push(frame);
    if (!push) {
        out.emplace_back(gossip::Violation{from, penalty_protocol, push.error().message});
        return;
    }
    stats_.payload_bytes_in += push->payload.size();
    const auto rules = settings_.kinds.find(push->header.kind);
    if (rules == settings_.kinds.end() || (is_rated(rules->second) && !peer.chatter.take(now.mono))) {
        ++stats_.refused;
        return;
    }
    const MessageId id = gossip_id(push->header.kind, push->header.created, push->payload);
    if (!seen_.insert(now.mono, id)) {
        if (KeptMessage* kept = kept_.find(id)) add_holder(*kept, from);
        return take_duplicate(now.mono, from, peer, *push, out);
    }
    KeptMessage message;
    const PullQueue::Announced announced = wanted_.received(id);
    message.holders = announced.by;
    const bool from_future = push->header.created.ms > now.wall.ms + clock_ahead_max.ms();
    if (!rules->second.ageless && (from_future || too_old(now, push->header, lifetime()))) {
        ++stats_.refused;
        return;
    }
    ++stats_.seen;
    const bool repaired = push->header.mode == GossipMode::repair;
    if (repaired) ++stats_.repaired;
    stats_.hops_sum += push->header.hops;
    stats_.hops_max = std::max<std::uint64_t>(stats_.hops_max, push->header.hops);
    if (push->header.mode == GossipMode::tree) {
        came_by_tree(now.mono, announced);
        if (overlay_.linked(from)) peer.eager = true;
    }

    message.header = push->header;
    message.payload = SharedBytes(Bytes(push->payload.begin(), push->payload.end()));
    message.at = now.mono;
    message.rules = rules->second;
    message.from = from;
    out.emplace_back(
        gossip::Deliver{from, id, push->header.kind, message.payload, push->header.hops, repaired});
    kept_.insert(id, std::move(message));
}

// The peer takes us for a neighbour, and we it not: a frame about it was lost. It is told, or it becomes one.
void Gossip::counts_on_link(MonoTime now, const PeerId& peer, gossip::Outputs& out) {
    Overlay::Output changes;
    overlay_.receive(now, peer, LinkStep::ask, changes);
    apply(changes, out);
}

void Gossip::take_duplicate(MonoTime now, const PeerId& from, Peer& peer, const gossip::Push& push,
                            gossip::Outputs& out) {
    ++stats_.duplicates;
    if (push.header.mode != GossipMode::tree) return;
    if (overlay_.linked(from))
        make_lazy(from, peer, out);
    else
        counts_on_link(now, from, out);
}

void Gossip::accept(Now now, const MessageId& id, gossip::Outputs& out) {
    KeptMessage* message = kept_.find(id);
    if (!message || message->accepted) return;
    message->accepted = true;
    if (message->header.ttl == 0) return;
    if (!message->rules.ageless && too_old(now, message->header, scale().age_max)) return;
    pass_on(now.mono, id, *message, out);
}

void Gossip::reject(const MessageId& id) {
    KeptMessage* message = kept_.find(id);
    if (!message || message->accepted) return;
    ++stats_.refused;
    kept_.erase(id);
}

// When a link fails, all that is behind it hears announcements from elsewhere. Waiting unequally long spreads
// what they ask for, and leaves time to those that get it from each other.
Duration Gossip::graft_wait() {
    const auto spread = static_cast<std::uint64_t>(settings_.graft_after.ns);
    return settings_.graft_after + Duration{static_cast<std::int64_t>(random_.below(spread + 1))} +
           tree_lag_ * 2;
}

void Gossip::came_by_tree(MonoTime now, const PullQueue::Announced& announced) {
    missed_in_row_ = 0;
    const Duration lag = announced.by.empty() ? Duration{} : now - announced.first_at;
    tree_lag_ = Duration{tree_lag_.ns + (lag.ns - tree_lag_.ns) / 8};
}

void Gossip::take_announce(MonoTime now, const PeerId& from, Peer& peer, const gossip::Announce& announce,
                           gossip::Outputs& out) {
    bool is_news = false;
    for (const Announcement& entry : announce.entries) {
        if (KeptMessage* kept = kept_.find(entry.id)) add_holder(*kept, from);
        if (seen_.contains(now, entry.id)) continue;
        is_news = true;
        const Duration wait = announce.reason == PullReason::tree ? graft_wait() : Duration{};
        (void)wanted_.announced(now, entry.id, from, wait, announce.reason);
    }
    if (announce.reason == PullReason::tree && !overlay_.linked(from)) counts_on_link(now, from, out);
    // One half of a link of the tree: a graft was lost.
    if (is_news && announce.reason == PullReason::tree && announce.is_lazy && peer.eager)
        send(from, want_frame({PullReason::graft, {}}), true, out);
}

void Gossip::take_want(MonoTime now, const PeerId& from, Peer& peer, const gossip::Want& want,
                       gossip::Outputs& out) {
    if (want.reason == PullReason::graft) {
        if (overlay_.linked(from))
            peer.eager = true;
        else
            counts_on_link(now, from, out);
    }
    for (const MessageId& id : want.ids) {
        const KeptMessage* message = kept_.find(id);
        if (!message || !message->accepted) continue;
        const bool is_relay = message->from && want.reason != PullReason::repair;
        if (is_relay && message->header.ttl == 0) continue;
        const auto cost = static_cast<std::int64_t>(message->payload.size() + gossip_head_bytes);
        if (!peer.served.take(now, cost)) return;
        push(from, *message, mode_for(want.reason), out);
    }
}

void Gossip::take_digest(MonoTime now, const PeerId& from, Peer& peer, const gossip::Digest& digest,
                         gossip::Outputs& out) {
    if (!peer.digests.take(now)) {
        ++stats_.refused;
        return;
    }
    const std::set<MessageId> theirs(digest.ids.begin(), digest.ids.end());
    // What is young may be on its way; what is nearly as old as the span may just have left their digest.
    const Duration span = std::min(digest.span, lifetime()) - in_flight;
    gossip::Announce lacking{PullReason::repair, true, {}};
    for (const MessageId& id : kept_.recent(now, span, digest_ids_max)) {
        const KeptMessage& message = *kept_.find(id);
        if (theirs.contains(id) || now - message.at < in_flight) continue;
        lacking.entries.push_back({id, static_cast<std::uint8_t>(message.header.hops + 1)});
        if (lacking.entries.size() == announced_ids_max) break;
    }
    if (!lacking.entries.empty()) send(from, announce_frame(lacking), true, out);
    for (const MessageId& id : theirs)
        if (!seen_.contains(now, id)) (void)wanted_.announced(now, id, from, in_flight, PullReason::repair);
}

// Time.

void Gossip::ask_for_due(MonoTime now, gossip::Outputs& out) {
    std::map<std::pair<PeerId, PullReason>, std::vector<MessageId>> asks;
    for (const PullQueue::Ask& ask : wanted_.take_due(now)) {
        const bool grafts = ask.reason == PullReason::tree && ++missed_in_row_ >= grafts_after_missed;
        if (grafts) missed_in_row_ = 0;
        asks[{ask.peer, grafts ? PullReason::graft : ask.reason}].push_back(ask.id);
        ++stats_.pulled;
    }
    for (const auto& [to, ids] : asks) {
        const auto& [peer_id, reason] = to;
        if (reason == PullReason::graft && overlay_.linked(peer_id)) {
            peers_.at(peer_id).eager = true;
            ++stats_.grafts;
        }
        for (std::size_t i = 0; i < ids.size(); i += wanted_ids_max) {
            const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(i);
            const auto end = begin + static_cast<std::ptrdiff_t>(std::min(wanted_ids_max, ids.size() - i));
            send(peer_id, want_frame({reason, {begin, end}}), true, out);
        }
    }
}

void Gossip::send_digest(MonoTime now, const PeerId& peer, Duration span, gossip::Outputs& out) {
    std::vector<MessageId> ids = kept_.recent(now, span, digest_ids_max);
    while (ids.size() == digest_ids_max && span > Duration::seconds(1)) {
        span = Duration::nanoseconds(span.ns / 2);
        ids = kept_.recent(now, span, digest_ids_max);
    }
    send(peer, digest_frame({span, std::move(ids)}), false, out);
}

void Gossip::epidemic_round(MonoTime now, gossip::Outputs& out) {
    if (!random_.chance(settings_.push_ppm)) {
        for (const PeerId& peer : random_speakers(1))
            send_digest(now, peer, pulled_span, out);
        return;
    }
    gossip::Announce announce{PullReason::epidemic, true, {}};
    for (const MessageId& id : kept_.recent(now, scale().interval * 2, announced_ids_max)) {
        const KeptMessage& message = *kept_.find(id);
        if (message.header.mode == GossipMode::epidemic)
            announce.entries.push_back({id, static_cast<std::uint8_t>(message.header.hops + 1)});
    }
    if (announce.entries.empty()) return;
    for (const PeerId& peer : random_speakers(scale().fanout))
        send(peer, announce_frame(announce), true, out);
}

void Gossip::anti_entropy(MonoTime now, gossip::Outputs& out) {
    const bool digests = std::any_of(settings_.kinds.begin(), settings_.kinds.end(),
                                     [](const auto& kind) { return kind.second.digested; });
    for (const PeerId& peer : random_speakers(settings_.anti_entropy_peers)) {
        if (digests) send_digest(now, peer, lifetime(), out);
        out.emplace_back(gossip::AntiEntropyDue{peer});
    }
}

void Gossip::tick(Now now, gossip::Outputs& out) {
    Overlay::Output changes;
    overlay_.tick(now.mono, changes);
    apply(changes, out);
    ask_for_due(now.mono, out);
    if (announce_at_ && *announce_at_ <= now.mono) flush_announcements(out);
    if (next_round_ <= now.mono) {
        if (settings_.policy == GossipPolicy::epidemic) epidemic_round(now.mono, out);
        next_round_ = now.mono + scale().interval;
    }
    if (next_anti_entropy_ <= now.mono) {
        anti_entropy(now.mono, out);
        // A little apart, so that a network that started at once does not stay in step.
        const auto quarter = static_cast<std::uint64_t>(settings_.anti_entropy_interval.ns / 4);
        next_anti_entropy_ = now.mono + settings_.anti_entropy_interval -
                             Duration::nanoseconds(static_cast<std::int64_t>(random_.below(quarter + 1)));
    }
    if (next_prune_ <= now.mono) {
        kept_.drop_older_than(now.mono - lifetime());
        next_prune_ = now.mono + settings_.prune_interval;
    }
}

MonoTime Gossip::next_due() const {
    MonoTime due = std::min(next_anti_entropy_, next_prune_);
    if (settings_.policy == GossipPolicy::epidemic) due = std::min(due, next_round_);
    for (const std::optional<MonoTime>& other : {overlay_.next_due(), wanted_.next_due(), announce_at_})
        if (other) due = std::min(due, *other);
    return due;
}

GossipStats Gossip::stats() const {
    GossipStats stats = stats_;
    stats.peers = peers_.size();
    stats.neighbours = overlay_.neighbours().size();
    stats.eager = static_cast<std::size_t>(
        std::count_if(peers_.begin(), peers_.end(), [](const auto& peer) { return peer.second.eager; }));
    stats.kept_messages = kept_.size();
    stats.kept_bytes = kept_.bytes();
    stats.wanted = wanted_.size();
    stats.dedup_ids = seen_.exact_ids();
    stats.dedup_filter_bytes = seen_.filter_bytes();
    return stats;
}

}  // namespace peerbook::p2p
