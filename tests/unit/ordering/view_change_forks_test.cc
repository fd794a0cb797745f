// Ballots about a view in which a member signed two blocks for one place: rule 17.
#include "tests/unit/ordering/end_of_view.h"

namespace peerbook::exchange {
namespace {

// A signed two blocks with seq 2; B built on the one, C on the other.
class ForkedViewOfThree : public EndOfViewOf {
  protected:
    ForkedViewOfThree() : EndOfViewOf(3) {
        dag.draw(R"(
            A1*:
            B1*: A1
            C1 : B1
            A2*: A1 B1 C1
            A2'*: A1
            B2 : B1 A2
            C2 : C1 A2'
            A3': A2' C2
            A3 : A2
        )");
        outlook.convicted[0] = outlook.suspected[0] = true;
    }
    std::string name_of_cut(std::size_t member) {
        return dag.name_of(node('B').installs->next.cut[member].digest);
    }
    // B's ballot, with what B and C lack given when they ask for it.
    void end(const std::string& b_lacks, const std::string& c_lacks) {
        run("BC");
        EXPECT_FALSE(node('B').installs);
        EXPECT_TRUE(node('B').ledger->takes_branches(MemberIndex(0)));
        EXPECT_EQ(node('B').fetched_from, (std::set<std::size_t>{2}));
        give('B', b_lacks);
        run("BC");
        node('C').ledger->take_branches(MemberIndex(0));
        give('C', c_lacks);
        run("BC");
        ASSERT_TRUE(node('B').installs);
        EXPECT_EQ(members_of(node('B').installs->next), "BC");
        EXPECT_TRUE(node('C').ledger->check_end(node('B').installs->next).ok());
    }
};

TEST_F(ForkedViewOfThree, OfTwoBlocksTheCutHasTheOneOfThePromiseThatSettledFurthest) {
    give('B', "A1 B1 C1 A2 A3");
    give('C', "A1 B1 C1 A2' C2 A3'");
    const auto settled = [&](char name) { return node(name).ledger->stats().settled_round; };
    ASSERT_GT(settled('C'), settled('B'));
    end("A2' C2 A3'", "A2 A3");
    EXPECT_EQ(name_of_cut(0), "A3'");
    EXPECT_EQ(name_of_cut(1), "B1");
    EXPECT_EQ(name_of_cut(2), "C2");
    EXPECT_EQ(node('B').installs->next.log_length, 6u);  // everything but A2 and A3
}

TEST_F(ForkedViewOfThree, AlsoWhereThatIsTheProposersOwn) {
    give('B', "A1 B1 C1 A2");
    give('C', "A1 B1 C1 A2'");
    ASSERT_LT(node('C').ledger->stats().settled_round, node('B').ledger->stats().settled_round);
    end("A2'", "A2");
    EXPECT_EQ(name_of_cut(0), "A2");
    EXPECT_EQ(node('B').installs->next.log_length, 4u);
}

TEST_F(ForkedViewOfThree, ADecisionThatContradictsWhatIsSettledHereIsSaidLoudly) {
    give('B', "A1 B1 C1 A2 B2");
    give('C', "A1 B1 C1 A2' C2 A3'");
    ASSERT_TRUE(node('C').ledger->is_settled(MemberIndex(0), 2));
    node('B').ledger->take_branches(MemberIndex(0));
    // A quorum of the others never saw what C settled.
    Decision decision;
    View& next = decision.next;
    next.ledger = view().ledger;
    next.number = 2;
    next.previous = digest_of(view());
    next.members = {dag.key(1), dag.key(2)};
    const ChainTips tips = node('B').ledger->tips();
    for (std::size_t i = 0; i < tips.size(); ++i)
        next.cut.push_back({dag.key(i), tips[i].seq, tips[i].digest});
    const auto log = node('B').ledger->log_end(tips);
    next.base_round = log.round;
    next.log_length = log.length;
    next.prefix_hash = log.hash;
    node('C').ledger->take_branches(MemberIndex(0));
    give('C', "A2 B2");
    ViewChangeOutput out;
    node('C').change->on_decision(decision, dag.key(1));
    node('C').change->step(now, outlook, out);
    EXPECT_FALSE(out.install);
    ASSERT_TRUE(out.conflict);
    EXPECT_NE(out.conflict->find("view 2 was decided and cannot be installed"), std::string::npos);
}

}  // namespace
}  // namespace peerbook::exchange
