// Latencies in microseconds, in buckets of at most 1/32 relative width, so that a run of any length has a
// fixed size. Not thread-safe: one a thread, merged at the end.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace peerbook::app::replay {

class Histogram {
  public:
    void add(std::uint64_t value_us) {
        ++buckets_[bucket_of(value_us)];
        ++count_;
        max_ = std::max(max_, value_us);
    }

    void merge(const Histogram& other) {
        for (std::size_t i = 0; i < buckets_.size(); ++i)
            buckets_[i] += other.buckets_[i];
        count_ += other.count_;
        max_ = std::max(max_, other.max_);
    }

    std::uint64_t count() const { return count_; }
    std::uint64_t max() const { return max_; }

    // The smallest bucket bound that `per_mille` of the values do not exceed, never above max(); 0 when
    // empty.
    std::uint64_t quantile(std::uint32_t per_mille) const {
        if (count_ == 0) return 0;
        const std::uint64_t wanted = std::max<std::uint64_t>(1, (count_ * per_mille + 999) / 1'000);
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            seen += buckets_[i];
            if (seen >= wanted) return std::min(upper_bound_of(i), max_);
        }
        return max_;
    }

  private:
    static constexpr unsigned exact_bits =
        5;  // values below 2^5 have a bucket each; above, 2^5 buckets an octave
    static constexpr std::size_t per_octave = std::size_t{1} << exact_bits;

    static std::size_t bucket_of(std::uint64_t value) {
        if (value < per_octave) return static_cast<std::size_t>(value);
        const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - exact_bits - 1;
        return (shift + 1) * per_octave + static_cast<std::size_t>((value >> shift) - per_octave);
    }

    static std::uint64_t upper_bound_of(std::size_t bucket) {
        if (bucket < per_octave) return bucket;
        const unsigned shift = static_cast<unsigned>(bucket / per_octave) - 1;
        const std::uint64_t base = per_octave + bucket % per_octave;
        return ((base + 1) << shift) - 1;
    }

    std::array<std::uint64_t, (64 - exact_bits + 1) * per_octave> buckets_{};
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace peerbook::app::replay
