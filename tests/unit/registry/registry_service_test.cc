// What the bootstrap registry answers, without sockets.

#include "app/registry/registry_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "p2p/registry/registry_wire.h"
#include "tests/support/cheap_keys.h"

namespace peerbook::app {
namespace {

using peerbook::testing::CheapSigner;
using peerbook::testing::CheapVerifier;
using peerbook::testing::signed_by;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct TestClock final : Clock {
    Now now() const override { return time; }
    void advance(Duration by) {
        time.mono = time.mono + by;
        time.wall.ms += by.ms();
    }
    Now time{{}, {1'700'000'000'000}};
};

struct RegistryServiceTest : ::testing::Test {
    RegistryServiceTest() {
        identity.id = host.public_key();
        identity.network = network;
        identity.port = 3000;
        own.identity = [this] { return identity; };
        own.listen_host = "0.0.0.0";
    }
    RegistryService& service() {
        if (!made) made.emplace(is_of_a_node ? std::optional(own) : std::nullopt, host, verifier, clock, 1);
        return *made;
    }
    ApiResponse ask(const char* method, const std::string& path, std::string body = "",
                    const char* from = "8.8.8.8", const char* content_type = "application/json") {
        ApiRequest request;
        request.method = method;
        const std::size_t question = std::min(path.find('?'), path.size());
        request.path = std::string_view(path).substr(0, question);
        request.query = std::string_view(path).substr(std::min(question + 1, path.size()));
        request.remote = from;
        request.local = local;
        request.content_type = content_type;
        request.body = std::move(body);
        return service().answer(request);
    }
    // "status body"
    static std::string text(const ApiResponse& response) {
        return std::to_string(response.status) + " " + response.body;
    }
    std::string registration(std::uint64_t node, const char* address) {
        clock.advance(Duration::milliseconds(1));
        p2p::RegistryEntry entry{
            network,         CheapSigner(node).public_key(), p2p::parse_peer_address(address).value(),
            clock.time.wall, {clock.time.wall.ms + 1000},    {}};
        return write_registration(signed_by(node, entry));
    }
    std::string withdrawal(std::uint64_t node) {
        clock.advance(Duration::milliseconds(1));
        p2p::RegistryWithdrawal made_now{network, CheapSigner(node).public_key(), clock.time.wall, {}};
        return write_withdrawal(signed_by(node, made_now));
    }
    std::vector<std::string> told(const ApiResponse& response) {
        const auto reply = p2p::read_registry_reply(response.status, response.body, network);
        EXPECT_TRUE(reply.ok()) << response.body;
        std::vector<std::string> addresses;
        if (reply)
            for (const p2p::RegistryEntry& entry : reply->nodes) {
                EXPECT_TRUE(is_genuine(entry, verifier));
                addresses.push_back(to_string(entry.address));
            }
        return addresses;
    }
    std::vector<std::string> discovered(const char* from = "8.8.8.8") {
        return told(ask("GET", "/api/bootstrap/discover?network=" + to_hex(network), "", from));
    }

