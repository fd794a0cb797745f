// Total and reserved amount of each (account, asset). Balances come in chunks of four assets, made when an
// account first touches one of them and never moved in name: a slot names a balance for good. Logic thread
// only.
#pragma once

#include <cstdint>
#include <vector>

#include "base/paged_array.h"
#include "base/prefetch.h"
#include "exchange/market/types.h"

namespace peerbook::exchange {

// Aligned, so that none straddles two cache lines.
struct alignas(32) Balance {
    Amount total = 0;
    Amount reserved = 0;  // 0 ≤ reserved ≤ total

    Amount available() const { return total - reserved; }
};

using BalanceSlot = std::uint32_t;

class Balances {
  public:
    static constexpr std::uint32_t chunk_size = 4;

    // Balances of `account` in assets group × chunk_size and the following.
    struct Chunk {
        Balance balances[chunk_size];
        std::uint32_t account = 0;
        std::uint32_t group = 0;
    };
    using Frozen = PagedArray<Chunk, 4>::Frozen;

    explicit Balances(std::size_t asset_count) : groups_((asset_count + chunk_size - 1) / chunk_size) {}

    // Makes the chunk if it is missing.
    BalanceSlot slot(AccountIndex account, AssetId asset) {
        const std::size_t place = account.value() * groups_ + asset.value() / chunk_size;
        if (place >= chunk_of_.size() || chunk_of_[place] == no_chunk) [[unlikely]]
            add_chunk(place);
        return chunk_of_[place] * chunk_size + asset.value() % chunk_size;
    }
    const Balance& operator[](BalanceSlot slot) const {
        return chunks_[slot / chunk_size].balances[slot % chunk_size];
    }
    Balance& edit(BalanceSlot slot) { return chunks_.edit(slot / chunk_size).balances[slot % chunk_size]; }
    void prefetch(AccountIndex account, AssetId asset) const {
        const std::size_t place = account.value() * groups_ + asset.value() / chunk_size;
        if (place < chunk_of_.size() && chunk_of_[place] != no_chunk)
            prefetch_line(&chunks_[chunk_of_[place]].balances[asset.value() % chunk_size]);
    }
    // A zero balance for what was never touched.
    Balance get(AccountIndex account, AssetId asset) const;
    Frozen freeze() { return chunks_.freeze(); }
    std::size_t memory_bytes() const;

  private:
    static constexpr std::uint32_t no_chunk = 0xffff'ffff;
    void add_chunk(std::size_t place);

    std::size_t groups_;
    std::vector<std::uint32_t> chunk_of_;  // by account, then asset / chunk_size
    PagedArray<Chunk, 4> chunks_;
};

}  // namespace peerbook::exchange
