// Names of the journal's chains: one for each author and view, since seqs start anew in each view, and one
// for the node's own records about views.
#pragma once

#include "base/hash.h"
#include "base/keys.h"
#include "exchange/ordering/view.h"

namespace peerbook::app {

// In a view 1 that the node was started with the author's key itself; there is no other view 1 then.
// `view_digest` is digest_of(view).
inline PublicKey chain_of(const exchange::View& view, const Digest& view_digest, const PublicKey& author,
                          bool has_named_view) {
    if (has_named_view && view.number == 1) return author;
    PublicKey chain;
    chain.data = Hasher("peerbook chain").add(view_digest.view()).add(author.view()).finish().data;
    return chain;
}

// All zero, which is no key. Its entries are records, in the journal's order among the blocks:
//   u8 1 ‖ ballot state   the last one counts
//   u8 2 ‖ decision       the next view was installed here
//   u8 3 ‖ signed batch   an observer's, which is sent to a member until it is settled
//   u8 4 ‖ ledger news    this node entered the ledger
//   u8 5                  it gave that up, or left it because its founder did
//   u8 6 ‖ first command  account id 32 ‖ u64 nonce ‖ u32 index: that batch is not sent any more; its users
//                         were told that nobody knows what became of it
//   u8 7                  the commands of the void block that waited first are in such batches
//   u8 8 ‖ ledger news    the fork in there that goes on from its ledger began here
//   u8 9 ‖ evidence       that a member signed two blocks for one place
inline constexpr PublicKey record_chain{};
enum class RecordKind : std::uint8_t {
    ballot_state = 1,
    decision = 2,
    relayed = 3,
    entered = 4,
    left = 5,
    given_up = 6,
    handed_over = 7,
    forked = 8,
    evidence = 9,
};

}  // namespace peerbook::app
