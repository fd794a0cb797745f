// When all is quiet after everything was healed, and what must hold then.
#include <algorithm>
#include <numeric>

#include "tests/sim/machine.h"

namespace peerbook::sim {

using namespace exchange;

// Nothing where nodes are in several views.
std::optional<World::Held> World::held_now() const {
    Held held;
    held.at_us = scheduler_.now_us();
    for (const auto& machine : machines_) {
        if (!machine->runs()) continue;
        const VersionVector& seqs = machine->node->ledger().version_vector();
        if (held.seqs.empty()) held.view = machine->view;
        if (machine->view != held.view) return std::nullopt;
        held.seqs.resize(seqs.size());
        for (std::size_t i = 0; i < seqs.size(); ++i)
            held.seqs[i] = std::max(held.seqs[i], seqs[i]);
    }
    return held;
}

bool World::all_hold(const Held& held) const {
    return std::all_of(machines_.begin(), machines_.end(), [&](const auto& machine) {
        if (!machine->runs()) return true;
        const VersionVector& seqs = machine->node->ledger().version_vector();
        if (machine->view != held.view || seqs.size() != held.seqs.size()) return false;
        for (std::size_t i = 0; i < seqs.size(); ++i)
            if (seqs[i] < held.seqs[i]) return false;
        return true;
    });
}

// Not where a block may have been dropped for want of room, or where nobody but a strange peer knows of one:
// those come with the next exchange of version vectors only. Nor where there may be several ledgers.
bool World::must_be_equal_soon() const {
    return !plan_.founds && !plan_.quorum_dies && plan_.node.ledger.suspended_per_author_max >= 1'000 &&
           may_settle(named_) && !equivocation_ && (plan_.tricks & trick_withhold) == 0;
}

// Those of the last view who are left can settle and end it, and can hear that it was decided.
bool World::may_settle(const LedgerBook* book) const {
    if (!book) return false;
    if (!plan_.views_change()) return !member_gone_;
    const View& view = book->views.latest();
    return has_quorum_left(view) && can_come_to(*book, view);
}

bool World::has_quorum_left(const View& view) const {
    std::set<std::size_t> here;
    for (const auto& machine : machines_)
        if (const auto index = view.index_of(machine->key()); index && machine->state != ProcessState::gone)
            here.insert(index->value());
    return is_quorum_of(view, here);
}

// Somebody who lives has its record, or enough of those who decided it live to do so again.
bool World::can_come_to(const LedgerBook& book, const View& view) const {
    const Digest name = digest_of(view);
    const View* before = book.views.find(view.previous);
    if (!before) return true;
    const bool is_known = std::ranges::any_of(machines_, [&](const auto& machine) {
        return machine->state != ProcessState::gone &&
               (machine->view == name || machine->durable.holds(name));
    });
    return is_known || (has_quorum_left(*before) && can_come_to(book, *before));
}

// All that live and may be members are, and those who do not live are left out.
bool World::all_in_last_view(const LedgerBook& book) const {
    const View& view = book.views.latest();
    const Digest name = digest_of(view);
    return std::all_of(machines_.begin(), machines_.end(), [&](const auto& machine) {
        if (machine->ledger != &book || machine->number >= nodes()) return true;
        const bool is_in = view.index_of(machine->key()).has_value();
        if (machine->state == ProcessState::gone) return !is_in;
        return is_in == book.views.may_be_member(machine->key()) && machine->view == name;
    });
}

// Rule 17: where views change, those that do not cheat go on without the one that does, if they are a quorum.
// One that settled what the others call void stopped.
bool World::cheat_is_left_out() const {
    if (plan_.trouble != Trouble::equivocator || !plan_.views_change() || !twins_noticed_ || !named_)
        return true;
    const View& view = named_->views.latest();
    std::set<std::size_t> honest;
    for (const auto& machine : machines_)
        if (const auto index = view.index_of(machine->key()); index && machine->runs() && !machine->mutator)
            honest.insert(index->value());
    if (!is_quorum_of(view, honest)) return true;
    const Digest name = digest_of(view);
    return std::all_of(machines_.begin(), machines_.end(), [&](const auto& machine) {
        if (machine->mutator) return !view.index_of(machine->key());
        if (!machine->runs() || !machine->is_member || !machine->node->halted().empty()) return true;
        return machine->view == name;
    });
}

// Who is without a ledger, or in one that nobody has established, waits for nobody who is here.
bool World::has_its_ledger(const Machine& machine) const {
    if (!plan_.founds || !machine.claimed.is_zero()) return true;
    const View* first = machine.ledger ? &machine.ledger->views.first() : nullptr;
    // It waits for the ledger that its operator named, which nobody may keep any more.
    if (!first && machine.adopts)
        return std::none_of(machines_.begin(), machines_.end(), [&](const auto& other) {
            return other->runs() && other->claimed == *machine.adopts;
        });
    // Its founder gives it up some time, and so does who only observes. The second node leaves when its
    // founder says so, and nobody else can do anything for it.
    if (first && (first->members.front() == machine.key() || !first->index_of(machine.key()))) return false;
    return std::none_of(machines_.begin(), machines_.end(), [&](const auto& other) {
        if (!other->runs() || other.get() == &machine) return false;
        if (first) return other->key() == first->members.front();
        return other->ledger ? !other->claimed.is_zero() : !other->adopts;
    });
}

bool World::is_quiet() const {
    std::map<const LedgerBook*, const Machine*> first;
    for (const auto& machine : machines_) {
        if (machine->state == ProcessState::gone) continue;
        if (!machine->runs()) {
            // The second process was never started, nor was one that an operator would need.
            if (machine->number >= nodes() || machine->is_unused()) continue;
            return false;
        }
        if (machine->is_draining || machine->asked || !has_its_ledger(*machine)) return false;
        // Its operator is to take it to a fork, but for a ledger that was never established.
        if (plan_.quorum_dies && machine->ledger && !machine->claimed.is_zero() &&
            !may_settle(machine->ledger) && !machine->is_refused)
            return false;
        const bool full = may_settle(machine->ledger) && !equivocation_;
        const Machine* other =
            machine->ledger ? first.emplace(machine->ledger, machine.get()).first->second : machine.get();
        if (!is_quiet(*machine, *other, full)) return false;
    }
    bool all_settle = true;
    for (const auto& [book, one] : first) {
        const bool full = may_settle(book) && !equivocation_;
        if (full && plan_.views_change() && !all_in_last_view(*book)) return false;
        all_settle = all_settle && full;
    }
    // A client whose node is cut off from the rest for good may wait for ever.
    return !all_settle || first.empty() || clients_->done();
}

bool World::is_quiet(const Machine& machine, const Machine& first, bool full) const {
    const OpenLedger& ledger = machine.node->ledger();
    const LedgerStats stats = ledger.stats();
    if (stats.commits != machine.shadow->log_count()) return false;
    if (machine.is_writing || !machine.write_queue.empty()) return false;
    if (equivocation_) return cheat_is_left_out();
    if (machine.view != first.view || ledger.version_vector() != first.node->ledger().version_vector())
        return false;
    if (!full) return true;
    if (stats.unsettled_commands > 0 || !machine.node->idle()) return false;
    if (ledger.engine().next_deadline()) return false;
    return machine.mutator || plan_.trouble != Trouble::none ||
           (stats.blocks_suspended == 0 && stats.blocks_held_back == 0);
}

std::string World::waiting_text() const {
    std::string text = "not everything settled after it was healed; " + clients_->waiting_text();
    for (const auto& machine : machines_) {
        if (!machine->runs()) continue;
        const LedgerStats stats = machine->node->ledger().stats();
        const View& view = machine->node->ledger().view();
        text += "; node " + std::to_string(machine->number) + ": " +
                (plan_.founds ? "ledger " + short_name(view.ledger) +
                                    (machine->claimed.is_zero() ? ", not established, " : ", ")
                              : "") +
                "view " + std::to_string(view.number) + " of " + std::to_string(view.members.size()) + ", " +
                std::to_string(stats.blocks_accepted) + " blocks, " +
                std::to_string(stats.unsettled_commands) + " commands unsettled, " +
                std::to_string(stats.blocks_suspended) + " blocks suspended";
    }
    return text;
}

// --- the end
// ----------------------------------------------------------------------------------------------------

std::vector<World::Group> World::groups() const {
    std::vector<Group> groups;
    for (const auto& [id, book] : ledgers_.all())
        groups.push_back({book.get(), {}, may_settle(book.get()) && !equivocation_});
    for (const auto& machine : machines_) {
        if (!machine->runs()) continue;
        const auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& one) {
            return one.book && one.book == machine->ledger;
        });
        if (group != groups.end())
            group->running.push_back(machine.get());
        else
            groups.push_back({nullptr, {machine.get()}, false});
    }
    return groups;
}

