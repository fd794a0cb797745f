#include "exchange/ordering/view_change.h"

#include <algorithm>

#include "base/check.h"

namespace peerbook::exchange {

namespace {

constexpr std::uint64_t ballot_jump_max = std::uint64_t{1} << 20;
constexpr std::size_t alarms_max = 16;  // different ones told of one view

void sooner(std::optional<MonoTime>& wake, MonoTime at) {
    if (!wake || at < *wake) wake = at;
}

}  // namespace

ViewChange::ViewChange(const OpenLedger& ledger, const Signer& signer, Admission admission,
                       ViewChangeTimes times, Random random)
    : ledger_(ledger),
      signer_(signer),
      admission_(std::move(admission)),
      times_(times),
      random_(random),
      self_(ledger.view().index_of(signer.public_key())),
      view_digest_(digest_of(ledger.view())) {}

void ViewChange::restore(const BallotState& state) {
    if (state.view != view_digest_) return;
    promised_ = state.promised;
    accepted_ = state.accepted;
    highest_number_ = promised_->number;
}

// --- messages and records
// ------------------------------------------------------------------------------------------

ViewMessage ViewChange::blank(ViewMessageKind kind, const Ballot& ballot) const {
    ViewMessage message;
    message.kind = kind;
    message.sender = signer_.public_key();
    message.view = view_digest_;
    message.ballot = ballot;
    return message;
}

void ViewChange::send(const PublicKey& to, ViewMessage message, ViewChangeOutput& out) const {
    const Digest& network = ledger_.engine().rules().network;
    out.sends.push_back({to, SharedBytes(sign_view_message(message, network, view().ledger, signer_))});
}

void ViewChange::send_to_others(ViewMessage message, ViewChangeOutput& out) const {
    const Digest& network = ledger_.engine().rules().network;
    const SharedBytes bytes(sign_view_message(message, network, view().ledger, signer_));
    for (const PublicKey& member : view().members)
        if (member != signer_.public_key()) out.sends.push_back({member, bytes});
}

void ViewChange::store(Answer answer, const Ballot& ballot, ViewChangeOutput& out) {
    out.records.push_back({++last_record_, encode_ballot_state({view_digest_, *promised_, accepted_})});
    unstored_.push_back({last_record_, answer, ballot});
}

void ViewChange::on_stored(std::uint64_t record, ViewChangeOutput& out) {
    while (!unstored_.empty() && unstored_.front().record <= record) {
        const Unstored done = unstored_.front();
        unstored_.pop_front();
        if (done.ballot != promised_) continue;  // a higher one came meanwhile
        // The proposal came before the promise was stored: its proposer needs no promise any more, and one
        // would name a value that may not be on the disk yet.
        if (done.answer == Answer::promise && accepted_ && accepted_->ballot == done.ballot) continue;
        if (done.answer == Answer::promise)
            answer_promise(done.ballot, out);
        else
            answer_accepted(done.ballot, out);
    }
}

void ViewChange::on_message(const ViewMessage& message, MonoTime now, ViewChangeOutput& out) {
    const std::optional<MemberIndex> sender = view().index_of(message.sender);
    if (!self_ || !sender || message.view != view_digest_ || message.sender == signer_.public_key()) return;
    const std::uint64_t number = std::max(message.ballot.number, message.promised.number);
    // Else one member could use up the numbers of all.
    if (number > highest_number_ + ballot_jump_max)
        return alarm(
            "member " + to_hex(message.sender).substr(0, 12) + " names a ballot far above all others", out);
    highest_number_ = std::max(highest_number_, number);
    const bool is_mine = attempt_ && attempt_->ballot == message.ballot;
    switch (message.kind) {
        case ViewMessageKind::prepare:
        case ViewMessageKind::propose: {
            if (promised_ && message.ballot < *promised_) return refuse(message.ballot, out);
            // Its proposer has its time; whoever is next in turn takes over after that.
            const auto spread = static_cast<std::uint64_t>(times_.turn.ns) + 1;
            quiet_until_ = now + times_.attempt + times_.turn * self_->value() +
                           Duration::nanoseconds(static_cast<std::int64_t>(random_.below(spread)));
            patience_ =
                Patience{message.ballot.proposer, quiet_until_ + (time_of(message.ballot) - times_.attempt)};
            if (attempt_ && attempt_->ballot < message.ballot) attempt_.reset();
            if (message.kind == ViewMessageKind::prepare)
                take_prepare(message.ballot, out);
            else
                take_propose(message.ballot, {*message.next, message.invitations}, out);
            break;
        }
        case ViewMessageKind::promise:
            // No honest member accepts such a value, so none was decided.
            if (message.accepted && value_fault({message.accepted->next, message.accepted->invitations}))
                return alarm("member " + to_hex(message.sender).substr(0, 12) +
                                 " says that it accepted a view that cannot follow this one",
                             out);
            if (is_mine)
                attempt_->promises[sender->value()] =
                    Promised{message.settled_round, message.tips, message.accepted};
            break;
        case ViewMessageKind::accepted:
            if (is_mine && attempt_->value && attempt_->value_digest == message.value)
                attempt_->votes[sender->value()] = message.signature;
            break;
        case ViewMessageKind::refuse:
            if (is_mine && message.promised > message.ballot) abandon(now);
            break;
        case ViewMessageKind::join:
        case ViewMessageKind::leave:
            break;
    }
}

void ViewChange::on_decision(Decision decision, const PublicKey& from) {
    if (decision.next.previous != view_digest_) return;
    // Whoever tells of it last is connected, and is asked for the blocks.
    decided_by_ = from;
    if (decided_) return;
    decided_ = std::move(decision);
    attempt_.reset();
}

// --- as a member
// ---------------------------------------------------------------------------------------------------

void ViewChange::refuse(const Ballot& ballot, ViewChangeOutput& out) const {
    ViewMessage message = blank(ViewMessageKind::refuse, ballot);
    message.promised = *promised_;
    send(proposer_of(ballot), std::move(message), out);
}

void ViewChange::take_prepare(const Ballot& ballot, ViewChangeOutput& out) {
    const bool again = promised_ == ballot && promised_tips_;
    if (!again) {
        promised_ = ballot;
        promised_tips_ = ledger_.tips();
        promised_settled_round_ = ledger_.stats().settled_round;
        if (pending_ && pending_->ballot < ballot) pending_.reset();
        store(Answer::promise, ballot, out);
    } else if (unstored_.empty()) {
        answer_promise(ballot, out);
    }
}

void ViewChange::answer_promise(const Ballot& ballot, ViewChangeOutput& out) {
    if (ballot.proposer == *self_) {
        if (!attempt_ || attempt_->ballot != ballot) return;
        attempt_->promises[self_->value()] = Promised{promised_settled_round_, *promised_tips_, accepted_};
        attempt_->is_prepared = true;
        return send_to_others(blank(ViewMessageKind::prepare, ballot), out);
    }
    ViewMessage message = blank(ViewMessageKind::promise, ballot);
    message.settled_round = promised_settled_round_;
    message.tips = *promised_tips_;
    message.accepted = accepted_;
    send(proposer_of(ballot), std::move(message), out);
}

std::size_t ViewChange::joiners_in(const View& next) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        next.members, [&](const PublicKey& member) { return !view().index_of(member); }));
}

