#include "exchange/ordering/open_ledger.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "exchange/ordering/fork.h"

namespace peerbook::exchange {

namespace {

Digest log_hash(const Digest& previous, const Digest& block) {
    return Hasher("peerbook log").add(previous.view()).add(block.view()).finish();
}

}  // namespace

struct OpenLedger::State {
    State(NetworkRules rules, View first_view, PublicKey self_key, LedgerLimits ledger_limits)
        : self(self_key),
          limits(ledger_limits),
          engine(std::move(rules)),
          order(first_view.base_round),
          prefix{first_view.log_length, first_view.prefix_hash},
          last_round(first_view.base_round),
          commits(first_view.log_length) {
        begin(std::move(first_view));
    }

    // Which blocks a cut has in it.
    class InCut {
      public:
        InCut(const State& state, const ChainTips& cut);
        bool contains(const Commit& block) const;

      private:
        const ChainTips& cut_;
        std::vector<std::optional<std::set<Digest>>> chains_;  // of members with branches
    };

    void begin(View next);
    void close(const ChainTips& cut, LedgerUpdate& update);
    void collect_accepted();
    void execute(LedgerUpdate& update);
    void execute_and_settle(OpenOrder::Position first, LedgerUpdate& update);
    void undo_from(OpenOrder::Position first);
    OpenOrder::Position last_checkpoint_up_to(std::uint64_t round);
    void replay_from(OpenOrder::Position first, OpenOrder::Position changed_from, LedgerUpdate& update);
    void execute_block(OpenOrder::Position position);
    void freeze_if_wanted(const LogKey& key, OrderedBlock& block);
    void freeze(OrderedBlock& block);
    void thaw(OrderedBlock& block);
    void settle(LedgerUpdate& update);
    // L*, as far as the view lets it rise.
    std::uint64_t settled_round_now() const;
    // On its author's chain or on a branch.
    bool holds(MemberIndex author, const ChainTip& tip) const {
        const auto place = dag->find(tip.digest);
        return place && place->author == author && place->seq == tip.seq;
    }

