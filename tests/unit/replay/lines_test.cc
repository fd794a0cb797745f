#include "app/replay/lines.h"

#include "tests/unit/replay/temp_file.h"

namespace peerbook::app::replay {
namespace {

Result<std::vector<std::string>> read_all(const std::string& path, std::uint32_t lines_max = 1'000) {
    std::vector<std::string> lines;
    Status status =
        for_each_line(path, lines_max, [&](std::string_view line, std::uint32_t number) -> Status {
            EXPECT_EQ(number, lines.size() + 1);
            lines.emplace_back(line);
            return {};
        });
    if (!status.ok()) return status.error();
    return lines;
}

TEST(Lines, ReadsPlainAndGzipAlike) {
    const std::string text = "one\ntwo\r\n\nlast without an end";
    const std::vector<std::string> expected{"one", "two", "", "last without an end"};
    EXPECT_EQ(*read_all(TempFile(text).path()), expected);
    EXPECT_EQ(*read_all(TempFile(text, true).path()), expected);
}

TEST(Lines, StopsAtTheLimit) {
    const TempFile file("a\nb\nc\nd\n");
    EXPECT_EQ(*read_all(file.path(), 2), (std::vector<std::string>{"a", "b"}));
}

TEST(Lines, RefusesAMissingFile) {
    EXPECT_EQ(read_all("/nonexistent/file.csv").error().code, ErrorCode::io);
}

TEST(Lines, RefusesALineThatIsTooLongAndNamesIt) {
    const TempFile file("short\n" + std::string(line_bytes_max + 1, '1') + "\n");
    const Error error = read_all(file.path()).error();
    EXPECT_EQ(error.code, ErrorCode::too_large);
    EXPECT_NE(error.message.find("line 2"), std::string::npos) << error.message;
}

TEST(Lines, RefusesANulByte) {
    const TempFile file(std::string("1,2\n3,\0,4\n", 10));
    const Error error = read_all(file.path()).error();
    EXPECT_EQ(error.code, ErrorCode::invalid_input);
    EXPECT_NE(error.message.find("line 2"), std::string::npos) << error.message;
}

TEST(Lines, RefusesATruncatedGzip) {
    std::string content;
    for (int i = 0; i < 20'000; ++i)
        content += std::to_string(i * 7919) + "\n";
    const TempFile whole(content, true);
    std::ifstream in(whole.path(), std::ios::binary);
    const std::string packed((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const TempFile half(packed.substr(0, packed.size() / 2));
    EXPECT_EQ(read_all(half.path(), 1'000'000).error().code, ErrorCode::corrupt);
}

TEST(Lines, IntegersAreExact) {
    EXPECT_EQ(*parse_integer("0", 0, 9, "x"), 0);
    EXPECT_EQ(*parse_integer("-1", -1, 1, "x"), -1);
    EXPECT_EQ(*parse_integer("9223372036854775807", 0, INT64_MAX, "x"), INT64_MAX);
    for (const char* bad : {"", "-", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "ten", "9223372036854775808",
                            "-1", "99999999999999999999999999999999999999999999999999"})
        EXPECT_FALSE(parse_integer(bad, 0, INT64_MAX, "x").ok()) << bad;
    EXPECT_FALSE(parse_integer("10", 0, 9, "x").ok());
}

TEST(Lines, DecimalsKeepTheirPlaces) {
    EXPECT_EQ(*parse_fixed("236.47", 2, INT64_MAX, "x"), 23'647);
    EXPECT_EQ(*parse_fixed("236", 2, INT64_MAX, "x"), 23'600);
    EXPECT_EQ(*parse_fixed("0.5", 2, INT64_MAX, "x"), 50);
    for (const char* bad : {"", ".", "1.", ".5", "1.234", "-1.00", "1,5", "1.2.3", "1e2", "1.-5"})
        EXPECT_FALSE(parse_fixed(bad, 2, INT64_MAX, "x").ok()) << bad;
    EXPECT_FALSE(parse_fixed("123456789012345678.12", 2, INT64_MAX, "x").ok());
}

TEST(Lines, ColumnsAreCounted) {
    std::vector<std::string_view> columns;
    EXPECT_TRUE(split_columns("a,,c", 3, columns));
    EXPECT_EQ(columns, (std::vector<std::string_view>{"a", "", "c"}));
    EXPECT_FALSE(split_columns("a,b", 3, columns));
    EXPECT_FALSE(split_columns("a,b,c,d", 3, columns));
}

}  // namespace
}  // namespace peerbook::app::replay
