// Which orders of one account are open, in no order. Each has a place, which its order knows; a free place
// names the next free one. So adding and taking out touch one line here, and none of another order. Logic
// thread only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "base/prefetch.h"
#include "exchange/book/order_pool.h"

namespace peerbook::exchange {

class AccountOrders {
  public:
    std::uint32_t count() const { return count_; }

    // Gives the order's place.
    std::uint32_t add(OrderSlot slot) {
        if (first_free_ == size_) [[unlikely]]
            append();
        ++count_;
        const std::uint32_t place = first_free_;
        first_free_ = places_[place] & ~is_free;
        places_[place] = slot;
        return place;
    }
    void take_out(std::uint32_t place) {
        places_[place] = is_free | first_free_;
        first_free_ = place;
        --count_;
    }
    // What add() and take_out() will write.
    void prefetch_free() const { prefetch_line(places_.get() + first_free_); }
    void prefetch(std::uint32_t place) const { prefetch_line(places_.get() + place); }
    // True once tidy() is worth its work: it looks at all places, and many orders have left since the last.
    bool is_untidy() const { return count_ < size_ / 8 && size_ > places_kept; }
    // Gives free places' memory back; `moved(slot, place)` is told where each order stands from now on.
    template <typename Moved>
    void tidy(Moved moved) {
        const std::uint32_t capacity = std::max(places_kept, count_ * 2);
        auto kept = std::make_unique_for_overwrite<std::uint32_t[]>(capacity);
        std::uint32_t place = 0;
        for (std::uint32_t i = 0; i < size_; ++i)
            if ((places_[i] & is_free) == 0) {
                moved(OrderSlot{places_[i]}, place);
                kept[place++] = places_[i];
            }
        places_ = std::move(kept);
        capacity_ = capacity;
        first_free_ = size_ = place;
    }
    // Calls visit(slot) until it returns false.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (std::uint32_t i = 0; i < size_; ++i)
            if ((places_[i] & is_free) == 0 && !visit(OrderSlot{places_[i]})) return;
    }
    std::size_t memory_bytes() const { return capacity_ * sizeof(std::uint32_t); }

  private:
    static constexpr std::uint32_t is_free = order_slots_max;  // no slot has this bit
    static constexpr std::uint32_t places_kept = 64;
    static constexpr std::uint32_t places_first = 8;

    // A place more, free.
    [[gnu::noinline, gnu::cold]] void append() {
        if (size_ == capacity_) {
            const std::uint32_t capacity = std::max(places_first, capacity_ * 2);
            auto more = std::make_unique_for_overwrite<std::uint32_t[]>(capacity);
            std::copy_n(places_.get(), size_, more.get());
            places_ = std::move(more);
            capacity_ = capacity;
        }
        places_[size_] = is_free | (size_ + 1);
        ++size_;
    }

    // A slot; or is_free and the number of the next free place. No vector: this object and a count beside it
    // fill half a cache line.
    std::unique_ptr<std::uint32_t[]> places_;
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;
    std::uint32_t first_free_ = 0;  // size_: none is
    std::uint32_t count_ = 0;
};

}  // namespace peerbook::exchange
