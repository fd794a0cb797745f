// Settling done again, slowly and from scratch: keeps all blocks of one node and walks them. With the right
// rule it must say what the product says; with a wrong one the checkers must notice.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "exchange/ordering/block.h"
#include "exchange/ordering/view.h"

namespace peerbook::sim {

enum class SettleRule {
    right,
    majority_of_tips,     // more than half of the tips at or above L
    one_round_too_far,    // L* + 1
    without_last_member,  // S does not ask for the youngest member's blocks
    ties_by_arrival,      // right rounds, but blocks of one round in order of arrival
};

class NaiveSettling {
  public:
    NaiveSettling(const exchange::View& view, SettleRule rule) : view_(view), rule_(rule) {}
    // In causal order.
    void accept(const exchange::BlockHeader& header, const Digest& digest);
    // What settles now, in order of the log. `broken` says so if a block belongs in front of what was
    // settled.
    std::vector<Digest> settle(std::string& broken);
    std::uint64_t settled_round() const { return settled_round_; }
    std::size_t block_count() const { return blocks_.size(); }

  private:
    struct Block {
        std::size_t author = 0;
        std::uint64_t round = 0;
        Digest tie;
        Digest digest;
        std::vector<std::size_t> parents;
        bool settled = false;
    };
    std::uint64_t round_to_settle() const;
    // The highest round of each member in the past of block `position`.
    std::vector<std::uint64_t> walk_past(std::size_t position) const;

    const exchange::View& view_;
    SettleRule rule_;
    std::vector<Block> blocks_;  // in order of arrival
    std::map<Digest, std::size_t> positions_;
    std::map<std::size_t, std::size_t> tips_;  // member → position
    std::uint64_t settled_round_ = 0;
};

}  // namespace peerbook::sim
