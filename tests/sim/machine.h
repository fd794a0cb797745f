// One simulated machine: what outlives its process, the process, and its checkers. Internal to World.
#pragma once

#include "app/node/write_queue.h"
#include "tests/sim/world.h"

namespace peerbook::sim {

struct World::Machine {
    std::size_t number = 0;
    std::unique_ptr<testing::CheapSigner> signer;
    bool is_member = false;
    bool is_spare = false;             // waits for an operator, who starts it with
    std::optional<Digest> adopts;      // the only ledger that it enters
    std::unique_ptr<Mutator> mutator;  // a Byzantine one

    // --- outlives the process ---
    std::unique_ptr<storage::MemoryDisk> disk = std::make_unique<storage::MemoryDisk>();
    DurableChecker durable;
    SettledLog own_log;
    std::uint64_t attested = 0;                // of it, and compared with what others call so
    std::map<Digest, std::uint64_t> own_seqs;  // view → its last own block on the disk
    bool store_was_taken = false;              // some time, and an older one or none put in its place
    std::uint64_t last_view = 0;               // the highest that it was in
    Digest bound;                              // the ledger that its disk says it is in; zero for none
    std::int64_t skew_ms = 0;
    std::int64_t mono_base_ns = 0;

    // --- the process ---
    ProcessState state = ProcessState::down;
    std::uint64_t process = 0;
    std::unique_ptr<storage::Journal> journal;
    std::unique_ptr<app::Node> node;
    exchange::StateRoot root;
    std::unique_ptr<p2p::Gossip> gossip;
    std::size_t nodes_apart = 0;
    std::vector<Input> inbox;
    bool step_scheduled = false;
    std::optional<MonoTime> wake;
    app::WriteQueue write_queue;
    std::vector<app::AppendEffect> appends;  // wait for the disk
    bool is_writing = false;
    std::optional<CrashPoint> crash_point;
    bool next_sync_fails = false, disk_is_full = false;
    std::optional<CrashPoint> ballot_crash;  // when the next record about the end of a view is written
    std::int64_t disk_held_until_us = 0;
    Digest view;  // what it gets is verified for this one
    bool was_observer = false;
    std::set<Digest> wedged;              // views that it promised to end
    LedgerBook* ledger = nullptr;         // null while it has none
    std::map<Digest, Digest> decided;     // record of a decision → the view that it begins
    std::set<Digest> left;                // ledgers that it was named in and left
    Digest claimed;                       // the established ledger that it is in
    std::vector<exchange::View> follows;  // forks that lead to the ledger that it entered
    // An operator's command that is not answered.
    std::optional<app::Ticket> asked;
    std::vector<std::uint64_t> settled_when_asked;  // at each machine, in the ledger that it was in
    bool has_adopted_as_member = false;             // or began to
    bool is_refused = false;  // by the fork of its ledger: something else has settled here
    // It was told to stop; then how long it stays away. It ends once all is written.
    bool is_draining = false, is_ending = false, has_left = false;
    std::int64_t away_us = 0;
    bool is_back = true;  // after it is gone
    // Void own blocks that are to be issued again: when their commands were first issued → payload. And when
    // that was for each own block.
    std::map<std::uint64_t, Digest> to_issue_again;
    std::map<Digest, std::uint64_t> first_issued;
    // Whom it heard when, and until when it may think that it heard others whom it did not: a process that
    // stood still.
    std::map<PublicKey, std::int64_t> heard_us;
    std::int64_t last_step_us = 0, write_begun_us = 0, stood_still_until_us = 0;

    // --- its checkers ---
    std::unique_ptr<Shadow> shadow;
    std::vector<SharedBlock> own_durable;  // accepted by the node with its next step
    TapeChecker tape;
    std::uint64_t commits_seen = 0, tape_skipped = 0;
    exchange::LedgerStats noted;
    std::uint64_t retracted_noted = 0;

    const PublicKey& key() const { return signer->public_key(); }
    bool has_ledger() const { return ledger != nullptr; }
    bool is_unused() const { return is_spare && !adopts; }
    bool runs() const { return state == ProcessState::running; }
    bool is_alive() const { return state == ProcessState::running || state == ProcessState::paused; }
};

}  // namespace peerbook::sim
