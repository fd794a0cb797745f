#include "p2p/registry/registry_wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace peerbook::p2p {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<Signer> signer(std::uint8_t number) {
    KeySeed seed;
    seed.data.fill(number);
    return make_ed25519_signer(seed);
}

RegistryEntry entry_of(const Signer& node, const char* address = "192.0.2.7:3000") {
    RegistryEntry entry;
    entry.network = hash_of("test", as_bytes("network"));
    entry.node = node.public_key();
    entry.address = parse_peer_address(address).value();
    entry.time = {1'700'000'000'000};
    entry.expires = {1'700'003'600'000};
    entry.signature = node.sign(signed_part(entry));
    return entry;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

TEST(RegistryWire, SignedIsEveryMemberInThisOrder) {
    RegistryEntry entry;
    entry.network.data.fill(0x11);
    entry.node.data.fill(0x22);
    entry.address = {"2001:db8::1", 3000};
    entry.time = {0x0102};
    entry.expires = {0x0304};
    EXPECT_EQ(to_hex(signed_part(entry)), "1c" + to_hex(as_bytes("peerbook/registry/register/1")) +
                                              to_hex(entry.network) + to_hex(entry.node) + "12" +
                                              to_hex(as_bytes("[2001:db8::1]:3000")) +
                                              "00000000000001020000000000000304");
    RegistryWithdrawal withdrawal{entry.network, entry.node, {0x0506}, {}};
    EXPECT_EQ(to_hex(signed_part(withdrawal)), "1e" + to_hex(as_bytes("peerbook/registry/unregister/1")) +
                                                   to_hex(entry.network) + to_hex(entry.node) +
                                                   "0000000000000506");
}

TEST(RegistryWire, WhatIsWrittenIsRead) {
    const auto node = signer(1);
    for (const char* address : {"192.0.2.7:3000", "127.0.0.1:1", "[2001:db8::1]:65535"}) {
        const RegistryEntry entry = entry_of(*node, address);
        const auto read = read_registration(write_registration(entry));
        ASSERT_TRUE(read.ok()) << read.error().message;
        EXPECT_EQ(*read, entry);
        EXPECT_LT(write_registration(entry).size(), registry_request_bytes_max);
    }
    RegistryWithdrawal withdrawal{hash_of("test", {}), node->public_key(), {17}, {}};
    withdrawal.signature = node->sign(signed_part(withdrawal));
    const auto read = read_withdrawal(write_withdrawal(withdrawal));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, withdrawal);
}

TEST(RegistryWire, ASignatureIsOneOfAllMembersByTheNode) {
    const auto node = signer(1), other = signer(2);
    const Ed25519Verifier verifier;
    const RegistryEntry entry = entry_of(*node);
    EXPECT_TRUE(is_genuine(entry, verifier));
    for (const auto& change : std::vector<std::function<void(RegistryEntry&)>>{
             [](RegistryEntry& e) { e.network.data[0] ^= 1; },
             [&](RegistryEntry& e) { e.node = other->public_key(); },
             [](RegistryEntry& e) { e.address.host = "192.0.2.8"; },
             [](RegistryEntry& e) { e.address.port = 3001; }, [](RegistryEntry& e) { ++e.time.ms; },
             [](RegistryEntry& e) { ++e.expires.ms; }, [](RegistryEntry& e) { e.signature.data[0] ^= 1; }}) {
        RegistryEntry changed = entry;
        change(changed);
        EXPECT_FALSE(is_genuine(changed, verifier));
    }
    RegistryWithdrawal withdrawal{entry.network, entry.node, entry.time, {}};
    withdrawal.signature = entry.signature;  // one is not the other
    EXPECT_FALSE(is_genuine(withdrawal, verifier));
    withdrawal.signature = node->sign(signed_part(withdrawal));
    EXPECT_TRUE(is_genuine(withdrawal, verifier));
}

