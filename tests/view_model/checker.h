// What must hold in every state, whatever happened: the settled claims of all nodes are prefixes of one log
// for each ledger; a view has one successor; no command runs twice or in two ledgers; who went on in a fork
// is never in the old ledger again. Remembers every claim ever made, those of lost nodes too.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "tests/view_model/node.h"

namespace peerbook::view_model {

class Checker {
  public:
    // Call whenever a node's view or blocks changed.
    void observe(const Context& c, const Node& node);

    // Empty: none so far.
    const std::string& violation() const { return violation_; }
    void report(const std::string& violation);
    // The ledger in which a command ran.
    std::optional<ViewId> ledger_of(CommandId command) const;
    // In this ledger, or in one that it goes on from, before it did.
    bool ran_in(const Context& c, CommandId command, ViewId ledger) const;
    // `ledger` goes on in a fork from this log. What only lost nodes had settled is gone with them.
    void forked(const Context& c, ViewId ledger, const std::vector<BlockId>& log);

    auto fields() const { return std::tie(logs_, successors_, bound_, ledgers_, forked_from_); }

  private:
    void observe_view(const Context& c, const Node& node);
    void observe_claim(const Context& c, const Node& node);

    std::map<ViewId, std::vector<BlockId>> logs_;  // ledger → the longest settled claim
    std::map<ViewId, ViewId> successors_;
    std::map<ViewId, SortedSet<Key>> bound_;  // ledger → who ever took part
    std::map<CommandId, ViewId> ledgers_;
    std::map<Key, SortedSet<ViewId>> forked_from_;  // by who went on in a fork
    std::string violation_;
};

}  // namespace peerbook::view_model
