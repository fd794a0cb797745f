// The hash of tables that strangers fill with keys of their own choice: without the seed nobody can tell
// which keys collide, so nobody can make a table's probing long. A table's order never reaches state or
// output, and so the seed does not either.
#pragma once

#include <cstdint>

namespace peerbook::exchange {

class IndexHash {
  public:
    explicit constexpr IndexHash(std::uint64_t seed) : first_(spread(seed + 1)), second_(spread(~seed)) {}

    // Both words reach every bit: a product of 128 bits, folded, then multiplied again.
    constexpr std::uint64_t operator()(std::uint64_t a, std::uint64_t b) const {
        const unsigned __int128 product = static_cast<unsigned __int128>(a ^ first_) * (b ^ second_);
        const std::uint64_t folded =
            static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
        return folded * 0x9e3779b97f4a7c15;
    }

  private:
    // Two words that look unrelated for seeds next to each other (the finish of MurmurHash3).
    static constexpr std::uint64_t spread(std::uint64_t x) {
        x *= 0x9e3779b97f4a7c15;
        x = (x ^ x >> 33) * 0xff51afd7ed558ccd;
        x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53;
        return (x ^ x >> 33) | 1;
    }

    std::uint64_t first_, second_;
};

}  // namespace peerbook::exchange
