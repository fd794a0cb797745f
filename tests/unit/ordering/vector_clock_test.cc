#include "exchange/ordering/vector_clock.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "exchange/ordering/dag.h"
#include "tests/unit/ordering/drawn_dag.h"

namespace peerbook::exchange {
namespace {

constexpr WallTime now{1'000};

class VectorClockOfDag : public ::testing::Test {
  protected:
    void accept_all() {
        for (const std::string& name : drawn.names())
            ASSERT_EQ(dag.offer(drawn.block(name), now).kind, AcceptKind::accepted) << name;
    }
    std::vector<std::uint64_t> clock(const std::string& name) const {
        std::vector<std::uint64_t> rounds;
        for (std::uint32_t i = 0; i < 3; ++i)
            rounds.push_back(dag.clock_of(drawn.digest(name))->at(MemberIndex(i)));
        return rounds;
    }
    bool knows(const std::string& later, const std::string& earlier) const {
        const ParentRef ref = drawn.ref(earlier);
        return dag.clock_of(drawn.digest(later))->at(ref.author) >= ref.round;
    }

    DrawnDag drawn{3};
    Dag dag{drawn.view(), PublicKey{}, DagLimits{}};
};

using Rounds = std::vector<std::uint64_t>;

TEST_F(VectorClockOfDag, HoldsTheHighestRoundOfEachAuthorInThePast) {
    drawn.draw(R"(
        A1 :
        B1 : A1
        C1 :
        A2 : A1 C1
        B2 : B1 A2
        C2 : C1
    )");
    accept_all();
    EXPECT_EQ(clock("A1"), (Rounds{1, 0, 0}));
    EXPECT_EQ(clock("B1"), (Rounds{1, 2, 0}));
    EXPECT_EQ(clock("A2"), (Rounds{2, 0, 1}));
    EXPECT_EQ(clock("B2"), (Rounds{2, 3, 1}));
    EXPECT_EQ(clock("C2"), (Rounds{0, 0, 2}));
}

TEST_F(VectorClockOfDag, TellsBeforeFromConcurrent) {
    drawn.draw(R"(
        A1 :
        B1 : A1
        A2 : A1
        C1 : B1
    )");
    accept_all();
    EXPECT_TRUE(knows("B1", "A1"));
    EXPECT_FALSE(knows("A1", "B1"));
    EXPECT_TRUE(knows("C1", "A1"));
    EXPECT_FALSE(knows("B1", "A2"));
    EXPECT_FALSE(knows("A2", "B1"));
    EXPECT_TRUE(knows("A2", "A2"));
}

TEST_F(VectorClockOfDag, LeastIsWhatTheMemberHoldsOfEverybody) {
    drawn.draw(R"(
        A1 :
        B1 : A1
        C1 : B1
        A2 : A1 C1
    )");
    accept_all();
    EXPECT_EQ(dag.stable_rounds(), (Rounds{2, 0, 1}));
}

TEST(VectorClock, MergesEntryByEntryAndAdvancesOneAuthor) {
    VectorClock a(2, 5), b(2, 5);
    a.advance(MemberIndex(0), 9);
    b.advance(MemberIndex(1), 7);
    a.merge(b);
    EXPECT_EQ(a.at(MemberIndex(0)), 9u);
    EXPECT_EQ(a.at(MemberIndex(1)), 7u);
    EXPECT_EQ(a.least(), 7u);
    EXPECT_EQ(b.at(MemberIndex(0)), 5u);
    EXPECT_EQ(b.least(), 5u);
}

// On random DAGs the clock must say exactly what walking the parents says.
TEST(VectorClock, AgreesWithWalkingTheParents) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Random random(seed);
        DrawnDag drawn(4);
        Dag dag(drawn.view(), PublicKey{}, DagLimits{});
        std::map<std::string, std::set<std::string>> past;
        std::vector<int> tips(4, 0);
        for (int step = 0; step < 40; ++step) {
            const auto author = static_cast<std::size_t>(random.below(4));
            auto name = [](std::size_t member, int seq) {
                return std::string(1, static_cast<char>('A' + member)) + std::to_string(seq);
            };
            const std::string block = name(author, tips[author] + 1);
            std::string line = block + " :";
            std::set<std::string>& mine = past[block];
            auto add = [&](const std::string& parent) {
                line += " " + parent;
                mine.insert(parent);
                mine.insert(past[parent].begin(), past[parent].end());
            };
            if (tips[author] > 0) add(name(author, tips[author]));
            const std::set<std::string> before = mine;
            for (std::size_t other = 0; other < 4; ++other) {
                if (other == author || tips[other] == 0 || random.below(2) == 0) continue;
                const std::string tip = name(other, tips[other]);
                if (!before.contains(tip)) add(tip);
            }
            mine.insert(block);
            ++tips[author];
            drawn.draw(line);
            ASSERT_EQ(dag.offer(drawn.block(block), now).kind, AcceptKind::accepted) << line;
        }
        for (const std::string& later : drawn.names())
            for (const std::string& earlier : drawn.names()) {
                const ParentRef ref = drawn.ref(earlier);
                EXPECT_EQ(dag.clock_of(drawn.digest(later))->at(ref.author) >= ref.round,
                          past[later].contains(earlier))
                    << "seed " << seed << ": " << later << " and " << earlier;
            }
    }
}

}  // namespace
}  // namespace peerbook::exchange
