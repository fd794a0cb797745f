#include "app/node/own_blocks.h"

#include <algorithm>

#include "base/check.h"

namespace peerbook::app {

namespace {

ByteView payload_of(const SharedBytes& encoded, std::size_t payload_bytes) {
    PB_CHECK(payload_bytes <= encoded.size(), "a payload is a part of its block");
    return encoded.view().last(payload_bytes);
}

}  // namespace

bool OwnBlocks::made(std::uint64_t seq, SharedBytes encoded, std::size_t payload_bytes) {
    const std::uint64_t number = number_of(seq);
    std::uint64_t first = number;
    bool is_again = false;
    if (payload_bytes > 0 && !waiting_.empty() &&
        std::ranges::equal(payload_of(encoded, payload_bytes), waiting_.front().payload)) {
        again_[waiting_.front().number] = number;
        first = waiting_.front().first;
        waiting_.pop_front();
        is_again = true;
    }
    if (payload_bytes > 0) unsettled_[number] = Made{std::move(encoded), payload_bytes, first};
    return is_again;
}

void OwnBlocks::take_back(std::uint64_t seq, std::vector<std::optional<Origin>> origins) {
    const auto made = unsettled_.find(number_of(seq));
    if (made == unsettled_.end()) return;  // it had no commands
    const ByteView payload = payload_of(made->second.encoded, made->second.payload_bytes);
    waiting_.push_back(
        {made->first, made->second.first, Bytes(payload.begin(), payload.end()), std::move(origins), 0});
    unsettled_.erase(made);
}

void OwnBlocks::close(std::uint64_t made) {
    // What was issued again comes before what waited behind it, once more.
    std::stable_sort(waiting_.begin(), waiting_.end(),
                     [](const Waiting& a, const Waiting& b) { return a.first < b.first; });
    before_ += made;
}

OwnBlocks::Waiting OwnBlocks::hand_over() {
    PB_CHECK(!waiting_.empty(), "there is a block to hand over");
    Waiting oldest = std::move(waiting_.front());
    waiting_.pop_front();
    return oldest;
}

std::uint64_t OwnBlocks::waiting_commands() const {
    std::uint64_t count = 0;
    for (const Waiting& one : waiting_)
        count += one.commands;
    return count;
}

std::optional<std::uint64_t> OwnBlocks::latest(std::uint64_t number) const {
    for (auto next = again_.find(number); next != again_.end(); next = again_.find(number))
        number = next->second;
    const bool waits = std::any_of(waiting_.begin(), waiting_.end(),
                                   [&](const Waiting& one) { return one.number == number; });
    return waits ? std::nullopt : std::optional(number);
}

}  // namespace peerbook::app