    View view;
    Digest view_digest;
    const PublicKey self;
    std::optional<MemberIndex> self_index;
    const LedgerLimits limits;
    Engine engine;
    std::unique_ptr<Dag> dag;  // of `view`
    OpenOrder order;
    std::vector<AcceptedBlock> accepted;
    ChainTips settled_tips;  // of each member
    Prefix prefix;
    std::uint64_t last_round;  // of the last settled block; the base round before the first one
    WallTime settled_time;
    CheckpointSchedule settled_checkpoints;
    std::optional<Checkpoint> checkpoint;
    // While execute() runs: up to which round it will settle, and the checkpoint to hand out then.
    std::uint64_t settling_round = 0;
    std::uint64_t settling_limit = std::numeric_limits<std::uint64_t>::max();
    std::optional<LogKey> wanted_checkpoint;
    std::size_t frozen_states = 0;  // kept by unsettled blocks
    std::uint64_t commits = 0;      // executed, settled included
    std::uint64_t commits_executed = 0;
    std::uint64_t commands_executed = 0;
    std::uint64_t commands_replayed = 0;
    std::uint64_t rollbacks = 0;
    std::uint64_t checkpoints = 0;
    std::uint64_t checkpoint_replays = 0;
    std::uint64_t accepted_before = 0, refused_before = 0;  // in closed views
};

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

OpenLedger::OpenLedger(NetworkRules rules, View view, PublicKey self, LedgerLimits limits)
    : state_(std::make_unique<State>(std::move(rules), std::move(view), self, limits)) {}

OpenLedger::~OpenLedger() = default;

const View& OpenLedger::view() const {
    return state_->view;
}
const Digest& OpenLedger::view_digest() const {
    return state_->view_digest;
}
bool OpenLedger::is_member() const {
    return state_->self_index.has_value();
}

AcceptOutcome OpenLedger::accept(VerifiedBlock block, WallTime now, bool from_journal) {
    if (block.header.view != state_->view_digest) return {AcceptKind::other_view, {}, {}};
    AcceptOutcome outcome = state_->dag->offer(std::move(block), now, from_journal);
    state_->collect_accepted();
    return outcome;
}

void OpenLedger::release_held_back(WallTime now) {
    state_->dag->release_held_back(now);
    state_->collect_accepted();
}

std::vector<OpenLedger::AcceptedBlock> OpenLedger::take_accepted() {
    return std::exchange(state_->accepted, {});
}

LedgerUpdate OpenLedger::execute() {
    LedgerUpdate update;
    state_->execute(update);
    return update;
}

ChainTips OpenLedger::tips() const {
    return state_->dag->tips();
}

Holding OpenLedger::holding(const ChainTips& tips) const {
    const State& s = *state_;
    PB_CHECK(tips.size() == s.view.members.size(), "one tip a member");
    if (!others_in(tips).empty()) return Holding::other_blocks;
    for (std::uint32_t i = 0; i < tips.size(); ++i)
        if (tips[i].seq > s.dag->version_vector()[i] && !s.holds(MemberIndex(i), tips[i]))
            return Holding::lacks_blocks;
    return Holding::all;
}

std::vector<MemberIndex> OpenLedger::others_in(const ChainTips& tips) const {
    const State& s = *state_;
    std::vector<MemberIndex> others;
    for (std::uint32_t i = 0; i < tips.size(); ++i) {
        const MemberIndex member(i);
        if (tips[i].seq == 0 || tips[i].seq > s.dag->version_vector()[i]) continue;
        // A forgotten block lies in the past of every member's tip; the hash of the log speaks for it.
        const std::optional<Digest> mine = s.dag->digest_at(member, tips[i].seq);
        if (mine && *mine != tips[i].digest && !s.holds(member, tips[i])) others.push_back(member);
    }
    return others;
}

void OpenLedger::take_branches(MemberIndex author) {
    state_->dag->take_branches(author);
}
bool OpenLedger::takes_branches(MemberIndex author) const {
    return state_->dag->takes_branches(author);
}
bool OpenLedger::is_forked() const {
    return state_->dag->is_forked();
}
bool OpenLedger::is_forked(MemberIndex author) const {
    return state_->dag->is_forked(author);
}

void OpenLedger::freeze_settling() {
    state_->settling_limit = state_->settled_round_now();
}

bool OpenLedger::continues(MemberIndex author, const ChainTip& first, const ChainTip& last) const {
    if (first.seq == 0) return true;
    if (first.seq > last.seq) return false;
    const auto chain = state_->dag->own_chain(author, last.digest);
    // Nothing branches off what is forgotten.
    if (!state_->dag->find(first.digest)) return !chain.empty();
    return std::find(chain.begin(), chain.end(), first.digest) != chain.end();
}

std::optional<Digest> OpenLedger::digest_at(MemberIndex author, std::uint64_t seq) const {
    return state_->dag->digest_at(author, seq);
}

VersionVector OpenLedger::claimed_blocks() const {
    VersionVector claimed = version_vector();
    for (std::uint32_t i = 0; i < claimed.size(); ++i)
        if (state_->dag->takes_branches(MemberIndex(i))) claimed[i] = state_->settled_tips[i].seq;
    return claimed;
}

OpenLedger::LogEnd OpenLedger::log_end(const ChainTips& cut) const {
    const State& s = *state_;
    LogEnd end{s.last_round, s.prefix.length, s.prefix.hash};
    const State::InCut in_cut(s, cut);
    for (const auto& [key, block] : s.order.unsettled()) {
        if (!in_cut.contains(block.commit)) continue;
        end.round = key.round;
        ++end.length;
        end.hash = log_hash(end.hash, block.commit.block);
    }
    return end;
}

Status OpenLedger::check_end(const View& next) const {
    if (Status status = check_successor(state_->view, next); !status.ok()) return status;
    return check_cut(next);
}

Status OpenLedger::check_cut(const View& next) const {
    const State& s = *state_;
    const ChainTips cut = cut_tips(next);
    switch (holding(cut)) {
        case Holding::lacks_blocks:
            return Error{ErrorCode::unavailable, "blocks of the cut are missing here"};
        case Holding::other_blocks:
            return Error{ErrorCode::unavailable,
                         "a member signed two blocks with one seq, and the cut names the one that is missing "
                         "here"};
        case Holding::all:
            break;
    }
    for (std::uint32_t i = 0; i < cut.size(); ++i)
        if (cut[i].seq < s.settled_tips[i].seq ||
            (is_forked(MemberIndex(i)) && !continues(MemberIndex(i), s.settled_tips[i], cut[i])))
            return Error{ErrorCode::conflict, "the cut leaves out blocks that are settled here"};
    const LogEnd end = log_end(cut);
    if (end.round != next.base_round || end.length != next.log_length || end.hash != next.prefix_hash)
        return Error{ErrorCode::conflict, "the log up to the cut is another one here"};
    return {};
}

Result<LedgerUpdate> OpenLedger::install(View next) {
    if (Status status = check_end(next); !status.ok()) return status.error();
    return end_with(std::move(next));
}

Result<View> OpenLedger::make_fork(const std::vector<PublicKey>& members) const {
    const State& s = *state_;
    View fork;
    fork.number = s.view.number + 1;
    fork.previous = s.view_digest;
    fork.members = in_fork_order(s.view, members);
    for (std::size_t i = 0; i < s.view.members.size(); ++i)
        fork.cut.push_back({s.view.members[i], s.settled_tips[i].seq, s.settled_tips[i].digest});
    fork.base_round = s.last_round;
    fork.log_length = s.prefix.length;
    fork.prefix_hash = s.prefix.hash;
    fork.ledger = forked_ledger_id(s.engine.rules().network, s.view.ledger, fork);
    if (Status status = check_fork(fork); !status.ok()) return status.error();
    return fork;
}

Status OpenLedger::check_fork(const View& fork) const {
    const State& s = *state_;
    if (Status status = exchange::check_fork(s.engine.rules().network, s.view, fork); !status.ok())
        return status;
    return check_cut(fork);
}

Result<LedgerUpdate> OpenLedger::install_fork(View fork) {
    if (Status status = check_fork(fork); !status.ok()) return status.error();
    return end_with(std::move(fork));
}

void OpenLedger::limit_settling(std::uint64_t round) {
    state_->settling_limit = std::min(state_->settling_limit, round);
}

LedgerUpdate OpenLedger::end_with(View next) {
    State& s = *state_;
    PB_CHECK(s.accepted.empty(), "what was accepted goes to the journal before the view that contains it");
    LedgerUpdate update;
    s.close(cut_tips(next), update);
    PB_CHECK(s.prefix.hash == next.prefix_hash, "the settled log ends as the record says");
    s.begin(std::move(next));
    return update;
}

LedgerUpdate OpenLedger::rebind(View first) {
    State& s = *state_;
    PB_CHECK(s.accepted.empty(), "what was accepted goes to the journal before the ledger is another one");
    PB_CHECK(s.prefix.length == 0 && (s.view.number == 0 || first.number == 0),
             "a ledger in which something settled is not left");
    LedgerUpdate update;
    s.close(ChainTips(s.view.members.size()), update);
    s.begin(std::move(first));
    return update;
}

std::optional<Checkpoint> OpenLedger::take_checkpoint() {
    return std::exchange(state_->checkpoint, std::nullopt);
}

std::optional<Checkpoint> OpenLedger::checkpoint_settled() {
    State& s = *state_;
    OpenOrder::Blocks& blocks = s.order.unsettled();
    if (s.order.first_new() != blocks.end() || s.prefix.length == 0) return std::nullopt;
    const std::uint64_t rollbacks = s.rollbacks;
    s.undo_from(blocks.begin());
    s.rollbacks = rollbacks;  // nothing came late
    Checkpoint checkpoint{s.prefix.length, s.engine.freeze()};
    LedgerUpdate update;
    s.wanted_checkpoint.reset();
    s.checkpoint_replays += blocks.size();
    s.replay_from(blocks.begin(), blocks.end(), update);
    PB_CHECK(update.applied.empty(), "what was executed again after the same commits changes nothing");
    return checkpoint;
}

Block OpenLedger::make_block(Bytes payload, WallTime now, std::optional<StateVote> vote) const {
    const State& s = *state_;
    PB_CHECK(s.self_index.has_value(), "only members emit");
    Dag::NextBlock next = s.dag->next_block(*s.self_index);
    Block block;
    BlockHeader& header = block.header;
    header.rules_version = s.engine.rules().rules_version;
    header.network = s.engine.rules().network;
    header.ledger = s.view.ledger;
    header.view = s.view_digest;
    header.author = s.self;
    header.seq = next.seq;
    header.round = next.round;
    header.timestamp = std::max(now, next.timestamp_min);
    header.parents = std::move(next.parents);
    header.payload_root = payload_root_of(payload);
    header.format_version = vote ? block_format_with_vote : block_format_version;
    header.vote = vote;
    block.payload = std::move(payload);
    return block;
}

// Each reason holds at most once for a command and member: the first block over it lifts the own tip above it
// for good, and S passes its round only once. So two empty blocks a command and member are the most.
bool OpenLedger::acknowledgement_due() const {
    const State& s = *state_;
    if (!s.self_index || s.view.number == 0) return false;
    if (s.order.has_awaited_between(s.dag->tip_round(*s.self_index),
                                    std::numeric_limits<std::uint64_t>::max()))
        return true;
    // S after a new block: it includes every tip, and its own round is above them all.
    std::uint64_t next_stable = std::numeric_limits<std::uint64_t>::max();
    for (std::uint32_t i = 0; i < s.view.members.size(); ++i)
        if (MemberIndex(i) != *s.self_index)
            next_stable = std::min(next_stable, s.dag->tip_round(MemberIndex(i)));
    return s.order.has_awaited_between(s.dag->stable_round(*s.self_index), next_stable);
}

const Engine& OpenLedger::engine() const {
    return state_->engine;
}
const VersionVector& OpenLedger::version_vector() const {
    return state_->dag->version_vector();
}
bool OpenLedger::has_block(const Digest& digest) const {
    return state_->dag->has(digest);
}

std::optional<OpenLedger::BlockPlace> OpenLedger::find_block(const Digest& digest) const {
    const auto place = state_->dag->find(digest);
    if (!place) return std::nullopt;
    return BlockPlace{place->author, place->seq};
}

bool OpenLedger::is_settled(MemberIndex author, std::uint64_t seq) const {
    return author.value() < state_->settled_tips.size() && seq <= state_->settled_tips[author.value()].seq;
}

bool OpenLedger::is_changed_unsettled(const OrderKey& order) const {
    const auto& blocks = state_->order.unsettled();
    return std::any_of(blocks.begin(), blocks.end(), [&](const auto& entry) {
        const EventBuffer& events = entry.second.commit.events;
        return entry.second.in_engine && std::any_of(events.begin(), events.end(), [&](const Event& event) {
                   return event.order == order || event.maker == order;
               });
    });
}

OpenLedger::Prefix OpenLedger::settled_prefix() const {
    return state_->prefix;
}

bool OpenLedger::overloaded() const {
    return state_->order.unsettled_commands() > state_->limits.unsettled_commands_max;
}

std::vector<ParentRef> OpenLedger::missing(std::size_t count_max) const {
    return state_->dag->missing(count_max);
}

std::vector<OpenLedger::MemberProgress> OpenLedger::progress() const {
    const State& s = *state_;
    std::vector<MemberProgress> all;
    for (std::uint32_t i = 0; i < s.view.members.size(); ++i) {
        const MemberIndex member(i);
        all.push_back({s.dag->version_vector()[i], s.dag->tip_round(member), s.dag->stable_round(member)});
    }
    return all;
}

LedgerStats OpenLedger::stats() const {
    const State& s = *state_;
    LedgerStats stats;
    stats.blocks_accepted = s.accepted_before + s.dag->accepted_count();
    stats.blocks_suspended = s.dag->suspended_count();
    stats.blocks_held_back = s.dag->held_back_count();
    stats.blocks_refused = s.refused_before + s.dag->refused_count();
    stats.settled_commits = s.prefix.length;
    stats.commits = s.commits;
    stats.settled_round = s.order.settled_round();
    stats.unsettled_commands = s.order.unsettled_commands();
    stats.commits_executed = s.commits_executed;
    stats.commands_executed = s.commands_executed;
    stats.commands_replayed = s.commands_replayed;
    stats.rollbacks = s.rollbacks;
    stats.checkpoints = s.checkpoints;
    stats.checkpoint_replays = s.checkpoint_replays;
    return stats;
}

}  // namespace peerbook::exchange
