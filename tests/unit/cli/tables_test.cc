#include "app/terminal/tables.h"

#include <gtest/gtest.h>

#include <string>

#include "app/terminal/progress_bar.h"

namespace peerbook::app {
namespace {

TEST(Table, AlignsColumnsAndLeavesNoTrailingBlanks) {
    Table table({{"asset"}, {"total", Align::right}, {"note"}});
    table.add_row({"BTC", "1.5", ""});
    table.add_row({"USD", "100000", "x"});
    EXPECT_EQ(table.draw({}),
              "asset   total  note\n"
              "BTC       1.5\n"
              "USD    100000  x\n");
}

TEST(Table, CountsCodePointsNotBytes) {
    Table table({{"name"}, {"n", Align::right}});
    table.add_row({"Zoë", "1"});
    table.add_row({"Anna", "2"});
    EXPECT_EQ(table.draw({}),
              "name  n\n"
              "Zoë   1\n"
              "Anna  2\n");
}

TEST(Table, PaintsOnlyWhereTheStyleHasColours) {
    Table table({{"a"}});
    table.add_row({"x"}, Paint::green);
    EXPECT_EQ(table.draw({}), "a\nx\n");
    TerminalStyle style;
    style.color = true;
    EXPECT_EQ(table.draw(style), "\x1b[1ma\x1b[0m\n\x1b[32mx\x1b[0m\n");
}

TEST(TerminalText, LetsNoControlCharacterThrough) {
    EXPECT_EQ(terminal_text("a\x1b[31mb\r\n\x7f"), "a?[31mb???");
    EXPECT_EQ(terminal_text("\xc2\x9b"
                            "1m"),
              "?1m");
    EXPECT_EQ(terminal_text("Zoë █"), "Zoë █");
}

TEST(TerminalText, ReplacesBrokenUtf8AndCutsLongText) {
    EXPECT_EQ(terminal_text("a\xff\xc3"), "a??");
    EXPECT_EQ(terminal_text("\xe2\x96"), "??");
    EXPECT_EQ(terminal_text("ëëëë", 2), "ëë");
}

TEST(Properties, PutValuesBelowEachOther) {
    Properties properties;
    properties.add("role", "member");
    properties.add("commits", "12");
    EXPECT_EQ(properties.draw({}),
              "role     member\n"
              "commits  12\n");
}

TEST(Progress, ShowsShareRateAndTimeLeft) {
    const Progress progress{"AAPL", 250, 1'000, Duration::milliseconds(500)};
    EXPECT_EQ(draw_progress(progress, {}),
              "AAPL  [#########---------------------------]  25%  250 of 1,000  500/s  1 s left");
}

TEST(Progress, LeavesOutTheBarInNarrowTerminals) {
    TerminalStyle style;
    style.width = 20;
    EXPECT_EQ(draw_progress({"AAPL", 250, 1'000, Duration::seconds(1)}, style), "AAPL  25%  250 of 1,");
}

TEST(Progress, SaysOnlyWhatIsKnown) {
    EXPECT_EQ(draw_progress({"x", 0, 0, {}}, {}), "x  0");
    EXPECT_EQ(draw_progress({"x", 1'234'567, 0, Duration::seconds(1)}, {}), "x  1,234,567  1,234,567/s");
}

TEST(Progress, NeverShowsMoreThanAll) {
    TerminalStyle style;
    style.width = 60;
    EXPECT_EQ(draw_progress({"x", 7, 5, Duration::seconds(1)}, style),
              "x  [####################################]  100%  5 of 5  5/s");
}

TEST(Grouped, GroupsByThousands) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1'000), "1,000");
    EXPECT_EQ(grouped(18'446'744'073'709'551'615U), "18,446,744,073,709,551,615");
}

}  // namespace
}  // namespace peerbook::app