const char* ViewChange::value_fault(const Value& value) const {
    if (!check_successor(view(), value.next).ok()) return "proposes a view that cannot follow this one";
    for (const PublicKey& member : value.next.members)
        if (!view().index_of(member) && !admission_.grounds(view(), member, value.invitations))
            return "proposes a member that may not join";
    if (joiners_in(value.next) > value.next.members.size() / 2)
        return "proposes more new members than old ones";
    return nullptr;
}

void ViewChange::take_propose(const Ballot& ballot, const Value& value, ViewChangeOutput& out) {
    if (accepted_ && accepted_->ballot == ballot) {
        if (unstored_.empty()) answer_accepted(ballot, out);
        return;
    }
    if (const char* fault = value_fault(value))
        return alarm("member " + to_hex(proposer_of(ballot)).substr(0, 12) + " " + fault, out);
    pending_ = Proposal{ballot, value};
}

void ViewChange::try_accept(MonoTime now, ViewChangeOutput& out) {
    if (!pending_) return;
    if (promised_ && pending_->ballot < *promised_) return pending_.reset();
    const Status status = ledger_.check_end(pending_->value.next);
    if (!status.ok() && status.error().code == ErrorCode::unavailable) {
        want_branches(cut_tips(pending_->value.next), out);
        return fetch_cut(now, out);
    }
    if (!status.ok()) {
        alarm("a proposed view cannot be accepted: " + status.error().message, out);
        return pending_.reset();
    }
    promised_ = pending_->ballot;
    accepted_ = AcceptedValue{pending_->ballot, std::move(pending_->value.next),
                              std::move(pending_->value.invitations)};
    pending_.reset();
    store(Answer::accepted, *promised_, out);
}

