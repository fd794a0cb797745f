// Memory for large tables on huge pages, where the system gives them (Linux: transparent huge pages). A table
// of many megabytes that is read at random costs the processor a walk through its page tables with nearly
// every access on pages of 4 KiB, and hardly any on pages of 2 MiB. Where there are no huge pages everything
// works the same on small ones.
//
// Not from the heap, whose own count of what is in use does not include it: huge_bytes_in_use() does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace peerbook {

// Below this a table fits what a processor remembers of page tables, and the heap serves it better.
inline constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

// Of this process, all threads. Any thread.
std::uint64_t huge_bytes_in_use();

// One zeroed table; unmapped with the object. One thread at a time.
class HugeRegion {
  public:
    HugeRegion() = default;
    // `bytes`: a multiple of huge_page_bytes, not 0. Throws std::bad_alloc.
    explicit HugeRegion(std::size_t bytes);
    HugeRegion(HugeRegion&& other) noexcept;
    HugeRegion& operator=(HugeRegion&& other) noexcept;
    ~HugeRegion();

    void* data() const { return data_; }

  private:
    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

// Blocks of one size, side by side on huge pages. A huge page goes back to the system when none of its blocks
// is in use, but for one that is kept; of one that is mostly free the small pages of free blocks go back, if
// blocks consist of small pages. Any thread may allocate and free.
class HugeBlocks {
  public:
    // `block_bytes`: a multiple of 64, from 512 to 64 Ki.
    explicit HugeBlocks(std::size_t block_bytes);
    ~HugeBlocks();
    HugeBlocks(const HugeBlocks&) = delete;
    HugeBlocks& operator=(const HugeBlocks&) = delete;

    // Aligned to 64 bytes, contents of no meaning. Throws std::bad_alloc.
    void* allocate();
    void free(void* block);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace peerbook
