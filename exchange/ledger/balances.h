// Total and reserved amount of each (account, asset). Balances come in chunks of four assets, made when an
// account first touches one of them and never moved in name: a slot names a balance for good. Logic thread
// only.
#pragma once

#include <cstdint>
#include <vector>

#include "exchange/market/types.h"

namespace peerbook::exchange {

struct Balance {
    Amount total = 0;
    Amount reserved = 0;  // 0 ≤ reserved ≤ total

    Amount available() const { return total - reserved; }
};

using BalanceSlot = std::uint32_t;

class Balances {
  public:
    explicit Balances(std::size_t asset_count)
        : chunks_per_account_((asset_count + chunk_size - 1) / chunk_size) {}

    // Makes the chunk if it is missing, which may move balances in memory: take slots first, references
    // after.
    BalanceSlot slot(AccountIndex account, AssetId asset) {
        const std::size_t place = account.value() * chunks_per_account_ + asset.value() / chunk_size;
        if (place >= chunks_.size() || chunks_[place] == no_chunk) [[unlikely]]
            add_chunk(place);
        return chunks_[place] * chunk_size + asset.value() % chunk_size;
    }
    Balance& operator[](BalanceSlot slot) { return balances_[slot]; }
    // A zero balance for what was never touched.
    Balance get(AccountIndex account, AssetId asset) const;
    std::size_t memory_bytes() const;

  private:
    static constexpr std::uint32_t chunk_size = 4;
    static constexpr std::uint32_t no_chunk = 0xffff'ffff;
    void add_chunk(std::size_t place);

    std::size_t chunks_per_account_;
    std::vector<std::uint32_t> chunks_;  // by account, then asset / chunk_size
    std::vector<Balance> balances_;
};

}  // namespace peerbook::exchange
