// Several ledgers of one network and their operators: who adopts another one, and who goes on in a fork where
// a quorum is gone for good. RULES.md, rules 21 and 22.
#include <algorithm>

#include "app/node/chains.h"
#include "tests/sim/machine.h"

namespace peerbook::sim {

using namespace exchange;

namespace {

constexpr std::int64_t ms = 1'000;
constexpr std::int64_t operator_us = 300 * ms;    // an operator looks so often
constexpr std::int64_t deaths_us_max = 100 * ms;  // within which members die together
constexpr std::int64_t session_is_old_us = 1'000 * ms;
constexpr std::uint64_t crashes_one_in = 4;

}  // namespace

// Those of the ledger that live, or will again.
std::vector<World::Machine*> World::those_in(const LedgerBook& book) const {
    std::vector<Machine*> all;
    for (const auto& machine : machines_)
        if (machine->ledger == &book && machine->state != ProcessState::gone) all.push_back(machine.get());
    return all;
}

void World::schedule_ledger_faults() {
    if (plan_.quorum_dies)
        scheduler_.after(plan_.active_us / 4 + draw_us(plan_.active_us / 4), [this] { kill_quorum(); });
    at_some_time(plan_.hasty_forks, [this] { fork_hastily(); });
    if (plan_.quorum_dies || plan_.adoptions > 0) scheduler_.after(operator_us, [this] { operate(); });
}

void World::operate() {
    scheduler_.after(operator_us, [this] { operate(); });
    if (plan_.adoptions > 0 && !healing_ && draw(3) == 0) adopt_somewhere();
    for (const auto& machine : machines_)
        if (plan_.quorum_dies && machine->runs() && machine->ledger && !may_settle(machine->ledger))
            fork_if_due(*machine);
}

void World::ask(Machine& machine, app::Query query) {
    if (machine.asked) return;
    const app::Ticket ticket(next_ticket_++);
    machine.asked = ticket;
    machine.settled_when_asked.clear();
    for (const auto& other : machines_)
        machine.settled_when_asked.push_back(
            other->runs() && other->ledger == machine.ledger ? other->shadow->settled_length() : 0);
    put(machine, [ticket, query = std::move(query)](app::Node& node, Now now, app::Effects& effects) {
        node.ask(ticket, query, now, effects);
    });
}

void World::operator_hears(Machine& machine, app::Ticket ticket, const Result<app::Answer>& answer) {
    if (machine.asked != ticket) return;
    machine.asked.reset();
    trace_.say(scheduler_.now_us(), [&] {
        return "the operator of node " + std::to_string(machine.number) +
               " hears: " + (answer.ok() ? std::string("done") : answer.error().message);
    });
    if (answer.ok()) return;
    if (plan_.adoptions > 0) rare_.add(Rare::adoption_refused);
    // It has not all that the fork goes on from.
    rare_.add(Rare::fork_too_early,
              answer.error().message.ends_with("fetching it: try again soon") ||
                  answer.error().message.ends_with("what lies between: try again soon"));
    const LedgerBook* fork = machine.ledger ? ledgers_.fork_of(*machine.ledger) : nullptr;
    if (answer.error().message.find("the fork lacks what settled there") != std::string::npos) {
        rare_.add(Rare::fork_refused);
        machine.is_refused = true;
        if (fork && machine.shadow->view().number < fork->views.first().number)
            fail_at(machine.number, "is refused by a fork of a view that has not ended here");
        return;
    }
    if (!answer.error().message.starts_with("REFUSED")) return;
    rare_.add(Rare::fork_refused);
    machine.is_refused = true;
    if (fork && machine.own_log.blocks().size() <= fork->inherited)
        fail_at(machine.number, "is refused by a fork that holds all that has settled here");
}

// --- forks
// ------------------------------------------------------------------------------------------------------

// Members of the ledger that most are in, so many that the others are no quorum.
void World::kill_quorum() {
    LedgerBook* book = nullptr;
    for (const auto& [id, one] : ledgers_.all())
        if (!book || those_in(*one).size() > those_in(*book).size()) book = one.get();
    const bool is_ready = book && !book->log.blocks().empty() && book->views.latest().members.size() > 1;
    if (!is_ready) {
        if (!healing_) scheduler_.after(operator_us, [this] { kill_quorum(); });
        return;
    }
    if (plan_.names_few && !std::exchange(has_straggler_, true)) return cut_off_straggler(*book);
    const View view = book->views.latest();
    std::vector<Machine*> living = those_in(*book);
    for (std::size_t i = living.size(); i > 1; --i)
        std::swap(living[i - 1], living[static_cast<std::size_t>(random_.below(i))]);
    std::set<std::size_t> here;
    for (const Machine* machine : living)
        if (const auto index = view.index_of(machine->key())) here.insert(index->value());
    if (!is_quorum_of(view, here)) return;  // somebody went before
    rare_.add(Rare::quorum_died);
    const std::size_t survivors_min = 1;
    std::size_t left = living.size();
    for (Machine* machine : living) {
        const auto index = view.index_of(machine->key());
        if (!index || left <= survivors_min || !is_quorum_of(view, here)) continue;
        here.erase(index->value());
        --left;
        trace_.say(scheduler_.now_us(), [&] {
            return "node " + std::to_string(machine->number) + " is about to die with a quorum";
        });
        scheduler_.after(1 + draw_us(deaths_us_max), [this, machine] {
            if (machine->state != ProcessState::gone) kill(*machine, false);
        });
    }
}

// Somebody misses what settles before the quorum dies, and comes back when the others are in a fork, or about
// to be.
void World::cut_off_straggler(const LedgerBook& book) {
    const std::vector<Machine*> living = those_in(book);
    const std::int64_t suspect_us = plan_.node.views.suspect_after.ns / 1'000;
    const std::int64_t until_deaths_us = 2 * suspect_us + operator_us;
    scheduler_.after(until_deaths_us, [this] { kill_quorum(); });
    if (living.size() < 3 || healing_) return;
    const Machine* straggler = living[static_cast<std::size_t>(random_.below(living.size()))];
    links_->isolate(straggler->number, until_deaths_us + suspect_us + 3 * operator_us + draw_us(1'000 * ms));
}

// The eldest that lives founds the fork with all others, who enter it then.
void World::fork_if_due(Machine& machine) {
    LedgerBook& book = *machine.ledger;
    if (machine.is_refused) return;
    if (LedgerBook* fork = ledgers_.fork_of(book)) return ask(machine, app::ForkLedger{{}, fork->id()});
    const View& view = book.views.latest();
    const auto place = [&](const Machine* one) {
        const auto index = view.index_of(one->key());
        return index ? index->value() : view.members.size() + one->number;
    };
    app::ForkLedger request;
    const Machine* eldest = &machine;
    for (const Machine* other : those_in(book)) {
        if (place(other) < place(eldest)) eldest = other;
        const bool is_seen =
            other != &machine && other->runs() && links_->is_up(machine.number, other->number);
        if (!plan_.names_few || is_seen) request.members.push_back(other->key());
    }
    if (eldest == &machine) ask(machine, std::move(request));
}

// It comes back to a fork, and its operator does not wait until it has all that this goes on from.
void World::hear_of_fork(Machine& machine, const app::LedgerNews& news) {
    if (!plan_.quorum_dies || !machine.runs() || !machine.ledger || machine.is_refused) return;
    const LedgerBook* fork = may_settle(machine.ledger) ? nullptr : ledgers_.fork_of(*machine.ledger);
    if (fork && fork->id() == news.ledger()) ask(machine, app::ForkLedger{{}, fork->id()});
}

// Somebody believes that the others are gone, and they are not: the node sees them.
void World::fork_hastily() {
    Machine* machine = someone_running();
    if (!machine || !machine->ledger || !may_settle(machine->ledger) || !sees_a_quorum(*machine)) return;
    ask(*machine, app::ForkLedger{});
}

// For so long that it must have noticed.
bool World::sees_a_quorum(const Machine& machine) const {
    const View& view = machine.shadow->view();
    std::set<std::size_t> here;
    for (const auto& other : machines_) {
        const auto index = view.index_of(other->key());
        const bool is_seen = other->ledger == machine.ledger &&
                             links_->hears_for_us(machine.number, other->number) > session_is_old_us;
        if (index && (is_seen || other.get() == &machine)) here.insert(index->value());
    }
    return is_quorum_of(view, here);
}

void World::note_forked(Machine& machine, ByteView record) {
    const auto news = app::decode_ledger_news(record, rules_.network);
    if (!news.ok()) return fail_at(machine.number, news.error().message);
    LedgerBook* origin = machine.ledger;
    if (!origin) return fail_at(machine.number, "forks a ledger that it does not have");
    const auto fork = std::ranges::find(news->forks, machine.shadow->view_name(), &View::previous);
    if (fork == news->forks.end())
        return fail_at(machine.number, "enters a fork that does not go on from where it is");
    const bool is_known = ledgers_.find_ledger(fork->ledger) != nullptr;
    const bool is_founder = machine.runs() && !is_known;
    check(machine, machine.shadow->check_fork(*fork));
    if (is_founder) check_founds_fork(machine, *fork);
    const std::size_t void_before = machine.shadow->voided().size();
    // What an earlier process settled and had not on its disk when it crashed it told nobody of: see Clients.
    machine.own_log = machine.own_log.up_to(fork->log_length);
    check(machine, machine.shadow->install(*fork, machine.own_log, &origin->log));
    machine.ledger = &ledgers_.add_fork(*origin, *fork);
    note_void_blocks(machine, void_before);
    note_standing_still(machine, 0);
    machine.was_observer = machine.was_observer || !fork->index_of(machine.key());
    machine.last_view = std::max(machine.last_view, fork->number);
    limit_settling(machine);
    if (!machine.runs()) return rare_.add(Rare::restart_in_fork);
    rare_.add(is_founder                ? Rare::ledger_forked
              : machine.follows.empty() ? Rare::fork_accepted
                                        : Rare::fork_followed);
    rare_.add(Rare::fork_void_block, machine.shadow->voided().size() - void_before);
    trace_.say(scheduler_.now_us(), [&] {
        return "node " + std::to_string(machine.number) + (is_founder ? " founds" : " enters") + " fork " +
               short_name(fork->ledger) + " of " + std::to_string(fork->members.size()) + " behind " +
               std::to_string(fork->log_length) + " commits, " +
               std::to_string(machine.shadow->voided().size() - void_before) + " void blocks";
    });
}

// No quorum is there, and what had settled at its members when the operator asked is kept. What settles while
// they answer may be more: such a member refuses the fork.
void World::check_founds_fork(const Machine& machine, const View& fork) {
    if (!machine.asked) fail_at(machine.number, "forks its ledger, and no operator asked for that");
    if (sees_a_quorum(machine)) fail_at(machine.number, "forks its ledger, and a quorum of it is here");
    for (const auto& other : machines_)
        if (fork.index_of(other->key()) && other->runs() && other->ledger == machine.ledger &&
            machine.settled_when_asked[other->number] > fork.log_length)
            fail_at(machine.number, "founds a fork that lacks what has settled at node " +
                                        std::to_string(other->number) + ", which is to be a member");
}

// What a node that follows forks knows of the end of the view that it is in.
void World::limit_settling(Machine& machine) {
    const auto fork = std::ranges::find(machine.follows, machine.shadow->view_name(), &View::previous);
    if (fork != machine.follows.end()) machine.shadow->limit(fork->base_round);
}

// It is on the disk.
void World::keep_forked(Machine& machine, ByteView record) {
    const auto news = app::decode_ledger_news(record, rules_.network).value();
    for (const View& fork : news.forks)
        if (LedgerBook* book = ledgers_.find_ledger(fork.ledger)) {
            machine.durable.is_durable(digest_of(fork));
            book->is_durable = true;
        }
    machine.bound = news.ledger();
}

// --- adoptions
// --------------------------------------------------------------------------------------------------

void World::adopt_somewhere() {
    Machine* machine = someone_running();
    const bool is_settled = machine && machine->ledger && !machine->claimed.is_zero();
    const bool has_spare = std::ranges::any_of(machines_, [](const auto& one) { return one->is_unused(); });
    // Else the last one that keeps a ledger might give it up while another is on the way there.
    const bool is_one_under_way = std::ranges::any_of(machines_, [](const auto& one) {
        return one->asked || (one->adopts && one->state != ProcessState::gone && !one->ledger);
    });
    if (!is_settled || !has_spare || machine->is_draining || is_one_under_way) return;
    std::vector<Digest> others;
    for (const auto& other : machines_)
        if (other->runs() && !other->claimed.is_zero() && other->claimed != machine->claimed)
            others.push_back(other->claimed);
    if (!others.empty())
        ask(*machine, app::AdoptLedger{others[static_cast<std::size_t>(random_.below(others.size()))]});
}

// The process notes that durably, archives all it has, and starts anew under another key.
void World::gave_up(Machine& machine, const app::Effects& effects) {
    const app::GivenUpLedger& given_up = *effects.adopt;
    check_given_up(machine, given_up);
    if (draw(crashes_one_in) == 0) {  // before the note was on the disk
        rare_.add(Rare::adoption_crashed);
        return kill(machine, true);
    }
    trace_.say(scheduler_.now_us(), [&] {
        return "node " + std::to_string(machine.number) + " gives ledger " + short_name(given_up.ledger) +
               " up for " + short_name(given_up.adopted);
    });
    rare_.add(Rare::ledger_adopted);
    if (machine.has_adopted_as_member) rare_.add(Rare::member_adopted);
    const auto spare = std::ranges::find_if(machines_, [](const auto& one) { return one->is_unused(); });
    const bool is_last = spare == machines_.end();
    kill(machine, false);
    if (is_last) return;
    (*spare)->adopts = given_up.adopted;
    scheduler_.after(1 + draw_us(operator_us), [this, next = spare->get()] { start(*next); });
}

// Those who stay have gone on without it; and all that had settled here is told as retracted: every trade is
// counted, and nobody waits for an answer.
void World::check_given_up(const Machine& machine, const app::GivenUpLedger& given_up) {
    const LedgerBook* book = machine.ledger;
    if (!book || given_up.ledger != book->id()) return fail_at(machine.number, "gives another ledger up");
    if (!machine.asked) fail_at(machine.number, "gives its ledger up, and no operator asked for that");
    // An observer that was let in and then cut off, before it heard of that, has no block in the view.
    const View& view = book->views.latest();
    const bool may_know = std::ranges::any_of(machines_, [&](const auto& other) {
        return other->ledger == book && other->view == digest_of(view) && view.index_of(other->key()) &&
               links_->hears_for_us(machine.number, other->number) > session_is_old_us;
    });
    const auto is_one_of_several = [&](const View& one) {
        return one.index_of(machine.key()) && one.members.size() > 1;
    };
    if (is_one_of_several(machine.shadow->view()) || (is_one_of_several(view) && may_know))
        fail_at(machine.number, "gives its ledger up, and the others wait for it");
    if (given_up.settled_commits != machine.shadow->settled_length() ||
        given_up.settled_trades != machine.tape.settled_count())
        fail_at(machine.number, "retracts other trades than those that had settled");
    if (clients_->waits_at(machine.number))
        fail_at(machine.number, "gives its ledger up and leaves a request without an answer");
}

}  // namespace peerbook::sim
