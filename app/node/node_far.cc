// Node as an observer that is connected to others, but to no member: its users' commands go to one sealed,
// carried by those others, and the member's answer comes back so. And Node as such a member.
#include <algorithm>

#include "app/node/node.h"
#include "app/node/node_parts.h"

namespace peerbook::app {

namespace {

// Before the next one is chosen. Until then nothing goes out, or it would overtake what was refused.
constexpr Duration leave_pause = Duration::milliseconds(500);
constexpr Duration look_pause = Duration::seconds(1);
constexpr Duration look_pause_waiting =
    Duration::milliseconds(250);  // while commands wait to be seen executed
constexpr Duration heard_for = Duration::seconds(60);
constexpr Duration answer_lifetime = Duration::seconds(10);

}  // namespace

bool Node::is_far_from_members() const {
    if (self_index_ || sync_.connected().empty() || is_cut_loose_) return false;
    return std::ranges::none_of(ledger_.view().members, [this](const PublicKey& member) {
        return sync_.connected().contains(member);
    });
}

Node::FarRoom Node::far_room() const {
    FarRoom room;
    for (const Relayed& batch : relayed_) {
        if (!batch.awaits_answer) continue;
        ++room.batches;
        room.bytes += batch.encoded.size();
    }
    return room;
}

void Node::send_far(Relayed& batch, Effects& effects) {
    batch.awaits_answer = true;
    const FarBatch message{ledger_id(), batch.id, batch.encoded.view()};
    effects.sealed.push_back({*relay_to_, static_cast<std::uint8_t>(MessageKind::far_batch),
                              SharedBytes(encode_far_batch(message)), options_.far_retry});
}

void Node::look_from_far(Now now, Effects& effects) {
    if (!recovered_ || !is_established() || !is_far_from_members()) return;
    const Duration pause = relayed_.empty() ? look_pause : look_pause_waiting;
    if (!far_looked_at_ || now.mono >= *far_looked_at_ + pause) {
        far_looked_at_ = now.mono;
        sync_.ask_some(effects);
    }
    sooner(effects.wake_at, *far_looked_at_ + pause);
}

void Node::on_far_batch(const PublicKey& from, const FarBatch& message, Bytes encoded,
                        const exchange::CommandBatch& batch, Effects& effects) {
    FarAnswer answer{message.number, FarAnswer::Verdict::not_here};
    // What a peer says of its ledger by other messages, the batch says itself.
    if (self_index_ && !is_cut_loose_ && is_established() && message.ledger == ledger_id())
        answer.verdict = offer_batch(std::move(encoded), batch);
    effects.sealed.push_back({from, static_cast<std::uint8_t>(MessageKind::far_answer),
                              SharedBytes(encode_far_answer(answer)), answer_lifetime});
}

void Node::on_far_answer(const PublicKey& from, const FarAnswer& answer, Now now) {
    using enum FarAnswer::Verdict;
    if (relay_to_ != from || !is_far_from_members()) return;
    const auto batch = std::ranges::lower_bound(relayed_, answer.number, {}, &Relayed::id);
    // One answer a sending: a member that only talks is left like one that is silent.
    if (batch == relayed_.end() || batch->id != answer.number || !std::exchange(batch->awaits_answer, false))
        return;
    if (answer.verdict == not_here || answer.verdict == busy) return leave_far_target(from, now.mono);
    far_heard_at_ = now.mono;
    batch->last_sent = now.mono;  // the way to the member took its time; from here on it is the member's
}

void Node::on_undeliverable(const PublicKey& node, Now now) {
    if (relay_to_ == node && is_far_from_members()) leave_far_target(node, now.mono);
}

// The next flush chooses another, and sends it all that is not settled.
void Node::leave_far_target(const PublicKey& member, MonoTime now) {
    if (relay_to_ != member) return;
    far_left_at_ = now;
    relay_to_.reset();
}

std::optional<MonoTime> Node::far_pause_ends(MonoTime now) const {
    if (!is_far_from_members() || !far_left_at_ || now >= *far_left_at_ + leave_pause) return std::nullopt;
    return *far_left_at_ + leave_pause;
}

bool Node::heard_from_far(MonoTime now) const {
    return is_far_from_members() && far_heard_at_ && now < *far_heard_at_ + heard_for;
}

}  // namespace peerbook::app
