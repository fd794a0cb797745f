// The state root: one digest for the whole canonical state (canonical.h). Each domain's entries are summed up
// in an LtHash, and the root is BLAKE2b over the sums in the order of the domains. So a root after many
// commits costs as much as what they changed, not as much as the state.
//
// Measured (BENCHMARKS.md): 1.4 µs for each entry that is hashed; one that changed is hashed twice, before
// and after. What is skipped costs a comparison of pointers a page of 64.
//
// Not thread-safe; may be used on any one thread, also while the engine goes on.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/lthash.h"
#include "exchange/engine/canonical.h"

namespace peerbook::exchange {

using DomainSums = std::array<LtHash, state_domain_count>;

Digest root_of(const DomainSums& sums);

// The sum of all entries of a domain, from scratch.
LtHash sum_of(const FrozenState& state, StateDomain domain);
// The root from scratch.
Digest state_root_of(const FrozenState& state);

// Follows the states of one engine.
class StateRoot {
  public:
    // The root of `now`; equal to state_root_of(now). Walks everything at the first call, afterwards the
    // pages that changed since the last one. Keeps `now`, and so the pages that the engine changes until the
    // next call. Precondition: always states of the same engine; forwards or, after undo, backwards.
    Digest advance(const FrozenState& now);

    const DomainSums& sums() const { return sums_; }
    // Entries that advance() hashed, all calls together.
    std::uint64_t hashed_count() const { return hashed_count_; }

  private:
    // Which differences are looked for, page by page.
    void compare_accounts(const FrozenState& now);
    void compare_owners(const FrozenState& now);
    void compare_balances(const FrozenState& now);
    void compare_orders(const FrozenState& now);
    void compare_extensions(const FrozenState& now);
    void compare_withdrawals(const FrozenState& now);
    void compare_lists(const FrozenState& now);
    // Whatever stands at this place, before and now.
    void replace(const FrozenState& now, StateDomain domain, std::size_t place);

    DomainSums sums_{};
    std::optional<FrozenState> before_;
    // The order that had the extension at this place when its page was compared last. Changes of an extension
    // alone leave its order's page as it was.
    std::vector<OrderSlot> order_of_extension_;
    std::uint64_t hashed_count_ = 0;
    Bytes old_entry_, new_entry_;
};

}  // namespace peerbook::exchange
