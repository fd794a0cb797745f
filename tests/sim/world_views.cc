// What is particular to changes of views: faults that end them, records and messages about them, and when all
// are together again.
#include <algorithm>

#include "app/node/chains.h"
#include "exchange/ordering/evidence.h"
#include "tests/sim/machine.h"

namespace peerbook::sim {

using namespace exchange;

namespace {

constexpr std::int64_t ms = 1'000;
const testing::CheapVerifier verifier;

app::RecordKind kind_of(ByteView record) {
    return record.empty() ? app::RecordKind{} : static_cast<app::RecordKind>(record[0]);
}

// A message about a view begins with version, network, ledger, view and kind: PROTOCOL.md.
constexpr std::size_t view_at = 2 + 2 * Digest::size;
constexpr std::size_t kind_at = view_at + Digest::size;

Digest view_of_message(ByteView message) {
    Digest view;
    if (message.size() >= kind_at) std::copy_n(message.begin() + view_at, Digest::size, view.data.begin());
    return view;
}

}  // namespace

// --- what goes wrong
// --------------------------------------------------------------------------------------------

// A part of T_suspect, or a few times as long.
std::int64_t World::some_silence_us() {
    const std::int64_t suspect_us = plan_.node.views.suspect_after.ns / 1'000;
    return suspect_us / 2 + draw_us(draw(3) == 0 ? 5 * suspect_us : 2 * suspect_us);
}

void World::schedule_view_faults() {
    at_some_time(plan_.isolations, [this] {
        links_->isolate(static_cast<std::size_t>(random_.below(machines_.size())), some_silence_us());
    });
    at_some_time(plan_.long_splits, [this] { links_->split(some_silence_us()); });
    at_some_time(plan_.long_one_ways, [this] { links_->one_way(some_silence_us()); });
    at_some_time(plan_.absences, [this] { leave_someone(false); });
    if (plan_.leaves_for_good) at_some_time(1, [this] { leave_someone(true); });
    at_some_time(plan_.held_disks, [this] {
        if (Machine* machine = someone_running())
            machine->disk_held_until_us = scheduler_.now_us() + (50 + draw_us(1'500)) * ms;
    });
    at_some_time(plan_.ballot_crashes, [this] {
        static constexpr CrashPoint points[] = {CrashPoint::before_write, CrashPoint::torn_write,
                                                CrashPoint::after_write};
        if (Machine* machine = someone_running()) machine->ballot_crash = points[draw(3)];
    });
}

void World::leave_someone(bool for_good) {
    Machine* machine = someone_running();
    if (!machine || (for_good && !machine->is_member)) return;
    rare_.add(Rare::went_away);
    trace_.say(scheduler_.now_us(), [&] {
        return "node " + std::to_string(machine->number) + " goes away" + (for_good ? " for good" : "");
    });
    kill(*machine, !for_good, for_good ? 0 : some_silence_us());
}

// --- records
// ----------------------------------------------------------------------------------------------------

// Whoever lost its store or shares its key may say anything about the ends of views.
void World::check_view(const Machine& machine, const std::string& complaint) {
    if (!equivocation_) check(machine, complaint);
}

// The node has begun a record; what it says counts from here on.
void World::note_record(Machine& machine, ByteView record) {
    if (kind_of(record) == app::RecordKind::ballot_state) {
        const auto state =
            decode_ballot_state(record.subspan(1), rules_.network, machine.shadow->view().ledger);
        if (!state.ok()) return fail_at(machine.number, state.error().message);
        const bool is_own = machine.shadow->view_name() == state->view &&
                            machine.shadow->view().members[state->promised.proposer.value()] == machine.key();
        const bool is_new = !state->accepted || state->accepted->ballot != state->promised;
        if (is_own && is_new && machine.runs()) check_heard(machine);
        machine.wedged.insert(state->view);
        return;
    }
    if (kind_of(record) == app::RecordKind::handed_over) return note_handed_over(machine);
    rare_.add(Rare::batch_given_up, kind_of(record) == app::RecordKind::given_up && machine.runs());
    if (kind_of(record) == app::RecordKind::relayed) rare_.add(Rare::relayed_recovered, !machine.runs());
    if (kind_of(record) == app::RecordKind::entered || kind_of(record) == app::RecordKind::left)
        return note_rebind(machine, kind_of(record), record.subspan(1));
    if (kind_of(record) == app::RecordKind::forked) return note_forked(machine, record.subspan(1));
    if (kind_of(record) == app::RecordKind::evidence) {
        const auto evidence = exchange::verify_evidence(record.subspan(1), rules_.network,
                                                        machine.shadow->view().ledger, verifier);
        if (evidence.ok() && evidence->view() == machine.shadow->view_name())
            machine.shadow->limit(machine.shadow->round_that_settles());
        return;
    }
    if (kind_of(record) != app::RecordKind::decision) return;
    const View old = machine.shadow->view();
    const auto decision = verify_decision(record.subspan(1), old, rules_.network, verifier);
    if (!decision.ok()) return fail_at(machine.number, decision.error().message);
    if (!machine.ledger) return fail_at(machine.number, "ends the view of a ledger that it does not have");
    check_view(machine, machine.ledger->views.decided(*decision));
    const View& next = decision->next;
    if (equivocation_) machine.ledger->views.believe(next);
    const std::size_t void_before = machine.shadow->voided().size();
    check(machine,
          machine.shadow->install(next, machine.own_log, equivocation_ ? nullptr : &machine.ledger->log));
    machine.decided[digest_of_record(record)] = digest_of(next);
    limit_settling(machine);
    note_void_blocks(machine, void_before);
    const auto self = old.index_of(machine.key());
    machine.was_observer = machine.was_observer || !next.index_of(machine.key());
    machine.last_view = std::max(machine.last_view, next.number);
    note_standing_still(machine, 0);
    rare_.add(Rare::void_block, machine.shadow->voided().size() - void_before);
    if (self != decision->ballot.proposer) rare_.add(Rare::decision_from_peer);
    if (next.number < machine.ledger->views.latest().number) rare_.add(Rare::views_jumped);
    if (!machine.is_member && !next.index_of(machine.key())) rare_.add(Rare::observer_in_later_view);
    if (self && !next.index_of(machine.key()) && !machine.wedged.contains(next.previous))
        rare_.add(Rare::minority_not_wedged);
    trace_.say(scheduler_.now_us(), [&] {
        return "node " + std::to_string(machine.number) + " installs view " + std::to_string(next.number) +
               " of " + std::to_string(next.members.size()) + " with " + std::to_string(next.log_length) +
               " commits before it, " + std::to_string(machine.shadow->voided().size() - void_before) +
               " void blocks";
    });
}

// It is on the disk.
void World::keep_record(Machine& machine, ByteView record) {
    machine.durable.is_durable(digest_of_record(record));
    if (kind_of(record) == app::RecordKind::ballot_state)
        return keep_ballot_state(machine, record.subspan(1));
    if (kind_of(record) == app::RecordKind::forked) return keep_forked(machine, record.subspan(1));
    if (kind_of(record) == app::RecordKind::entered || kind_of(record) == app::RecordKind::left)
        return keep_rebind(machine, kind_of(record), record.subspan(1));
    if (const auto next = machine.decided.find(digest_of_record(record)); next != machine.decided.end())
        machine.durable.is_durable(next->second);
}

void World::keep_ballot_state(const Machine& machine, ByteView record) {
    // The node may be in another ledger by now.
    for (const auto& [id, ledger] : ledgers_.all())
        if (const auto state = decode_ballot_state(record, rules_.network, id);
            state.ok() && ledger->views.find(state->view))
            return check_view(machine, ledger->views.stored(machine.key(), *state));
    check_view(machine, "a promise for a view that nobody decided");
}

bool World::replay_record(Machine& machine, ByteView record, app::Effects& effects) {
    // What it cannot read, nobody can.
    if (!machine.node->recover_record(record, effects).ok()) return false;
    note_record(machine, record);
    keep_record(machine, record);
    return true;
}

void World::note_own_block(Machine& machine, const VerifiedBlock& block) {
    std::uint64_t& seq = machine.own_seqs[block.header.view];
    seq = std::max(seq, block.header.seq);
}

// Void blocks come first, as they were and in the order in which their commands were first issued.
void World::note_made(Machine& machine, const VerifiedBlock& block) {
    if (block.command_count == 0) return;
    auto& waiting = machine.to_issue_again;
    if (waiting.empty()) {
        machine.first_issued.emplace(block.digest, machine.first_issued.size() + 1);
        return;
    }
    if (block.header.payload_root != waiting.begin()->second)
        return check_view(machine, "a block is made while void ones wait to be issued again before it");
    machine.first_issued.emplace(block.digest, waiting.begin()->first);
    waiting.erase(waiting.begin());
}

// It is made, and on its way to the disk.
void World::check_own_block(Machine& machine, const VerifiedBlock& block) {
    if (machine.wedged.contains(block.header.view))
        check_view(machine, "node " + std::to_string(machine.number) +
                                " makes a block in a view that it promised to end");
    note_made(machine, block);
    for (const CommandBatch& batch : block.batches)
        for (const BatchCommand& command : batch.commands)
            for (const Digest& other : book_->carriers(batch.accounts[command.account], command.ref())) {
                const SharedBlock earlier = book_->find(other);
                if (earlier->header.author != machine.key() || earlier->header.view == block.header.view)
                    continue;
                rare_.add(Rare::void_block_again);
                return;
            }
}

void World::note_start(Machine& machine) {
    const View& view = machine.node->ledger().view();
    machine.view = digest_of(view);
    machine.was_observer = !view.index_of(machine.key());
    machine.heard_us.clear();
    machine.last_step_us = scheduler_.now_us();
    note_standing_still(machine, 0);
    if (view.number > 1) rare_.add(Rare::restart_in_later_view);
    if (view.number == 0 && machine.journal->last().value() > 0) rare_.add(Rare::restart_without_ledger);
    if (plan_.founds && view.number == 1 && machine.claimed.is_zero()) rare_.add(Rare::restart_in_founding);
    if (view.number < machine.last_view) rare_.add(Rare::decision_before_record);
}

void World::note_death(const Machine& machine) {
    if (!machine.ledger) return;
    const BallotState* state = machine.ledger->views.durable(machine.key(), machine.shadow->view_name());
    if (!state) return;
    rare_.add(state->accepted ? Rare::crash_accepted : Rare::crash_wedged);
}

void World::note_heard(Machine& machine, const PublicKey& from) {
    if (!plan_.views_change()) return;
    put(machine, [this, &machine, from](app::Node&, Now, app::Effects&) {
        machine.heard_us[from] = scheduler_.now_us();
    });
}

void World::note_standing_still(Machine& machine, std::int64_t since_us) {
    const std::int64_t half_us = plan_.node.views.suspect_after.ns / 2'000;
    if (scheduler_.now_us() - since_us < half_us / 2 && since_us != 0) return;
    machine.stood_still_until_us = scheduler_.now_us() + half_us;
}

// A minority must not stop itself: only who hears a quorum begins a ballot.
void World::check_heard(const Machine& machine) {
    if (scheduler_.now_us() <= machine.stood_still_until_us) return;
    const View& view = machine.shadow->view();
    std::set<std::size_t> heard;
    for (std::size_t i = 0; i < view.members.size(); ++i) {
        const auto at = machine.heard_us.find(view.members[i]);
        const bool lately = at != machine.heard_us.end() &&
                            scheduler_.now_us() - at->second <= plan_.node.views.suspect_after.ns / 2'000;
        if (lately || view.members[i] == machine.key()) heard.insert(i);
    }
    if (!is_quorum_of(view, heard)) check_view(machine, "a ballot begins without hearing a quorum");
}

// It knows that a view was decided, and nobody hears of it.
bool World::dies_with_decision(const app::BroadcastEffect& message) {
    if (static_cast<app::MessageKind>(message.kind) != app::MessageKind::decision || healing_) return false;
    if (!random_.chance(plan_.ballot_trouble_ppm / 2)) return false;
    rare_.add(Rare::decision_untold);
    return true;
}

// A member of the view that the others in it can do without, for a quorum.
const World::Machine* World::find_witness(const Machine& carrier, const std::set<std::size_t>& others) const {
    const View& view = carrier.ledger->views.latest();
    for (const auto& machine : machines_) {
        const auto index = view.index_of(machine->key());
        if (!index || machine.get() == &carrier || !machine->runs() || machine->view != carrier.view)
            continue;
        std::set<std::size_t> without = others;
        without.erase(index->value());
        if (is_quorum_of(view, without)) return machine.get();
    }
    return nullptr;
}

// The member takes an observer's batch, and only that observer sees the block. Then it is gone for good, and
// the observer perhaps starts again meanwhile.
void World::lose_carrier(Machine& observer, Machine& member) {
    if (carrier_lost_ || !member.ledger || scheduler_.now_us() < plan_.active_us / 8 || draw(6) > 0) return;
    const View& view = member.ledger->views.latest();
    std::set<std::size_t> others;
    for (const auto& other : machines_)
        if (const auto index = view.index_of(other->key());
            index && other.get() != &member && other->state != ProcessState::gone)
            others.insert(index->value());
    if (member.ledger != observer.ledger || !view.index_of(member.key()) || !is_quorum_of(view, others))
        return;
    carrier_lost_ = true;
    rare_.add(Rare::carrier_died);
    const std::int64_t suspect_us = plan_.node.views.suspect_after.ns / 1'000;
    if (const Machine* witness = find_witness(member, others); witness && draw(2) == 0) {
        // Another member sees the block, too, is back before it is suspected, and stays.
        rare_.add(Rare::carrier_died_before_witness);
        links_->part(std::uint64_t{1} << observer.number | std::uint64_t{1} << member.number |
                         std::uint64_t{1} << witness->number,
                     suspect_us + 20 * ms + draw_us(suspect_us / 8));
        scheduler_.after(100 * ms + draw_us(suspect_us / 4), [this, &member] {
            if (member.state != ProcessState::gone) kill(member, false);
        });
        return;
    }
    links_->part(std::uint64_t{1} << observer.number | std::uint64_t{1} << member.number,
                 2 * suspect_us + 1'000 * ms);
    scheduler_.after(150 * ms + draw_us(suspect_us / 2), [this, &member] {
        if (member.state != ProcessState::gone) kill(member, false);
    });
    if (draw(2) == 0) return;
    scheduler_.after(150 * ms + draw_us(2 * suspect_us), [this, &observer] {
        if (!observer.runs()) return;
        rare_.add(Rare::carrier_died_observer_crashed);
        crash_later(observer, CrashPoint::at_once);
    });
}

// Two proposers of one view, one after the other, are cut off when each alone has accepted its value, and
// come back together.
bool World::make_rival(Machine& proposer, ByteView message) {
    const std::int64_t now_us = scheduler_.now_us();
    if (rival_ && now_us >= rival_->until_us) rival_.reset();
    const Digest view = view_of_message(message);
    if (rival_ && (rival_->proposer == proposer.number || rival_->view != view)) return false;
    const app::ViewKeeperOptions& views = plan_.node.views;
    if (!rival_) {
        if (rivals_ >= plan_.rival_values) return false;
        ++rivals_;
        const Duration until = views.times.attempt * 2 + views.times.turn * 4 + views.suspect_after;
        rival_ = Rival{view, proposer.number, now_us + until.ns / 1'000};
    }
    links_->isolate(proposer.number, rival_->until_us - now_us);
    if (rival_->proposer == proposer.number) return true;
    let_rivals_meet(view, rival_->proposer, proposer.number, rival_->until_us);
    rival_.reset();
    return true;
}

// When they come back nobody else is there, if they can do without.
void World::let_rivals_meet(const Digest& name, std::size_t one, std::size_t other, std::int64_t at_us) {
    const View* view = ledgers_.find(name);
    if (!view) return;
    std::set<std::size_t> rivals;
    std::vector<std::size_t> others;
    for (const auto& machine : machines_)
        if (const auto index = view->index_of(machine->key())) {
            const bool is_rival = machine->number == one || machine->number == other;
            if (is_rival)
                rivals.insert(index->value());
            else
                others.push_back(machine->number);
        }
    if (!is_quorum_of(*view, rivals)) return;
    const std::int64_t for_us = plan_.node.views.times.attempt.ns / 500;
    scheduler_.after(at_us - scheduler_.now_us(), [this, others, for_us] {
        for (const std::size_t node : others)
            links_->isolate(node, for_us);
    });
}

// In the middle of a ballot: somebody is cut off, stands still or crashes.
void World::trouble_ballot(Machine& from, Machine& to, ByteView message) {
    const auto kind = static_cast<ViewMessageKind>(message[kind_at]);
    // Rather where a value is on its way.
    if (plan_.rival_values > 0 && !healing_ && kind == ViewMessageKind::propose && make_rival(from, message))
        return;
    const bool has_value = kind == ViewMessageKind::propose || kind == ViewMessageKind::accepted;
    if (healing_ || !random_.chance(has_value ? plan_.ballot_trouble_ppm : plan_.ballot_trouble_ppm / 8))
        return;
    rare_.add(Rare::ballot_trouble);
    // A value that its proposer alone accepted.
    if (kind == ViewMessageKind::propose && draw(2) == 0)
        return links_->isolate(from.number, some_silence_us());
    Machine& one = draw(2) == 0 ? from : to;
    switch (draw(4)) {
        case 0:
            return links_->isolate(one.number, some_silence_us());
        case 1:
            return links_->break_session(from.number, to.number);
        case 2:
            return crash_later(one, CrashPoint::before_write);
        default:
            return crash_later(one, CrashPoint::after_write);
    }
}

// --- messages
// ---------------------------------------------------------------------------------------------------

void World::take_view_message(Machine& machine, std::size_t from, const SharedBytes& bytes) {
    const PublicKey& key = machines_[from]->key();
    auto message = verify_view_message(bytes.view(), *ledgers_.find(machine.view), rules_.network, verifier);
    if (!message.ok() && message.error().code == ErrorCode::unavailable) {
        rare_.add(Rare::other_view_message);
        return put(machine, [key](app::Node& node, Now now, app::Effects& effects) {
            node.on_other_view(key, now, effects);
        });
    }
    if (!message.ok()) return accuse(machine, key, message.error().message);
    put(machine, [this, key, message = *message](app::Node& node, Now now, app::Effects& effects) {
        if (message.kind == ViewMessageKind::promise && message.view == node.ledger().view_digest())
            ledgers_.of_view(message.view)->views.promised(message);
        node.on_view_message(key, message, now, effects);
    });
}

void World::take_decision(Machine& machine, std::size_t from, const SharedBytes& bytes) {
    const PublicKey& key = machines_[from]->key();
    auto decision = verify_decision(bytes.view(), *ledgers_.find(machine.view), rules_.network, verifier);
    if (!decision.ok() && decision.error().code == ErrorCode::unavailable) return;  // it comes late
    if (!decision.ok()) return accuse(machine, key, decision.error().message);
    put(machine, [key, decision = *decision](app::Node& node, Now now, app::Effects&) {
        node.on_decision(key, decision, now);
    });
}

void World::check_view_message_leaves(Machine& machine, ByteView bytes) {
    // Of the view that it is in, or was in when it stored what the message says.
    const Digest name = view_of_message(bytes);
    LedgerBook* ledger = ledgers_.of_view(name);
    if (!ledger) return check_view(machine, "a message about a view that nobody decided leaves");
    const auto message = verify_view_message(bytes, *ledger->views.find(name), rules_.network, verifier);
    if (!message.ok()) return fail_at(machine.number, message.error().message);
    check_view(machine,
               ledger->views.leaves({*message, machine.durable, machine.process, scheduler_.now_us(),
                                     machine.node->ledger().tips(), machine.own_seqs[message->view]}));
}

std::string World::view_message_text(ByteView bytes) const {
    static constexpr const char* names[] = {"",        "PREPARE",  "PROMISE", "REFUSE",
                                            "PROPOSE", "ACCEPTED", "JOIN",    "LEAVE"};
    if (const View* view = ledgers_.find(view_of_message(bytes)))
        if (const auto message = verify_view_message(bytes, *view, rules_.network, verifier); message.ok()) {
            std::string text = names[static_cast<std::size_t>(message->kind)];
            text += " about view " + std::to_string(view->number) + ", ballot " +
                    std::to_string(message->ballot.number) + "." +
                    std::to_string(message->ballot.proposer.value());
            for (const ChainTip& tip : message->tips)
                text += (&tip == message->tips.data() ? ", holds " : " ") + std::to_string(tip.seq);
            if (message->accepted)
                text += ", accepted in " + std::to_string(message->accepted->ballot.number) + "." +
                        std::to_string(message->accepted->ballot.proposer.value());
            if (message->next) text += ", of " + std::to_string(message->next->members.size()) + " members";
            return text;
        }
    return "view message";
}

}  // namespace peerbook::sim
