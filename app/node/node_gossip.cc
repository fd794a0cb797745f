// Node and members that it is not connected to: what comes and goes by gossip.
#include <algorithm>

#include "app/node/node.h"
#include "app/node/node_parts.h"

namespace peerbook::app {

namespace {

// A stamp further ahead is of a clock that was set back since.
constexpr Duration stamp_ahead_max = Duration::seconds(20);

}  // namespace

void Node::note_apart(const PublicKey& member, MonoTime now) {
    if (member == self_ || sync_.connected().contains(member) || !ledger_.view().index_of(member)) return;
    if (views_.heard_by_relay(member, now)) told_apart_.reset();  // it may not have heard of us yet
}

void Node::on_gossiped_block(const PublicKey& from, const GossipId& id, exchange::VerifiedBlock block,
                             Now now, Effects& effects) {
    using enum exchange::AcceptKind;
    const Digest digest = block.digest;
    const PublicKey author = block.header.author;
    const auto outcome = take_block(from, std::move(block), now, effects);
    if (outcome == accepted || outcome == suspended || outcome == held_back) {
        note_apart(author, now.mono);
        gate_.wait(digest, id, effects);
        return;
    }
    // Fetched before it came; then who is behind this node may lack it as well.
    effects.gossip_answers.push_back({id, outcome == duplicate && sync_.pass_on(digest)});
}

void Node::pass_on(const Digest& accepted, Effects& effects) {
    if (const auto id = gate_.take(accepted))
        effects.gossip_answers.push_back({*id, sync_.pass_on(accepted)});
}

void Node::on_gossiped_view_message(const PublicKey& from, const GossipId& id, exchange::ViewMessage message,
                                    Now now, Effects& effects) {
    const bool is_ours = speaks_of_our_ledger(from) && message.view == ledger_.view_digest();
    const bool passes = is_ours && gate_.passes(message, now.mono);
    effects.gossip_answers.push_back({id, passes});
    if (is_ours) views_.heard(from, now.mono);
    if (passes) views_.on_message(std::move(message), now);
}

void Node::on_sign_of_life(const PublicKey& from, const std::optional<GossipId>& id,
                           const SignOfLife& message, Now now, Effects& effects) {
    const bool is_ours = speaks_of_our_ledger(from) && message.view == ledger_.view_digest();
    const bool is_news = is_ours && gate_.is_news(message.sender, message.at, now);
    if (id) effects.gossip_answers.push_back({*id, is_news});
    if (is_ours) views_.heard(from, now.mono);
    if (!is_news || sync_.connected().contains(message.sender)) return;
    note_apart(message.sender, now.mono);
    apart_sessions_[message.sender] = message.session;
    if (!self_index_) return;
    // As a version vector does it, and as fresh: it knows this process.
    for (const SignOfLife::Heard& heard : message.heard)
        if (heard.member == *self_index_ && heard.session == session_ &&
            heard.seq <= ledger_.version_vector()[self_index_->value()])
            heard_own_chain_[ledger_.view().index_of(message.sender)->value()] = true;
}

void Node::tell_those_apart(Now now, Effects& effects) {
    const exchange::View& view = ledger_.view();
    const std::set<PublicKey>& connected = sync_.connected();
    std::size_t apart = 0;
    bool all_connected = true;
    for (const PublicKey& member : view.members) {
        if (member == self_ || connected.contains(member)) continue;
        all_connected = false;
        apart += views_.is_apart(member, connected, now.mono);
    }
    if (apart != nodes_apart_) {
        nodes_apart_ = apart;
        effects.nodes_apart = apart;
    }
    if (!self_index_ || all_connected || connected.empty() || is_cut_loose_ || !is_established()) return;
    const Duration interval = views_.apart_interval();
    if (!told_apart_ || now.mono >= *told_apart_ + interval) {
        told_apart_ = now.mono;
        const bool follows =
            told_apart_at_.ms >= now.wall.ms && told_apart_at_.ms - now.wall.ms < stamp_ahead_max.ms();
        told_apart_at_ = follows ? WallTime{told_apart_at_.ms + 1} : now.wall;
        SignOfLife message{self_, ledger_.view_digest(), told_apart_at_, session_, {}};
        const exchange::VersionVector claimed = ledger_.claimed_blocks();
        for (std::uint32_t i = 0; i < view.members.size(); ++i) {
            const auto session = apart_sessions_.find(view.members[i]);
            if (session != apart_sessions_.end() && views_.is_apart(view.members[i], connected, now.mono))
                message.heard.push_back({exchange::MemberIndex(i), session->second, claimed[i]});
        }
        effects.gossips.push_back({static_cast<std::uint8_t>(MessageKind::sign_of_life),
                                   SharedBytes(sign_sign_of_life(message, ledger_.engine().rules().network,
                                                                 view.ledger, signer_))});
    }
    sooner(effects.wake_at, *told_apart_ + interval);
}

void Node::gossip_view_messages(const std::set<PublicKey>& connected, Effects& effects) {
    const auto is_about_views = [](const SendEffect& send) {
        return send.kind == static_cast<std::uint8_t>(MessageKind::view_message);
    };
    std::vector<SharedBytes> gossiped;
    const auto is_gossiped = [&](const SharedBytes& payload) {
        return std::ranges::any_of(
            gossiped, [&](const SharedBytes& one) { return std::ranges::equal(one.view(), payload.view()); });
    };
    for (const SendEffect& send : effects.sends)
        if (is_about_views(send) && !connected.contains(send.peer) && !is_gossiped(send.payload))
            gossiped.push_back(send.payload);
    if (gossiped.empty()) return;
    std::erase_if(effects.sends,
                  [&](const SendEffect& send) { return is_about_views(send) && is_gossiped(send.payload); });
    for (SharedBytes& payload : gossiped)
        effects.gossips.push_back({static_cast<std::uint8_t>(MessageKind::view_message), std::move(payload)});
}

}  // namespace peerbook::app
