// Which nonces of one account were burnt.
//
// A nonce is free if it was not burnt, is at least 1, and lies within nonce_window of the highest one burnt,
// on either side: older ones are refused because nobody remembers them, much newer ones because one slip
// would make every other nonce too old. Inside the window any order of arrival is fine, and twice is refused.
// Nonces stay below nonce_limit, which no account can count to, so that nothing here wraps around.
//
// A client that counts up costs two integers: everything up to `base` is burnt or too old, and `base` follows
// the highest. Nonces out of order make chunks of 512 bits, sorted and only where something was burnt: at
// most one for each 512 nonces of the window. Burning changes one chunk and takes out at most one that lies
// behind the base, so that its inverse is small. Logic thread only.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace peerbook::exchange {

inline constexpr std::uint64_t nonce_window = 65'536;
inline constexpr std::uint64_t nonce_limit = std::uint64_t{1} << 63;

class NonceWindow {
  public:
    enum class Verdict : std::uint8_t { free, used, out_of_window };

    struct Chunk {
        std::uint64_t number_plus_1 = 0;  // nonce / 512 + 1; 0 for no chunk
        std::array<std::uint64_t, 8> bits{};
        friend bool operator==(const Chunk&, const Chunk&) = default;
    };
    // A run of free nonces with burnt ones on both sides.
    struct Gap {
        std::uint64_t first = 0, last = 0;
        friend bool operator==(const Gap&, const Gap&) = default;
    };
    // What undo() needs. For a client that counts up, `in_order` is true and nothing else matters.
    struct Burn {
        bool in_order = true;
        bool chunk_is_new = false;
        std::uint64_t base = 0, highest = 0;  // before
        std::uint64_t nonce = 0;
        Chunk dropped;  // the oldest chunk, which nothing will ask for again; empty if none was dropped
    };

    // A window in which exactly the nonces up to `highest` are burnt that lie in no gap. Precondition: gaps
    // are as for_each_gap() visits them, highest < nonce_limit.
    static NonceWindow restored(std::uint64_t highest, const std::vector<Gap>& gaps);

    Verdict verdict(std::uint64_t nonce) const {
        if (nonce == highest_ + 1 && nonce < nonce_limit) [[likely]]
            return Verdict::free;
        return slow_verdict(nonce);
    }
    // Precondition: verdict(nonce) is free.
    Burn burn(std::uint64_t nonce) {
        if (nonce == highest_ + 1 && base_ == highest_ && chunks_.empty()) [[likely]] {
            base_ = highest_ = nonce;
            return {};
        }
        return burn_out_of_order(nonce);
    }
    // burn() for the nonce that a client that counts up uses next; false, and nothing changed, for others.
    bool burn_if_next(std::uint64_t nonce) {
        if (nonce != highest_ + 1 || base_ != highest_ || nonce >= nonce_limit || !chunks_.empty())
            return false;
        base_ = highest_ = nonce;
        return true;
    }
    // True for what was burnt in order or is long past; others may be too.
    bool is_behind(std::uint64_t nonce) const { return nonce <= base_; }
    void undo_in_order() { base_ = --highest_; }
    // The inverse of the last burn that was not undone.
    void undo(const Burn& burn);

    // Highest nonce burnt, 0 for none.
    std::uint64_t highest() const { return highest_; }
    // Calls visit(first, last) for each run of free nonces below highest(), in ascending order.
    template <typename Visit>
    void for_each_gap(Visit visit) const {
        for (std::uint64_t nonce = oldest() + 1; nonce < highest_;) {
            const std::uint64_t first = next_free(nonce);
            if (first >= highest_) return;
            nonce = next_marked(first);
            visit(first, nonce - 1);
        }
    }
    std::size_t memory_bytes() const { return chunks_.capacity() * sizeof(Chunk); }
    // The same inside as well; two that are not equal may still give the same verdicts.
    friend bool operator==(const NonceWindow&, const NonceWindow&) = default;

  private:
    static constexpr std::uint64_t chunk_nonces = 512;

    Verdict slow_verdict(std::uint64_t nonce) const;
    Burn burn_out_of_order(std::uint64_t nonce);
    // Everything up to here is burnt or too old.
    std::uint64_t oldest() const {
        const std::uint64_t edge = highest_ > nonce_window ? highest_ - nonce_window : 0;
        return edge > base_ ? edge : base_;
    }
    // Place of the first chunk whose number is not below.
    std::size_t place_of(std::uint64_t number) const;
    bool has_chunk(std::size_t place, std::uint64_t number) const {
        return place < chunks_.size() && chunks_[place].number_plus_1 == number + 1;
    }
    void add_chunk(std::size_t place, const Chunk& chunk);
    void mark(std::uint64_t first, std::uint64_t last);  // none of them is below a nonce that is marked
    // The marks of the 64 nonces from 64 × word.
    std::uint64_t marks_of(std::uint64_t word) const;
    // Preconditions: base_ < nonce ≤ highest_. The first from `nonce` on; highest_ + 1 if all are marked, and
    // highest_ itself is always marked.
    std::uint64_t next_free(std::uint64_t nonce) const;
    std::uint64_t next_marked(std::uint64_t nonce) const;

    std::uint64_t base_ = 0;
    std::uint64_t highest_ = 0;
    std::vector<Chunk> chunks_;  // by number
};

}  // namespace peerbook::exchange
