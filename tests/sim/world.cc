#include "tests/sim/world.h"

#include <algorithm>

#include "app/node/chains.h"
#include "tests/sim/machine.h"
#include "tests/support/toy_market.h"

namespace peerbook::sim {

namespace {

constexpr std::int64_t ms = 1'000;
constexpr std::int64_t client_tick_us_min = 1 * ms;
constexpr std::int64_t liveness_us_max = 150'000 * ms;  // what is healed has to settle by then
constexpr std::int64_t look_us = 100 * ms;
// By then all nodes hold the same blocks, without waiting for the version vectors that go round every 30 s.
constexpr std::int64_t equal_us_max = 12'000 * ms;
constexpr std::int64_t spread_us = 1'000 * ms;  // of a block to everyone, if clocks are close to each other
constexpr std::int64_t clock_ahead_ms = 2'000;  // further ahead, a block waits until the clock is there
// Where the view is fixed and nobody strange holds blocks back: without waiting for those version vectors,
// too.
constexpr std::int64_t settled_us_max = 25'000 * ms;
constexpr std::int64_t equal_over_views_us_max = 40'000 * ms;     // until all are let in again
constexpr std::int64_t equal_over_one_link_us_max = 70'000 * ms;  // over two such links, one after the other
constexpr std::int64_t client_repeats_us = 200 * ms;              // while healing
constexpr std::int64_t jump_ms_max = 4'000;
constexpr std::int64_t twin_swap_us = 350 * ms;  // a peer's session goes to the other of two processes

Digest network() {
    return hash_of("simulated network of nodes", {});
}

}  // namespace

void Figures::add(const Figures& other) {
    commits += other.commits;
    commands += other.commands;
    trades += other.trades;
    told += other.told;
    messages += other.messages;
    steps += other.steps;
    commands_executed += other.commands_executed;
    commands_replayed += other.commands_replayed;
    virtual_us += other.virtual_us;
}

World::World(Plan plan, bool prints_timeline)
    : plan_(std::move(plan)),
      trace_(prints_timeline),
      random_(plan_.seed),
      rules_(testing::toy_rules(network())),
      ledgers_(admission_, rare_) {
    std::vector<PublicKey> keys;
    for (std::size_t i = 0; i < nodes(); ++i)
        keys.push_back(add_machine(i).key());
    for (std::size_t i = nodes() - plan_.spares(); i < nodes(); ++i)
        machines_[i]->is_spare = true;
    admission_.joining = plan_.node.views.admission.joining;
    for (std::size_t i = plan_.members; i + plan_.uninvited < nodes(); ++i)
        admission_.invited.insert(keys[i]);
    if (!plan_.founds)
        named_ = &ledgers_.add(
            exchange::make_first_view(
                rules_.network, {keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(plan_.members)})
                .value());
    if (plan_.trouble == Trouble::two_processes) add_machine(plan_.members - 1);
    book_.emplace(ledgers_, rules_.network);
    links_.emplace(machines_.size(), plan_, Random(random_.next()), scheduler_, rare_, *this);
    clients_.emplace(plan_, keys, rules_.network, Random(random_.next()));
    if (plan_.trouble == Trouble::strange_peer || plan_.trouble == Trouble::equivocator ||
        plan_.trouble == Trouble::liar) {
        Machine& strange = *machines_[plan_.members - 1];
        strange.mutator =
            std::make_unique<Mutator>(plan_.tricks, *strange.signer, Random(random_.next()), rare_);
    }
}

World::~World() = default;

World::Machine& World::add_machine(std::size_t identity) {
    machines_.push_back(std::make_unique<Machine>());
    Machine& machine = *machines_.back();
    machine.number = machines_.size() - 1;
    machine.signer = std::make_unique<testing::CheapSigner>(identity);
    machine.is_member = identity < plan_.members;
    machine.skew_ms = draw_us(2 * plan_.skew_ms_max + 1) - plan_.skew_ms_max;
    return machine;
}

void World::fail(const std::string& what) {
    if (!failure_.empty()) return;
    failure_ = "at " + std::to_string(scheduler_.now_us()) + " us: " + what;
    trace_.say(scheduler_.now_us(), [&] { return "WRONG: " + what; });
}

void World::fail_at(std::size_t machine, const std::string& what) {
    fail("node " + std::to_string(machine) + ": " + what);
}

// --- what goes wrong
// --------------------------------------------------------------------------------------------

void World::at_some_time(std::uint32_t times, const std::function<void()>& fault) {
    for (std::uint32_t i = 0; i < times; ++i)
        scheduler_.after(draw_us(plan_.active_us), [this, fault] {
            if (!healing_) fault();
        });
}

World::Machine* World::someone_running() {
    Machine& machine = *machines_[static_cast<std::size_t>(random_.below(machines_.size()))];
    return machine.runs() ? &machine : nullptr;
}

void World::schedule_faults() {
    at_some_time(plan_.splits, [this] { links_->split((50 + draw_us(900)) * ms); });
    at_some_time(plan_.one_ways, [this] { links_->one_way((50 + draw_us(2'000)) * ms); });
    at_some_time(plan_.bridges, [this] { links_->bridge((100 + draw_us(800)) * ms); });
    at_some_time(plan_.flappings, [this] { links_->flap((300 + draw_us(900)) * ms); });
    at_some_time(plan_.clogs, [this] { links_->clog((50 + draw_us(800)) * ms); });
    at_some_time(plan_.crashes, [this] { crash_someone(); });
    at_some_time(plan_.pauses, [this] { pause_someone(); });
    at_some_time(plan_.clock_jumps, [this] { jump_someone(); });
    at_some_time(plan_.failed_syncs, [this] {
        if (Machine* machine = someone_running()) machine->next_sync_fails = true;
    });
    at_some_time(plan_.full_disks, [this] {
        if (Machine* machine = someone_running()) machine->disk_is_full = true;
    });
    if (plan_.views_change()) schedule_view_faults();
    schedule_ledger_faults();
    at_some_time(plan_.stops, [this] { stop_some(); });
    if (plan_.trouble != Trouble::none)
        scheduler_.after(plan_.active_us / 4 + draw_us(plan_.active_us / 2), [this] { trouble(); });
}

void World::crash_someone() {
    const auto point = static_cast<CrashPoint>(random_.below(5));
    if (Machine* machine = someone_running()) crash_later(*machine, point);
}

void World::pause_someone() {
    Machine* machine = someone_running();
    if (!machine) return;
    rare_.add(Rare::pause);
    machine->state = ProcessState::paused;
    scheduler_.after((20 + draw_us(1'500)) * ms, [this, machine, process = machine->process] {
        if (machine->process != process || machine->state != ProcessState::paused) return;
        machine->state = ProcessState::running;
        step(*machine);
    });
}

void World::jump_someone() {
    Machine* machine = someone_running();
    if (!machine) return;
    rare_.add(Rare::clock_jump);
    const std::int64_t by = draw_us(2 * jump_ms_max + 1) - jump_ms_max;
    machine->skew_ms += by;
    scheduler_.after((100 + draw_us(1'000)) * ms, [machine, by] { machine->skew_ms -= by; });
}

void World::trouble() {
    Machine& machine = *machines_[plan_.members - 1];
    switch (plan_.trouble) {
        case Trouble::none:
        case Trouble::strange_peer:
        case Trouble::equivocator:
        case Trouble::liar:
            return;
        case Trouble::lost_store:
            return lose_store(false);
        case Trouble::older_store:
            return lose_store(true);
        case Trouble::two_processes:
            return start_second_process();
        case Trouble::damaged_store:
            break;
    }
    if (!machine.is_alive()) return;
    kill(machine, true);
    const std::vector<Bytes> keys = machine.disk->keys();
    Bytes key = keys[static_cast<std::size_t>(random_.below(keys.size()))];
    // Rather the last entry, which everybody reads.
    if (random_.below(2) == 0)
        for (const Bytes& other : keys)
            if (other.front() == 1) key = other;
    PB_CHECK(machine.disk->flip_bit(key, 0, static_cast<unsigned>(random_.below(8))), "the key is there");
}

// Somebody puts an empty or an older data directory in place and starts the node with its key.
void World::lose_store(bool keeps_older) {
    Machine& machine = *machines_[plan_.members - 1];
    if (!machine.is_alive()) return;
    rare_.add(keeps_older ? Rare::older_store : Rare::lost_store);
    std::vector<storage::JournalEntry> kept;
    const std::uint64_t count =
        keeps_older ? random_.below(machine.journal->last().value() + 1) : std::uint64_t{0};
    std::vector<std::pair<std::uint64_t, Digest>> own;
    const Status read = machine.journal->replay(
        storage::JournalPosition(1),
        [&](storage::JournalPosition position, const storage::JournalEntry& entry) {
            const bool is_kept = position.value() <= count;
            if (is_kept) kept.push_back(entry);
            // What it promised about the end of a view is forgotten: then nothing is claimed any more.
            if (!is_kept && entry.author == app::record_chain) equivocation_ = true;
            if (entry.author == machine.key())
                own.emplace_back(entry.seq, book_->verify(entry.block).value()->digest);
            return true;
        });
    PB_CHECK(read.ok(), "memory can be read");
    // What a quorum of the others holds durably it will hear of before it signs.
    for (const auto& [seq, digest] : own) {
        std::vector<bool> holds(plan_.members, false);
        for (std::size_t i = 0; i + 1 < plan_.members; ++i)
            holds[i] = machines_[i]->durable.holds(digest);
        if (exchange::is_quorum(named_->views.first(), holds)) protected_seq_ = std::max(protected_seq_, seq);
    }
    kill(machine, true);
    machine.disk = std::make_unique<storage::MemoryDisk>();
    machine.durable.store_lost();
    machine.store_was_taken = true;
    ledgers_.starts_over(machine.key());
    machine.own_seqs.clear();
    machine.own_log = {};
    auto journal =
        storage::Journal::open(std::make_unique<storage::MemoryStore>(*machine.disk), identity_of(machine));
    PB_CHECK(journal.ok() && (*journal)->append(kept, storage::Sync::yes).ok(), "memory takes it");
}

void World::start_second_process() {
    Machine& first = *machines_[plan_.members - 1];
    Machine& second = *machines_.back();
    if (!first.is_alive() || second.state != ProcessState::down) return;
    rare_.add(Rare::two_processes);
    if (plan_.views_change()) equivocation_ = true;  // two may vote with one key
    auto copy =
        storage::Journal::open(std::make_unique<storage::MemoryStore>(*second.disk), identity_of(second));
    PB_CHECK(copy.ok(), "memory takes it");
    const Status read = first.journal->replay(
        storage::JournalPosition(1), [&](storage::JournalPosition, const storage::JournalEntry& entry) {
            return (*copy)->append({&entry, 1}, storage::Sync::yes).ok();
        });
    PB_CHECK(read.ok(), "memory can be read");
    start(second);
    // A peer keeps one session a key. Which of the two has it changes.
    for (std::size_t peer = 0; peer < machines_.size(); ++peer) {
        if (peer == first.number || peer == second.number) continue;
        auto swap = std::make_shared<std::function<void()>>();
        *swap = [this, peer, &first, &second, swap_weak = std::weak_ptr(swap)] {
            const bool to_second = random_.below(2) == 0;
            links_->forbid(peer, first.number, to_second);
            links_->forbid(peer, second.number, !to_second);
            if (const auto again = swap_weak.lock())
                scheduler_.after(twin_swap_us + draw_us(twin_swap_us), [again] { (*again)(); });
        };
        (*swap)();
    }
    links_->forbid(first.number, second.number, true);
}

// --- clients
// ----------------------------------------------------------------------------------------------------

void World::client_tick(std::size_t client) {
    const std::int64_t pause =
        healing_ ? client_repeats_us : client_tick_us_min + draw_us(plan_.request_us_max);
    scheduler_.after(pause, [this, client] { client_tick(client); });
    const std::size_t to = clients_->home(client).value_or(static_cast<std::size_t>(random_.below(nodes())));
    if (!machines_[to]->runs()) return;
    if (plan_.users_wait_for_ledger(to) && !machines_[to]->ledger && !healing_) return;
    if (healing_ && !plan_.founds && !may_settle(machines_[to]->ledger))
        return;  // what cannot settle need not be asked for again
    if (auto sending = clients_->next(client, !healing_, now_of(*machines_[to]).wall))
        submit(to, std::move(*sending));
}

void World::submit(std::size_t to, Clients::Sending sending) {
    if (sending.again) rare_.add(Rare::client_retry);
    const app::Ticket ticket(next_ticket_++);
    clients_->sent(sending, to, ticket);
    trace_.say(scheduler_.now_us(), [&] {
        return "node " + std::to_string(to) + " gets request " + std::to_string(ticket.value()) +
               (sending.again ? " (again)" : "");
    });
    if (plan_.broken == Break::acknowledged_at_once && !sending.what.intents.empty()) {
        const app::Intent& intent = sending.what.intents.front();
        Told told;
        told.block = 1;
        told.account = exchange::hosted_account_id(machines_[to]->key(), intent.account);
        told.result.ref = {*intent.nonce, 0};
        check_told(*machines_[to], told);
    }
    put(*machines_[to], [this, to, ticket, what = std::move(sending.what)](app::Node& node, Now now,
                                                                           app::Effects& effects) mutable {
        const bool is_overloaded = node.ledger().overloaded();
        const std::size_t answers = effects.answers.size();
        node.submit(ticket, std::move(what), now, effects);
        if (!is_overloaded) return;
        rare_.add(Rare::overload_refusal);
        if (effects.answers.size() == answers) fail_at(to, "an overloaded node took a request");
    });
}

// --- the run
// ----------------------------------------------------------------------------------------------------

void World::heal() {
    healing_ = true;
    trace_.say(scheduler_.now_us(), [] { return std::string("--- everything is healed ---"); });
    links_->heal();
    for (const auto& machine : machines_) {
        machine->next_sync_fails = machine->disk_is_full = false;
        machine->crash_point.reset();
        machine->ballot_crash.reset();
        machine->disk_held_until_us = 0;
        if (machine->state == ProcessState::down && machine->number < nodes() && !machine->is_unused())
            scheduler_.after(ms, [this, machine = machine.get()] { start(*machine); });
        if (machine->state == ProcessState::paused) {
            machine->state = ProcessState::running;
            step(*machine);
        }
    }
}

std::string World::run() {
    trace_.say(0, [&] { return "seed " + std::to_string(plan_.seed) + ": " + plan_.text(); });
    for (std::size_t i = 0; i < nodes() - plan_.spares(); ++i) {
        const bool is_late = plan_.late_start_us_max > 0 && (plan_.founds || i >= plan_.members);
        if (i == 0 && plan_.elder_late_us > 0)
            scheduler_.after(plan_.elder_late_us, [this] { start(*machines_[0]); });
        else if (!is_late)
            start(*machines_[i]);
        else
            scheduler_.after(draw_us(plan_.late_start_us_max),
                             [this, machine = machines_[i].get()] { start(*machine); });
    }
    forbid_links();
    links_->start();
    if (plan_.apart_us > 0) links_->part(0b11, plan_.apart_us);
    for (std::size_t client = 0; client < clients_->count(); ++client)
        scheduler_.after(draw_us(30 * ms), [this, client] { client_tick(client); });
    schedule_faults();
    auto failed = [this] { return !failure_.empty(); };
    scheduler_.run_until(plan_.active_us, failed);
    if (!failed()) heal();
    const std::int64_t begin = scheduler_.now_us();
    // Faults that began late have an end that is scheduled, and restarts need a moment.
    scheduler_.run_until(begin + 2'000 * ms, failed);
    const std::int64_t spread =
        spread_us + std::max<std::int64_t>(2 * plan_.skew_ms_max - clock_ahead_ms, 0) * ms;
    // Who hears everything from one other hears what was lost on the way when nodes compare next, every 30 s.
    const std::int64_t equal_within = plan_.views_change() ? equal_over_views_us_max
                                      : plan_.dead_links   ? equal_over_one_link_us_max
                                                           : equal_us_max;
    const bool is_simple = !plan_.views_change() && !plan_.dead_links && must_be_equal_soon();
    // Clients send again one request after the other.
    const std::int64_t repeats_us = static_cast<std::int64_t>(clients_->backlog()) * client_repeats_us;
    const std::int64_t settled_within = (is_simple ? settled_us_max : liveness_us_max) + repeats_us;
    bool was_equal = false;
    std::optional<Held> held;
    while (!failed() && !is_quiet() && scheduler_.now_us() < begin + settled_within) {
        scheduler_.run_until(scheduler_.now_us() + look_us, failed);
        // Requests that are sent again make new blocks all the time.
        if (!held || scheduler_.now_us() - held->at_us >= spread) {
            was_equal = was_equal || (held && all_hold(*held));
            held = held_now();
        }
        if (!was_equal && must_be_equal_soon() && scheduler_.now_us() > begin + equal_within)
            fail("nodes still hold different blocks long after everything was healed");
    }
    if (!failed() && !is_quiet()) fail(waiting_text());
    if (!failed()) check_end();
    return failure_;
}

}  // namespace peerbook::sim
