#include "base/huge_pages.h"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <bit>
#include <mutex>
#include <new>
#include <utility>

#include "base/check.h"

namespace peerbook {

namespace {

constexpr std::size_t small_page_bytes = 4'096;
constexpr std::size_t block_bytes_min = 512;
constexpr std::size_t block_bytes_max = 64 * 1'024;

std::atomic<std::uint64_t> bytes_in_use{0};

void count(std::uint64_t bytes) {
    bytes_in_use.fetch_add(bytes, std::memory_order_relaxed);
}
void uncount(std::uint64_t bytes) {
    bytes_in_use.fetch_sub(bytes, std::memory_order_relaxed);
}

// Aligned to huge pages: what is mapped beyond them at either end is given back at once.
void* map(std::size_t bytes) {
    const std::size_t mapped = bytes + huge_page_bytes;
    void* const raw = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) throw std::bad_alloc();
    auto* const begin = static_cast<std::byte*>(raw);
    const std::size_t before =
        (huge_page_bytes - reinterpret_cast<std::uintptr_t>(begin) % huge_page_bytes) % huge_page_bytes;
    if (before > 0) ::munmap(begin, before);
    if (before < huge_page_bytes) ::munmap(begin + before + bytes, huge_page_bytes - before);
    ::madvise(begin + before, bytes,
              MADV_HUGEPAGE);  // a wish: without huge pages it fails, and nothing is lost
    return begin + before;
}

}  // namespace

std::uint64_t huge_bytes_in_use() {
    return bytes_in_use.load(std::memory_order_relaxed);
}

HugeRegion::HugeRegion(std::size_t bytes) : data_(map(bytes)), bytes_(bytes) {
    count(bytes_);
}

HugeRegion::HugeRegion(HugeRegion&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

HugeRegion& HugeRegion::operator=(HugeRegion&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

HugeRegion::~HugeRegion() {
    if (data_ == nullptr) return;
    ::munmap(data_, bytes_);
    uncount(bytes_);
}

struct HugeBlocks::State {
    // Stands at the beginning of each huge page, so that a block's address tells it.
    struct Header {
        static constexpr std::size_t words = huge_page_bytes / block_bytes_min / 64;
        Header* previous = nullptr;
        Header* next = nullptr;
        std::uint32_t free_count = 0;
        bool was_half_used = false;
        bool is_mostly_free = false;  // after it was half used: free blocks have given their memory back
        std::array<std::uint64_t, words> free{};  // bit i: block i
    };

    explicit State(std::size_t bytes)
        : block_bytes(bytes),
          first_block((sizeof(Header) + small_page_bytes - 1) / small_page_bytes * small_page_bytes),
          block_count(static_cast<std::uint32_t>((huge_page_bytes - first_block) / bytes)),
          gives_back(bytes % small_page_bytes == 0) {}

    static Header& header_of(void* block) {
        return *reinterpret_cast<Header*>(reinterpret_cast<std::uintptr_t>(block) / huge_page_bytes *
                                          huge_page_bytes);
    }
    std::byte* block(Header& header, std::uint32_t number) const {
        return reinterpret_cast<std::byte*>(&header) + first_block + number * block_bytes;
    }
    void link(Header& header) {
        header.previous = nullptr;
        header.next = with_room;
        if (with_room != nullptr) with_room->previous = &header;
        with_room = &header;
    }
    void unlink(Header& header) {
        (header.previous == nullptr ? with_room : header.previous->next) = header.next;
        if (header.next != nullptr) header.next->previous = header.previous;
    }
    void add_page() {
        auto* const header = new (map(huge_page_bytes)) Header();
        count(huge_page_bytes);
        header->free_count = block_count;
        for (std::uint32_t i = 0; i < block_count; ++i)
            header->free[i / 64] |= std::uint64_t{1} << i % 64;
        ++empty_pages;
        link(*header);
    }
    void drop_page(Header& header) {
        unlink(header);
        if (header.is_mostly_free) count(header.free_count * block_bytes);
        ::munmap(&header, huge_page_bytes);
        uncount(huge_page_bytes);
    }
    void give_back(Header& header, std::uint32_t number, std::uint32_t blocks) const {
        ::madvise(block(header, number), blocks * block_bytes, MADV_DONTNEED);
        uncount(blocks * block_bytes);
    }
    void give_back_all(Header& header) const {
        for (std::uint32_t i = 0; i < block_count;) {
            std::uint32_t end = i;
            while (end < block_count && (header.free[end / 64] >> end % 64 & 1) != 0)
                ++end;
            if (end > i) give_back(header, i, end - i);
            i = end + 1;
        }
    }

    const std::size_t block_bytes;
    const std::size_t first_block;
    const std::uint32_t block_count;
    const bool gives_back;
    std::mutex mutex;
    Header* with_room = nullptr;  // a list of those with free blocks
    std::uint32_t empty_pages = 0;
};

HugeBlocks::HugeBlocks(std::size_t block_bytes) {
    PB_CHECK(block_bytes % 64 == 0 && block_bytes >= block_bytes_min && block_bytes <= block_bytes_max,
             "blocks on huge pages are whole cache lines, and neither tiny nor near a huge page");
    state_ = std::make_unique<State>(block_bytes);
}

HugeBlocks::~HugeBlocks() {
    while (state_->with_room != nullptr) {
        PB_CHECK(state_->with_room->free_count == state_->block_count, "no block outlives its HugeBlocks");
        state_->drop_page(*state_->with_room);
    }
}

void* HugeBlocks::allocate() {
    State& state = *state_;
    const std::lock_guard lock(state.mutex);
    if (state.with_room == nullptr) state.add_page();
    State::Header& header = *state.with_room;
    std::size_t word = 0;
    while (header.free[word] == 0)
        ++word;
    const auto number =
        static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(header.free[word])));
    header.free[word] &= header.free[word] - 1;
    if (header.free_count == state.block_count) --state.empty_pages;
    if (--header.free_count == 0) state.unlink(header);
    if (header.is_mostly_free) count(state.block_bytes);
    if (header.free_count * 2 < state.block_count) {
        header.was_half_used = true;
        if (std::exchange(header.is_mostly_free, false)) count(header.free_count * state.block_bytes);
    }
    return state.block(header, number);
}

void HugeBlocks::free(void* block) {
    State& state = *state_;
    State::Header& header = State::header_of(block);
    const auto number = static_cast<std::uint32_t>(
        static_cast<std::size_t>(static_cast<std::byte*>(block) - state.block(header, 0)) /
        state.block_bytes);
    const std::lock_guard lock(state.mutex);
    header.free[number / 64] |= std::uint64_t{1} << number % 64;
    if (header.free_count++ == 0) state.link(header);
    if (header.is_mostly_free) {
        state.give_back(header, number, 1);
    } else if (state.gives_back && header.was_half_used && header.free_count * 4 > state.block_count * 3) {
        header.is_mostly_free = true;
        header.was_half_used = false;
        state.give_back_all(header);
    }
    if (header.free_count != state.block_count) return;
    if (state.empty_pages == 0)
        ++state.empty_pages;
    else
        state.drop_page(header);
}

}  // namespace peerbook