void World::check_end() {
    figures_.virtual_us = scheduler_.now_us();
    for (const auto& machine : machines_)
        if (machine->runs())
            if (const Status sound = machine->node->ledger().engine().check_invariants(); !sound.ok())
                fail_at(machine->number, sound.error().message);
    rare_.add(Rare::state_compared, states_.compared());
    if (equivocation_) return;
    std::set<CommandName> everywhere;
    for (const Group& group : groups()) {
        check_equal(group);
        if (failure_.empty()) check_log(group, everywhere);
    }
    count_at_end();
}

void World::check_equal(const Group& group) {
    const Machine* first = group.running.empty() ? nullptr : group.running.front();
    for (const Machine* machine : group.running) {
        const Engine& engine = machine->node->ledger().engine();
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
        if (!group.settles) continue;
        const auto open = machine->node->tape().unsettled({}, {}, SIZE_MAX);
        if (std::any_of(open.begin(), open.end(),
                        [](const app::TradeView& trade) { return trade.grade != app::Grade::retracted; }))
            fail_at(machine->number, "everything is settled, and a trade is listed as provisional");
    }
}

void World::count_at_end() {
    std::size_t established = 0;
    for (const auto& [id, book] : ledgers_.all()) {
        figures_.trades += book->trades.count();
        figures_.commits += book->log.blocks().size();
        rare_.add(Rare::root_compared, book->roots.compared());
        established += std::any_of(machines_.begin(), machines_.end(), [&](const auto& machine) {
            return machine->ledger == book.get() && !machine->claimed.is_zero();
        });
    }
    if (established > 1) rare_.add(Rare::two_ledgers);
    rare_.add(Rare::nonce_from_node, clients_->numbered_by_nodes());
    for (const auto& machine : machines_)
        if (machine->runs() && machine->ledger && admission_.joining == Joining::invited &&
            !machine->ledger->views.may_be_member(machine->key()))
            rare_.add(Rare::uninvited_kept_out);
    for (const auto& machine : machines_)
        if (machine->runs() && machine->ledger && machine->adopts &&
            machine->ledger->views.latest().index_of(machine->key()))
            rare_.add(Rare::adopter_let_in);
}

