// One run's configuration. Everything is drawn from the seed; a test may change a field afterwards.
#pragma once

#include <cstdint>
#include <string>

#include "app/node/node.h"

namespace peerbook::sim {

// What befalls one member (the last) beyond what every run may have.
enum class Trouble : std::uint8_t {
    none,
    strange_peer,   // it sends what no honest node would, but never two valid blocks for one place
    equivocator,    // it does that as well
    lost_store,     // starts again with its key and an empty store
    older_store,    // with its key and an older copy of its store
    two_processes,  // a second process starts with a copy of its store and key
    damaged_store,  // a bit of its store flips while it is down
    liar,           // it lies about the ends of views
};
const char* name_of(Trouble trouble);

// What a strange peer does, as bits.
enum StrangeTrick : std::uint32_t {
    trick_withhold = 1,      // pushes its blocks to nobody; they have to be asked for
    trick_selective = 2,     // pushes them to some
    trick_bad_parent = 4,    // a twin of the block that names a parent that does not exist
    trick_false_round = 8,   // a twin that says a wrong round of a parent
    trick_future_time = 16,  // a twin from an hour ahead
    trick_bad_root = 32,     // the block with another payload
    trick_oversized = 64,    // a block above the limit
    trick_equivocate = 128,  // a valid twin for half of the peers; equivocators only
    trick_deaf = 256,        // gives nobody what is asked for, until everything is healed
    trick_lie = 512,         // in ballots; liars only
};
inline constexpr std::uint32_t harmless_tricks = 127;

// Mistakes of a runner of nodes, which the checkers must notice. They are made here in the harness; mistakes
// of the product are in mutants.txt.
enum class Break : std::uint8_t {
    none,
    sent_before_durable,   // the node is told that a block is durable before it is written
    sync_lies,             // a write counts as durable before it is
    last_record_lost,      // a restart forgets the journal's last block
    replayed_by_author,    // a restart reads the journal author by author
    foreign_not_kept,      // only own blocks are written
    damage_let_through,    // signatures of peers' blocks are not checked
    answered_twice,        // a client gets an answer a second time
    acknowledged_at_once,  // a client is told that its commands are durable when they come in
    root_of_wrong_commit,  // a state root is given to the wrong commit
};
inline constexpr Break last_break = Break::root_of_wrong_commit;
const char* name_of(Break broken);

struct Plan {
    std::uint64_t seed = 1;
    std::size_t members = 3;
    std::size_t observers = 0;
    std::int64_t active_us = 2'000'000;  // clients send and things go wrong; then everything is healed

    std::int64_t delay_us_min = 200, delay_us_max = 3'000;  // one way; each link draws its own part of it
    std::uint32_t late_ppm = 0;    // of messages, ten times as late; those behind it wait, as in TCP
    std::uint32_t break_ppm = 0;   // of messages, the connection breaks with it
    std::uint32_t damage_ppm = 0;  // of messages
    std::uint32_t splits = 0, one_ways = 0, bridges = 0, flappings = 0, clogs = 0;  // how many of each

    std::uint32_t crashes = 0, pauses = 0, clock_jumps = 0, failed_syncs = 0, full_disks = 0;
    std::int64_t skew_ms_max = 20;
    std::int64_t sync_us_min = 100, sync_us_max = 2'000;

    // Only where views change (node.views.suspect_after above zero). What lasts, lasts for a part or some
    // times of T_suspect.
    std::uint32_t isolations = 0, long_splits = 0, long_one_ways = 0, absences = 0, held_disks = 0;
    std::uint32_t ballot_crashes = 0;      // while something about the end of a view is written
    std::uint32_t ballot_trouble_ppm = 0;  // of messages about it, something befalls who sends or gets them
    bool leaves_for_good = false;          // a member, at some time, and does not say so

    // Nodes begin without a ledger, and found or find one; but for the first one perhaps, whose operator
    // founds it. Else the observers are the strangers, whom node.views.admission may let in.
    bool founds = false, operator_founds = false;
    std::int64_t late_start_us_max = 0;  // of all nodes, or where a ledger is named of those it does not name
    std::uint32_t uninvited = 0;         // strangers that have no invitation where one is needed
    std::uint32_t stops = 0;             // so often some are told to stop
    bool stops_for_good = false;         // one of them does not come back

    // --- what few runs have; each aims at states that chance does not reach ---
    // At some time so many members of a view are gone for good that the others are no quorum; their operators
    // fork its ledger.
    bool quorum_dies = false;
    bool names_few = false;  // the fork's founder names only those that it sees; others come back some time
    // Nodes without a ledger are apart at first and found two; then so many times an operator has a node
    // adopt another one's ledger. It goes on as a spare machine: with a new key and an empty store.
    std::uint32_t adoptions = 0;
    std::int64_t apart_us = 0;
    std::uint32_t hasty_forks = 0;   // so often an operator wants to fork whatever the others do
    bool carrier_dies = false;       // a member that an observer gave a batch, before others hear of it
    std::int64_t elder_late_us = 0;  // the eldest member starts so late, and strangers wait for it
    std::uint32_t rival_values = 0;  // so often a proposer is cut off when it alone accepted its value
    bool entry_is_silent = false;    // who enters a ledger as an observer gets nothing at first, and users of
                                     // some nodes wait until it has entered one
    bool far_observers = false;  // all but the first one meet no member, and have others carry what they say
    bool dead_links = false;     // some pairs never meet; what they say reaches each other through the rest

    std::int64_t request_us_max = 40'000;  // between two requests of a client
    std::uint64_t commands_max = 6;        // in a request
    std::uint32_t roaming_clients = 1;     // self-custodied, send to any node

    Trouble trouble = Trouble::none;
    std::uint32_t tricks = 0;
    Break broken = Break::none;
    app::NodeOptions node;

    // Machines with a key of their own that wait for an operator.
    std::size_t spares() const { return adoptions; }
    static Plan draw(std::uint64_t seed);
    bool users_wait_for_ledger(std::size_t at) const { return entry_is_silent && (seed >> at & 1) == 0; }
    bool views_change() const { return node.views.suspect_after > Duration{}; }
    // The plan of the speed that TESTING.md asks for: 5 nodes, 20 virtual seconds, no faults.
    static Plan speed();
    std::string text() const;
};

}  // namespace peerbook::sim
