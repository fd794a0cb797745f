// The rules of exchange/ordering/RULES.md a second time, for one process of one node: from the blocks that it
// took, in their order, and the views that it installed, which blocks settle and where they stand in the log.
// Knows headers only and shares no code with exchange/ordering, so that a mistake there does not hide itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "exchange/ordering/block.h"

namespace peerbook::sim {

// The log that all nodes settle: what each of them settles at a place must be the same.
class SettledLog {
  public:
    // "" or what is wrong.
    std::string settled(std::size_t node, std::uint64_t place, const Digest& block);
    const std::vector<Digest>& blocks() const { return blocks_; }

    // That of a ledger that goes on from this one behind so many blocks.
    SettledLog up_to(std::uint64_t length) const;

  private:
    std::vector<Digest> blocks_;
};

class Shadow {
  public:
    Shadow(const exchange::View& view, std::size_t node) : node_(node) { begin(view); }

    // A block that the node accepted; parents come first.
    std::string accept(const exchange::BlockHeader& header, const Digest& digest);
    // The node says that it settled everything up to this round, which gave this log. `own` is what this
    // node settled in earlier processes, too; `shared`, if there is one, what all nodes settled.
    std::string settle(std::uint64_t round, std::uint64_t length, const Digest& hash, SettledLog& own,
                       SettledLog* shared);
    // The node ended its view with this record: of the cut everything settles, and the rest is void.
    std::string install(const exchange::View& next, SettledLog& own, SettledLog* shared);
    // The node goes on in a fork of its ledger that begins with this record, which is then installed: nothing
    // that has settled here may be left out.
    std::string check_fork(const exchange::View& fork) const;
    // All that settles in this view stands before this round: the node knows of a fork behind it, or that
    // somebody signed two blocks for one place.
    void limit(std::uint64_t round) { limit_ = std::min(round, limit_.value_or(round)); }
    // The node entered a ledger, with its view 1, or gave its ledger up and has none. Everything is void.
    std::string rebind(const exchange::View& first);
    // Rule 20: the founder, the first of two members, has a block of the second in its past.
    bool founder_has_second() const;
    std::set<std::size_t> members_with_blocks() const;  // in the present view
    bool is_unsettled(const Digest& block) const {
        return std::any_of(unsettled_.begin(), unsettled_.end(),
                           [&](const auto& one) { return one.second == block; });
    }
    // Blocks of the present view were accepted.
    bool has_blocks() const { return !blocks_.empty(); }
    // L* over everything accepted in the present view.
    std::uint64_t round_that_settles() const;
    // In all views.
    std::size_t accepted_count() const { return accepted_before_ + blocks_.size(); }
    // The log: settled blocks and those that wait for it.
    std::size_t log_count() const { return static_cast<std::size_t>(length_) + unsettled_.size(); }
    const std::vector<Digest>& voided() const { return voided_; }  // all of this process
    const exchange::View& view() const { return view_; }
    const Digest& view_name() const { return view_name_; }
    const Digest& last_no_ledger() const { return last_no_ledger_; }  // the last view 0; zero for none
    std::uint64_t settled_length() const { return length_; }
    std::size_t unsettled_count() const { return unsettled_.size(); }
    // Digests of what is not settled, in the order of the log.
    std::vector<Digest> unsettled() const;

  private:
    struct Block {
        std::size_t author = 0;
        std::uint64_t seq = 0, round = 0;
        std::vector<std::uint64_t> seen;  // highest round of each author in its past
        Digest previous;                  // its author's block before it
    };
    using Key = std::tuple<std::uint64_t, Digest, Digest>;  // round, tie, block

    void begin(const exchange::View& view);
    std::string settle_first(SettledLog& own, SettledLog* shared);
    bool is_in_cut(const Digest& digest, const exchange::View& next) const;

    exchange::View view_;
    Digest view_name_;
    Digest last_no_ledger_;
    std::size_t node_;
    std::size_t accepted_before_ = 0;  // in closed views
    std::unordered_map<Digest, Block> blocks_;
    std::vector<Digest> tips_;
    std::set<std::size_t> forked_;  // authors with two blocks for one place
    std::uint64_t settles_before_fork_ = 0;
    std::map<Key, Digest> unsettled_;
    std::vector<std::uint64_t> settled_seqs_;  // of each author, in this view
    std::uint64_t settled_round_ = 0;
    std::uint64_t last_round_ = 0;  // of the last settled block
    std::uint64_t length_ = 0;
    std::optional<std::uint64_t> limit_;
    Digest hash_;
    std::vector<Digest> voided_;
};

}  // namespace peerbook::sim
