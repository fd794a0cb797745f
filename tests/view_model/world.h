// All nodes, the messages in flight, and everything that can happen to them. One entry point: apply(). A
// message may be delivered in any order, twice, or never; a partition holds messages back.
#pragma once

#include <array>
#include <string>
#include <tuple>
#include <vector>

#include "tests/view_model/checker.h"
#include "tests/view_model/node.h"

namespace peerbook::view_model {

enum class What {
    submit,   // key, command
    emit,     // key
    deliver,  // message
    repeat,   // message: delivered, and still in flight
    drop,     // message
    push,     // key, other
    ballot,   // key, keys: the suspects
    choose,   // key
    crash,    // key
    restart,  // key
    lose,     // key: its store
    split,    // keys: one side
    reunite,  //
    found,    // key, other
    give_up,  // key
    join,     // key
    leave,    // key: wishes to
    exit,     // key
    forward,  // key, other
    adopt,    // key: gives its ledger up for whichever it meets, under a new key
    fork,     // key: its ledger's quorum is gone for good, says the operator
    accept,   // key, other: follows the fork that other is in
    count,
};

struct Action {
    What what = What::submit;
    Key key = 0;
    Key other = 0;
    SortedSet<Key> keys = {};
    CommandId command = 0;
    Message message = {};
};

std::string describe(const Universe& universe, const Action& action);

struct Setup {
    int nodes = 1;
    std::vector<Key> named = {};  // view 1 by the network file or --found; empty: nobody's
};

class World {
  public:
    // The universe outlives the world; worlds that are copies of each other share it.
    World(Universe& universe, Mutation mutation, const Setup& setup);

    // False: the action is not possible now, and nothing happened.
    bool apply(const Action& action);
    // Ends all faults, lets the nodes do what they owe until nothing changes, and checks that nothing is
    // lost.
    void heal();

    const std::string& violation() const { return checker_.violation(); }
    void report(const std::string& violation) { checker_.report(violation); }
    // Questions for those who choose actions.
    Context context() const;
    const std::vector<Node>& nodes() const { return nodes_; }
    const Node& node(Key key) const { return nodes_.at(static_cast<std::size_t>(key)); }
    const SortedSet<Message>& messages() const { return messages_; }
    bool are_connected(Key a, Key b) const;
    bool is_running(Key key) const { return node(key).life == Life::running; }
    int count(What what) const { return counts_.at(static_cast<std::size_t>(what)); }
    bool has_run(CommandId command) const { return checker_.ledger_of(command).has_value(); }
    CommandId next_command() const { return count(What::submit); }
    // True if every view that is or may become the last of `ledger` keeps a quorum without `gone`.
    bool is_recoverable(ViewId ledger, std::optional<Key> gone) const;
    bool may_lose(Key key) const;
    // False: delivering it would change nothing.
    bool has_effect(const Message& message) const;

    auto fields() const { return std::tie(nodes_, messages_, checker_, sides_, counts_); }

  private:
    bool apply_to_node(const Action& action);
    bool deliver(const Action& action);
    bool lose_store(Key key);
    bool adopt(Key key);
    bool fork(Key key);
    bool accept(Key key, Key other);
    std::vector<Key> survivors_of(ViewId ledger) const;
    void rest(const std::vector<Key>& survivors);
    Key start_anew(Key key);
    void run_until_quiet();
    void let_leave(Key key);
    bool heal_node(Key key);
    void heal_fresh(Key key);
    void heal_observer(Key key);
    void heal_member(Key key);
    void deliver_everything();
    void check_nothing_lost();
    void check_healed(const Node& node);
    std::vector<Key> running() const;
    Node& at(Key key) { return nodes_.at(static_cast<std::size_t>(key)); }

    Universe* universe_;
    Mutation mutation_;
    std::vector<Node> nodes_;
    SortedSet<Message> messages_;
    Checker checker_;
    std::array<int, keys_max> sides_ = {};
    std::array<int, static_cast<std::size_t>(What::count)> counts_ = {};
    std::vector<CommandSet> submitted_;  // by node, whatever the node remembers
    std::vector<Durable> old_backups_;   // for the mutation that restores one
    std::vector<Durable> backups_;
    mutable std::vector<Message> outbox_;
};

}  // namespace peerbook::view_model
