// Members that are told to stop: rule 16. Times are the real ones: T_suspect is 10 s.
#include <gtest/gtest.h>

#include "tests/unit/node/node_world.h"

namespace peerbook::app::testing {
namespace {

class NodeLeave : public ::testing::Test {
  protected:
    static NodeOptions real_times() {
        NodeOptions options;
        options.views.suspect_after = Duration::seconds(10);
        return options;
    }
    void make(std::size_t nodes, NodeOptions options = real_times()) {
        count = nodes;
        world = std::make_unique<NodeWorld>(nodes, nodes, options);
        world->run();
    }
    // Until all of them are idle; how long that took.
    Duration drain(const std::vector<std::size_t>& nodes) {
        for (std::size_t node : nodes)
            world->drain(node);
        return wait_idle(nodes);
    }
    Duration wait_idle(const std::vector<std::size_t>& nodes) {
        const MonoTime begin = world->now().mono;
        const auto all_idle = [&] {
            return std::all_of(nodes.begin(), nodes.end(),
                               [&](auto node) { return world->node(node).idle(); });
        };
        for (world->run_for(Duration::milliseconds(10)); !all_idle();) {
            world->run_for(Duration::milliseconds(10));
            if (world->now().mono - begin > Duration::seconds(60)) {
                ADD_FAILURE() << "they never end";
                break;
            }
        }
        return world->now().mono - begin;
    }
    // Its process ended, and is there again with its journal, but alone.
    void end(std::size_t node) { world->crash_and_restart_alone(node); }
    void begin(std::size_t node) {
        for (std::size_t other = 0; other < count; ++other)
            if (other != node) world->heal(node, other);
    }
    Ticket pay(std::size_t node, std::int64_t amount, Grade grade = Grade::settled) {
        return world->submit(node, {NodeWorld::faucet("payee", 1, amount)}, grade);
    }
    std::string balance(std::size_t asked, std::size_t host) {
        const auto& engine = world->node(asked).ledger().engine();
        const auto account = engine.find_account(exchange::hosted_account_id(world->key(host), "payee"));
        return account ? std::to_string(static_cast<std::int64_t>(engine.balances(*account).at(1).total))
                       : "none";
    }
    std::uint64_t view_of(std::size_t node) { return world->node(node).ledger().view().number; }
    std::size_t members_of(std::size_t node) { return world->node(node).ledger().view().members.size(); }
    std::string says(std::size_t node) { return world->ask_for<StatusAnswer>(node, StatusQuery{}).says; }
    // All are members of one view, a new command of each settles, and all have the same log.
    void expect_all_settle() {
        for (int i = 0; i < 60 && members_of(0) < count; ++i)
            world->run_for(Duration::milliseconds(250));
        std::vector<Ticket> tickets;
        for (std::size_t node = 0; node < count; ++node) {
            EXPECT_EQ(members_of(node), count) << node;
            tickets.push_back(pay(node, 1));
        }
        world->run_for(Duration::seconds(3));
        for (Ticket ticket : tickets)
            EXPECT_TRUE(world->answered(ticket) && world->submit_answer(ticket).ok());
        world->expect_equal_digests();
        EXPECT_TRUE(world->violations().empty()) << world->violations()[0].why;
        EXPECT_TRUE(world->retired_keys().empty());
    }

