#include "p2p/grenache/grape_wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace peerbook::p2p {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(GrapeWire, AUrlIsAHostAndAPort) {
    for (const char* url : {"http://127.0.0.1:30001", "http://127.0.0.1:30001/"})
        EXPECT_EQ(*parse_grape_url(url), (PeerAddress{"127.0.0.1", 30001})) << url;
    EXPECT_EQ(*parse_grape_url("http://[::1]:80"), (PeerAddress{"::1", 80}));
    for (const char* url :
         {"", "127.0.0.1:30001", "https://a:1", "http://a", "http://a:0", "http://a:1/b", "http://a b:1"}) {
        const auto wrong = parse_grape_url(url);
        ASSERT_FALSE(wrong.ok()) << url;
        EXPECT_EQ(wrong.error().code, ErrorCode::invalid_input);
    }
}

TEST(GrapeWire, QuestionsAreThoseOfGrenachesOwnClients) {
    EXPECT_EQ(grape_announce_body("r1", "a service", 3000), R"({"rid":"r1","data":["a service",3000]})");
    EXPECT_EQ(grape_lookup_body("r2", "a \"service\""), R"({"rid":"r2","data":"a \"service\""})");
}

TEST(GrapeWire, AnAnnouncementIsAnsweredByACount) {
    EXPECT_TRUE(read_grape_announce(200, "1").ok());
    for (const char* body : {"", "[]", "null", "{}", "true", "<html>", "1 2"}) {
        const Status wrong = read_grape_announce(200, body);
        ASSERT_FALSE(wrong.ok()) << body;
        EXPECT_EQ(wrong.error().code, ErrorCode::corrupt) << body;
    }
}

TEST(GrapeWire, AJsonStringIsAnErrorOfTheGrape) {
    const Status announced = read_grape_announce(200, "\"No nodes to query\"");
    ASSERT_FALSE(announced.ok());
    EXPECT_EQ(announced.error().code, ErrorCode::unavailable);
    EXPECT_THAT(announced.error().message, HasSubstr("No nodes to query"));
    const auto found = read_grape_lookup(200, "\"ERR_GRAPE_LOOKUP\"");
    ASSERT_FALSE(found.ok());
    EXPECT_THAT(found.error().message, HasSubstr("ERR_GRAPE_LOOKUP"));
}

TEST(GrapeWire, ALookupGivesTheAddressesThatANodeCanHaveEachOnce) {
    const auto found =
        read_grape_lookup(200, R"(["127.0.0.1:7000","10.1.2.3:3000","127.0.0.1:7000","[2001:db8::1]:5"])");
    ASSERT_TRUE(found.ok());
    EXPECT_THAT(*found, ElementsAre(PeerAddress{"127.0.0.1", 7000}, PeerAddress{"10.1.2.3", 3000},
                                    PeerAddress{"2001:db8::1", 5}));
    const auto none =
        read_grape_lookup(200, R"(["0.0.0.0:1","255.255.255.255:1","224.0.0.1:9","host.example:1",
        "10.0.0.1","10.0.0.1:0","10.0.0.1:65536","10.0.0.1:-1","",5,null,["10.0.0.1:1"],{"a":1}])");
    ASSERT_TRUE(none.ok());
    EXPECT_TRUE(none->empty());
}

TEST(GrapeWire, OtherAnswersAreErrors) {
    for (const char* body : {"", "5", "null", "{}", "{\"a\":[]}", "[", "[\"\xff\"]"}) {
        const auto wrong = read_grape_lookup(200, body);
        ASSERT_FALSE(wrong.ok()) << body;
        EXPECT_EQ(wrong.error().code, ErrorCode::corrupt) << body;
    }
    const auto refused = read_grape_lookup(500, "ERR_GRAPE_PAYLOAD_INVALID\n\x1b[31m");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
    EXPECT_THAT(refused.error().message, HasSubstr("500 'ERR_GRAPE_PAYLOAD_INVALID??[31m'"));
}

TEST(GrapeWire, AnswersAreBounded) {
    const auto large = read_grape_lookup(200, "[" + std::string(grape_body_bytes_max, ' ') + "]");
    ASSERT_FALSE(large.ok());
    EXPECT_EQ(large.error().code, ErrorCode::too_large);
    std::string many = "[\"10.0.0.1:1000\"";
    for (int port = 1001; port < 1400; ++port)
        many += ",\"10.0.0.1:" + std::to_string(port) + "\"";
    const auto found = read_grape_lookup(200, many + "]");
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found->size(), grape_addresses_max);
    EXPECT_FALSE(read_grape_lookup(200, std::string(4000, '[')).ok());
}

}  // namespace
}  // namespace peerbook::p2p