void World::execute_once(Engine& engine, const VerifiedBlock& block, Outcomes& outcomes) {
    EventBuffer events;
    engine.apply({block.header.timestamp, block.header.rules_version, block.batches}, events);
    auto name = [&](const OrderKey& key) { return CommandName(engine.account_id(key.account), key.ref()); };
    std::vector<CommandName> commands;
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
            if (name(key) == commands[event.command]) outcomes[name(key)].filled += event.quantity.value();
    }
    figures_.commands += block.command_count;
}

// The settled log, executed once and without ever going back, says what clients were to be told.
void World::check_log(const Group& group, std::set<CommandName>& everywhere) {
    Outcomes outcomes;
    Engine engine(rules_);
    auto settled_length = [](const Machine& machine) {
        return machine.node->ledger().settled_prefix().length;
    };
    const Machine* alive = nullptr;  // who settled most
    for (const Machine* machine : group.running)
        if (!alive || settled_length(*machine) > settled_length(*alive)) alive = machine;
    const std::vector<Digest> log = group.book ? group.book->log.blocks() : std::vector<Digest>();
    // What executed in a ledger that goes on in this one executed there, and what only lost members had
    // settled may execute again.
    const std::uint64_t inherited = group.book ? group.book->inherited : 0;
    const LedgerBook* fork = group.book ? ledgers_.fork_of(*group.book) : nullptr;
    const std::uint64_t passed_on = fork ? fork->inherited : log.size();
    Outcomes before, until = outcomes;
    std::uint64_t place = 0;
    for (const Digest& digest : log) {
        execute_once(engine, *book_->find(digest), outcomes);
        if (place + 1 == passed_on) until = outcomes;
        if (place + 1 == inherited) before = outcomes;
        const auto root = group.book->root_by_commit.find(++place);
        if (root != group.book->root_by_commit.end() && state_root_of(engine.freeze()) != root->second)
            fail("the state root of commit " + std::to_string(place) +
                 " is not that of the log executed once");
    }
    Outcomes settled = outcomes;
    if (alive) {
        const std::set<Digest> in_log(log.begin(), log.end());
        for (const Digest& digest : alive->shadow->unsettled())
            if (!in_log.contains(digest)) execute_once(engine, *book_->find(digest), outcomes);
        if (settled_length(*alive) == log.size() &&
            engine.state_digest() != alive->node->ledger().engine().state_digest())
            fail("executing the log once gives another state than the nodes have");
    }
    // Where a view change leaves a command out and a cancel burns its nonce before it comes again, nobody
    // carries it any more.
    std::set<std::pair<AccountId, std::uint64_t>> burnt;
    for (const Digest& digest : log)
        for (const CommandBatch& batch : book_->find(digest)->batches)
            for (const BatchCommand& command : batch.commands)
                if (const auto* cancel = std::get_if<CancelOrder>(&command.body))
                    burnt.emplace(batch.accounts[command.account], cancel->target.nonce);
    for (const Told& told : clients_->told()) {
        const bool is_burnt = burnt.contains({told.account, told.result.ref.nonce});
        if (!is_burnt || told.grade == app::Grade::settled) continue;
        settled.try_emplace({told.account, told.result.ref});
        outcomes.try_emplace({told.account, told.result.ref});
    }
    for (const auto& [name, outcome] : outcomes) {
        const std::string command = "command " + std::to_string(name.second.nonce) + " of an account ";
        if (outcome.accepted > 1)
            return fail(command + "executed " + std::to_string(outcome.accepted) + " times");
        const auto had = before.find(name);
        if (outcome.accepted == 0 || (had != before.end() && had->second.accepted > 0)) continue;
        if (fork && until.find(name) == until.end()) continue;
        if (!everywhere.insert(name).second) return fail(command + "executed in two ledgers");
    }
    check_answers(group, settled, outcomes);
}

