#include "exchange/ledger/nonces.h"

#include <algorithm>
#include <utility>

namespace peerbook::exchange {

namespace {

std::size_t word_of(std::uint64_t nonce) {
    return static_cast<std::size_t>(nonce % 512 / 64);
}
std::uint64_t bit_of(std::uint64_t nonce) {
    return std::uint64_t{1} << (nonce % 64);
}

}  // namespace

bool NonceWindow::is_marked(std::uint64_t nonce) const {
    if (ring_.empty()) return false;
    const std::uint64_t number = nonce / chunk_nonces;
    const Chunk& chunk = ring_[number & (ring_.size() - 1)];
    return chunk.number_plus_1 == number + 1 && (chunk.bits[word_of(nonce)] & bit_of(nonce)) != 0;
}

NonceWindow::Verdict NonceWindow::slow_verdict(std::uint64_t nonce) const {
    if (nonce == 0) return Verdict::out_of_window;
    if (nonce > highest_) return nonce - highest_ <= nonce_window ? Verdict::free : Verdict::out_of_window;
    if (highest_ - nonce >= nonce_window) return Verdict::out_of_window;
    return nonce <= base_ || is_marked(nonce) ? Verdict::used : Verdict::free;
}

// Grows the ring until chunk `number` displaces only chunks that nothing will ask for again.
void NonceWindow::make_room(std::uint64_t number) {
    if (ring_.empty()) ring_.resize(1);
    for (;;) {
        const Chunk& there = place_of(number);
        const bool is_needed = there.number_plus_1 != 0 && there.number_plus_1 != number + 1 &&
                               there.number_plus_1 * chunk_nonces > base_ + 1;
        if (!is_needed) return;
        std::vector<Chunk> old = std::exchange(ring_, std::vector<Chunk>(ring_.size() * 2));
        for (const Chunk& chunk : old)
            if (chunk.number_plus_1 != 0) place_of(chunk.number_plus_1 - 1) = chunk;
    }
}

NonceWindow::Burn NonceWindow::burn_out_of_order(std::uint64_t nonce) {
    Burn burn;
    burn.in_order = false;
    burn.base = base_;
    burn.highest = highest_;
    burn.nonce = nonce;

    highest_ = std::max(highest_, nonce);
    base_ = oldest();
    const std::uint64_t number = nonce / chunk_nonces;
    make_room(number);
    Chunk& chunk = place_of(number);
    if (chunk.number_plus_1 != number + 1) {
        burn.chunk_is_new = true;
        burn.displaced = chunk;
        chunk = Chunk{number + 1, {}};
    }
    chunk.bits[word_of(nonce)] |= bit_of(nonce);
    while (base_ < highest_ && is_marked(base_ + 1))
        ++base_;
    return burn;
}

void NonceWindow::undo(const Burn& burn) {
    if (burn.in_order) {
        undo_in_order();
        return;
    }
    const std::uint64_t number = burn.nonce / chunk_nonces;
    Chunk& chunk = place_of(number);
    if (burn.chunk_is_new) {
        chunk = Chunk();
        if (burn.displaced.number_plus_1 != 0) place_of(burn.displaced.number_plus_1 - 1) = burn.displaced;
    } else {
        chunk.bits[word_of(burn.nonce)] &= ~bit_of(burn.nonce);
    }
    base_ = burn.base;
    highest_ = burn.highest;
}

}  // namespace peerbook::exchange
