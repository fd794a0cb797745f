// The client of a registry against a server that the test plays, over the loopback interface. Nothing sleeps.

#include "p2p/registry/registry_strategy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>

#include "base/hash.h"
#include "p2p/registry/registry_wire.h"
#include "tests/unit/p2p/played_server.h"

namespace peerbook::p2p {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct StoodClock final : Clock {
    Now now() const override { return {{}, {1'700'000'000'000}}; }
};

std::unique_ptr<Signer> signer_of(std::uint8_t number) {
    KeySeed seed;
    seed.data.fill(number);
    return make_ed25519_signer(seed);
}

struct Registry : testing::Test {
    std::unique_ptr<DiscoveryStrategy> strategy(bool broadcast = true, const char* listen_host = "0.0.0.0") {
        DiscoveryIdentity identity;
        identity.id = signer->public_key();
        identity.network = network;
        identity.port = 3000;
        identity.broadcast = broadcast;
        return make_registry_strategy(io, identity, *signer, clock, {server.url(), listen_host});
    }
    // Starts, searches once and gives how it ended; "nothing" if it does not end.
    std::string search(DiscoveryStrategy& strategy) {
        if (!std::exchange(is_started, true)) {
            const Status started =
                strategy.start([this](const PeerAddress& address) { found.push_back(to_string(address)); });
            if (!started.ok()) return started.error().message;
        }
        std::optional<Status> ended;
        strategy.search([&](const Status& status) { ended = status; });
        run_until([&] { return ended.has_value(); });
        if (!ended) return "nothing";
        return ended->ok() ? "" : ended->error().message;
    }
    template <typename Condition>
    void run_until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!condition() && std::chrono::steady_clock::now() < deadline)
            io.run_one_for(std::chrono::milliseconds(50));
    }
    RegistryEntry entry(std::uint8_t node, const char* address) {
        const auto its = signer_of(node);
        RegistryEntry made{network,          its->public_key(),         parse_peer_address(address).value(),
                           clock.now().wall, {clock.now().wall.ms + 1}, {}};
        made.signature = its->sign(signed_part(made));
        return made;
    }
    std::string reply(std::vector<RegistryEntry> nodes, const char* you = "127.0.0.1") {
        return server.http(write_registry_reply({you, std::move(nodes)}));
    }
    // The body of a question.
    std::string body(std::size_t number) const {
        const std::string& text = server.questions.at(number);
        return text.substr(text.find("\r\n\r\n") + 4);
    }

    asio::io_context io{1};
    PlayedServer server{io};
    StoodClock clock;
    std::unique_ptr<Signer> signer = signer_of(1);
    Digest network = hash_of("test", as_bytes("network"));
    std::vector<std::string> found;
    bool is_started = false;
};

TEST_F(Registry, AsksWhereItIsSeenThenRegistersAndRenewsWithEachSearch) {
    const auto searching = strategy();
    EXPECT_EQ(searching->name(), "registry@127.0.0.1:" + std::to_string(server.port()));
    server.answers = {reply({entry(2, "127.0.0.1:3001")}), reply({entry(3, "127.0.0.1:3002")})};
    EXPECT_EQ(search(*searching), "");
    EXPECT_THAT(found, ElementsAre("127.0.0.1:3001", "127.0.0.1:3002"));
    ASSERT_EQ(server.questions.size(), 2U);
    EXPECT_THAT(server.questions[0],
                StartsWith("GET /api/bootstrap/discover?network=" + to_hex(network) + " HTTP/1.1\r\n"));
    EXPECT_THAT(server.questions[1], StartsWith("POST /api/bootstrap/register HTTP/1.1\r\n"));
    EXPECT_THAT(server.questions[1], HasSubstr("Content-Type: application/json\r\n"));
    const auto first = read_registration(body(1));
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(to_string(first->address), "127.0.0.1:3000");
    EXPECT_EQ(first->expires.ms - first->time.ms, registry_entry_time_max.ms());
    EXPECT_TRUE(is_genuine(*first, Ed25519Verifier()));

    server.answers = {reply({})};
    EXPECT_EQ(search(*searching), "");
    const auto renewed = read_registration(body(2));
    ASSERT_TRUE(renewed.ok());
    EXPECT_GT(renewed->time, first->time);  // though the clock stands still
}

