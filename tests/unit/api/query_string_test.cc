#include "app/api/query_string.h"

#include <gtest/gtest.h>

namespace peerbook::app {
namespace {

TEST(QueryString, DecodesNamesAndValues) {
    auto query = QueryString::parse("account=al%69ce&limit=10&&wait=", {"account", "limit", "wait"});
    ASSERT_TRUE(query.ok()) << query.error().message;
    EXPECT_EQ(query.value().text("account"), "alice");
    ASSERT_NE(query.value().find("wait"), nullptr);
    EXPECT_EQ(query.value().text("wait"), "");
    EXPECT_EQ(query.value().find("other"), nullptr);
    auto limit = query.value().number("limit", 1, 1, 100);
    ASSERT_TRUE(limit.ok());
    EXPECT_EQ(limit.value(), 10u);
}

TEST(QueryString, NumbersOutsideTheirRangeNameTheField) {
    auto query = QueryString::parse("limit=101", {"limit"});
    ASSERT_TRUE(query.ok());
    auto limit = query.value().number("limit", 1, 1, 100);
    ASSERT_FALSE(limit.ok());
    EXPECT_EQ(limit.error().field, "limit");
    for (const char* text : {"limit=", "limit=-1", "limit=1e2", "limit=1x"}) {
        auto odd = QueryString::parse(text, {"limit"});
        ASSERT_TRUE(odd.ok());
        EXPECT_FALSE(odd.value().number("limit", 1, 1, 100).ok()) << text;
    }
}

TEST(QueryString, AbsentNumbersFallBack) {
    auto query = QueryString::parse("", {"limit"});
    ASSERT_TRUE(query.ok());
    EXPECT_EQ(query.value().number("limit", 20, 1, 100).value(), 20u);
}

TEST(QueryString, UnknownDoubledAndBrokenAreErrors) {
    auto unknown = QueryString::parse("limt=1", {"limit"});
    ASSERT_FALSE(unknown.ok());
    EXPECT_EQ(unknown.error().field, "limt");
    EXPECT_NE(unknown.error().message.find("did you mean \"limit\""), std::string::npos);
    EXPECT_FALSE(QueryString::parse("limit=1&limit=2", {"limit"}).ok());
    EXPECT_FALSE(QueryString::parse("limit=%4", {"limit"}).ok());
    EXPECT_FALSE(QueryString::parse("limit=%zz", {"limit"}).ok());
}

TEST(PercentDecoded, PlusIsABlankInQueriesOnly) {
    EXPECT_EQ(percent_decoded("a+b%2Bc", true), "a b+c");
    EXPECT_EQ(percent_decoded("a+b", false), "a+b");
    EXPECT_EQ(percent_decoded("%", false), std::nullopt);
}

}  // namespace
}  // namespace peerbook::app
