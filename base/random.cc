#include "base/random.h"

#include <sodium.h>

#include <array>
#include <bit>

#include "base/check.h"

namespace peerbook {

Random::Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
        seed += 0x9e3779b97f4a7c15;
        std::uint64_t z = seed;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        word = z ^ z >> 31;
    }
}

std::uint64_t Random::next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

std::uint64_t Random::below(std::uint64_t bound) {
    PB_CHECK(bound > 0, "below() needs a positive bound");
    // Lemire's multiply-and-reject.
    const std::uint64_t threshold = (~bound + 1) % bound;
    for (;;) {
        const unsigned __int128 product = static_cast<unsigned __int128>(next()) * bound;
        if (static_cast<std::uint64_t>(product) >= threshold)
            return static_cast<std::uint64_t>(product >> 64);
    }
}

void fill_with_system_random(std::span<std::uint8_t> out) {
    PB_CHECK(sodium_init() >= 0, "libsodium cannot be initialised");
    randombytes_buf(out.data(), out.size());
}

std::uint64_t system_random_word() {
    std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
    fill_with_system_random(bytes);
    return std::bit_cast<std::uint64_t>(bytes);
}

}  // namespace peerbook