void ViewChange::answer_accepted(const Ballot& ballot, ViewChangeOutput& out) {
    ViewMessage message = blank(ViewMessageKind::accepted, ballot);
    message.value = digest_of(accepted_->next);
    if (ballot.proposer != *self_) return send(proposer_of(ballot), std::move(message), out);
    if (!attempt_ || attempt_->ballot != ballot) return;
    sign_view_message(message, ledger_.engine().rules().network, view().ledger, signer_);
    attempt_->votes[self_->value()] = message.signature;
}

// --- as the proposer
// -----------------------------------------------------------------------------------------------

void ViewChange::begin(MonoTime now, ViewChangeOutput& out) {
    // What was promised is among the ballots seen.
    if (highest_number_ >= ballot_number_max) return alarm("the numbers of ballots are used up", out);
    Attempt attempt;
    attempt.ballot = {highest_number_ + 1, *self_};
    attempt.started = now;
    attempt.resend_at = now + times_.resend;
    attempt.promises.resize(view().members.size());
    attempt.votes.resize(view().members.size());
    highest_number_ = attempt.ballot.number;
    attempt_ = std::move(attempt);
    take_prepare(attempt_->ballot, out);
}

Duration ViewChange::time_of(const Ballot& ballot) const {
    const std::uint64_t before = ballot.number > 0 ? ballot.number - 1 : 0;
    return times_.attempt *
           (std::int64_t{1} << std::min<std::uint64_t>(before, times_.attempt_doublings_max));
}

// The longer ballots fail, the longer the pause, drawn at random so that two proposers part.
void ViewChange::abandon(MonoTime now) {
    attempt_.reset();
    failures_ = std::min(failures_ + 1, times_.backoff_doublings_max);
    const auto spread = static_cast<std::uint64_t>((times_.turn * (std::int64_t{1} << failures_)).ns) + 1;
    quiet_until_ = now + Duration::nanoseconds(static_cast<std::int64_t>(random_.below(spread)));
}

void ViewChange::let_in(const Outlook& outlook, Value& value) const {
    std::vector<PublicKey>& members = value.next.members;
    // Half of the members with the eldest are a quorum: those who stay can go on if no newcomer ever speaks.
    const std::size_t members_max = std::min(members.size() * 2, view_members_max);
    for (const PublicKey& joiner : outlook.joiners) {
        if (view().index_of(joiner) || members.size() >= members_max ||
            std::find(members.begin(), members.end(), joiner) != members.end())
            continue;
        const auto grounds = admission_.grounds(view(), joiner, outlook.invitations);
        // Those for whom there is no more room come in with the view after.
        if (!grounds || value.invitations.size() + grounds->size() > invitations_per_view_max) continue;
        members.push_back(joiner);
        value.invitations.insert(value.invitations.end(), grounds->begin(), grounds->end());
    }
    std::sort(value.invitations.begin(), value.invitations.end(), comes_before);
}

// All that is held here, and so the union of what was promised: every promise that counts is held. Of a
// member that signed two blocks for one place only one of them can count: the one that lies in the past of
// what settled furthest, as far as that goes, and then what the next one adds to it.
ChainTips ViewChange::cut_of_promises(const Outlook& outlook) const {
    ChainTips cut = ledger_.tips();
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < attempt_->promises.size(); ++i)
        if (attempt_->promises[i] && ledger_.holding(attempt_->promises[i]->tips) == Holding::all)
            order.push_back(i);
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
        // What a member says of itself that is known to cheat comes last.
        if (outlook.convicted[a] != outlook.convicted[b]) return !outlook.convicted[a];
        return attempt_->promises[a]->settled_round > attempt_->promises[b]->settled_round;
    });
    for (std::uint32_t i = 0; i < cut.size(); ++i) {
        if (!ledger_.is_forked(MemberIndex(i))) continue;
        cut[i] = {};
        for (const std::size_t from : order) {
            const ChainTip& tip = attempt_->promises[from]->tips[i];
            if (tip.seq > cut[i].seq && ledger_.continues(MemberIndex(i), cut[i], tip)) cut[i] = tip;
        }
    }
    return cut;
}

