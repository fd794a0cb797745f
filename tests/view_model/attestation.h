// Rule 17 and the grade "attested", where one member may sign two blocks for one place in its chain. A model
// of its own: blocks only, no Paxos, so it asks one question. Can a view change take back what somebody
// called attested?
#pragma once

#include <cstdint>
#include <string>

namespace peerbook::view_model {

struct AttestationRules {
    // Votes needed: more than (members + f) / 2, or more than members / 2 + f; f = (members - 1) / 3.
    bool asks_for_more_votes = true;
    // Of two blocks for one place the cut keeps the one that a vote in the promised blocks names, and the
    // first in order only if none does; otherwise always the first.
    bool cut_respects_votes = true;
};

struct AttestationRun {
    std::string violation;  // empty: none
    bool attested = false;  // somebody called a block of the equivocating member attested
};

// A function of the seed: 4 to 7 members, one of which equivocates; then every promise quorum ends the view.
AttestationRun run_attestation(std::uint64_t seed, const AttestationRules& rules);

}  // namespace peerbook::view_model
