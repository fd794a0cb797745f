// Founding a ledger, giving it up, forking it, joining and leaving (rules 16, 18 to 20, and 22).
#include "tests/view_model/node.h"

namespace peerbook::view_model {

bool Node::is_established(const Context& c) const {
    const View& current = view(c);
    if (current.named || current.number > 1) return true;
    const Key founder = current.members.front(), second = current.members.back();
    for (BlockId id : now.blocks) {
        const Block& block = c.universe.block(id);
        if (block.author == founder && block.clock.at(static_cast<std::size_t>(second)) > 0) return true;
    }
    return false;
}

bool Node::is_founder(const Context& c) const {
    return now.view && !is_established(c) && view(c).members.front() == key;
}

void Node::found_with(Context& c, Key second) {
    // A new id each time: a ledger that was given up is never entered again.
    now.view = c.universe.make_first_view({key, second}, false, now.tombstones.size());
    persist(c, Reason::other);
    send(c, {.kind = Kind::offer}, second);
}

void Node::receive_offer(Context& c, const Message& message) {
    if (now.view || now.tombstones.contains(message.view)) return;
    now.view = message.view;
    persist(c, Reason::other);
    emit(c);
}

void Node::forget_ledger() {
    now.tombstones.insert(*now.view);
    now.view.reset();
    now.blocks.clear();
    now.promised = {};
    now.accepted.reset();
    talk.proposal.reset();
    talk.joining.clear();
    talk.leaving.clear();
    talk.guests.clear();
    talk.wants_to_leave = false;
}

void Node::give_up(Context& c) {
    const ViewId ledger = *now.view;
    const Key second = view(c).members.back();
    forget_ledger();
    if (c.mutation != Mutation::volatile_tombstone) persist(c, Reason::other);
    send(c, {.kind = Kind::tombstone, .view = ledger}, second);
}

void Node::receive_tombstone(Context& c, const Message& message) {
    if (now.view != message.view || view(c).members.front() != message.from) return;
    if (is_member(c) && !view(c).named) leave_as_second(c);
}

void Node::leave_as_second(Context& c) {
    forget_ledger();
    persist(c, Reason::other);
}

BlockSet Node::settled_blocks(const Context& c) const {
    const Round round = settled_round(c.universe, view(c), now.blocks, c.mutation);
    BlockSet settled;
    for (BlockId id : now.blocks)
        if (c.universe.block(id).round <= round) settled.insert(id);
    return settled;
}

void Node::fork(Context& c, const std::vector<Key>& members) {
    const bool takes_all = c.mutation == Mutation::fork_drops_settled;
    follow(c, c.universe.make_fork(*now.view, members, takes_all ? BlockSet{} : settled_blocks(c)));
}

void Node::follow(Context& c, ViewId fork) {
    const Durable before = disk;
    now.forked_from.insert(view(c).ledger);
    talk.proposal.reset();
    install(c, fork);
    if (c.mutation == Mutation::volatile_fork) disk = before;
}

void Node::ask_to_join(Context& c) {
    for (Key member : view(c).members)
        send(c, {.kind = Kind::join}, member);
}

void Node::ask_to_leave(Context& c) {
    talk.wants_to_leave = true;
    talk.leaving.insert(key);
    for (Key member : view(c).members)
        if (member != key) send(c, {.kind = Kind::leave}, member);
}

bool Node::may_exit(const Context& c) const {
    if (!talk.wants_to_leave || !now.view || is_member(c)) return false;
    // Whoever answered a ballot may be a member of a view that it has not heard of.
    if (now.volunteered && c.mutation != Mutation::volunteer_exits) return false;
    const View& current = view(c);
    SortedSet<Key> emitted;
    for (BlockId id : now.blocks)
        emitted.insert(c.universe.block(id).author);
    // Whoever is still in the old view can learn of the new one from those.
    if (!is_quorum(current, emitted, c.mutation) && c.mutation != Mutation::leaver_does_not_serve)
        return false;
    if (c.mutation == Mutation::leaver_forgets_commands) return true;
    CommandSet executed;
    for (CommandId command : c.universe.run(settled(c), Mutation::none))
        executed.insert(command);
    return executed.includes(now.commands);
}

void Node::forward_to(Context& c, Key member) {
    for (CommandId command : now.commands)
        if (!now.view || !view(c).executed.contains(command))
            send(c, {.kind = Kind::forward, .command = command}, member);
}

void Node::push_to(Context& c, Key other) {
    for (ViewId ledger : now.tombstones) {
        Message message{.kind = Kind::tombstone, .from = key, .to = other, .view = ledger};
        c.outbox.push_back(message);  // about a ledger that is not this node's
    }
    if (!now.view) return;
    const View& current = view(c);
    if (is_established(c) || c.mutation == Mutation::admits_before_established)
        send(c, {.kind = Kind::install, .value = *now.view}, other);
    else if (is_founder(c) && current.members.back() == other)
        send(c, {.kind = Kind::offer}, other);
    for (BlockId id : now.blocks)
        send(c, {.kind = Kind::block, .block = id}, other);
}

}  // namespace peerbook::view_model
