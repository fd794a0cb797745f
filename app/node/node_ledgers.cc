// Node among several ledgers of one network: which it meets, and giving its own up for another (rule 21).
#include <algorithm>

#include "app/node/node.h"
#include "app/node/node_parts.h"
#include "base/check.h"

namespace peerbook::app {

using State = LedgerNews::State;

namespace {

std::string counted(std::uint64_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

std::vector<StatusAnswer::OtherLedger> Node::other_ledgers() const {
    std::vector<StatusAnswer::OtherLedger> others;
    const Digest own = ledger_id();
    for (const Founding::Met& met : founding_.met()) {
        StatusAnswer::OtherLedger other;
        other.ledger = met.news.ledger();
        if (other.ledger == own) continue;
        other.view = met.news.view;
        other.members = met.news.members;
        other.reachable = met.reachable;
        other.is_fork = !own.is_zero() && met.news.comes_from(own);
        others.push_back(other);
    }
    return others;
}

LedgersAnswer Node::ledgers() const {
    LedgersAnswer answer;
    answer.ledger = ledger_id();
    if (ledger_first_)
        for (std::size_t i = 0; i < ledger_first_->forks.size(); ++i)
            answer.forks.push_back(i == 0 ? ledger_first_->first->ledger
                                          : ledger_first_->forks[i - 1].ledger);
    answer.is_established = ledger_.view().number > 0 && is_established();
    answer.view = ledger_.view().number;
    answer.members = ledger_first_ ? ledger_.view().members.size() : 0;
    answer.adopts = founding_.only();
    answer.others = other_ledgers();
    answer.given_up = options_.given_up;
    return answer;
}

std::string Node::those_met() const {
    std::string text;
    for (const auto& other : other_ledgers())
        if (other.reachable > 0) text += (text.empty() ? "" : ", ") + to_hex(other.ledger);
    return text.empty() ? "no connected peer has another ledger; `peerbook peers connect` names one that does"
                        : "connected peers have " + text;
}

void Node::ask_to_adopt(Ticket ticket, const AdoptLedger& adopt, Now now, Effects& effects) {
    if (Status may = check_adopt(adopt, now); !may.ok()) {
        effects.answers.push_back({ticket, Result<Answer>(may.error())});
        return;
    }
    const bool is_to_leave = self_index_ && ledger_.view().members.size() > 1;
    adoption_ = Adoption{ticket, adopt.ledger, now.mono, is_to_leave};
    draining_ = true;
    leave_ = Leave::none;
    effects.logs.push_back({false, "gives up ledger=" + short_id(ledger_id()) + " for ledger=" +
                                       short_id(adopt.ledger) + (is_to_leave ? "; leaves it first" : "")});
}

Status Node::check_adopt(const AdoptLedger& adopt, Now now) {
    if (!recovered_)
        return Error{ErrorCode::unavailable, "the node is still reading its journal; try again soon"};
    if (adoption_ || forking_)
        return Error{ErrorCode::conflict, "this node is already on its way to another ledger"};
    if (draining_ || identity_lost_) return Error{ErrorCode::unavailable, "the node is shutting down"};
    if (adopt.ledger == ledger_id())
        return Error{ErrorCode::invalid_input, "this node keeps ledger " + short_id(adopt.ledger) +
                                                   " already; there is nothing to adopt"};
    if (!ledger_first_ && (!founding_.only() || *founding_.only() == adopt.ledger))
        return Error{ErrorCode::conflict,
                     "this node has no ledger to give up: it enters by itself the one that it finds" +
                         (founding_.only() ? ", which is to be " + to_hex(*founding_.only())
                                           : std::string(", as soon as a peer has one"))};
    if (ledger_first_ && !is_established())
        return Error{ErrorCode::unavailable,
                     "this node's ledger is just being founded; try again in some seconds"};
    const LedgerNews* news = founding_.find(adopt.ledger);
    if (!news)
        return Error{ErrorCode::not_found,
                     "no connected peer has ledger " + to_hex(adopt.ledger) + "; " + those_met()};
    const exchange::View& view = ledger_.view();
    if (self_index_ && view.members.size() > 1 && !views_.can_leave(now.mono, own_state(now.mono)))
        return Error{
            ErrorCode::unavailable,
            "this node is one of " + counted(view.members.size(), "member") +
                " of its ledger and has to "
                "leave it first, since the others may still settle its last commands; for that it needs a "
                "quorum, and another member that stays. See `peerbook status`; if the others are gone for "
                "good, "
                "`peerbook ledger fork` makes this node the only member of a ledger of its own"};
    return {};
}

void Node::step_adopt(Now now, Effects& effects) {
    if (!adoption_) return;
    // One that was to leave and is the only member now is not free: the others fell silent meanwhile, and
    // would find nobody when they return. Nor is one that left and does not know that they go on.
    const bool is_free = adoption_->is_to_leave ? !self_index_ && next_view_began()
                                                : !self_index_ || ledger_.view().members.size() == 1;
    const MonoTime end = adoption_->since + options_.leave_timeout * 2;
    const bool is_late = now.mono >= end;
    if (is_free && !in_flight_ && entered_ticket_ <= durable_ticket_ &&
        ((leave_ == Leave::done && !has_unfinished_work()) || is_late)) {
        effects.adopt = give_up_ledger(now, effects);
        effects.adopt_ticket = adoption_->ticket;
    } else if (!is_free && (leave_ == Leave::done || is_late)) {
        keep_ledger(effects);
    } else {
        sooner(effects.wake_at, is_late ? now.mono + options_.leave_after : end);
    }
}

void Node::keep_ledger(Effects& effects) {
    std::string why =
        "the other members did not go on without it in time. `peerbook status` says who is away";
    if (self_index_ && ledger_.view().members.size() == 1)
        why = "the other members fell silent meanwhile and were left out, so that this node is the only one";
    effects.answers.push_back(
        {adoption_->ticket, Result<Answer>(Error{ErrorCode::timed_out,
                                                 "this node could not leave its ledger, so nothing was given "
                                                 "up: " +
                                                     why + "; try again"})});
    effects.logs.push_back({true, "keeps its ledger: " + why});
    adoption_.reset();
    draining_ = false;
    leave_ = Leave::none;
}

GivenUpLedger Node::give_up_ledger(Now now, Effects& effects) {
    GivenUpLedger given_up;
    given_up.ledger = ledger_id();
    given_up.node = self_;
    given_up.view = ledger_.view().number;
    const auto prefix = ledger_.settled_prefix();
    given_up.settled_commits = prefix.length;
    given_up.settled_prefix = prefix.hash;
    given_up.settled_trades = tape_.settled_count();
    given_up.unsettled_commands = ledger_.stats().unsettled_commands;
    given_up.adopted = adoption_->ledger;
    given_up.time = now.wall;
    is_given_up_ = true;
    for (const auto& [ticket, request] : requests_)
        effects.answers.push_back(
            {ticket, Result<SubmitAnswer>(
                         Error{ErrorCode::unavailable,
                               "this node gave its ledger up for another one before this had settled; it is "
                               "not sent again there"})});
    for (const auto& [seq, waiters] : settled_waiters_)
        for (const SettledWaiter& waiter : waiters)
            effects.answers.push_back(
                {waiter.ticket, Result<Answer>(Error{ErrorCode::unavailable,
                                                     "this node gave its ledger up for another one"})});
    requests_.clear();
    unattested_.clear();
    settled_waiters_.clear();
    return given_up;
}

}  // namespace peerbook::app
