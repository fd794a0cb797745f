// The end of a schedule: faults stop, the nodes do what they owe, and then nothing may be lost.
#include "tests/view_model/world.h"

namespace peerbook::view_model {

namespace {

constexpr int heal_rounds_max = 60;  // far above what is ever needed

}  // namespace

std::vector<Key> World::running() const {
    std::vector<Key> keys;
    for (const Node& node : nodes_)
        if (node.life == Life::running) keys.push_back(node.key);
    return keys;
}

void World::heal() {
    if (!violation().empty()) return;
    messages_.clear();
    sides_ = {};
    std::optional<Key> leaver;
    for (Node& node : nodes_) {
        if (node.life == Life::crashed) node.restart();
        if (node.talk.wants_to_leave && node.life == Life::running) leaver = node.key;
        node.talk.wants_to_leave = false;
        node.talk.leaving.clear();
    }
    for (Key key : running())
        checker_.observe(context(), node(key));
    run_until_quiet();
    check_nothing_lost();
    if (leaver && violation().empty()) let_leave(*leaver);
}

void World::run_until_quiet() {
    for (int round = 0; round < heal_rounds_max; ++round) {
        bool changed = false;
        for (Key key : running())
            changed = heal_node(key) || changed;
        if (!changed || !violation().empty()) return;
    }
    // Where a quorum is gone, those who are left try for ever; all others come to rest.
    for (Key key : running())
        if (node(key).now.view && !is_recoverable(node(key).view(context()).ledger, {})) return;
    report("the nodes never fall silent");
}

// One that wished to leave does so now; the others go on.
void World::let_leave(Key key) {
    if (!node(key).now.view) return;
    const ViewId ledger = node(key).view(context()).ledger;
    bool somebody_stays = false;
    for (Key other : running())
        if (other != key && node(other).now.view && node(other).view(context()).ledger == ledger)
            somebody_stays = true;
    if (!somebody_stays || !is_recoverable(ledger, {})) return;
    apply({.what = What::leave, .key = key});
    run_until_quiet();
    if (node(key).life != Life::left) report("a node cannot leave");
    check_nothing_lost();
}

void World::deliver_everything() {
    while (!messages_.empty()) {
        const Message message = messages_.at(0);
        if (!apply({.what = What::deliver, .message = message})) messages_.erase(message);
    }
}

// One turn: say everything, then do what is due. True if any node changed.
bool World::heal_node(Key key) {
    const std::vector<Node> before = nodes_;
    for (Key other : running())
        apply({.what = What::accept, .key = key, .other = other});
    for (Key other : running())
        apply({.what = What::push, .key = key, .other = other});
    deliver_everything();
    Context c = context();
    if (!node(key).now.view)
        heal_fresh(key);
    else if (node(key).is_member(c))
        heal_member(key);
    else
        heal_observer(key);
    deliver_everything();
    return nodes_ != before;
}

// Nobody with an established ledger has pushed to this node: found with another fresh one. The lower key
// founds.
void World::heal_fresh(Key key) {
    for (Key other : running())
        if (other > key && !node(other).now.view) {
            apply({.what = What::found, .key = key, .other = other});
            return;
        }
}

void World::heal_observer(Key key) {
    apply({.what = What::join, .key = key});
    Context c = context();
    const std::vector<Key> members = node(key).view(c).members;
    apply({.what = What::exit, .key = key});
    for (Key member : members)
        if (is_running(member)) apply({.what = What::forward, .key = key, .other = member});
}

void World::heal_member(Key key) {
    Context c = context();
    const View view = node(key).view(c);
    if (!node(key).is_established(c)) {
        const Key second = view.members.back();
        const bool second_is_elsewhere =
            !is_running(second) || (node(second).now.view && node(second).now.view != node(key).now.view);
        if (key != second && second_is_elsewhere) apply({.what = What::give_up, .key = key});
    }
    if (!node(key).now.view) return;
    SortedSet<Key> suspects;
    for (Key member : view.members)
        if (!is_running(member)) suspects.insert(member);
    if (node(key).is_wedged() || !suspects.empty() || !node(key).talk.joining.empty() ||
        !node(key).talk.leaving.empty()) {
        apply({.what = What::ballot, .key = key, .keys = suspects});
        deliver_everything();
        apply({.what = What::choose, .key = key});
        deliver_everything();
    }
    if (node(key).may_emit(c) && node(key).has_reason_to_emit(c)) apply({.what = What::emit, .key = key});
}

void World::check_nothing_lost() {
    if (!violation().empty()) return;
    for (const Node& node : nodes_)
        if (node.life == Life::running || node.life == Life::left) check_healed(node);
}

void World::check_healed(const Node& node) {
    Context c = context();
    if (!node.now.view) {
        // Alone is all right: a node trades provisionally until a second one comes.
        for (const Node& other : nodes_) {
            if (other.life != Life::running || other.key == node.key) continue;
            if (!other.now.view)
                report("two fresh nodes did not found a ledger");
            else if (is_recoverable(other.view(c).ledger, {}))
                report("a fresh node did not join");
        }
        return;
    }
    const ViewId ledger = node.view(c).ledger;
    if (!is_recoverable(ledger, {})) return;
    for (CommandId command : submitted_.at(static_cast<std::size_t>(node.key)))
        if (!checker_.ran_in(c, command, ledger)) report("a command was lost");
    if (node.life == Life::left) return;
    if (!node.is_established(c)) report("a ledger waits for a second node that is there");
    if (!node.is_member(c)) report("a live node is no member");
    if (node.is_wedged()) report("a view does not end");
    for (const Node& other : nodes_)
        if (other.life == Life::running && other.now.view && other.view(c).ledger == ledger &&
            other.now.view != node.now.view)
            report("nodes of one ledger are in different views");
}

}  // namespace peerbook::view_model
