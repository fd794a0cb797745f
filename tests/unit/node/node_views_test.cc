// Members that go away and come back: whole nodes over successive views.
#include <gtest/gtest.h>

#include "tests/unit/node/storm.h"

namespace peerbook::app::testing {
namespace {

NodeOptions quick_views() {
    NodeOptions options;
    options.views.suspect_after = Duration::seconds(1);
    return options;
}

class NodeViews : public ::testing::Test {
  protected:
    static std::uint64_t view_of(NodeWorld& world, std::size_t node) {
        return world.node(node).ledger().view().number;
    }
    static std::size_t members_of(NodeWorld& world, std::size_t node) {
        return world.node(node).ledger().view().members.size();
    }
    static StatusAnswer status(NodeWorld& world, std::size_t node) {
        return world.ask_for<StatusAnswer>(node, StatusQuery{});
    }
    static void isolate(NodeWorld& world, std::size_t node, std::size_t nodes) {
        for (std::size_t other = 0; other < nodes; ++other)
            if (other != node) world.cut(node, other);
    }
    static void rejoin(NodeWorld& world, std::size_t node, std::size_t nodes) {
        for (std::size_t other = 0; other < nodes; ++other)
            if (other != node) world.heal(node, other);
    }
    static Ticket pay(NodeWorld& world, std::size_t node, const std::string& account, std::int64_t amount,
                      Grade grade = Grade::provisional) {
        return world.submit(node, {NodeWorld::faucet(account, 1, amount)}, grade);
    }
    static std::string balance(NodeWorld& world, std::size_t asked, std::size_t host,
                               const std::string& name) {
        const auto& engine = world.node(asked).ledger().engine();
        const auto account = engine.find_account(exchange::hosted_account_id(world.key(host), name));
        if (!account) return "none";
        return std::to_string(static_cast<std::int64_t>(engine.balances(*account).at(1).total));
    }
};

TEST_F(NodeViews, TwoOfThreeSettleAgainWithoutTheThird) {
    NodeWorld world(3, 3, quick_views());
    world.run();
    isolate(world, 2, 3);
    const Ticket ticket = pay(world, 0, "alice", 5, Grade::settled);
    world.run_for(Duration::milliseconds(900));
    EXPECT_FALSE(world.answered(ticket));
    world.run_for(Duration::seconds(2));
    ASSERT_TRUE(world.answered(ticket));
    EXPECT_TRUE(world.submit_answer(ticket).ok());
    for (std::size_t node : {0u, 1u}) {
        EXPECT_EQ(view_of(world, node), 2u);
        EXPECT_EQ(members_of(world, node), 2u);
        EXPECT_EQ(balance(world, node, 0, "alice"), "5");
    }
    EXPECT_EQ(view_of(world, 2), 1u);
    EXPECT_EQ(status(world, 0).view, 2u);
}

TEST_F(NodeViews, TheThirdReturnsIsLetInAndSettlesItsOwn) {
    NodeWorld world(3, 3, quick_views());
    world.run();
    isolate(world, 2, 3);
    pay(world, 0, "alice", 5);
    // Taken while alone: provisional, void in the next view, and issued again with the same nonces.
    const Ticket first = pay(world, 2, "carol", 7);
    world.run_for(Duration::milliseconds(100));
    ASSERT_TRUE(world.answered(first));
    const Ticket second = pay(world, 2, "carol", 8, Grade::settled);
    world.run_for(Duration::seconds(5));
    EXPECT_FALSE(world.answered(second));
    rejoin(world, 2, 3);
    world.run_for(Duration::seconds(10));
    for (std::size_t node = 0; node < 3; ++node) {
        EXPECT_EQ(members_of(world, node), 3u) << node;
        EXPECT_EQ(balance(world, node, 2, "carol"), "15") << node;
        EXPECT_EQ(balance(world, node, 0, "alice"), "5") << node;
    }
    ASSERT_TRUE(world.answered(second));
    EXPECT_TRUE(world.submit_answer(second).ok());
    EXPECT_EQ(status(world, 2).role, "member");
    world.expect_equal_digests();
    EXPECT_TRUE(world.violations().empty()) << world.violations()[0].why;
    EXPECT_TRUE(world.retired_keys().empty());
}

TEST_F(NodeViews, AMemberThatWasLeftOutTakesNothingUntilItIsLetInAgain) {
    NodeOptions options = quick_views();
    options.views.hold_off = Duration::seconds(30);
    NodeWorld world(3, 3, options);
    world.run();
    isolate(world, 2, 3);
    pay(world, 2, "carol", 7);
    world.run_for(Duration::seconds(3));
    rejoin(world, 2, 3);
    world.run_for(Duration::seconds(3));
    EXPECT_EQ(view_of(world, 2), 2u);
    EXPECT_EQ(balance(world, 2, 2, "carol"), "none");  // retracted
    EXPECT_EQ(status(world, 2).unsettled_commands, 2u) << "the opening and the payment wait";
    const Ticket refused = pay(world, 2, "carol", 1);
    ASSERT_TRUE(world.answered(refused));
    EXPECT_EQ(world.submit_answer(refused).error().code, ErrorCode::unavailable);
    EXPECT_NE(status(world, 2).says.find("left out"), std::string::npos) << status(world, 2).says;
    world.run_for(Duration::seconds(40));
    EXPECT_EQ(members_of(world, 2), 3u);
    EXPECT_EQ(balance(world, 0, 2, "carol"), "7");
    world.expect_equal_digests();
}

TEST_F(NodeViews, WhatWasVoidSurvivesARestart) {
    NodeOptions options = quick_views();
    options.views.hold_off = Duration::seconds(10);
    NodeWorld world(3, 3, options);
    world.run();
    isolate(world, 2, 3);
    pay(world, 2, "carol", 7);
    pay(world, 2, "carol", 8);
    world.run_for(Duration::seconds(3));
    rejoin(world, 2, 3);
    world.run_for(Duration::seconds(2));
    EXPECT_EQ(view_of(world, 2), 2u);
    world.crash_and_restart(2);
    world.run_for(Duration::seconds(20));
    EXPECT_EQ(members_of(world, 2), 3u);
    EXPECT_EQ(balance(world, 0, 2, "carol"), "15");
    // And the nonces of what was issued again are not given to anything else.
    pay(world, 2, "carol", 1);
    world.run_for(Duration::seconds(1));
    EXPECT_EQ(balance(world, 0, 2, "carol"), "16");
    world.crash_and_restart(2);
    world.run_for(Duration::seconds(3));
    EXPECT_EQ(balance(world, 2, 2, "carol"), "16");
    world.expect_equal_digests();
}

TEST_F(NodeViews, AllRestartInTheSecondViewWithTheSameLog) {
    NodeWorld world(3, 3, quick_views());
    world.run();
    pay(world, 0, "alice", 1);
    world.run_for(Duration::milliseconds(500));
    isolate(world, 2, 3);
    world.run_for(Duration::seconds(3));
    pay(world, 1, "bob", 2);
    world.run_for(Duration::seconds(1));
    const auto before = world.node(0).ledger().settled_prefix();
    for (std::size_t node : {0u, 1u})
        world.crash_and_restart(node);
    world.run_for(Duration::milliseconds(500));
    EXPECT_EQ(view_of(world, 0), 2u);
    EXPECT_EQ(world.node(0).ledger().settled_prefix().hash, before.hash);
    EXPECT_EQ(world.node(1).ledger().settled_prefix().hash, before.hash);
    pay(world, 0, "alice", 1);
    rejoin(world, 2, 3);
    world.run_for(Duration::seconds(8));
    EXPECT_EQ(members_of(world, 2), 3u);
    EXPECT_EQ(balance(world, 2, 0, "alice"), "2");
    world.expect_equal_digests();
}

TEST_F(NodeViews, TheElderOfTwoGoesOnAndTheYoungerComesBack) {
    NodeWorld world(2, 2, quick_views());
    world.run();
    world.cut(0, 1);
    const Ticket at_elder = pay(world, 0, "alice", 5, Grade::settled);
    const Ticket at_younger = pay(world, 1, "bob", 6, Grade::settled);
    world.run_for(Duration::seconds(4));
    EXPECT_TRUE(world.answered(at_elder));
    EXPECT_FALSE(world.answered(at_younger));
    EXPECT_EQ(members_of(world, 0), 1u);
    EXPECT_EQ(view_of(world, 1), 1u);
    world.heal(0, 1);
    world.run_for(Duration::seconds(8));
    EXPECT_TRUE(world.answered(at_younger));
    EXPECT_EQ(members_of(world, 1), 2u);
    world.expect_equal_digests();
}

TEST_F(NodeViews, AMinorityDoesNotWedgeItself) {
    NodeWorld world(5, 5, quick_views());
    world.run();
    for (std::size_t a : {0u, 1u})
        for (std::size_t b : {2u, 3u, 4u})
            world.cut(a, b);
    world.run_for(Duration::seconds(5));
    EXPECT_EQ(members_of(world, 3), 3u);
    const Ticket alone = pay(world, 0, "alice", 5);
    world.run_for(Duration::milliseconds(100));
    EXPECT_TRUE(world.answered(alone));  // still makes blocks
    for (std::size_t a : {0u, 1u})
        for (std::size_t b : {2u, 3u, 4u})
            world.heal(a, b);
    world.run_for(Duration::seconds(10));
    EXPECT_EQ(members_of(world, 0), 5u);
    EXPECT_EQ(balance(world, 4, 0, "alice"), "5");
    world.expect_equal_digests();
}

TEST_F(NodeViews, AnObserverFollowsThroughViews) {
    NodeWorld world(4, 3, quick_views());
    world.run();
    isolate(world, 2, 4);
    pay(world, 0, "alice", 5);
    world.run_for(Duration::seconds(4));
    EXPECT_EQ(view_of(world, 3), 2u);
    const Ticket ticket = pay(world, 3, "olga", 9, Grade::settled);
    world.run_for(Duration::seconds(2));
    EXPECT_TRUE(world.answered(ticket));
    rejoin(world, 2, 4);
    world.run_for(Duration::seconds(8));
    EXPECT_EQ(members_of(world, 3), 3u);  // the observer was not let in: nobody named it
    world.expect_equal_digests();
}

TEST_F(NodeViews, AMemberThatLivesAndAcknowledgesNothingIsLeftOut) {
    NodeWorld world(3, 3, quick_views());
    world.run();
    world.hold_disk(2);
    const Ticket ticket = pay(world, 0, "alice", 5, Grade::settled);
    world.run_for(Duration::milliseconds(900));
    EXPECT_FALSE(world.answered(ticket));
    EXPECT_EQ(status(world, 0).members_suspected, 0u);
    world.run_for(Duration::seconds(2));
    ASSERT_TRUE(world.answered(ticket));
    EXPECT_EQ(members_of(world, 0), 2u);
    world.run_for(Duration::seconds(20));
    EXPECT_EQ(view_of(world, 0), 2u) << "it does not ask to come back while its disk stands still";
    world.release_disk(2);
    world.run_for(Duration::seconds(10));
    EXPECT_EQ(members_of(world, 0), 3u);
    world.expect_equal_digests();
}

// An observer with a member that the others leave out, and what it sent there first.
class ObserversWithAMemberThatGoes : public NodeViews {
  protected:
    ObserversWithAMemberThatGoes() : world(4, 3, quick_views()) {
        world.run();
        isolate(world, 2, 3);
        isolate(world, 3, 2);
        world.heal(3, 2);
        first = pay(world, 3, "olga", 9);
        world.run_for(Duration::milliseconds(100));
        isolate(world, 3, 4);
        pay(world, 0, "alice", 5);  // else nobody misses the member
        world.run_for(Duration::seconds(5));
        EXPECT_EQ(view_of(world, 0), 2u);
    }
    void meet_the_others() {
        world.heal(3, 0);
        world.heal(3, 1);
    }
    NodeWorld world;
    Ticket first{};
};

TEST_F(ObserversWithAMemberThatGoes, ItsUsersCommandsKeepTheirOrder) {
    ASSERT_TRUE(world.answered(first));
    meet_the_others();
    const Ticket second = pay(world, 3, "olga", 3, Grade::settled);  // the first one opens the account
    world.run_for(Duration::seconds(5));
    ASSERT_TRUE(world.answered(second));
    EXPECT_EQ(world.submit_answer(second)->results[0].status, CommandStatus::done);
    EXPECT_EQ(balance(world, 0, 3, "olga"), "12");
    rejoin(world, 2, 4);  // and issues the void block again
    world.run_for(Duration::seconds(10));
    EXPECT_EQ(balance(world, 0, 3, "olga"), "12");
    world.expect_equal_digests();
}

TEST_F(ObserversWithAMemberThatGoes, WhatItAnsweredItCarriesThroughARestart) {
    ASSERT_TRUE(world.answered(first));
    world.crash_and_restart_alone(3);
    world.run_for(Duration::seconds(60));
    meet_the_others();
    world.run_for(Duration::seconds(5));
    EXPECT_EQ(balance(world, 0, 3, "olga"), "9");
    // It is not sent any more once it has settled.
    world.crash_and_restart(3);
    const std::size_t sent = world.sent_by(3).size();
    world.run_for(Duration::seconds(10));
    for (std::size_t i = sent; i < world.sent_by(3).size(); ++i)
        EXPECT_NE(world.sent_by(3)[i].kind, static_cast<std::uint8_t>(MessageKind::signed_batch));
    EXPECT_EQ(balance(world, 3, 3, "olga"), "9");
}

// Seed 330: at its start the first command has run, provisionally, and then a view takes that back.
TEST_F(ObserversWithAMemberThatGoes, AfterARestartNoNonceOfAVoidBlockIsGivenAway) {
    ASSERT_TRUE(world.answered(first));
    world.crash_and_restart_alone(3);
    world.run_for(Duration::milliseconds(100));
    EXPECT_EQ(balance(world, 3, 3, "olga"), "9");
    world.heal(3, 0);
    for (int i = 0; i < 1'000 && view_of(world, 3) < 2; ++i)
        world.run_for(Duration::microseconds(100));
    ASSERT_EQ(view_of(world, 3), 2u);
    const Ticket second = pay(world, 3, "olga", 3, Grade::settled);
    world.run_for(Duration::seconds(5));
    ASSERT_TRUE(world.answered(second));
    EXPECT_GT(world.submit_answer(second)->results[0].ref.nonce,
              world.submit_answer(first)->results[0].ref.nonce);
    EXPECT_EQ(world.submit_answer(second)->results[0].status, CommandStatus::done);
    EXPECT_EQ(balance(world, 0, 3, "olga"), "12");
}

TEST_F(NodeViews, WhatAnObserverGaveUpDoesNotRunAfterItsRestart) {
    NodeWorld world(3, 2, quick_views());
    world.run();
    isolate(world, 2, 3);
    const Ticket lost = pay(world, 2, "olga", 9);
    world.run_for(Duration::seconds(40));
    ASSERT_TRUE(world.answered(lost));
    EXPECT_EQ(world.submit_answer(lost).error().code, ErrorCode::timed_out);
    const Ticket fresh = pay(world, 2, "olga", 4);
    world.run_for(Duration::seconds(1));
    world.crash_and_restart_alone(2);
    rejoin(world, 2, 3);
    world.run_for(Duration::seconds(5));
    EXPECT_FALSE(world.answered(fresh)) << "its client's connection ended with the process";
    EXPECT_EQ(balance(world, 0, 2, "olga"), "4") << "what was on its way runs, what was given up does not";
}

TEST_F(NodeViews, AnInvitedStrangerReplacesADeadMember) {
    NodeOptions options = quick_views();
    options.views.admission = {exchange::Joining::invited, 2};
    NodeWorld world(4, 3, options);
    world.run();
    const exchange::View& first = world.node(0).ledger().view();
    const auto invitation = [&](std::size_t inviter) {
        const WallTime expires{world.now().wall.ms + 60'000};
        return exchange::make_invitation(world.node(0).ledger().engine().rules().network, first.ledger,
                                         world.key(3), expires, world.signer(inviter));
    };
    const exchange::Invitation by_0 = invitation(0), by_1 = invitation(1), by_2 = invitation(2);
    isolate(world, 2, 4);
    world.run_for(Duration::seconds(4));
    EXPECT_NE(status(world, 3).says.find("needs invitations by 2"), std::string::npos)
        << status(world, 3).says;
    world.node(3).set_invitations({by_0, by_2});  // node 2 is no member any more
    world.run_for(Duration::seconds(4));
    EXPECT_EQ(members_of(world, 0), 2u);
    world.node(3).set_invitations({by_0, by_1, by_2});
    world.run_for(Duration::seconds(2));
    EXPECT_EQ(members_of(world, 0), 3u);
    EXPECT_EQ(status(world, 3).role, "member");
    const Ticket ticket = pay(world, 3, "dave", 9, Grade::settled);
    world.run_for(Duration::seconds(1));
    EXPECT_TRUE(world.answered(ticket));
    // What was stored on the way can be read again.
    for (std::size_t node : {0u, 1u, 3u})
        world.crash_and_restart(node);
    world.run_for(Duration::seconds(2));
    EXPECT_EQ(members_of(world, 3), 3u);
    EXPECT_EQ(balance(world, 0, 3, "dave"), "9");
    EXPECT_TRUE(world.violations().empty()) << world.violations()[0].why;
}

TEST_F(NodeViews, WhereAnyoneMayJoinAnObserverBecomesAMember) {
    NodeOptions options = quick_views();
    options.views.admission.joining = exchange::Joining::anyone;
    NodeWorld world(3, 1, options);
    world.run_for(Duration::seconds(4));
    for (std::size_t node = 0; node < 3; ++node)
        EXPECT_EQ(members_of(world, node), 3u);
    const Ticket ticket = pay(world, 2, "carol", 9, Grade::settled);
    world.run_for(Duration::seconds(1));
    EXPECT_TRUE(world.answered(ticket));
    world.expect_equal_digests();
}

TEST_F(NodeViews, ClientsCountOwnBlocksAcrossViews) {
    NodeWorld world(2, 2, quick_views());
    world.run();
    const Ticket first = pay(world, 0, "alice", 5, Grade::settled);
    world.run_for(Duration::milliseconds(500));
    const std::uint64_t block = world.submit_answer(first)->block;
    world.cut(0, 1);
    world.run_for(Duration::seconds(4));
    const Ticket second = pay(world, 0, "alice", 5, Grade::settled);
    world.run_for(Duration::seconds(1));
    EXPECT_GT(world.submit_answer(second)->block, block);
    EXPECT_EQ(world.ask_for<SettledAnswer>(0, SettledQuery{block}).seq, block);
}

// --- everything at once
// ----------------------------------------------------------------------------------------------------

// How many views there were.
std::uint64_t blow_storms(std::uint64_t first, std::uint64_t count, bool with_leaving = false) {
    std::uint64_t views = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const std::size_t nodes = 2 + seed % 4;
        // With leavers the ledger is open, too, and begins without the last node.
        NodeOptions options = quick_views();
        if (with_leaving) options.views.admission.joining = exchange::Joining::anyone;
        Storm storm(seed, nodes, nodes - (with_leaving ? 1 : 0), options, with_leaving);
        storm.blow(60);
        storm.calm();
        views += storm.views();
        if (::testing::Test::HasFailure()) break;
    }
    return views;
}

TEST(NodeViewStorms, NeitherCutsNorCrashesNorFullDisksBreakTheLog) {
    EXPECT_GT(blow_storms(1, storms(12)), 40u);  // they did change
    // Void blocks reordered, nonces given out twice, a relayed batch overtaken.
    for (const std::uint64_t once_failed : {1006u, 1283u, 1013u})
        blow_storms(once_failed, 1);
}

TEST(NodeViewStorms, NorDoMembersThatLeaveAndStrangersThatJoin) {
    EXPECT_GT(blow_storms(101, storms(8), true), 40u);
}

}  // namespace
}  // namespace peerbook::app::testing
