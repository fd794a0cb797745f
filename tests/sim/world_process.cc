// Processes: start from the journal, steps, crashes, and the disk under them.
#include <algorithm>

#include "app/node/chains.h"
#include "base/codec.h"
#include "tests/sim/machine.h"
#include "tests/support/toy_market.h"

namespace peerbook::sim {

using app::Effects;

namespace {

constexpr std::int64_t ms = 1'000;
constexpr std::int64_t wall_start_ms = 1'700'000'000'000;
constexpr std::int64_t think_us_max = 60;  // until a node takes what came in
constexpr std::int64_t store_us_max = 300;
const testing::CheapVerifier verifier;

}  // namespace

Now World::now_of(const Machine& machine) const {
    return {{machine.mono_base_ns + scheduler_.now_us() * 1'000},
            {wall_start_ms + scheduler_.now_us() / 1'000 + machine.skew_ms}};
}

Bytes World::identity_of(const Machine& machine) const {
    Bytes identity;
    Encoder out(identity);
    out.raw(rules_.network.view());
    out.raw(first_view_of(machine).ledger.view());
    out.raw(machine.key().view());
    return identity;
}

void World::start(Machine& machine) {
    if (machine.state != ProcessState::down) return;
    ++machine.process;
    // A monotonic clock means nothing to another process.
    machine.mono_base_ns = static_cast<std::int64_t>(random_.below(1'000'000'000'000));
    auto journal =
        storage::Journal::open(std::make_unique<storage::MemoryStore>(*machine.disk), identity_of(machine));
    check_stays_left(machine);
    const app::NodeOptions options = options_of(machine);
    exchange::NetworkRules rules = rules_;
    rules.index_seed = random_.next();
    const exchange::View first = first_view_of(machine);
    machine.node = std::make_unique<app::Node>(std::move(rules), first, *machine.signer, verifier, options);
    give_invitations(machine);
    machine.root = {};
    machine.shadow = std::make_unique<Shadow>(first, machine.number);
    machine.ledger = first.number == 0 ? nullptr : &ledgers_.add(first);
    if (machine.ledger) machine.ledger->is_durable = true;
    if (first.number == 0) ledgers_.add_no_ledger(first);
    machine.bound = first.ledger;
    machine.left.clear();
    machine.follows.clear();
    machine.asked.reset();
    machine.is_draining = machine.is_ending = machine.has_left = false;
    machine.tape = {};
    machine.commits_seen = machine.tape_skipped = machine.retracted_noted = 0;
    machine.noted = {};
    machine.wedged.clear();
    machine.to_issue_again.clear();
    machine.first_issued.clear();
    machine.was_observer = false;
    Effects effects;
    if (journal.ok()) machine.journal = std::move(*journal);
    if (!machine.journal || !replay(machine, effects)) {
        if (plan_.trouble != Trouble::damaged_store || &machine != machines_[plan_.members - 1].get())
            return fail_at(machine.number, "its own journal cannot be read");
        rare_.add(Rare::damaged_store_refused);
        trace_.say(scheduler_.now_us(), [&] {
            return "node " + std::to_string(machine.number) + " does not start: its journal is damaged";
        });
        return kill(machine, false);
    }
    machine.state = ProcessState::running;
    start_gossip(machine);
    machine.node->recovered(now_of(machine), effects);
    machine.claimed = machine.node->established_ledger();
    note_start(machine);
    trace_.say(scheduler_.now_us(), [&] {
        return "node " + std::to_string(machine.number) + " starts with " +
               std::to_string(machine.journal->last().value()) + " blocks and records, in view " +
               std::to_string(machine.node->ledger().view().number);
    });
    check_tape(machine, effects.index_writes);
    effects.index_writes.clear();
    machine.own_durable.clear();
    perform(machine, effects);
    put(machine, [](app::Node&, Now, Effects&) {});
}

bool World::replay(Machine& machine, Effects& effects) {
    std::vector<storage::JournalEntry> entries;
    const Status read = machine.journal->replay(
        storage::JournalPosition(1), [&](storage::JournalPosition, const storage::JournalEntry& entry) {
            entries.push_back(entry);
            return true;
        });
    if (!read.ok() || entries.size() != machine.journal->last().value()) return false;
    if (plan_.broken == Break::last_record_lost && !entries.empty()) entries.pop_back();
    if (plan_.broken == Break::replayed_by_author)
        std::stable_sort(entries.begin(), entries.end(),
                         [](const auto& a, const auto& b) { return a.author < b.author; });
    std::set<Digest> found;
    ledgers_.starts_over(machine.key());
    for (const storage::JournalEntry& entry : entries) {
        if (entry.author == app::record_chain) {
            found.insert(digest_of_record(entry.block.view()));
            if (!replay_record(machine, entry.block.view(), effects)) return false;
            found.insert(machine.shadow->view_name());
            continue;
        }
        const auto block = book_->verify(entry.block);
        if (!block.ok() || (*block)->header.view != machine.shadow->view_name()) return false;
        found.insert((*block)->digest);
        machine.durable.is_durable((*block)->digest);
        check(machine, machine.shadow->accept((*block)->header, (*block)->digest));
        if ((*block)->header.author == machine.key()) {
            note_own_block(machine, **block);
            note_made(machine, **block);
        }
        if (Status taken = machine.node->recover(**block, effects); !taken.ok()) return false;
    }
    check(machine, machine.durable.restarts_with(found));
    return true;
}

// Everything that is not on the disk is gone.
void World::kill(Machine& machine, bool comes_back, std::int64_t for_us) {
    if (machine.node) {
        note_stats(machine);
        note_death(machine);
    }
    ++machine.process;
    machine.node.reset();
    machine.gossip.reset();
    machine.journal.reset();
    machine.inbox.clear();
    machine.write_queue = {};
    machine.appends.clear();
    machine.own_durable.clear();
    machine.is_writing = machine.step_scheduled = false;
    machine.crash_point.reset();
    machine.ballot_crash.reset();
    machine.wake.reset();
    machine.disk->crash();
    // What it entered last may not have reached the disk.
    if (machine.ledger && machine.ledger->id() != machine.bound && machine.follows.empty())
        machine.ledger = ledgers_.find_ledger(machine.bound);
    if (machine.is_draining && !machine.is_ending) rare_.add(Rare::crash_while_leaving);
    machine.is_draining = machine.is_ending = false;
    machine.state = comes_back ? ProcessState::down : ProcessState::gone;
    links_->drop_node(machine.number);
    if (!comes_back) {
        member_gone_ = member_gone_ || machine.is_member;
        if (machine.number < nodes()) clients_->node_gone(machine.number);
        return introduce_the_rest();
    }
    if (machine.number < nodes()) clients_->process_died(machine.number);
    if (for_us == 0) for_us = (healing_ ? 1 : 20 + draw_us(600)) * ms;
    scheduler_.after(for_us, [this, &machine, process = machine.process] {
        if (machine.process == process) start(machine);
    });
}

void World::retire(Machine& machine, const std::string& why) {
    rare_.add(Rare::key_retired);
    trace_.say(scheduler_.now_us(),
               [&] { return "node " + std::to_string(machine.number) + " retires its key: " + why; });
    const bool expected = plan_.trouble == Trouble::lost_store || plan_.trouble == Trouble::older_store ||
                          plan_.trouble == Trouble::two_processes || machine.mutator;
    if (!expected || machine.key() != machines_[plan_.members - 1]->key())
        return fail_at(machine.number, "a node whose store is whole retires its key: " + why);
    kill(machine, false);
}

void World::crash_later(Machine& machine, CrashPoint point) {
    if (!machine.runs()) return;
    if (point != CrashPoint::at_once) {
        machine.crash_point = point;
        return;
    }
    rare_.add(Rare::crash);
    trace_.say(scheduler_.now_us(), [&] { return "node " + std::to_string(machine.number) + " crashes"; });
    kill(machine, true);
}

bool World::crashes_at(Machine& machine, CrashPoint point) {
    if (machine.crash_point != point) return false;
    static constexpr Rare states[] = {Rare::crash, Rare::crash_between_effects, Rare::crash_before_write,
                                      Rare::torn_write, Rare::crash_after_write};
    rare_.add(states[static_cast<std::size_t>(point)]);
    trace_.say(scheduler_.now_us(), [&] {
        return "node " + std::to_string(machine.number) +
               " crashes: " + name_of(states[static_cast<std::size_t>(point)]);
    });
    return true;
}

// --- steps
// ------------------------------------------------------------------------------------------------------

void World::put(Machine& machine, Input input) {
    if (!machine.is_alive()) return;
    machine.inbox.push_back(std::move(input));
    if (std::exchange(machine.step_scheduled, true)) return;
    scheduler_.after(1 + draw_us(think_us_max), [this, &machine, process = machine.process] {
        if (machine.process != process) return;
        machine.step_scheduled = false;
        step(machine);
    });
}

void World::wake_at(Machine& machine, std::optional<MonoTime> time) {
    machine.wake = time;
    if (!time) return;
    const std::int64_t delay = (time->ns - now_of(machine).mono.ns) / 1'000 + 1;
    scheduler_.after(std::max<std::int64_t>(delay, 1), [this, &machine, process = machine.process, time] {
        if (machine.process == process && machine.wake == time) step(machine);
    });
}

void World::step(Machine& machine) {
    if (!machine.runs() || !failure_.empty()) return;
    ++figures_.steps;
    std::vector<Input> inputs = std::exchange(machine.inbox, {});
    Effects effects;
    const Now now = now_of(machine);
    note_standing_still(machine, machine.last_step_us);
    machine.last_step_us = scheduler_.now_us();
    for (Input& input : inputs)
        input(*machine.node, now, effects);
    machine.node->flush(now, effects);
    check_step(machine, effects);
    machine.write_queue.pass(effects, now.mono);
    wake_at(machine, effects.wake_at);
    const bool is_done = machine.is_draining && machine.node->idle();
    const std::uint64_t process = machine.process;
    perform(machine, effects);
    if (!is_done || machine.process != process || std::exchange(machine.is_ending, true)) return;
    for (app::AppendEffect& append : machine.write_queue.take())
        machine.appends.push_back(std::move(append));
    start_write(machine);
    end_if_written(machine);
}

void World::perform(Machine& machine, Effects& effects) {
    if (effects.retire_key) {
        for (const app::AnswerEffect& answer : effects.answers)
            deliver_answer(machine, answer);
        return retire(machine, *effects.retire_key);
    }
    if (effects.adopt) {
        for (const app::AnswerEffect& answer : effects.answers)
            deliver_answer(machine, answer);
        return gave_up(machine, effects);
    }
    if (effects.view) machine.view = exchange::digest_of(*effects.view);
    if (effects.ledger) machine.claimed = *effects.ledger;
    for (app::AppendEffect& append : effects.appends) {
        if (plan_.broken == Break::sent_before_durable && append.chain == machine.key()) {
            machine.own_durable.push_back(book_->verify(append.block).value());
            put(machine, [ticket = append.ticket](app::Node& node, Now now, Effects& more) {
                node.on_durable(ticket, now, more);
            });
        }
        machine.appends.push_back(std::move(append));
    }
    start_write(machine);
    if (effects.nodes_apart) {
        machine.nodes_apart = *effects.nodes_apart;
        size_gossip(machine);
    }
    for (const app::GossipAnswerEffect& answer : effects.gossip_answers)
        answer_gossip(machine, answer);
    for (const app::GossipEffect& message : effects.gossips) {
        if (crashes_at(machine, CrashPoint::between_effects)) return kill(machine, true);
        publish(machine, message);
    }
    for (std::size_t i = 0; i < effects.broadcasts.size(); ++i) {
        if (crashes_at(machine, CrashPoint::between_effects)) return kill(machine, true);
        if (dies_with_decision(effects.broadcasts[i])) return kill(machine, true);
        broadcast(machine, effects.broadcasts[i]);
    }
    for (const app::SendEffect& message : effects.sends)
        send(machine, message);
    for (const app::SealedEffect& message : effects.sealed)
        send_sealed(machine, message);
    read_store(machine, effects);
    for (const app::AnswerEffect& answer : effects.answers)
        deliver_answer(machine, answer);
    for (const app::ViolationEffect& violation : effects.violations)
        accuse(machine, violation.peer, violation.why);
    for (const app::LogEffect& log : effects.logs) {
        if (log.text.find("signed two blocks with seq") != std::string::npos) {
            rare_.add(Rare::equivocation_seen);
            twins_noticed_ = twins_noticed_ || !machine.mutator;
        }
        if (machine.is_draining) note_leaving(machine, log.text);
        if (log.text.ends_with("leaves it first")) machine.has_adopted_as_member = true;
        trace_.say(scheduler_.now_us(),
                   [&] { return "node " + std::to_string(machine.number) + " logs: " + log.text; });
    }
}

// --- disk
// -------------------------------------------------------------------------------------------------------

void World::read_store(Machine& machine, Effects& effects) {
    if (effects.state_root) {
        const std::uint64_t commit = effects.state_root->commit;
        const Digest root = machine.root.advance(effects.state_root->state);
        const std::uint64_t told = plan_.broken == Break::root_of_wrong_commit ? commit + 1 : commit;
        if (!equivocation_ && machine.ledger) {
            check(machine, machine.ledger->roots.made(told, root));
            machine.ledger->root_by_commit.emplace(told, root);
        }
        put(machine, [told, root](app::Node& node, Now, Effects&) { node.on_state_root(told, root); });
    }
    for (const app::ReadMissingEffect& read : effects.read_missing) {
        scheduler_.after(1 + draw_us(store_us_max), [this, &machine, process = machine.process, read] {
            if (machine.process != process || !machine.journal) return;
            rare_.add(Rare::missing_read_from_journal);
            std::vector<SharedBytes> blocks;
            if (auto entries = machine.journal->missing(read.have, read.bytes_max); entries.ok())
                for (storage::JournalEntry& entry : *entries)
                    blocks.push_back(std::move(entry.block));
            put(machine, [peer = read.peer, blocks](app::Node& node, Now, Effects& more) {
                node.on_blocks_read(peer, !blocks.empty(), blocks, more);
            });
        });
    }
    for (const app::ReadBlockEffect& read : effects.read_block) {
        scheduler_.after(1 + draw_us(store_us_max), [this, &machine, process = machine.process, read] {
            if (machine.process != process || !machine.journal) return;
            auto entries = machine.journal->chain(read.chain, read.seq, 1);
            if (!entries.ok() || entries->empty() || entries->front().seq != read.seq) return;
            send(machine, {read.peer, static_cast<std::uint8_t>(app::MessageKind::block),
                           std::move(entries->front().block)});
        });
    }
}

// Group commit: one write takes everything that waits.
void World::start_write(Machine& machine) {
    if (machine.appends.empty() || machine.is_writing || !machine.is_alive()) return;
    machine.is_writing = true;
    machine.write_begun_us = scheduler_.now_us();
    std::int64_t sync_us = plan_.sync_us_min + draw_us(plan_.sync_us_max - plan_.sync_us_min + 1);
    if (machine.disk_held_until_us > scheduler_.now_us()) {
        rare_.add(Rare::held_disk);
        sync_us += machine.disk_held_until_us - scheduler_.now_us();
    }
    scheduler_.after(sync_us,
                     [this, &machine, process = machine.process, batch = std::exchange(machine.appends, {})] {
                         if (machine.process != process) return;
                         machine.is_writing = false;
                         finish_write(machine, batch);
                     });
}

void World::finish_write(Machine& machine, const std::vector<app::AppendEffect>& batch) {
    const bool has_record = std::any_of(batch.begin(), batch.end(), [](const app::AppendEffect& append) {
        return append.chain == app::record_chain;
    });
    if (has_record && machine.ballot_crash) {
        rare_.add(Rare::ballot_crash);
        machine.crash_point = std::exchange(machine.ballot_crash, std::nullopt);
    }
    if (crashes_at(machine, CrashPoint::before_write)) return kill(machine, true);
    std::vector<storage::JournalEntry> entries;
    for (const app::AppendEffect& append : batch)
        if (plan_.broken != Break::foreign_not_kept || append.chain == machine.key())
            entries.push_back({append.chain, append.seq, append.round, append.block});
    if (write_fails(machine, entries)) return;
    note_standing_still(machine, machine.write_begun_us);
    keep(machine, batch);
    if (crashes_at(machine, CrashPoint::after_write)) return kill(machine, true);
    if (plan_.broken != Break::sent_before_durable)
        put(machine, [ticket = batch.back().ticket](app::Node& node, Now now, Effects& effects) {
            node.on_durable(ticket, now, effects);
        });
    start_write(machine);
    end_if_written(machine);
}

// True if the process is dead now.
bool World::write_fails(Machine& machine, const std::vector<storage::JournalEntry>& entries) {
    if (crashes_at(machine, CrashPoint::torn_write)) {
        // The database's log drops a batch that is not whole, so nothing of it is there afterwards.
        PB_CHECK(machine.journal->append(entries, storage::Sync::no).ok(), "memory takes it");
        kill(machine, true);
        return true;
    }
    const bool kept = std::exchange(machine.next_sync_fails, false);
    if (kept) {
        // A sync that failed says nothing about what reached the disk.
        const bool reached = random_.below(2) == 0;
        rare_.add(reached ? Rare::failed_sync_kept : Rare::failed_sync);
        if (!reached) machine.disk->fail_write(1, {ErrorCode::io, "the sync failed"});
    }
    if (std::exchange(machine.disk_is_full, false)) {
        rare_.add(Rare::full_disk);
        machine.disk->limit_bytes(machine.disk->bytes());
    }
    const storage::Sync sync = plan_.broken == Break::sync_lies ? storage::Sync::no : storage::Sync::yes;
    const Status written = machine.journal->append(entries, sync);
    machine.disk->limit_bytes(std::numeric_limits<std::size_t>::max());
    if (written.ok() && !kept) return false;
    trace_.say(scheduler_.now_us(), [&] {
        return "node " + std::to_string(machine.number) + " stops: its journal cannot be written";
    });
    kill(machine, true);
    return true;
}

void World::keep(Machine& machine, const std::vector<app::AppendEffect>& batch) {
    for (const app::AppendEffect& append : batch) {
        if (append.chain == app::record_chain) {
            keep_record(machine, append.block.view());
            continue;
        }
        const SharedBlock block = book_->verify(append.block).value();
        machine.durable.is_durable(block->digest);
        if (block->header.author != machine.key()) continue;
        note_own_block(machine, *block);
        if (plan_.broken != Break::sent_before_durable) machine.own_durable.push_back(block);
    }
}

}  // namespace peerbook::sim
