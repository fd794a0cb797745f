#include "exchange/engine/undo.h"

#include <utility>

namespace peerbook::exchange {

namespace {

// A ring of another size with the same entries at the same positions.
template <typename T>
std::vector<T> resized(const std::vector<T>& ring, std::size_t size, std::uint64_t head, std::uint64_t tail) {
    std::vector<T> other(size);
    for (std::uint64_t at = head; at != tail; ++at)
        other[at & (size - 1)] = ring[at & (ring.size() - 1)];
    return other;
}

}  // namespace

void UndoLog::grow() {
    words_ = resized(words_, words_.size() * 2, head_, tail_);
    mask_ = words_.size() - 1;
}

void UndoLog::shrink() {
    words_ = resized(words_, words_.size() / 2, head_, tail_);
    mask_ = words_.size() - 1;
}

void WaitingSlots::shrink() {
    entries_ = resized(entries_, entries_.size() / 2, head_, tail_);
    mask_ = entries_.size() - 1;
}

void WaitingSlots::grow() {
    entries_ = resized(entries_, entries_.size() * 2, head_, tail_);
    mask_ = entries_.size() - 1;
}

}  // namespace peerbook::exchange
