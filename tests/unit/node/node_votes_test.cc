// Votes for settled states and the grade attested: rule 17.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/node/node_world.h"

namespace peerbook::app::testing {
namespace {

using exchange::Side;

struct VotesOf : ::testing::Test {
    StatusAnswer status(NodeWorld& world, std::size_t node) {
        return world.ask_for<StatusAnswer>(node, StatusQuery{});
    }
    void trade(NodeWorld& world, std::size_t maker, std::size_t taker, std::int64_t quantity = 2) {
        world.submit(maker, {NodeWorld::faucet("maker", 0, 100),
                             NodeWorld::limit("maker", Side::sell, 100, quantity)});
        world.run();
        world.submit(taker, {NodeWorld::faucet("taker", 1, 100'000),
                             NodeWorld::limit("taker", Side::buy, 100, quantity)});
    }
    std::vector<Grade> grades(NodeWorld& world, std::size_t node) {
        std::vector<Grade> grades;
        for (const TradeView& trade : world.ask_for<TradesAnswer>(node, TradesQuery{}).trades)
            grades.push_back(trade.grade);
        return grades;
    }
    std::size_t blocks_of(NodeWorld& world, std::size_t node) {
        const auto& seqs = world.node(node).ledger().version_vector();
        std::size_t blocks = 0;
        for (std::uint64_t seq : seqs)
            blocks += seq;
        return blocks;
    }
};

TEST_F(VotesOf, ATradeIsAttestedAfterItIsSettledAndThenTheNetworkIsSilent) {
    for (const std::size_t members : {1u, 2u, 3u, 4u, 5u, 7u}) {
        NodeWorld world(members + 1, members);  // and an observer
        trade(world, 0, members - 1);
        world.run(Duration::milliseconds(100), Duration::milliseconds(100));
        for (std::size_t node = 0; node <= members; ++node)
            EXPECT_EQ(grades(world, node), std::vector{Grade::settled}) << members << ", node " << node;
        world.run(Duration::seconds(5), Duration::milliseconds(400));
        for (std::size_t node = 0; node <= members; ++node) {
            EXPECT_EQ(grades(world, node), std::vector{Grade::attested}) << members << ", node " << node;
            EXPECT_EQ(status(world, node).alarm, "");
            EXPECT_GT(status(world, node).attested_commits, 0u);
            EXPECT_LE(status(world, node).attested_commits, status(world, node).settled_commits);
        }
        const std::size_t blocks = blocks_of(world, 0);
        world.run_for(Duration::seconds(20));
        EXPECT_EQ(blocks_of(world, 0), blocks) << members << " members do not fall silent";
        world.expect_equal_digests();
    }
}

TEST_F(VotesOf, ARequestThatWaitsToBeAttestedIsAnsweredThenAndTheOrderSaysSo) {
    for (const std::size_t members : {1u, 3u}) {
        NodeWorld world(members, members);
        world.submit(0, {NodeWorld::faucet("maker", 0, 100)});  // the first commit is a checkpoint
        world.run(Duration::seconds(5), Duration::milliseconds(400));
        SubmitRequest request;
        request.intents = {NodeWorld::faucet("maker", 0, 100), NodeWorld::limit("maker", Side::sell, 100, 2)};
        request.wait_for = Grade::settled;
        const Ticket settled = world.submit(0, request);
        request.wait_for = Grade::attested;
        const Ticket attested = world.submit(0, request);
        world.run(Duration::milliseconds(100), Duration::milliseconds(100));
        ASSERT_TRUE(world.answered(settled));
        EXPECT_FALSE(world.answered(attested));
        const OrderQuery order{world.submit_answer(settled)->results[1].order};
        EXPECT_EQ(world.ask_for<OrderAnswer>(0, order).grade, Grade::settled);
        world.run(Duration::seconds(5), Duration::milliseconds(400));
        ASSERT_TRUE(world.answered(attested)) << members;
        EXPECT_EQ(world.submit_answer(attested)->grade, Grade::attested);
        EXPECT_EQ(world.submit_answer(attested)->results[1].status, CommandStatus::resting);
        EXPECT_EQ(world.ask_for<OrderAnswer>(0, order).grade, Grade::attested);
        // Another commit changes it: until that is attested, the order is not.
        world.submit(0, {NodeWorld::faucet("taker", 1, 1'000), NodeWorld::limit("taker", Side::buy, 100, 1)});
        world.run(Duration::milliseconds(100), Duration::milliseconds(100));
        EXPECT_EQ(world.ask_for<OrderAnswer>(0, order).grade, Grade::settled);
        EXPECT_EQ(world.ask_for<OrderAnswer>(members - 1, order).grade, Grade::settled);
        world.run(Duration::seconds(5), Duration::milliseconds(400));
        EXPECT_EQ(world.ask_for<OrderAnswer>(0, order).grade, Grade::attested);
        EXPECT_EQ(world.ask_for<OrderAnswer>(members - 1, order).grade, Grade::attested);
    }
}

TEST_F(VotesOf, WhoWaitsForVotesInVainIsToldThatItIsSettled) {
    NodeWorld world(4, 4);
    world.forget_roots(3);
    SubmitRequest request;
    request.intents = {NodeWorld::faucet("maker", 0, 100), NodeWorld::limit("maker", Side::sell, 100, 2)};
    request.wait_for = Grade::attested;
    const Ticket ticket = world.submit(0, request);
    world.run_for(Duration::seconds(60));
    ASSERT_TRUE(world.answered(ticket));
    ASSERT_FALSE(world.submit_answer(ticket).ok());
    EXPECT_EQ(world.submit_answer(ticket).error().code, ErrorCode::timed_out);
    EXPECT_NE(world.submit_answer(ticket).error().message.find("settled, but not attested"),
              std::string::npos);
}

TEST_F(VotesOf, AnOrderOfWhatIsNotSettledIsProvisional) {
    NodeWorld world(3, 3);
    world.run();
    world.cut(0, 1);
    world.cut(0, 2);
    const Ticket ticket =
        world.submit(0, {NodeWorld::faucet("maker", 0, 100), NodeWorld::limit("maker", Side::sell, 100, 2)});
    world.run(Duration::milliseconds(100), Duration::milliseconds(100));
    ASSERT_TRUE(world.answered(ticket));
    EXPECT_EQ(world.ask_for<OrderAnswer>(0, OrderQuery{world.submit_answer(ticket)->results[1].order}).grade,
              Grade::provisional);
}

TEST_F(VotesOf, WithoutEnoughMembersATradeStaysSettled) {
    NodeWorld world(4, 4);
    trade(world, 0, 1);
    world.run(Duration::seconds(5), Duration::milliseconds(400));
    const std::uint64_t before = status(world, 0).attested_commits;
    ASSERT_GT(before, 0u);
    // Of four all are needed. The fourth still acknowledges, so things settle; it never votes.
    EXPECT_EQ(status(world, 0).votes_needed, 4u);
    world.forget_roots(3);
    trade(world, 1, 0);
    world.run(Duration::seconds(5), Duration::milliseconds(400));
    EXPECT_EQ(status(world, 0).attested_commits, before);
    EXPECT_EQ(grades(world, 0), (std::vector{Grade::attested, Grade::settled}));
}

TEST_F(VotesOf, ARestartedMemberStillKnowsWhatIsAttested) {
    NodeWorld world(3, 3);
    trade(world, 0, 2);
    world.run(Duration::seconds(5), Duration::milliseconds(400));
    const StatusAnswer before = status(world, 1);
    ASSERT_GT(before.attested_commits, 0u);
    world.crash_and_restart(1);
    EXPECT_EQ(status(world, 1).attested_commits, before.attested_commits);
    EXPECT_EQ(grades(world, 1), std::vector{Grade::attested});
    const std::size_t blocks = blocks_of(world, 1);
    world.run(Duration::seconds(5), Duration::milliseconds(400));
    EXPECT_EQ(blocks_of(world, 1), blocks) << "it votes again for what is attested";
}

TEST_F(VotesOf, VotesUnderLoadRideOnOtherBlocks) {
    NodeWorld world(3, 3);
    world.submit(0, {NodeWorld::faucet("maker", 0, 1'000'000)});
    for (int i = 0; i < 400; ++i) {
        world.submit(static_cast<std::size_t>(i % 3),
                     {NodeWorld::faucet("user", 1, 5), NodeWorld::limit("user", Side::buy, 1, 1)});
        world.run_for(Duration::milliseconds(5));
    }
    const StatusAnswer now = status(world, 1);
    EXPECT_GT(now.attested_commits, 256u);
    EXPECT_GT(now.settled_commits, now.attested_commits);
    EXPECT_EQ(now.alarm, "");
}

TEST_F(VotesOf, AMemberWhoseStateIsWrongIsNamedAndTheOthersGoOn) {
    NodeWorld world(3, 3);
    world.falsify_roots(2);
    trade(world, 0, 1);
    world.run(Duration::seconds(5), Duration::milliseconds(400));
    const StatusAnswer good = status(world, 0);
    EXPECT_NE(good.alarm.find("member " + to_hex(world.key(2)) + " signed another state"), std::string::npos)
        << good.alarm;
    EXPECT_EQ(good.member_list[1].disagrees_at, 0u);
    EXPECT_GT(good.attested_commits, 0u);  // two of three are enough
    EXPECT_TRUE(good.ready) << good.says;
}

TEST_F(VotesOf, ANodeWhoseStateIsNotThatOfMostMembersStopsTrading) {
    NodeOptions options;
    options.views.suspect_after = Duration::seconds(10);
    NodeWorld world(3, 3, options);
    world.falsify_roots(2);
    trade(world, 0, 1);
    world.run_for(Duration::seconds(3));
    const StatusAnswer bad = status(world, 2);
    EXPECT_FALSE(bad.ready);
    EXPECT_NE(bad.says.find("stopped trading: most members signed another state"), std::string::npos)
        << bad.says;
    const Ticket refused = world.submit(2, {NodeWorld::faucet("late", 0, 1)});
    ASSERT_TRUE(world.answered(refused));
    EXPECT_EQ(world.submit_answer(refused).error().code, ErrorCode::unavailable);
    // It makes no blocks, so it lets the others go on without it, and does not come back.
    EXPECT_EQ(status(world, 0).members, 2u);
    EXPECT_EQ(status(world, 2).role, "observer");
    const Ticket taken = world.submit(0, {NodeWorld::faucet("maker", 0, 1)}, Grade::settled);
    world.run_for(Duration::seconds(1));
    EXPECT_TRUE(world.submit_answer(taken).ok());
}

// What only members that sign twice, or damage, bring about: here the others signed it.
TEST_F(VotesOf, ANodeThatSettledAnotherLogThanTheNextViewBeginsBehindSaysSoAndStops) {
    NodeOptions options;
    options.views.suspect_after = Duration::seconds(4);
    NodeWorld world(3, 3, options);
    trade(world, 0, 1);
    world.run_for(Duration::seconds(1));
    const exchange::OpenLedger& ledger = world.node(0).ledger();
    exchange::Decision decision;
    exchange::View& next = decision.next;
    next.ledger = ledger.view().ledger;
    next.number = 2;
    next.previous = ledger.view_digest();
    next.members = ledger.view().members;
    const exchange::ChainTips tips = ledger.tips();
    for (std::size_t i = 0; i < tips.size(); ++i)
        next.cut.push_back({next.members[i], tips[i].seq, tips[i].digest});
    const auto end = ledger.log_end(tips);
    next.base_round = end.round;
    next.log_length = end.length;
    next.prefix_hash = end.hash;
    next.prefix_hash.data[0] ^= 1;
    decision.ballot = {1, exchange::MemberIndex(1)};
    for (std::uint32_t i : {1u, 2u}) {
        exchange::ViewMessage vote;
        vote.kind = exchange::ViewMessageKind::accepted;
        vote.sender = world.key(i);
        vote.view = next.previous;
        vote.ballot = decision.ballot;
        vote.value = exchange::digest_of(next);
        (void)exchange::sign_view_message(vote, ledger.engine().rules().network, next.ledger,
                                          world.signer(i));
        decision.votes.push_back({exchange::MemberIndex(i), vote.signature});
    }
    world.node(0).on_decision(world.key(1), decision, world.now());
    world.run_for(Duration::seconds(2));
    const StatusAnswer stopped = status(world, 0);
    EXPECT_FALSE(stopped.ready);
    EXPECT_NE(stopped.says.find("stopped trading: view 2 was decided and cannot be installed"),
              std::string::npos)
        << stopped.says;
    EXPECT_EQ(stopped.alarm.find("view 2 was decided"), 0u);
    EXPECT_FALSE(world.submit_answer(world.submit(0, {NodeWorld::faucet("late", 0, 1)})).ok());
    // It is silent from then on, so the others go on without it.
    world.run_for(Duration::seconds(10));
    EXPECT_EQ(status(world, 1).members, 2u);
    const Ticket taken = world.submit(1, {NodeWorld::faucet("maker", 0, 1)}, Grade::settled);
    world.run_for(Duration::seconds(1));
    EXPECT_TRUE(world.submit_answer(taken).ok());
}

}  // namespace
}  // namespace peerbook::app::testing
