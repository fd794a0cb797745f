#include "app/terminal/ladder.h"

#include <gtest/gtest.h>

#include <string>

namespace peerbook::app {
namespace {

TerminalStyle narrow() {
    TerminalStyle style;
    style.width = 47;
    return style;
}

Ladder two_by_two() {
    Ladder ladder;
    ladder.market = "BTC-USD";
    ladder.last = "60000.5";
    ladder.commit = "17";
    ladder.asks = {{"60001", "0.5", "1"}, {"60002.25", "1.5", "2"}};
    ladder.bids = {{"60000", "1", "1"}, {"59999", "3", "12"}};
    return ladder;
}

TEST(Ladder, PutsTheBestPricesInTheMiddleWithCumulativeDepth) {
    const auto text = draw_ladder(two_by_two(), narrow());
    ASSERT_TRUE(text.ok()) << text.error().message;
    EXPECT_EQ(*text,
              "BTC-USD  last 60000.5  spread 1  commit 17\n"
              "orders  quantity     price  depth\n"
              "     2       1.5  60002.25      2  ######\n"
              "     1       0.5     60001    0.5  #\n"
              "---------------------------------\n"
              "     1         1     60000      1  ###\n"
              "    12         3     59999      4  ############\n");
}

TEST(Ladder, DrawsBarsInEighthsWhereUnicodeCanBeShown) {
    TerminalStyle style = narrow();
    style.unicode = true;
    const auto text = draw_ladder(two_by_two(), style);
    ASSERT_TRUE(text.ok());
    EXPECT_NE(text->find("0.5  █▌\n"), std::string::npos) << *text;
}

TEST(Ladder, SaysThatABookIsEmpty) {
    Ladder ladder;
    ladder.market = "ETH-USD";
    EXPECT_EQ(*draw_ladder(ladder, {}), "ETH-USD  last none\nThe book is empty.\n");
}

TEST(Ladder, DrawsOneSidedBooksWithoutASpread) {
    Ladder ladder = two_by_two();
    ladder.asks.clear();
    const auto text = draw_ladder(ladder, narrow());
    ASSERT_TRUE(text.ok());
    EXPECT_EQ(text->find("spread"), std::string::npos);
}

TEST(Ladder, KeepsBarsRightForTheLargestQuantities) {
    Ladder ladder;
    ladder.market = "X-Y";
    ladder.bids = {{"2", "500000000000000000", "1"}, {"1", "500000000000000000", "1"}};
    const auto text = draw_ladder(ladder, narrow());
    ASSERT_TRUE(text.ok()) << text.error().message;
    EXPECT_NE(text->find("500000000000000000  ####\n"), std::string::npos) << *text;
    EXPECT_NE(text->find("1000000000000000000  ########\n"), std::string::npos) << *text;
}

TEST(Ladder, RefusesWhatIsNoDecimal) {
    Ladder ladder = two_by_two();
    ladder.bids[0].quantity = "1e5";
    EXPECT_FALSE(draw_ladder(ladder, {}).ok());
    ladder = two_by_two();
    ladder.asks[0].price = "";
    EXPECT_FALSE(draw_ladder(ladder, {}).ok());
}

}  // namespace
}  // namespace peerbook::app
