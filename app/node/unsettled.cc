#include "app/node/unsettled.h"

#include <algorithm>

namespace peerbook::app {

void UnsettledCommands::forget_if_zero(const exchange::AccountId& account) {
    const auto entry = accounts_.find(account);
    if (entry != accounts_.end() && entry->second.queued == 0 && entry->second.in_blocks == 0)
        accounts_.erase(entry);
}

void UnsettledCommands::drop(const exchange::AccountId& account, std::uint64_t count) {
    const auto entry = accounts_.find(account);
    if (entry == accounts_.end()) return;
    entry->second.queued -= std::min(entry->second.queued, count);
    forget_if_zero(account);
}

UnsettledCommands::Carried UnsettledCommands::commands_of(const exchange::VerifiedBlock& block) const {
    using exchange::BatchKind;
    Carried carried;
    for (const exchange::CommandBatch& batch : block.batches) {
        if (batch.kind == BatchKind::self_custodied || batch.signer != node_ || !batch.authorized) continue;
        std::vector<std::uint64_t> counts(batch.accounts.size(), 0);
        for (const exchange::BatchCommand& command : batch.commands)
            counts[command.account] += exchange::index_count(command.body);
        for (std::size_t i = 0; i < counts.size(); ++i)
            carried.emplace_back(batch.accounts[i], counts[i]);
    }
    return carried;
}

void UnsettledCommands::carry(const Digest& block, Carried carried) {
    if (carried.empty()) return;
    const auto [entry, is_new] = blocks_.emplace(block, std::move(carried));
    if (!is_new) return;
    for (const auto& [account, count] : entry->second) {
        Counts& counts = accounts_[account];
        counts.queued -= std::min(counts.queued, count);
        counts.in_blocks += count;
    }
}

void UnsettledCommands::settle(const Digest& block) {
    const auto entry = blocks_.find(block);
    if (entry == blocks_.end()) return;
    for (const auto& [account, count] : entry->second) {
        accounts_[account].in_blocks -= count;
        forget_if_zero(account);
    }
    blocks_.erase(entry);
}

void UnsettledCommands::take_back(const Digest& block) {
    const auto entry = blocks_.find(block);
    if (entry == blocks_.end()) return;
    for (const auto& [account, count] : entry->second) {
        accounts_[account].in_blocks -= count;
        accounts_[account].queued += count;
    }
    blocks_.erase(entry);
}

std::uint64_t UnsettledCommands::count(const exchange::AccountId& account) const {
    const auto entry = accounts_.find(account);
    return entry == accounts_.end() ? 0 : entry->second.queued + entry->second.in_blocks;
}

}  // namespace peerbook::app
