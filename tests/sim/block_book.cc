#include "tests/sim/block_book.h"

#include <algorithm>

namespace peerbook::sim {

// A block begins with format and rules version, network, ledger and view: PROTOCOL.md.
Digest BlockBook::view_of(const SharedBytes& encoded) {
    constexpr std::size_t offset = 2 + 2 + 2 * Digest::size;
    Digest view;
    if (encoded.size() >= offset + Digest::size)
        std::copy_n(encoded.view().begin() + offset, Digest::size, view.data.begin());
    return view;
}

Result<SharedBlock> BlockBook::verify(const SharedBytes& encoded, bool checked) {
    if (const auto known = by_address_.find(encoded.view().data()); known != by_address_.end())
        return known->second.block;
    const exchange::View* view = ledgers_.find(view_of(encoded));
    if (!view) return Error{ErrorCode::unavailable, "a block of a view that nobody decided"};
    auto block = exchange::verify_block(
        encoded, *view, network_, exchange::rules_version_latest, testing::CheapVerifier{},
        checked ? exchange::BlockSource::peer : exchange::BlockSource::own_journal);
    if (!block.ok()) return block.error();
    auto shared = std::make_shared<const exchange::VerifiedBlock>(std::move(*block));
    by_address_.emplace(encoded.view().data(), Known{encoded, shared});
    if (by_digest_.emplace(shared->digest, shared).second) note_commands(*shared);
    return shared;
}

void BlockBook::note_commands(const exchange::VerifiedBlock& block) {
    for (const exchange::CommandBatch& batch : block.batches)
        for (const exchange::BatchCommand& command : batch.commands)
            carriers_[batch.accounts[command.account]][command.ref()].push_back(block.digest);
}

SharedBlock BlockBook::find(const Digest& digest) const {
    const auto known = by_digest_.find(digest);
    return known == by_digest_.end() ? nullptr : known->second;
}

const std::vector<Digest>& BlockBook::carriers(const exchange::AccountId& account,
                                               exchange::CommandRef ref) const {
    static const std::vector<Digest> none;
    const auto commands = carriers_.find(account);
    if (commands == carriers_.end()) return none;
    const auto found = commands->second.find(ref);
    return found == commands->second.end() ? none : found->second;
}

}  // namespace peerbook::sim
