#include "base/huge_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"

namespace peerbook {
namespace {

constexpr std::size_t block_bytes = 4'096;
constexpr std::size_t blocks_a_page = huge_page_bytes / block_bytes - 1;

bool is_aligned(const void* address, std::size_t to) {
    return reinterpret_cast<std::uintptr_t>(address) % to == 0;
}

// Of one size; writes the whole of each, so that two that overlap are noticed.
class Blocks : public testing::Test {
  protected:
    void allocate(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            auto* const block = static_cast<unsigned char*>(source.allocate());
            ASSERT_TRUE(is_aligned(block, 64));
            std::memset(block, static_cast<int>(++made % 251), block_bytes);
            blocks.push_back({block, static_cast<unsigned char>(made % 251)});
        }
    }
    void free(std::size_t at) {
        const auto [block, value] = blocks[at];
        ASSERT_TRUE(std::all_of(block, block + block_bytes, [is = value](auto byte) { return byte == is; }));
        source.free(block);
        blocks[at] = blocks.back();
        blocks.pop_back();
    }
    void free_all() {
        while (!blocks.empty())
            free(blocks.size() - 1);
    }
    ~Blocks() override { free_all(); }

    const std::uint64_t before = huge_bytes_in_use();
    std::uint64_t in_use() const { return huge_bytes_in_use() - before; }

    HugeBlocks source{block_bytes};
    std::vector<std::pair<unsigned char*, unsigned char>> blocks;
    std::size_t made = 0;
};

TEST_F(Blocks, KeepTheirContentsWhileOthersComeAndGo) {
    Random random(1);
    for (const std::size_t goal : {1'500u, 100u, 2'000u, 1'000u, 1'800u, 0u}) {
        while (blocks.size() < goal)
            allocate(1);
        while (blocks.size() > goal)
            free(random.below(blocks.size()));
    }
}

TEST_F(Blocks, GiveHugePagesBackButOne) {
    allocate(4 * blocks_a_page);
    EXPECT_EQ(in_use(), 4 * huge_page_bytes);
    free_all();
    EXPECT_LE(in_use(), huge_page_bytes);
    allocate(1);
    EXPECT_LE(in_use(), huge_page_bytes);
}

TEST_F(Blocks, GiveMemoryBackWhereAFewAreLeftOfMany) {
    allocate(8 * blocks_a_page);
    for (std::size_t i = blocks.size(); i-- > 0;)
        if (i % blocks_a_page != 7) free(i);
    EXPECT_EQ(blocks.size(), 8u);
    EXPECT_LE(in_use(), 8 * 4 * block_bytes);
    allocate(8 * blocks_a_page - 8);
    EXPECT_EQ(in_use(), 8 * huge_page_bytes);
}

TEST_F(Blocks, ArePlacedAgainWithoutNewMemory) {
    allocate(blocks_a_page);
    const std::uint64_t full = in_use();
    for (int i = 0; i < 10'000; ++i) {
        free(static_cast<std::size_t>(i) % blocks.size());
        allocate(1);
    }
    EXPECT_EQ(in_use(), full);
}

// Under the thread sanitizer this also shows that the threads do not race.
TEST_F(Blocks, AreFreedOnAnotherThread) {
    allocate(1'000);
    std::thread other([&, mine = std::exchange(blocks, {})] {
        for (const auto& [block, value] : mine)
            source.free(block);
    });
    std::vector<void*> own;
    for (int i = 0; i < 1'000; ++i)
        own.push_back(source.allocate());
    other.join();
    for (void* block : own)
        source.free(block);
    EXPECT_LE(in_use(), huge_page_bytes);
}

TEST(HugeRegion, IsZeroedAlignedAndCountedUntilItGoes) {
    const std::uint64_t before = huge_bytes_in_use();
    {
        HugeRegion region(2 * huge_page_bytes);
        EXPECT_TRUE(is_aligned(region.data(), huge_page_bytes));
        auto* const bytes = static_cast<unsigned char*>(region.data());
        EXPECT_TRUE(std::all_of(bytes, bytes + 2 * huge_page_bytes, [](auto byte) { return byte == 0; }));
        bytes[2 * huge_page_bytes - 1] = 1;
        HugeRegion moved = std::move(region);
        EXPECT_EQ(moved.data(), bytes);
        EXPECT_EQ(huge_bytes_in_use() - before, 2 * huge_page_bytes);
        moved = HugeRegion(huge_page_bytes);
        EXPECT_EQ(huge_bytes_in_use() - before, huge_page_bytes);
    }
    EXPECT_EQ(huge_bytes_in_use(), before);
}

}  // namespace
}  // namespace peerbook