    std::size_t count = 0;
    std::unique_ptr<NodeWorld> world;
};

TEST_F(NodeLeave, TheOthersGoOnAtOnceWithoutIt) {
    make(3);
    const Ticket last = pay(2, 7);
    EXPECT_LT(drain({2}), Duration::seconds(1));
    EXPECT_TRUE(world->answered(last));
    for (std::size_t node = 0; node < 3; ++node) {
        EXPECT_EQ(view_of(node), 2u);
        EXPECT_EQ(members_of(node), 2u);
        EXPECT_EQ(balance(node, 2), "7");
    }
    end(2);
    const Ticket next = pay(0, 5);
    world->run_for(Duration::milliseconds(200));
    EXPECT_TRUE(world->answered(next));
    // No hold-off: it did not fall silent.
    begin(2);
    world->run_for(Duration::milliseconds(1'500));
    EXPECT_EQ(members_of(0), 3u);
    expect_all_settle();
}

TEST_F(NodeLeave, ANewViewGetsABlockOfEachMemberWithoutAnyCommand) {
    make(3);
    drain({2});
    world->run_for(Duration::milliseconds(100));
    for (std::size_t node = 0; node < 3; ++node)
        EXPECT_EQ(world->node(node).ledger().version_vector(), (exchange::VersionVector{1, 1})) << node;
    world->run_for(Duration::seconds(20));  // and then silence
    EXPECT_EQ(world->node(0).ledger().version_vector(), (exchange::VersionVector{1, 1}));
}

TEST_F(NodeLeave, ItServesUntilTheOthersHaveTheNextView) {
    make(3);
    world->hold_disk(0);
    world->hold_disk(1);
    world->drain(2);
    world->run_for(Duration::seconds(1));
    EXPECT_FALSE(world->node(2).idle());
    EXPECT_NE(says(2).find("leaving: waiting for the other members to agree"), std::string::npos) << says(2);
    world->release_disk(0);
    world->release_disk(1);
    EXPECT_LT(wait_idle({2}), Duration::seconds(1));
    EXPECT_EQ(members_of(0), 2u);
}

TEST_F(NodeLeave, TheElderOfTwoLeavesAndTheYoungerGoesOn) {
    make(2);
    pay(0, 3);
    EXPECT_LT(drain({0}), Duration::seconds(1));
    end(0);
    EXPECT_EQ(members_of(1), 1u);
    EXPECT_EQ(balance(1, 0), "3");
    const Ticket alone = pay(1, 4);
    world->run_for(Duration::milliseconds(100));
    EXPECT_TRUE(world->answered(alone));
    begin(0);
    expect_all_settle();
    EXPECT_EQ(world->node(0).ledger().view().members[0], world->key(1));  // who stayed is the elder now
}

TEST_F(NodeLeave, TheYoungerOfTwoLeaves) {
    make(2);
    EXPECT_LT(drain({1}), Duration::seconds(1));
    EXPECT_EQ(members_of(0), 1u);
}

TEST_F(NodeLeave, TwoOfThreeLeaveTogether) {
    make(3);
    pay(1, 3);
    EXPECT_LT(drain({0, 1}), Duration::seconds(1));
    end(0);
    end(1);
    EXPECT_EQ(members_of(2), 1u);
    const Ticket alone = pay(2, 4);
    world->run_for(Duration::milliseconds(100));
    EXPECT_TRUE(world->answered(alone));
    begin(0);
    begin(1);
    expect_all_settle();
}

TEST_F(NodeLeave, AllThatLeaveTogetherKeepTheirViewAndComeBack) {
    make(3);
    for (std::size_t node = 0; node < 3; ++node)
        pay(node, 2);
    EXPECT_LT(drain({0, 1, 2}), Duration::seconds(1));
    for (std::size_t node = 0; node < 3; ++node) {
        EXPECT_EQ(view_of(node), 1u);
        end(node);
    }
    world->run_for(Duration::seconds(30));
    for (std::size_t node = 0; node < 3; ++node)
        begin(node);
    world->run_for(Duration::seconds(1));
    EXPECT_EQ(members_of(0), 3u);
    EXPECT_EQ(balance(0, 1), "2");
    expect_all_settle();
}

TEST_F(NodeLeave, AllThatLeaveOneSoonAfterTheOtherComeBack) {
    for (const std::int64_t apart_ms : {20, 100, 250, 320, 350, 500}) {
        SCOPED_TRACE(apart_ms);
        make(4);
        pay(3, 2);
        for (std::size_t node = 0; node < 4; ++node) {
            world->drain(node);
            world->run_for(Duration::milliseconds(apart_ms));
        }
        EXPECT_LT(wait_idle({0, 1, 2, 3}), Duration::milliseconds(4'500));
        for (std::size_t node = 0; node < 4; ++node)
            end(node);
        for (std::size_t node = 0; node < 4; ++node)
            begin(node);
        world->run_for(Duration::seconds(5));
        expect_all_settle();
        EXPECT_EQ(balance(0, 3), "3");
    }
}

TEST_F(NodeLeave, ALeaverThatCrashesIsLeftOutAllTheSame) {
    make(3);
    world->drain(2);
    world->run_for(Duration::milliseconds(50));  // it has asked
    end(2);
    world->run_for(Duration::seconds(1));
    EXPECT_EQ(members_of(0), 2u);
    begin(2);
    world->run_for(Duration::seconds(3));
    expect_all_settle();
}

TEST_F(NodeLeave, ALeaverWhoseOthersCrashInTheMiddleEndsInTime) {
    make(3);
    world->hold_disk(0);
    world->drain(2);
    world->run_for(Duration::milliseconds(400));
    world->crash_and_restart_alone(0);
    world->crash_and_restart_alone(1);
    EXPECT_LE(wait_idle({2}), Duration::milliseconds(3'650));
    world->release_disk(0);
    end(2);
    for (std::size_t node = 0; node < 3; ++node)
        begin(node);
    world->run_for(Duration::seconds(8));
    expect_all_settle();
}

TEST_F(NodeLeave, OneThatHearsNoQuorumStopsAtOnce) {
    make(3);
    world->cut(2, 0);
    world->cut(2, 1);
    world->run_for(Duration::milliseconds(100));
    EXPECT_LE(drain({2}), Duration::milliseconds(10));
    EXPECT_EQ(view_of(2), 1u);
    make(1);
    pay(0, 2);
    EXPECT_LE(drain({0}), Duration::milliseconds(10));
}

TEST_F(NodeLeave, OneDeadMemberDoesNotHoldUpALeaver) {
    make(3);
    world->cut(1, 0);
    world->cut(1, 2);
    const Ticket stalled = pay(2, 4);  // settles no more until the view ends
    world->run_for(Duration::milliseconds(100));
    EXPECT_FALSE(world->answered(stalled));
    EXPECT_LT(drain({2}), Duration::milliseconds(1'500));
    EXPECT_TRUE(world->answered(stalled));
    EXPECT_EQ(balance(0, 2), "4");
}

TEST_F(NodeLeave, WithoutTheSettingItJustStops) {
    NodeOptions options = real_times();
    options.leave_on_stop = false;
    make(3, options);
    EXPECT_LE(drain({2}), Duration::milliseconds(10));
    world->run_for(Duration::seconds(1));
    EXPECT_EQ(view_of(0), 1u);
}

TEST_F(NodeLeave, ALeaverDoesNotAskToJoinWhileItServes) {
    make(3);
    drain({2});
    world->run_for(Duration::seconds(8));
    EXPECT_EQ(members_of(0), 2u);
    EXPECT_EQ(view_of(0), 2u);
}

TEST_F(NodeLeave, AnObserverThatAskedToJoinWaitsWhetherItWasLetIn) {
    NodeOptions options;
    options.views.suspect_after = Duration::seconds(10);
    options.views.admission.joining = exchange::Joining::anyone;
    NodeWorld three(3, 2, options);
    const auto has_asked = [&] {
        return std::ranges::any_of(three.sent_by(2), [](const SendEffect& sent) {
            return sent.kind == static_cast<std::uint8_t>(MessageKind::view_message);
        });
    };
    for (int i = 0; i < 2'000 && !has_asked(); ++i)
        three.run_for(Duration::milliseconds(1));
    ASSERT_TRUE(has_asked());
    three.drain(2);
    for (int i = 0; i < 5'000 && !three.node(2).idle(); ++i)
        three.run_for(Duration::milliseconds(1));
    ASSERT_TRUE(three.node(2).idle());
    three.cut(2, 0);
    three.cut(2, 1);
    EXPECT_EQ(three.node(0).ledger().view().number, 3u) << "let in, and left";
    const Ticket next = three.submit(0, {NodeWorld::faucet("alice", 1, 5)}, Grade::settled);
    three.run_for(Duration::milliseconds(500));
    EXPECT_TRUE(three.answered(next)) << "nobody waits for the one that stopped";
}

TEST_F(NodeLeave, NobodyAsksAStoppingNodeForAnything) {
    make(3);
    world->drain(2);
    const Ticket refused = pay(2, 1);
    world->run_for(Duration::seconds(2));
    ASSERT_TRUE(world->answered(refused));
    EXPECT_EQ(world->submit_answer(refused).error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace peerbook::app::testing
