#include "tests/view_model/mutation.h"

#include <array>
#include <cstddef>

namespace peerbook::view_model {

const char* name_of(Mutation mutation) {
    static constexpr std::array<const char*, static_cast<std::size_t>(Mutation::count)> names = {
        "none",
        "settle_at_least_tip",
        "settle_when_quorum_sent",
        "settle_one_round_too_far",
        "one_acknowledgement_only",
        "acknowledges_everything",
        "no_first_block",
        "observers_emit",
        "no_nonce_check",
        "no_reissue",
        "no_consensus_on_cut",
        "cut_of_proposer",
        "cut_intersection",
        "volatile_promise",
        "volatile_accept",
        "quorum_of_new_view",
        "both_halves_continue",
        "one_promise_is_enough",
        "emits_after_voting",
        "ignores_accepted_value",
        "takes_lowest_accepted_value",
        "accepts_below_promise",
        "accepts_without_blocks",
        "votes_without_fsync_of_blocks",
        "volatile_proposer",
        "keeps_paxos_state",
        "past_not_fsynced",
        "own_block_not_fsynced",
        "lost_store_same_key",
        "old_store_same_key",
        "volatile_binding",
        "volatile_tombstone",
        "gives_up_established",
        "second_leaves_by_itself",
        "changes_view_before_established",
        "admits_before_established",
        "forwards_unbound",
        "leaver_does_not_serve",
        "leaver_forgets_commands",
        "volunteer_exits",
        "adopts_without_leaving",
        "fork_drops_settled",
        "forks_while_behind",
        "forks_while_a_quorum_lives",
        "volatile_fork",
    };
    return names.at(static_cast<std::size_t>(mutation));
}

}  // namespace peerbook::view_model
