#include "app/api/time_text.h"

#include <gtest/gtest.h>

namespace peerbook::app {
namespace {

std::int64_t ms_of(std::string_view text) {
    const auto time = parse_time(text, std::nullopt);
    EXPECT_TRUE(time.ok()) << text;
    return time.ok() ? time->ms : -1;
}

TEST(TimeText, ReadsDatesWithOffsetsAndFractions) {
    EXPECT_EQ(ms_of("1970-01-01T00:00:00Z"), 0);
    EXPECT_EQ(ms_of("2023-11-14T22:13:20Z"), 1'700'000'000'000);
    EXPECT_EQ(ms_of("2023-11-14T22:13:20.5Z"), 1'700'000'000'500);
    EXPECT_EQ(ms_of("2023-11-14T22:13:20.123+00:00"), 1'700'000'000'123);
    EXPECT_EQ(ms_of("2023-11-15T00:13:20+02:00"), 1'700'000'000'000);
    EXPECT_EQ(ms_of("2023-11-14T17:43:20-04:30"), 1'700'000'000'000);
    EXPECT_EQ(ms_of("2024-02-29T00:00:00Z"), 1'709'164'800'000);
    EXPECT_EQ(ms_of("1700000000000"), 1'700'000'000'000);
}

TEST(TimeText, CountsSpansFromNow) {
    const auto time = parse_time("90s", WallTime{5'000});
    ASSERT_TRUE(time.ok());
    EXPECT_EQ(time->ms, 95'000);
    EXPECT_FALSE(parse_time("90s", std::nullopt).ok());
}

TEST(TimeText, RefusesWhatIsNoTime) {
    for (const char* text : {"",
                             "now",
                             "2023-11-14",
                             "2023-11-14T22:13:20",
                             "2023-02-29T00:00:00Z",
                             "2023-11-14T24:00:00Z",
                             "2023-11-14T22:60:00Z",
                             "2023-11-14T22:13:60Z",
                             "2023-11-14T22:13:20.Z",
                             "2023-11-14T22:13:20.1234Z",
                             "2023-11-14T22:13:20Zx",
                             "2023-11-14 22:13:20Z",
                             "23-11-14T22:13:20Z",
                             "-1",
                             "1.5",
                             "1e3",
                             "1969-12-31T23:59:59Z",
                             "253402300800000",
                             "99999999999999999999",
                             "+2023-11-14T22:13:20Z",
                             "2023-11-14T22:13:20+2:00",
                             "2023-11-14T22:13:20+24:00"})
        EXPECT_FALSE(parse_time(text, std::nullopt).ok()) << text;
}

TEST(TimeText, ReadsSpans) {
    EXPECT_EQ(parse_span("1500")->ms(), 1'500);
    EXPECT_EQ(parse_span("1500ms")->ms(), 1'500);
    EXPECT_EQ(parse_span("60s")->ms(), 60'000);
    EXPECT_EQ(parse_span("5m")->ms(), 300'000);
    EXPECT_EQ(parse_span("2h")->ms(), 7'200'000);
    for (const char* text : {"", "s", "1.5s", "-1s", "1 s", "1d", "99999999999999999999", "9999999999999h"})
        EXPECT_FALSE(parse_span(text).ok()) << text;
}

TEST(TimeText, WritesWhatItReads) {
    EXPECT_EQ(format_time(WallTime{1'700'000'000'123}), "2023-11-14T22:13:20.123Z");
    EXPECT_EQ(format_time(WallTime{0}), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(format_time(WallTime{-1}), "-1");
}

}  // namespace
}  // namespace peerbook::app
