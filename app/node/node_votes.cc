// Node's votes for settled states, and what it makes of those of the others: rule 17.
#include <algorithm>

#include "app/node/node.h"
#include "app/node/node_parts.h"

namespace peerbook::app {

namespace {

constexpr std::size_t alarms_max = 8;  // shown at a time

}  // namespace

void Node::count_vote(const exchange::OpenLedger::AcceptedBlock& block) {
    if (!block.vote) return;
    attestation_.vote(block.author, *block.vote);
    if (block.author == self_index_) voted_ = std::max(voted_, block.vote->commit);
}

void Node::step_votes(Now now, Effects& effects) {
    if (!recovered_) return;
    tape_.attest(attestation_.attested());
    answer_attested(effects);
    for (const auto& one : attestation_.take_disagreements()) {
        const std::string member = to_hex(ledger_.view().members[one.member.value()]);
        const std::string text =
            "member " + member + " signed another " + (one.is_log ? "log" : "state") +
            " than this node's after commit " + std::to_string(one.commit) +
            (one.is_log ? ": some member signed two blocks for one place, or one of the two nodes is damaged"
                        : ": one of the two nodes computes wrongly");
        effects.logs.push_back({true, text});
        if (alarms_.size() < alarms_max) alarms_.push_back(text);
    }
    if (attestation_.disagreeing() * 2 > ledger_.view().members.size())
        halt("most members signed another state than this node has", effects);

    // What the last checkpoint left out gets a root of its own once everything is settled and quiet.
    const std::uint64_t length = ledger_.settled_prefix().length;
    if (awaited_ <= std::max(asked_root_, attestation_.attested()) ||
        ledger_.stats().unsettled_commands > 0 || unexecuted_)
        return quiet_since_.reset();
    if (!quiet_since_ || quiet_length_ != length) quiet_since_ = now.mono;
    quiet_length_ = length;
    const MonoTime due = *quiet_since_ + options_.vote_quiet;
    if (now.mono < due) return sooner(effects.wake_at, due);
    if (!checkpoint_ && !root_under_way_) checkpoint_ = ledger_.checkpoint_settled();
}

std::optional<exchange::StateVote> Node::vote_to_cast() const {
    const auto vote = attestation_.own_vote();
    return vote && vote->commit > voted_ ? vote : std::nullopt;
}

bool Node::vote_due() const {
    if (awaited_ <= std::max(voted_, attestation_.attested())) return false;
    const auto vote = vote_to_cast();
    return vote && vote->commit >= awaited_;
}

void Node::halt(std::string why, Effects& effects) {
    if (!halted_.empty()) return;
    halted_ =
        std::move(why) +
        ". Keep this data directory for whoever looks into it, and start the node with a new one; do not "
        "pay out on what it shows";
    effects.logs.push_back({true, "trading stopped: " + halted_});
    for (const auto& [ticket, request] : requests_)
        effects.answers.push_back(
            {ticket, Result<SubmitAnswer>(Error{
                         ErrorCode::unavailable,
                         "the node stopped trading; this may or may not have been executed: " + halted_})});
    requests_.clear();
    unattested_.clear();
    batcher_.clear();
}

std::string Node::alarm() const {
    std::string text = halted_;
    for (const std::string& one : alarms_)
        text += (text.empty() ? "" : "; ") + one;
    return text;
}

}  // namespace peerbook::app
