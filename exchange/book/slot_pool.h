// Items named by 32-bit slots that are given out and taken back. Memory grows in pages and never moves; a
// page whose slots are all free gives its memory back. Slots come from one page until it is full, so that
// items made together stand together. Logic thread only; frozen views anywhere.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/paged_array.h"
#include "base/prefetch.h"

namespace peerbook::exchange {

inline constexpr std::uint32_t slots_max = 0x8000'0000;

// `spares_max`: slots that were released last and do not go back to their pages yet.
template <typename T, std::uint32_t spares_max>
class SlotPool {
    // Pages come and go one by one, and of a huge page only whole small ones can be given back.
    static constexpr PagesFrom pages_from =
        64 * sizeof(T) % 4096 == 0 ? PagesFrom::huge_pages_when_large : PagesFrom::heap;

  public:
    using Items = PagedArray<T, 6, pages_from>;
    using Frozen = typename Items::Frozen;

    const T& operator[](std::uint32_t slot) const { return items_[slot]; }
    T& edit(std::uint32_t slot) { return items_.edit(slot); }

    // A slot whose item has no meaning yet.
    std::uint32_t allocate() {
        if (spare_count_ != 0) [[likely]]
            return spares_[spare_count_--];
        if (first_with_room_ == no_page) [[unlikely]]
            make_room();
        const std::uint32_t number = first_with_room_;
        PageRoom& page = rooms_[number];
        const auto place = static_cast<std::uint32_t>(std::countr_zero(page.free));
        if (page.free == all_free) --empty_pages_;
        page.free &= page.free - 1;
        if (page.free == 0) unlink(number);
        return number * page_size + place;
    }
    void release(std::uint32_t slot) {
        if (spare_count_ == spares_max) [[unlikely]]
            return_older_spares();
        spares_[++spare_count_] = slot;
    }
    // The lines of the next slots that allocate() gives, which may have been out of use for long.
    void prefetch_next(std::size_t count) const {
        for (std::size_t i = 0; i < std::min(count, spare_count_); ++i)
            prefetch_line(&items_[spares_[spare_count_ - i]]);
    }

    Frozen freeze() { return items_.freeze(); }
    std::size_t memory_bytes() const {
        return items_.memory_bytes() + rooms_.capacity() * sizeof(PageRoom) +
               released_.capacity() * sizeof(std::uint32_t);
    }

  private:
    static constexpr std::uint32_t page_size = Items::page_size;
    static_assert(page_size == 64);
    static constexpr std::uint64_t all_free = ~std::uint64_t{0};
    static constexpr std::uint32_t no_page = 0xffff'ffff;
    // Empty pages that are kept, so that a book that breathes does not allocate.
    static constexpr std::uint32_t empty_pages_max = 64;
    // The free slots of a page; pages with some are linked, the one that got room last first.
    struct PageRoom {
        std::uint64_t free = 0;  // bit i: slot i of the page
        std::uint32_t previous = no_page;
        std::uint32_t next = no_page;
    };
    void link_first(std::uint32_t number) {
        PageRoom& page = rooms_[number];
        page.previous = no_page;
        page.next = first_with_room_;
        if (first_with_room_ != no_page) rooms_[first_with_room_].previous = number;
        first_with_room_ = number;
    }
    void unlink(std::uint32_t number) {
        const PageRoom& page = rooms_[number];
        (page.previous == no_page ? first_with_room_ : rooms_[page.previous].next) = page.next;
        if (page.next != no_page) rooms_[page.next].previous = page.previous;
    }
    [[gnu::noinline, gnu::cold]] void make_room() {
        std::uint32_t number = static_cast<std::uint32_t>(rooms_.size());
        if (released_.empty()) {
            PB_CHECK(items_.size() < slots_max, "there are as many slots as 31 bits can name");
            items_.grow_page();
            rooms_.emplace_back();
        } else {
            number = released_.back();
            released_.pop_back();
        }
        rooms_[number].free = all_free;
        ++empty_pages_;
        link_first(number);
    }
    // The older half of them, so that none keeps a page whose other slots are long free.
    [[gnu::noinline, gnu::cold]] void return_older_spares() {
        constexpr std::uint32_t half = spares_max / 2;
        for (std::uint32_t i = 1; i <= half; ++i)
            return_to_page(spares_[i]);
        std::copy(spares_.begin() + 1 + half, spares_.end(), spares_.begin() + 1);
        spare_count_ -= half;
    }
    void return_to_page(std::uint32_t slot) {
        const std::uint32_t number = slot / page_size;
        PageRoom& page = rooms_[number];
        if (page.free == 0) link_first(number);
        page.free |= std::uint64_t{1} << slot % page_size;
        if (page.free == all_free) [[unlikely]]
            count_empty(number);
    }
    [[gnu::noinline, gnu::cold]] void count_empty(std::uint32_t number) {
        if (empty_pages_ < empty_pages_max) {
            ++empty_pages_;
            return;
        }
        unlink(number);
        items_.release_page(number);
        released_.push_back(number);
    }

    Items items_;
    std::vector<PageRoom> rooms_;
    std::vector<std::uint32_t> released_;  // pages without memory; not linked
    // Slots that were released last and are given out next, so that steady work does not come to the pages.
    // For their pages they are not free. The first stands at place 1.
    std::array<std::uint32_t, spares_max + 1> spares_{};
    std::size_t spare_count_ = 0;
    std::uint32_t first_with_room_ = no_page;
    std::uint32_t empty_pages_ = 0;  // among the linked ones
};

}  // namespace peerbook::exchange
