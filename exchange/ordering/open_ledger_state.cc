#include "exchange/ordering/open_ledger_state.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/hash.h"

namespace peerbook::exchange {

Digest log_hash(const Digest& previous, const Digest& block) {
    return Hasher("peerbook log").add(previous.view()).add(block.view()).finish();
}

void OpenLedger::State::begin(View next) {
    if (dag) {
        accepted_before += dag->accepted_count();
        refused_before += dag->refused_count();
        dag.reset();  // it refers to the view
    }
    view = std::move(next);
    view_digest = digest_of(view);
    self_index = view.index_of(self);
    dag = std::make_unique<Dag>(view, self, limits);
    order = OpenOrder(view.base_round);
    settled_tips.assign(view.members.size(), {});
    settling_limit = std::numeric_limits<std::uint64_t>::max();
}

OpenLedger::State::InCut::InCut(const State& state, const ChainTips& cut) : cut_(cut), chains_(cut.size()) {
    for (std::uint32_t i = 0; i < cut.size(); ++i) {
        if (!state.dag->is_forked(MemberIndex(i))) continue;
        const auto chain = state.dag->own_chain(MemberIndex(i), cut[i].digest);
        chains_[i].emplace(chain.begin(), chain.end());
    }
}

bool OpenLedger::State::InCut::contains(const Commit& block) const {
    const std::uint32_t author = block.author.value();
    return chains_[author] ? chains_[author]->contains(block.block) : block.seq <= cut_[author].seq;
}

// What the DAG accepted goes to the journal (encoded) and into the order (commands).
void OpenLedger::State::collect_accepted() {
    // What settled before a fork does so whenever it is executed.
    const std::uint64_t settles = dag->is_forked() ? settled_round_now() : 0;
    for (Dag::Accepted& item : dag->take_accepted()) {
        VerifiedBlock& block = item.block;
        const BlockHeader& header = block.header;
        accepted.push_back(
            {item.author, header.seq, header.round, std::move(block.encoded), header.vote, block.digest});
        if (item.is_on_branch && header.round <= settles) continue;  // void here
        OrderedBlock ordered;
        ordered.timestamp = header.timestamp;
        ordered.rules_version = header.rules_version;
        ordered.batches = std::move(block.batches);
        ordered.commit.block = block.digest;
        ordered.commit.author = item.author;
        ordered.commit.seq = header.seq;
        ordered.commit.round = header.round;
        ordered.commit.commands = block.command_count;
        order.insert(make_log_key(header.author, header.round, block.digest), std::move(ordered));
    }
}

std::uint64_t OpenLedger::State::settled_round_now() const {
    const std::uint64_t round =
        view.number == 0 ? view.base_round : settled_round_of(view, dag->stable_rounds());
    return std::min(round, std::max(settling_limit, order.settled_round()));
}

// Which blocks settle follows from the DAG alone, so it is known before anything is executed.
void OpenLedger::State::execute(LedgerUpdate& update) {
    OpenOrder::Blocks& blocks = order.unsettled();
    const auto first = order.first_new();
    if (first == blocks.end()) return;
    settling_round = settled_round_now();
    execute_and_settle(first, update);
    order.set_settled_round(settling_round);
    dag->set_settled_round(settling_round);
    dag->prune();
}

// Executes from the first block that is new or stands behind a change, and settles up to settling_round.
void OpenLedger::State::execute_and_settle(OpenOrder::Position first, LedgerUpdate& update) {
    OpenOrder::Blocks& blocks = order.unsettled();
    const auto changed_from = first;
    wanted_checkpoint.reset();
    if (const auto wanted = last_checkpoint_up_to(settling_round); wanted != blocks.end()) {
        wanted_checkpoint = wanted->first;
        const bool is_before = first == blocks.end() || wanted->first < first->first;
        if (is_before && !wanted->second.frozen) {
            // Its state is gone: back to it, and execute what follows once more.
            for (auto it = std::next(wanted); it != first; ++it)
                ++checkpoint_replays;
            first = std::next(wanted);
        }
    }
    replay_from(first, changed_from, update);
    settle(update);
    commits = prefix.length + blocks.size();
}

// The view ends with this cut: blocks outside it leave the log, all others settle.
void OpenLedger::State::close(const ChainTips& cut, LedgerUpdate& update) {
    OpenOrder::Blocks& blocks = order.unsettled();
    const InCut in_cut(*this, cut);
    const auto is_void = [&](const OrderedBlock& block) { return !in_cut.contains(block.commit); };
    const auto first_new = order.first_new();
    auto first = blocks.begin();
    while (first != blocks.end() && first != first_new && !is_void(first->second))
        ++first;
    undo_from(first);
    for (auto it = first; it != blocks.end();) {
        const auto here = it++;
        OrderedBlock& block = here->second;
        if (!is_void(block)) continue;
        update.voided.push_back(
            {block.commit.author, block.commit.seq, block.commit.block, std::move(block.batches)});
        if (block.executed) update.retracted.push_back(std::move(block.commit));
        thaw(block);
        if (here == first) first = it;
        order.erase(here);
    }
    settling_round = std::numeric_limits<std::uint64_t>::max();
    execute_and_settle(first, update);
    std::stable_sort(update.retracted.begin(), update.retracted.end(),
                     [](const Commit& a, const Commit& b) { return a.index < b.index; });
}

// The last checkpoint among the blocks up to this round; end() for none.
OpenOrder::Position OpenLedger::State::last_checkpoint_up_to(std::uint64_t round) {
    OpenOrder::Blocks& blocks = order.unsettled();
    auto last = blocks.end();
    CheckpointSchedule schedule = settled_checkpoints;
    std::uint64_t index = prefix.length;
    WallTime time = settled_time;
    for (auto it = blocks.begin(); it != blocks.end() && it->first.round <= round; ++it) {
        time = std::max(time, it->second.timestamp);
        if (!schedule.pass(++index, time)) continue;
        last = it;
        ++checkpoints;
    }
    return last;
}

void OpenLedger::State::execute_block(OpenOrder::Position position) {
    OrderedBlock& block = position->second;
    block.before = engine.mark();
    block.in_engine = true;
    engine.apply({block.commit.time, block.rules_version, block.batches}, block.commit.events);
    ++commits_executed;
    commands_executed += block.commit.commands;
    if (block.executed) commands_replayed += block.commit.commands;
    order.note_executed(position);
}

// Of the checkpoints that settle now only the last one is needed, of those that will, the first few.
void OpenLedger::State::freeze_if_wanted(const LogKey& key, OrderedBlock& block) {
    if (key.round <= settling_round ? wanted_checkpoint == key : frozen_states < frozen_states_max)
        freeze(block);
}

void OpenLedger::State::freeze(OrderedBlock& block) {
    block.frozen = std::make_unique<FrozenState>(engine.freeze());
    ++frozen_states;
}

void OpenLedger::State::thaw(OrderedBlock& block) {
    if (block.frozen) --frozen_states;
    block.frozen.reset();
}

// Takes this block and all behind it out of the engine.
void OpenLedger::State::undo_from(OpenOrder::Position first) {
    bool undone = false;
    for (auto it = first; it != order.unsettled().end(); ++it) {
        if (!std::exchange(it->second.in_engine, false) || undone) continue;
        engine.undo_to(it->second.before);
        ++rollbacks;
        undone = true;
    }
}

void OpenLedger::State::replay_from(OpenOrder::Position first, OpenOrder::Position changed_from,
                                    LedgerUpdate& update) {
    OpenOrder::Blocks& blocks = order.unsettled();
    undo_from(first);
    std::uint64_t index = prefix.length;
    WallTime time = settled_time;
    CheckpointSchedule schedule = settled_checkpoints;
    if (first != blocks.begin()) {
        const auto previous = std::prev(first);
        index = previous->second.commit.index;
        time = previous->second.commit.time;
        schedule = previous->second.checkpoints;
        if (wanted_checkpoint == previous->first && !previous->second.frozen) freeze(previous->second);
    }
    bool is_changed = false;
    for (auto it = first; it != blocks.end(); ++it) {
        is_changed = is_changed || it == changed_from;
        OrderedBlock& block = it->second;
        Commit& commit = block.commit;
        const bool again = block.executed;
        Commit former;
        if (again) {
            EventBuffer events = std::exchange(commit.events, {});
            former = commit;
            former.events = std::move(events);
        }
        commit.index = ++index;
        commit.time = time = std::max(time, block.timestamp);
        thaw(block);
        execute_block(it);
        if (schedule.pass(index, time)) freeze_if_wanted(it->first, block);
        block.checkpoints = schedule;
        if (again && former.events == commit.events) continue;
        PB_CHECK(is_changed, "a commit executed again after the same ones has other events");
        if (again) update.retracted.push_back(std::move(former));
        update.applied.push_back(commit);
    }
    order.mark_all_executed();
}

void OpenLedger::State::settle(LedgerUpdate& update) {
    OpenOrder::Blocks& blocks = order.unsettled();
    while (!blocks.empty() && blocks.begin()->first.round <= settling_round) {
        OrderedBlock& block = blocks.begin()->second;
        if (wanted_checkpoint == blocks.begin()->first)
            checkpoint.emplace(Checkpoint{block.commit.index, std::move(*block.frozen)});
        thaw(block);
        settled_checkpoints = block.checkpoints;
        Commit commit = order.settle_first();
        PB_CHECK(commit.index == prefix.length + 1, "the settled log has no gaps");
        prefix.length = commit.index;
        prefix.hash = commit.log = log_hash(prefix.hash, commit.block);
        settled_time = commit.time;
        last_round = commit.round;
        settled_tips[commit.author.value()] = {commit.seq, commit.block};
        update.settled.push_back(std::move(commit));
    }
    if (!update.settled.empty())
        engine.prune_undo(blocks.empty() ? engine.mark() : blocks.begin()->second.before);
}

}  // namespace peerbook::exchange
