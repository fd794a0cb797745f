#include "exchange/book/price_levels.h"

#include <algorithm>
#include <utility>

namespace peerbook::exchange {

namespace {

// A window reaches this far in front of the touch; the rest of it lies behind, where most orders rest.
constexpr std::int64_t window_front = PriceLevels::window_size / 4;
// A map node: its links and colour, the key and the level.
constexpr std::size_t far_level_bytes = 32 + sizeof(std::pair<const std::int64_t, Level>);

}  // namespace

const Level* PriceLevels::find(std::int64_t price) const {
    const std::int64_t key = price * sign_;
    if (in_window(key)) return occupied(key) ? &dense_[static_cast<std::size_t>(key - base_)] : nullptr;
    const auto found = far_.find(key);
    return found == far_.end() ? nullptr : &found->second;
}

Level& PriceLevels::get_or_add_far(std::int64_t key) {
    if (in_window(key) && occupied(key)) return dense_[static_cast<std::size_t>(key - base_)];
    return add(key);
}

Level& PriceLevels::add(std::int64_t key) {
    if (dense_.empty()) {
        dense_.resize(window_size);
        window_ = window_size;
        base_ = key - window_front;
    }
    if (should_recentre()) recentre();
    Level* level = nullptr;
    if (in_window(key)) {
        const auto place = static_cast<std::size_t>(key - base_);
        level = &dense_[place];
        mark(place);
    } else {
        ++far_operations_;
        level = &far_.try_emplace(key).first->second;
        note_first_far();
    }
    if (best_ == nullptr || key < best_key_) {
        best_key_ = key;
        best_ = level;
    }
    return *level;
}

void PriceLevels::remove_far(std::int64_t key) {
    ++far_operations_;
    far_.erase(key);
    note_first_far();
    if (key == best_key_) find_best();
}

void PriceLevels::find_best_far() {
    best_ = nullptr;
    if (summary_ != 0) {
        const auto word = static_cast<std::size_t>(std::countr_zero(summary_));
        const std::size_t place = word * 64 + static_cast<std::size_t>(std::countr_zero(bitmap_[word]));
        best_key_ = base_ + static_cast<std::int64_t>(place);
        best_ = &dense_[place];
    }
    if (!far_.empty() && (best_ == nullptr || far_.begin()->first < best_key_)) {
        best_key_ = far_.begin()->first;
        best_ = &far_.begin()->second;
    }
}

void PriceLevels::note_first_far() {
    first_far_key_ = far_.empty() ? no_key : far_.begin()->first;
}

std::size_t PriceLevels::dense_count() const {
    std::size_t count = 0;
    for (const std::uint64_t word : bitmap_)
        count += static_cast<std::size_t>(std::popcount(word));
    return count;
}

bool PriceLevels::should_recentre() const {
    if (best_ == nullptr || !may_recentre()) return false;
    return far_operations_ >= dense_count() + std::min(far_.size(), static_cast<std::size_t>(window_size));
}

void PriceLevels::recentre() {
    // Of the pool's memory, so that a window that moves again allocates nothing.
    std::pmr::vector<std::pair<std::int64_t, Level>> moved(far_.get_allocator().resource());
    moved.reserve(dense_count());
    for (; summary_ != 0; summary_ &= summary_ - 1) {
        const auto word = static_cast<std::size_t>(std::countr_zero(summary_));
        for (; bitmap_[word] != 0; bitmap_[word] &= bitmap_[word] - 1) {
            const std::size_t place = word * 64 + static_cast<std::size_t>(std::countr_zero(bitmap_[word]));
            moved.emplace_back(base_ + static_cast<std::int64_t>(place),
                               std::exchange(dense_[place], Level()));
        }
    }
    far_operations_ = 0;
    base_ = best_key_ - window_front;
    for (auto far = far_.lower_bound(base_); far != far_.end() && in_window(far->first);
         far = far_.erase(far)) {
        const auto place = static_cast<std::size_t>(far->first - base_);
        dense_[place] = far->second;
        mark(place);
    }
    for (const auto& [key, level] : moved) {
        if (in_window(key)) {
            const auto place = static_cast<std::size_t>(key - base_);
            dense_[place] = level;
            mark(place);
        } else {
            far_.try_emplace(key, level);
        }
    }
    note_first_far();
    find_best();
}

std::size_t PriceLevels::memory_bytes() const {
    return dense_.capacity() * sizeof(Level) + far_.size() * far_level_bytes;
}

bool PriceLevels::is_consistent() const {
    for (std::size_t word = 0; word < 64; ++word)
        if ((bitmap_[word] != 0) != ((summary_ >> word & 1) != 0)) return false;
    if (first_far_key_ != (far_.empty() ? no_key : far_.begin()->first)) return false;
    for (std::size_t place = 0; place < dense_.size(); ++place)
        if (((bitmap_[place / 64] >> (place % 64) & 1) != 0) != (dense_[place].orders != 0)) return false;
    for (const auto& [key, level] : far_)
        if (in_window(key) || level.orders == 0) return false;
    if (empty()) return size() == 0;
    bool best_is_first = false;
    for_each([&](std::int64_t price, const Level& level) {
        best_is_first = price == best_price() && &level == best_;
        return false;
    });
    return best_is_first;
}

}  // namespace peerbook::exchange
