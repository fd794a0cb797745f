// Node's way from one view to the next.
#include <algorithm>

#include "app/node/node.h"
#include "app/node/node_parts.h"
#include "base/check.h"

namespace peerbook::app {

namespace {

// A write that takes longer keeps this node from asking to be a member.
constexpr Duration disk_stall_max = Duration::seconds(2);

}  // namespace

void Node::append_record(RecordKind kind, ByteView record, Effects& effects) {
    Bytes bytes{static_cast<std::uint8_t>(kind)};
    bytes.insert(bytes.end(), record.begin(), record.end());
    effects.appends.push_back({++append_ticket_, record_chain, ++records_, 0, SharedBytes(std::move(bytes))});
}

Status Node::recover_record(ByteView record, Effects& effects) {
    ++records_;
    const auto kind = record.empty() ? RecordKind{} : static_cast<RecordKind>(record[0]);
    if (kind == RecordKind::ballot_state) {
        auto state = exchange::decode_ballot_state(record.subspan(1), ledger_.engine().rules().network,
                                                   ledger_.view().ledger);
        if (!state.ok()) return Error{ErrorCode::corrupt, state.error().message};
        views_.restore(*state);
        return {};
    }
    if (kind == RecordKind::decision) {
        auto decision = exchange::verify_decision(record.subspan(1), ledger_.view(),
                                                  ledger_.engine().rules().network, verifier_);
        if (!decision.ok()) return Error{ErrorCode::corrupt, decision.error().message};
        if (Status end = ledger_.check_end(decision->next); !end.ok())
            return Error{ErrorCode::corrupt,
                         "the journal holds view " + std::to_string(decision->next.number) +
                             ", which does not follow from what stands before it: " + end.error().message};
        install(*decision, std::nullopt, effects);
        return {};
    }
    if (kind == RecordKind::entered || kind == RecordKind::left)
        return recover_ledger(kind, record.subspan(1), effects);
    if (kind == RecordKind::forked) return recover_fork(record.subspan(1), effects);
    if (kind == RecordKind::evidence) return recover_evidence(record.subspan(1));
    if (kind == RecordKind::relayed || kind == RecordKind::given_up || kind == RecordKind::handed_over) {
        Status read = kind == RecordKind::relayed    ? recover_relayed(record.subspan(1))
                      : kind == RecordKind::given_up ? recover_given_up(record.subspan(1))
                                                     : recover_handed_over();
        return read.ok() ? read : Error{ErrorCode::corrupt, read.error().message};
    }
    return Error{ErrorCode::corrupt, "the journal holds a record of a kind that this program does not know"};
}

// --- what peers say
// -------------------------------------------------------------------------------------------------

void Node::on_view_message(const PublicKey& from, exchange::ViewMessage message, Now now, Effects& effects) {
    if (!speaks_of_our_ledger(from)) return;
    views_.heard(from, now.mono);
    if (message.sender != from) {
        effects.violations.push_back({from, 10, "a view message of somebody else"});
        return;
    }
    views_.on_message(std::move(message), now);
}

void Node::on_decision(const PublicKey& from, exchange::Decision decision, Now now) {
    if (!has_blocks_of_our_ledger(from)) return;
    if (speaks_of_our_ledger(from)) views_.heard(from, now.mono);
    views_.on_decision(std::move(decision), from);
}

void Node::on_other_view(const PublicKey& from, Now now, Effects& effects) {
    if (!speaks_of_our_ledger(from)) return;
    views_.heard(from, now.mono);
    if (views_.other_view_due(from, now.mono)) sync_.send_version_vector(from, effects);
}

void Node::on_older_or_newer(const PublicKey& from, const VersionVectorMessage& message, Now now,
                             Effects& effects) {
    const std::uint64_t here = ledger_.view().number;
    if (message.number > here) return on_other_view(from, now, effects);  // it answers with the decisions
    const ViewKeeper::Closed* closed = views_.closed(message.view);
    if (!closed) {
        // One that entered another ledger may not have said so yet.
        if (message.number == here && !tells_of_its_ledger())
            effects.violations.push_back({from, 10, "a view that is not a successor of ours"});
        else if (views_.other_view_due(from, now.mono))
            effects.logs.push_back({true, "peer " + short_id(from) + " is in view " +
                                              std::to_string(message.number) +
                                              ", which is not known here any more: it needs a new data "
                                              "directory"});
        return;
    }
    if (closed->decision.size() > 0)
        effects.sends.push_back({from, static_cast<std::uint8_t>(MessageKind::decision), closed->decision});
    sync_.serve_closed(from, closed->view, closed->digest, closed->cut, message.seqs, effects);
}

// --- ending a view
// --------------------------------------------------------------------------------------------------

bool Node::waits_to_return() const {
    return was_dropped_ && !self_index_;
}

void Node::keep_alive(Now now, Effects& effects) {
    const auto interval = views_.alive_interval();
    if (!interval || !self_index_ || is_cut_loose_) return;
    if (!last_sign_of_life_ || now.mono >= *last_sign_of_life_ + *interval) {
        for (const PublicKey& peer : sync_.connected())
            sync_.send_version_vector(peer, effects);
        last_sign_of_life_ = now.mono;
    }
    sooner(effects.wake_at, *last_sign_of_life_ + *interval);
}

ViewKeeper::Own Node::own_state(MonoTime now) {
    // One whose disk stands still would hold up the members that let it in.
    const bool disk_works = now - last_durable_ < disk_stall_max;
    const bool leaving = leave_ == Leave::ask || leave_ == Leave::hand_over || (draining_ && !self_index_) ||
                         !halted_.empty();  // the others need its blocks, and get none
    return {self_index_.has_value() && own_chain_confirmed() && is_established() && !next_fork(),
            !sync_.behind() && disk_works, sync_.connected(), leaving};
}

void Node::step_view(Now now, Effects& effects) {
    if (!recovered_ || ledger_.view().number == 0) return;
    keep_alive(now, effects);
    tell_those_apart(now, effects);
    views_.note_running(now.mono, effects);
    if (in_flight_ || entered_ticket_ > durable_ticket_)
        return;  // it belongs in front of whatever is promised
    ViewKeeper::Step step = views_.step(now.mono, own_state(now.mono), effects);
    for (const auto& record : step.records) {
        append_record(RecordKind::ballot_state, record.bytes, effects);
        views_.appended(record.id, append_ticket_);
    }
    for (const exchange::MemberIndex author : step.take_branches)
        ledger_.take_branches(author);
    for (const PublicKey& peer : step.fetch_from) {
        // What one has that is not connected came to it, or leaves it, over those that are.
        if (sync_.connected().contains(peer))
            sync_.send_version_vector(peer, effects);
        else
            for (const PublicKey& other : sync_.connected())
                sync_.send_version_vector(other, effects);
    }
    if (step.conflict) {
        halt(*step.conflict + ": it settled something else", effects);
        is_cut_loose_ = true;
    }
    if (!step.install) return;
    install(*step.install, now, effects);
    sooner(effects.wake_at, now.mono);
}

void Node::install(const exchange::Decision& decision, std::optional<Now> now, Effects& effects) {
    const exchange::View closed = ledger_.view();
    const bool was_confirmed = own_chain_confirmed();
    const std::uint64_t made = own_seq();
    auto update = ledger_.install(decision.next);
    PB_CHECK(update.ok(), "a view was installed that check_end() does not take");
    if (now) {
        append_record(RecordKind::decision, exchange::encode_decision(decision), effects);
    }
    retraction_ = why_void(*update, closed, effects);
    enter_view(*update, made, now && was_confirmed, effects);
    retraction_ = Retraction::late_block;
    views_.installed(closed, decision, now ? std::optional(now->mono) : std::nullopt);
    if (!now) return;
    effects.view = std::make_shared<const exchange::View>(ledger_.view());
    effects.broadcasts.push_back(
        {static_cast<std::uint8_t>(MessageKind::decision), SharedBytes(exchange::encode_decision(decision))});
    sync_.on_view_installed(effects);
    view_news_due_ = tells_of_its_ledger();
    effects.logs.push_back({false, "view=" + std::to_string(ledger_.view().number) +
                                       " installed members=" + std::to_string(ledger_.view().members.size()) +
                                       " of=" + std::to_string(closed.members.size()) +
                                       " settled=" + std::to_string(ledger_.settled_prefix().length) +
                                       " void_blocks=" + std::to_string(update->voided.size()) +
                                       (self_index_ ? "" : " role=observer")});
}

void Node::enter_view(const exchange::LedgerUpdate& update, std::uint64_t made, bool is_whole,
                      Effects& effects) {
    take_back_void_blocks(update);
    process(update, effects);
    own_blocks_.close(made);
    relay_again();
    attestation_.begin(ledger_.view().members.size());
    voted_ = 0;
    const bool was_member = self_index_.has_value();
    self_index_ = ledger_.view().index_of(self_);
    if (self_index_)
        was_dropped_ = false;
    else if (was_member)
        was_dropped_ = !own_blocks_.waiting().empty() || !batcher_.empty() || !requests_.empty();
    heard_own_chain_.assign(ledger_.view().members.size(), is_whole);
    if (self_index_) heard_own_chain_[self_index_->value()] = true;
    gate_.begin(effects);
    told_apart_.reset();
    if (const exchange::View* fork = next_fork(); fork && fork->previous == ledger_.view_digest())
        ledger_.limit_settling(fork->base_round);
    ack_due_since_.reset();
    deadline_met_.reset();
    unexecuted_ = false;
}

// Before the update is processed: seqs and members are those of the closed view.
void Node::take_back_void_blocks(const exchange::LedgerUpdate& update) {
    for (const auto& block : update.voided) {
        unsettled_.take_back(block.block);
        relayed_in_.erase(block.block);
        if (!self_index_ || block.author != *self_index_) continue;
        const std::uint64_t number = own_blocks_.number_of(block.seq);
        Origins origins;
        for (auto* carriers : {&executing_, &settling_})
            if (const auto carried = carriers->find(number); carried != carriers->end()) {
                origins = std::move(carried->second.origins);
                carriers->erase(carried);
            }
        const std::size_t before = own_blocks_.waiting().size();
        own_blocks_.take_back(block.seq, std::move(origins));
        if (own_blocks_.waiting().size() == before) continue;
        const exchange::NetworkRules& rules = ledger_.engine().rules();
        const auto batches = exchange::decode_payload(own_blocks_.waiting().back().payload, self_,
                                                      rules.network, rules.rules_version, AlreadyVerified());
        PB_CHECK(batches.ok(), "the own payload cannot be decoded");
        std::uint64_t commands = 0;
        for (const exchange::CommandBatch& batch : *batches) {
            commands += index_count(batch);
            for (const exchange::BatchCommand& command : batch.commands)
                hosted_.reserve(batch.accounts[command.account], command.nonce);
        }
        own_blocks_.note_commands(commands);
    }
}

void Node::move_waiters(std::uint64_t seq, const exchange::VerifiedBlock& block, Origins& origins) {
    const OwnBlocks::Waiting& again = own_blocks_.waiting().front();
    origins.resize(block.command_count);  // after a restart nobody waits
    if (auto waiters = settled_waiters_.extract(again.number)) {
        waiters.key() = own_blocks_.number_of(seq);
        settled_waiters_.insert(std::move(waiters));
    }
}

}  // namespace peerbook::app
