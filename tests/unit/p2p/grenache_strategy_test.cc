// The client of a Grape against a server that the test plays, over the loopback interface. Nothing sleeps.

#include "p2p/grenache/grenache_strategy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include <boost/asio/io_context.hpp>
#include <chrono>

#include "base/hash.h"
#include "p2p/dht/service_name.h"
#include "p2p/grenache/rpc_wire.h"
#include "tests/unit/p2p/played_server.h"

namespace peerbook::p2p {
namespace {

namespace asio = boost::asio;
using testing::ElementsAre;
using testing::HasSubstr;

struct Grenache : testing::Test {
    std::unique_ptr<DiscoveryStrategy> strategy(const std::string& url, bool broadcast = true) {
        DiscoveryIdentity identity;
        identity.network = hash_of("test", as_bytes("network"));
        identity.port = 3000;
        identity.broadcast = broadcast;
        name = service_name(identity.network);
        return make_grenache_strategy(io, identity, url);
    }
    // Starts, searches once and gives how it ended; "nothing" if it does not end.
    std::string search(DiscoveryStrategy& strategy) {
        if (!is_started) {
            const Status started =
                strategy.start([this](const PeerAddress& address) { found.push_back(to_string(address)); });
            if (!started.ok()) return started.error().message;
        }
        is_started = true;
        std::optional<Status> ended;
        strategy.search([&](const Status& status) { ended = status; });
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!ended && std::chrono::steady_clock::now() < deadline)
            io.run_one_for(std::chrono::milliseconds(50));
        if (!ended) return "nothing";
        return ended->ok() ? "" : ended->error().message;
    }

