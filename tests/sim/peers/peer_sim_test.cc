// What the design promises of the default gossip, at sizes that take seconds. More sizes, and what other
// settings achieve, are in the table of p2p/README.md (scripts/gossip_table).
#include "tests/sim/peers/peer_sim.h"

#include <gtest/gtest.h>

#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p::sim {
namespace {

#ifdef PEERBOOK_SIM_FEW_SEEDS
constexpr std::size_t large = 150;
#else
constexpr std::size_t large = 500;
#endif

PeerSimPlan plan_of(std::size_t nodes, GossipPolicy policy = GossipPolicy::automatic) {
    PeerSimPlan plan;
    plan.nodes = nodes;
    plan.messages = 20;
    plan.gossip.policy = policy;
    return plan;
}

void expect_all(const PeerSimResult& result, std::uint64_t copies_milli_max) {
    EXPECT_GT(result.expected, 0U);
    EXPECT_EQ(result.pushed, result.expected);
    EXPECT_LE(result.copies_milli(), copies_milli_max);
}

TEST(PeerSim, ASmallNetworkGetsEachMessageOnceAndDirectly) {
    const PeerSimResult result = run_peers(plan_of(16));
    expect_all(result, 1'000);
    EXPECT_EQ(result.hops_max, 1U);
}

TEST(PeerSim, ALargeNetworkGetsEachMessageByATreeWithoutMoreCopies) {
    const PeerSimResult result = run_peers(plan_of(large));
    expect_all(result, 1'010);
    EXPECT_GE(result.neighbours_min, 6U);
    EXPECT_LE(result.time_max, Duration::milliseconds(2'000));
}

TEST(PeerSim, LossCostsTimeAndFewCopiesButNoDelivery) {
    PeerSimPlan plan = plan_of(large);
    plan.loss_ppm = 10'000;
    expect_all(run_peers(plan), 1'100);
    plan.loss_ppm = 50'000;
    expect_all(run_peers(plan), 1'300);
}

TEST(PeerSim, ChurnSilentAndMuteNodesDoNotKeepMessagesFromTheOthers) {
    PeerSimPlan plan = plan_of(large);
    plan.churn_ppm_a_minute = 200'000;
    expect_all(run_peers(plan), 1'300);
    plan.churn_ppm_a_minute = 0;
    plan.silent_ppm = 500'000;
    expect_all(run_peers(plan), 1'300);
    plan.mute_ppm = 200'000;
    expect_all(run_peers(plan), 1'300);
}

// The connections that PeerManagers make by themselves, with their address books, handshakes and exchange of
// addresses, when each is told of two others.
std::vector<std::pair<std::uint32_t, std::uint32_t>> connections_of_managers(std::uint8_t count,
                                                                             std::size_t peers_max) {
    PeerWorld world;
    std::map<PeerId, std::uint32_t> index;
    std::vector<PeerWorld::Node*> nodes;
    for (std::uint8_t i = 0; i < count; ++i) {
        PeerManagerOptions options = PeerWorld::options();
        options.peers_max = peers_max;
        nodes.push_back(
            &world.add(static_cast<std::uint8_t>(i + 1), options, "10." + std::to_string(i) + ".0.1"));
        index[nodes.back()->id()] = i;
        if (i > 0) world.configure(*nodes[i], *nodes[i / 2]);
        if (i > 1) world.configure(*nodes[i], *nodes[i - 1U]);
    }
    world.advance(Duration::seconds(60));
    std::vector<std::pair<std::uint32_t, std::uint32_t>> links;
    for (std::uint32_t i = 0; i < count; ++i)
        for (const PeerInfo& info : nodes[i]->manager->peers(world.now(*nodes[i])))
            if (info.outbound && info.state == "connected") links.push_back({i, index.at(info.id)});
    return links;
}

TEST(PeerSim, TheMeshThatPeerManagersMakeCarriesATree) {
    PeerSimPlan plan = plan_of(40);
    plan.links = connections_of_managers(40, 20);
    EXPECT_GT(plan.links.size(), 40U * 4);
    EXPECT_LT(plan.links.size(), 40U * 39 / 2);  // not all with all: there is something to relay
    expect_all(run_peers(plan), 1'010);
    plan.loss_ppm = 20'000;
    expect_all(run_peers(plan), 1'200);
}

TEST(PeerSim, AntiEntropyMakesEpidemicPushWhole) {
    PeerSimPlan plan = plan_of(large, GossipPolicy::epidemic);
    plan.gossip.fanout = 3;
    plan.gossip.interval = Duration::seconds(60);  // no rounds
    const PeerSimResult result = run_peers(plan);
    EXPECT_LT(result.pushed_ppm(), 950'000U);
    EXPECT_GT(result.pushed_ppm(), 200'000U);
    EXPECT_EQ(result.missing(), 0U);
}

TEST(PeerSim, ARunIsAFunctionOfItsSeed) {
    PeerSimPlan plan = plan_of(60);
    plan.loss_ppm = 20'000;
    plan.churn_ppm_a_minute = 200'000;
    const PeerSimResult first = run_peers(plan), again = run_peers(plan);
    EXPECT_EQ(first.trace, again.trace);
    EXPECT_EQ(first.events, again.events);
    plan.seed = 2;
    EXPECT_NE(run_peers(plan).trace, first.trace);
}

}  // namespace
}  // namespace peerbook::p2p::sim
