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
    const bool is_first_view = block.header.view == exchange::digest_of(views_->first());
    if (!is_first_view && !machine.durable.holds(block.header.view))
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
                                          equivocation_ ? nullptr : &log_));
    if (stats.blocks_accepted != machine.shadow->accepted_count())
        fail_at(machine.number, "not every accepted block is written to the journal");
    check_attested(machine);
    const bool all_executed = stats.commits == machine.shadow->log_count();
    if (all_executed && stats.settled_round != machine.shadow->round_that_settles())
        fail_at(machine.number, "not everything that settles is settled");
    const std::size_t waiting_max =
        std::max<std::size_t>(plan_.node.ledger.suspended_per_author_max, 1) * plan_.members;
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
        if (attested_holds())
            check(machine, attested_.settled(machine.number, machine.attested + 1,
                                             machine.own_log.blocks()[machine.attested]));
}

void World::check_tape(Machine& machine, const std::vector<app::IndexWriteEffect>& writes) {
    SettledTrades own;
    for (const app::IndexWriteEffect& write : writes)
        check(machine, machine.tape.settled(write, equivocation_ ? own : trades_));
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

// --- the end
// ----------------------------------------------------------------------------------------------------

void World::check_end() {
    const Machine* first = nullptr;
    for (const auto& machine : machines_) {
        if (!machine->runs()) continue;
        const Engine& engine = machine->node->ledger().engine();
        if (const Status sound = engine.check_invariants(); !sound.ok())
            fail_at(machine->number, sound.error().message);
        if (equivocation_) continue;
        if (!first) first = machine.get();
        const Engine& other = first->node->ledger().engine();
        const std::string as = " than node " + std::to_string(first->number);
        if (engine.book_digest() != other.book_digest())
            fail_at(machine->number, "ends with another book" + as);
        if (engine.balances_digest() != other.balances_digest())
            fail_at(machine->number, "ends with other balances" + as);
        if (engine.state_digest() != other.state_digest())
            fail_at(machine->number, "ends in another state" + as);
        if (machine->node->tape().settled_chain() != first->node->tape().settled_chain())
            fail_at(machine->number, "ends with other settled trades" + as);
        if (!figures_.settled_all) continue;
        const auto open = machine->node->tape().unsettled({}, {}, SIZE_MAX);
        if (std::any_of(open.begin(), open.end(),
                        [](const app::TradeView& trade) { return trade.grade != app::Grade::retracted; }))
            fail_at(machine->number, "everything is settled, and a trade is listed as provisional");
    }
    figures_.trades = trades_.count();
    figures_.commits = log_.blocks().size();
    rare_.add(Rare::root_compared, roots_.compared());
    rare_.add(Rare::state_compared, states_.compared());
    figures_.virtual_us = scheduler_.now_us();
    if (failure_.empty() && !equivocation_) check_log();
}

// The settled log, executed once and without ever going back, says what clients were to be told.
void World::check_log() {
    struct Outcome {
        std::uint64_t accepted = 0;
        std::set<Reason> refusals;
        std::int64_t filled = 0;
    };
    using Name = std::pair<AccountId, CommandRef>;
    std::map<Name, Outcome> outcomes;
    Engine engine(rules_);
    auto execute = [&](const VerifiedBlock& block) {
        EventBuffer events;
        engine.apply({block.header.timestamp, block.header.rules_version, block.batches}, events);
        auto name = [&](const OrderKey& key) { return Name(engine.account_id(key.account), key.ref()); };
        std::vector<Name> commands;
        for (const CommandBatch& batch : block.batches)
            for (const BatchCommand& command : batch.commands)
                commands.emplace_back(batch.accounts[command.account], command.ref());
        for (const Event& event : events) {
            rare_.add(Rare::due_by_time, event.command == no_command);
            if (event.kind == EventKind::accepted && event.command != no_command) {
                // A mass quote has one for each quote.
                ++outcomes[{commands[event.command].first, event.order.ref()}].accepted;
            }
            if (event.kind == EventKind::rejected && event.command != no_command) {
                // Sent again, or a cancel that came first burnt its nonce. That is an answer, too.
                Outcome& outcome = outcomes[commands[event.command]];
                if (event.reason == Reason::nonce_used) {
                    rare_.add(Rare::nonce_refused);
                    continue;
                }
                // An account that is not open burns no nonce, so the command may come again.
                outcome.refusals.insert(event.reason);
            }
        }
        // An answer is about what the command itself brought about, not what later ones did to its order. An
        // order that it triggered may fill against its own.
        for (const Event& event : events) {
            if (event.kind != EventKind::filled || event.command == no_command) continue;
            for (const OrderKey& key : {event.order, event.maker})
                if (name(key) == commands[event.command])
                    outcomes[name(key)].filled += event.quantity.value();
        }
        figures_.commands += block.command_count;
    };
    const Machine* alive = nullptr;  // who settled most
    auto settled_length = [](const Machine& machine) {
        return machine.node->ledger().settled_prefix().length;
    };
    for (const auto& machine : machines_)
        if (machine->runs() && (!alive || settled_length(*machine) > settled_length(*alive)))
            alive = machine.get();
    std::uint64_t place = 0;
    for (const Digest& digest : log_.blocks()) {
        execute(*book_->find(digest));
        const auto root = root_by_commit_.find(++place);
        if (root != root_by_commit_.end() && state_root_of(engine.freeze()) != root->second)
            fail("the state root of commit " + std::to_string(place) +
                 " is not that of the log executed once");
    }
    const std::map<Name, Outcome> settled = outcomes;
    if (alive) {
        const std::set<Digest> in_log(log_.blocks().begin(), log_.blocks().end());
        for (const Digest& digest : alive->shadow->unsettled())
            if (!in_log.contains(digest)) execute(*book_->find(digest));
        if (settled_length(*alive) == log_.blocks().size() &&
            engine.state_digest() != alive->node->ledger().engine().state_digest())
            fail("executing the log once gives another state than the nodes have");
    }
    for (const auto& [name, outcome] : outcomes)
        if (outcome.accepted > 1) {
            fail("command " + std::to_string(name.second.nonce) + " of an account executed " +
                 std::to_string(outcome.accepted) + " times");
            return;
        }
    for (const Told& told : clients_->told()) {
        const app::CommandResult& result = told.result;
        if (told.block == 0 || result.reason == Reason::nonce_used || result.reason == Reason::unknown_order)
            continue;
        // What a member promised whose disk is lost, only that disk may have known.
        if (told.grade != app::Grade::settled && machines_[told.node]->state == ProcessState::gone) continue;
        const auto& where = told.grade == app::Grade::settled || figures_.settled_all ? settled : outcomes;
        const auto found = where.find(Name(told.account, result.ref));
        if (found == where.end()) {
            // Where nothing settles any more, what was provisional may wait for ever: it is held, or void and
            // waits at a member that nobody can let in again.
            if (told.grade != app::Grade::settled && !figures_.settled_all && plan_.views_change()) continue;
            fail("a command that was acknowledged as " + std::string(to_string(told.grade)) +
                 " is not in the log: nonce " + std::to_string(result.ref.nonce) + " " +
                 to_string(result.status) + " " + describe(result.reason));
            return;
        }
        if (told.grade != app::Grade::settled || !result.quotes.empty()) continue;
        const Outcome& outcome = found->second;
        const bool rejected = result.status == app::CommandStatus::rejected;
        if (rejected ? !outcome.refusals.contains(result.reason)
                     : outcome.accepted == 0 || result.filled.value() != outcome.filled) {
            fail("a settled answer says something else than the log: nonce " +
                 std::to_string(result.ref.nonce) + " " + to_string(result.status) + " " +
                 describe(result.reason) + " filled " + std::to_string(result.filled.value()) +
                 ", in the log accepted " + std::to_string(outcome.accepted) + " filled " +
                 std::to_string(outcome.filled));
            return;
        }
    }
}

}  // namespace peerbook::sim
