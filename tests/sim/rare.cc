#include "tests/sim/rare.h"

namespace peerbook::sim {

const char* name_of(Rare state) {
    switch (state) {
        case Rare::rollback:
            return "rollback";
        case Rare::retraction:
            return "retraction";
        case Rare::due_by_time:
            return "due by time";
        case Rare::nonce_refused:
            return "nonce refused";
        case Rare::suspended:
            return "suspended";
        case Rare::want_sent:
            return "want sent";
        case Rare::missing_read_from_journal:
            return "missing read from journal";
        case Rare::held_back:
            return "held back";
        case Rare::overload_refusal:
            return "overload refusal";
        case Rare::batch_relayed:
            return "batch relayed";
        case Rare::client_retry:
            return "client retry";
        case Rare::settled_answer:
            return "settled answer";
        case Rare::broken_session:
            return "broken session";
        case Rare::late_after_break:
            return "late after break";
        case Rare::twice_after_break:
            return "twice after break";
        case Rare::damage_refused:
            return "damage refused";
        case Rare::split:
            return "split";
        case Rare::one_way:
            return "one way";
        case Rare::bridge:
            return "bridge";
        case Rare::flapping:
            return "flapping";
        case Rare::clogged:
            return "clogged";
        case Rare::crash:
            return "crash";
        case Rare::crash_between_effects:
            return "crash between effects";
        case Rare::crash_before_write:
            return "crash before write";
        case Rare::torn_write:
            return "torn write";
        case Rare::crash_after_write:
            return "crash after write";
        case Rare::pause:
            return "pause";
        case Rare::clock_jump:
            return "clock jump";
        case Rare::failed_sync:
            return "failed sync";
        case Rare::failed_sync_kept:
            return "failed sync kept";
        case Rare::full_disk:
            return "full disk";
        case Rare::damaged_store_refused:
            return "damaged store refused";
        case Rare::lost_store:
            return "lost store";
        case Rare::older_store:
            return "older store";
        case Rare::two_processes:
            return "two processes";
        case Rare::key_retired:
            return "key retired";
        case Rare::signed_again:
            return "signed again";
        case Rare::byzantine_withheld:
            return "byzantine withheld";
        case Rare::byzantine_selective:
            return "byzantine selective";
        case Rare::byzantine_deaf:
            return "byzantine deaf";
        case Rare::byzantine_bad_parent:
            return "byzantine bad parent";
        case Rare::byzantine_false_round:
            return "byzantine false round";
        case Rare::byzantine_future_time:
            return "byzantine future time";
        case Rare::byzantine_bad_root:
            return "byzantine bad root";
        case Rare::byzantine_oversized:
            return "byzantine oversized";
        case Rare::byzantine_equivocation:
            return "byzantine equivocation";
        case Rare::equivocation_seen:
            return "equivocation seen";
        case Rare::attested:
            return "attested";
        case Rare::violation_reported:
            return "violation reported";
        case Rare::root_compared:
            return "root compared";
        case Rare::state_compared:
            return "state compared";
        case Rare::checkpoint_replay:
            return "checkpoint replay";
        case Rare::view_ended:
            return "view ended";
        case Rare::member_returned:
            return "member returned";
        case Rare::value_taken_over:
            return "value taken over";
        case Rare::two_proposers:
            return "two proposers";
        case Rare::ballot_refused:
            return "ballot refused";
        case Rare::cut_was_fetched:
            return "cut was fetched";
        case Rare::void_block:
            return "void block";
        case Rare::void_block_again:
            return "void block again";
        case Rare::void_member_refuses:
            return "void member refuses";
        case Rare::crash_wedged:
            return "crash wedged";
        case Rare::crash_accepted:
            return "crash accepted";
        case Rare::decision_before_record:
            return "decision before record";
        case Rare::decision_from_peer:
            return "decision from peer";
        case Rare::views_jumped:
            return "views jumped";
        case Rare::minority_not_wedged:
            return "minority not wedged";
        case Rare::restart_in_later_view:
            return "restart in later view";
        case Rare::ballot_crash:
            return "ballot crash";
        case Rare::ballot_trouble:
            return "ballot trouble";
        case Rare::decision_untold:
            return "decision untold";
        case Rare::held_disk:
            return "held disk";
        case Rare::isolated:
            return "isolated";
        case Rare::went_away:
            return "went away";
        case Rare::other_view_message:
            return "other view message";
        case Rare::observer_in_later_view:
            return "observer in later view";
        case Rare::ledger_founded:
            return "ledger founded";
        case Rare::ledger_established:
            return "ledger established";
        case Rare::ledger_given_up:
            return "ledger given up";
        case Rare::founding_left:
            return "founding left";
        case Rare::unknown_ledger_left:
            return "unknown ledger left";
        case Rare::two_ledgers:
            return "two ledgers";
        case Rare::restart_without_ledger:
            return "restart without ledger";
        case Rare::restart_in_founding:
            return "restart in founding";
        case Rare::entered_as_observer:
            return "entered as observer";
        case Rare::void_of_no_ledger:
            return "void of no ledger";
        case Rare::stranger_joined:
            return "stranger joined";
        case Rare::invited_joined:
            return "invited joined";
        case Rare::uninvited_kept_out:
            return "uninvited kept out";
        case Rare::asked_to_stop:
            return "asked to stop";
        case Rare::left_on_request:
            return "left on request";
        case Rare::left_with_others:
            return "left with others";
        case Rare::left_for_good:
            return "left for good";
        case Rare::nobody_stays:
            return "nobody stays";
        case Rare::leave_timed_out:
            return "leave timed out";
        case Rare::leaver_returned:
            return "leaver returned";
        case Rare::crash_while_leaving:
            return "crash while leaving";
        case Rare::void_handed_over:
            return "void handed over";
        case Rare::ballot_lie:
            return "ballot lie";
        case Rare::ledger_adopted:
            return "ledger adopted";
        case Rare::member_adopted:
            return "member adopted";
        case Rare::adoption_refused:
            return "adoption refused";
        case Rare::adoption_crashed:
            return "adoption crashed";
        case Rare::adopter_let_in:
            return "adopter let in";
        case Rare::quorum_died:
            return "quorum died";
        case Rare::ledger_forked:
            return "ledger forked";
        case Rare::fork_accepted:
            return "fork accepted";
        case Rare::fork_followed:
            return "fork followed";
        case Rare::fork_refused:
            return "fork refused";
        case Rare::fork_void_block:
            return "fork void block";
        case Rare::restart_in_fork:
            return "restart in fork";
        case Rare::rival_values:
            return "rival values";
        case Rare::entry_was_silent:
            return "entry was silent";
        case Rare::carrier_died:
            return "carrier died";
        case Rare::carrier_died_observer_crashed:
            return "carrier died observer crashed";
        case Rare::carrier_died_before_witness:
            return "carrier died before witness";
        case Rare::batch_given_up:
            return "batch given up";
        case Rare::fork_too_early:
            return "fork too early";
        case Rare::as_many_came_as_stay:
            return "as many came as stay";
        case Rare::late_ballot:
            return "late ballot";
        case Rare::nonce_from_node:
            return "nonce from node";
        case Rare::relayed_recovered:
            return "relayed recovered";
        case Rare::block_passed_on:
            return "block passed on";
        case Rare::view_message_gossiped:
            return "view message gossiped";
        case Rare::far_batch_taken:
            return "far batch taken";
        case Rare::far_batch_refused:
            return "far batch refused";
        case Rare::undeliverable:
            return "undeliverable";
        case Rare::introduced:
            return "introduced";
        case Rare::count_:
            break;
    }
    return "unknown";
}

}  // namespace peerbook::sim
