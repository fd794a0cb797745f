// A fork: the first record of a new ledger that goes on from the settled log of another one, whose quorum is
// gone for good. RULES.md, rule 22. Its certificate is the operators' word: each named member enters by its
// own operator's command, or takes the ledger's id as what to follow.
//
// The id names all that the record says and the ledger that it goes on from, so forks with other members or
// another settled log have other ids, and whoever knows the id can check the record.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "exchange/ordering/view.h"

namespace peerbook::exchange {

// Id of the ledger that `record` begins; record.ledger does not matter.
Digest forked_ledger_id(const Digest& network, const Digest& old_ledger, const View& record);

// Whether `record` may begin a fork of the ledger in `view`, its last view, as far as the two records tell.
Status check_fork(const Digest& network, const View& view, const View& record);

// Those named, in the order that a fork of `view` has them: its members by seniority, then others by key.
std::vector<PublicKey> in_fork_order(const View& view, std::vector<PublicKey> members);

}  // namespace peerbook::exchange
