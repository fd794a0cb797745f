#include "tests/sim/shadow.h"

#include <algorithm>

#include "base/hash.h"
#include "tests/sim/trace.h"

namespace peerbook::sim {

std::string SettledLog::settled(std::size_t node, std::uint64_t place, const Digest& block) {
    if (place == blocks_.size() + 1) {
        blocks_.push_back(block);
        return "";
    }
    if (place == 0 || place > blocks_.size())
        return "node " + std::to_string(node) + " settles place " + std::to_string(place) + " of a log of " +
               std::to_string(blocks_.size());
    const Digest& known = blocks_[place - 1];
    if (known == block) return "";
    return "place " + std::to_string(place) + " of the log settled as block " + short_name(known) +
           " and, at node " + std::to_string(node) + ", as " + short_name(block);
}

SettledLog SettledLog::up_to(std::uint64_t length) const {
    SettledLog prefix;
    const auto count = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(length, blocks_.size()));
    prefix.blocks_.assign(blocks_.begin(), blocks_.begin() + count);
    return prefix;
}

void Shadow::begin(const exchange::View& view) {
    limit_.reset();
    accepted_before_ += blocks_.size();
    blocks_.clear();
    unsettled_.clear();
    forked_.clear();
    view_ = view;
    view_name_ = exchange::digest_of(view);
    if (view.number == 0) last_no_ledger_ = view_name_;
    tips_.assign(view.members.size(), Digest{});
    settled_seqs_.assign(view.members.size(), 0);
    settled_round_ = last_round_ = view.base_round;
}

std::string Shadow::accept(const exchange::BlockHeader& header, const Digest& digest) {
    const std::string name = "block " + short_name(digest);
    if (header.view != view_name_) return name + " was accepted in another view than its own";
    Block block;
    block.author = view_.index_of(header.author)->value();
    block.seq = header.seq;
    block.round = header.round;
    block.seen.assign(view_.members.size(), view_.base_round);
    for (const exchange::ParentRef& parent : header.parents) {
        const auto known = blocks_.find(parent.digest);
        if (known == blocks_.end()) return name + " was accepted before its parents";
        for (std::size_t i = 0; i < block.seen.size(); ++i)
            block.seen[i] = std::max(block.seen[i], known->second.seen[i]);
    }
    if (header.round <= *std::max_element(block.seen.begin(), block.seen.end()))
        return name + " was accepted with a round that is not above its parents'";
    block.previous = header.seq > 1 ? header.parents[0].digest : Digest{};
    const std::uint64_t seq_before = header.seq > 1 ? blocks_.at(block.previous).seq : 0;
    const bool is_own = header.seq == 1 || blocks_.at(block.previous).author == block.author;
    if (!is_own || header.seq != seq_before + 1) return name + " was accepted out of its author's chain";
    block.seen[block.author] = header.round;
    if (block.previous == tips_[block.author]) {
        tips_[block.author] = digest;
    } else {
        if (forked_.empty()) settles_before_fork_ = round_that_settles();
        forked_.insert(block.author);
    }
    const bool is_on_branch = tips_[block.author] != digest;
    blocks_.emplace(digest, std::move(block));
    if (header.round <= std::max(settled_round_, forked_.empty() ? 0 : settles_before_fork_))
        return is_on_branch ? "" : name + " was accepted in front of the settled log";
    const Digest tie =
        Hasher("peerbook block order").add(header.author.view()).add_u64(header.round).finish();
    unsettled_.emplace(Key(header.round, tie, digest), digest);
    return "";
}

std::uint64_t Shadow::round_that_settles() const {
    if (view_.number == 0) return view_.base_round;
    if (!forked_.empty()) return settles_before_fork_;
    // What each member says that it holds.
    std::vector<std::uint64_t> holds;
    for (const Digest& tip : tips_) {
        if (tip.is_zero()) {
            holds.push_back(view_.base_round);
            continue;
        }
        const std::vector<std::uint64_t>& seen = blocks_.at(tip).seen;
        holds.push_back(*std::min_element(seen.begin(), seen.end()));
    }
    std::uint64_t best = view_.base_round;
    for (const std::uint64_t round : holds) {
        const auto count = static_cast<std::size_t>(
            std::count_if(holds.begin(), holds.end(), [&](std::uint64_t held) { return held >= round; }));
        const bool half_with_elder = 2 * count == holds.size() && holds[0] >= round;
        if (2 * count > holds.size() || half_with_elder) best = std::max(best, round);
    }
    return limit_ ? std::min(best, *limit_) : best;
}

std::string Shadow::settle_first(SettledLog& own, SettledLog* shared) {
    const Digest digest = unsettled_.begin()->second;
    unsettled_.erase(unsettled_.begin());
    const Block& block = blocks_.at(digest);
    settled_seqs_[block.author] = block.seq;
    last_round_ = block.round;
    ++length_;
    hash_ = Hasher("peerbook log").add(hash_.view()).add(digest.view()).finish();
    std::string wrong = own.settled(node_, length_, digest);
    if (wrong.empty() && shared) wrong = shared->settled(node_, length_, digest);
    return wrong;
}

