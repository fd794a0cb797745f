// What nodes tell each other of addresses, and what they keep to themselves.
#include <gtest/gtest.h>

#include <algorithm>

#include "p2p/wire/message.h"
#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

PeerManagerOptions few_peers(std::size_t peers_max) {
    PeerManagerOptions options = PeerWorld::options();
    options.peers_max = peers_max;
    return options;
}

// A node whose book has `count` addresses that may be shared.
PeerWorld::Node& knowing(PeerWorld& world, std::uint8_t number, int count) {
    auto& node = world.add(number);
    PeersFile file;
    for (int i = 0; i < count; ++i)
        file.peers.push_back({{"10.1." + std::to_string(i) + ".1", 3000},
                              make_ed25519_signer(seed_of(static_cast<std::uint8_t>(100 + i)))->public_key(),
                              world.now(node).wall,
                              true,
                              false});
    EXPECT_TRUE(node.manager->load_peers_json(world.now(node), write_peers_file(file)).ok());
    for (const PeersFile::Peer& peer : file.peers)
        world.black_hole(peer.address.host);
    return node;
}

std::uint64_t told(const PeerWorld::Node& node) {
    const auto ways = node.manager->found_by_way();
    const auto way = ways.find(found_by::peer_exchange);
    return way == ways.end() ? 0 : way->second.addresses;
}

TEST(PeerExchange, APeerGetsAQuarterOfTheBookOrEight) {
    for (const int known : {5, 20, 60}) {
        PeerWorld world;
        auto &a = knowing(world, 1, known), &b = world.add(2, silent_options());
        world.configure(b, a);
        world.advance(s(2));
        ASSERT_TRUE(meet(a, b));
        // Of sixty some fall on one place in their bucket.
        const std::size_t kept = a.manager->known_addresses();
        EXPECT_GT(kept, known * 9U / 10);
        const std::size_t expected = std::min(kept, std::max<std::size_t>(8, kept * 23 / 100));
        // And some of those that b is told have no place in its book.
        EXPECT_LE(told(b), expected) << known;
        EXPECT_GE(told(b) + 2, expected) << known;
    }
}

TEST(PeerExchange, ReconnectingDoesNotGetMoreThanTwentyAddressesInFiveMinutes) {
    PeerWorld world;
    auto &a = knowing(world, 1, 60), &b = world.add(2, silent_options());
    world.configure(b, a);
    for (int times = 0; times < 8; ++times) {
        world.advance(s(5));
        world.sever(b);
    }
    EXPECT_GE(b.connected, 5);
    EXPECT_GT(told(b), 13U);
    EXPECT_LE(told(b), 20U);
    const std::uint64_t before = told(b);
    world.advance(s(310));
    EXPECT_GT(told(b), before);
    EXPECT_LE(told(b), 40U);
}

TEST(PeerExchange, AFullNodeSendsWhoeverItRefusesToOthers) {
    PeerWorld world;
    PeerManagerOptions full = few_peers(2);
    full.outbound_reserved = 0;
    auto& a = world.add(1, full);
    std::vector<PeerWorld::Node*> others;
    for (std::uint8_t number = 2; number <= 5; ++number) {
        others.push_back(&world.add(number));
        world.configure(*others.back(), a);
        world.advance(s(1));
    }
    world.advance(s(10));
    EXPECT_EQ(a.manager->connected_count(), 2U);
    EXPECT_TRUE(others[2]->noted("enough peers"));
    for (const PeerWorld::Node* node : others)
        EXPECT_GE(node->manager->connected_count(), 1U) << node->host;
    EXPECT_TRUE(meet(*others[2], *others[0]) || meet(*others[2], *others[1]));
}

TEST(PeerExchange, WhoFallsSilentIsNotSharedAnyMore) {
    PeerWorld world;
    auto &a = world.add(1), &open = world.add(2);
    world.configure(a, open);
    world.configure(open, a);
    world.advance(s(2));
    ASSERT_TRUE(meet(a, open));
    // The same key comes back elsewhere, and does not want to be known.
    world.remove(open);
    auto& silent = world.add(2, silent_options(), "10.0.0.77");
    world.configure(silent, a);
    world.advance(s(5));
    ASSERT_TRUE(meet(a, silent));
    auto& asks = world.add(3, silent_options());
    world.configure(asks, a);
    world.advance(s(320));
    ASSERT_TRUE(meet(a, asks));
    EXPECT_EQ(asks.manager->connected_count(), 1U);
    EXPECT_EQ(told(asks), 0U);
}

TEST(PeerExchange, ASilentNodeThatAStrategyFoundIsNotPassedOn) {
    PeerWorld world;
    auto &a = world.add(1), &silent = world.add(2, silent_options()), &asks = world.add(3);
    a.manager->add_discovered(world.now(a), "dht", silent.address());
    world.configure(asks, a);
    world.advance(s(320));
    ASSERT_TRUE(meet(a, silent));
    ASSERT_TRUE(meet(a, asks));
    EXPECT_EQ(told(asks), 0U);
}

TEST(PeerExchange, WhatAStrategyFoundIsPassedOnOnlyOnceItAnswered) {
    PeerWorld world;
    auto &a = world.add(1), &asks = world.add(3, silent_options());
    for (int i = 0; i < 20; ++i) {
        const PeerAddress address{"10.2." + std::to_string(i) + ".1", 3000};
        world.black_hole(address.host);
        a.manager->add_discovered(world.now(a), "dht", address);
    }
    world.configure(asks, a);
    world.advance(s(320));
    ASSERT_TRUE(meet(a, asks));
    EXPECT_EQ(told(asks), 0U);
}

}  // namespace
}  // namespace peerbook::p2p