TEST(RegistryWire, AMistakeNamesItsMember) {
    const std::string good = write_registration(entry_of(*signer(1)));
    const std::string node = to_hex(signer(1)->public_key());
    const std::pair<std::string, const char*> mistakes[] = {
        {replaced(good, "\"network\"", "\"netwerk\""), "network: "},
        {replaced(good, node, node.substr(1)), "node: "},
        {replaced(good, "\"" + node + "\"", "5"), "node: "},
        {replaced(good, "192.0.2.7:3000", "192.0.2.7"), "address: "},
        {replaced(good, "192.0.2.7:3000", "192.0.2.7:0"), "address: "},
        {replaced(good, "192.0.2.7:3000", "a.example:3000"), "address: "},  // a name
        {replaced(good, "\"192.0.2.7:3000\"", "null"), "address: "},
        {replaced(good, "1700000000000", "\"1700000000000\""), "time: "},
        {replaced(good, "1700000000000", "-1"), "time: "},
        {replaced(good, "1700000000000", "9007199254740993"), "time: "},
        {replaced(good, "1700000000000", "1e400"), "no JSON"},
        {replaced(good, "1700003600000", "1.5"), "expires: "},
        {replaced(good, "\"signature\":\"", "\"signature\":\"zz"), "signature: "},
        {"", "no JSON object"},
        {"[]", "no JSON object"},
        {"null", "no JSON object"},
        {good + "x", "no JSON object"},
        {std::string("{\"a\":\"\xff\"}"), "no JSON object"},
        {std::string(registry_request_bytes_max, '['), "no JSON object"},
    };
    for (const auto& [body, words] : mistakes) {
        const auto read = read_registration(body);
        ASSERT_FALSE(read.ok()) << body;
        EXPECT_EQ(read.error().code, ErrorCode::invalid_input) << body;
        EXPECT_THAT(read.error().message, HasSubstr(words)) << body;
    }
    const auto large = read_registration(good + std::string(registry_request_bytes_max, ' '));
    ASSERT_FALSE(large.ok());
    EXPECT_EQ(large.error().code, ErrorCode::too_large);
    EXPECT_TRUE(read_registration(replaced(good, "{", "{\"more\":[{}],")).ok());  // of a later version
}

TEST(RegistryWire, AReplyHasTheNodesOfTheNetworkThatWasAskedFor) {
    const RegistryEntry one = entry_of(*signer(1)), two = entry_of(*signer(2), "[2001:db8::1]:5");
    const std::string body = write_registry_reply({"192.0.2.1", {one, two}});
    const auto reply = read_registry_reply(200, body, one.network);
    ASSERT_TRUE(reply.ok()) << reply.error().message;
    EXPECT_EQ(reply->you, "192.0.2.1");
    EXPECT_THAT(reply->nodes, ElementsAre(one, two));
    const auto other = read_registry_reply(200, body, Digest{});
    ASSERT_TRUE(other.ok());
    EXPECT_FALSE(is_genuine(other->nodes[0], Ed25519Verifier()));
}

