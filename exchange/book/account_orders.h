// Which orders of one account are open, in no order. Each has a place, which its order knows; a free place
// names the next free one. So adding and taking out touch one line here, and none of another order. Logic
// thread only.
#pragma once

#include <cstdint>
#include <vector>

#include "exchange/book/order_pool.h"

namespace peerbook::exchange {

class AccountOrders {
  public:
    std::uint32_t count() const { return count_; }

    // Gives the order's place.
    std::uint32_t add(OrderSlot slot) {
        ++count_;
        const std::uint32_t place = first_free_;
        if (place == places_.size()) [[unlikely]] {
            places_.push_back(slot);
            ++first_free_;
            return place;
        }
        first_free_ = places_[place] & ~is_free;
        places_[place] = slot;
        return place;
    }
    void take_out(std::uint32_t place) {
        places_[place] = is_free | first_free_;
        first_free_ = place;
        --count_;
    }
    // True once tidy() is worth its work: it looks at all places, and many orders have left since the last.
    bool is_untidy() const { return places_.size() > places_kept && count_ < places_.size() / 8; }
    // Gives free places' memory back; `moved(slot, place)` is told where each order stands from now on.
    template <typename Moved>
    void tidy(Moved moved) {
        std::vector<std::uint32_t> kept;
        kept.reserve(count_ < places_kept ? places_kept : std::size_t{count_} * 2);
        for (const std::uint32_t at : places_)
            if ((at & is_free) == 0) {
                moved(OrderSlot{at}, static_cast<std::uint32_t>(kept.size()));
                kept.push_back(at);
            }
        places_.swap(kept);
        first_free_ = static_cast<std::uint32_t>(places_.size());
    }
    // Calls visit(slot) until it returns false.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (const std::uint32_t at : places_)
            if ((at & is_free) == 0 && !visit(OrderSlot{at})) return;
    }
    std::size_t memory_bytes() const { return places_.capacity() * sizeof(std::uint32_t); }

  private:
    static constexpr std::uint32_t is_free = order_slots_max;  // no slot has this bit
    static constexpr std::size_t places_kept = 64;

    std::vector<std::uint32_t> places_;  // a slot; or is_free and the number of the next free place
    std::uint32_t first_free_ = 0;       // places_.size(): none is
    std::uint32_t count_ = 0;
};

}  // namespace peerbook::exchange
