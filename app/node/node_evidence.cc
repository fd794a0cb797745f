// What Node does about members that sign two blocks for one place: rule 17.
#include <algorithm>

#include "app/node/node.h"
#include "app/node/node_parts.h"

namespace peerbook::app {

namespace {

constexpr std::size_t evidence_max = 64;  // kept to be shown to others, one a member
constexpr std::size_t alarms_max = 8;     // shown at a time

}  // namespace

bool Node::note_twin(exchange::MemberIndex author, const Digest& held, const exchange::VerifiedBlock& block,
                     Effects& effects) {
    const PublicKey& key = ledger_.view().members[author.value()];
    const std::uint64_t seq = block.header.seq;
    if (key == self_) {
        lose_identity("a peer holds another block " + std::to_string(seq) +
                          " signed by this node's key: two processes use it",
                      effects);
        return false;
    }
    take_branches(author, effects);
    if (const auto kept = evidence_.find(key);
        kept != evidence_.end() && kept->second.view == ledger_.view_digest())
        return true;
    std::optional<exchange::Evidence> evidence;
    if (const auto first = sync_.recent(held))
        evidence = exchange::make_evidence(first->view(), block.encoded.view(), ledger_.view());
    convict(key, ledger_.view_digest(), seq, held, block.digest, evidence ? &*evidence : nullptr, &effects);
    return true;
}

void Node::on_evidence(const PublicKey& from, const exchange::Evidence& evidence, Now now, Effects& effects) {
    if (identity_lost_ || !speaks_of_our_ledger(from)) return;
    views_.heard(from, now.mono);
    const PublicKey& author = evidence.author();
    if (author == self_)
        return lose_identity("a peer has two blocks with seq " + std::to_string(evidence.seq()) +
                                 " signed by this node's key: two processes use it",
                             effects);
    if (evidence.view() == ledger_.view_digest())
        if (const auto member = ledger_.view().index_of(author)) take_branches(*member, effects);
    convict(author, evidence.view(), evidence.seq(), exchange::digest_of(evidence.first.header),
            exchange::digest_of(evidence.second.header), &evidence, &effects);
}

void Node::convict(const PublicKey& member, const Digest& view, std::uint64_t seq, const Digest& one,
                   const Digest& other, const exchange::Evidence* evidence, Effects* effects) {
    if (views_.convict(member)) {
        const std::string text = "member " + to_hex(member) + " signed two blocks with seq " +
                                 std::to_string(seq) + " in view " + short_id(view) + ": " + to_hex(one) +
                                 " and " + to_hex(other) +
                                 ". The others go on without it, and its key is not let in again";
        if (alarms_.size() < alarms_max) alarms_.push_back(text);
        if (effects) effects->logs.push_back({true, text});
    }
    // Anybody can sign two headers: only those of who is or was a member mean something.
    if (!evidence || !views_.is_convicted(member)) return;
    // It may come later than the conviction, from a peer that holds both blocks; and of the view that settles
    // now after that of an earlier one.
    const bool is_of_this_view =
        evidence->view() == ledger_.view_digest() && ledger_.view().index_of(member).has_value();
    const auto kept = evidence_.find(member);
    if (kept == evidence_.end() ? evidence_.size() >= evidence_max
                                : !is_of_this_view || kept->second.view == evidence->view())
        return;
    const SharedBytes bytes(exchange::encode_evidence(*evidence));
    evidence_.insert_or_assign(member, KeptEvidence{evidence->view(), bytes});
    if (effects) {
        append_accepted(*effects);
        append_record(RecordKind::evidence, bytes.view(), *effects);
    }
    // Others may hold the other block, and end the view with it. Here settles what does by what stands in
    // front of the record.
    if (is_of_this_view) ledger_.freeze_settling();
    if (!effects) return;
    effects->broadcasts.push_back({static_cast<std::uint8_t>(MessageKind::evidence), bytes});
}

void Node::take_branches(exchange::MemberIndex author, Effects& effects) {
    if (ledger_.takes_branches(author)) return;
    ledger_.take_branches(author);
    // Now that they may come: what others have of them.
    for (const PublicKey& peer : sync_.connected())
        sync_.send_version_vector(peer, effects);
}

Retraction Node::why_void(const exchange::LedgerUpdate& update, const exchange::View& closed,
                          Effects& effects) const {
    std::map<PublicKey, std::size_t> blocks;
    for (const auto& block : update.voided) {
        const PublicKey& author = closed.members[block.author.value()];
        if (views_.is_convicted(author)) ++blocks[author];
    }
    for (const auto& [author, count] : blocks)
        effects.logs.push_back({true, "void: blocks of " + short_id(author) +
                                          ", which signed two for one place, count=" + std::to_string(count) +
                                          "; what they did is retracted"});
    return blocks.empty() ? Retraction::view_end : Retraction::two_blocks;
}

Status Node::recover_evidence(ByteView record) {
    auto evidence =
        exchange::verify_evidence(record, ledger_.engine().rules().network, ledger_.view().ledger, verifier_);
    if (!evidence.ok()) return Error{ErrorCode::corrupt, evidence.error().message};
    if (evidence->view() == ledger_.view_digest())
        if (const auto member = ledger_.view().index_of(evidence->author())) ledger_.take_branches(*member);
    convict(evidence->author(), evidence->view(), evidence->seq(),
            exchange::digest_of(evidence->first.header), exchange::digest_of(evidence->second.header),
            &*evidence, nullptr);
    return {};
}

}  // namespace peerbook::app
