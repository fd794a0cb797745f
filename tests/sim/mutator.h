// A Byzantine member: a real node, whose blocks or messages about views are changed on their way out. It
// signs what it sends, so that only rules can tell that it is wrong.
#pragma once

#include <optional>
#include <vector>

#include "base/random.h"
#include "exchange/ordering/block.h"
#include "exchange/ordering/view_messages.h"
#include "tests/sim/plan.h"
#include "tests/sim/rare.h"

namespace peerbook::sim {

class Mutator {
  public:
    // All but `random` outlive this.
    Mutator(std::uint32_t tricks, const Signer& signer, Random random, RareStates& rare)
        : tricks_(tricks), signer_(signer), random_(random), rare_(rare) {}

    // What is pushed to each of `peers` nodes instead of the own block. `keeps_nothing`: each gets at least
    // that.
    struct Push {
        std::vector<SharedBytes> blocks;
    };
    std::vector<Push> push(const exchange::VerifiedBlock& block, const exchange::View& view,
                           std::size_t peers, bool keeps_nothing);
    // What it says instead about the end of its view, to one peer; nothing: the truth.
    std::optional<exchange::ViewMessage> lie(const exchange::ViewMessage& message);
    // It does not answer those who ask for blocks.
    bool is_deaf() const { return (tricks_ & trick_deaf) != 0; }
    // A second valid block for a place has been sent.
    bool equivocated() const { return equivocated_; }

  private:
    SharedBytes twin(exchange::BlockHeader header, const exchange::View& view) const;
    void add_twins(const exchange::VerifiedBlock& block, const exchange::View& view,
                   std::vector<Push>& pushes);
    bool does(StrangeTrick trick, std::uint64_t one_in);

    std::uint32_t tricks_;
    const Signer& signer_;
    Random random_;
    RareStates& rare_;
    bool equivocated_ = false;
};

}  // namespace peerbook::sim
