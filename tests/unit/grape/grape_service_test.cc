// The answers of a Grape (grenache-grape 1.0.0, asked on 29 November 2026), against a DHT that the test
// plays.

#include "app/grape/grape_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "p2p/dht/service_name.h"

namespace peerbook::app {
namespace {

using testing::HasSubstr;

constexpr const char* service = "abcdefghijklmnopqrst";

struct PlayedDht final : p2p::Dht {
    void announce(const p2p::DhtKey& key, std::uint16_t given, Announced done) override {
        announced[key] = given;
        knows_nobody ? done(nobody()) : done(std::size_t{1});
    }
    void lookup(const p2p::DhtKey& key, std::uint32_t, LookedUp done) override {
        if (knows_nobody) return done(nobody());
        done(peers.contains(key) ? peers[key] : std::vector<p2p::PeerAddress>());
    }
    void put(ByteView item, Put done) override {
        stored = std::string(as_text(item));
        knows_nobody ? done(nobody()) : done(p2p::service_key("01234567890123456789"));
    }
    void get(const p2p::DhtKey& hash, Got done) override {
        if (knows_nobody) return done(nobody());
        if (!values.contains(hash)) return done(std::optional<Bytes>());
        const ByteView item = as_bytes(values[hash]);
        done(std::optional<Bytes>(Bytes(item.begin(), item.end())));
    }
    void put_signed(const PublicKey&, const std::string&, p2p::DhtSignedItem, PutSigned) override {}
    void get_signed(const PublicKey&, const std::string&, GotSigned) override {}
    void watch(const p2p::DhtKey&, Found) override {}
    void set_read_only(bool) override {}
    p2p::DhtKey node_id() const override { return p2p::service_key(service); }
    std::uint16_t port() const override { return 20001; }
    p2p::DhtStats stats() const override { return {}; }
    void stop() override {}
    static Error nobody() { return {ErrorCode::unavailable, "no node of the DHT answers"}; }

    bool knows_nobody = false;
    std::map<p2p::DhtKey, std::uint16_t> announced;
    std::map<p2p::DhtKey, std::vector<p2p::PeerAddress>> peers;
    std::map<p2p::DhtKey, std::string> values;
    std::string stored;
};

struct StoodClock final : Clock {
    Now now() const override { return {}; }
};

struct GrapeTest : testing::Test {
    ApiResponse answer(const char* path, std::string body, const char* query = "") {
        ApiRequest request;
        request.method = "POST";
        request.path = path;
        request.query = query;
        request.body = std::move(body);
        std::optional<ApiResponse> response;
        grape.handle(request, [&](ApiResponse given) { response = std::move(given); });
        EXPECT_TRUE(response.has_value());
        return response ? *response : ApiResponse{};
    }
    // "status body"
    std::string said(const char* path, const std::string& data) {
        const ApiResponse response = answer(path, R"({"rid":"r","data":)" + data + "}");
        return std::to_string(response.status) + " " + response.body;
    }

