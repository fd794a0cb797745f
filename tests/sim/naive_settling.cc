#include "tests/sim/naive_settling.h"

#include <algorithm>
#include <tuple>

#include "base/hash.h"

namespace peerbook::sim {

void NaiveSettling::accept(const exchange::BlockHeader& header, const Digest& digest) {
    Block block;
    block.author = view_.index_of(header.author)->value();
    block.round = header.round;
    block.tie = Hasher("peerbook block order").add(header.author.view()).add_u64(header.round).finish();
    block.digest = digest;
    for (const exchange::ParentRef& parent : header.parents)
        block.parents.push_back(positions_.at(parent.digest));
    positions_[digest] = blocks_.size();
    tips_[block.author] = blocks_.size();
    blocks_.push_back(std::move(block));
}

std::vector<std::uint64_t> NaiveSettling::walk_past(std::size_t position) const {
    std::vector<std::uint64_t> rounds(view_.members.size(), 0);
    std::vector<bool> seen(blocks_.size(), false);
    std::vector<std::size_t> open{position};
    seen[position] = true;
    while (!open.empty()) {
        const Block& block = blocks_[open.back()];
        open.pop_back();
        rounds[block.author] = std::max(rounds[block.author], block.round);
        for (std::size_t parent : block.parents) {
            if (seen[parent]) continue;
            seen[parent] = true;
            open.push_back(parent);
        }
    }
    return rounds;
}

std::uint64_t NaiveSettling::round_to_settle() const {
    const std::size_t members = view_.members.size();
    // The round up to which each member's word reaches.
    std::vector<std::uint64_t> words(members, 0);
    for (const auto& [member, position] : tips_) {
        std::vector<std::uint64_t> past = walk_past(position);
        if (rule_ == SettleRule::without_last_member && members > 1) past.pop_back();
        words[member] = rule_ == SettleRule::majority_of_tips ? blocks_[position].round
                                                              : *std::min_element(past.begin(), past.end());
    }
    std::uint64_t best = 0;
    for (std::uint64_t round : words) {
        std::size_t count = 0;
        for (std::uint64_t word : words)
            count += word >= round;
        const bool half_with_elder = 2 * count == members && words[0] >= round;
        if (2 * count > members || half_with_elder) best = std::max(best, round);
    }
    return rule_ == SettleRule::one_round_too_far ? best + 1 : best;
}

std::vector<Digest> NaiveSettling::settle(std::string& broken) {
    const std::uint64_t round = round_to_settle();
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < blocks_.size(); ++i)
        if (!blocks_[i].settled && blocks_[i].round <= round) found.push_back(i);
    auto before = [&](std::size_t a, std::size_t b) {
        const Block &x = blocks_[a], &y = blocks_[b];
        if (rule_ == SettleRule::ties_by_arrival) return std::tie(x.round, a) < std::tie(y.round, b);
        return std::tie(x.round, x.tie, x.digest) < std::tie(y.round, y.tie, y.digest);
    };
    std::sort(found.begin(), found.end(), before);
    std::vector<Digest> settled;
    for (std::size_t i : found) {
        if (blocks_[i].round <= settled_round_) broken = "a block came in front of the settled log";
        blocks_[i].settled = true;
        settled.push_back(blocks_[i].digest);
    }
    settled_round_ = std::max(settled_round_, round);
    return settled;
}

}  // namespace peerbook::sim
