// Random numbers. Logic gets a Random seeded from outside and is a function of that seed; keys and cookies
// come from the system's generator, which only adapters may call.
#pragma once

#include <cstdint>
#include <span>

namespace peerbook {

// xoshiro256** (Blackman and Vigna 2018), seeded by splitmix64. Repeatable, not for secrets. Not thread-safe.
class Random {
  public:
    explicit Random(std::uint64_t seed);
    std::uint64_t next();
    // Uniform in [0, bound), without bias. Precondition: bound > 0.
    std::uint64_t below(std::uint64_t bound);
    // True with probability parts_per_million / 10^6.
    bool chance(std::uint32_t parts_per_million) { return below(1'000'000) < parts_per_million; }

  private:
    std::uint64_t state_[4];
};

// Fills `out` from the operating system's generator. Thread-safe. Never in logic.
void fill_with_system_random(std::span<std::uint8_t> out);

// 64 bits of it, as the seed of a Random. Thread-safe. Never in logic.
std::uint64_t system_random_word();

}  // namespace peerbook
