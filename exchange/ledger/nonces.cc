#include "exchange/ledger/nonces.h"

#include <algorithm>
#include <bit>

namespace peerbook::exchange {

namespace {

// What a window can need at once, and one that a burn adds before it drops another.
constexpr std::size_t chunks_max = nonce_window / 512 + 2;

std::size_t word_of(std::uint64_t nonce) {
    return static_cast<std::size_t>(nonce % 512 / 64);
}
std::uint64_t bit_of(std::uint64_t nonce) {
    return std::uint64_t{1} << (nonce % 64);
}
// The bits of `nonce` and of those after it in its word.
std::uint64_t bits_from(std::uint64_t nonce) {
    return ~std::uint64_t{0} << (nonce % 64);
}

}  // namespace

std::size_t NonceWindow::place_of(std::uint64_t number) const {
    // Most nonces are near the highest.
    if (!chunks_.empty() && chunks_.back().number_plus_1 == number + 1) return chunks_.size() - 1;
    const auto place = std::lower_bound(
        chunks_.begin(), chunks_.end(), number + 1,
        [](const Chunk& chunk, std::uint64_t wanted) { return chunk.number_plus_1 < wanted; });
    return static_cast<std::size_t>(place - chunks_.begin());
}

void NonceWindow::add_chunk(std::size_t place, const Chunk& chunk) {
    // Grows by less than a vector would by itself, because accounts are many.
    if (chunks_.size() == chunks_.capacity())
        chunks_.reserve(std::max(chunks_.size() + 1, std::min(chunks_max, chunks_.size() * 3 / 2)));
    chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(place), chunk);
}

std::uint64_t NonceWindow::marks_of(std::uint64_t word) const {
    const std::uint64_t number = word / 8;
    const std::size_t place = place_of(number);
    return has_chunk(place, number) ? chunks_[place].bits[word % 8] : 0;
}

std::uint64_t NonceWindow::next_free(std::uint64_t nonce) const {
    for (std::uint64_t mask = bits_from(nonce); nonce <= highest_; mask = ~std::uint64_t{0}) {
        const std::uint64_t word = nonce / 64;
        const std::uint64_t free = ~marks_of(word) & mask;
        if (free != 0)
            return std::min(word * 64 + static_cast<std::uint64_t>(std::countr_zero(free)), highest_ + 1);
        nonce = (word + 1) * 64;
    }
    return highest_ + 1;
}

std::uint64_t NonceWindow::next_marked(std::uint64_t nonce) const {
    for (std::uint64_t mask = bits_from(nonce); nonce <= highest_; mask = ~std::uint64_t{0}) {
        const std::uint64_t word = nonce / 64;
        const std::uint64_t marked = marks_of(word) & mask;
        if (marked != 0) return word * 64 + static_cast<std::uint64_t>(std::countr_zero(marked));
        nonce = (word + 1) * 64;
    }
    return highest_ + 1;
}

NonceWindow NonceWindow::restored(std::uint64_t highest, const std::vector<Gap>& gaps) {
    NonceWindow window;
    window.highest_ = highest;
    window.base_ = gaps.empty() ? highest : gaps.front().first - 1;
    for (std::size_t i = 0; i < gaps.size(); ++i)
        window.mark(gaps[i].last + 1, i + 1 < gaps.size() ? gaps[i + 1].first - 1 : highest);
    return window;
}

void NonceWindow::mark(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t word = first / 64; word <= last / 64; ++word) {
        const std::uint64_t number = word / 8;
        if (chunks_.empty() || chunks_.back().number_plus_1 != number + 1)
            add_chunk(chunks_.size(), Chunk{number + 1, {}});
        std::uint64_t bits = ~std::uint64_t{0};
        if (word == first / 64) bits &= bits_from(first);
        if (word == last / 64) bits &= ~(bits_from(last) << 1);
        chunks_.back().bits[word % 8] |= bits;
    }
}

NonceWindow::Verdict NonceWindow::slow_verdict(std::uint64_t nonce) const {
    if (nonce == 0 || nonce >= nonce_limit) return Verdict::out_of_window;
    if (nonce > highest_) return nonce - highest_ <= nonce_window ? Verdict::free : Verdict::out_of_window;
    if (highest_ - nonce >= nonce_window) return Verdict::out_of_window;
    if (nonce <= base_) return Verdict::used;
    return (marks_of(nonce / 64) & bit_of(nonce)) != 0 ? Verdict::used : Verdict::free;
}

NonceWindow::Burn NonceWindow::burn_out_of_order(std::uint64_t nonce) {
    Burn burn;
    burn.in_order = false;
    burn.base = base_;
    burn.highest = highest_;
    burn.nonce = nonce;

    if (nonce == highest_ + 1 && base_ == highest_) {
        base_ = highest_ = nonce;
    } else {
        highest_ = std::max(highest_, nonce);
        base_ = oldest();
        const std::uint64_t number = nonce / chunk_nonces;
        const std::size_t place = place_of(number);
        if (!has_chunk(place, number)) {
            burn.chunk_is_new = true;
            add_chunk(place, Chunk{number + 1, {}});
        }
        chunks_[place].bits[word_of(nonce)] |= bit_of(nonce);
        if (base_ < highest_) base_ = next_free(base_ + 1) - 1;
    }
    const bool is_behind =
        base_ == highest_ || (!chunks_.empty() && chunks_.front().number_plus_1 * chunk_nonces <= base_ + 1);
    if (is_behind && !chunks_.empty()) {
        burn.dropped = chunks_.front();
        chunks_.erase(chunks_.begin());
        if (chunks_.empty()) chunks_.shrink_to_fit();
    }
    return burn;
}

void NonceWindow::undo(const Burn& burn) {
    if (burn.in_order) {
        undo_in_order();
        return;
    }
    if (burn.dropped.number_plus_1 != 0) add_chunk(0, burn.dropped);
    const std::uint64_t number = burn.nonce / chunk_nonces;
    const std::size_t place = place_of(number);
    if (has_chunk(place, number)) {
        if (burn.chunk_is_new)
            chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(place));
        else
            chunks_[place].bits[word_of(burn.nonce)] &= ~bit_of(burn.nonce);
    }
    base_ = burn.base;
    highest_ = burn.highest;
}

}  // namespace peerbook::exchange
