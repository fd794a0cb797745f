// Members that are not all connected to each other: whole nodes, and gossip between them.
#include <gtest/gtest.h>

#include "app/node/gossip_gate.h"
#include "tests/unit/node/node_world.h"

namespace peerbook::app::testing {
namespace {

NodeOptions quick_views() {
    NodeOptions options;
    options.views.suspect_after = Duration::seconds(1);
    return options;
}

std::uint64_t view_of(NodeWorld& world, std::size_t node) {
    return world.node(node).ledger().view().number;
}
StatusAnswer status(NodeWorld& world, std::size_t node) {
    return world.ask_for<StatusAnswer>(node, StatusQuery{});
}
Ticket pay(NodeWorld& world, std::size_t node, const std::string& account, std::int64_t amount,
           Grade grade = Grade::provisional) {
    return world.submit(node, {NodeWorld::faucet(account, 1, amount)}, grade);
}

TEST(NodeGossip, TwoEndsOfALineSettleAndSuspectNobody) {
    NodeWorld world(3, 3, quick_views());
    world.cut(0, 2);
    std::vector<Ticket> tickets;
    for (int i = 0; i < 40; ++i) {
        tickets.push_back(pay(world, i % 2 == 0 ? 0 : 2, "account-" + std::to_string(i), 5, Grade::settled));
        world.run_for(Duration::milliseconds(100));
    }
    world.run_for(Duration::seconds(5));  // and idle
    for (const Ticket ticket : tickets)
        ASSERT_TRUE(world.answered(ticket) && world.submit_answer(ticket).ok());
    for (std::size_t node = 0; node < 3; ++node) {
        EXPECT_EQ(view_of(world, node), 1U);
        EXPECT_EQ(status(world, node).members_suspected, 0U);
    }
    EXPECT_EQ(world.nodes_apart(0), 1U);
    EXPECT_EQ(world.nodes_apart(1), 0U);
    world.expect_equal_digests();
    EXPECT_TRUE(world.violations().empty());
}

TEST(NodeGossip, WithoutTheOneBetweenNobodyIsApartAnyMore) {
    NodeWorld world(3, 3, quick_views());
    world.cut(0, 2);
    world.run_for(Duration::seconds(2));
    ASSERT_EQ(world.nodes_apart(0), 1U);
    world.cut(0, 1);
    world.run_for(Duration::seconds(3));
    EXPECT_EQ(world.nodes_apart(0), 0U);
    for (std::size_t node : {1U, 2U})
        EXPECT_EQ(world.node(node).ledger().view().members.size(), 2U);
    EXPECT_EQ(view_of(world, 0), 1U) << "alone it decides nothing";
    world.heal(0, 1);
    world.run_for(Duration::seconds(8));
    for (std::size_t node = 0; node < 3; ++node)
        EXPECT_EQ(world.node(node).ledger().view().members.size(), 3U) << node;
}

TEST(NodeGossip, FourInALineLeaveOutOneThatIsGoneAndLetItInAgain) {
    NodeWorld world(4, 4, quick_views());
    for (const auto& [a, b] : {std::pair(0, 2), std::pair(0, 3), std::pair(1, 3)})
        world.cut(static_cast<std::size_t>(a), static_cast<std::size_t>(b));
    world.run_for(Duration::seconds(4));
    for (std::size_t node = 0; node < 4; ++node)
        EXPECT_EQ(view_of(world, node), 1U) << node;
    world.cut(2, 3);
    world.run_for(Duration::seconds(4));
    for (std::size_t node = 0; node < 3; ++node)
        EXPECT_EQ(world.node(node).ledger().view().members.size(), 3U) << node;
    const Ticket ticket = pay(world, 0, "alice", 5, Grade::settled);
    world.run_for(Duration::seconds(1));
    EXPECT_TRUE(world.answered(ticket));
    world.heal(2, 3);
    world.run_for(Duration::seconds(10));
    for (std::size_t node = 0; node < 4; ++node)
        EXPECT_EQ(world.node(node).ledger().view().members.size(), 4U) << node;
    world.expect_equal_digests();
}

// Four members need three to know how far a restarted one's chain goes, and it hears one of them.
TEST(NodeGossip, ARestartedEndOfALineHearsFromThoseBehindTheNextHowFarItsChainGoes) {
    NodeWorld world(4, 4, {});  // nobody is ever suspected
    for (const auto& [a, b] : {std::pair(0, 2), std::pair(0, 3), std::pair(1, 3)})
        world.cut(static_cast<std::size_t>(a), static_cast<std::size_t>(b));
    (void)pay(world, 3, "before", 5);
    world.run_for(Duration::seconds(6));
    world.crash_and_restart(3);
    world.run_for(Duration::seconds(6));
    const Ticket ticket = pay(world, 3, "after", 5, Grade::settled);
    world.run_for(Duration::seconds(2));
    ASSERT_TRUE(world.answered(ticket));
    EXPECT_TRUE(world.submit_answer(ticket).ok());
    EXPECT_TRUE(world.retired_keys().empty());
}

TEST(NodeGossip, WhereAllAreConnectedNothingIsPassedOn) {
    NodeWorld world(3, 3, quick_views());
    (void)pay(world, 0, "alice", 5);
    world.run_for(Duration::seconds(3));
    for (std::size_t node = 0; node < 3; ++node) {
        EXPECT_EQ(world.passed_on(node), 0U);
        EXPECT_EQ(world.last_published(node, MessageKind::sign_of_life).size(), 0U);
    }
}

TEST(NodeGossip, ABlockInNewEnvelopesIsPassedOnOnce) {
    NodeWorld world(3, 3, quick_views());
    world.cut(0, 2);
    world.run_for(Duration::seconds(1));
    (void)pay(world, 0, "alice", 5);
    world.run_for(Duration::milliseconds(300));
    const SharedBytes block = world.last_published(0, MessageKind::block);
    const std::uint64_t before = world.passed_on(1);
    for (int i = 0; i < 10; ++i)
        world.deliver_gossip(1, 0, MessageKind::block, block);
    EXPECT_EQ(world.passed_on(1), before);
    EXPECT_TRUE(world.violations().empty()) << "it may have come two ways";
}

TEST(NodeGossip, AnOldSignOfLifeIsNeitherPassedOnNorBelieved) {
    NodeWorld world(3, 3, quick_views());
    world.cut(0, 2);
    world.run_for(Duration::seconds(1));
    const SharedBytes old = world.last_published(2, MessageKind::sign_of_life);
    ASSERT_GT(old.size(), 0U);
    world.run_for(Duration::seconds(1));
    const std::uint64_t before = world.passed_on(1);
    world.deliver_gossip(1, 2, MessageKind::sign_of_life, old);
    EXPECT_EQ(world.passed_on(1), before);
    // The one that it is of is gone; what somebody kept of it does not make it live.
    world.cut(1, 2);
    for (int i = 0; i < 30; ++i) {
        world.deliver_gossip(0, 1, MessageKind::sign_of_life, old);
        world.run_for(Duration::milliseconds(100));
    }
    EXPECT_EQ(world.node(0).ledger().view().members.size(), 2U);
}

// --- the gate alone ---

exchange::ViewMessage message_of(std::uint8_t number,
                                 exchange::ViewMessageKind kind = exchange::ViewMessageKind::prepare) {
    exchange::ViewMessage message;
    message.kind = kind;
    message.signature.data[0] = number;
    return message;
}

TEST(GossipGate, TheSameViewMessagePassesAgainAfterAPause) {
    GossipGate gate;
    const MonoTime start{1'000'000'000};
    EXPECT_TRUE(gate.passes(message_of(1), start));
    EXPECT_FALSE(gate.passes(message_of(1), start + Duration::milliseconds(249)));
    EXPECT_TRUE(gate.passes(message_of(2), start + Duration::milliseconds(249)));
    EXPECT_TRUE(gate.passes(message_of(1), start + Duration::milliseconds(250)));
}

TEST(GossipGate, StrangersThatAskToJoinAreLimitedTogether) {
    GossipGate gate;
    const MonoTime start{5'000'000'000};
    std::size_t passed = 0;
    for (int i = 0; i < 200; ++i)
        passed +=
            gate.passes(message_of(static_cast<std::uint8_t>(i), exchange::ViewMessageKind::join), start);
    EXPECT_EQ(passed, GossipGate::joins_per_second);
    EXPECT_TRUE(gate.passes(message_of(201, exchange::ViewMessageKind::prepare), start));
    EXPECT_TRUE(gate.passes(message_of(202, exchange::ViewMessageKind::join), start + Duration::seconds(1)));
}

TEST(GossipGate, SignsOfLifeAreNewerEachTimeAndOfNow) {
    GossipGate gate;
    PublicKey member;
    const Now now{{1'000'000'000}, {1'000'000}};
    EXPECT_FALSE(gate.is_news(member, {1'000'000 - 60'001}, now));
    EXPECT_FALSE(gate.is_news(member, {1'000'000 + 30'001}, now));
    EXPECT_TRUE(gate.is_news(member, {999'000}, now));
    EXPECT_FALSE(gate.is_news(member, {999'000}, now));
    EXPECT_TRUE(gate.is_news(member, {999'001}, now));
}

TEST(GossipGate, BlocksThatWaitAreBoundedAndAnsweredInTheEnd) {
    GossipGate gate;
    Effects effects;
    const auto number = [](std::size_t i) {
        Digest digest;
        digest.data[0] = static_cast<std::uint8_t>(i >> 8);
        digest.data[1] = static_cast<std::uint8_t>(i);
        return digest;
    };
    GossipId id;
    for (std::size_t i = 0; i < GossipGate::waiting_max + 10; ++i) {
        id.data[0] = static_cast<std::uint8_t>(i);
        gate.wait(number(i), id, effects);
    }
    EXPECT_EQ(effects.gossip_answers.size(), 10U);
    EXPECT_FALSE(gate.take(number(0)));
    EXPECT_TRUE(gate.take(number(10)));
    EXPECT_FALSE(gate.take(number(10)));
    gate.begin(effects);
    EXPECT_EQ(effects.gossip_answers.size(), GossipGate::waiting_max + 10 - 1);
}

TEST(SignOfLife, IsReadBackAndRefusedWhereAnythingIsOff) {
    NodeWorld world(3, 3, quick_views());
    world.cut(0, 2);
    world.run_for(Duration::seconds(1));
    const SharedBytes sign = world.last_published(0, MessageKind::sign_of_life);
    const exchange::View& view = world.node(0).ledger().view();
    const Digest network = world.node(0).rules()->network;
    const Ed25519Verifier verifier;
    const auto read = verify_sign_of_life(sign.view(), view, network, verifier);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(read->sender, world.key(0));
    ASSERT_EQ(read->heard.size(), 1U);
    EXPECT_EQ(read->heard[0].member.value(), 2U);
    const ByteView bytes = sign.view();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        Bytes damaged(bytes.begin(), bytes.end());
        damaged[i] ^= 1;
        EXPECT_FALSE(verify_sign_of_life(damaged, view, network, verifier).ok()) << "byte " << i;
        EXPECT_FALSE(verify_sign_of_life(bytes.first(i), view, network, verifier).ok()) << "cut at " << i;
    }
    Bytes longer(bytes.begin(), bytes.end());
    longer.push_back(0);
    EXPECT_FALSE(verify_sign_of_life(longer, view, network, verifier).ok());
    Digest other = network;
    other.data[0] ^= 1;
    EXPECT_EQ(verify_sign_of_life(bytes, view, other, verifier).error().code, ErrorCode::conflict);
}

}  // namespace
}  // namespace peerbook::app::testing
