#include "exchange/ledger/balances.h"

#include "base/check.h"

namespace peerbook::exchange {

void Balances::add_chunk(std::size_t place) {
    if (place >= chunks_.size())
        chunks_.resize((place / chunks_per_account_ + 1) * chunks_per_account_, no_chunk);
    PB_CHECK(balances_.size() < no_chunk - chunk_size, "there are as many balances as 32 bits can name");
    chunks_[place] = static_cast<std::uint32_t>(balances_.size() / chunk_size);
    balances_.resize(balances_.size() + chunk_size);
}

Balance Balances::get(AccountIndex account, AssetId asset) const {
    const std::size_t place = account.value() * chunks_per_account_ + asset.value() / chunk_size;
    if (place >= chunks_.size() || chunks_[place] == no_chunk) return {};
    return balances_[chunks_[place] * chunk_size + asset.value() % chunk_size];
}

std::size_t Balances::memory_bytes() const {
    return chunks_.capacity() * sizeof(std::uint32_t) + balances_.capacity() * sizeof(Balance);
}

}  // namespace peerbook::exchange
