// Rule 17 and the grade "attested", where one member may sign two blocks for one place in its chain. A model
// of its own: blocks only, no Paxos, so it asks one question. Can a view change take back what somebody
// called attested?
#pragma once

#include <cstdint>
#include <string>

namespace peerbook::view_model {

// Of two blocks for one place, which one a cut keeps.
enum class Keeps : std::uint8_t {
    first_in_order,
    // The one that some vote in the promised blocks settles, and the first in order only if none does.
    what_votes_settle,
    // The one in the past of the vote that settles furthest, and behind that what the next votes add to it.
    past_of_the_furthest_vote,
};

struct AttestationRules {
    // Votes needed: more than (members + f) / 2, or more than members / 2 + f; f = (members - 1) / 3.
    bool asks_for_more_votes = true;
    Keeps cut = Keeps::past_of_the_furthest_vote;
    // The second block may name fewer parents than the first one, and so stand in front of it.
    bool twins_go_back = true;
};

struct AttestationRun {
    std::string violation;  // empty: none
    bool attested = false;  // somebody called a block of the equivocating member attested
};

// A function of the seed: 4 to 7 members, one of which equivocates; then every promise quorum ends the view.
AttestationRun run_attestation(std::uint64_t seed, const AttestationRules& rules);

}  // namespace peerbook::view_model
