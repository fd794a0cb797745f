// The vector clock of a block: for each member the highest round of its blocks in the causal past, the block
// itself included. It is derived from the parents and never sent. RULES.md, rules 4 and 6.
//
// Facts, for blocks that one Dag accepted (there every author's blocks form one chain with rising rounds):
//   past(b) ∩ author a is the chain of a up to round at(a);
//   b happened before c, or is c, exactly if c.at(author of b) ≥ round of b;
//   b and c are concurrent exactly if neither holds.
#pragma once

#include <cstdint>
#include <vector>

#include "exchange/ordering/view.h"

namespace peerbook::exchange {

class VectorClock {
  public:
    VectorClock() = default;
    // Knows nothing: `base_round` for each of `members`.
    VectorClock(std::size_t members, std::uint64_t base_round) : rounds_(members, base_round) {}

    std::uint64_t at(MemberIndex member) const { return rounds_[member.value()]; }
    // Entry by entry the greater one. Precondition: both are of one view.
    void merge(const VectorClock& other);
    // Precondition: `round` is above the entry.
    void advance(MemberIndex member, std::uint64_t round);
    // S of a member whose tip has this clock (rule 6): its own statement "I hold everything up to here".
    std::uint64_t least() const;

    friend bool operator==(const VectorClock&, const VectorClock&) = default;

  private:
    std::vector<std::uint64_t> rounds_;
};

}  // namespace peerbook::exchange
