// Fifty nodes, production PeerManagers on simulated wires, one address to begin with.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>

#include "base/random.h"
#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p::sim {
namespace {

constexpr std::size_t nodes_count = 50, peers_wanted = 8;
constexpr std::int64_t seconds_max = 30;

struct Network {
    PeerWorld world;
    std::vector<PeerWorld::Node*> nodes;

    // A host each, of as many networks: buckets of the address book then treat them as strangers to each
    // other.
    Network() {
        for (std::size_t i = 0; i < nodes_count; ++i)
            nodes.push_back(&world.add(static_cast<std::uint8_t>(i + 1), PeerWorld::options(),
                                       "10." + std::to_string(i + 1) + ".0.1"));
        for (PeerWorld::Node* node : nodes)
            if (node != nodes.front()) world.configure(*node, *nodes.front());
    }

    std::size_t fewest_peers() const {
        std::size_t fewest = nodes_count;
        for (const PeerWorld::Node* node : nodes)
            fewest = std::min(fewest, node->manager->connected_count());
        return fewest;
    }

    std::size_t reached_from_the_first() const {
        std::set<const PeerWorld::Node*> reached{nodes.front()};
        std::deque<const PeerWorld::Node*> open{nodes.front()};
        while (!open.empty()) {
            const PeerWorld::Node* node = open.front();
            open.pop_front();
            for (const PeerWorld::Node* other : nodes)
                if (node->manager->connected(other->id()) && reached.insert(other).second)
                    open.push_back(other);
        }
        return reached.size();
    }

    // Seconds until everyone has enough peers and all are one network.
    std::int64_t seconds_to_meet() {
        for (std::int64_t second = 1; second <= seconds_max; ++second) {
            world.advance(s(1));
            if (fewest_peers() >= peers_wanted && reached_from_the_first() == nodes_count) return second;
        }
        return seconds_max + 1;
    }
};

TEST(Discovery, FiftyNodesMeetFromOneAddress) {
    Network network;
    const std::int64_t seconds = network.seconds_to_meet();
    EXPECT_LE(seconds, seconds_max) << "fewest peers " << network.fewest_peers() << ", reached "
                                    << network.reached_from_the_first();
    RecordProperty("virtual_seconds", static_cast<int>(seconds));
    std::printf("50 nodes, one address: all have 8 peers after %lld s of virtual time\n",
                static_cast<long long>(seconds));
}

TEST(Discovery, FiftyNodesMeetThoughAFifthOfTheirAddressesIsDead) {
    Network network;
    Random random(1);
    // Each knows twenty from an earlier run, four of which say nothing any more.
    for (std::size_t i = 0; i < nodes_count; ++i) {
        PeersFile file;
        const auto remember = [&](const PeerAddress& address, const PeerId& id) {
            file.peers.push_back({address, id, network.world.now(*network.nodes[i]).wall, true, false});
        };
        std::set<std::size_t> chosen{i};
        while (chosen.size() < 17) {
            const std::size_t other = random.below(nodes_count);
            if (chosen.insert(other).second)
                remember(network.nodes[other]->address(), network.nodes[other]->id());
        }
        for (int dead = 0; dead < 4; ++dead) {
            const std::size_t number = random.below(20);
            const PeerAddress address{"10." + std::to_string(200 + number) + ".0.1", 3000};
            network.world.black_hole(address.host);
            remember(address,
                     make_ed25519_signer(seed_of(static_cast<std::uint8_t>(200 + number)))->public_key());
        }
        PeerWorld::Node& node = *network.nodes[i];
        ASSERT_TRUE(node.manager->load_peers_json(network.world.now(node), write_peers_file(file)).ok());
    }
    const std::int64_t seconds = network.seconds_to_meet();
    EXPECT_LE(seconds, seconds_max) << "fewest peers " << network.fewest_peers() << ", reached "
                                    << network.reached_from_the_first();
    std::size_t dead_dials = 0;
    for (const PeerWorld::Node* node : network.nodes)
        dead_dials += static_cast<std::size_t>(
            std::count_if(node->dials.begin(), node->dials.end(), [](const PeerAddress& address) {
                return address.host.starts_with("10.2") && address.host.size() >= 10;
            }));
    EXPECT_GT(dead_dials, 0U);
    std::printf(
        "50 nodes, 20 %% of persisted addresses dead: all have 8 peers after %lld s, %zu dials of the dead\n",
        static_cast<long long>(seconds), dead_dials);
}

}  // namespace
}  // namespace peerbook::p2p::sim
