#include "app/replay/histogram.h"

#include <gtest/gtest.h>

namespace peerbook::app::replay {
namespace {

TEST(Histogram, SmallValuesAreExact) {
    Histogram histogram;
    for (std::uint64_t i = 1; i <= 20; ++i)
        histogram.add(i);
    EXPECT_EQ(histogram.quantile(500), 10u);
    EXPECT_EQ(histogram.quantile(1'000), 20u);
    EXPECT_EQ(histogram.max(), 20u);
    EXPECT_EQ(Histogram().quantile(500), 0u);
}

TEST(Histogram, LargeValuesAreWithinOneThirtySecond) {
    for (std::uint64_t value : {std::uint64_t{33}, std::uint64_t{1'000}, std::uint64_t{123'456'789},
                                std::uint64_t{1} << 62, ~std::uint64_t{0}}) {
        Histogram histogram;
        histogram.add(value);
        histogram.add(value);
        EXPECT_EQ(histogram.quantile(500), value);  // never above the maximum
        Histogram with_larger = histogram;
        with_larger.add(~std::uint64_t{0});
        const std::uint64_t median = with_larger.quantile(500);
        EXPECT_GE(median, value);
        EXPECT_LE(median - value, value / 32 + 1);
    }
}

TEST(Histogram, MergingIsAddingAll) {
    Histogram a, b, all;
    for (std::uint64_t i = 0; i < 1'000; ++i) {
        (i % 3 == 0 ? a : b).add(i * i);
        all.add(i * i);
    }
    a.merge(b);
    EXPECT_EQ(a.count(), all.count());
    EXPECT_EQ(a.max(), all.max());
    for (std::uint32_t q : {10u, 500u, 990u, 999u})
        EXPECT_EQ(a.quantile(q), all.quantile(q));
}

}  // namespace
}  // namespace peerbook::app::replay
