// The price levels of one side of one book, best first.
//
// Levels near the touch stand in a dense array of window_size ticks with a two-level bitmap: finding, adding
// and removing a level and finding the next best are a few instructions. Levels outside the window stand in
// an ordered map whose nodes come from a pool. The window is no truth about the market: the best level may be
// outside it after a jump, and everything then works at the map's speed. It moves to the touch only after as
// many operations in the map as the move itself costs, so that prices that swing back and forth cost a
// constant factor and never a collapse.
//
// Inside, a price is a key that grows from better to worse: the price for sells, minus the price for buys.
// References to levels are valid until the next call that adds a level. Logic thread only.
#pragma once

#include <bit>
#include <cstdint>
#include <map>
#include <memory_resource>
#include <vector>

#include "base/prefetch.h"
#include "exchange/book/order_pool.h"
#include "exchange/market/types.h"

namespace peerbook::exchange {

struct Level {
    OrderSlot head = no_order;  // oldest
    OrderSlot tail = no_order;
    std::int64_t quantity = 0;  // lots that are shown
    std::uint32_t orders = 0;
    std::uint32_t icebergs = 0;  // how many of them have a hidden part or had one
};
static_assert(sizeof(Level) == 24);

class PriceLevels {
  public:
    static constexpr std::int64_t window_size = 4096;

    // `far_memory` outlives this.
    PriceLevels(Side side, std::pmr::memory_resource* far_memory)
        : sign_(side == Side::sell ? 1 : -1), far_(far_memory) {}

    bool empty() const { return best_ == nullptr; }
    // Preconditions: !empty().
    std::int64_t best_price() const { return best_key_ * sign_; }
    Level& best() { return *best_; }
    const Level& best() const { return *best_; }
    // True if an order of the other side with limit `price` trades with the best level.
    bool best_meets(std::int64_t price) const { return best_ != nullptr && best_key_ <= price * sign_; }

    // Precondition: the level exists.
    Level& at(std::int64_t price) {
        const std::int64_t key = price * sign_;
        if (in_window(key)) [[likely]]
            return dense_[static_cast<std::size_t>(key - base_)];
        ++far_operations_;
        return far_.find(key)->second;
    }
    const Level* find(std::int64_t price) const;
    // The newest order at this price, as far as that is quickly known.
    OrderSlot tail_if_dense(std::int64_t price) const {
        const std::int64_t key = price * sign_;
        return in_window(key) ? dense_[static_cast<std::size_t>(key - base_)].tail : no_order;
    }
    void prefetch(std::int64_t price) const {
        const std::int64_t key = price * sign_;
        if (in_window(key)) prefetch_line(&dense_[static_cast<std::size_t>(key - base_)]);
    }
    Level& get_or_add(std::int64_t price) {
        const std::int64_t key = price * sign_;
        if (in_window(key) && occupied(key)) [[likely]]
            return dense_[static_cast<std::size_t>(key - base_)];
        return add(key);
    }
    // Precondition: the level exists and has no orders.
    void remove(std::int64_t price);

    std::size_t size() const { return dense_count_ + far_.size(); }
    std::size_t memory_bytes() const;

    // Calls visit(price, level) from best to worst until it returns false.
    template <typename Visit>
    void for_each(Visit visit) const {
        auto far = far_.begin();
        for (; far != far_.end() && far->first < base_; ++far)
            if (!visit(far->first * sign_, far->second)) return;
        for (std::uint64_t words = summary_; words != 0; words &= words - 1) {
            const auto word = static_cast<std::size_t>(std::countr_zero(words));
            for (std::uint64_t bits = bitmap_[word]; bits != 0; bits &= bits - 1) {
                const std::size_t place = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
                if (!visit((base_ + static_cast<std::int64_t>(place)) * sign_, dense_[place])) return;
            }
        }
        for (; far != far_.end(); ++far)
            if (!visit(far->first * sign_, far->second)) return;
    }

    // The cached best level, the bitmap and the split between window and map agree.
    bool is_consistent() const;

  private:
    bool in_window(std::int64_t key) const {
        return static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(base_) < dense_.size();
    }
    bool occupied(std::int64_t key) const {
        const auto place = static_cast<std::size_t>(key - base_);
        return (bitmap_[place / 64] >> (place % 64) & 1) != 0;
    }
    void mark(std::int64_t key) {
        const auto place = static_cast<std::size_t>(key - base_);
        bitmap_[place / 64] |= std::uint64_t{1} << (place % 64);
        summary_ |= std::uint64_t{1} << (place / 64);
        ++dense_count_;
    }
    Level& add(std::int64_t key);
    void find_best();
    bool should_recentre() const;
    void recentre();

    std::int64_t sign_;
    std::int64_t best_key_ = 0;
    Level* best_ = nullptr;
    std::int64_t base_ = 0;      // key of dense_[0]
    std::vector<Level> dense_;   // window_size levels, or none before the first order
    std::uint64_t summary_ = 0;  // bit i: bitmap_[i] is not zero
    std::uint64_t bitmap_[64] = {};
    std::size_t dense_count_ = 0;
    std::size_t far_operations_ = 0;  // since the window moved last
    std::pmr::map<std::int64_t, Level> far_;
};

}  // namespace peerbook::exchange
