#include "exchange/ordering/vector_clock.h"

#include <algorithm>

#include "base/check.h"

namespace peerbook::exchange {

void VectorClock::merge(const VectorClock& other) {
    PB_CHECK(rounds_.size() == other.rounds_.size(), "clocks of one view have one size");
    for (std::size_t i = 0; i < rounds_.size(); ++i)
        rounds_[i] = std::max(rounds_[i], other.rounds_[i]);
}

void VectorClock::advance(MemberIndex member, std::uint64_t round) {
    PB_CHECK(rounds_[member.value()] < round, "an author's rounds rise");
    rounds_[member.value()] = round;
}

std::uint64_t VectorClock::least() const {
    PB_CHECK(!rounds_.empty(), "a view has members");
    return *std::min_element(rounds_.begin(), rounds_.end());
}

}  // namespace peerbook::exchange
