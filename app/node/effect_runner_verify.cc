// EffectRunner's verify thread: signatures and decoding of what peers send.
#include <utility>

#include "app/node/effect_runner.h"

namespace peerbook::app {

namespace {

// Each wakes the logic thread for a flush, so a few go together; more would keep the first waiting.
constexpr std::size_t verified_at_once = 32;

}  // namespace

bool EffectRunner::is_batch_of_observer(std::uint8_t kind) {
    return static_cast<MessageKind>(kind) == MessageKind::signed_batch ||
           static_cast<MessageKind>(kind) == MessageKind::far_batch;
}

void EffectRunner::run_verify() {
    std::vector<PeerPayload> batch;
    while (unverified_.take_all(batch))
        for (PeerPayload& payload : batch) {
            const std::size_t size = payload.bytes.size();
            std::atomic<std::size_t>& waiting = waiting_bytes_of(payload.kind);
            verify(payload);
            // Behind what it has become, so that nothing waits uncounted for the logic thread either.
            verified_.push_back([&waiting, size](Node&, Now, Effects&) { waiting -= size; });
            if (verified_.size() >= verified_at_once || &payload == &batch.back())
                inputs_.put_all(std::exchange(verified_, {}));
        }
}

void EffectRunner::verify(PeerPayload& payload) {
    const PublicKey peer = payload.peer;
    auto broken = [this, peer](std::string why) {
        verified_.push_back([peer, why = std::move(why)](Node&, Now, Effects& effects) {
            effects.violations.push_back({peer, 10, why});
        });
    };
    switch (static_cast<MessageKind>(payload.kind)) {
        case MessageKind::block:
            verify_one_block(peer, std::move(payload.bytes), payload.gossip);
            break;
        case MessageKind::blocks: {
            auto message = decode_blocks(payload.bytes.view());
            if (!message.ok()) return broken(message.error().message);
            for (Bytes& block : message->blocks)
                verify_one_block(peer, SharedBytes(std::move(block)), std::nullopt);
            verified_.push_back([peer, more = message->more](Node& node, Now, Effects&) {
                node.on_blocks_taken(peer, more);
            });
            break;
        }
        case MessageKind::view_message:
        case MessageKind::decision:
        case MessageKind::evidence:
            verify_view_payload(payload);
            break;
        case MessageKind::sign_of_life:
            verify_sign_of_life_of(payload);
            break;
        case MessageKind::far_batch:
            verify_far_batch(payload);
            break;
        default: {
            const ByteView bytes = payload.bytes.view();
            auto batch = exchange::decode_signed_batch(bytes, network_id_, rules_version_, verifier_);
            if (!batch.ok()) return broken("signed batch: " + batch.error().message);
            verified_.push_back([peer, encoded = Bytes(bytes.begin(), bytes.end()),
                                 batch = std::move(*batch)](Node& node, Now now, Effects& effects) mutable {
                node.on_signed_batch(peer, std::move(encoded), batch, now, effects);
            });
        }
    }
}

// Its sender is no peer that could be charged for what is wrong; it gets no answer.
void EffectRunner::verify_far_batch(const PeerPayload& payload) {
    const auto message = decode_far_batch(payload.bytes.view());
    if (!message.ok()) return;
    auto batch = exchange::decode_signed_batch(message->batch, network_id_, rules_version_, verifier_);
    if (!batch.ok()) return;
    FarBatch head = *message;
    head.batch = {};  // `encoded` outlives what it points to
    verified_.push_back([from = payload.peer, head,
                         encoded = Bytes(message->batch.begin(), message->batch.end()),
                         batch = std::move(*batch)](Node& node, Now, Effects& effects) mutable {
        node.on_far_batch(from, head, std::move(encoded), batch, effects);
    });
}

void EffectRunner::answer_gossip(const std::optional<GossipId>& id, bool accept) {
    if (!id) return;
    verified_.push_back([id = *id, accept](Node&, Now, Effects& effects) {
        effects.gossip_answers.push_back({id, accept});
    });
}

std::shared_ptr<const exchange::View> EffectRunner::view() const {
    std::lock_guard lock(view_mutex_);
    return view_;
}

void EffectRunner::not_verified(const PublicKey& peer, const Error& error, const char* what,
                                const std::optional<GossipId>& gossip) {
    answer_gossip(gossip, false);
    if (error.code == ErrorCode::unavailable) {
        verified_.push_back(
            [peer](Node& node, Now now, Effects& effects) { node.on_other_view(peer, now, effects); });
        return;
    }
    const int points = error.code == ErrorCode::unauthorized ? 20 : 10;
    verified_.push_back(
        [peer, points, why = std::string(what) + ": " + error.message](Node&, Now, Effects& effects) {
            effects.violations.push_back({peer, points, why});
        });
}

void EffectRunner::verify_view_payload(const PeerPayload& payload) {
    const PublicKey peer = payload.peer;
    if (static_cast<MessageKind>(payload.kind) == MessageKind::evidence) {
        auto evidence =
            exchange::verify_evidence(payload.bytes.view(), network_id_, view()->ledger, verifier_);
        // One of another ledger may simply come late.
        if (!evidence.ok() && evidence.error().code == ErrorCode::conflict) return;
        if (!evidence.ok()) return not_verified(peer, evidence.error(), "evidence");
        verified_.push_back([peer, evidence = std::move(*evidence)](Node& node, Now now, Effects& effects) {
            node.on_evidence(peer, evidence, now, effects);
        });
        return;
    }
    if (static_cast<MessageKind>(payload.kind) == MessageKind::decision) {
        auto decision = exchange::verify_decision(payload.bytes.view(), *view(), network_id_, verifier_);
        // One of another view may simply come late.
        if (!decision.ok() && decision.error().code == ErrorCode::unavailable) return;
        if (!decision.ok()) return not_verified(peer, decision.error(), "decision");
        verified_.push_back([peer, decision = std::move(*decision)](Node& node, Now now, Effects&) {
            node.on_decision(peer, decision, now);
        });
        return;
    }
    auto message = exchange::verify_view_message(payload.bytes.view(), *view(), network_id_, verifier_);
    if (!message.ok()) return not_verified(peer, message.error(), "view message", payload.gossip);
    verified_.push_back([peer, gossip = payload.gossip, message = std::move(*message)](Node& node, Now now,
                                                                                       Effects& effects) {
        if (gossip)
            node.on_gossiped_view_message(peer, *gossip, message, now, effects);
        else
            node.on_view_message(peer, message, now, effects);
    });
}

void EffectRunner::verify_sign_of_life_of(const PeerPayload& payload) {
    const PublicKey peer = payload.peer;
    auto message = verify_sign_of_life(payload.bytes.view(), *view(), network_id_, verifier_);
    // One of another ledger may simply come late.
    if (!message.ok() && message.error().code == ErrorCode::conflict)
        return answer_gossip(payload.gossip, false);
    if (!message.ok()) return not_verified(peer, message.error(), "sign of life", payload.gossip);
    verified_.push_back([peer, gossip = payload.gossip, message = std::move(*message)](Node& node, Now now,
                                                                                       Effects& effects) {
        node.on_sign_of_life(peer, gossip, message, now, effects);
    });
}

void EffectRunner::verify_one_block(const PublicKey& peer, SharedBytes bytes,
                                    const std::optional<GossipId>& gossip) {
    auto block = exchange::verify_block(std::move(bytes), *view(), network_id_, rules_version_, verifier_);
    if (!block.ok()) return not_verified(peer, block.error(), "block", gossip);
    verified_.push_back([peer, gossip, block = std::make_shared<exchange::VerifiedBlock>(std::move(*block))](
                            Node& node, Now now, Effects& effects) {
        if (gossip)
            node.on_gossiped_block(peer, *gossip, std::move(*block), now, effects);
        else
            node.on_block(peer, std::move(*block), now, effects);
    });
}

}  // namespace peerbook::app
