#include "p2p/relay/relay.h"

#include <algorithm>

#include "base/hash.h"
#include "p2p/peers/peer_score.h"

namespace peerbook::p2p {

namespace {

constexpr Duration tidy_interval = Duration::seconds(10);

// Nobody can push an envelope out of the memory while it is still valid.
static_assert(Relay::seen_time > relay_age_max + relay_ahead_max);
static_assert(RelayLimits::verifications.capacity +
                  RelayLimits::verifications.per_1000_s * Relay::seen_time.ms() / 1'000'000 <
              static_cast<std::int64_t>(Relay::seen_max));

KeySeed derived(std::string_view domain, const KeySeed& secret, std::uint64_t number) {
    KeySeed seed;
    seed.data = Hasher(domain).add(secret.view()).add_u64(number).finish().data;
    return seed;
}

// Stamps of strangers may lie anywhere within 2^53 ms, so neither difference overflows.
bool is_timely(WallTime created, WallTime now) {
    return created.ms - now.ms <= relay_ahead_max.ms() && now.ms - created.ms <= relay_age_max.ms();
}

}  // namespace

Relay::Relay(const Digest& network, const Signer& signer, const Verifier& verifier, const KeySeed& secret,
             MonoTime now)
    : network_(network),
      signer_(signer),
      verifier_(verifier),
      secret_(secret),
      key_(derived("peerbook/p2p/relay-key/1", secret, 0)),
      limits_(now),
      seen_(seen_max, seen_time),
      own_messages_(own_messages, now),
      own_seeks_(own_seeks, now),
      own_bytes_(own_bytes, now) {}

KeySeed Relay::fresh_seed() {
    return derived("peerbook/p2p/relay-ephemeral/1", secret_, ++seeds_);
}

void Relay::peer_up(Now now, const PeerId& peer, relay::Outputs& out) {
    peers_.insert(peer);
    routes_.peer_up(peer);
    limits_.peer_up(now.mono, peer);
    // A new peer may lead to those that were sought in vain.
    for (auto& [to, outbound] : outbound_) {
        if (outbound.count == 0 || outbound.key) continue;
        outbound.next_seek = now.mono;
        outbound.seek_pause = pause_min;
        step(now, to, outbound, out);
    }
}

void Relay::peer_down(const PeerId& peer) {
    peers_.erase(peer);
    routes_.peer_down(peer);
    limits_.peer_down(peer);
}

void Relay::receive(Now now, const PeerId& from, ByteView frame, relay::Outputs& out) {
    if (!peers_.contains(from)) return;
    const bool may_be_seek = frame.size() > 2 && frame[2] == static_cast<std::uint8_t>(RelayType::seek);
    const RelayLimits::Cost cost{may_be_seek, frame.size()};
    if (!limits_.comes_in(now.mono, from, cost)) {
        ++stats_.over_rate;
        return;
    }
    const Result<ParsedRelay> parsed = parse_relay(frame);
    if (!parsed.ok()) {
        if (parsed.error().code != ErrorCode::unavailable)
            out.push_back(relay::Violation{from, penalty_protocol, parsed.error().message});
        return;
    }
    const RelayEnvelope& envelope = parsed->envelope;
    if (envelope.sender == signer_.public_key()) return;  // an own one that came round, or its copy
    if (!is_timely(envelope.created, now.wall)) {
        ++stats_.stale;
        return;
    }
    const Digest digest = relay_digest(network_, parsed->signed_part);
    if (seen_.contains(digest)) return take_copy(now, from, envelope, digest, out);
    if (!limits_.verifies(now.mono)) {
        ++stats_.over_rate;
        return;
    }
    if (!is_signed_by_sender(*parsed, digest, verifier_)) {
        out.push_back(
            relay::Violation{from, penalty_signature, "relayed message: its sender's signature is wrong"});
        return;
    }
    seen_.insert(now.mono, digest);
    routes_.heard(now.mono, from, envelope.sender, true);
    if (!limits_.from_source(now.mono, envelope.sender, cost)) {
        ++stats_.over_rate;
        return;
    }
    if (envelope.recipient == signer_.public_key())
        take(now, from, *parsed, digest, out);
    else
        forward(now, from, *parsed, frame, out);
}

// It tells of another way, and is nothing new.
void Relay::take_copy(Now now, const PeerId& from, const RelayEnvelope& envelope, const Digest& digest,
                      relay::Outputs& out) {
    ++stats_.duplicates;
    routes_.heard(now.mono, from, envelope.sender, false);
    if (envelope.recipient != signer_.public_key() || envelope.type != RelayType::seek) return;
    const auto answered = std::ranges::find(answered_, digest, &Answered::seek);
    if (answered == answered_.end() || answered->told.size() >= answers_max) return;
    if (!answered->told.insert(from).second || !limits_.may_answer(now.mono, from)) return;
    out.push_back(relay::Send{from, relay_frame(relay_ttl_max, answered->found)});
}

void Relay::forward(Now now, const PeerId& from, const ParsedRelay& relay, ByteView frame,
                    relay::Outputs& out) {
    if (relay.ttl == 0) return;
    const RelayEnvelope& envelope = relay.envelope;
    const bool is_seek = envelope.type == RelayType::seek;
    std::vector<PeerId> next;
    if (is_seek && !peers_.contains(envelope.recipient))
        std::ranges::copy_if(peers_, std::back_inserter(next),
                             [&](const PeerId& peer) { return peer != from; });
    else
        next = ways_to(now.mono, envelope.recipient, envelope.type == RelayType::wide, &from);
    if (next.empty()) {
        ++stats_.no_way;
        return;
    }
    const ByteView rest = frame.subspan(2);
    const SharedBytes shared(Bytes(rest.begin(), rest.end()));
    for (const PeerId& peer : next) {
        if (!limits_.goes_out(now.mono, peer, {is_seek, frame.size()})) {
            ++stats_.over_rate;
            continue;
        }
        ++stats_.carried;
        stats_.carried_bytes += frame.size();
        out.push_back(relay::Send{peer, relay_frame(static_cast<std::uint8_t>(relay.ttl - 1), shared)});
    }
}

void Relay::take(Now now, const PeerId& from, const ParsedRelay& relay, const Digest& digest,
                 relay::Outputs& out) {
    switch (relay.envelope.type) {
        case RelayType::seek:
            return answer_seek(now, from, relay.envelope, digest, out);
        case RelayType::found:
            return take_found(now, relay.envelope, out);
        case RelayType::narrow:
        case RelayType::wide:
            return take_parcel(now, from, relay.envelope, out);
    }
}

void Relay::answer_seek(Now now, const PeerId& from, const RelayEnvelope& seek, const Digest& digest,
                        relay::Outputs& out) {
    if (!limits_.may_answer(now.mono, from)) {
        ++stats_.over_rate;
        return;
    }
    RelayEnvelope found = envelope_to(now, seek.sender, RelayType::found);
    found.key = key_.public_key();
    found.seek = digest;
    if (answered_.size() >= answered_max) answered_.pop_front();
    answered_.push_back({digest, SharedBytes(write_relay(found, network_, signer_)), {from}});
    out.push_back(relay::Send{from, relay_frame(relay_ttl_max, answered_.back().found)});
    // What waits for the one that asks needs no seek any more.
    const auto entry = outbound_.find(seek.sender);
    if (entry == outbound_.end() || entry->second.key) return;
    entry->second.key = seek.key;
    entry->second.key_said_at = seek.created;
    step(now, seek.sender, entry->second, out);
}

void Relay::take_found(Now now, const RelayEnvelope& found, relay::Outputs& out) {
    const auto entry = outbound_.find(found.sender);
    if (entry == outbound_.end()) return;
    Outbound& outbound = entry->second;
    if (std::ranges::find(outbound.seeks, found.seek) == outbound.seeks.end()) return;
    if (outbound.key && found.created <= outbound.key_said_at) return;
    const bool is_new = !outbound.key || *outbound.key != found.key;
    outbound.key = found.key;
    outbound.key_said_at = found.created;
    outbound.seek_pause = pause_min;
    if (outbound.under_way && (is_new || outbound.under_way->attempts == 0))
        outbound.under_way->next_attempt = now.mono;
    step(now, found.sender, outbound, out);
}

void Relay::take_parcel(Now now, const PeerId& from, const RelayEnvelope& envelope, relay::Outputs& out) {
    const Result<Bytes> opened = key_.open(envelope.box);
    const Result<Parcel> parcel = opened.ok() ? parse_parcel(*opened) : Result<Parcel>(opened.error());
    if (!parcel.ok() || parcel->sender != envelope.sender) {
        ++stats_.unopened;
        return;
    }
    auto known = inbound_.find(envelope.sender);
    if (known != inbound_.end() && envelope.created <= known->second.created) {
        ++stats_.late;
        return;
    }
    if (known == inbound_.end()) {
        if (inbound_.size() >= inbound_max)
            inbound_.erase(std::ranges::min_element(inbound_, {},
                                                    [](const auto& entry) { return entry.second.heard_at; }));
        known = inbound_.emplace(envelope.sender, Inbound{parcel->key, {}, 0, now.mono}).first;
    }
    Inbound& inbound = known->second;
    if (inbound.key != parcel->key) inbound = {parcel->key, {}, 0, now.mono};  // another process of it
    inbound.created = envelope.created;
    inbound.heard_at = now.mono;
    if (parcel->acknowledged > 0) acknowledged(now, envelope.sender, parcel->acknowledged, out);
    if (parcel->number == 0) return;
    if (parcel->number > inbound.number) {
        inbound.number = parcel->number;
        for (const Parcel::Entry& entry : parcel->entries) {
            ++stats_.delivered;
            out.push_back(relay::Deliver{envelope.sender, entry.kind,
                                         SharedBytes(Bytes(entry.payload.begin(), entry.payload.end()))});
        }
    } else {
        ++stats_.duplicates;
    }
    const Parcel answer{signer_.public_key(), key_.public_key(), 0, inbound.number, {}};
    if (limits_.may_answer(now.mono, from))
        (void)send_parcel(now, envelope.sender, parcel->key, answer, envelope.type == RelayType::wide, out);
    else
        ++stats_.over_rate;
}

void Relay::tick(Now now, relay::Outputs& out) {
    for (auto& [to, outbound] : outbound_) {
        expire(now, to, outbound, out);
        step(now, to, outbound, out);
    }
    if (tidied_at_ && now.mono - *tidied_at_ < tidy_interval) return;
    tidied_at_ = now.mono;
    routes_.forget_old(now.mono);
    std::erase_if(inbound_,
                  [now](const auto& entry) { return now.mono - entry.second.heard_at >= inbound_kept; });
    std::erase_if(outbound_, [now](const auto& entry) {
        return entry.second.count == 0 && now.mono - entry.second.used_at >= idle_after;
    });
}

RelayStats Relay::stats() const {
    RelayStats stats = stats_;
    stats.peers = peers_.size();
    stats.ways = routes_.size();
    for (const auto& [to, outbound] : outbound_)
        stats.waiting += outbound.count;
    return stats;
}

}  // namespace peerbook::p2p
