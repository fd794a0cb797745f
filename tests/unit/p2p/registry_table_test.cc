#include "p2p/registry/registry_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "p2p/registry/source_limiter.h"
#include "tests/support/cheap_keys.h"

namespace peerbook::p2p {
namespace {

using peerbook::testing::CheapSigner;
using peerbook::testing::CheapVerifier;
using peerbook::testing::signed_by;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t second = 1'000, minute = 60 * second, hour = 60 * minute;
constexpr std::int64_t start_ms = 1'700'000'000'000;

struct RegistryTableTest : ::testing::Test {
    Digest network(const char* name) { return hash_of("test", as_bytes(name)); }

    RegistryEntry entry(std::uint64_t node, const std::string& host, std::int64_t lasts_ms = hour,
                        const char* of = "one") {
        RegistryEntry made{
            network(of), CheapSigner(node).public_key(), {host, 3000}, now, {now.ms + lasts_ms}, {}};
        return signed_by(node, made);
    }
    RegistryWithdrawal withdrawal(std::uint64_t node) {
        RegistryWithdrawal made{network("one"), CheapSigner(node).public_key(), now, {}};
        return signed_by(node, made);
    }
    // "ok", or what is wrong.
    std::string add(const RegistryEntry& one) { return text(table.add(now, one)); }
    std::string remove(const RegistryWithdrawal& one) {
        const auto removed = table.remove(now, one);
        return removed ? *removed ? "removed" : "was not there" : removed.error().message;
    }
    static std::string text(const Status& status) { return status.ok() ? "ok" : status.error().message; }
    std::vector<std::string> known(const char* of = "one", const char* to = "8.8.4.4") {
        std::vector<std::string> addresses;
        for (const RegistryEntry& one : table.sample(now, network(of), to, 100))
            addresses.push_back(one.address.host);
        std::sort(addresses.begin(), addresses.end());
        return addresses;
    }

