// What Relay does about messages of this node.
#include <algorithm>

#include "p2p/relay/relay.h"

namespace peerbook::p2p {

namespace {

// The own clock was set back by more than this: stamps follow it, or nobody would take them for long.
constexpr std::int64_t stamp_ahead_ms_max = 20'000;
constexpr Duration room_pause = Duration::milliseconds(100);
// Around a payload in a parcel, and in front of all.
constexpr std::size_t entry_overhead = 1 + 5;
constexpr std::size_t parcel_overhead = 2 * 32 + 3 * 10;
static_assert(relay_payload_max + entry_overhead + parcel_overhead <= parcel_bytes_max);

}  // namespace

RelayEnvelope Relay::envelope_to(Now now, const PeerId& to, RelayType type) {
    const bool follows =
        last_created_.ms >= now.wall.ms && last_created_.ms - now.wall.ms < stamp_ahead_ms_max;
    last_created_ = follows ? WallTime{last_created_.ms + 1} : now.wall;
    RelayEnvelope envelope;
    envelope.type = type;
    envelope.sender = signer_.public_key();
    envelope.recipient = to;
    envelope.created = last_created_;
    return envelope;
}

std::vector<PeerId> Relay::ways_to(MonoTime now, const PeerId& node, bool is_wide,
                                   const PeerId* except) const {
    if (peers_.contains(node)) return {node};
    std::vector<PeerId> ways = routes_.hops_to(now, node, except);
    if (!is_wide && ways.size() > 1) ways.resize(1);
    return ways;
}

void Relay::send(Now now, const PeerId& to, std::uint8_t kind, SharedBytes payload, Duration lifetime,
                 relay::Outputs& out) {
    const auto refuse = [&](const char* why) {
        ++stats_.undeliverable;
        out.push_back(relay::Undeliverable{to, kind, why});
    };
    if (kind < application_kind_min || payload.size() > relay_payload_max)
        return refuse("it does not fit a relayed message");
    if (to == signer_.public_key()) return refuse("it is for this node itself");
    auto known = outbound_.find(to);
    if (known == outbound_.end()) {
        if (outbound_.size() >= outbound_max) {
            const auto idle = std::ranges::min_element(outbound_, {}, [](const auto& entry) {
                return std::pair(entry.second.count > 0, entry.second.used_at);
            });
            if (idle->second.count > 0) return refuse("messages to too many nodes wait to be relayed");
            outbound_.erase(idle);
        }
        known = outbound_.try_emplace(to).first;
        known->second.next_seek = now.mono;
        known->second.wide_until = now.mono;
    }
    Outbound& outbound = known->second;
    if (const auto wrote = inbound_.find(to); !outbound.key && wrote != inbound_.end()) {
        outbound.key = wrote->second.key;
        outbound.key_said_at = wrote->second.created;
    }
    if (outbound.count >= waiting_max || outbound.bytes + payload.size() > waiting_bytes_max ||
        outbound_bytes_ + payload.size() > all_bytes_max)
        return refuse("too much waits to be relayed");
    ++stats_.sent;
    ++outbound.count;
    outbound.bytes += payload.size();
    outbound_bytes_ += payload.size();
    outbound.used_at = now.mono;
    outbound.waiting.push_back({kind, std::move(payload), now.mono + lifetime});
    step(now, to, outbound, out);
}

void Relay::seek(Now now, const PeerId& to, Outbound& outbound, relay::Outputs& out) {
    if (peers_.empty() || now.mono < outbound.next_seek) return;
    if (!own_messages_.has(now.mono) || !own_seeks_.take(now.mono)) return;
    (void)own_messages_.take(now.mono);
    outbound.next_seek = now.mono + outbound.seek_pause;
    outbound.seek_pause = std::min(outbound.seek_pause * 2, pause_max);
    ++stats_.seeks;
    RelayEnvelope envelope = envelope_to(now, to, RelayType::seek);
    envelope.key = key_.public_key();
    const SharedBytes bytes(write_relay(envelope, network_, signer_));
    const ByteView signed_part = bytes.view().first(bytes.size() - Signature::size);
    outbound.seeks.push_back(relay_digest(network_, signed_part));
    if (outbound.seeks.size() > seeks_remembered) outbound.seeks.pop_front();
    if (peers_.contains(to)) {
        out.push_back(relay::Send{to, relay_frame(relay_ttl_max, bytes)});
        return;
    }
    for (const PeerId& peer : peers_)
        out.push_back(relay::Send{peer, relay_frame(relay_ttl_max, bytes)});
}

// Does what is due for one recipient.
void Relay::step(Now now, const PeerId& to, Outbound& outbound, relay::Outputs& out) {
    if (outbound.count == 0) return;
    if (!outbound.key) return seek(now, to, outbound, out);
    if (!outbound.under_way) {
        outbound.under_way = next_letter(outbound);
        outbound.under_way->next_attempt = now.mono;
    }
    if (outbound.under_way->next_attempt <= now.mono) transmit(now, to, outbound, out);
}

Relay::Letter Relay::next_letter(Outbound& outbound) {
    Letter letter;
    letter.number = ++last_number_;
    std::size_t bytes = parcel_overhead;
    while (!outbound.waiting.empty() && letter.messages.size() < parcel_entries_max) {
        bytes += outbound.waiting.front().payload.size() + entry_overhead;
        if (bytes > parcel_bytes_max) break;  // never the first: see above
        letter.messages.push_back(std::move(outbound.waiting.front()));
        outbound.waiting.pop_front();
    }
    return letter;
}

void Relay::transmit(Now now, const PeerId& to, Outbound& outbound, relay::Outputs& out) {
    Letter& letter = *outbound.under_way;
    // An attempt that came to nothing: the recipient may have another process by now, or the way is lost.
    if (letter.attempts > 0) seek(now, to, outbound, out);
    const auto known = inbound_.find(to);
    const bool is_known = known != inbound_.end();
    Parcel parcel{signer_.public_key(),
                  key_.public_key(),
                  letter.number,
                  is_known && known->second.key == *outbound.key ? known->second.number : 0,
                  {}};
    for (const Message& message : letter.messages)
        parcel.entries.push_back({message.kind, message.payload.view()});
    const bool is_wide = letter.attempts > 0 || now.mono < outbound.wide_until;
    if (!send_parcel(now, to, *outbound.key, parcel, is_wide, out)) {
        letter.next_attempt = now.mono + room_pause;
        if (ways_to(now.mono, to, true, nullptr).empty()) seek(now, to, outbound, out);
        return;
    }
    if (letter.attempts > 0) ++stats_.repeated;
    ++letter.attempts;
    letter.next_attempt = now.mono + letter.pause;
    letter.pause = std::min(letter.pause * 2, pause_max);
}

bool Relay::send_parcel(Now now, const PeerId& to, const SealKey& key, const Parcel& parcel, bool is_wide,
                        relay::Outputs& out) {
    const std::vector<PeerId> ways = ways_to(now.mono, to, is_wide, nullptr);
    if (ways.empty()) return false;
    const Bytes plain = write_parcel(parcel);
    if ((parcel.number != 0 && !own_messages_.take(now.mono)) ||
        !own_bytes_.take(now.mono, static_cast<std::int64_t>(plain.size())))
        return false;
    const Result<Bytes> box = seal_to(plain, key, fresh_seed());
    if (!box.ok()) return false;  // it named a key that is none
    RelayEnvelope envelope = envelope_to(now, to, is_wide ? RelayType::wide : RelayType::narrow);
    envelope.box = *box;
    const SharedBytes bytes(write_relay(envelope, network_, signer_));
    for (const PeerId& peer : ways)
        out.push_back(relay::Send{peer, relay_frame(relay_ttl_max, bytes)});
    return true;
}

void Relay::acknowledged(Now now, const PeerId& by, std::uint64_t number, relay::Outputs& out) {
    const auto entry = outbound_.find(by);
    if (entry == outbound_.end() || !entry->second.under_way) return;
    Outbound& outbound = entry->second;
    // One of a letter that was given up is none.
    if (number != outbound.under_way->number || outbound.under_way->attempts == 0) return;
    if (outbound.under_way->attempts > 1) outbound.wide_until = now.mono + wide_for;
    for (const Message& message : outbound.under_way->messages) {
        --outbound.count;
        outbound.bytes -= message.payload.size();
        outbound_bytes_ -= message.payload.size();
    }
    outbound.under_way.reset();
    outbound.used_at = now.mono;
    step(now, by, outbound, out);
}

void Relay::give_up(const PeerId& to, Outbound& outbound, const Message& message, const char* why,
                    relay::Outputs& out) {
    --outbound.count;
    outbound.bytes -= message.payload.size();
    outbound_bytes_ -= message.payload.size();
    ++stats_.undeliverable;
    out.push_back(relay::Undeliverable{to, message.kind, why});
}

void Relay::expire(Now now, const PeerId& to, Outbound& outbound, relay::Outputs& out) {
    const char* why = peers_.empty()        ? "no peer relays"
                      : !outbound.key       ? "no way to it was found"
                      : !outbound.under_way ? "others were in front of it for too long"
                                            : "expired without an acknowledgement";
    // What is behind it ends with it: it must not overtake what the application sends again. A parcel is one
    // message to its recipient: it goes or ends as a whole.
    bool ends = false;
    if (outbound.under_way &&
        std::ranges::all_of(outbound.under_way->messages,
                            [now](const Message& message) { return message.expires <= now.mono; })) {
        const Letter letter = std::move(*outbound.under_way);
        outbound.under_way.reset();
        ends = true;
        for (const Message& message : letter.messages)
            give_up(to, outbound, message, why, out);
    }
    std::erase_if(outbound.waiting, [&](const Message& message) {
        ends = ends || message.expires <= now.mono;
        if (!ends) return false;
        give_up(to, outbound, message, why, out);
        return true;
    });
}

}  // namespace peerbook::p2p