    asio::io_context io{1};
    PlayedServer grape{io};
    std::string name;
    std::vector<std::string> found;
    bool is_started = false;
};

TEST_F(Grenache, AnnouncesAndLooksUpWithEachSearch) {
    const auto searching = strategy(grape.url());
    grape.answers = {grape.http("1"), grape.http(R"(["10.0.0.1:3000","127.0.0.1:3001","127.0.0.1:3000"])")};
    EXPECT_EQ(search(*searching), "");
    EXPECT_THAT(found, ElementsAre("10.0.0.1:3000", "127.0.0.1:3001"));  // without its own
    ASSERT_EQ(grape.questions.size(), 2u);
    EXPECT_THAT(grape.questions[0], HasSubstr("POST /announce HTTP/1.1\r\n"));
    EXPECT_THAT(grape.questions[0], HasSubstr("\"data\":[\"" + name + "\",3000]}"));
    EXPECT_THAT(grape.questions[1], HasSubstr("POST /lookup HTTP/1.1\r\n"));
    EXPECT_THAT(grape.questions[1], HasSubstr("\"data\":\"" + name + "\"}"));
    grape.answers = {grape.http("3"), grape.http("[]")};
    EXPECT_EQ(search(*searching), "");
    EXPECT_EQ(grape.questions.size(), 4u);
}

TEST_F(Grenache, ASilentNodeOnlyLooksUp) {
    const auto searching = strategy(grape.url(), false);
    grape.answers = {grape.http(R"(["10.0.0.1:3000"])")};
    EXPECT_EQ(search(*searching), "");
    EXPECT_EQ(grape.questions.size(), 1u);
    EXPECT_THAT(grape.questions[0], HasSubstr("POST /lookup"));
}

TEST_F(Grenache, TheRpcIsOfferedUnderAnotherNameAtItsOwnPort) {
    DiscoveryIdentity identity;
    identity.network = hash_of("test", as_bytes("network"));
    identity.port = 3000;
    const auto searching = make_grenache_rpc_strategy(io, identity, grape.url(), 3001);
    EXPECT_EQ(searching->name(), "grenache-rpc");
    searching->set_outside_port(4001);  // of connections
    grape.answers = {grape.http("1"),
                     grape.http(R"(["203.0.113.9:7","10.0.0.1:3001","127.0.0.1:3000","127.0.0.1:3001"])")};
    EXPECT_EQ(search(*searching), "");
    // The Grape is on this machine, and so may be what it tells of; but not this node itself.
    EXPECT_THAT(found, ElementsAre("203.0.113.9:7", "10.0.0.1:3001", "127.0.0.1:3000"));
    ASSERT_EQ(grape.questions.size(), 2u);
    EXPECT_THAT(grape.questions[0],
                HasSubstr("\"data\":[\"" + rpc_service_name(identity.network) + "\",3001]}"));
    EXPECT_THAT(grape.questions[1], HasSubstr("\"data\":\"" + rpc_service_name(identity.network) + "\"}"));
}

TEST_F(Grenache, ThePortOfTheGatewayIsAnnouncedAndNothingWhereNobodyGetsIn) {
    const auto searching = strategy(grape.url());
    searching->set_outside_port(4001);
    grape.answers = {grape.http("1"), grape.http("[]")};
    EXPECT_EQ(search(*searching), "");
    ASSERT_EQ(grape.questions.size(), 2u);
    EXPECT_THAT(grape.questions[0], HasSubstr(",4001]}"));
    searching->set_outside_port(0);
    grape.answers = {grape.http("[]")};
    EXPECT_EQ(search(*searching), "");
    ASSERT_EQ(grape.questions.size(), 3u);
    EXPECT_THAT(grape.questions[2], HasSubstr("POST /lookup"));
}

TEST_F(Grenache, AGrapeThatCannotAnnounceIsLookedUpInAllTheSame) {
    const auto searching = strategy(grape.url());
    grape.answers = {grape.http("\"No nodes to query\""), grape.http(R"(["10.0.0.1:3000"])")};
    EXPECT_THAT(search(*searching), HasSubstr("No nodes to query"));
    EXPECT_THAT(found, ElementsAre("10.0.0.1:3000"));
}

TEST_F(Grenache, WhatIsNoGrapeEndsTheSearchWithAnError) {
    const auto searching = strategy(grape.url(), false);
    const std::pair<std::string, const char*> answers[] = {
        {grape.http("<html>"), "no Grape"},
        {grape.http("ERR", "500 Internal Server Error"), "500 'ERR'"},
        {grape.http(std::string(9'000, ' ')), "8,192"},
        {"HTTP/1.1 200 OK\r\nX: " + std::string(10'000, 'x') + "\r\n\r\n", "limit"},
        {"SSH-2.0-OpenSSH_9.2\r\n", "Grape 127.0.0.1"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[]", "Grape 127.0.0.1"}};
    for (const auto& [answer, why] : answers) {
        grape.answers = {answer};
        EXPECT_THAT(search(*searching), HasSubstr(why)) << answer.substr(0, 60);
    }
    EXPECT_TRUE(found.empty());
    grape.answers = {grape.http(R"(["10.0.0.1:3000"])")};
    EXPECT_EQ(search(*searching), "");  // it recovers
}

TEST_F(Grenache, AGrapeThatIsNotThereIsAnErrorThatNamesIt) {
    std::uint16_t port = 0;
    {
        PlayedServer gone(io);
        port = gone.port();
    }
    io.poll();
    const auto searching = strategy("http://127.0.0.1:" + std::to_string(port));
    EXPECT_THAT(search(*searching), HasSubstr("Grape 127.0.0.1:" + std::to_string(port)));
    is_started = false;
    EXPECT_THAT(search(*strategy("ftp://a:1")), HasSubstr("http://host:port"));
}

TEST_F(Grenache, NothingIsCalledBackAfterStop) {
    const auto searching = strategy(grape.url());
    ASSERT_TRUE(
        searching->start([this](const PeerAddress& address) { found.push_back(to_string(address)); }).ok());
    bool is_called = false;
    searching->search([&](const Status&) { is_called = true; });
    while (grape.questions.empty())
        io.run_one_for(std::chrono::milliseconds(50));
    searching->stop();
    io.run_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(is_called);
}

}  // namespace
}  // namespace peerbook::p2p
