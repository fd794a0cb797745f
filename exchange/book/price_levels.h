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
#include <limits>
#include <map>
#include <memory_resource>
#include <vector>

#include "base/opaque.h"
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
    // Without a branch that depends on whether the level is there or is the best, because no processor can
    // guess that.
    Level& get_or_add(std::int64_t price) {
        const std::int64_t key = price * sign_;
        if (!in_window(key) || may_recentre()) [[unlikely]]
            return get_or_add_far(key);
        const auto place = static_cast<std::size_t>(key - base_);
        Level* const level = &dense_[place];
        mark(place);
        const bool is_better =
            static_cast<unsigned>(best_ == nullptr) | static_cast<unsigned>(key < best_key_);
        best_key_ = static_cast<std::int64_t>(
            chosen(is_better, static_cast<std::uint64_t>(key), static_cast<std::uint64_t>(best_key_)));
        best_ = chosen(is_better, level, best_);
        return *level;
    }
    // Calls change(level) for the level, and takes it out if that left it without orders. Precondition: it
    // exists.
    template <typename Change>
    void take_from(std::int64_t price, Change change) {
        const std::int64_t key = price * sign_;
        if (!in_window(key)) [[unlikely]] {
            ++far_operations_;
            Level& level = far_.find(key)->second;
            change(level);
            if (level.orders == 0) remove_far(key);
            return;
        }
        const auto place = static_cast<std::size_t>(key - base_);
        Level& level = dense_[place];
        change(level);
        std::uint64_t& bits = bitmap_[place / 64];
        bits &= ~(std::uint64_t{level.orders == 0} << place % 64);
        summary_ &= ~(std::uint64_t{bits == 0} << place / 64);
        find_best();
    }

    std::size_t size() const { return dense_count() + far_.size(); }
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
    static constexpr std::size_t recentre_operations_min = 16;

    bool in_window(std::int64_t key) const {
        return static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(base_) < window_;
    }
    bool occupied(std::int64_t key) const {
        const auto place = static_cast<std::size_t>(key - base_);
        return (bitmap_[place / 64] >> (place % 64) & 1) != 0;
    }
    void mark(std::size_t place) {
        bitmap_[place / 64] |= std::uint64_t{1} << (place % 64);
        summary_ |= std::uint64_t{1} << (place / 64);
    }
    void find_best() {
        if (summary_ == 0 || first_far_key_ < base_) [[unlikely]]
            return find_best_far();
        const auto word = static_cast<std::size_t>(std::countr_zero(summary_));
        const std::size_t place = word * 64 + static_cast<std::size_t>(std::countr_zero(bitmap_[word]));
        best_key_ = base_ + static_cast<std::int64_t>(place);
        best_ = &dense_[place];
    }
    std::size_t dense_count() const;
    // The rest of the functions above, where a level stands in the map or may.
    [[gnu::noinline]] Level& get_or_add_far(std::int64_t key);
    [[gnu::noinline]] void remove_far(std::int64_t key);
    [[gnu::noinline]] void find_best_far();
    Level& add(std::int64_t key);
    void note_first_far();
    // The touch is not in the front half of the window, and there were some operations in the map.
    bool may_recentre() const {
        return far_operations_ >= recentre_operations_min &&
               static_cast<std::uint64_t>(best_key_ - base_) >= window_size / 2;
    }
    bool should_recentre() const;
    void recentre();

    std::int64_t sign_;
    std::int64_t best_key_ = 0;
    Level* best_ = nullptr;
    std::int64_t base_ = 0;      // key of dense_[0]
    std::uint64_t window_ = 0;   // how many levels dense_ has
    std::vector<Level> dense_;   // window_size levels, or none before the first order
    std::uint64_t summary_ = 0;  // bit i: bitmap_[i] is not zero
    std::uint64_t bitmap_[64] = {};
    std::size_t far_operations_ = 0;  // since the window moved last
    static constexpr std::int64_t no_key = std::numeric_limits<std::int64_t>::max();
    std::int64_t first_far_key_ = no_key;  // the best in the map
    std::pmr::map<std::int64_t, Level> far_;
};

}  // namespace peerbook::exchange
