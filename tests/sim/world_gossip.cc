// Gossip between nodes that are not all connected: the product's own gossip objects, one a process.
#include <algorithm>

#include "app/node/gossip_options.h"
#include "app/node/sign_of_life.h"
#include "p2p/gossip/gossip.h"
#include "tests/sim/machine.h"

namespace peerbook::sim {

using app::Effects;
using app::MessageKind;

namespace {

constexpr std::int64_t tick_us = 200'000;  // as p2p/peer_network.cc
const testing::CheapVerifier verifier;

SharedBytes whole(const p2p::OutgoingPayload& frame) {
    Bytes bytes(frame.head.begin(), frame.head.begin() + frame.head_size);
    const ByteView body = frame.body.view();
    bytes.insert(bytes.end(), body.begin(), body.end());
    return SharedBytes(std::move(bytes));
}

}  // namespace

void World::start_gossip(Machine& machine) {
    p2p::GossipSettings settings;
    settings.kinds = app::gossip_kinds();
    machine.gossip = std::make_unique<p2p::Gossip>(settings, random_.next(), now_of(machine).mono);
    machine.nodes_apart = 0;
    tick_gossip(machine, machine.process);
}

void World::tick_gossip(Machine& machine, std::uint64_t process) {
    scheduler_.after(tick_us, [this, &machine, process] {
        if (machine.process != process || !machine.gossip) return;
        p2p::gossip::Outputs outputs;
        if (machine.runs()) machine.gossip->tick(now_of(machine), outputs);
        perform_gossip(machine, outputs);
        tick_gossip(machine, process);
    });
}

void World::gossip_peer(Machine& machine, const PublicKey& peer, bool is_up) {
    if (!machine.gossip) return;
    p2p::gossip::Outputs outputs;
    if (is_up)
        machine.gossip->peer_up(now_of(machine), peer, true, Duration{}, outputs);
    else
        machine.gossip->peer_down(now_of(machine), peer, outputs);
    size_gossip(machine);
    perform_gossip(machine, outputs);
}

void World::size_gossip(Machine& machine) {
    machine.gossip->set_network_size(machine.gossip->stats().peers + 1 + machine.nodes_apart);
}

void World::perform_gossip(Machine& machine, const p2p::gossip::Outputs& outputs) {
    for (const p2p::gossip::Output& output : outputs) {
        if (const auto* send = std::get_if<p2p::gossip::Send>(&output)) {
            const auto to = std::ranges::find_if(machines_, [&](const auto& peer) {
                return peer->key() == send->peer && links_->is_up(machine.number, peer->number);
            });
            if (to == machines_.end()) continue;
            const SharedBytes frame = whole(send->frame);
            post(machine, (*to)->number, frame.view().front(), frame);
        } else if (const auto* deliver = std::get_if<p2p::gossip::Deliver>(&output)) {
            take_gossip(machine, *deliver);
        } else if (const auto* violation = std::get_if<p2p::gossip::Violation>(&output)) {
            accuse(machine, violation->peer, violation->why);
        }
    }
}

void World::receive_gossip(Machine& machine, std::size_t from, const SharedBytes& frame) {
    if (!machine.gossip) return;
    p2p::gossip::Outputs outputs;
    machine.gossip->receive(now_of(machine), machines_[from]->key(), frame.view(), outputs);
    perform_gossip(machine, outputs);
}

void World::take_gossip(Machine& machine, const p2p::gossip::Deliver& message) {
    const app::GossipId id{message.id.data};
    const PublicKey key = message.from;
    const auto refuse = [&, this](const Error& error) {
        put(machine, [key, id, error](app::Node& node, Now now, Effects& effects) {
            effects.gossip_answers.push_back({id, false});
            if (error.code == ErrorCode::unavailable) node.on_other_view(key, now, effects);
        });
        if (error.code == ErrorCode::unavailable)
            rare_.add(Rare::other_view_message);
        else
            accuse(machine, key, error.message);
    };
    const exchange::View& view = *ledgers_.find(machine.view);
    switch (static_cast<MessageKind>(message.kind)) {
        case MessageKind::block: {
            const SharedBytes& bytes = message.payload;
            if (bytes.size() <= exchange::block_bytes_max && BlockBook::view_of(bytes) != machine.view)
                return refuse({ErrorCode::unavailable, "another view"});
            auto block = book_->verify(bytes);
            if (!block.ok()) return refuse(block.error());
            if (message.hops > 1) rare_.add(Rare::block_passed_on);
            note_heard(machine, (*block)->header.author);
            return put(machine, [key, id, block = *block](app::Node& node, Now now, Effects& effects) {
                node.on_gossiped_block(key, id, *block, now, effects);
            });
        }
        case MessageKind::view_message: {
            auto about =
                exchange::verify_view_message(message.payload.view(), view, rules_.network, verifier);
            if (!about.ok()) return refuse(about.error());
            rare_.add(Rare::view_message_gossiped);
            return put(machine, [this, key, id, about = *about](app::Node& node, Now now, Effects& effects) {
                if (about.kind == exchange::ViewMessageKind::promise &&
                    about.view == node.ledger().view_digest())
                    ledgers_.of_view(about.view)->views.promised(about);
                node.on_gossiped_view_message(key, id, about, now, effects);
            });
        }
        default: {
            auto sign = app::verify_sign_of_life(message.payload.view(), view, rules_.network, verifier);
            if (!sign.ok() &&
                sign.error().code == ErrorCode::conflict)  // of another ledger: it may come late
                return put(machine, [id](app::Node&, Now, Effects& effects) {
                    effects.gossip_answers.push_back({id, false});
                });
            if (!sign.ok()) return refuse(sign.error());
            note_heard(machine, sign->sender);
            return put(machine, [key, id, sign = *sign](app::Node& node, Now now, Effects& effects) {
                node.on_sign_of_life(key, id, sign, now, effects);
            });
        }
    }
}

// What a node says by gossip; a mutator pushes its blocks by itself, as it likes.
void World::publish(Machine& machine, const app::GossipEffect& message) {
    const auto kind = static_cast<MessageKind>(message.kind);
    if (kind == MessageKind::block) {
        const auto block = book_->verify(message.payload).value();
        if (machine.mutator) return broadcast(machine, {message.kind, message.payload});
        check_leaves(machine, *block);
    }
    SharedBytes payload = message.payload;
    if (kind == MessageKind::view_message) {
        check_view_message_leaves(machine, payload.view());
        payload = as_it_says(machine, {machine.key(), message.kind, payload});
    }
    p2p::gossip::Outputs outputs;
    machine.gossip->broadcast(now_of(machine), message.kind, std::move(payload), outputs);
    perform_gossip(machine, outputs);
}

void World::answer_gossip(Machine& machine, const app::GossipAnswerEffect& answer) {
    p2p::gossip::Outputs outputs;
    if (answer.accept)
        machine.gossip->accept(now_of(machine), p2p::MessageId{answer.id.data}, outputs);
    else
        machine.gossip->reject(p2p::MessageId{answer.id.data});
    perform_gossip(machine, outputs);
}

// Pairs that never have a session. All hang together; whoever is left over meets a member, or the observer
// that does.
void World::forbid_links() {
    if (plan_.far_observers)
        for (std::size_t far = plan_.members + 1; far < nodes(); ++far)
            for (std::size_t member = 0; member < plan_.members; ++member)
                links_->forbid(member, far, true);
    if (!plan_.dead_links) return;
    Random random(plan_.seed * 0x2545f4914f6cdd1d + 11);
    std::set<std::pair<std::size_t, std::size_t>> kept;
    for (std::size_t i = 1; i < nodes(); ++i) {
        const std::size_t others = std::min(i, plan_.members);
        // Lines, stars, and what is between.
        const std::size_t to =
            random.below(2) == 0 ? others - 1 : static_cast<std::size_t>(random.below(others));
        kept.insert({to, i});
    }
    for (std::size_t a = 0; a < nodes(); ++a)
        for (std::size_t b = a + 1; b < nodes(); ++b)
            if (!kept.contains({a, b}) && random.below(3) > 0) links_->forbid(a, b, true);
}

// Where those who are left do not hang together any more, because who did hold them together is gone for
// good, their operators give them each other's addresses.
void World::introduce_the_rest() {
    if (!plan_.dead_links && !plan_.far_observers) return;
    std::vector<std::size_t> left, reached;
    for (std::size_t i = 0; i < nodes(); ++i)
        if (machines_[i]->state != ProcessState::gone) left.push_back(i);
    if (left.empty()) return;
    reached.push_back(left.front());
    for (std::size_t next = 0; next < reached.size(); ++next)
        for (const std::size_t peer : left)
            if (peer != reached[next] && !links_->is_forbidden(reached[next], peer) &&
                std::ranges::find(reached, peer) == reached.end())
                reached.push_back(peer);
    if (reached.size() == left.size()) return;
    rare_.add(Rare::introduced);
    for (const std::size_t a : left)
        for (const std::size_t b : left)
            if (a < b) links_->forbid(a, b, false);
}

}  // namespace peerbook::sim
