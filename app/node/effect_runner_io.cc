// EffectRunner on the I/O thread: what clients ask and peers send, and the effects on both.
#include <utility>

#include "app/node/effect_runner.h"
#include "app/node/node_parts.h"
#include "base/log.h"

namespace peerbook::app {

namespace {

constexpr std::uint64_t dropped_log_every = 1'000;

}  // namespace

void EffectRunner::submit(SubmitRequest request, std::function<void(Result<SubmitAnswer>)> done) {
    const Ticket ticket(next_ticket_++);
    waiting_.emplace(ticket.value(), std::move(done));
    inputs_.put([ticket, request = std::move(request)](Node& node, Now now, Effects& effects) mutable {
        node.submit(ticket, std::move(request), now, effects);
    });
}

void EffectRunner::ask(Query query, std::function<void(Result<Answer>)> done) {
    const Ticket ticket(next_ticket_++);
    waiting_.emplace(ticket.value(), std::move(done));
    inputs_.put([ticket, query = std::move(query)](Node& node, Now now, Effects& effects) mutable {
        node.ask(ticket, std::move(query), now, effects);
    });
}

void EffectRunner::on_peer_connected(const p2p::PeerId& peer) {
    inputs_.put(
        [peer](Node& node, Now now, Effects& effects) { node.on_peer_connected(peer, now, effects); });
}

void EffectRunner::on_peer_disconnected(const p2p::PeerId& peer) {
    questions_.erase(peer);
    news_.erase(peer);
    inputs_.put([peer](Node& node, Now, Effects&) { node.on_peer_disconnected(peer); });
}

void EffectRunner::ask_node(const PublicKey& peer, Input question) {
    auto& waiting = questions_[peer];
    if (!waiting) waiting = std::make_shared<std::atomic<std::size_t>>(0);
    if (waiting->load() >= questions_per_peer_max) return;
    ++*waiting;
    inputs_.put([waiting, question = std::move(question)](Node& node, Now now, Effects& effects) {
        --*waiting;
        question(node, now, effects);
    });
}

void EffectRunner::on_payload(const p2p::PeerId& peer, std::uint8_t kind, ByteView payload) {
    switch (static_cast<MessageKind>(kind)) {
        case MessageKind::version_vector: {
            auto message = decode_version_vector(payload);
            if (!message.ok()) return violation(peer, 10, message.error().message);
            ask_node(peer, [peer, message = std::move(*message)](Node& node, Now now, Effects& effects) {
                node.on_version_vector(peer, message, now, effects);
            });
            return;
        }
        case MessageKind::holdings: {
            auto message = decode_holdings(payload);
            if (!message.ok()) return violation(peer, 10, message.error().message);
            ask_node(peer, [peer, message = std::move(*message)](Node& node, Now now, Effects& effects) {
                node.on_holdings(peer, message, now, effects);
            });
            return;
        }
        case MessageKind::ledger_news: {
            auto news = decode_ledger_news(payload, network_id_);
            if (!news.ok()) return violation(peer, 10, news.error().message);
            // Not among the questions, whose number is limited: it comes once, when something changed.
            auto& waiting = news_[peer];
            if (!waiting) waiting = std::make_shared<std::atomic<std::size_t>>(0);
            if (waiting->load() >= questions_per_peer_max)
                return violation(peer, 10, "more news of ledgers than any node has");
            ++*waiting;
            inputs_.put(
                [peer, waiting, news = std::move(*news)](Node& node, Now now, Effects& effects) mutable {
                    --*waiting;
                    node.on_ledger_news(peer, std::move(news), now, effects);
                });
            return;
        }
        case MessageKind::want: {
            auto digests = decode_want(payload);
            if (!digests.ok()) return violation(peer, 10, digests.error().message);
            ask_node(peer, [peer, digests = std::move(*digests)](Node& node, Now, Effects& effects) {
                node.on_want(peer, digests, effects);
            });
            return;
        }
        case MessageKind::block:
        case MessageKind::blocks:
        case MessageKind::view_message:
        case MessageKind::decision:
        case MessageKind::evidence:
        case MessageKind::sign_of_life:
        case MessageKind::signed_batch:
            (void)queue_for_verification(
                {peer, kind, SharedBytes(Bytes(payload.begin(), payload.end())), std::nullopt});
            return;
        case MessageKind::far_batch:
        case MessageKind::far_answer:
            return;
    }
    // A kind of a newer minor version, or one that only comes sealed: ignored.
}

// Nothing here is kept by the sender's key: strangers have as many of those as they like.
void EffectRunner::on_sealed(const p2p::PeerId& from, std::uint8_t kind, SharedBytes payload) {
    if (static_cast<MessageKind>(kind) == MessageKind::far_batch) {
        // Half of the room is for observers that are connected.
        if (waiting_batch_bytes_.load() + payload.size() <= batch_queue_bytes_max / 2)
            (void)queue_for_verification({from, kind, std::move(payload), std::nullopt});
    } else if (static_cast<MessageKind>(kind) == MessageKind::far_answer) {
        const auto answer = decode_far_answer(payload.view());
        if (!answer.ok() || far_answers_waiting_.load() >= far_answers_max) return;
        ++far_answers_waiting_;
        inputs_.put([this, from, answer = *answer](Node& node, Now now, Effects&) {
            --far_answers_waiting_;
            node.on_far_answer(from, answer, now);
        });
    }
}

void EffectRunner::on_gossip(const p2p::PeerId& from, const p2p::MessageId& id, std::uint8_t kind,
                             SharedBytes payload) {
    // The network's settings name the kinds that come here: those that have rules for being passed on.
    if (!queue_for_verification({from, kind, std::move(payload), GossipId{id.data}}))
        network_->answer_gossip(id, false);
}

// What is dropped here is fetched again by wants and anti-entropy, or sent again by its sender.
bool EffectRunner::queue_for_verification(PeerPayload payload) {
    const bool is_batch = is_batch_of_observer(payload.kind);
    std::atomic<std::size_t>& waiting = waiting_bytes_of(payload.kind);
    if (waiting.load() + payload.bytes.size() > (is_batch ? batch_queue_bytes_max : verify_queue_bytes_max)) {
        if (dropped_payloads_++ % dropped_log_every == 0)
            log_warn("node", "payloads of peers dropped=" + std::to_string(dropped_payloads_) +
                                 " because too many bytes of peers wait; they come again");
        return false;
    }
    waiting += payload.bytes.size();
    unverified_.put(std::move(payload));
    return true;
}

void EffectRunner::on_undeliverable(const p2p::PeerId& peer, std::uint8_t kind, const std::string& why) {
    log_debug("node",
              "undeliverable peer=" + short_id(peer) + " kind=" + std::to_string(kind) + " why=" + why);
    if (static_cast<MessageKind>(kind) == MessageKind::far_batch)
        inputs_.put([peer](Node& node, Now now, Effects&) { node.on_undeliverable(peer, now); });
}

void EffectRunner::violation(const PublicKey& peer, int points, std::string why) {
    if (network_) network_->report_misbehaviour(peer, points, why);
}

void EffectRunner::perform_on_io(Effects& effects) {
    if (effects.ledger && on_ledger_) on_ledger_(*effects.ledger);
    if (network_) {
        if (effects.nodes_apart) network_->set_nodes_apart(*effects.nodes_apart);
        for (const GossipAnswerEffect& answer : effects.gossip_answers)
            network_->answer_gossip(p2p::MessageId{answer.id.data}, answer.accept);
        for (GossipEffect& gossip : effects.gossips)
            network_->publish(gossip.kind, std::move(gossip.payload));
        for (BroadcastEffect& broadcast : effects.broadcasts)
            network_->broadcast(broadcast.kind, broadcast.payload);
        for (SendEffect& send : effects.sends)
            network_->send(send.peer, send.kind, send.payload);
        for (SealedEffect& sealed : effects.sealed)
            network_->send_sealed(sealed.node, sealed.kind, std::move(sealed.payload), sealed.lifetime);
        for (ViolationEffect& one : effects.violations)
            network_->report_misbehaviour(one.peer, one.points, one.why);
    }
    if (effects.rules) rules_ = std::move(effects.rules);
    for (AnswerEffect& answer : effects.answers) {
        const auto found = waiting_.find(answer.ticket.value());
        if (found == waiting_.end()) continue;
        Done done = std::move(found->second);
        waiting_.erase(found);
        if (auto* submitted = std::get_if<Result<SubmitAnswer>>(&answer.answer))
            std::get<0>(done)(std::move(*submitted));
        else
            std::get<1>(done)(std::move(std::get<Result<Answer>>(answer.answer)));
    }
}

}  // namespace peerbook::app