    WallTime now{start_ms};
    CheapVerifier verifier;
    RegistryTable table{now, 1, verifier, {20, 3, 6, 4}};
};

TEST_F(RegistryTableTest, AnEntryStaysAnHourUnlessItIsRenewed) {
    EXPECT_EQ(add(entry(1, "8.8.8.1")), "ok");
    EXPECT_EQ(add(entry(2, "8.8.8.2")), "ok");
    now.ms += hour - 1;
    EXPECT_THAT(known(), ElementsAre("8.8.8.1", "8.8.8.2"));
    EXPECT_EQ(add(entry(2, "8.8.8.2")), "ok");
    now.ms += 1;
    EXPECT_THAT(known(), ElementsAre("8.8.8.2"));
    now.ms += hour - 1;
    EXPECT_THAT(known(), IsEmpty());
    EXPECT_EQ(add(entry(3, "8.8.8.3")), "ok");
    EXPECT_EQ(table.size(), 1U);  // expired ones make room
}

TEST_F(RegistryTableTest, ARenewalMovesTheNode) {
    EXPECT_EQ(add(entry(1, "8.8.8.1")), "ok");
    now.ms += second;
    EXPECT_EQ(add(entry(1, "9.9.9.9")), "ok");
    EXPECT_THAT(known(), ElementsAre("9.9.9.9"));
}

TEST_F(RegistryTableTest, AnEntrysTimesAreBounded) {
    EXPECT_THAT(add(entry(1, "8.8.8.1", hour + 1)), HasSubstr("expires: "));
    EXPECT_THAT(add(entry(1, "8.8.8.1", 0)), HasSubstr("expires: "));
    EXPECT_THAT(add(entry(1, "8.8.8.1", -1)), HasSubstr("expires: "));
    RegistryEntry made = entry(1, "8.8.8.1");
    now.ms += 60 * second + 1;
    EXPECT_THAT(add(made), HasSubstr("behind this registry's clock"));
    now.ms -= 2 * (60 * second + 1);
    EXPECT_THAT(add(made), HasSubstr("ahead of this registry's clock"));
    now.ms += 1;
    EXPECT_EQ(add(made), "ok");
    RegistryEntry huge = made;
    huge.time.ms = huge.expires.ms = std::int64_t{1} << 53;
    EXPECT_THAT(add(signed_by(1, huge)), HasSubstr("ahead"));
}

TEST_F(RegistryTableTest, WhatTheNodeDidNotSignIsRefused) {
    RegistryEntry forged = entry(1, "8.8.8.1");
    forged.node = CheapSigner(2).public_key();
    EXPECT_THAT(add(forged), HasSubstr("signature: "));
    EXPECT_EQ(add(entry(1, "8.8.8.1")), "ok");
    now.ms += second;
    RegistryWithdrawal other = withdrawal(2);
    other.node = CheapSigner(1).public_key();
    EXPECT_THAT(remove(other), HasSubstr("signature: "));
    EXPECT_THAT(known(), ElementsAre("8.8.8.1"));
}

TEST_F(RegistryTableTest, WhatWasSaidOnceCountsOnce) {
    const RegistryEntry first = entry(1, "8.8.8.1");
    EXPECT_EQ(add(first), "ok");
    EXPECT_THAT(add(first), HasSubstr("something later is known"));
    now.ms += second;
    const RegistryEntry renewed = entry(1, "8.8.8.1");
    const RegistryWithdrawal taken_back = withdrawal(1);  // of the same millisecond
    EXPECT_EQ(add(renewed), "ok");
    EXPECT_THAT(remove(taken_back), HasSubstr("something later is known"));
    now.ms += 1;
    EXPECT_EQ(remove(withdrawal(1)), "removed");
    EXPECT_THAT(known(), IsEmpty());
    // Neither registration brings it back, as long as they would pass otherwise and after that.
    for (int i = 0; i < 130; ++i) {
        EXPECT_NE(add(first), "ok") << i;
        EXPECT_NE(add(renewed), "ok") << i;
        now.ms += second;
    }
    const RegistryWithdrawal late = withdrawal(1);
    EXPECT_EQ(add(entry(1, "8.8.8.1")), "ok");
    EXPECT_THAT(remove(late), HasSubstr("something later is known"));
    EXPECT_THAT(known(), ElementsAre("8.8.8.1"));
}

TEST_F(RegistryTableTest, AClockThatIsAheadDoesNotMakeAReplayPass) {
    now.ms += 60 * second;
    const RegistryEntry ahead = entry(1, "8.8.8.1");
    now.ms += 1;
    const RegistryWithdrawal later = withdrawal(1);
    now.ms -= 60 * second;
    EXPECT_EQ(add(ahead), "ok");
    EXPECT_EQ(remove(later), "removed");
    for (int i = 0; i < 260; ++i) {
        EXPECT_NE(add(ahead), "ok") << i;
        now.ms += second / 2;
    }
}

TEST_F(RegistryTableTest, WhatWasSignedBeforeTheStartIsRefused) {
    now.ms -= 1;
    const RegistryEntry before = entry(1, "8.8.8.1");
    now.ms += second;
    EXPECT_THAT(add(before), HasSubstr("sign it anew"));
    EXPECT_EQ(add(entry(1, "8.8.8.1")), "ok");
}

TEST_F(RegistryTableTest, WithMoreWithdrawalsThanAreRememberedEverythingOlderIsRefused) {
    std::vector<RegistryEntry> entries;
    for (std::uint64_t node = 1; node <= 6; ++node) {
        entries.push_back(entry(node, "9." + std::to_string(node) + ".0.1"));
        EXPECT_EQ(add(entries.back()), "ok");
        now.ms += 1;
        EXPECT_EQ(remove(withdrawal(node)), "removed");
        now.ms += 1;
    }
    for (const RegistryEntry& one : entries)
        EXPECT_NE(add(one), "ok");
    EXPECT_EQ(remove(withdrawal(9)), "was not there");
    EXPECT_EQ(add(entry(9, "9.9.0.1")), "ok");
}

TEST_F(RegistryTableTest, NetworksAreKeptApart) {
    EXPECT_EQ(add(entry(1, "8.8.8.1", hour, "one")), "ok");
    EXPECT_EQ(add(entry(1, "8.8.8.2", hour, "two")), "ok");
    EXPECT_THAT(known("one"), ElementsAre("8.8.8.1"));
    EXPECT_THAT(known("two"), ElementsAre("8.8.8.2"));
    EXPECT_THAT(known("three"), IsEmpty());
    now.ms += 1;
    EXPECT_EQ(remove(withdrawal(1)), "removed");
    EXPECT_THAT(known("two"), ElementsAre("8.8.8.2"));
}

TEST_F(RegistryTableTest, AddressesAreToldAsInPeerExchange) {
    EXPECT_EQ(add(entry(1, "8.8.8.1")), "ok");
    EXPECT_EQ(add(entry(2, "10.0.0.1")), "ok");
    EXPECT_EQ(add(entry(3, "127.0.0.1")), "ok");
    EXPECT_THAT(known("one", "9.9.9.9"), ElementsAre("8.8.8.1"));
    EXPECT_THAT(known("one", "10.0.0.2"), ElementsAre("10.0.0.1", "8.8.8.1"));
    EXPECT_THAT(known("one", "127.0.0.1"), ElementsAre("10.0.0.1", "127.0.0.1", "8.8.8.1"));
}

TEST_F(RegistryTableTest, OneHostAndOneNetworkOfHostsFillAPart) {
    for (std::uint64_t node = 1; node <= 3; ++node)
        EXPECT_EQ(add(entry(node, "8.8.8.1")), "ok");
    EXPECT_THAT(add(entry(4, "8.8.8.1")), HasSubstr("3 nodes of one host"));
    for (std::uint64_t node = 5; node <= 7; ++node)
        EXPECT_EQ(add(entry(node, "8.8.8." + std::to_string(node))), "ok");
    EXPECT_THAT(add(entry(8, "8.8.9.1")), HasSubstr("6 nodes of one network of hosts"));
    now.ms += 1;
    EXPECT_EQ(add(entry(1, "8.8.8.1")), "ok");  // a renewal needs no place
    for (std::uint64_t node = 9; node <= 11; ++node)
        EXPECT_EQ(add(entry(node, "2001:db8::" + std::to_string(node))), "ok");
    EXPECT_THAT(add(entry(12, "2001:db8::5")), HasSubstr("3 nodes of one host"));  // a /64 is one
    for (std::uint64_t node = 20; node < 31; ++node)
        EXPECT_EQ(add(entry(node, "127.0.0.1")), "ok");  // loopback is exempt
}

TEST_F(RegistryTableTest, AFullTableTakesFromTheLargestNetworkOfHosts) {
    for (std::uint64_t group = 1; group <= 4; ++group)
        for (std::uint64_t node = 1; node <= 5; ++node) {
            EXPECT_EQ(add(entry(10 * group + node, std::to_string(group) + ".1.0." + std::to_string(node))),
                      "ok");
            now.ms += 1;
        }
    EXPECT_THAT(add(entry(99, "4.1.0.9")), HasSubstr("full"));
    EXPECT_EQ(add(entry(98, "5.1.0.1")), "ok");
    EXPECT_EQ(table.size(), 20U);
    // The eldest of a network of hosts with five made room for it.
    const auto left = known();
    EXPECT_EQ(
        std::count_if(left.begin(), left.end(), [](const auto& host) { return host.ends_with(".0.1"); }), 4);
    EXPECT_EQ(std::count(left.begin(), left.end(), "5.1.0.1"), 1);
}

TEST_F(RegistryTableTest, AnAnswerIsARandomPart) {
    for (std::uint64_t node = 20; node < 32; ++node)
        EXPECT_EQ(add(entry(node, std::to_string(node) + ".1.0.1")), "ok");
    std::set<std::string> told;
    for (int i = 0; i < 100; ++i) {
        const auto some = table.sample(now, network("one"), "8.8.8.8", 3);
        std::set<std::string> hosts;
        for (const RegistryEntry& one : some)
            hosts.insert(one.address.host);
        EXPECT_THAT(hosts, SizeIs(3));
        told.merge(hosts);
    }
    EXPECT_THAT(told, SizeIs(12));
}

TEST(SourceLimiter, EachHostHasItsOwnBucket) {
    SourceLimiter limiter({2, 1'000}, 3);
    MonoTime now;
    EXPECT_TRUE(limiter.take(now, "8.8.8.8"));
    EXPECT_TRUE(limiter.take(now, "8.8.8.8"));
    EXPECT_FALSE(limiter.take(now, "8.8.8.8"));
    EXPECT_TRUE(limiter.take(now, "9.9.9.9"));
    EXPECT_TRUE(limiter.take(now, "2001:db8::1"));
    EXPECT_TRUE(limiter.take(now, "2001:db8::2"));
    EXPECT_FALSE(limiter.take(now, "2001:db8::3"));  // one /64
    for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(limiter.take(now, "127.0.0.1"));
    EXPECT_FALSE(limiter.take(now + Duration::milliseconds(999), "8.8.8.8"));
    EXPECT_TRUE(limiter.take(now + Duration::seconds(1), "8.8.8.8"));
}

TEST(SourceLimiter, RemembersABoundedNumberOfHosts) {
    SourceLimiter limiter({1, 1'000}, 3);
    MonoTime now;
    for (int i = 1; i < 200; ++i) {
        EXPECT_TRUE(limiter.take(now, "9.9.9." + std::to_string(i)));
        now = now + Duration::milliseconds(1);
        EXPECT_FALSE(limiter.take(now, "9.9.9." + std::to_string(i)));
    }
    EXPECT_EQ(limiter.sources(), 3U);
}

}  // namespace
}  // namespace peerbook::p2p