ViewChange::Value ViewChange::make_value(const Outlook& outlook) const {
    Value value;
    View& next = value.next;
    next.ledger = view().ledger;
    next.number = view().number + 1;
    next.previous = view_digest_;
    for (std::size_t i = 0; i < view().members.size(); ++i)
        if (!outlook.suspected[i] && !outlook.leaving[i]) next.members.push_back(view().members[i]);
    let_in(outlook, value);
    if (next.members.empty()) next.members.push_back(signer_.public_key());  // the last one cannot leave
    const ChainTips cut = cut_of_promises(outlook);
    for (std::size_t i = 0; i < cut.size(); ++i)
        next.cut.push_back({view().members[i], cut[i].seq, cut[i].digest});
    const OpenLedger::LogEnd end = ledger_.log_end(cut);
    next.base_round = end.round;
    next.log_length = end.length;
    next.prefix_hash = end.hash;
    return value;
}

void ViewChange::propose(Value value, ViewChangeOutput& out) {
    attempt_->value_digest = digest_of(value.next);
    attempt_->value = value;
    ViewMessage message = blank(ViewMessageKind::propose, attempt_->ballot);
    message.next = std::move(value.next);
    message.invitations = std::move(value.invitations);
    send_to_others(std::move(message), out);
    take_propose(attempt_->ballot, *attempt_->value, out);
}

void ViewChange::advance(MonoTime now, const Outlook& outlook, ViewChangeOutput& out) {
    if (!attempt_->value) {
        std::vector<bool> promised(view().members.size(), false);
        const AcceptedValue* highest = nullptr;
        for (std::size_t i = 0; i < promised.size(); ++i) {
            const auto& promise = attempt_->promises[i];
            if (!promise) continue;
            promised[i] = true;
            if (promise->accepted && (!highest || highest->ballot < promise->accepted->ballot))
                highest = &*promise->accepted;
        }
        if (!is_quorum(view(), promised)) return;
        // A value that may have been decided already has its cut; only a new one is made of what is promised.
        if (!highest && !is_quorum(view(), held_promises(now, out))) return;
        propose(highest ? Value{highest->next, highest->invitations} : make_value(outlook), out);
        try_accept(now, out);
    }
    decide_if_voted();
}

// Of which members all promised blocks are here.
std::vector<bool> ViewChange::held_promises(MonoTime now, ViewChangeOutput& out) {
    std::vector<bool> held;
    for (std::size_t i = 0; i < view().members.size(); ++i) {
        const auto& promise = attempt_->promises[i];
        const Holding holding = promise ? ledger_.holding(promise->tips) : Holding::lacks_blocks;
        held.push_back(holding == Holding::all);
        if (promise && holding != Holding::all) fetch(view().members[i], now, out);
        if (holding == Holding::other_blocks) want_branches(promise->tips, out);
    }
    return held;
}

void ViewChange::want_branches(const ChainTips& tips, ViewChangeOutput& out) {
    for (const MemberIndex author : ledger_.others_in(tips)) {
        out.take_branches.insert(author);
        alarm("member " + to_hex(view().members[author.value()]) +
                  " signed two blocks for one place: this node holds one, others the other",
              out);
    }
}

void ViewChange::decide_if_voted() {
    std::vector<bool> present;
    for (const auto& vote : attempt_->votes)
        present.push_back(vote.has_value());
    if (!is_quorum(view(), present)) return;
    Decision decision{attempt_->value->next, attempt_->ballot, {}};
    for (std::uint32_t i = 0; i < present.size(); ++i)
        if (present[i]) decision.votes.push_back({MemberIndex(i), *attempt_->votes[i]});
    decided_ = std::move(decision);
    for (const Vote& vote : decided_->votes)  // each voter holds the cut
        if (vote.member != *self_ || decided_->votes.size() == 1)
            decided_by_ = view().members[vote.member.value()];
    attempt_.reset();
}

