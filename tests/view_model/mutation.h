// The deliberate mistakes. Each is one line of the model done wrong; the checkers must notice every one.
#pragma once

namespace peerbook::view_model {

enum class Mutation {
    none,
    // Settling (rules 6 to 8).
    settle_at_least_tip,       // L = the lowest tip
    settle_when_quorum_sent,   // L = what a quorum of tips reached, whatever they hold
    settle_one_round_too_far,  // L* + 1
    one_acknowledgement_only,  // no second block that says "I hold everything"
    acknowledges_everything,   // empty blocks too, so that there is never silence
    no_first_block,  // in a new view, and to the second node's first block, only commands are answered
    observers_emit,
    no_nonce_check,  // a command runs at each place in the log
    no_reissue,      // the commands of void blocks are forgotten
    // Ending a view (rules 9 to 14).
    no_consensus_on_cut,  // the proposer installs what it proposes
    cut_of_proposer,
    cut_intersection,
    volatile_promise,
    volatile_accept,
    quorum_of_new_view,
    both_halves_continue,
    one_promise_is_enough,
    emits_after_voting,
    ignores_accepted_value,
    takes_lowest_accepted_value,
    accepts_below_promise,
    accepts_without_blocks,
    votes_without_fsync_of_blocks,
    volatile_proposer,  // its own promise and accept stay in memory
    keeps_paxos_state,
    // Stores (rules 3 and 5).
    past_not_fsynced,  // only the own block is on disk when it leaves
    own_block_not_fsynced,
    lost_store_same_key,
    old_store_same_key,
    // Founding, joining, leaving (rules 16 to 20).
    volatile_binding,         // the second node binds in memory
    volatile_tombstone,       // the founder gives up in memory
    gives_up_established,     // the founder gives up a ledger that is established
    second_leaves_by_itself,  // without the founder's tombstone
    changes_view_before_established,
    admits_before_established,
    forwards_unbound,  // a node without a ledger sends its users' commands to members of one
    leaver_does_not_serve,
    leaver_forgets_commands,
    volunteer_exits,         // answers a ballot as a joiner, and goes before it knows the outcome
    adopts_without_leaving,  // takes unsettled commands along while others may still settle them
    // Forks (rule 22).
    fork_drops_settled,          // it goes on from the last view instead of from what is settled
    forks_while_behind,          // before the survivors hold the same, and without looking what they settled
    forks_while_a_quorum_lives,  // it is not gone at all
    volatile_fork,               // in memory: a crash brings the node back to the old ledger
    count,
};

const char* name_of(Mutation mutation);

}  // namespace peerbook::view_model
