// Messages to one node that others carry, sealed: lost on the way, out of order, delivered at most once to a
// process, given up when they are not acknowledged in time. How they are sealed and carried is p2p/relay's
// own matter and has its own tests; here is what a node sees of it.
#include <algorithm>
#include <deque>

#include "app/node/peer_messages.h"
#include "tests/sim/machine.h"

namespace peerbook::sim {

using app::Effects;
using app::MessageKind;

namespace {

const testing::CheapVerifier verifier;
constexpr std::int64_t resend_us = 500'000;
constexpr std::uint32_t lost_ppm = 150'000;  // of parcels, and of acknowledgements

}  // namespace

struct World::Parcel {
    Machine& from;
    std::uint64_t process = 0;  // of its sender
    PublicKey to;
    std::uint8_t kind = 0;
    SharedBytes payload;
    std::int64_t until_us = 0;
    std::set<std::pair<std::size_t, std::uint64_t>> taken;  // by these machines' processes
    bool is_acknowledged = false;
};

// Over how many sessions the one reaches the other, through processes that run; none: it does not.
std::optional<std::size_t> World::hops_between(std::size_t from, std::size_t to) const {
    std::vector<std::size_t> hops(machines_.size(), machines_.size());
    hops[from] = 0;
    std::deque<std::size_t> next = {from};
    while (!next.empty()) {
        const std::size_t at = next.front();
        next.pop_front();
        if (at == to) return hops[at];
        for (std::size_t peer = 0; peer < machines_.size(); ++peer) {
            if (hops[peer] < machines_.size() || peer == at || !machines_[peer]->runs() ||
                !links_->carries(at, peer))
                continue;
            hops[peer] = hops[at] + 1;
            next.push_back(peer);
        }
    }
    return std::nullopt;
}

void World::send_sealed(Machine& machine, const app::SealedEffect& message) {
    if (static_cast<MessageKind>(message.kind) == MessageKind::far_batch)
        check_batch_leaves(machine, app::decode_far_batch(message.payload.view()).value().batch);
    auto parcel = std::make_shared<Parcel>(
        Parcel{machine, machine.process, message.node, message.kind, message.payload, 0, {}, false});
    const std::int64_t lifetime_us = message.lifetime.ns / 1'000;
    parcel->until_us = scheduler_.now_us() + lifetime_us;
    carry(parcel);
    scheduler_.after(lifetime_us, [this, parcel] {
        if (parcel->is_acknowledged || parcel->from.process != parcel->process) return;
        rare_.add(Rare::undeliverable);
        put(parcel->from,
            [node = parcel->to](app::Node& to, Now now, Effects&) { to.on_undeliverable(node, now); });
    });
}

// Now, and again until it is acknowledged or given up.
void World::carry(const std::shared_ptr<Parcel>& parcel) {
    if (parcel->is_acknowledged || parcel->from.process != parcel->process ||
        scheduler_.now_us() >= parcel->until_us)
        return;
    scheduler_.after(resend_us, [this, parcel] { carry(parcel); });
    if (!parcel->from.runs()) return;
    for (const auto& machine : machines_) {
        if (machine->key() != parcel->to || !machine->runs()) continue;
        on_the_way(parcel->from.number, machine->number,
                   [this, parcel, to = machine.get(), process = machine->process] {
                       if (to->process == process && to->runs()) take_parcel(parcel, *to);
                   });
    }
}

// What another parcel overtakes, or what is lost.
void World::on_the_way(std::size_t from, std::size_t to, const std::function<void()>& arrive) {
    const auto hops = hops_between(from, to);
    if (!hops || (!healing_ && random_.chance(lost_ppm))) return;
    scheduler_.after(1 + draw_us(static_cast<std::int64_t>(*hops) * 2 * plan_.delay_us_max), arrive);
}

void World::take_parcel(const std::shared_ptr<Parcel>& parcel, Machine& machine) {
    const std::size_t sender = parcel->from.number;
    on_the_way(machine.number, sender, [parcel] { parcel->is_acknowledged = true; });
    if (!parcel->taken.insert({machine.number, machine.process}).second) return;
    trace_.mix(static_cast<std::uint64_t>(scheduler_.now_us()) << 16 | sender << 12 | machine.number << 8 |
               parcel->kind);
    trace_.mix(parcel->payload.view());
    trace_.say(scheduler_.now_us(), [&] {
        return "node " + std::to_string(machine.number) + " gets from far node " + std::to_string(sender) +
               " message of kind " + std::to_string(parcel->kind) + ", " +
               std::to_string(parcel->payload.size()) + " bytes";
    });
    const PublicKey key = parcel->from.key();
    if (static_cast<MessageKind>(parcel->kind) == MessageKind::far_answer) {
        const auto answer = app::decode_far_answer(parcel->payload.view());
        if (!answer.ok()) return fail_at(sender, answer.error().message);
        using enum app::FarAnswer::Verdict;
        rare_.add(answer->verdict == taken || answer->verdict == ran ? Rare::far_batch_taken
                                                                     : Rare::far_batch_refused);
        return put(machine, [key, answer = *answer](app::Node& node, Now now, Effects&) {
            node.on_far_answer(key, answer, now);
        });
    }
    auto message = app::decode_far_batch(parcel->payload.view());
    if (!message.ok()) return fail_at(sender, message.error().message);
    Bytes encoded(message->batch.begin(), message->batch.end());
    auto batch = exchange::decode_signed_batch(encoded, rules_.network, rules_.rules_version, verifier);
    if (!batch.ok()) return fail_at(sender, batch.error().message);
    message->batch = {};  // what it points to may be gone by then
    put(machine, [key, head = *message, encoded = std::move(encoded), batch = *batch](
                     app::Node& node, Now, Effects& effects) mutable {
        node.on_far_batch(key, head, std::move(encoded), batch, effects);
    });
}

}  // namespace peerbook::sim
