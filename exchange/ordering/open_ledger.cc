#include "exchange/ordering/open_ledger.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/check.h"
#include "exchange/ordering/fork.h"
#include "exchange/ordering/open_ledger_state.h"

namespace peerbook::exchange {

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
