// Every block of a run, decoded once, and which of them nodes hold durably.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "exchange/ordering/block.h"
#include "tests/sim/ledgers.h"
#include "tests/support/cheap_keys.h"

namespace peerbook::sim {

using SharedBlock = std::shared_ptr<const exchange::VerifiedBlock>;

class BlockBook {
  public:
    // `ledgers` outlives this.
    BlockBook(const Ledgers& ledgers, const Digest& network) : ledgers_(ledgers), network_(network) {}

    // As a node's verify thread does it, for the view that the block names. `checked` off: signatures are not
    // looked at. Error: unavailable, for a view that nobody decided.
    Result<SharedBlock> verify(const SharedBytes& encoded, bool checked = true);
    // The view that an encoded block names.
    static Digest view_of(const SharedBytes& encoded);
    // Null if it was never seen.
    SharedBlock find(const Digest& digest) const;
    // Blocks that carry this command of this account.
    const std::vector<Digest>& carriers(const exchange::AccountId& account, exchange::CommandRef ref) const;

  private:
    struct Known {
        SharedBytes bytes;  // keeps the address that it is found by
        SharedBlock block;
    };
    void note_commands(const exchange::VerifiedBlock& block);

    const Ledgers& ledgers_;
    Digest network_;
    std::unordered_map<const std::uint8_t*, Known> by_address_;
    std::unordered_map<Digest, SharedBlock> by_digest_;
    std::unordered_map<exchange::AccountId, std::map<exchange::CommandRef, std::vector<Digest>>> carriers_;
};

}  // namespace peerbook::sim
