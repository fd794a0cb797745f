#include "exchange/ordering/open_order.h"

#include <gtest/gtest.h>

#include "tests/unit/ordering/drawn_dag.h"

namespace peerbook::exchange {
namespace {

LogKey key_of(const DrawnDag& drawn, const std::string& name) {
    const VerifiedBlock block = drawn.block(name);
    return make_log_key(block.header.author, block.header.round, block.digest);
}

OrderedBlock ordered(const DrawnDag& drawn, const std::string& name) {
    const VerifiedBlock block = drawn.block(name);
    OrderedBlock result;
    result.commit.block = block.digest;
    result.commit.round = block.header.round;
    result.commit.seq = block.header.seq;
    result.commit.commands = block.command_count;
    return result;
}

TEST(OpenOrderKey, ExtendsCausality) {
    DrawnDag drawn(3);
    drawn.draw(R"(
        A1 :
        B1 : A1
        C1 : B1
        A2 : A1
        A3 : A2 C1
    )");
    EXPECT_LT(key_of(drawn, "A1"), key_of(drawn, "B1"));
    EXPECT_LT(key_of(drawn, "B1"), key_of(drawn, "C1"));
    EXPECT_LT(key_of(drawn, "A1"), key_of(drawn, "A2"));
    EXPECT_LT(key_of(drawn, "C1"), key_of(drawn, "A3"));
}

TEST(OpenOrderKey, TieBetweenAuthorsIsDrawnAnewEachRoundAndNotFromThePayload) {
    DrawnDag drawn(2);
    int first_wins = 0;
    for (std::uint64_t round = 1; round <= 200; ++round) {
        const LogKey a = make_log_key(drawn.key(0), round, hash_of("x", {}));
        const LogKey b = make_log_key(drawn.key(1), round, hash_of("x", {}));
        EXPECT_EQ(a.tie, make_log_key(drawn.key(0), round, hash_of("another payload", {})).tie);
        first_wins += a < b;
    }
    EXPECT_GT(first_wins, 60);
    EXPECT_LT(first_wins, 140);
}

struct SettleCase {
    std::vector<std::uint64_t> stable;  // S of each member, elder first
    std::uint64_t settled;
};

TEST(OpenOrder, SettlesWhatAQuorumHoldsInFull) {
    for (const SettleCase& c : {SettleCase{{7}, 7},
                                {{5, 9}, 5},     // the elder alone is a quorum of two
                                {{9, 5}, 9},     // and so it is here; the younger's word is not needed
                                {{0, 5}, 0},     // but the younger alone never is
                                {{5, 7, 9}, 7},  // two of three
                                {{0, 0, 9}, 0},  // one of three
                                {{9, 0, 9}, 9},
                                {{3, 4, 5, 6}, 4},  // the younger half is no quorum, three are
                                {{6, 5, 4, 3}, 5},  // the half with the elder is
                                {{9, 1, 2, 9, 9}, 9},
                                {{1, 1, 1, 9, 9}, 1}}) {
        const DrawnDag drawn(c.stable.size());
        EXPECT_EQ(settled_round_of(drawn.view(), c.stable), c.settled) << ::testing::PrintToString(c.stable);
    }
}

// The smallest L for which every S is at least L is always settled, whatever is_quorum says about fewer
// members.
TEST(OpenOrder, SettlesAtLeastWhatEverybodyHolds) {
    const DrawnDag drawn(4, 50);
    EXPECT_EQ(settled_round_of(drawn.view(), {50, 50, 50, 50}), 50u);
}

class OpenOrderOfThree : public ::testing::Test {
  protected:
    OpenOrderOfThree() {
        drawn.draw(R"(
            A1*:
            B1 : A1
            A2*: A1 B1
            C1*: A2
        )");
    }
    void insert(const std::string& name) { order.insert(key_of(drawn, name), ordered(drawn, name)); }
    std::string first_new() {
        auto position = order.first_new();
        return position == order.unsettled().end() ? "none" : drawn.name_of(position->first.block);
    }
    void execute() {
        for (auto it = order.unsettled().begin(); it != order.unsettled().end(); ++it)
            order.note_executed(it);
        order.mark_all_executed();
    }

    DrawnDag drawn{3};
    OpenOrder order{0};
};

TEST_F(OpenOrderOfThree, FirstNewIsTheSmallestSinceTheLastExecution) {
    EXPECT_EQ(first_new(), "none");
    insert("A2");
    EXPECT_EQ(first_new(), "A2");
    insert("C1");
    EXPECT_EQ(first_new(), "A2");
    insert("A1");
    EXPECT_EQ(first_new(), "A1");
    execute();
    EXPECT_EQ(first_new(), "none");
    insert("B1");
    EXPECT_EQ(first_new(), "B1");
}

TEST_F(OpenOrderOfThree, SettlesFromTheFrontAndCountsCommands) {
    for (const char* name : {"C1", "A2", "B1", "A1"})
        insert(name);
    execute();
    EXPECT_EQ(order.unsettled_commands(), 3u);
    EXPECT_EQ(drawn.name_of(order.settle_first().block), "A1");
    EXPECT_EQ(order.unsettled_commands(), 2u);
    EXPECT_EQ(drawn.name_of(order.settle_first().block), "B1");
    order.set_settled_round(2);
    EXPECT_EQ(order.settled_round(), 2u);
    EXPECT_EQ(order.unsettled_commands(), 2u);
}

TEST_F(OpenOrderOfThree, KnowsTheRoundsOfUnsettledCommands) {
    for (const char* name : {"A1", "B1", "A2", "C1"})
        insert(name);  // rounds 1, 2, 3, 4; B1 is empty
    EXPECT_TRUE(order.has_awaited_between(0, 1));
    EXPECT_FALSE(order.has_awaited_between(1, 2));
    EXPECT_TRUE(order.has_awaited_between(1, 3));
    EXPECT_TRUE(order.has_awaited_between(3, ~std::uint64_t{0}));
    EXPECT_FALSE(order.has_awaited_between(4, ~std::uint64_t{0}));
    EXPECT_FALSE(order.has_awaited_between(3, 2));
    execute();
    order.settle_first();
    EXPECT_FALSE(order.has_awaited_between(0, 2));
}

TEST_F(OpenOrderOfThree, ABlockWithoutCommandsIsAwaitedWhileItsTimeGivesEvents) {
    insert("B1");
    const auto block = order.unsettled().begin();
    EXPECT_FALSE(order.has_awaited_between(0, 9));
    block->second.commit.events.emplace_back();
    order.note_executed(block);
    order.note_executed(block);
    EXPECT_TRUE(order.has_awaited_between(1, 2));
    block->second.commit.events.clear();  // executed again, and nothing was due any more
    order.note_executed(block);
    EXPECT_FALSE(order.has_awaited_between(0, 9));
    block->second.commit.events.emplace_back();
    order.note_executed(block);
    order.settle_first();
    EXPECT_FALSE(order.has_awaited_between(0, 9));
}

using OpenOrderDeathTest = OpenOrderOfThree;

TEST_F(OpenOrderDeathTest, StopsRatherThanChangeTheSettledLog) {
    order.set_settled_round(1);
    EXPECT_DEATH(insert("A1"), "cannot enter the settled log");
    EXPECT_DEATH(order.set_settled_round(0), "only grows");
}

}  // namespace
}  // namespace peerbook::exchange
