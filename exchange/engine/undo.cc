#include "exchange/engine/undo.h"

#include <utility>

namespace peerbook::exchange {

namespace {

// A ring of twice the size with the same entries at the same positions.
template <typename T>
std::vector<T> doubled(const std::vector<T>& ring, std::uint64_t head, std::uint64_t tail) {
    std::vector<T> larger(ring.size() * 2);
    for (std::uint64_t at = head; at != tail; ++at)
        larger[at & (larger.size() - 1)] = ring[at & (ring.size() - 1)];
    return larger;
}

}  // namespace

void UndoLog::grow() {
    words_ = doubled(words_, head_, tail_);
    mask_ = words_.size() - 1;
}

void WaitingSlots::grow() {
    entries_ = doubled(entries_, head_, tail_);
    mask_ = entries_.size() - 1;
}

}  // namespace peerbook::exchange
