// Blocks, settling and the store. Paxos is in node_paxos.cc; founding, joining and leaving in node_ledger.cc.
#include "tests/view_model/node.h"

#include <utility>

namespace peerbook::view_model {

Node::Node(Key node_key, std::optional<ViewId> view) : key(node_key) {
    now.view = view;
    disk = now;
}

bool Node::is_member(const Context& c) const {
    return now.view && view(c).has_member(key);
}

std::vector<BlockId> Node::settled(const Context& c) const {
    return settled_log(c.universe, view(c), now.blocks, c.mutation);
}

CommandSet Node::pending(const Context& c) const {
    CommandSet commands = now.commands;
    commands.insert_all(talk.guests);
    for (CommandId command : view(c).executed)
        commands.erase(command);
    for (BlockId id : now.blocks)
        if (c.universe.block(id).author == key)
            for (CommandId command : c.universe.block(id).commands)
                commands.erase(command);
    return commands;
}

bool Node::may_emit(const Context& c) const {
    if (!now.view) return false;
    if (!is_member(c) && c.mutation != Mutation::observers_emit) return false;
    return !is_wedged() || c.mutation == Mutation::emits_after_voting;
}

bool Node::has_reason_to_emit(const Context& c) const {
    if (!pending(c).empty()) return true;
    const View& current = view(c);
    std::optional<BlockId> tip = tip_of(c.universe, now.blocks, key);
    // Once in each view, so that a leaver and the founder's ledger do not wait for a command.
    const bool second_has_spoken =
        current.number > 1 || tip_of(c.universe, now.blocks, current.members.back()).has_value();
    if (c.mutation != Mutation::no_first_block) {
        if (!current.named && second_has_spoken && !tip) return true;
        if (is_founder(c) && second_has_spoken) return true;
    }

    const Round own = tip ? c.universe.block(*tip).round : current.base;
    const Round said = said_to_hold(c.universe, current, now.blocks, key);
    Round would_say = current.base;
    for (bool first = true; Key member : current.members) {
        if (member == key) continue;
        std::optional<BlockId> last = tip_of(c.universe, now.blocks, member);
        const Round round = last ? c.universe.block(*last).round : current.base;
        would_say = first ? round : std::min(would_say, round);
        first = false;
    }
    const Round settled = settled_round(c.universe, current, now.blocks, c.mutation);
    for (BlockId id : now.blocks) {
        const Block& block = c.universe.block(id);
        if (c.mutation == Mutation::acknowledges_everything && block.round > own) return true;
        if (block.commands.empty() || block.round <= settled) continue;
        if (block.round > own) return true;
        if (c.mutation == Mutation::one_acknowledgement_only) continue;
        if (said < block.round && block.round <= would_say) return true;
    }
    return false;
}

void Node::submit(CommandId command) {
    now.commands.insert(command);
    disk.commands.insert(command);  // acknowledged to the user, so on disk
}

void Node::emit(Context& c) {
    const View& current = view(c);
    BlockSet parents;
    for (Key author : current.members)
        if (std::optional<BlockId> tip = tip_of(c.universe, now.blocks, author)) parents.insert(*tip);
    if (std::optional<BlockId> tip = tip_of(c.universe, now.blocks, key)) parents.insert(*tip);
    const CommandSet commands = pending(c);
    const BlockId id = c.universe.make_block(*now.view, key, parents, commands);
    now.blocks.insert(id);
    persist(c, Reason::block);
    if (c.mutation == Mutation::no_reissue)
        for (CommandId command : commands) {
            now.commands.erase(command);
            disk.commands.erase(command);
        }
    send_to_all(c, {.kind = Kind::block, .block = id});
}

void Node::receive_block(Context& c, const Message& message) {
    const Block& block = c.universe.block(message.block);
    if (!now.view || block.view != *now.view) return;
    if (!view(c).has_member(block.author) && c.mutation != Mutation::observers_emit) return;
    // A block without its parents would be suspended; here it is as good as lost and comes again.
    if (now.blocks.includes(block.parents)) now.blocks.insert(message.block);
}

void Node::persist(const Context& c, Reason reason) {
    Durable next = now;
    if (c.mutation == Mutation::volatile_promise) next.promised = disk.promised;
    if (c.mutation == Mutation::volatile_accept) next.accepted = disk.accepted;
    if (c.mutation == Mutation::volatile_binding && !disk.view && now.view && view(c).number == 1) {
        next.view.reset();
        next.blocks.clear();
    }
    const bool emits = reason == Reason::block;
    for (BlockId id : now.blocks) {
        const bool was_there = disk.view == next.view && disk.blocks.contains(id);
        const bool is_own = c.universe.block(id).author == key;
        const bool missed = (emits && !is_own && c.mutation == Mutation::past_not_fsynced) ||
                            (emits && is_own && c.mutation == Mutation::own_block_not_fsynced) ||
                            (!emits && c.mutation == Mutation::votes_without_fsync_of_blocks);
        if (missed && !was_there) next.blocks.erase(id);
    }
    disk = std::move(next);
}

void Node::crash() {
    life = Life::crashed;
    talk = {};
    now = disk;
}

void Node::restart() {
    life = Life::running;
}

void Node::send(Context& c, Message message, Key to) const {
    message.from = key;
    message.to = to;
    message.view = now.view.value_or(message.view);
    c.outbox.push_back(std::move(message));
}

void Node::send_to_all(Context& c, const Message& message) const {
    for (Key other = 0; other < c.keys; ++other)
        if (other != key) send(c, message, other);
}

void Node::receive(Context& c, const Message& message) {
    switch (message.kind) {
        case Kind::block:
            return receive_block(c, message);
        case Kind::prepare:
            return receive_prepare(c, message);
        case Kind::promise:
            return receive_promise(message);
        case Kind::alive:
            if (talk.proposal && talk.proposal->ballot == message.ballot && now.view == message.view)
                talk.proposal->alive.insert(message.from);
            return;
        case Kind::propose:
            return receive_propose(c, message);
        case Kind::accepted:
            return receive_accepted(c, message);
        case Kind::install:
            return receive_install(c, message);
        case Kind::join:
            if (now.view == message.view && !view(c).has_member(message.from))
                talk.joining.insert(message.from);
            return;
        case Kind::leave:
            if (now.view == message.view) talk.leaving.insert(message.from);
            return;
        case Kind::forward:
            if (now.view == message.view || c.mutation == Mutation::forwards_unbound)
                talk.guests.insert(message.command);
            return;
        case Kind::offer:
            return receive_offer(c, message);
        case Kind::tombstone:
            return receive_tombstone(c, message);
    }
}

}  // namespace peerbook::view_model
