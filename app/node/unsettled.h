// How many commands of each hosted account wait to be settled: in this node's queue, on their way, or in a
// block. A mass quote counts as its quotes. Logic thread only.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "exchange/ordering/block.h"

namespace peerbook::app {

class UnsettledCommands {
  public:
    // `node` hosts the accounts that are counted.
    explicit UnsettledCommands(PublicKey node) : node_(node) {}

    // A client's command was taken.
    void queue(const exchange::AccountId& account, std::uint64_t count) {
        accounts_[account].queued += count;
    }
    // It was given up before a block with it was seen.
    void drop(const exchange::AccountId& account, std::uint64_t count);
    // A block's commands of this node's accounts: how many each account has.
    using Carried = std::vector<std::pair<exchange::AccountId, std::uint64_t>>;
    Carried commands_of(const exchange::VerifiedBlock& block) const;
    // A block with these was made, or taken and is not settled. Counts them, once for each block.
    void carry(const Digest& block, Carried carried);
    void settle(const Digest& block);
    // The block is void: its commands wait for another one.
    void take_back(const Digest& block);

    std::uint64_t count(const exchange::AccountId& account) const;

  private:
    struct Counts {
        std::uint64_t queued = 0;
        std::uint64_t in_blocks = 0;
    };
    void forget_if_zero(const exchange::AccountId& account);

    PublicKey node_;
    std::unordered_map<exchange::AccountId, Counts> accounts_;  // looked up, never walked; so is the other
    std::unordered_map<Digest, Carried> blocks_;
};

}  // namespace peerbook::app
