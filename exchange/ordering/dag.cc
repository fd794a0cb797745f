#include "exchange/ordering/dag.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/check.h"

namespace peerbook::exchange {

namespace {

// What a block that waits costs in memory: its bytes and its decoded commands.
std::size_t memory_of(const VerifiedBlock& block) {
    return block.encoded.size() + block.command_count * sizeof(Command);
}

AcceptOutcome refusal(AcceptKind kind, const char* why) {
    return {kind, {}, why};
}

// Of its author's block before it; zero for none.
Digest previous_of(const BlockHeader& header) {
    return header.seq > 1 ? header.parents[0].digest : Digest{};
}

}  // namespace

Dag::Dag(const View& view, PublicKey self, DagLimits limits)
    : view_(view),
      self_(self),
      limits_(limits),
      bytes_share_(limits.suspended_bytes_max / view.members.size()),
      chains_(view.members.size()),
      tip_seqs_(view.members.size(), 0),
      settled_round_(view.base_round) {
    for (std::size_t i = 0; i < view.members.size(); ++i)
        members_.emplace(view.members[i], MemberIndex(static_cast<std::uint32_t>(i)));
    for (Chain& chain : chains_)
        chain.tip_round = chain.pruned_round = view.base_round;
}

AcceptOutcome Dag::offer(VerifiedBlock block, WallTime now, bool from_journal) {
    const auto member = members_.find(block.header.author);
    if (member == members_.end()) {
        ++refused_count_;
        return refusal(AcceptKind::invalid, "its author is not a member of the view");
    }
    if (has(block.digest)) return {AcceptKind::duplicate, {}, {}};
    AcceptOutcome outcome = try_accept(std::move(block), member->second, now, from_journal);
    accept_woken(now);
    return outcome;
}

AcceptOutcome Dag::try_accept(VerifiedBlock block, MemberIndex author, WallTime now, bool from_journal) {
    const Chain& chain = chains_[author.value()];
    const char* fault = structural_fault(block.header, view_);
    // Where blocks wait for it, somebody built on it.
    const bool may_branch = (from_journal || chain.takes_branches || waiters_.contains(block.digest)) &&
                            chain.branch_blocks < limits_.branch_blocks_per_author_max;
    if (!fault) {
        if (auto known = refuse_known(block, chain, may_branch)) {
            if (known->kind != AcceptKind::duplicate) ++refused_count_;
            return *known;
        }
        if (block.header.round <= settled_round_ && !(may_branch && is_on_branch(block.header, chain)))
            fault = "its round is settled already";
    }
    std::vector<ParentRef> missing;
    std::size_t missing_count = 0;
    if (!fault && block.header.author != self_ && too_far_ahead(block.header.timestamp, now))
        return hold_back(std::move(block), author);
    if (!fault) fault = parents_fault(block, author, missing, missing_count);
    if (fault) {
        ++refused_count_;
        return refusal(AcceptKind::invalid, fault);
    }
    if (missing_count > 0) return suspend(std::move(block), author, std::move(missing), missing_count);
    const bool follows = block.header.seq == chain.tip_seq + 1 && previous_of(block.header) == chain.tip;
    if (!follows && !may_branch) {
        ++refused_count_;
        return refusal(AcceptKind::equivocation, "its author signed another block in front of it");
    }
    insert(std::move(block), author);
    return {};
}

// A block at or below its author's tip: known, forgotten, or the second of its (author, seq).
std::optional<AcceptOutcome> Dag::refuse_known(const VerifiedBlock& block, const Chain& chain,
                                               bool may_branch) const {
    const BlockHeader& header = block.header;
    if (header.seq <= chain.tip_seq) {
        const std::uint64_t behind = chain.tip_seq - header.seq;
        if (behind >= chain.kept.size()) return AcceptOutcome{AcceptKind::duplicate, {}, {}};
        if (may_branch) return std::nullopt;
        return refusal(AcceptKind::equivocation, "its author signed another block with this seq");
    }
    if (header.round > chain.tip_round) return std::nullopt;
    if (header.seq == chain.tip_seq + 1 && previous_of(header) == chain.tip)
        return refusal(AcceptKind::invalid, "its round is not above that of its author's earlier blocks");
    if (may_branch) return std::nullopt;
    return refusal(AcceptKind::equivocation, "its author signed other blocks in front of it");
}

bool Dag::is_on_branch(const BlockHeader& header, const Chain& chain) const {
    if (header.seq != chain.tip_seq + 1)
        return header.seq <= chain.tip_seq || header.round <= chain.tip_round;
    return previous_of(header) != chain.tip;
}

std::vector<Digest> Dag::own_chain(MemberIndex author, const Digest& last) const {
    std::vector<Digest> chain;
    const Node* node = find_node(last);
    if (!node || node->author != author) return chain;
    for (Digest digest = last; node; node = find_node(digest)) {
        chain.push_back(digest);
        digest = node->previous;
    }
    return chain;
}

// Null if nothing speaks against the parents. `missing` gets those to fetch; `missing_count` counts those
// that only wait here as well.
const char* Dag::parents_fault(const VerifiedBlock& block, MemberIndex author,
                               std::vector<ParentRef>& missing, std::size_t& missing_count) const {
    const Node* previous = nullptr;
    for (std::size_t i = 0; i < block.header.parents.size(); ++i) {
        const ParentRef& ref = block.header.parents[i];
        const Node* parent = find_node(ref.digest);
        if (!parent) {
            if (ref.round <= chains_[ref.author.value()].pruned_round)
                return "a parent is older than what every member has included";
            ++missing_count;
            if (!has(ref.digest)) missing.push_back(ref);
            continue;
        }
        if (parent->author != ref.author || parent->round != ref.round)
            return "a parent has another author or round than its reference says";
        if (parent->timestamp > block.header.timestamp) return "its timestamp is before a parent's";
        if (ref.author == author) {
            if (parent->seq + 1 != block.header.seq)
                return "its seq does not follow its author's previous block";
            previous = parent;
        } else if (previous && ref.round <= previous->clock.at(ref.author)) {
            return "a parent is no newer than what its author's previous block includes";
        }
    }
    return nullptr;
}

void Dag::insert(VerifiedBlock block, MemberIndex author) {
    const BlockHeader& header = block.header;
    Chain& chain = chains_[author.value()];
    Node node{author,
              header.seq,
              header.round,
              header.timestamp,
              VectorClock(view_.members.size(), view_.base_round),
              previous_of(header)};
    for (const ParentRef& ref : header.parents)
        node.clock.merge(find_node(ref.digest)->clock);
    node.clock.advance(author, header.round);
    const bool is_on_chain = header.seq == chain.tip_seq + 1 && node.previous == chain.tip;
    if (!is_on_chain && !is_forked()) stable_before_fork_ = stable_rounds();
    nodes_.emplace(block.digest, std::move(node));
    if (!is_on_chain) {
        ++chain.branch_blocks;
        ++branch_blocks_;
        ++accepted_count_;
        wake(block.digest);
        accepted_.push_back({author, std::move(block), true});
        return;
    }
    chain.tip = block.digest;
    chain.tip_seq = header.seq;
    chain.tip_round = header.round;
    chain.kept.push_back(block.digest);
    tip_seqs_[author.value()] = header.seq;
    ++accepted_count_;
    wake(block.digest);
    accepted_.push_back({author, std::move(block)});
    drop_dead_suspended(chain);
}

// --- waiting
// ---------------------------------------------------------------------------------------------------

bool Dag::too_far_ahead(WallTime timestamp, WallTime now) const {
    // Timestamps are not negative (structural_fault), so that the difference cannot overflow for sane clocks.
    const std::int64_t from = std::max<std::int64_t>(now.ms, 0);
    return timestamp.ms > from && timestamp.ms - from > limits_.clock_ahead_max.ms();
}

bool Dag::has_room(const Chain& chain, std::size_t bytes) const {
    const std::size_t count = chain.suspended.size() + chain.held_back;
    if (count == 0) return true;
    return count < limits_.suspended_per_author_max && chain.waiting_bytes + bytes <= bytes_share_;
}

AcceptOutcome Dag::hold_back(VerifiedBlock block, MemberIndex author) {
    Chain& chain = chains_[author.value()];
    const std::size_t bytes = memory_of(block);
    if (!has_room(chain, bytes)) return {AcceptKind::dropped, {}, {}};
    ++chain.held_back;
    chain.waiting_bytes += bytes;
    const std::int64_t timestamp = block.header.timestamp.ms;
    held_at_.emplace(block.digest, timestamp);
    const Digest digest = block.digest;
    held_.emplace(std::pair(timestamp, digest), Waiting{author, std::move(block), 0});
    return {AcceptKind::held_back, {}, {}};
}

void Dag::release_held_back(WallTime now) {
    while (!held_.empty() && !too_far_ahead({held_.begin()->first.first}, now)) {
        Waiting waiting = std::move(held_.begin()->second);
        held_.erase(held_.begin());
        held_at_.erase(waiting.block.digest);
        Chain& chain = chains_[waiting.author.value()];
        --chain.held_back;
        chain.waiting_bytes -= memory_of(waiting.block);
        try_accept(std::move(waiting.block), waiting.author, now, false);
        accept_woken(now);
    }
}

AcceptOutcome Dag::suspend(VerifiedBlock block, MemberIndex author, std::vector<ParentRef> missing,
                           std::size_t missing_count) {
    Chain& chain = chains_[author.value()];
    const WaitingKey key(block.header.round, block.digest);
    const std::size_t bytes = memory_of(block);
    while (!has_room(chain, bytes)) {
        if (chain.suspended.empty() || *chain.suspended.rbegin() < key) return {AcceptKind::dropped, {}, {}};
        take_waiting(chain.suspended.rbegin()->second);
    }
    for (const ParentRef& ref : block.header.parents)
        if (!find_node(ref.digest)) waiters_[ref.digest].insert(block.digest);
    chain.suspended.insert(key);
    chain.waiting_bytes += bytes;
    waiting_.emplace(block.digest, Waiting{author, std::move(block), missing_count});
    return {AcceptKind::suspended, std::move(missing), {}};
}

// Removes a suspended block from all books about it.
VerifiedBlock Dag::take_waiting(const Digest& digest) {
    auto found = waiting_.find(digest);
    PB_CHECK(found != waiting_.end(), "the block is suspended");
    Waiting waiting = std::move(found->second);
    waiting_.erase(found);
    for (const ParentRef& ref : waiting.block.header.parents) {
        auto waiters = waiters_.find(ref.digest);
        if (waiters == waiters_.end()) continue;
        waiters->second.erase(waiting.block.digest);
        if (waiters->second.empty()) waiters_.erase(waiters);
    }
    Chain& chain = chains_[waiting.author.value()];
    chain.suspended.erase({waiting.block.header.round, waiting.block.digest});
    chain.waiting_bytes -= memory_of(waiting.block);
    return std::move(waiting.block);
}

// Suspended blocks of the author at or below its new tip's round lost to the accepted chain: they can never
// enter, but as a branch.
void Dag::drop_dead_suspended(Chain& chain) {
    if (chain.takes_branches) return;
    for (auto it = chain.suspended.begin(); it != chain.suspended.end() && it->first <= chain.tip_round;) {
        const Digest digest = (it++)->second;
        if (waiters_.contains(digest)) continue;
        take_waiting(digest);
        ++refused_count_;
    }
}

void Dag::wake(const Digest& digest) {
    auto waiters = waiters_.find(digest);
    if (waiters == waiters_.end()) return;
    for (const Digest& waiter : waiters->second) {
        Waiting& waiting = waiting_.at(waiter);
        // A false reference may name one block as two authors': then it counts twice.
        for (const ParentRef& ref : waiting.block.header.parents)
            if (ref.digest == digest) --waiting.missing_count;
        if (waiting.missing_count == 0) woken_.push_back(waiter);
    }
    waiters_.erase(waiters);
}

void Dag::accept_woken(WallTime now) {
    // Accepting appends to woken_; a woken block may meanwhile have lost its place to a sibling.
    for (std::size_t i = 0; i < woken_.size(); ++i) {
        const Digest digest = woken_[i];
        auto found = waiting_.find(digest);
        if (found == waiting_.end()) continue;
        const MemberIndex author = found->second.author;
        try_accept(take_waiting(digest), author, now, false);
    }
    woken_.clear();
}

// --- reading
// ---------------------------------------------------------------------------------------------------

const Dag::Node* Dag::find_node(const Digest& digest) const {
    auto found = nodes_.find(digest);
    return found == nodes_.end() ? nullptr : &found->second;
}

const Dag::Node* Dag::tip_node(MemberIndex member) const {
    const Chain& chain = chains_[member.value()];
    return chain.tip_seq == 0 ? nullptr : find_node(chain.tip);
}

ChainTips Dag::tips() const {
    ChainTips tips;
    for (const Chain& chain : chains_)
        tips.push_back({chain.tip_seq, chain.tip});
    return tips;
}

std::optional<Digest> Dag::digest_at(MemberIndex author, std::uint64_t seq) const {
    const Chain& chain = chains_[author.value()];
    if (seq == 0 || seq > chain.tip_seq || chain.tip_seq - seq >= chain.kept.size()) return std::nullopt;
    return chain.kept[chain.kept.size() - 1 - static_cast<std::size_t>(chain.tip_seq - seq)];
}

bool Dag::has(const Digest& digest) const {
    return nodes_.contains(digest) || waiting_.contains(digest) || held_at_.contains(digest);
}

std::optional<Dag::Place> Dag::find(const Digest& digest) const {
    const Node* node = find_node(digest);
    if (!node) return std::nullopt;
    return Place{node->author, node->seq, node->round};
}

const VectorClock* Dag::clock_of(const Digest& digest) const {
    const Node* node = find_node(digest);
    return node ? &node->clock : nullptr;
}

std::vector<Dag::Accepted> Dag::take_accepted() {
    return std::exchange(accepted_, {});
}

std::uint64_t Dag::stable_round(MemberIndex member) const {
    const Node* tip = tip_node(member);
    return tip ? tip->clock.least() : view_.base_round;
}

std::vector<std::uint64_t> Dag::stable_rounds() const {
    if (is_forked()) return stable_before_fork_;
    std::vector<std::uint64_t> rounds;
    rounds.reserve(chains_.size());
    for (std::uint32_t i = 0; i < chains_.size(); ++i)
        rounds.push_back(stable_round(MemberIndex(i)));
    return rounds;
}

Dag::NextBlock Dag::next_block(MemberIndex author) const {
    NextBlock next;
    next.round = view_.base_round + 1;
    const Node* previous = tip_node(author);
    auto add = [&](MemberIndex member, const Node& tip) {
        next.parents.push_back({member, tip.round, chains_[member.value()].tip});
        next.round = std::max(next.round, tip.round + 1);
        next.timestamp_min = std::max(next.timestamp_min, tip.timestamp);
    };
    if (previous) {
        add(author, *previous);
        next.seq = previous->seq + 1;
    }
    for (std::uint32_t i = 0; i < chains_.size(); ++i) {
        const MemberIndex member(i);
        const Node* tip = tip_node(member);
        if (member == author || !tip) continue;
        if (!previous || tip->round > previous->clock.at(member)) add(member, *tip);
    }
    return next;
}

std::vector<ParentRef> Dag::missing(std::size_t count_max) const {
    std::vector<ParentRef> refs;
    for (const Chain& chain : chains_)
        for (const WaitingKey& key : chain.suspended)
            for (const ParentRef& ref : waiting_.at(key.second).block.header.parents)
                if (!has(ref.digest)) refs.push_back(ref);
    auto by_round = [](const ParentRef& a, const ParentRef& b) {
        return std::tie(a.round, a.author, a.digest) < std::tie(b.round, b.author, b.digest);
    };
    std::sort(refs.begin(), refs.end(), by_round);
    refs.erase(std::unique(refs.begin(), refs.end()), refs.end());
    if (refs.size() > count_max) refs.resize(count_max);
    return refs;
}

void Dag::prune() {
    if (is_forked()) return;  // the clocks do not tell which of two blocks they include
    // What each author's blocks are included up to by every member's tip.
    for (std::uint32_t a = 0; a < chains_.size(); ++a) {
        Chain& chain = chains_[a];
        if (chain.kept.size() < 2) continue;
        std::uint64_t included = chain.tip_round;
        for (std::uint32_t m = 0; m < chains_.size(); ++m) {
            const Node* tip = tip_node(MemberIndex(m));
            included = std::min(included, tip ? tip->clock.at(MemberIndex(a)) : view_.base_round);
        }
        while (chain.kept.size() > 1) {
            const std::uint64_t round = find_node(chain.kept.front())->round;
            if (round > included || included - round < pruned_margin_rounds) break;
            chain.pruned_round = round;
            nodes_.erase(chain.kept.front());
            chain.kept.pop_front();
        }
    }
}

}  // namespace peerbook::exchange
