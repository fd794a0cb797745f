#include "tests/view_model/world.h"

#include <utility>

namespace peerbook::view_model {

World::World(Universe& universe, Mutation mutation, const Setup& setup)
    : universe_(&universe), mutation_(mutation) {
    std::optional<ViewId> first;
    if (!setup.named.empty()) first = universe.make_first_view(setup.named, true, 0);
    for (Key key = 0; key < setup.nodes; ++key) {
        const bool is_named = std::find(setup.named.begin(), setup.named.end(), key) != setup.named.end();
        nodes_.emplace_back(key, is_named ? first : std::nullopt);
    }
    submitted_.resize(keys_max);
    for (const Node& node : nodes_)
        backups_.push_back(node.disk);
    old_backups_ = backups_;
}

Context World::context() const {
    return {*universe_, mutation_, static_cast<int>(nodes_.size()), outbox_};
}

bool World::are_connected(Key a, Key b) const {
    return sides_.at(static_cast<std::size_t>(a)) == sides_.at(static_cast<std::size_t>(b));
}

bool World::apply(const Action& action) {
    const bool is_about_message =
        action.what == What::deliver || action.what == What::repeat || action.what == What::drop;
    const Key actor = is_about_message ? action.message.to : action.key;
    if (actor >= static_cast<int>(nodes_.size())) return false;
    const std::optional<ViewId> view = node(actor).now.view;
    const int blocks = node(actor).now.blocks.size();
    if (!(is_about_message ? deliver(action) : apply_to_node(action))) return false;
    if (!is_about_message) ++counts_.at(static_cast<std::size_t>(action.what));
    for (Message& message : outbox_)
        messages_.insert(std::move(message));
    outbox_.clear();
    const Node& after = node(actor);
    if (after.life != Life::crashed && (after.now.view != view || after.now.blocks.size() != blocks))
        checker_.observe(context(), after);
    return true;
}

bool World::has_effect(const Message& message) const {
    if (!is_running(message.to) || !are_connected(message.from, message.to)) return false;
    Node receiver = node(message.to);
    Context c = context();
    receiver.receive(c, message);
    const bool answers = !outbox_.empty();
    outbox_.clear();
    return answers || receiver != node(message.to);
}

bool World::deliver(const Action& action) {
    if (!messages_.contains(action.message)) return false;
    const Message message = action.message;
    if (action.what == What::drop) return messages_.erase(message);
    if (!is_running(message.to) || !are_connected(message.from, message.to)) return false;
    if (action.what == What::deliver) messages_.erase(message);
    Context c = context();
    at(message.to).receive(c, message);
    return true;
}

bool World::apply_to_node(const Action& action) {
    Context c = context();
    Node& node = at(action.key);
    const bool running = node.life == Life::running;
    const bool bound = running && node.now.view;
    const auto place = static_cast<std::size_t>(action.key);
    const bool other_exists = action.other < c.keys && action.other != action.key;
    switch (action.what) {
        case What::submit:
            if (!running) return false;
            submitted_.at(place).insert(action.command);
            return node.submit(action.command), true;
        case What::emit:
            if (!running || !node.may_emit(c)) return false;
            return node.emit(c), true;
        case What::push:
            if (!running || !other_exists) return false;
            return node.push_to(c, action.other), true;
        case What::ballot:
            if (!running || !node.may_start_ballot(c)) return false;
            return node.start_ballot(c, action.keys), true;
        case What::choose:
            if (!running || !node.may_choose(c)) return false;
            return node.choose_value(c), true;
        case What::crash:
            if (!running) return false;
            old_backups_.at(place) = std::exchange(backups_.at(place), node.disk);
            return node.crash(), true;
        case What::restart:
            if (node.life != Life::crashed) return false;
            return node.restart(), true;
        case What::lose:
            return lose_store(action.key);
        case What::split:
            for (Key key = 0; key < keys_max; ++key)
                sides_.at(static_cast<std::size_t>(key)) = action.keys.contains(key);
            return true;
        case What::reunite:
            return sides_ = {}, true;
        case What::found:
            if (!running || bound || !other_exists || action.other < action.key) return false;
            return node.found_with(c, action.other), true;
        case What::give_up: {
            if (!bound || node.view(c).number > 1 || node.view(c).named || !node.is_member(c)) return false;
            const bool founder = node.view(c).members.front() == action.key;
            if (!founder && mutation_ != Mutation::second_leaves_by_itself) return false;
            if (founder && node.is_established(c) && mutation_ != Mutation::gives_up_established)
                return false;
            return founder ? node.give_up(c) : node.leave_as_second(c), true;
        }
        case What::join:
            if (!bound || node.is_member(c) || node.talk.wants_to_leave) return false;
            return node.ask_to_join(c), true;
        case What::leave:
            if (!bound || !node.is_established(c)) return false;
            return node.ask_to_leave(c), true;
        case What::exit:
            if (!running || !node.may_exit(c)) return false;
            return node.life = Life::left, true;
        case What::forward:
            if (!other_exists || !running) return false;
            if (bound ? node.is_member(c) : mutation_ != Mutation::forwards_unbound) return false;
            return node.forward_to(c, action.other), true;
        case What::adopt:
            return bound && node.is_established(c) && adopt(action.key);
        case What::fork:
            return bound && fork(action.key);
        case What::accept:
            return bound && other_exists && accept(action.key, action.other);
        default:
            return false;
    }
}

bool World::lose_store(Key key) {
    Node& node = at(key);
    if (node.life != Life::running && node.life != Life::crashed) return false;
    if (nodes_.size() == keys_max) return false;
    if (mutation_ == Mutation::lost_store_same_key || mutation_ == Mutation::old_store_same_key) {
        const bool all = mutation_ == Mutation::lost_store_same_key;
        node.crash();
        node.disk = all ? Durable{} : old_backups_.at(static_cast<std::size_t>(key));
        node.now = node.disk;
        submitted_.at(static_cast<std::size_t>(key)) = node.disk.commands;
        return true;
    }
    start_anew(key);
    return true;
}

// A new key on the same machine.
Key World::start_anew(Key key) {
    at(key).life = Life::lost;
    const Key next = static_cast<Key>(nodes_.size());
    sides_.at(static_cast<std::size_t>(next)) = sides_.at(static_cast<std::size_t>(key));
    nodes_.emplace_back(next, std::nullopt);
    backups_.emplace_back();
    old_backups_.emplace_back();
    return next;
}

// Only the sole member may: what it has not settled, nobody else can. Others leave first, which settles it.
bool World::adopt(Key key) {
    const Context c = context();
    const bool is_alone = node(key).view(c).members == std::vector<Key>{key};
    if (nodes_.size() == keys_max) return false;
    if (!is_alone && mutation_ != Mutation::adopts_without_leaving) return false;
    CommandSet commands = node(key).now.commands;
    for (CommandId command : universe_->run(node(key).settled(c), Mutation::none))
        commands.erase(command);
    const Key next = start_anew(key);
    for (CommandId command : commands)
        at(next).submit(command);
    submitted_.at(static_cast<std::size_t>(next)) = commands;
    return true;
}

// Who is in this ledger and not lost.
std::vector<Key> World::survivors_of(ViewId ledger) const {
    std::vector<Key> keys;
    for (const Node& node : nodes_) {
        const bool lives = node.life == Life::running || node.life == Life::crashed;
        if (lives && node.now.view && universe_->view(*node.now.view).ledger == ledger)
            keys.push_back(node.key);
    }
    return keys;
}

// Operators wait until those that live are connected, have told each other all, and are silent.
void World::rest(const std::vector<Key>& survivors) {
    constexpr int rounds_max = 20;
    sides_ = {};
    messages_.clear();  // of the lost, and of long ago
    for (Key key : survivors)
        if (node(key).life == Life::crashed) apply({.what = What::restart, .key = key});
    for (int round = 0; round < rounds_max; ++round) {
        const std::vector<Node> before = nodes_;
        for (Key key : survivors) {
            for (Key other : survivors)
                apply({.what = What::push, .key = key, .other = other});
            deliver_everything();
            const Context c = context();
            if (node(key).may_emit(c) && node(key).has_reason_to_emit(c))
                apply({.what = What::emit, .key = key});
        }
        if (nodes_ == before) return;
    }
}

// Of all members that are not lost, once they hold the same.
bool World::fork(Key key) {
    const Context c = context();
    if (!node(key).is_member(c) || !node(key).is_established(c)) return false;
    const ViewId ledger = node(key).view(c).ledger;
    // Where another one went on already, its fork is to be accepted.
    for (const Node& other : nodes_) {
        if (other.life == Life::lost || !other.now.view) continue;
        const View& record = universe_->view(other.view(c).ledger);
        if (record.is_fork && record.previous == node(key).now.view) return false;
    }
    const std::vector<Key> survivors = survivors_of(ledger);
    const auto is_gone = [&] {
        SortedSet<Key> present;
        for (Key survivor : survivors)
            present.insert(survivor);
        return !is_quorum(node(key).view(c), present, Mutation::none);
    };
    if (mutation_ != Mutation::forks_while_a_quorum_lives && !is_gone()) return false;
    if (mutation_ != Mutation::forks_while_behind && mutation_ != Mutation::forks_while_a_quorum_lives) {
        rest(survivors);
        const Node& own = node(key);
        if (!own.now.view || own.view(c).ledger != ledger || !own.is_member(c)) return false;
        for (Key survivor : survivors)
            if (node(survivor).now.view != own.now.view || node(survivor).now.blocks != own.now.blocks)
                return false;
        if (!is_gone()) return false;
        checker_.forked(c, ledger, own.settled(c));
    }
    std::vector<Key> members;
    for (Key member : node(key).view(c).members)
        if (std::find(survivors.begin(), survivors.end(), member) != survivors.end())
            members.push_back(member);
    Context step = context();
    at(key).fork(step, members);
    return true;
}

// It has the blocks of the cut, or fetches them; it refuses where it settled something else.
bool World::accept(Key key, Key other) {
    Context c = context();
    const Node& ahead = node(other);
    if (!is_running(other) || !are_connected(key, other) || !ahead.now.view) return false;
    const ViewId fork = ahead.view(c).ledger;
    const View& record = universe_->view(fork);
    if (!record.is_fork || record.previous != node(key).now.view) return false;
    const std::vector<BlockId> settled = node(key).settled(c);
    const bool is_part =
        settled.size() <= record.log.size() && std::equal(settled.begin(), settled.end(), record.log.begin());
    if (!is_part) return false;
    at(key).follow(c, fork);
    return true;
}

bool World::is_recoverable(ViewId ledger, std::optional<Key> gone) const {
    SortedSet<Key> present;
    for (const Node& node : nodes_)
        if (node.life != Life::lost && node.key != gone) present.insert(node.key);
    auto keeps_quorum = [&](std::optional<ViewId> id) {
        if (!id || universe_->view(*id).ledger != ledger) return true;
        return is_quorum(universe_->view(*id), present, Mutation::none);
    };
    for (Key key : present) {
        const Node& node = this->node(key);
        if (!keeps_quorum(node.now.view) || !keeps_quorum(node.disk.view)) return false;
        if (node.now.accepted && !keeps_quorum(node.now.accepted->value)) return false;
        if (node.talk.proposal && !keeps_quorum(node.talk.proposal->value)) return false;
    }
    return true;
}

bool World::may_lose(Key key) const {
    for (const Node& node : nodes_)
        if (node.now.view && node.life != Life::lost &&
            !is_recoverable(universe_->view(*node.now.view).ledger, key))
            return false;
    return true;
}

}  // namespace peerbook::view_model
