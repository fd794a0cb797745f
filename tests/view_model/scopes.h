// The small scopes that are searched to the end. Each is small enough for a slow build, and together with the
// random schedules they catch every mutation.
#pragma once

#include "tests/view_model/exhaustive.h"

namespace peerbook::view_model {

enum class SmallScope {
    two_found,               // two fresh nodes, two foundings, one given up, one crash
    three_found,             // three fresh nodes
    two_members_end_a_view,  // two members, two ballots, one crash
    three_members_end_a_view,
    proposer_is_lost,     // a block that only the proposer and those who vote for it have
    observer_and_leaver,  // one member, one observer; both may leave
    settled_by_two,       // two of three have settled what the third has never seen
    three_ballots,        // two have been proposed, for different cuts
    scopes,
};

const char* name_of(SmallScope scope);

Scope make_scope(Universe& universe, SmallScope scope);

}  // namespace peerbook::view_model
