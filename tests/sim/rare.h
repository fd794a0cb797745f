// States that few runs reach. They are counted, and a set of seeds that never reaches one of them fails: what
// nothing reaches, nothing tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace peerbook::sim {

enum class Rare : std::size_t {
    rollback,
    retraction,
    due_by_time,
    nonce_refused,
    suspended,
    want_sent,
    missing_read_from_journal,
    held_back,
    overload_refusal,
    batch_relayed,
    client_retry,
    settled_answer,
    broken_session,
    late_after_break,
    twice_after_break,
    damage_refused,
    split,
    one_way,
    bridge,
    flapping,
    clogged,
    crash,
    crash_between_effects,
    crash_before_write,
    torn_write,
    crash_after_write,
    pause,
    clock_jump,
    failed_sync,
    failed_sync_kept,
    full_disk,
    damaged_store_refused,
    lost_store,
    older_store,
    two_processes,
    key_retired,
    signed_again,
    byzantine_withheld,
    byzantine_selective,
    byzantine_deaf,
    byzantine_bad_parent,
    byzantine_false_round,
    byzantine_future_time,
    byzantine_bad_root,
    byzantine_oversized,
    byzantine_equivocation,
    equivocation_seen,
    attested,
    violation_reported,
    root_compared,
    state_compared,
    checkpoint_replay,
    view_ended,
    member_returned,
    value_taken_over,
    two_proposers,
    ballot_refused,
    cut_was_fetched,
    void_block,
    void_block_again,
    void_member_refuses,
    crash_wedged,
    crash_accepted,
    decision_before_record,
    decision_from_peer,
    views_jumped,
    minority_not_wedged,
    restart_in_later_view,
    ballot_crash,
    ballot_trouble,
    decision_untold,
    held_disk,
    isolated,
    went_away,
    other_view_message,
    observer_in_later_view,
    ledger_founded,
    ledger_established,
    ledger_given_up,
    founding_left,
    unknown_ledger_left,
    two_ledgers,
    restart_without_ledger,
    restart_in_founding,
    entered_as_observer,
    void_of_no_ledger,
    stranger_joined,
    invited_joined,
    uninvited_kept_out,
    asked_to_stop,
    left_on_request,
    left_with_others,
    left_for_good,
    nobody_stays,
    leave_timed_out,
    leaver_returned,
    crash_while_leaving,
    void_handed_over,
    ballot_lie,
    ledger_adopted,
    member_adopted,
    adoption_refused,
    adoption_crashed,
    adopter_let_in,
    quorum_died,
    ledger_forked,
    fork_accepted,
    fork_followed,
    fork_refused,
    fork_void_block,
    restart_in_fork,
    rival_values,
    entry_was_silent,
    carrier_died,
    carrier_died_observer_crashed,
    carrier_died_before_witness,
    batch_given_up,
    fork_too_early,
    as_many_came_as_stay,
    late_ballot,
    nonce_from_node,
    relayed_recovered,
    block_passed_on,
    view_message_gossiped,
    far_batch_taken,
    far_batch_refused,
    undeliverable,
    introduced,
    count_  // not a state
};

const char* name_of(Rare state);
// False for what a set of seeds need not reach.
inline bool is_required(Rare state) {
    // Two processes with one key need not sign at the same place before one of them hears of the other.
    // Nor need anything have settled at one of those who go on that a fork lacks.
    return state != Rare::signed_again && state != Rare::fork_refused && state != Rare::count_;
}

class RareStates {
  public:
    void add(Rare state, std::uint64_t count = 1) { counts_[static_cast<std::size_t>(state)] += count; }
    std::uint64_t count(Rare state) const { return counts_[static_cast<std::size_t>(state)]; }
    void add(const RareStates& other) {
        for (std::size_t i = 0; i < counts_.size(); ++i)
            counts_[i] += other.counts_[i];
    }
    static constexpr std::size_t size = static_cast<std::size_t>(Rare::count_);

  private:
    std::array<std::uint64_t, size> counts_{};
};

}  // namespace peerbook::sim
