#include "exchange/ordering/open_order.h"

#include <algorithm>
#include <functional>
#include <utility>

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
    block.indexes = block.commit.commands;
    for (const CommandBatch& batch : block.batches)
        for (const BatchCommand& command : batch.commands)
            block.indexes += index_count(command.body) - 1;
    unsettled_commands_ += block.indexes;
    const auto [place, inserted] = blocks_.emplace(key, std::move(block));
    PB_CHECK(inserted, "a block is ordered once");
    set_awaited(key.round, place->second, place->second.commit.commands > 0);
}

void OpenOrder::set_awaited(std::uint64_t round, OrderedBlock& block, bool is_awaited) {
    if (std::exchange(block.is_awaited, is_awaited) == is_awaited) return;
    if (is_awaited) {
        ++awaited_rounds_[round];
        return;
    }
    const auto count = awaited_rounds_.find(round);
    if (--count->second == 0) awaited_rounds_.erase(count);
}

void OpenOrder::note_executed(Position block) {
    OrderedBlock& executed = block->second;
    executed.executed = true;
    set_awaited(block->first.round, executed,
                executed.commit.commands > 0 || !executed.commit.events.empty());
}

OpenOrder::Position OpenOrder::first_new() {
    return has_new_ ? blocks_.find(first_new_) : blocks_.end();
}

void OpenOrder::erase(Position block) {
    PB_CHECK(!block->second.in_engine, "what is erased was undone");
    if (has_new_ && block->first == first_new_) {
        const auto next = std::next(block);
        has_new_ = next != blocks_.end();
        if (has_new_) first_new_ = next->first;
    }
    set_awaited(block->first.round, block->second, false);
    unsettled_commands_ -= block->second.indexes;
    blocks_.erase(block);
}

Commit OpenOrder::settle_first() {
    auto first = blocks_.begin();
    PB_CHECK(first != blocks_.end() && first->second.executed, "only executed blocks settle");
    set_awaited(first->first.round, first->second, false);
    Commit commit = std::move(first->second.commit);
    unsettled_commands_ -= first->second.indexes;
    blocks_.erase(first);
    return commit;
}

void OpenOrder::set_settled_round(std::uint64_t round) {
    PB_CHECK(round >= settled_round_, "the settled log only grows");
    PB_CHECK(blocks_.empty() || blocks_.begin()->first.round > round, "what is settled was taken off");
    settled_round_ = round;
}

bool OpenOrder::has_awaited_between(std::uint64_t low, std::uint64_t high) const {
    auto next = awaited_rounds_.upper_bound(low);
    return next != awaited_rounds_.end() && next->first <= high;
}

}  // namespace peerbook::exchange