    CheapSigner host{1};
    CheapVerifier verifier;
    TestClock clock;
    Digest network = hash_of("test", as_bytes("network"));
    p2p::DiscoveryIdentity identity;
    RegistryHost own;
    bool is_of_a_node = false;
    const char* local = "8.8.4.4";
    std::optional<RegistryService> made;
};

TEST_F(RegistryServiceTest, WhoRegistersIsToldOfTheOthersAndOthersOfIt) {
    EXPECT_THAT(told(ask("POST", "/api/bootstrap/register", registration(2, "8.8.8.8:3000"))), IsEmpty());
    EXPECT_THAT(told(ask("POST", "/api/bootstrap/register", registration(3, "9.9.9.9:3000"), "9.9.9.9")),
                ElementsAre("8.8.8.8:3000"));
    EXPECT_THAT(discovered().size(), 2U);
    EXPECT_EQ(text(ask("POST", "/api/bootstrap/unregister", withdrawal(2), "7.7.7.7")),
              "200 {\"removed\":true}");
    EXPECT_EQ(text(ask("POST", "/api/bootstrap/unregister", withdrawal(2))), "200 {\"removed\":false}");
    EXPECT_THAT(discovered(), ElementsAre("9.9.9.9:3000"));
    clock.advance(Duration::seconds(1));
    EXPECT_THAT(discovered(), IsEmpty());
}

TEST_F(RegistryServiceTest, OnlyTheAddressThatARequestComesFromCanBeRegistered) {
    const ApiResponse refused =
        ask("POST", "/api/bootstrap/register", registration(2, "9.9.9.9:3000"), "8.8.8.8");
    EXPECT_EQ(refused.status, 409U);
    EXPECT_EQ(p2p::read_wrong_address(refused.status, refused.body), "8.8.8.8");
    for (const char* from : {"0.0.0.0", "224.0.0.1", "fe80::1", "169.254.1.1"}) {
        const std::string address = p2p::to_string(p2p::PeerAddress{from, 3000});
        EXPECT_EQ(ask("POST", "/api/bootstrap/register", registration(2, address.c_str()), from).status,
                  409U);
    }
    EXPECT_THAT(discovered(), IsEmpty());
    EXPECT_EQ(ask("POST", "/api/bootstrap/register", registration(2, "127.0.0.1:3000"), "127.0.0.1").status,
              200U);
    EXPECT_EQ(ask("POST", "/api/bootstrap/register", registration(3, "10.0.0.1:3000"), "10.0.0.1").status,
              200U);
    EXPECT_THAT(discovered(), IsEmpty());  // they mean nothing elsewhere
    EXPECT_THAT(discovered("10.0.0.2"), ElementsAre("10.0.0.1:3000"));
    EXPECT_THAT(discovered("127.0.0.1").size(), 2U);
}

TEST_F(RegistryServiceTest, TheNodeThatServesIsFoundWhereItWasReached) {
    is_of_a_node = true;
    EXPECT_THAT(discovered(), ElementsAre("8.8.4.4:3000"));
    EXPECT_THAT(told(ask("POST", "/api/bootstrap/register", registration(2, "8.8.8.8:3000"))),
                ElementsAre("8.8.4.4:3000"));
    local = "10.0.0.1";
    EXPECT_THAT(discovered("10.0.0.2"), ElementsAre("10.0.0.1:3000", "8.8.8.8:3000"));
    EXPECT_THAT(discovered(), ElementsAre("8.8.8.8:3000"));  // through a NAT: the address means nothing there
    const std::string other = "/api/bootstrap/discover?network=" + std::string(64, '0');
    EXPECT_THAT(told(ask("GET", other, "", "8.8.8.8")), IsEmpty());
}

TEST_F(RegistryServiceTest, ASilentNodeServesAndIsNotFound) {
    is_of_a_node = true;
    identity.broadcast = false;
    EXPECT_THAT(discovered(), IsEmpty());
    EXPECT_THAT(discovered("127.0.0.1"), IsEmpty());
}

TEST_F(RegistryServiceTest, MistakesAreSaid) {
    const std::string good = registration(2, "8.8.8.8:3000");
    const char* path = "/api/bootstrap/register";
    EXPECT_THAT(text(ask("GET", path)), HasSubstr("405"));
    EXPECT_THAT(text(ask("GET", "/api/bootstrap/unregister")), HasSubstr("405"));
    EXPECT_THAT(text(ask("POST", "/api/bootstrap/discover")), HasSubstr("405"));
    EXPECT_THAT(text(ask("GET", "/api/v1/status")), HasSubstr("404"));
    EXPECT_THAT(text(ask("GET", "/")), HasSubstr("404"));
    for (const char* type : {"", "text/plain", "application/jsonx", "application/x-www-form-urlencoded"})
        EXPECT_THAT(text(ask("POST", path, good, "8.8.8.8", type)), HasSubstr("400"));
    EXPECT_THAT(text(ask("POST", path, "{")), HasSubstr("400"));
    EXPECT_THAT(text(ask("POST", path, "{}")), HasSubstr("network: "));
    EXPECT_THAT(text(ask("POST", "/api/bootstrap/unregister", "{}")), HasSubstr("network: "));
    EXPECT_THAT(text(ask("GET", "/api/bootstrap/discover")), HasSubstr("network: "));
    EXPECT_THAT(text(ask("GET", "/api/bootstrap/discover?network=zz")), HasSubstr("network: "));
    EXPECT_THAT(text(ask("GET", "/api/bootstrap/discover?netwerk=1")), HasSubstr("did you mean"));
    EXPECT_EQ(ask("POST", path, good, "8.8.8.8", "Application/JSON; charset=utf-8").status, 200U);
    EXPECT_THAT(text(ask("POST", path, good)), HasSubstr("409"));  // once more
    std::string forged = registration(2, "8.8.8.8:3000");
    const std::size_t at = forged.find(":3000");
    forged.replace(at, 5, ":3001");
    EXPECT_THAT(text(ask("POST", path, forged)), HasSubstr("400"));
    EXPECT_THAT(discovered(), ElementsAre("8.8.8.8:3000"));
}

TEST_F(RegistryServiceTest, EachHostAndAllTogetherAskSoOften) {
    const auto status = [&](const std::string& from) {
        return ask("GET", "/api/bootstrap/discover?network=" + to_hex(network), "", from.c_str()).status;
    };
    for (int i = 0; i < registry_source_rate.capacity; ++i)
        ASSERT_EQ(status("8.8.8.8"), 200U);
    EXPECT_EQ(status("8.8.8.8"), 429U);
    EXPECT_EQ(status("9.9.9.9"), 200U);
    clock.advance(Duration::seconds(2));
    EXPECT_EQ(status("8.8.8.8"), 200U);
    EXPECT_EQ(status("8.8.8.8"), 429U);
    clock.advance(Duration::seconds(100));
    for (int i = 0; i < registry_rate.capacity; ++i)
        ASSERT_EQ(status("127.0.0.1"), 200U);
    EXPECT_EQ(status("127.0.0.1"), 503U);
}

}  // namespace
}  // namespace peerbook::app
