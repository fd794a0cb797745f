// Node where its ledger's quorum is gone for good: a new ledger goes on from what is settled (rule 22).
#include <algorithm>

#include "app/node/node.h"
#include "app/node/node_parts.h"
#include "base/check.h"

namespace peerbook::app {

namespace {

// Where nobody is ever suspected.
constexpr Duration no_quorum_default = Duration::seconds(10);
constexpr Duration ask_interval = Duration::seconds(1);
constexpr Duration answers_within = Duration::seconds(10);
constexpr Duration quorum_look_interval = Duration::milliseconds(250);

}  // namespace

const exchange::View* Node::next_fork() const {
    if (!ledger_first_ || ledger_.view().number == 0) return nullptr;
    const std::vector<exchange::View>& forks = ledger_first_->forks;
    const auto begun = std::ranges::find(forks, ledger_.view().ledger, &exchange::View::ledger);
    const auto next = begun == forks.end() ? forks.begin() : std::next(begun);
    return next == forks.end() ? nullptr : &*next;
}

void Node::ask_to_fork(Ticket ticket, ForkLedger request, Effects& effects) {
    const auto refuse = [&](ErrorCode code, std::string why) {
        effects.answers.push_back({ticket, Result<Answer>(Error{code, std::move(why)})});
    };
    if (!recovered_) return refuse(ErrorCode::unavailable, "the node is still reading its journal");
    if (forking_ || adoption_)
        return refuse(ErrorCode::conflict, "this node is already on its way to another ledger");
    if (draining_ || identity_lost_) return refuse(ErrorCode::unavailable, "the node is shutting down");
    const std::uint64_t question = session_ + ++fork_questions_;
    forking_ = Forking{ticket, std::move(request), std::nullopt, 0, question, std::nullopt};
}

void Node::watch_quorum(Now now) {
    if (now.mono < next_quorum_look_) return;
    next_quorum_look_ = now.mono + quorum_look_interval;
    if (ledger_.view().number == 0 || members_form_quorum(now.mono))
        no_quorum_since_.reset();
    else if (!no_quorum_since_)
        no_quorum_since_ = now.mono;
}

void Node::step_fork(Now now, Effects& effects) {
    if (!recovered_) return;
    watch_quorum(now);
    if (forking_ && forking_->answer && forking_->append_ticket <= durable_ticket_) {
        effects.answers.push_back({forking_->ticket, Result<Answer>(Answer(*forking_->answer))});
        forking_.reset();
    }
    // An own block on its way to the disk belongs in front of what is decided here.
    if (in_flight_ || entered_ticket_ > durable_ticket_) return;
    if (forking_ && !forking_->answer) {
        auto news = decide_fork(forking_->request, now, effects);
        if (news.ok() && !forking_->request.accept)
            if (Status told = told_by_members(news->forks.back(), now); !told.ok()) news = told.error();
        // What members send may first have to be fetched and acknowledged.
        const bool is_asking = forking_->asking && now.mono < forking_->asking->since + answers_within;
        if (!news.ok() && news.error().code == ErrorCode::unavailable && is_asking)
            return ask_members(now, effects);
        if (!news.ok()) {
            effects.answers.push_back({forking_->ticket, Result<Answer>(news.error())});
            forking_.reset();
            return;
        }
        ForkAnswer answer;
        answer.from = ledger_id();
        answer.ledger = news->ledger();
        answer.void_blocks = install_fork(std::move(*news), now, effects);
        answer.view = ledger_.view().number;
        answer.members = ledger_.view().members;
        answer.is_member = self_index_.has_value();
        answer.settled_commits = ledger_.settled_prefix().length;
        forking_->answer = std::move(answer);
        forking_->append_ticket = append_ticket_;
        return;
    }
    const exchange::View* fork = next_fork();
    if (!fork || fork->previous != ledger_.view_digest()) return;
    const Status fits = ledger_.check_fork(*fork);
    if (fits.ok()) {
        install_fork(*ledger_first_, now, effects);
    } else if (fits.error().code != ErrorCode::unavailable && !std::exchange(fork_alarmed_, true)) {
        effects.logs.push_back({true, "ALARM: this node cannot follow fork ledger=" + short_id(fork->ledger) +
                                          ": " + fits.error().message});
    }
}

Result<LedgerNews> Node::decide_fork(const ForkLedger& request, Now now, Effects& effects) {
    if (!ledger_first_ || ledger_.view().number == 0)
        return Error{ErrorCode::conflict, "this node has no ledger that could be forked"};
    if (!is_established())
        return Error{ErrorCode::unavailable,
                     "this node's ledger is just being founded; if the second node "
                     "does not come, it is given up by itself"};
    if (next_fork())
        return Error{ErrorCode::unavailable,
                     "this node still follows its ledger to a fork; try again when it is there"};
    if (members_form_quorum(now.mono))
        return Error{
            ErrorCode::conflict,
            "a quorum of this node's ledger is here, so trades settle and there is no reason to fork "
            "it"};
    const Duration least =
        options_.views.suspect_after > Duration{} ? options_.views.suspect_after : no_quorum_default;
    const Duration without = no_quorum_since_ ? now.mono - *no_quorum_since_ : Duration{};
    if (without < least)
        return Error{ErrorCode::unavailable,
                     "this node has missed a quorum for only " + std::to_string(without.ms() / 1000) +
                         " s; a fork is for members that are gone for good, so wait until it is " +
                         std::to_string((least.ms() + 999) / 1000) + " s"};
    process(ledger_.execute(), effects);
    if (!request.accept) return new_fork(request);

    const Digest& wanted = *request.accept;
    if (wanted == ledger_id())
        return Error{ErrorCode::invalid_input, "this node keeps ledger " + short_id(wanted) + " already"};
    const LedgerNews* news = founding_.find(wanted);
    if (!news)
        return Error{ErrorCode::not_found,
                     "no connected peer has ledger " + to_hex(wanted) + "; " + those_met()};
    if (!news->comes_from(ledger_id()))
        return Error{ErrorCode::invalid_input,
                     "ledger " + short_id(wanted) + " does not go on from this node's ledger " +
                         short_id(ledger_id()) + "; `peerbook ledger adopt` gives this node's up for it"};
    if (Status fits = check_accept(*news); !fits.ok()) return fits.error();
    return *news;
}

// Precondition: the ledger in `news` comes from the one that this node keeps.
Status Node::check_accept(const LedgerNews& news) const {
    const auto own = std::ranges::find(news.forks, ledger_id(), &exchange::View::ledger);
    const exchange::View& fork = own == news.forks.end() ? news.forks.front() : *std::next(own);
    const exchange::View& here = ledger_.view();
    if (fork.number > here.number + 1)
        return Error{ErrorCode::unavailable, "the fork goes on from view " + std::to_string(fork.number - 1) +
                                                 ", and this node is still in view " +
                                                 std::to_string(here.number) +
                                                 "; it is fetching what lies between: try again soon"};
    if (fork.previous != ledger_.view_digest())
        return Error{
            ErrorCode::conflict,
            "the fork goes on from view " + std::to_string(fork.number - 1) +
                ", and this node's ledger went on to view " + std::to_string(here.number) +
                ": the fork lacks what settled there. Fork from here instead, or give this ledger up "
                "with `peerbook ledger adopt`"};
    const Status fits = ledger_.check_fork(fork);
    if (fits.ok()) return {};
    if (fits.error().code == ErrorCode::unavailable)
        return Error{ErrorCode::unavailable,
                     "this node lacks a part of the log that the fork goes on from, and "
                     "is fetching it: try again soon"};
    return Error{fits.error().code, "REFUSED: what is settled here is not what fork " +
                                        short_id(news.ledger()) + " goes on from (" + fits.error().message +
                                        "). This node keeps its ledger"};
}

Result<LedgerNews> Node::new_fork(const ForkLedger& request) {
    std::vector<PublicKey> members = request.members;
    if (std::ranges::find(members, self_) == members.end()) members.push_back(self_);
    // Who is connected has shown that its key is one.
    for (const PublicKey& member : members)
        if (member != self_ && !sync_.connected().contains(member) && !is_valid_public_key(member))
            return Error{ErrorCode::invalid_input, to_hex(member) + " is no node's key"};
    if (ledger_first_->forks.size() >= ledger_forks_max)
        return Error{ErrorCode::too_large, "a ledger can be forked " + std::to_string(ledger_forks_max) +
                                               " times in a row at most"};
    for (const Founding::Met& met : founding_.met())
        if (met.reachable > 0 && met.news.ledger() != ledger_id() && met.news.comes_from(ledger_id()) &&
            check_accept(met.news).ok())
            return Error{ErrorCode::conflict,
                         "a peer went on from this ledger already, in ledger " + to_hex(met.news.ledger()) +
                             ", which this node can enter: `peerbook ledger fork --accept`"};
    auto fork = ledger_.make_fork(members);
    if (!fork.ok()) return fork.error();
    // So nothing that one of them settled is lost: while a member is silent nothing newer settles, and who
    // holds the same blocks has settled the same.
    for (const PublicKey& member : fork->members)
        if (member != self_ && !speaks_of_our_ledger(member) && founding_.ledger_of(member) != fork->ledger)
            return Error{ErrorCode::unavailable,
                         "node " + short_id(member) +
                             " is to be a member of the fork and is not connected in this node's ledger. "
                             "Connect to it first, so that what settled there is kept"};
    // One that may sign nothing more in this ledger owes nobody a block: it promised to end the view, or
    // started again and no quorum is left to say how much of its chain it holds.
    const bool may_sign =
        !views_.is_stopped() && own_chain_confirmed() && halted_.empty() && !ledger_.is_forked();
    if (sync_.behind() || (may_sign && ledger_.acknowledgement_due()))
        return Error{ErrorCode::unavailable,
                     "this node is still fetching what another one has; try again soon"};
    LedgerNews news = *ledger_first_;
    news.state = LedgerNews::State::established;
    news.forks.push_back(std::move(*fork));
    news.view = news.forks.back().number;
    news.members = news.forks.back().members.size();
    return news;
}

// What has settled at a member when its operator asks for the fork is to be in it, so each of them says what
// it holds.
Status Node::told_by_members(const exchange::View& fork, Now now) {
    auto& asking = forking_->asking;
    if (!asking || asking->view != ledger_.view_digest()) {
        asking = Forking::Asking{ledger_.view_digest(), now.mono, now.mono, {}};
        for (const PublicKey& member : fork.members)
            if (member != self_ && speaks_of_our_ledger(member)) asking->members[member] = std::nullopt;
    }
    const exchange::VersionVector& here = ledger_.version_vector();
    for (const auto& [member, holds] : asking->members) {
        const std::string name = "node " + short_id(member) + ", which is to be a member of the fork, ";
        if (!holds)
            return Error{ErrorCode::unavailable,
                         name + "has not said in 10 s which blocks it holds; try again"};
        for (std::uint32_t i = 0; i < here.size(); ++i)
            if ((*holds)[i] > here[i] && !ledger_.takes_branches(exchange::MemberIndex(i)))
                return Error{ErrorCode::unavailable,
                             name + "holds blocks that this node is still fetching; try again soon"};
    }
    return {};
}

void Node::ask_members(Now now, Effects& effects) {
    Forking::Asking& asking = *forking_->asking;
    if (now.mono >= asking.next) {
        asking.next = now.mono + ask_interval;
        const SharedBytes question(encode_holdings({forking_->question, std::nullopt}));
        for (const auto& [member, holds] : asking.members)
            if (!holds)
                effects.sends.push_back({member, static_cast<std::uint8_t>(MessageKind::holdings), question});
    }
    sooner(effects.wake_at, asking.next);
}

void Node::on_holdings(const PublicKey& from, const HoldingsMessage& message, Now now, Effects& effects) {
    if (!message.answer) {
        if (!speaks_of_our_ledger(from)) return;
        views_.heard(from, now.mono);
        return sync_.answer_holdings(from, message.question, effects);
    }
    if (!forking_ || message.question != forking_->question) return;
    on_version_vector(from, *message.answer, now, effects);
    auto& asking = forking_->asking;
    if (!asking || message.answer->view != asking->view || asking->view != ledger_.view_digest()) return;
    const auto member = asking->members.find(from);
    if (member != asking->members.end() && message.answer->seqs.size() == ledger_.version_vector().size())
        member->second = message.answer->seqs;
}

std::size_t Node::install_fork(LedgerNews news, std::optional<Now> now, Effects& effects) {
    ledger_first_ = std::move(news);
    const exchange::View* next = next_fork();
    PB_CHECK(next, "there is a fork to go on with");
    const exchange::View fork = *next;
    const exchange::View closed = ledger_.view();
    const std::uint64_t made = own_seq();
    auto update = ledger_.install_fork(fork);
    PB_CHECK(update.ok(), "a fork was installed that check_fork() does not take");
    if (now) append_record(RecordKind::forked, encode_ledger_news(*ledger_first_), effects);
    founding_.left(closed.ledger);
    // Somebody may hold blocks that this node made in there, if its store is an older copy.
    retraction_ = Retraction::view_end;
    enter_view(*update, made, false, effects);
    retraction_ = Retraction::late_block;
    views_.forked(closed, fork);
    evidence_.clear();  // it names the ledger before
    fork_alarmed_ = false;
    const std::size_t voided = update->voided.size();
    if (!now) return voided;
    entered_ticket_ = append_ticket_;
    ledger_since_ = now->mono;
    told_ = LedgerNews::State::given_up;  // whatever it is now, peers were not told
    effects.view = std::make_shared<const exchange::View>(ledger_.view());
    sync_.mute();
    sync_.on_view_installed(effects);
    effects.logs.push_back(
        {false, "ledger=" + short_id(fork.ledger) + " goes on from ledger=" + short_id(closed.ledger) +
                    " view=" + std::to_string(fork.number) + " members=" +
                    std::to_string(fork.members.size()) + " settled=" + std::to_string(fork.log_length) +
                    " void_blocks=" + std::to_string(voided) + (self_index_ ? "" : " role=observer")});
    sooner(effects.wake_at, now->mono);
    return voided;
}

Status Node::recover_fork(ByteView record, Effects& effects) {
    const auto corrupt = [](const std::string& why) {
        return Error{ErrorCode::corrupt, "the journal holds a fork that " + why};
    };
    auto news = decode_ledger_news(record, ledger_.engine().rules().network);
    if (!news.ok()) return corrupt("cannot be read: " + news.error().message);
    const Digest& before = ledger_.view().ledger;
    const auto next = std::ranges::find_if(news->forks, [&](const exchange::View& fork) {
        return fork.previous == ledger_.view_digest() && ledger_.view().number > 0;
    });
    if (!ledger_first_ || next == news->forks.end())
        return corrupt("does not go on from ledger " + short_id(before));
    if (Status fits = ledger_.check_fork(*next); !fits.ok())
        return corrupt("does not follow from what stands before it: " + fits.error().message);
    install_fork(std::move(*news), std::nullopt, effects);
    return {};
}

void Node::serve_forked_view(const PublicKey& peer, const VersionVectorMessage& message, Effects& effects) {
    if (!sync_.connected().contains(peer) || !ledger_first_ || ledger_first_->forks.empty()) return;
    const ViewKeeper::Closed* closed = views_.closed(message.view);
    if (!closed) return;
    if (closed->decision.size() > 0)
        effects.sends.push_back({peer, static_cast<std::uint8_t>(MessageKind::decision), closed->decision});
    sync_.serve_closed(peer, closed->view, closed->digest, closed->cut, message.seqs, effects);
}

}  // namespace peerbook::app
