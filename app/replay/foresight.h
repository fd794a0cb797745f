// What a recording says later about the orders in it: used to repair what it is silent about at first.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "app/replay/recording.h"

namespace peerbook::app::replay {

class Foresight {
  public:
    Foresight(const Recording& recording, const OfficialBook& official);

    // An order that has events without ever having been submitted: it stood in the book before.
    struct Unknown {
        std::uint64_t order = 0;
        std::uint32_t first_row = 0;  // of its first event
        std::int64_t quantity = 0;    // that its events take off it; it had at least as much
    };
    // At one price, in order of their ids, which exchanges give in order of time.
    const std::vector<Unknown>& unknown_at(exchange::Side side, std::int64_t file_price) const;

    // True if an event after `row` names the order.
    bool is_seen_after(std::uint64_t order, std::uint32_t row) const;
    // True if one does in the rows `after` < row ≤ `until`.
    bool is_seen_within(std::uint64_t order, std::uint32_t after, std::uint32_t until) const;

    // The last row up to which the official book shows the price without a gap; precondition: it does at
    // `row`. The event that takes the price away stands in the row after.
    std::uint32_t in_sight_until(exchange::Side side, std::int64_t file_price, std::uint32_t row) const;

  private:
    using Place = std::pair<exchange::Side, std::int64_t>;  // side and price of the file
    struct Span {
        std::uint32_t first = 0, last = 0;
    };

    void note_sight(Place place, std::uint32_t row);

    std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> rows_;  // of events, by order
    std::map<Place, std::vector<Unknown>> unknown_;
    std::map<Place, std::vector<Span>> sight_;
};

}  // namespace peerbook::app::replay
