// Ending a view: one single-decree Paxos among its members, whose first phase also stops the view (rules
// 9-14).
#include <utility>

#include "tests/view_model/node.h"

namespace peerbook::view_model {

bool Node::may_start_ballot(const Context& c) const {
    return is_member(c) && (is_established(c) || c.mutation == Mutation::changes_view_before_established);
}

void Node::start_ballot(Context& c, const SortedSet<Key>& suspects) {
    Proposal proposal;
    proposal.ballot = {now.promised.counter + 1, key};
    proposal.suspects = suspects;
    now.promised = proposal.ballot;
    // The proposer's own promise comes first: it is what keeps a ballot from being used twice.
    if (c.mutation != Mutation::volatile_proposer) persist(c, Reason::other);
    proposal.promises[key] = {now.blocks, now.accepted};
    talk.proposal = std::move(proposal);
    send_to_all(c, {.kind = Kind::prepare, .ballot = now.promised});
}

void Node::receive_prepare(Context& c, const Message& message) {
    if (now.view != message.view) return;
    if (!is_member(c)) {
        if (talk.wants_to_leave) return;
        now.volunteered = true;
        persist(c, Reason::other);
        return send(c, {.kind = Kind::alive, .ballot = message.ballot}, message.from);
    }
    if (message.ballot <= now.promised) return;
    now.promised = message.ballot;
    talk.proposal.reset();
    persist(c, Reason::other);
    send(c, {.kind = Kind::promise, .ballot = message.ballot, .accepted = now.accepted, .blocks = now.blocks},
         message.from);
}

void Node::receive_promise(const Message& message) {
    if (now.view != message.view || !talk.proposal || talk.proposal->ballot != message.ballot) return;
    now.blocks.insert_all(message.blocks);  // fetched before the promise counts
    talk.proposal->promises[message.from] = {message.blocks, message.accepted};
}

bool Node::may_choose(const Context& c) const {
    if (!talk.proposal || talk.proposal->value || !now.view) return false;
    if (c.mutation == Mutation::one_promise_is_enough) return true;
    SortedSet<Key> promised;
    for (const auto& promise : talk.proposal->promises)
        promised.insert(promise.first);
    return is_quorum(view(c), promised, c.mutation);
}

BlockSet Node::proposed_cut() const {
    BlockSet all;
    for (const auto& promise : talk.proposal->promises)
        all.insert_all(promise.second.blocks);
    return all;
}

void Node::choose_value(Context& c) {
    Proposal& proposal = *talk.proposal;
    std::optional<Vote> bound;
    for (const auto& [member, promise] : proposal.promises) {
        if (!promise.accepted || c.mutation == Mutation::ignores_accepted_value) continue;
        const bool higher = !bound || promise.accepted->ballot > bound->ballot;
        if (!bound || higher == (c.mutation != Mutation::takes_lowest_accepted_value))
            bound = promise.accepted;
    }
    if (bound) {
        proposal.value = bound->value;
    } else {
        BlockSet cut = proposed_cut();
        if (c.mutation == Mutation::cut_of_proposer) cut = proposal.promises[key].blocks;
        if (c.mutation == Mutation::cut_intersection) {
            BlockSet common;
            for (BlockId id : cut) {
                bool everywhere = true;
                for (const auto& promise : proposal.promises)
                    everywhere = everywhere && promise.second.blocks.contains(id);
                if (everywhere) common.insert(id);
            }
            cut = common;
        }
        std::vector<Key> members;
        for (Key member : view(c).members)
            if (!proposal.suspects.contains(member) && !talk.leaving.contains(member))
                members.push_back(member);
        for (Key joiner : talk.joining)
            if (proposal.alive.contains(joiner)) members.push_back(joiner);
        if (members.empty()) return;  // somebody has to stay
        proposal.value = c.universe.make_next_view(*now.view, members, cut);
    }
    if (c.mutation == Mutation::no_consensus_on_cut) return install(c, *proposal.value);
    const Message propose{.kind = Kind::propose, .ballot = proposal.ballot, .value = *proposal.value};
    send_to_all(c, propose);
    Message own = propose;
    own.from = own.to = key;
    own.view = *now.view;
    receive_propose(c, own);
}

void Node::receive_propose(Context& c, const Message& message) {
    if (now.view != message.view || !is_member(c)) return;
    if (message.ballot < now.promised && c.mutation != Mutation::accepts_below_promise) return;
    const bool holds_cut = now.blocks.includes(c.universe.view(message.value).cut);
    if (!holds_cut && c.mutation != Mutation::accepts_without_blocks) return;
    now.promised = std::max(now.promised, message.ballot);
    now.accepted = Vote{message.ballot, message.value};
    if (message.from != key || c.mutation != Mutation::volatile_proposer) persist(c, Reason::other);
    Message answer{.kind = Kind::accepted, .ballot = message.ballot, .value = message.value};
    if (message.from != key) return send(c, answer, message.from);
    answer.from = answer.to = key;
    answer.view = *now.view;
    receive_accepted(c, answer);
}

void Node::receive_accepted(Context& c, const Message& message) {
    if (now.view != message.view || !talk.proposal || talk.proposal->ballot != message.ballot) return;
    if (talk.proposal->value != message.value) return;
    talk.proposal->acceptors.insert(message.from);
    const View& next = c.universe.view(message.value);
    const View& voters = c.mutation == Mutation::quorum_of_new_view ? next : view(c);
    // The decision can be installed only with the blocks of its cut.
    if (is_quorum(voters, talk.proposal->acceptors, c.mutation) && now.blocks.includes(next.cut))
        install(c, message.value);
}

void Node::receive_install(Context& c, const Message& message) {
    const View& next = c.universe.view(message.value);
    if (now.tombstones.contains(next.ledger) || now.forked_from.contains(next.ledger)) return;
    if (now.view && (view(c).ledger != next.ledger || view(c).number >= next.number)) return;
    install(c, message.value);
}

void Node::install(Context& c, ViewId next) {
    const bool tells = talk.proposal.has_value();
    now.view = next;
    now.blocks.clear();
    now.volunteered = false;
    if (c.mutation != Mutation::keeps_paxos_state) {
        now.promised = {};
        now.accepted.reset();
    }
    const bool wants_to_leave = talk.wants_to_leave;
    talk = {};
    talk.wants_to_leave = wants_to_leave;
    persist(c, Reason::other);
    if (tells) send_to_all(c, {.kind = Kind::install, .value = next});
}

}  // namespace peerbook::view_model
