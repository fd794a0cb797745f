#include "exchange/ledger/balances.h"

#include "base/check.h"

namespace peerbook::exchange {

void Balances::add_chunk(std::size_t place) {
    if (place >= chunk_of_.size()) chunk_of_.resize((place / groups_ + 1) * groups_, no_chunk);
    PB_CHECK(chunks_.size() < no_chunk / chunk_size, "there are as many balances as 32 bits can name");
    Chunk chunk;
    chunk.account = static_cast<std::uint32_t>(place / groups_);
    chunk.group = static_cast<std::uint32_t>(place % groups_);
    chunk_of_[place] = static_cast<std::uint32_t>(chunks_.push_back(chunk));
}

Balance Balances::get(AccountIndex account, AssetId asset) const {
    const std::size_t place = account.value() * groups_ + asset.value() / chunk_size;
    if (place >= chunk_of_.size() || chunk_of_[place] == no_chunk) return {};
    return chunks_[chunk_of_[place]].balances[asset.value() % chunk_size];
}

std::size_t Balances::memory_bytes() const {
    return chunk_of_.capacity() * sizeof(std::uint32_t) + chunks_.memory_bytes();
}

}  // namespace peerbook::exchange
