#include "tests/sim/view_checkers.h"

#include <algorithm>

#include "base/hash.h"
#include "tests/sim/trace.h"

namespace peerbook::sim {

using namespace exchange;

namespace {

constexpr std::uint64_t late_ballot = 4;        // of a view; it has eight times the first one's time
constexpr std::int64_t at_once_us = 3'000'000;  // ballots that begin so close to each other are rivals

std::string text_of(const Ballot& ballot) {
    return "ballot " + std::to_string(ballot.number) + "." + std::to_string(ballot.proposer.value());
}

std::pair<Ballot, Digest> value_of(const std::optional<AcceptedValue>& accepted) {
    return accepted ? std::pair(accepted->ballot, digest_of(accepted->next)) : std::pair(Ballot{}, Digest{});
}

}  // namespace

bool is_quorum_of(const View& view, const std::set<std::size_t>& members) {
    if (2 * members.size() > view.members.size()) return true;
    return 2 * members.size() == view.members.size() && members.contains(0);
}

Digest digest_of_record(ByteView record) {
    return hash_of("record of a simulated node", record);
}

ViewChecker::ViewChecker(const View& first, const AdmissionBook& admission, RareStates& rare)
    : admission_(admission),
      rare_(rare),
      were_members_(first.members.begin(), first.members.end()),
      first_(digest_of(first)),
      latest_(first_) {
    views_.emplace(first_, first);
}

bool ViewChecker::may_be_member(const PublicKey& key) const {
    switch (admission_.joining) {
        case Joining::named:
            return first().index_of(key).has_value();
        case Joining::invited:
            return were_members_.contains(key) || admission_.invited.contains(key);
        case Joining::anyone:
            break;
    }
    return true;
}

const View* ViewChecker::find(const Digest& view) const {
    const auto known = views_.find(view);
    return known == views_.end() ? nullptr : &known->second;
}

const View* ViewChecker::successor(const Digest& view) const {
    const auto end = ends_.find(view);
    return end == ends_.end() || !end->second.chosen_in ? nullptr : find(end->second.next);
}

std::vector<const View*> ViewChecker::all() const {
    std::vector<const View*> views;
    for (const View* view = &first(); view; view = successor(digest_of(*view)))
        views.push_back(view);
    return views;
}

const BallotState* ViewChecker::durable(const PublicKey& member, const Digest& view) const {
    const auto states = durable_.find(member);
    if (states == durable_.end()) return nullptr;
    const auto state = states->second.find(view);
    return state == states->second.end() ? nullptr : &state->second;
}

// A quorum accepted this: it is the next view, whether anybody has heard of that or not.
std::string ViewChecker::choose(const Digest& view, const View& next) {
    const View& old = views_.at(view);
    const Digest name = digest_of(next);
    End& end = ends_[view];
    if (end.chosen_in && end.next != name)
        return "view " + std::to_string(old.number) + " has two successors, " + short_name(end.next) +
               " and " + short_name(name);
    if (end.chosen_in) return "";
    end.next = name;
    if (next.number != old.number + 1 || next.previous != view)
        return "a view follows one that it does not name";
    if (std::string wrong = check_members(old, next); !wrong.empty()) return wrong;
    rare_.add(Rare::view_ended);
    views_.emplace(name, next);
    if (view == latest_) latest_ = name;
    return "";
}

// Those who stay keep their order, and at most as many come in, of those that the policy lets in.
std::string ViewChecker::check_members(const View& old, const View& next) {
    std::optional<std::size_t> last;
    std::size_t came = 0;
    for (const PublicKey& member : next.members) {
        const auto before = old.index_of(member);
        if (before) {
            if (came > 0 || (last && before->value() <= *last))
                return "a view changes the seniority of members";
            last = before->value();
            continue;
        }
        ++came;
        if (!may_be_member(member)) return "a key that the policy does not let in was let in";
        if (were_members_.insert(member).second)
            rare_.add(admission_.joining == Joining::invited ? Rare::invited_joined : Rare::stranger_joined);
        else
            rare_.add(Rare::member_returned);
    }
    if (2 * came > next.members.size()) return "more members come in than stay";
    if (came > 1 && 2 * came == next.members.size()) rare_.add(Rare::as_many_came_as_stay);
    return "";
}

std::string ViewChecker::stored(const PublicKey& member, const BallotState& state) {
    const View* view = find(state.view);
    if (!view) return "a promise for a view that nobody decided";
    const auto index = view->index_of(member);
    if (!index) return "a promise of one that is no member";
    const BallotState* before = durable(member, state.view);
    if (before && state.promised < before->promised) return "a promise went back to a lower ballot";
    if (before && before->accepted && !state.accepted) return "an accepted value was forgotten";
    durable_[member][state.view] = state;
    if (!state.accepted) return "";
    const Ballot ballot = state.accepted->ballot;
    End& end = ends_[state.view];
    auto& values = end.accepted[ballot];
    auto& members = values[digest_of(state.accepted->next)];
    members.insert(index->value());
    if (values.size() > 1) return "two values were accepted in " + text_of(ballot);
    if (!is_quorum_of(*view, members)) return "";
    if (!end.chosen_in && ballot.number >= late_ballot) rare_.add(Rare::late_ballot);
    const std::string wrong = choose(state.view, state.accepted->next);
    if (!end.chosen_in || ballot < *end.chosen_in) end.chosen_in = ballot;
    return wrong;
}

std::string ViewChecker::leaves(const Leaving& leaving) {
    const ViewMessage& message = leaving.message;
    if (!find(message.view)) return "a message about a view that nobody decided";
    const BallotState* state = durable(message.sender, message.view);
    switch (message.kind) {
        case ViewMessageKind::prepare:
            return prepare_leaves(leaving, state);
        case ViewMessageKind::promise:
            return promise_leaves(leaving, state);
        case ViewMessageKind::propose:
            return propose_leaves(leaving, state);
        case ViewMessageKind::accepted:
            return accepted_leaves(leaving, state);
        case ViewMessageKind::refuse:
            rare_.add(Rare::ballot_refused);
            if (message.promised <= message.ballot) return "a ballot is refused for one that is not higher";
            return "";
        case ViewMessageKind::join:
        case ViewMessageKind::leave:
            return "";
    }
    return "";
}

std::string ViewChecker::prepare_leaves(const Leaving& leaving, const BallotState* state) {
    const Ballot& ballot = leaving.message.ballot;
    if (!state || state->promised < ballot)
        return text_of(ballot) + " begins before its proposer's own promise is durable";
    End& end = ends_[leaving.message.view];
    const auto [started, is_new] = end.ballots.try_emplace(ballot);
    if (!is_new) {
        if (started->second.process == leaving.process) return "";
        return text_of(ballot) + " was started twice";
    }
    started->second.process = leaving.process;
    started->second.at_us = leaving.now_us;
    started->second.held = leaving.held;
    for (const auto& [other, rival] : end.ballots)
        if (other.proposer != ballot.proposer && leaving.now_us - rival.at_us < at_once_us &&
            !end.chosen_in) {
            rare_.add(Rare::two_proposers);
            break;
        }
    return "";
}

std::string ViewChecker::promise_leaves(const Leaving& leaving, const BallotState* state) const {
    const ViewMessage& message = leaving.message;
    if (!state || state->promised < message.ballot)
        return "a promise for " + text_of(message.ballot) + " leaves before it is durable";
    if (message.ballot < state->promised)
        return "a promise for " + text_of(message.ballot) + " leaves after a higher one was made";
    for (const ChainTip& tip : message.tips)
        if (tip.seq > 0 && !leaving.disk.holds(tip.digest))
            return "a promise names block " + short_name(tip.digest) + ", which is not durable";
    const auto self = views_.at(message.view).index_of(message.sender);
    if (message.tips[self->value()].seq < leaving.own_seq)
        return "a promise does not name a block that its sender had made";
    if (value_of(message.accepted) != value_of(state->accepted))
        return "a promise does not name the value that was accepted";
    return "";
}

std::string ViewChecker::accepted_leaves(const Leaving& leaving, const BallotState* state) const {
    const ViewMessage& message = leaving.message;
    if (!state || !state->accepted || state->accepted->ballot != message.ballot)
        return "the acceptance of " + text_of(message.ballot) + " leaves before it is durable";
    if (digest_of(state->accepted->next) != message.value) return "another value is accepted than was stored";
    for (const CutEntry& entry : state->accepted->next.cut)
        if (entry.seq > 0 && !leaving.disk.holds(entry.digest))
            return "a cut is accepted whose block " + short_name(entry.digest) + " is not durable";
    return "";
}

void ViewChecker::promised(const ViewMessage& promise) {
    const auto end = ends_.find(promise.view);
    if (end == ends_.end()) return;
    const auto ballot = end->second.ballots.find(promise.ballot);
    if (ballot == end->second.ballots.end()) return;
    const auto member = views_.at(promise.view).index_of(promise.sender);
    ballot->second.promises[member->value()] = {value_of(promise.accepted), promise.tips};
}

// The value of the highest ballot among the promises of a quorum. If none of those names one: a cut with all
// that a quorum promised.
std::string ViewChecker::check_value(const View& view, const Started& ballot, const View& next) {
    const Digest value = digest_of(next);
    Ballot taken;  // in which it was accepted
    for (const auto& [member, promise] : ballot.promises)
        if (promise.accepted.second == value) taken = std::max(taken, promise.accepted.first);
    std::set<std::size_t> all, members, contained;
    for (const auto& [member, promise] : ballot.promises) {
        all.insert(member);
        if (taken < promise.accepted.first) continue;
        members.insert(member);
        bool is_contained = true;
        for (std::size_t i = 0; i < promise.tips.size() && i < next.cut.size(); ++i)
            is_contained = is_contained && promise.tips[i].seq <= next.cut[i].seq;
        if (is_contained) contained.insert(member);
    }
    if (!is_quorum_of(view, all)) return "a value is proposed without a quorum of promises";
    if (!is_quorum_of(view, members))
        return "a value is proposed although another one was accepted in a higher ballot";
    if (taken == Ballot{} && !is_quorum_of(view, contained)) return "a cut leaves out what a quorum promised";
    return "";
}

std::string ViewChecker::propose_leaves(const Leaving& leaving, const BallotState* state) {
    const ViewMessage& message = leaving.message;
    const Digest value = digest_of(*message.next);
    End& end = ends_[message.view];
    const auto started = end.ballots.find(message.ballot);
    if (started == end.ballots.end()) return text_of(message.ballot) + " proposes before it prepares";
    if (end.chosen_in && *end.chosen_in < message.ballot && end.next != value)
        return text_of(message.ballot) + " proposes another value than the one that was chosen";
    if (started->second.value == value) return "";
    if (!started->second.value.is_zero()) return text_of(message.ballot) + " proposes two values";
    started->second.value = value;
    const View& view = views_.at(message.view);
    if (state) {
        // Its own promise, and not the value that it has just taken itself.
        auto& own = started->second.promises[message.ballot.proposer.value()];
        if (state->accepted && state->accepted->ballot < message.ballot)
            own.accepted = value_of(state->accepted);
    }
    if (std::string wrong = check_value(view, started->second, *message.next); !wrong.empty()) return wrong;
    std::set<Digest> named;
    for (const auto& [member, promise] : started->second.promises)
        if (!promise.accepted.second.is_zero()) named.insert(promise.accepted.second);
    if (named.size() > 1) rare_.add(Rare::rival_values);
    for (const auto& [ballot, values] : end.accepted)
        if (ballot < message.ballot && values.contains(value)) {
            rare_.add(Rare::value_taken_over);
            return "";
        }
    for (std::size_t i = 0; i < message.next->cut.size() && i < started->second.held.size(); ++i)
        if (message.next->cut[i].seq > started->second.held[i].seq) {
            rare_.add(Rare::cut_was_fetched);
            break;
        }
    return "";
}

std::string ViewChecker::decided(const Decision& decision) {
    const Digest& name = decision.next.previous;
    const View* view = find(name);
    if (!view) return "a decision about a view that nobody decided";
    End& end = ends_[name];
    const Digest value = digest_of(decision.next);
    std::set<std::size_t> voters;
    for (const Vote& vote : decision.votes) {
        const auto& values = end.accepted[decision.ballot];
        const auto accepted = values.find(value);
        if (accepted == values.end() || !accepted->second.contains(vote.member.value()))
            return "a decision counts the vote of member " + std::to_string(vote.member.value()) +
                   ", which has not stored the value";
        voters.insert(vote.member.value());
    }
    if (!is_quorum_of(*view, voters)) return "a decision has no quorum of the view that it ends";
    const std::string wrong = choose(name, decision.next);
    if (!end.chosen_in || decision.ballot < *end.chosen_in) end.chosen_in = decision.ballot;
    return wrong;
}

}  // namespace peerbook::sim