std::string Shadow::settle(std::uint64_t round, std::uint64_t length, const Digest& hash, SettledLog& own,
                           SettledLog* shared) {
    if (round < settled_round_) return "the settled round went back";
    if (round > round_that_settles())
        return "settled up to round " + std::to_string(round) +
               ", and a quorum holds only everything up to " + std::to_string(round_that_settles());
    settled_round_ = round;
    while (!unsettled_.empty() && std::get<0>(unsettled_.begin()->first) <= round)
        if (std::string wrong = settle_first(own, shared); !wrong.empty()) return wrong;
    if (length != length_)
        return "the settled log has length " + std::to_string(length) + " instead of " +
               std::to_string(length_);
    if (hash != hash_) return "the settled log is not in order of K";
    return "";
}

// Of an author with two blocks for one place only the chain that the cut names.
bool Shadow::is_in_cut(const Digest& digest, const exchange::View& next) const {
    const Block& block = blocks_.at(digest);
    const exchange::CutEntry& entry = next.cut[block.author];
    if (!forked_.contains(block.author)) return block.seq <= entry.seq;
    for (Digest at = entry.digest; !at.is_zero(); at = blocks_.at(at).previous)
        if (at == digest) return true;
    return false;
}

std::string Shadow::install(const exchange::View& next, SettledLog& own, SettledLog* shared) {
    const std::string name = "view " + std::to_string(next.number);
    if (next.previous != view_name_ || next.cut.size() != view_.members.size())
        return name + " was installed after one that it does not follow";
    std::vector<std::uint64_t> rounds(view_.members.size(), view_.base_round);  // up to which the cut reaches
    for (std::size_t i = 0; i < next.cut.size(); ++i) {
        const exchange::CutEntry& entry = next.cut[i];
        if (entry.author != view_.members[i]) return name + " has its cut in another order";
        if (entry.seq < settled_seqs_[i]) return name + " leaves out what is settled";
        if (entry.seq == 0) continue;
        const auto known = blocks_.find(entry.digest);
        if (known == blocks_.end() || known->second.author != i || known->second.seq != entry.seq)
            return name + " was installed without block " + short_name(entry.digest) + " of its cut";
        rounds[i] = known->second.round;
    }
    for (auto next_block = unsettled_.begin(); next_block != unsettled_.end();) {
        const auto here = next_block++;
        const Block& block = blocks_.at(here->second);
        if (!is_in_cut(here->second, next)) {
            voided_.push_back(here->second);
            unsettled_.erase(here);
            continue;
        }
        for (std::size_t i = 0; i < rounds.size(); ++i)
            if (block.seen[i] > rounds[i] && !forked_.contains(i))
                return name + " has a block in its cut without a parent of it";
    }
    while (!unsettled_.empty())
        if (std::string wrong = settle_first(own, shared); !wrong.empty()) return wrong;
    if (next.base_round != last_round_) return name + " does not begin behind the last block of its cut";
    if (next.log_length != length_ || next.prefix_hash != hash_)
        return name + " names another log than its cut makes";
    begin(next);
    return "";
}

std::string Shadow::check_fork(const exchange::View& fork) const {
    if (fork.previous != view_name_ || fork.cut.size() != view_.members.size())
        return "a fork is entered that does not follow the view before";
    for (const auto& [key, digest] : unsettled_)
        if (std::get<0>(key) <= round_that_settles() && !is_in_cut(digest, fork))
            return "a fork leaves out block " + short_name(digest) + ", which has settled";
    return fork.log_length < length_ ? "a fork goes on from less than what has settled" : "";
}

std::string Shadow::rebind(const exchange::View& first) {
    if ((view_.number == 0) == (first.number == 0) || view_.number > 1 || first.number > 1)
        return "a node goes from view " + std::to_string(view_.number) + " of one ledger to view " +
               std::to_string(first.number) + " of another";
    if (length_ > 0) return "a ledger is left in which something has settled";
    for (const auto& [key, block] : unsettled_)
        voided_.push_back(block);
    begin(first);
    return "";
}

std::set<std::size_t> Shadow::members_with_blocks() const {
    std::set<std::size_t> members;
    for (std::size_t i = 0; i < tips_.size(); ++i)
        if (!tips_[i].is_zero()) members.insert(i);
    return members;
}

bool Shadow::founder_has_second() const {
    return view_.members.size() == 2 && !tips_[0].is_zero() &&
           blocks_.at(tips_[0]).seen[1] > view_.base_round;
}

std::vector<Digest> Shadow::unsettled() const {
    std::vector<Digest> blocks;
    for (const auto& [key, block] : unsettled_)
        blocks.push_back(block);
    return blocks;
}

}  // namespace peerbook::sim