// To those who have not answered the step that the ballot is at.
void ViewChange::resend(ViewChangeOutput& out) {
    for (std::size_t i = 0; i < view().members.size(); ++i) {
        const bool has_answered =
            attempt_->value ? attempt_->votes[i].has_value() : attempt_->promises[i].has_value();
        if (has_answered || MemberIndex(static_cast<std::uint32_t>(i)) == *self_) continue;
        ViewMessage message =
            blank(attempt_->value ? ViewMessageKind::propose : ViewMessageKind::prepare, attempt_->ballot);
        if (attempt_->value) {
            message.next = attempt_->value->next;
            message.invitations = attempt_->value->invitations;
        }
        send(view().members[i], std::move(message), out);
    }
}

void ViewChange::take_turn(MonoTime now, const Outlook& outlook, ViewChangeOutput& out) {
    const auto any = [](const std::vector<bool>& flags) {
        return std::find(flags.begin(), flags.end(), true) != flags.end();
    };
    const bool is_wanted =
        wedged() || any(outlook.suspected) || any(outlook.leaving) || !outlook.joiners.empty();
    if (!is_wanted) return wanted_since_.reset();
    if (!wanted_since_) wanted_since_ = now;
    if (!is_quorum(view(), outlook.heard)) return;
    std::int64_t turn = 0;
    for (std::size_t i = 0; i < self_->value(); ++i)
        if (outlook.heard[i] && !outlook.suspected[i] && !outlook.leaving[i]) ++turn;
    MonoTime due = std::max(*wanted_since_ + times_.turn * turn, quiet_until_);
    if (patience_ && outlook.heard[patience_->proposer.value()]) due = std::max(due, patience_->until);
    if (now < due) return sooner(out.wake_at, due);
    // One that leaves lets others do it, and takes its turn last.
    if (outlook.leaving[self_->value()] && now < *wanted_since_ + times_.attempt)
        return sooner(out.wake_at, *wanted_since_ + times_.attempt);
    begin(now, out);
}

// --- time
// ----------------------------------------------------------------------------------------------------------

void ViewChange::step(MonoTime now, const Outlook& outlook, ViewChangeOutput& out) {
    const std::size_t members = view().members.size();
    PB_CHECK(outlook.suspected.size() == members && outlook.heard.size() == members &&
                 outlook.leaving.size() == members && outlook.convicted.size() == members,
             "one opinion a member");
    if (!decided_ && self_) {
        try_accept(now, out);
        if (attempt_ && now - attempt_->started >= time_of(attempt_->ballot)) abandon(now);
        if (!attempt_) take_turn(now, outlook, out);
        if (attempt_ && attempt_->is_prepared) {
            advance(now, outlook, out);
            if (attempt_ && now >= attempt_->resend_at) {
                attempt_->resend_at = now + times_.resend;
                resend(out);
            }
        }
        if (attempt_) {
            sooner(out.wake_at, attempt_->started + time_of(attempt_->ballot));
            if (attempt_->is_prepared) sooner(out.wake_at, attempt_->resend_at);
        }
    }
    if (decided_) try_install(now, out);
}

void ViewChange::try_install(MonoTime now, ViewChangeOutput& out) {
    const Status status = ledger_.check_end(decided_->next);
    if (status.ok())
        out.install = decided_;
    else if (status.error().code == ErrorCode::unavailable) {
        want_branches(cut_tips(decided_->next), out);
        fetch(decided_by_, now, out);
    } else
        out.conflict = "view " + std::to_string(decided_->next.number) +
                       " was decided and cannot be installed: " + status.error().message;
}

// For the proposal that waits. One that proposes another's value again asks those who promised.
void ViewChange::fetch_cut(MonoTime now, ViewChangeOutput& out) {
    const PublicKey proposer = proposer_of(pending_->ballot);
    if (proposer != signer_.public_key()) return fetch(proposer, now, out);
    for (std::size_t i = 0; attempt_ && i < attempt_->promises.size(); ++i)
        if (attempt_->promises[i] && view().members[i] != proposer) fetch(view().members[i], now, out);
}

void ViewChange::fetch(const PublicKey& from, MonoTime now, ViewChangeOutput& out) {
    MonoTime& due = fetch_due_.try_emplace(from, now).first->second;
    if (now >= due) {
        out.fetch_from.insert(from);
        due = now + times_.resend;
    }
    sooner(out.wake_at, due);
}

void ViewChange::alarm(std::string what, ViewChangeOutput& out) {
    if (alarmed_.size() >= alarms_max || !alarmed_.insert(what).second) return;
    out.alarms.push_back(std::move(what));
}

}  // namespace peerbook::exchange
