// What must hold: after each step of a node, and of the whole run at its end.
#include <algorithm>
#include <numeric>

#include "app/node/chains.h"
#include "tests/sim/machine.h"

namespace peerbook::sim {

using namespace exchange;

namespace {

constexpr std::int64_t clock_ahead_ms = 2'000;  // of a block that is taken; exchange/ordering/RULES.md
constexpr std::size_t retracted_listed_max = 1'000;
constexpr std::size_t tape_open_small = 48;  // above, the tape is compared only now and then
constexpr std::uint64_t tape_skip = 16;
constexpr std::uint64_t state_compared_one_in = 16;

}  // namespace

void World::check(const Machine& machine, const std::string& complaint) {
    if (!complaint.empty()) fail_at(machine.number, complaint);
}

void World::check_leaves(Machine& machine, const VerifiedBlock& block) {
    if (block.header.author != machine.key()) return;
    check(machine, machine.durable.leaves(block.header, block.digest));
    for (const CommandBatch& batch : block.batches)
        check_numbers(machine, batch);
    const exchange::View& view = *ledgers_.find(block.header.view);
    const bool is_given = view.number == 1 && first_view_of(machine).number == 1;
    if (view.number == 0)
        fail_at(machine.number, "block " + short_name(block.digest) + " leaves and is of no ledger");
    else if (!is_given && !machine.durable.holds(block.header.view))
        fail_at(machine.number, "block " + short_name(block.digest) + " leaves before its view is durable");
    const std::string twice = places_.signed_block(block.header, block.digest);
    if (twice.empty()) return;
    const bool may_happen =
        plan_.trouble == Trouble::two_processes ||
        (machine.key() == machines_[plan_.members - 1]->key() &&
         (plan_.trouble == Trouble::lost_store || plan_.trouble == Trouble::older_store) &&
         (block.header.seq > protected_seq_ || plan_.views_change()));
    if (!may_happen) return fail_at(machine.number, twice);
    rare_.add(Rare::signed_again);
    equivocation_ = true;
}

void World::check_numbers(const Machine& machine, const CommandBatch& batch) {
    // A node whose store was taken away does not know what it gave.
    if (plan_.trouble == Trouble::lost_store || plan_.trouble == Trouble::older_store ||
        plan_.trouble == Trouble::two_processes)
        return;
    for (const BatchCommand& command : batch.commands)
        if (const AccountId& account = batch.accounts[command.account];
            clients_->is_numbered_by_node(account))
            check(machine, nonces_.leaves(account, command.ref(), command.body));
}

void World::check_step(Machine& machine, const app::Effects& effects) {
    for (const SharedBlock& block : std::exchange(machine.own_durable, {}))
        check(machine, machine.shadow->accept(block->header, block->digest));
    for (const app::AppendEffect& append : effects.appends) {
        if (append.chain == app::record_chain) {
            note_record(machine, append.block.view());
            continue;
        }
        const SharedBlock block = book_->verify(append.block).value();
        if (block->header.author == machine.key()) {
            check_own_block(machine, *block);
            continue;
        }
        check(machine, machine.shadow->accept(block->header, block->digest));
        if (block->header.timestamp.ms > now_of(machine).wall.ms + clock_ahead_ms)
            fail_at(machine.number, "a block from too far ahead was taken");
    }
    if (effects.retire_key) return;
    const OpenLedger& ledger = machine.node->ledger();
    const LedgerStats stats = ledger.stats();
    const OpenLedger::Prefix prefix = ledger.settled_prefix();
    check(machine, machine.shadow->settle(stats.settled_round, prefix.length, prefix.hash, machine.own_log,
                                          equivocation_ || !machine.ledger ? nullptr : &machine.ledger->log));
    if (stats.blocks_accepted != machine.shadow->accepted_count())
        fail_at(machine.number, "not every accepted block is written to the journal");
    check_attested(machine);
    const bool all_executed = stats.commits == machine.shadow->log_count();
    if (all_executed && stats.settled_round != machine.shadow->round_that_settles())
        fail_at(machine.number, "not everything that settles is settled");
    const std::size_t waiting_max =
        std::max<std::size_t>(plan_.node.ledger.suspended_per_author_max, 1) * ledger.view().members.size();
    if (stats.blocks_suspended + stats.blocks_held_back > waiting_max)
        fail_at(machine.number, "more blocks wait than the limit allows");
    if (stats.blocks_suspended > machine.noted.blocks_suspended) rare_.add(Rare::suspended);
    if (stats.commits_executed != machine.noted.commits_executed)
        trace_.say(scheduler_.now_us(), [&] {
            return "node " + std::to_string(machine.number) + " in view " +
                   std::to_string(ledger.view().number) + " holds " + std::to_string(stats.blocks_accepted) +
                   " blocks, " + std::to_string(prefix.length) + " settled up to round " +
                   std::to_string(stats.settled_round) + ", log " + short_name(prefix.hash) + ", " +
                   std::to_string(stats.unsettled_commands) + " commands unsettled, " +
                   std::to_string(stats.blocks_suspended) + " blocks wait, " +
                   std::to_string(stats.rollbacks) + " rollbacks";
        });
    check_tape(machine, effects.index_writes);
    if (all_executed && !equivocation_ && stats.commits_executed != machine.commits_seen) {
        const VersionVector& vector = ledger.version_vector();
        if (std::accumulate(vector.begin(), vector.end(), std::uint64_t{0}) % state_compared_one_in == 0)
            check(machine,
                  states_.reached(machine.shadow->view_name(), vector, ledger.engine().state_digest()));
    }
    machine.commits_seen = stats.commits_executed;
    note_stats(machine);
}

// Rule 17: whatever one member does, no two nodes call different blocks of one place attested. Of fewer than
// four members none may cheat; and who forgets what it said about a view, or shares its key, may lie in
// ballots.
bool World::attested_holds() const {
    if (!equivocation_) return true;
    return plan_.members >= 4 && plan_.trouble == Trouble::equivocator;
}

void World::check_attested(Machine& machine) {
    const std::uint64_t attested = machine.node->attested_commits();
    if (attested <= machine.attested) return;
    rare_.add(Rare::attested);
    if (attested > machine.own_log.blocks().size())
        return fail_at(machine.number, "calls attested what it did not settle");
    for (; machine.attested < attested; ++machine.attested)
        if (attested_holds() && machine.ledger)
            check(machine, machine.ledger->attested.settled(machine.number, machine.attested + 1,
                                                            machine.own_log.blocks()[machine.attested]));
}

void World::check_tape(Machine& machine, const std::vector<app::IndexWriteEffect>& writes) {
    SettledTrades own;
    for (const app::IndexWriteEffect& write : writes)
        check(machine,
              machine.tape.settled(write, equivocation_ || !machine.ledger ? own : machine.ledger->trades));
    const app::TradeTape& tape = machine.node->tape();
    const std::uint64_t executed = machine.node->ledger().stats().commits_executed;
    if (executed == machine.commits_seen) return;
    if (machine.tape.open_count() > tape_open_small && ++machine.tape_skipped % tape_skip != 0) return;
    check(machine, machine.tape.listed(tape.unsettled({}, {}, SIZE_MAX),
                                       tape.retracted_count() >= retracted_listed_max));
}

// Rule 10: what is acknowledged is in a block that is durable.
void World::check_told(const Machine& machine, const Told& told) {
    ++figures_.told;
    if (told.grade == app::Grade::settled) rare_.add(Rare::settled_answer);
    const app::CommandResult& result = told.result;
    const bool refused_at_the_door =
        told.block == 0 || (result.status == app::CommandStatus::rejected &&
                            (result.reason == Reason::unknown_order || result.reason == Reason::nonce_used));
    if (refused_at_the_door) return;
    const std::vector<Digest>& carriers = book_->carriers(told.account, result.ref);
    const bool is_durable = std::any_of(carriers.begin(), carriers.end(), [&](const Digest& block) {
        return std::any_of(machines_.begin(), machines_.end(), [&](const auto& one) {
            return book_->find(block)->header.author == one->key() && one->durable.held(block) &&
                   (machine.was_observer || one->key() == machine.key());
        });
    });
    if (!is_durable) fail_at(machine.number, "a command was acknowledged before it is durable");
}

// What changed since the last look, for the counters; at the death of a process, too.
void World::note_stats(Machine& machine) {
    const LedgerStats stats = machine.node->ledger().stats();
    rare_.add(Rare::rollback, stats.rollbacks - machine.noted.rollbacks);
    rare_.add(Rare::checkpoint_replay, stats.checkpoint_replays - machine.noted.checkpoint_replays);
    figures_.commands_executed += stats.commands_executed - machine.noted.commands_executed;
    figures_.commands_replayed += stats.commands_replayed - machine.noted.commands_replayed;
    const std::uint64_t retracted = machine.node->tape().retracted_count();
    rare_.add(Rare::retraction, retracted - machine.retracted_noted);
    machine.retracted_noted = retracted;
    machine.noted = stats;
}

}  // namespace peerbook::sim
