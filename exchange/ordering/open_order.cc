#include "exchange/ordering/open_order.h"

#include <algorithm>
#include <functional>

#include "base/check.h"
#include "base/hash.h"

namespace peerbook::exchange {

LogKey make_log_key(const PublicKey& author, std::uint64_t round, const Digest& block) {
    return {round, Hasher("peerbook block order").add(author.view()).add_u64(round).finish(), block};
}

std::uint64_t settled_round_of(const View& view, const std::vector<std::uint64_t>& stable_rounds) {
    PB_CHECK(stable_rounds.size() == view.members.size(), "one stable round a member");
    std::vector<std::uint64_t> candidates = stable_rounds;
    std::sort(candidates.begin(), candidates.end(), std::greater<>());
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    std::vector<bool> reached(stable_rounds.size());
    for (std::uint64_t round : candidates) {
        for (std::size_t i = 0; i < stable_rounds.size(); ++i)
            reached[i] = stable_rounds[i] >= round;
        if (is_quorum(view, reached)) return round;
    }
    return view.base_round;  // not reached: all members together are a quorum
}

void OpenOrder::insert(LogKey key, OrderedBlock block) {
    PB_CHECK(key.round > settled_round_, "a block cannot enter the settled log");
    if (!has_new_ || key < first_new_) first_new_ = key;
    has_new_ = true;
    unsettled_commands_ += block.commit.commands;
    if (block.commit.commands > 0) ++command_rounds_[key.round];
    const bool inserted = blocks_.emplace(key, std::move(block)).second;
    PB_CHECK(inserted, "a block is ordered once");
}

OpenOrder::Position OpenOrder::first_new() {
    return has_new_ ? blocks_.find(first_new_) : blocks_.end();
}

Commit OpenOrder::settle_first() {
    auto first = blocks_.begin();
    PB_CHECK(first != blocks_.end() && first->second.executed, "only executed blocks settle");
    Commit commit = std::move(first->second.commit);
    blocks_.erase(first);
    unsettled_commands_ -= commit.commands;
    if (commit.commands > 0) {
        auto round = command_rounds_.find(commit.round);
        if (--round->second == 0) command_rounds_.erase(round);
    }
    return commit;
}

void OpenOrder::set_settled_round(std::uint64_t round) {
    PB_CHECK(round >= settled_round_, "the settled log only grows");
    PB_CHECK(blocks_.empty() || blocks_.begin()->first.round > round, "what is settled was taken off");
    settled_round_ = round;
}

bool OpenOrder::has_commands_between(std::uint64_t low, std::uint64_t high) const {
    auto next = command_rounds_.upper_bound(low);
    return next != command_rounds_.end() && next->first <= high;
}

}  // namespace peerbook::exchange
