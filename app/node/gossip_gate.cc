#include "app/node/gossip_gate.h"

namespace peerbook::app {

void GossipGate::wait(const Digest& block, const GossipId& id, Effects& effects) {
    if (!waiting_.try_emplace(block, id).second) {
        effects.gossip_answers.push_back({id, false});
        return;
    }
    waiting_order_.push_back(block);
    while (waiting_order_.size() > waiting_max) {
        if (const auto dropped = waiting_.extract(waiting_order_.front()))
            effects.gossip_answers.push_back({dropped.mapped(), false});
        waiting_order_.pop_front();
    }
}

std::optional<GossipId> GossipGate::take(const Digest& block) {
    if (waiting_.empty()) return std::nullopt;
    auto found = waiting_.extract(block);
    while (!waiting_order_.empty() && !waiting_.contains(waiting_order_.front()))
        waiting_order_.pop_front();
    if (!found) return std::nullopt;
    return found.mapped();
}

bool GossipGate::passes(const exchange::ViewMessage& message, MonoTime now) {
    const auto [seen, is_new] = view_messages_.try_emplace(message.signature, now);
    if (!is_new && now - seen->second < repeat_pause) return false;
    seen->second = now;
    if (is_new) view_messages_order_.push_back(message.signature);
    if (view_messages_order_.size() > view_messages_max) {
        view_messages_.erase(view_messages_order_.front());
        view_messages_order_.pop_front();
    }
    if (message.kind != exchange::ViewMessageKind::join) return true;
    if (now - joins_since_ >= Duration::seconds(1)) {
        joins_since_ = now;
        joins_ = 0;
    }
    return ++joins_ <= joins_per_second;
}

bool GossipGate::is_news(const PublicKey& sender, WallTime at, Now now) {
    if (at.ms < now.wall.ms - sign_age_max.ms() || at.ms > now.wall.ms + sign_ahead_max.ms()) return false;
    const auto [last, is_first] = last_sign_.try_emplace(sender, at);
    if (!is_first && at.ms <= last->second.ms) return false;
    last->second = at;
    return true;
}

void GossipGate::begin(Effects& effects) {
    for (const auto& [block, id] : waiting_)
        effects.gossip_answers.push_back({id, false});
    waiting_.clear();
    waiting_order_.clear();
    view_messages_.clear();
    view_messages_order_.clear();
    last_sign_.clear();
}

}  // namespace peerbook::app
