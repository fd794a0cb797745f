// A number for each account that a commit asks one for, zero at first. Open addressing over the accounts'
// indexes, at most half full, and the numbers side by side; clear() costs what was used, and once both are
// as large as commits need, nothing is allocated. Logic thread only.
#pragma once

#include <cstdint>
#include <vector>

#include "exchange/market/index_hash.h"
#include "exchange/market/types.h"

namespace peerbook::exchange {

class AccountCounts {
  public:
    // `seed`: market/index_hash.h.
    explicit AccountCounts(std::uint64_t seed) : hash_(seed) {}

    // The reference is good until the next call.
    std::uint64_t& operator[](AccountIndex account) {
        if (counts_.size() * 2 >= places_.size()) grow();
        std::uint32_t& place = place_of(account.value());
        if (place == none) {
            place = static_cast<std::uint32_t>(counts_.size());
            counts_.push_back({account.value(), 0});
        }
        return counts_[place].number;
    }
    void clear() {
        // The last one first: what stands in its way to its place was there before it.
        for (; !counts_.empty(); counts_.pop_back())
            place_of(counts_.back().account) = none;
    }

  private:
    static constexpr std::uint32_t none = 0xffff'ffff;
    struct Count {
        std::uint32_t account;
        std::uint64_t number;
    };

    // Where the account stands, or would.
    std::uint32_t& place_of(std::uint32_t account) {
        const std::size_t mask = places_.size() - 1;
        std::size_t at = hash_(account, 0) >> 32 & mask;
        while (places_[at] != none && counts_[places_[at]].account != account)
            at = (at + 1) & mask;
        return places_[at];
    }
    void grow() {
        places_.assign(places_.size() * 2, none);
        for (std::uint32_t i = 0; i < counts_.size(); ++i)
            place_of(counts_[i].account) = i;
    }

    IndexHash hash_;
    std::vector<std::uint32_t> places_ = std::vector<std::uint32_t>(64, none);  // in counts_
    std::vector<Count> counts_;
};

}  // namespace peerbook::exchange
