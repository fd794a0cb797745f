// What is signed and stored: blocks and views, and the rules that are functions of them alone (RULES.md,
// rules 1, 2, 4 and 6). Records are immutable; a Universe gives equal contents the same number, which stands
// for a digest.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "tests/view_model/mutation.h"
#include "tests/view_model/sorted_set.h"

namespace peerbook::view_model {

using Key = int;  // a node's key; a node that lost its store comes back with another
using Round = int;
using BlockId = int;
using ViewId = int;
using CommandId = int;  // (account, nonce)
using BlockSet = SortedSet<BlockId>;
using CommandSet = SortedSet<CommandId>;

inline constexpr int keys_max = 10;

struct Block {
    ViewId view = 0;
    Key author = 0;
    BlockSet parents = {};
    CommandSet commands = {};
    // Derived.
    Round round = 0;
    BlockSet past = {};                      // itself included
    std::array<Round, keys_max> clock = {};  // the highest round of each author in the past; 0 for none
};

struct View {
    ViewId ledger = 0;  // its first view, or the fork that it began with
    int number = 1;
    std::optional<ViewId> previous;
    std::vector<Key> members;  // eldest first
    BlockSet cut;              // of the previous view
    bool named = false;        // view 1 comes from the network file: nothing to establish
    int founding = 0;          // which founding by this founder: a ledger id is never used again
    bool is_fork = false;      // a new ledger that goes on from what is settled in `previous`
    // Derived.
    Round base = 0;
    std::vector<BlockId> log;  // after the cut
    CommandSet executed;       // in that log

    bool has_member(Key key) const;
};

class Universe {
  public:
    BlockId make_block(ViewId view, Key author, const BlockSet& parents, const CommandSet& commands);
    ViewId make_first_view(const std::vector<Key>& members, bool named, int founding);
    ViewId make_next_view(ViewId previous, const std::vector<Key>& members, const BlockSet& cut);
    ViewId make_fork(ViewId previous, const std::vector<Key>& members, const BlockSet& settled);
    const Block& block(BlockId id) const { return blocks_.at(static_cast<std::size_t>(id)); }
    const View& view(ViewId id) const { return views_.at(static_cast<std::size_t>(id)); }

    // K order: (round, H(author, round), digest).
    std::vector<BlockId> in_order(const BlockSet& blocks) const;
    // The commands of a log as they run: each (account, nonce) at its first place only.
    std::vector<CommandId> run(const std::vector<BlockId>& log, Mutation mutation) const;

  private:
    using BlockContent = std::tuple<ViewId, Key, BlockSet, CommandSet>;
    using ViewContent = std::tuple<std::optional<ViewId>, std::vector<Key>, BlockSet, bool, int, bool>;
    ViewId intern(View view);
    View after(ViewId previous, const std::vector<Key>& members, const BlockSet& cut) const;

    std::deque<Block> blocks_;
    std::deque<View> views_;
    std::map<BlockContent, BlockId> block_ids_;
    std::map<ViewContent, ViewId> view_ids_;
};

// Rule 2: more than half of the members, or exactly half including the elder.
bool is_quorum(const View& view, const SortedSet<Key>& present, Mutation mutation);

// The last block of an author among `held`.
std::optional<BlockId> tip_of(const Universe& universe, const BlockSet& held, Key author);

// S(m): m's own statement, by its tip, that it holds everything up to that round.
Round said_to_hold(const Universe& universe, const View& view, const BlockSet& held, Key member);

// L*: the largest L such that the members with S(m) >= L form a quorum.
Round settled_round(const Universe& universe, const View& view, const BlockSet& held, Mutation mutation);

// The log of all earlier views and what is settled of this one.
std::vector<BlockId> settled_log(const Universe& universe, const View& view, const BlockSet& held,
                                 Mutation mutation);

}  // namespace peerbook::view_model
