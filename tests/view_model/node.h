// One node: what is on its disk, what it believes, and what it does (exchange/ordering/RULES.md). Every step
// is one call and is atomic; a crash falls between two steps, and since what a step sends may be lost, that
// covers a crash between writing and sending.
#pragma once

#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "tests/view_model/message.h"
#include "tests/view_model/records.h"

namespace peerbook::view_model {

// What every step needs besides the node. References outlive the call.
struct Context {
    Universe& universe;
    Mutation mutation = Mutation::none;
    int keys = 0;                  // keys that exist, so that a node can send to everyone
    std::vector<Message>& outbox;  // sent
};

// Rule 3. "Accepted blocks" are those of the current view: earlier ones are in the view record's log.
struct Durable {
    std::optional<ViewId> view;
    BlockSet blocks;
    Ballot promised;
    std::optional<Vote> accepted;
    CommandSet commands;  // own users'
    SortedSet<ViewId> tombstones;
    SortedSet<ViewId> forked_from;  // ledgers that it never comes back to
    bool volunteered = false;  // answered a ballot of this view as a joiner, so may be a member of the next

    bool operator==(const Durable&) const = default;
    auto fields() const {
        return std::tie(view, blocks, promised, accepted, commands, tombstones, forked_from, volunteered);
    }
};

struct Promise {
    BlockSet blocks;
    std::optional<Vote> accepted;

    bool operator==(const Promise&) const = default;
    auto fields() const { return std::tie(blocks, accepted); }
};

// A proposer's ballot.
struct Proposal {
    Ballot ballot;
    SortedSet<Key> suspects;
    std::map<Key, Promise> promises;
    SortedSet<Key> alive;  // joiners that answered
    std::optional<ViewId> value;
    SortedSet<Key> acceptors;

    bool operator==(const Proposal&) const = default;
    auto fields() const { return std::tie(ballot, suspects, promises, alive, value, acceptors); }
};

// A crash loses it.
struct Volatile {
    std::optional<Proposal> proposal;
    SortedSet<Key> joining;
    SortedSet<Key> leaving;
    CommandSet guests;  // commands that observers sent
    bool wants_to_leave = false;

    bool operator==(const Volatile&) const = default;
    auto fields() const { return std::tie(proposal, joining, leaving, guests, wants_to_leave); }
};

enum class Life { running, crashed, lost, left };

class Node {
  public:
    Node(Key node_key, std::optional<ViewId> view);

    // Questions.
    const View& view(const Context& c) const { return c.universe.view(*now.view); }
    bool is_member(const Context& c) const;
    bool is_wedged() const { return now.promised != Ballot{}; }
    bool is_established(const Context& c) const;  // rule 20
    bool is_founder(const Context& c) const;      // of a ledger that waits for its second node
    std::vector<BlockId> settled(const Context& c) const;
    CommandSet pending(const Context& c) const;  // what the next block has to carry
    bool may_emit(const Context& c) const;
    bool has_reason_to_emit(const Context& c) const;
    bool may_start_ballot(const Context& c) const;
    bool may_choose(const Context& c) const;
    bool may_exit(const Context& c) const;

    // Steps.
    void submit(CommandId command);
    void emit(Context& c);
    void start_ballot(Context& c, const SortedSet<Key>& suspects);
    void choose_value(Context& c);
    void receive(Context& c, const Message& message);
    void found_with(Context& c, Key second);
    void give_up(Context& c);
    void leave_as_second(Context& c);  // a mistake, unless the tombstone has come
    void fork(Context& c, const std::vector<Key>& members);
    void follow(Context& c, ViewId fork);
    void ask_to_join(Context& c);
    void ask_to_leave(Context& c);
    void forward_to(Context& c, Key member);
    void push_to(Context& c, Key other);  // everything that may have been lost; stands for all fetching
    void crash();
    void restart();

    bool operator==(const Node&) const = default;
    auto fields() const { return std::tie(key, life, disk, now, talk); }

    Key key = 0;
    Life life = Life::running;
    Durable disk;
    Durable now;
    Volatile talk;

  private:
    void receive_block(Context& c, const Message& message);
    void receive_prepare(Context& c, const Message& message);
    void receive_promise(const Message& message);
    void receive_propose(Context& c, const Message& message);
    void receive_accepted(Context& c, const Message& message);
    void receive_install(Context& c, const Message& message);
    void receive_offer(Context& c, const Message& message);
    void receive_tombstone(Context& c, const Message& message);

    enum class Reason { block, other };
    void persist(const Context& c, Reason reason);
    void install(Context& c, ViewId next);
    void forget_ledger();
    BlockSet settled_blocks(const Context& c) const;
    BlockSet proposed_cut() const;
    void send(Context& c, Message message, Key to) const;
    void send_to_all(Context& c, const Message& message) const;
};

}  // namespace peerbook::view_model
