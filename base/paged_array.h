// An array in pages that never move and that can be frozen: freeze() gives a view of the contents as they are
// now, for a few nanoseconds a page; afterwards the first change of a page copies it, so that the view stays
// as it was. A view may be read on another thread while the array goes on. Growing neither copies nor
// doubles. What grows beyond huge_page_bytes stands on huge pages from there on, if its items own no memory.
//
// The array itself is for one thread. T is copied page by page; its copy must not touch what other threads
// write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/huge_pages.h"

namespace peerbook {

enum class PagesFrom : std::uint8_t { heap, huge_pages_when_large };

template <typename T, unsigned page_bits = 6, PagesFrom pages_from = PagesFrom::huge_pages_when_large>
class PagedArray {
    struct Page;

  public:
    static constexpr std::size_t page_size = std::size_t{1} << page_bits;

    class Frozen {
      public:
        Frozen() = default;
        std::size_t size() const { return size_; }
        const T& operator[](std::size_t at) const { return pages_[at >> page_bits]->items[at & mask]; }
        std::size_t page_count() const { return pages_.size(); }
        // True if both views hold the very same page, so that nothing in it differs.
        bool shares_page(const Frozen& other, std::size_t page) const {
            return page < pages_.size() && page < other.pages_.size() && pages_[page] == other.pages_[page];
        }

      private:
        friend class PagedArray;
        std::vector<std::shared_ptr<const Page>> pages_;
        std::size_t size_ = 0;
    };

    std::size_t size() const { return size_; }
    const T& operator[](std::size_t at) const { return places_[at >> page_bits].page->items[at & mask]; }
    // For writing. References from before may name the frozen copy afterwards: take the last one.
    T& edit(std::size_t at) {
        Place& place = places_[at >> page_bits];
        if (place.epoch != epoch_) [[unlikely]]
            own(at >> page_bits);
        return place.page->items[at & mask];
    }
    std::size_t push_back(T item) {
        if (size_ == pages_.size() * page_size) add_page();
        edit(size_) = std::move(item);
        return size_++;
    }
    // Gives the page's memory back: its items read as T() until they are edited again. For pages whose items
    // mean nothing any more.
    void release_page(std::size_t page) {
        if (blank_ == nullptr) blank_ = std::make_shared<Page>();
        if (pages_[page] == blank_) return;
        pages_[page] = blank_;
        places_[page] = {blank_.get(), never};
        ++released_;
    }
    // Adds a page of T() and counts all of its items as there.
    void grow_page() {
        add_page();
        size_ = pages_.size() * page_size;
    }
    Frozen freeze() {
        Frozen frozen;
        frozen.pages_.assign(pages_.begin(), pages_.end());
        frozen.size_ = size_;
        ++epoch_;
        return frozen;
    }
    std::size_t memory_bytes() const {
        return (pages_.size() - released_) * (sizeof(Page) + allocation_overhead) +
               pages_.capacity() * (sizeof(Place) + sizeof(pages_[0]));
    }

  private:
    static constexpr std::size_t mask = page_size - 1;
    static constexpr std::uint64_t never = ~std::uint64_t{0};
    static constexpr std::size_t allocation_overhead = 64;  // counts of the shared pointer, alignment

    struct alignas(64) Page {
        T items[page_size];
    };
    struct Place {
        Page* page;
        std::uint64_t epoch;  // of the freeze after which the page was made or copied
    };

    // A page of its own for T() or for a copy of another's items.
    template <typename... Other>
    std::shared_ptr<Page> make_page(const Other&... other) {
        if constexpr (may_be_huge)
            if (pages_.size() * sizeof(Page) >= huge_page_bytes) [[likely]]
                return make_huge_page(other...);
        return std::make_shared<Page>(other...);
    }
    template <typename... Other>
    std::shared_ptr<Page> make_huge_page(const Other&... other) {
        if (blocks_ == nullptr) blocks_ = std::make_shared<HugeBlocks>(sizeof(Page));
        // Views may hold a page for longer than the array lives.
        const auto free = [blocks = blocks_](Page* page) { blocks->free(page); };
        return std::shared_ptr<Page>(new (blocks_->allocate()) Page(other...), free);
    }
    void add_page() {
        pages_.push_back(make_page());
        places_.push_back({pages_.back().get(), epoch_});
    }
    // The array's own page again: a copy if a view still holds it.
    [[gnu::noinline, gnu::cold]] void own(std::size_t page) {
        if (pages_[page].use_count() > 1) {
            if (pages_[page] == blank_) --released_;
            pages_[page] = make_page(*pages_[page]);
        } else {
            // A count of one alone does not tell that the last reader's reads are done. Changing the count
            // after its release does, and the thread sanitizer knows it, which a fence would be hidden from.
            const std::shared_ptr<Page> acquired = pages_[page];
        }
        places_[page] = {pages_[page].get(), epoch_};
    }

    // A destructor has nothing to do, and leak checkers, which do not look there, have nothing to find.
    static constexpr bool may_be_huge =
        pages_from == PagesFrom::huge_pages_when_large && std::is_trivially_copyable_v<T> &&
        std::is_trivially_destructible_v<T> && sizeof(Page) >= 512 && sizeof(Page) <= 64 * 1024;

    std::vector<std::shared_ptr<Page>> pages_;
    std::vector<Place> places_;
    std::shared_ptr<HugeBlocks> blocks_;  // none while all pages are from the heap
    std::shared_ptr<Page> blank_;         // stands for all released pages
    std::size_t released_ = 0;
    std::size_t size_ = 0;
    std::uint64_t epoch_ = 0;
};

}  // namespace peerbook
