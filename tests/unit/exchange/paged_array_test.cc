#include "base/paged_array.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace peerbook {
namespace {

using Array = PagedArray<int, 2>;  // four in a page

Array counted(int size) {
    Array array;
    for (int i = 0; i < size; ++i)
        array.push_back(i);
    return array;
}

std::vector<int> contents(const Array::Frozen& view) {
    std::vector<int> items;
    for (std::size_t i = 0; i < view.size(); ++i)
        items.push_back(view[i]);
    return items;
}

TEST(PagedArray, AViewStaysAsItWasWhileTheArrayChanges) {
    Array array = counted(6);
    const Array::Frozen view = array.freeze();
    array.edit(0) = 100;
    array.edit(5) = 500;
    array.push_back(6);
    array.push_back(7);
    array.push_back(8);
    EXPECT_EQ(contents(view), (std::vector<int>{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(contents(array.freeze()), (std::vector<int>{100, 1, 2, 3, 4, 500, 6, 7, 8}));
}

TEST(PagedArray, EachViewKeepsItsOwnMoment) {
    Array array = counted(1);
    std::vector<Array::Frozen> views;
    for (int i = 0; i < 10; ++i) {
        array.edit(0) = i;
        views.push_back(array.freeze());
    }
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(views[static_cast<std::size_t>(i)][0], i);
}

TEST(PagedArray, ViewsShareThePagesThatDidNotChange) {
    Array array = counted(12);
    const Array::Frozen before = array.freeze();
    array.edit(5) = 0;
    const Array::Frozen after = array.freeze();
    EXPECT_TRUE(before.shares_page(after, 0));
    EXPECT_FALSE(before.shares_page(after, 1));
    EXPECT_TRUE(before.shares_page(after, 2));
    EXPECT_FALSE(before.shares_page(after, 3));  // there is none
}

TEST(PagedArray, APageIsCopiedOnlyForAViewThatStillHoldsIt) {
    Array array = counted(4);
    const int* place = &array[0];
    (void)array.freeze();
    array.edit(0) = 1;
    EXPECT_EQ(&array[0], place);
    const Array::Frozen view = array.freeze();
    array.edit(0) = 2;
    EXPECT_NE(&array[0], place);
    const int* copy = &array[0];
    array.edit(0) = 3;
    EXPECT_EQ(&array[0], copy);
    EXPECT_EQ(view[0], 1);
}

TEST(PagedArray, AViewOutlivesItsArray) {
    Array::Frozen view;
    {
        Array array = counted(9);
        view = array.freeze();
        array.edit(8) = 0;
    }
    EXPECT_EQ(contents(view), (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST(PagedArray, GrownPagesHoldDefaultItems) {
    Array array;
    array.grow_page();
    EXPECT_EQ(array.size(), Array::page_size);
    EXPECT_EQ(array[3], 0);
}

// 4 KiB a page, as orders are; those beyond huge_page_bytes stand on huge pages.
struct Item {
    std::uint64_t number = 7;
    std::uint64_t unused[7] = {};
};
using LargeArray = PagedArray<Item>;
constexpr std::size_t small_items = huge_page_bytes / sizeof(Item);

TEST(PagedArray, IsTheSameOnHugePages) {
    const std::uint64_t before = huge_bytes_in_use();
    LargeArray::Frozen view;
    {
        LargeArray array;
        for (std::uint64_t i = 0; i < 3 * small_items; ++i)
            array.push_back({i, {}});
        EXPECT_GE(huge_bytes_in_use() - before, 2 * huge_page_bytes);
        array.grow_page();
        EXPECT_EQ(array[3 * small_items].number, 7u);
        view = array.freeze();
        for (std::size_t i = 0; i < 3 * small_items; ++i)
            array.edit(i).number += 1;
        EXPECT_GE(huge_bytes_in_use() - before, 4 * huge_page_bytes);
        for (std::size_t i = 0; i < 3 * small_items; ++i)
            ASSERT_EQ(array[i].number, i + 1);
    }
    for (std::size_t i = 0; i < 3 * small_items; ++i)
        ASSERT_EQ(view[i].number, i);
    view = {};
    EXPECT_EQ(huge_bytes_in_use(), before);
}

TEST(PagedArray, GivesHugePagesBackWithItsPages) {
    const std::uint64_t before = huge_bytes_in_use();
    LargeArray array;
    for (std::size_t i = 0; i < 5 * small_items; ++i)
        array.push_back({});
    const std::size_t pages = array.size() / LargeArray::page_size;
    for (std::size_t page = 0; page < pages; ++page)
        if (page % 500 != 0) array.release_page(page);
    EXPECT_LE(huge_bytes_in_use() - before, 2 * huge_page_bytes);
    array.edit(array.size() - 1).number = 1;
    EXPECT_EQ(array[array.size() - 2].number, 7u);
}

// Under the thread sanitizer this also shows that the two threads do not race.
TEST(PagedArray, AViewIsReadOnAnotherThreadWhileTheArrayGoesOn) {
    PagedArray<std::string, 2> array;
    for (int i = 0; i < 64; ++i)
        array.push_back("item 0, long enough to stand on the heap");
    std::atomic<std::uint64_t> wrong{0};
    for (int round = 0; round < 50; ++round) {
        const std::string expected = array[0];
        std::optional view = array.freeze();
        std::thread reader([&wrong, expected, own = std::move(*view)]() mutable {
            for (std::size_t i = 0; i < own.size(); ++i)
                if (own[i] != expected) ++wrong;
            own = {};  // while the array still changes its pages
        });
        view.reset();
        for (int pass = 0; pass < 3; ++pass)
            for (std::size_t i = 0; i < array.size(); ++i)
                array.edit(i) = "item " + std::to_string(round + 1) + ", long enough to stand on the heap";
        reader.join();
    }
    EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace peerbook
