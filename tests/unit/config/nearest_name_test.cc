#include "config/nearest_name.h"

#include <gtest/gtest.h>

namespace peerbook::config {
namespace {

TEST(EditDistance, CountsInsertionsDeletionsReplacementsAndSwaps) {
    EXPECT_EQ(edit_distance("port", "port"), 0u);
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("abc", ""), 3u);
    EXPECT_EQ(edit_distance("prt", "port"), 1u);
    EXPECT_EQ(edit_distance("porrt", "port"), 1u);
    EXPECT_EQ(edit_distance("pork", "port"), 1u);
    EXPECT_EQ(edit_distance("prot", "port"), 1u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
    EXPECT_EQ(edit_distance("ca", "abc"), 3u);
}

TEST(NearestName, IsTheFirstOfTheNearest) {
    EXPECT_EQ(nearest_name("tikc", {"lot", "tick", "name"}), "tick");
    EXPECT_EQ(nearest_name("ax", {"ab", "ac"}), "ab");
    EXPECT_EQ(nearest_name("x", {}), "");
}

TEST(NearestName, IsFoundForNamesOfAnyLength) {
    EXPECT_EQ(nearest_name(std::string(1'000'000, 'x'), {"lot", std::string(100, 'x')}),
              std::string(100, 'x'));
}

}  // namespace
}  // namespace peerbook::config