    PlayedDht dht;
    StoodClock clock;
    GrapeService grape{dht, clock};
};

TEST_F(GrapeTest, AnnouncesAServiceUnderTheBytesOfItsName) {
    EXPECT_EQ(said("/announce", R"(["abcdefghijklmnopqrst",7000])"), "200 1");
    EXPECT_EQ(dht.announced.at(p2p::service_key(service)), 7000);
    EXPECT_EQ(said("/announce", R"(["abcdefghijklmnopqrst",7001.0])"), "200 1");
    EXPECT_EQ(dht.announced.at(p2p::service_key(service)), 7001);
    EXPECT_EQ(said("/announce", R"(["abcdefghijklmnopqrst",0])"), "200 1");
    EXPECT_EQ(dht.announced.at(p2p::service_key(service)), dht.port());
    EXPECT_EQ(said("/announce", R"(["short",7002])"), "200 1");
    EXPECT_EQ(dht.announced.at(p2p::service_key("short")), 7002);
}

TEST_F(GrapeTest, WhatIsNoAnnouncementIsAnsweredAsAGrapeDoes) {
    for (const char* data : {"5", "\"abc\"", "null", "{}"})
        EXPECT_EQ(said("/announce", data), "200 \"ERR_GRAPE_ANNOUNCE\"") << data;
    for (const char* data :
         {"[]", R"(["a"])", R"(["a","7"])", R"(["a",7.5])", R"(["a",null])", R"(["a",1e300])"})
        EXPECT_EQ(said("/announce", data), "200 \"ERR_GRAPE_SERVICE_PORT\"") << data;
    EXPECT_EQ(said("/announce", R"(["a",70000])"),
              "500 The value of \"value\" is out of range. It must be >= 0 and <= 65535. Received 70000");
    EXPECT_THAT(said("/announce", R"(["a",-1])"), HasSubstr("Received -1"));
    EXPECT_EQ(said("/announce", "[5,7000]"), "500 ERR_GRAPE_ANNOUNCE");
    EXPECT_TRUE(dht.announced.empty());
}

TEST_F(GrapeTest, LooksUpAtMostAHundredAddresses) {
    EXPECT_EQ(said("/lookup", "\"abcdefghijklmnopqrst\""), "200 []");
    dht.peers[p2p::service_key(service)] = {{"10.0.0.1", 7000}, {"127.0.0.1", 7001}};
    EXPECT_EQ(said("/lookup", "\"abcdefghijklmnopqrst\""), R"(200 ["10.0.0.1:7000","127.0.0.1:7001"])");
    auto& many = dht.peers[p2p::service_key("many")];
    for (std::uint16_t port = 1; port <= 150; ++port)
        many.push_back({"10.0.0.1", port});
    const std::string listed = said("/lookup", "\"many\"");
    EXPECT_EQ(std::count(listed.begin(), listed.end(), ':'), 100);
    for (const char* data : {"5", "\"\"", "null", "[]", "{}"})
        EXPECT_EQ(said("/lookup", data), "200 \"ERR_GRAPE_LOOKUP\"") << data;
}

TEST_F(GrapeTest, StoresTextsAndIntegersBencoded) {
    const std::string hash = "200 \"" + to_hex(p2p::service_key("01234567890123456789")) + "\"";
    const std::pair<const char*, const char*> puts[] = {
        {R"({"v":"hello"})", "5:hello"}, {R"("hello")", "5:hello"}, {R"({"v":""})", "0:"},
        {R"({"v":-12})", "i-12e"},       {R"({"v":true})", "i1e"},  {R"({"v":"\u00fc"})", "2:\xc3\xbc"}};
    for (const auto& [data, item] : puts) {
        EXPECT_EQ(said("/put", data), hash) << data;
        EXPECT_EQ(dht.stored, item) << data;
    }
    dht.stored.clear();
    for (const char* data : {"{}", "5", "[]"})
        EXPECT_EQ(said("/put", data), "200 \"opts.v not given\"") << data;
    EXPECT_EQ(said("/put", "null"), "500 ERR_GRAPE_PAYLOAD_INVALID");
    EXPECT_EQ(said("/put", R"({"v":"h","k":"00","seq":1})"), "200 \"ERR_GRAPE_GENERIC\"");
    EXPECT_EQ(said("/put", R"({"v":null})"), "200 \"ERR_GRAPE_GENERIC\"");
    EXPECT_EQ(said("/put", R"({"v":")" + std::string(1000, 'a') + "\"}"),
              "200 \"v must be less than 1000 bytes in put()\"");
    EXPECT_TRUE(dht.stored.empty());
}

TEST_F(GrapeTest, GetsAValueAsTextAndNothingForAMiss) {
    const std::string id = to_hex(dht.node_id());
    const auto key = [](char digit) { return *fixed_from_hex<p2p::DhtKey>(std::string(40, digit)); };
    dht.values = {{key('a'), "5:hello"}, {key('b'), "i123e"}, {key('c'), "4:a\"\xff!"}};
    const std::pair<char, const char*> gets[] = {{'a', "hello"}, {'b', "123"}, {'c', "a\\\"\xef\xbf\xbd!"}};
    for (const auto& [digit, text] : gets)
        EXPECT_EQ(said("/get", "\"" + std::string(40, digit) + "\""),
                  "200 {\"id\":\"" + id + "\",\"token\":null,\"v\":\"" + text + "\"}");
    EXPECT_EQ(said("/get", R"({"hash":")" + std::string(40, 'A') + "\"}"),
              "200 {\"id\":\"" + id + "\",\"token\":null,\"v\":\"hello\"}");
    for (const std::string& data :
         {"\"" + std::string(40, 'd') + "\"", std::string("\"zz\""), std::string("\"\"")})
        EXPECT_EQ(said("/get", data), "200 ") << data;
    EXPECT_EQ(said("/get", "5"), "200 \"ERR_GRAPE_GENERIC\"");
    EXPECT_EQ(said("/get", "null"), "500 ERR_GRAPE_PAYLOAD_INVALID");
}

TEST_F(GrapeTest, ANodeThatKnowsNobodySaysWhatALoneGrapeSays) {
    dht.knows_nobody = true;
    EXPECT_EQ(said("/announce", R"(["abcdefghijklmnopqrst",7000])"), "200 \"No nodes to query\"");
    EXPECT_EQ(said("/lookup", "\"abcdefghijklmnopqrst\""), "200 \"No nodes to query\"");
    EXPECT_EQ(said("/put", R"({"v":"hello"})"), "200 \"No nodes to query\"");
    EXPECT_EQ(said("/get", "\"" + std::string(40, 'a') + "\""), "200 ");
}

TEST_F(GrapeTest, WhatIsNoQuestionIsRefused) {
    for (const char* body : {"", "{\"rid\"", "null", "{\"data\":\"\xff\"}", "{} {}"}) {
        const ApiResponse response = answer("/lookup", body);
        EXPECT_EQ(response.status, 500u) << body;
        EXPECT_EQ(response.body, "ERR_GRAPE_PAYLOAD_INVALID") << body;
    }
    EXPECT_EQ(answer("/lookup", std::string(8'000, '[')).status, 500u);
    EXPECT_EQ(answer("/lookup", "5").body, "\"ERR_GRAPE_LOOKUP\"");
    for (const char* path : {"/", "/nothing", "", "/lookup/"})
        EXPECT_EQ(answer(path, "{}").body, "\"ERR_REQ_NOTFOUND\"") << path;
    EXPECT_EQ(answer("/lookup", "{}", "x=1").body, "\"ERR_REQ_NOTFOUND\"");
}

TEST_F(GrapeTest, MoreQuestionsThanTheRateAllowsAreToldSo) {
    for (std::int64_t i = 0; i < grape_rate.capacity; ++i)
        ASSERT_EQ(said("/lookup", "\"a\""), "200 []");
    EXPECT_EQ(said("/lookup", "\"a\""), "503 \"ERR_GRAPE_BUSY\"");
}

}  // namespace
}  // namespace peerbook::app