void World::check_answers(const Group& group, const Outcomes& settled, const Outcomes& all) {
    for (const Told& told : clients_->told()) {
        const Machine& teller = *machines_[told.node];
        const bool is_of_group = group.book ? teller.ledger == group.book : &teller == group.running.front();
        const app::CommandResult& result = told.result;
        if (!is_of_group || told.block == 0 || result.reason == Reason::nonce_used ||
            result.reason == Reason::unknown_order)
            continue;
        // What a member promised whose disk is lost, only that disk may have known.
        const bool is_disk_lost = teller.state == ProcessState::gone || teller.store_was_taken;
        if (told.grade != app::Grade::settled && is_disk_lost) continue;
        const auto& where = told.grade == app::Grade::settled || group.settles ? settled : all;
        const auto found = where.find(CommandName(told.account, result.ref));
        if (found == where.end()) {
            // Where nothing settles any more, what was provisional may wait for ever: it is held, or void and
            // waits at a member that nobody can let in again.
            if (told.grade != app::Grade::settled && !group.settles && plan_.views_change()) continue;
            return fail("a command that node " + std::to_string(told.node) + " acknowledged as " +
                        to_string(told.grade) + " in block " + std::to_string(told.block) +
                        " is not in the log: nonce " + std::to_string(result.ref.nonce) + " " +
                        to_string(result.status) + " " + describe(result.reason));
        }
        if (told.grade != app::Grade::settled || !result.quotes.empty()) continue;
        const Outcome& outcome = found->second;
        const bool rejected = result.status == app::CommandStatus::rejected;
        if (rejected ? !outcome.refusals.contains(result.reason)
                     : outcome.accepted == 0 || result.filled.value() != outcome.filled)
            return fail("a settled answer of node " + std::to_string(told.node) + ", in block " +
                        std::to_string(told.block) + ", says something else than the log: nonce " +
                        std::to_string(result.ref.nonce) + " " + to_string(result.status) + " " +
                        describe(result.reason) + " filled " + std::to_string(result.filled.value()) +
                        ", in the log accepted " + std::to_string(outcome.accepted) + " filled " +
                        std::to_string(outcome.filled));
    }
}

}  // namespace peerbook::sim