TEST(RegistryWire, TheLargestReplyFits) {
    RegistryReply reply{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", {}};
    for (std::size_t i = 0; i < registry_reply_nodes_max; ++i) {
        reply.nodes.push_back(entry_of(*signer(1), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"));
        reply.nodes.back().time.ms = reply.nodes.back().expires.ms = std::int64_t{1} << 53;
    }
    const std::string body = write_registry_reply(reply);
    EXPECT_LE(body.size(), registry_reply_bytes_max);
    EXPECT_EQ(read_registry_reply(200, body, {})->nodes.size(), registry_reply_nodes_max);
}

TEST(RegistryWire, OfAReplyWhatIsBadIsLeftOutAndWhatIsTooMuch) {
    const RegistryEntry good = entry_of(*signer(1));
    const std::string text = write_registry_reply({"192.0.2.1", {good}});
    const std::string body = replaced(text, "\"nodes\":[", R"("nodes":[5,null,"a",{},{"node":"zz"},[[]],)");
    EXPECT_THAT(read_registry_reply(200, body, good.network)->nodes, ElementsAre(good));
    RegistryReply many{"192.0.2.1", std::vector<RegistryEntry>(registry_reply_nodes_max + 9, good)};
    const auto read = read_registry_reply(200, write_registry_reply(many), good.network);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->nodes.size(), registry_reply_nodes_max);
}

TEST(RegistryWire, OtherAnswersAreErrors) {
    for (const char* body :
         {"", "5", "[]", "{}", R"({"nodes":[]})", R"({"you":"192.0.2.1"})",
          R"({"you":"a.example","nodes":[]})", R"({"you":"192.0.2.1","nodes":{}})", "<html>"}) {
        const auto wrong = read_registry_reply(200, body, {});
        ASSERT_FALSE(wrong.ok()) << body;
        EXPECT_EQ(wrong.error().code, ErrorCode::corrupt) << body;
    }
    const auto refused = read_registry_reply(503, R"({"code":"unavailable","message":"full\u001b[31m"})", {});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
    EXPECT_THAT(refused.error().message, HasSubstr("refuses: full?[31m"));
    EXPECT_EQ(read_registry_reply(404, "not here", {}).error().code, ErrorCode::corrupt);
    EXPECT_EQ(read_registry_reply(200, std::string(registry_reply_bytes_max + 1, ' '), {}).error().code,
              ErrorCode::too_large);
}

TEST(RegistryWire, AnAddressThatIsNotTheNodesOwnIsRefusedWithTheOneThatIs) {
    const std::string body = write_wrong_address("address: no", "192.0.2.1");
    EXPECT_EQ(read_wrong_address(409, body), "192.0.2.1");
    EXPECT_EQ(read_wrong_address(200, body), std::nullopt);
    for (const char* other : {"", "{}", R"({"you":5})", R"({"you":"a.example"})", "[\"192.0.2.1\"]"})
        EXPECT_EQ(read_wrong_address(409, other), std::nullopt) << other;
}

TEST(RegistryWire, AUrlIsAHostAndAPort) {
    for (const char* url : {"http://127.0.0.1:8081", "http://127.0.0.1:8081/"})
        EXPECT_EQ(*parse_registry_url(url), (PeerAddress{"127.0.0.1", 8081})) << url;
    EXPECT_EQ(*parse_registry_url("http://a.example:80"), (PeerAddress{"a.example", 80}));
    for (const char* url :
         {"", "127.0.0.1:1", "https://a:1", "http://a", "http://a:0", "http://a:1/b", "http://a b:1"})
        EXPECT_FALSE(parse_registry_url(url).ok()) << url;
}

TEST(RegistryWire, ANodeIsSeenAtItsOwnAddressOrThatOfItsNat) {
    const std::pair<const char*, const char*> fair[] = {
        {"127.0.0.1", "127.0.0.1"}, {"10.0.0.1", "10.0.0.1"}, {"10.0.0.1", "192.168.0.1"},
        {"10.0.0.1", "8.8.8.8"},    {"8.8.8.8", "8.8.8.8"},   {"2001:db8::1", "2001:db8::1"}};
    for (const auto& [local, seen] : fair)
        EXPECT_TRUE(may_be_seen_at(local, seen)) << local << " " << seen;
    const std::pair<const char*, const char*> lies[] = {
        {"127.0.0.1", "8.8.8.8"},   {"10.0.0.1", "127.0.0.1"}, {"8.8.8.8", "8.8.4.4"},
        {"8.8.8.8", "10.0.0.1"},    {"10.0.0.1", "0.0.0.0"},   {"10.0.0.1", "224.0.0.251"},
        {"10.0.0.1", "name"},       {"", "10.0.0.1"},          {"fe80::1", "fe80::1"},
        {"10.0.0.1", "169.254.0.1"}};
    for (const auto& [local, seen] : lies)
        EXPECT_FALSE(may_be_seen_at(local, seen)) << local << " " << seen;
}

TEST(RegistryWire, OnlyOnTheInternetThePortIsTheOutsideOne) {
    EXPECT_EQ(port_reached_at("8.8.8.8", 3000, 4000), 4000);
    EXPECT_EQ(port_reached_at("8.8.8.8", 3000, 0), 0);
    EXPECT_EQ(port_reached_at("2a00::1", 3000, 4000), 4000);
    for (const char* near : {"10.0.0.1", "127.0.0.1", "fd00::1", "localhost"})
        EXPECT_EQ(port_reached_at(near, 3000, 0), 3000) << near;
}

TEST(RegistryWire, WhereANodeListens) {
    EXPECT_TRUE(listens_at("0.0.0.0", "192.0.2.1"));
    EXPECT_FALSE(listens_at("0.0.0.0", "2001:db8::1"));
    EXPECT_TRUE(listens_at("::", "2001:db8::1"));
    EXPECT_TRUE(listens_at("::", "192.0.2.1"));
    EXPECT_TRUE(listens_at("192.0.2.1", "192.0.2.1"));
    EXPECT_FALSE(listens_at("127.0.0.1", "192.0.2.1"));
    EXPECT_TRUE(listens_at("localhost", "127.0.0.1"));
    EXPECT_FALSE(listens_at("localhost", "127.0.0.2"));
    EXPECT_FALSE(listens_at("a.example", "192.0.2.1"));
    EXPECT_FALSE(listens_at("0.0.0.0", "a.example"));
}

}  // namespace
}  // namespace peerbook::p2p