TEST_F(Registry, ASilentNodeSaysNothingOfItself) {
    {
        const auto searching = strategy(false);
        for (int i = 0; i < 2; ++i) {
            server.answers = {reply({entry(2, "127.0.0.1:3001")})};
            EXPECT_EQ(search(*searching), "");
        }
        searching->stop();
    }
    EXPECT_THAT(found, ElementsAre("127.0.0.1:3001", "127.0.0.1:3001"));
    io.run_for(std::chrono::milliseconds(20));
    ASSERT_EQ(server.questions.size(), 2U);
    for (const std::string& question : server.questions) {
        EXPECT_THAT(question, StartsWith("GET /api/bootstrap/discover"));
        EXPECT_THAT(question, testing::Not(HasSubstr(to_hex(signer->public_key()))));
        EXPECT_THAT(question, testing::Not(HasSubstr("3000")));
    }
}

TEST_F(Registry, WhoDoesNotBroadcastAnyMoreTakesItselfOut) {
    const auto searching = strategy();
    server.answers = {reply({}), reply({})};
    EXPECT_EQ(search(*searching), "");
    ASSERT_EQ(server.questions.size(), 2U);
    searching->set_broadcast(false);
    server.answers = {server.http("{\"removed\":true}"), reply({})};
    EXPECT_EQ(search(*searching), "");
    ASSERT_EQ(server.questions.size(), 4U);
    EXPECT_THAT(server.questions[2], StartsWith("POST /api/bootstrap/unregister HTTP/1.1\r\n"));
    EXPECT_THAT(server.questions[3], StartsWith("GET /api/bootstrap/discover"));
    searching->set_broadcast(true);
    server.answers = {reply({})};
    EXPECT_EQ(search(*searching), "");
    EXPECT_THAT(server.questions[4], StartsWith("POST /api/bootstrap/register HTTP/1.1\r\n"));
}

TEST_F(Registry, WhatNobodySignedOrNobodyMayBeToldIsLeftOut) {
    const auto searching = strategy(false);
    RegistryEntry forged = entry(2, "127.0.0.1:3001"), other_network = entry(2, "127.0.0.1:3002"),
                  expired = entry(2, "127.0.0.1:3003");
    forged.address.port = 3009;
    const auto its = signer_of(2);
    other_network.network = {};
    other_network.signature = its->sign(signed_part(other_network));
    expired.expires = clock.now().wall;
    expired.signature = its->sign(signed_part(expired));
    server.answers = {
        reply({forged, other_network, expired, entry(1, "127.0.0.1:3000"), entry(2, "224.0.0.251:3001"),
               entry(2, "0.0.0.0:3001"), entry(2, "10.0.0.1:3001")})};
    EXPECT_EQ(search(*searching), "");
    EXPECT_THAT(found, ElementsAre("10.0.0.1:3001"));
}

TEST_F(Registry, AnAddressThatChangedIsSignedAnewOnce) {
    const auto searching = strategy();
    server.answers = {reply({}), server.http(write_wrong_address("address: no", "127.0.0.2"), "409 Conflict"),
                      reply({})};
    EXPECT_EQ(search(*searching), "");
    EXPECT_EQ(to_string(read_registration(body(2))->address), "127.0.0.2:3000");
    // A registry that never agrees is not asked for ever.
    const std::string no = server.http(write_wrong_address("address: no", "127.0.0.3"), "409 Conflict");
    server.answers = {no, no, reply({entry(2, "127.0.0.1:3001")})};
    EXPECT_THAT(search(*searching), HasSubstr("address: no"));
    EXPECT_EQ(server.questions.size(), 6U);
    EXPECT_THAT(found, ElementsAre("127.0.0.1:3001"));
}

TEST_F(Registry, NothingIsSignedThatCannotBeTheNodesAddress) {
    const auto searching = strategy();
    server.answers = {reply({entry(2, "127.0.0.1:3001")}, "8.8.8.8")};
    EXPECT_THAT(search(*searching), HasSubstr("says that this node is at 8.8.8.8"));
    EXPECT_THAT(found, ElementsAre("127.0.0.1:3001"));
    server.answers = {reply({}), server.http(write_wrong_address("no", "8.8.8.8"), "409 Conflict"),
                      reply({})};
    EXPECT_NE(search(*searching), "");
    for (std::size_t i = 0; i < server.questions.size(); ++i)
        EXPECT_THAT(body(i), testing::Not(HasSubstr("8.8.8.8")));
}

