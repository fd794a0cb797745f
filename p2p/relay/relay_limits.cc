#include "p2p/relay/relay_limits.h"

#include <algorithm>

#include "base/check.h"

namespace peerbook::p2p {

RelayLimits::RelayLimits(MonoTime now)
    : verifications_(verifications, now), carried_bytes_(carried_bytes, now), answers_(answers, now) {}

bool RelayLimits::Share::take(MonoTime now, Cost cost) {
    return messages.take(now) && (!cost.is_seek || seeks.take(now)) &&
           bytes.take(now, static_cast<std::int64_t>(cost.bytes));
}

void RelayLimits::peer_up(MonoTime now, const PeerId& peer) {
    peers_.try_emplace(peer, Peer{{{in_messages, now}, {in_seeks, now}, {in_bytes, now}},
                                  {{out_messages, now}, {out_seeks, now}, {out_bytes, now}},
                                  {answers_to_peer, now}});
}

bool RelayLimits::comes_in(MonoTime now, const PeerId& peer, Cost cost) {
    const auto found = peers_.find(peer);
    PB_CHECK(found != peers_.end(), "bounds are those of peers that are there");
    return found->second.in.take(now, cost);
}

bool RelayLimits::goes_out(MonoTime now, const PeerId& peer, Cost cost) {
    const auto found = peers_.find(peer);
    PB_CHECK(found != peers_.end(), "bounds are those of peers that are there");
    return found->second.out.take(now, cost) &&
           carried_bytes_.take(now, static_cast<std::int64_t>(cost.bytes));
}

bool RelayLimits::may_answer(MonoTime now, const PeerId& peer) {
    const auto found = peers_.find(peer);
    PB_CHECK(found != peers_.end(), "bounds are those of peers that are there");
    return found->second.answers.take(now) && answers_.take(now);
}

bool RelayLimits::from_source(MonoTime now, const PeerId& source, Cost cost) {
    auto found = sources_.find(source);
    if (found == sources_.end()) {
        if (sources_.size() >= sources_max)
            sources_.erase(std::ranges::min_element(sources_, {},
                                                    [](const auto& entry) { return entry.second.heard_at; }));
        const Share full{{source_messages, now}, {source_seeks, now}, {source_bytes, now}};
        found = sources_.emplace(source, Source{full, now}).first;
    }
    found->second.heard_at = now;
    return found->second.share.take(now, cost);
}

}  // namespace peerbook::p2p
