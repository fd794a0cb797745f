// Nodes without a ledger, which found or find one; strangers that are let in; and nodes that are told to
// stop: RULES.md, rules 16 and 18 to 20.
#include <algorithm>

#include "app/node/chains.h"
#include "app/node/founding.h"
#include "tests/sim/machine.h"

namespace peerbook::sim {

using namespace exchange;
using State = app::LedgerNews::State;
using Source = app::NodeOptions::LedgerSource;

namespace {

constexpr std::int64_t ms = 1'000;
const testing::CheapVerifier verifier;
constexpr std::int64_t stop_us_max = 5'000 * ms;  // then the process ends whatever it waits for: run_node.cc

}  // namespace

// What the process is started with.
View World::first_view_of(const Machine& machine) const {
    if (machine.adopts) return make_no_ledger(machine.key());
    if (named_) return named_->views.first();
    if (plan_.operator_founds && machine.number == 0)
        return make_first_view(rules_.network, {machine.key()}).value();
    return make_no_ledger(machine.key());
}

app::NodeOptions World::options_of(const Machine& machine) {
    app::NodeOptions options = plan_.node;
    options.random_seed = random_.next();
    if (plan_.founds)
        options.ledger_source =
            plan_.operator_founds && machine.number == 0 ? Source::operator_found : Source::peers;
    if (machine.adopts) {
        options.ledger_source = Source::peers;
        options.founding.only = machine.adopts;
    }
    return options;
}

// --- a ledger is entered or left
// --------------------------------------------------------------------------------

void World::note_rebind(Machine& machine, app::RecordKind kind, ByteView record) {
    if (!plan_.founds) return fail_at(machine.number, "leaves the ledger that the network file names");
    const std::size_t void_before = machine.shadow->voided().size();
    View first =
        make_no_ledger_again(machine.key(), machine.shadow->last_no_ledger(), machine.shadow->view_name());
    if (kind == app::RecordKind::entered) {
        const auto news = app::decode_ledger_news(record, rules_.network);
        if (!news.ok()) return fail_at(machine.number, news.error().message);
        note_entered(machine, *news);
        first = *news->first;
    } else {
        note_left(machine, first);
    }
    check(machine, machine.shadow->rebind(first));
    limit_settling(machine);
    note_void_blocks(machine, void_before);
    note_standing_still(machine, 0);
    rare_.add(Rare::void_of_no_ledger,
              kind == app::RecordKind::entered ? machine.shadow->voided().size() - void_before : 0);
    trace_.say(scheduler_.now_us(), [&] {
        return "node " + std::to_string(machine.number) +
               (kind == app::RecordKind::entered ? " enters" : " is without a ledger, it leaves") +
               " ledger " + short_name(machine.ledger ? machine.ledger->id() : Digest{}) + " with " +
               std::to_string(machine.shadow->voided().size() - void_before) + " blocks to issue again";
    });
}

void World::note_entered(Machine& machine, const app::LedgerNews& news) {
    const View& first = *news.first;
    if (machine.adopts && news.ledger() != *machine.adopts)
        fail_at(machine.number, "enters another ledger than the one that its operator adopted");
    const bool is_founder = news.founding > 0 && first.members.front() == machine.key();
    LedgerBook* known = ledgers_.find_ledger(first.ledger);
    if (machine.left.contains(first.ledger))
        fail_at(machine.number, "enters a ledger that it gave up or left");
    if (machine.runs() && is_founder && known && known->is_durable)
        fail_at(machine.number, "founds a ledger that was founded before");
    if (machine.runs() && !is_founder && (!known || !known->is_durable))
        fail_at(machine.number, "enters a ledger that its founder does not have on its disk");
    machine.ledger = &ledgers_.add(first);
    machine.follows = news.forks;
    machine.ledger->is_founded = news.founding > 0;
    if (!first.index_of(machine.key())) machine.was_observer = true;
    if (!machine.runs()) return;
    if (is_founder) rare_.add(Rare::ledger_founded);
    if (plan_.entry_is_silent && !first.index_of(machine.key())) silence_entry(machine);
    if (!first.index_of(machine.key())) rare_.add(Rare::entered_as_observer);
}

void World::note_left(Machine& machine, const View& first) {
    LedgerBook* book = machine.ledger;
    if (!book) return fail_at(machine.number, "leaves a ledger and has none");
    const View& left = book->views.first();
    ledgers_.add_no_ledger(first);
    const bool is_founder = left.members.front() == machine.key();
    const bool is_member = left.index_of(machine.key()).has_value();
    if (is_member) machine.left.insert(left.ledger);
    if (is_founder && machine.shadow->founder_has_second())
        fail_at(machine.number, "gives up a ledger that is established");
    if (is_member && !is_founder && !book->is_given_up)
        fail_at(machine.number, "leaves a ledger that its founder did not give up");
    if (!is_member && knows_established(machine))
        fail_at(machine.number, "leaves a ledger that is established");
    machine.ledger = nullptr;
    machine.follows.clear();
    if (machine.runs())
        rare_.add(is_founder  ? Rare::ledger_given_up
                  : is_member ? Rare::founding_left
                              : Rare::unknown_ledger_left);
}

void World::note_void_blocks(Machine& machine, std::size_t void_before) {
    for (std::size_t i = void_before; i < machine.shadow->voided().size(); ++i)
        if (const auto made = machine.first_issued.find(machine.shadow->voided()[i]);
            made != machine.first_issued.end())
            machine.to_issue_again.emplace(made->second, book_->find(made->first)->header.payload_root);
}

// Members are to issue what waited first, because nobody lets the node in.
void World::note_handed_over(Machine& machine) {
    rare_.add(Rare::void_handed_over);
    if (machine.shadow->view().index_of(machine.key()))
        check_view(machine, "is a member and lets others issue its void blocks");
    if (machine.to_issue_again.empty()) return check_view(machine, "hands over what does not wait");
    machine.to_issue_again.erase(machine.to_issue_again.begin());
}

// It is on the disk.
void World::keep_rebind(Machine& machine, app::RecordKind kind, ByteView record) {
    if (kind == app::RecordKind::entered) {
        const auto news = app::decode_ledger_news(record, rules_.network).value();
        const View& first = *news.first;
        machine.durable.is_durable(digest_of(first));
        machine.bound = news.ledger();
        if (first.members.front() == machine.key()) ledgers_.add(first).is_durable = true;
        return;
    }
    LedgerBook* book = ledgers_.find_ledger(std::exchange(machine.bound, Digest{}));
    if (!book || book->views.first().members.front() != machine.key()) return;
    book->is_given_up = true;
    if (!book->log.blocks().empty()) fail_at(machine.number, "gives up a ledger in which something settled");
}

// --- what is said of it
// -------------------------------------------------------------------------------------------

void World::check_news_leaves(Machine& machine, ByteView bytes) {
    if (!plan_.founds && !plan_.quorum_dies)
        return fail_at(machine.number, "speaks of its ledger, which the network file names");
    const auto news = app::decode_ledger_news(bytes, rules_.network);
    if (!news.ok()) return fail_at(machine.number, news.error().message);
    if (news->state == State::none) {
        if (!machine.bound.is_zero())
            fail_at(machine.number, "says that it has no ledger, and its disk names one");
        return;
    }
    LedgerBook* book = ledgers_.find_ledger(news->ledger());
    if (news->state == State::given_up) {
        if (!book || !book->is_given_up)
            fail_at(machine.number, "says that it gave up a ledger before that is durable");
        return;
    }
    if (!book || machine.bound != news->ledger())
        return fail_at(machine.number, "speaks of a ledger before it is durable that it is in it");
    if (news->state != State::established) return;
    if (!book->is_established) rare_.add(Rare::ledger_established);
    book->is_established = true;
    if (!knows_established(machine))
        fail_at(machine.number, "says that a ledger is established before it is");
}

// Rule 20, by what it holds.
bool World::knows_established(const Machine& machine) const {
    const Shadow& shadow = *machine.shadow;
    if (!machine.ledger || shadow.view().number > 1 || first_view_of(machine).number == 1)
        return machine.ledger != nullptr;
    return machine.ledger->is_founded ? shadow.founder_has_second() : shadow.has_blocks();
}

// It is written down, so that its nonces are not given away again; it overtakes nothing that its users sent
// before; and, rule 19, users' commands go only where the node is bound for good.
void World::check_batch_leaves(Machine& machine, ByteView batch) {
    const auto decoded = decode_signed_batch(batch, rules_.network, rules_.rules_version, verifier);
    if (!decoded.ok()) return fail_at(machine.number, decoded.error().message);
    check_numbers(machine, *decoded);
    if (!machine.to_issue_again.empty())
        check_view(machine, "a batch leaves while void blocks wait to be issued again before it");
    Bytes record{static_cast<std::uint8_t>(app::RecordKind::relayed)};
    record.insert(record.end(), batch.begin(), batch.end());
    if (!machine.durable.holds(digest_of_record(record)))
        fail_at(machine.number, "a batch leaves before it is durable");
    if (!plan_.founds) return;
    // One that follows forks is bound to the last of them.
    const bool is_bound =
        machine.ledger && (machine.bound == machine.ledger->id() || !machine.follows.empty());
    if (!is_bound || !knows_established(machine))
        fail_at(machine.number, "sends its users' commands into a ledger that it is not bound to");
}

// What its members send comes late, and what it sends to them does not.
void World::silence_entry(const Machine& machine) {
    if (draw(2) == 0) return;
    rare_.add(Rare::entry_was_silent);
    const std::int64_t for_us = plan_.node.founding.patience.ns / 1'000 / 2;
    for (const auto& other : machines_)
        links_->hold(other->number, machine.number, for_us);
}

// --- strangers
// ----------------------------------------------------------------------------------------------------

void World::give_invitations(Machine& machine) const {
    if (!named_ || !admission_.invited.contains(machine.key())) return;
    std::vector<Invitation> invitations;
    for (const auto& inviter : machines_)
        if (inviter->key() != machine.key())
            invitations.push_back(make_invitation(rules_.network, named_->id(), machine.key(),
                                                  {invitation_expiry_max_ms}, *inviter->signer));
    machine.node->set_invitations(std::move(invitations));
}

// --- who is told to stop
// ------------------------------------------------------------------------------------------

// One, or several at about the same time.
void World::stop_some() {
    const bool is_one = draw(3) > 0;
    const std::uint64_t chosen =
        is_one ? std::uint64_t{1} << draw_us(static_cast<std::int64_t>(nodes())) : random_.next();
    for (std::size_t i = 0; i < nodes(); ++i) {
        if ((chosen >> i & 1) == 0) continue;
        const bool for_good = is_one && std::exchange(plan_.stops_for_good, false);
        scheduler_.after(
            1 + draw_us(is_one ? 1 : 200 * ms), [this, i, for_good, process = machines_[i]->process] {
                Machine& machine = *machines_[i];
                if (machine.process == process && machine.runs() && !machine.is_draining && !healing_)
                    stop(machine, for_good);
            });
    }
}

void World::stop(Machine& machine, bool for_good) {
    rare_.add(Rare::asked_to_stop);
    trace_.say(scheduler_.now_us(), [&] {
        return "node " + std::to_string(machine.number) + " is told to stop" + (for_good ? " for good" : "");
    });
    machine.is_draining = true;
    machine.is_back = !for_good;
    machine.away_us = some_silence_us();
    put(machine, [](app::Node& node, Now, app::Effects&) { node.drain(); });
    scheduler_.after(stop_us_max, [this, &machine, process = machine.process] {
        if (machine.process != process || !machine.is_draining) return;
        kill(machine, machine.is_back, machine.away_us);
    });
}

// The node is idle: what waits for the disk is still written.
void World::end_if_written(Machine& machine) {
    if (!machine.is_ending || machine.is_writing || !machine.appends.empty()) return;
    trace_.say(scheduler_.now_us(),
               [&] { return "node " + std::to_string(machine.number) + " ends as it was told"; });
    if (!machine.is_back && machine.has_left) rare_.add(Rare::left_for_good);
    kill(machine, machine.is_back, healing_ ? 0 : machine.away_us);
}

// What it says when it ends.
void World::note_leaving(Machine& machine, const std::string& log) {
    if (log.starts_with("stopping without")) rare_.add(Rare::leave_timed_out);
    if (log.starts_with("stopping as a member")) rare_.add(Rare::nobody_stays);
    if (!log.starts_with("left:")) return;
    rare_.add(Rare::left_on_request);
    if (std::any_of(machines_.begin(), machines_.end(),
                    [&](const auto& other) { return other.get() != &machine && other->is_draining; }))
        rare_.add(Rare::left_with_others);
    machine.has_left = true;
    check_view(machine,
               machine.shadow->view().index_of(machine.key()) ? "says that it left, and is a member" : "");
    // It may have ended by now, which a quorum has seen to.
    const bool is_same = log.starts_with("left: view " + std::to_string(machine.shadow->view().number) + " ");
    if (is_same && !is_quorum_of(machine.shadow->view(), machine.shadow->members_with_blocks()))
        check_view(machine, "says that it left, and the view without it has not begun");
    if (machine.shadow->unsettled_count() > 0 &&
        std::any_of(machine.first_issued.begin(), machine.first_issued.end(),
                    [&](const auto& issued) { return machine.shadow->is_unsettled(issued.first); }))
        check_view(machine, "says that it left, and a block of its own is not settled");
}

// It said that it left; so nobody waits for it, however long it was away.
void World::check_stays_left(const Machine& machine) {
    if (!machine.has_left || !machine.ledger) return;
    rare_.add(Rare::leaver_returned);
    if (machine.ledger->views.latest().index_of(machine.key()))
        check_view(machine, "is a member after it said that it left");
}

}  // namespace peerbook::sim