TEST_F(Registry, WhereTheNodeDoesNotListenItIsNotAnnounced) {
    const auto searching = strategy(true, "192.0.2.1");
    server.answers = {reply({entry(2, "127.0.0.1:3001")})};
    EXPECT_EQ(search(*searching), "");
    EXPECT_EQ(server.questions.size(), 1U);
}

TEST_F(Registry, ARefusalIsSaidAndOthersAreAskedForAllTheSame) {
    const auto searching = strategy();
    const std::string full =
        server.http(R"({"code":"unavailable","message":"this registry is full"})", "503 Service Unavailable");
    server.answers = {reply({}), full, reply({entry(2, "127.0.0.1:3001")})};
    EXPECT_EQ(search(*searching),
              "registry 127.0.0.1:" + std::to_string(server.port()) + ": refuses: this registry is full");
    EXPECT_THAT(found, ElementsAre("127.0.0.1:3001"));
}

TEST_F(Registry, WhatIsNoRegistryEndsTheSearchWithAnErrorThatNamesIt) {
    const auto searching = strategy();
    const std::string me = "registry 127.0.0.1:" + std::to_string(server.port()) + ": ";
    const std::pair<std::string, const char*> answers[] = {
        {server.http("<html>"), "what answers is no registry"},
        {server.http("[]"), "what answers is no registry"},
        {server.http("gone", "404 Not Found"), "status 404, 'gone'"},
        {server.http(std::string(registry_reply_bytes_max + 1, ' ')), "more than 16384 bytes"},
        {"SSH-2.0-OpenSSH_9.2\r\n", ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", ""}};
    for (const auto& [answer, why] : answers) {
        server.answers = {answer};
        const std::string error = search(*searching);
        EXPECT_THAT(error, StartsWith(me));
        EXPECT_THAT(error, HasSubstr(why));
    }
    EXPECT_THAT(found, IsEmpty());
    server.answers = {reply({}), reply({})};
    EXPECT_EQ(search(*searching), "");  // it recovers
}

TEST_F(Registry, WhoStopsTakesItselfOut) {
    auto searching = strategy();
    server.answers = {reply({}), reply({})};
    EXPECT_EQ(search(*searching), "");
    server.answers = {server.http(R"({"removed":true})")};
    searching->stop();
    run_until([&] { return server.questions.size() == 3; });
    ASSERT_EQ(server.questions.size(), 3U);
    EXPECT_THAT(server.questions[2], StartsWith("POST /api/bootstrap/unregister HTTP/1.1\r\n"));
    const auto withdrawal = read_withdrawal(body(2));
    ASSERT_TRUE(withdrawal.ok());
    EXPECT_TRUE(is_genuine(*withdrawal, Ed25519Verifier()));
    EXPECT_GT(withdrawal->time, read_registration(body(1))->time);
    io.run_for(std::chrono::milliseconds(20));
    searching.reset();
}

TEST_F(Registry, AStopDoesNotWaitForARegistryThatIsSilent) {
    auto searching = strategy();
    server.answers = {reply({}), reply({})};
    EXPECT_EQ(search(*searching), "");
    const auto began = std::chrono::steady_clock::now();
    searching->stop();
    searching.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));  // 1 s on an idle machine
}

TEST_F(Registry, NothingIsCalledBackAfterStop) {
    const auto searching = strategy();
    ASSERT_TRUE(
        searching->start([this](const PeerAddress& address) { found.push_back(to_string(address)); }).ok());
    bool is_called = false;
    searching->search([&](const Status&) { is_called = true; });
    run_until([&] { return !server.questions.empty(); });
    searching->stop();
    io.run_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(is_called);
}

TEST_F(Registry, AWrongUrlIsSaidAtTheStart) {
    const auto searching = make_registry_strategy(io, {}, *signer, clock, {"ftp://a:1", "0.0.0.0"});
    EXPECT_THAT(search(*searching), HasSubstr("http://host:port"));
}

}  // namespace
}  // namespace peerbook::p2p
