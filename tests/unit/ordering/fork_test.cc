// A new ledger that goes on from what settled in another one: rule 22.
#include "exchange/ordering/fork.h"

#include <gtest/gtest.h>

#include <memory>
#include <sstream>

#include "exchange/ordering/open_ledger.h"
#include "tests/support/toy_market.h"
#include "tests/unit/ordering/drawn_dag.h"

namespace peerbook::exchange {
namespace {

using testing::toy_command;

const WallTime now{1'000'000};

// With A1 B1 C1 A2 only A1 is settled; B2 settles B1 too.
class Fork : public ::testing::Test {
  protected:
    Fork() : dag(3) {
        dag.draw(R"(
            A1*:
            B1*: A1
            C1 : B1
            A2*: A1 C1
            B2 : B1 A2
        )");
        dag.set_commands("A1", {open(0, "alice")});
        dag.set_commands("B1", {open(1, "bob")});
        dag.set_commands("A2", {open(0, "ann")});
    }
    Command open(std::size_t member, const std::string& name) const {
        return toy_command(dag.key(member), name, 1, OpenAccount{name});
    }
    std::unique_ptr<OpenLedger> ledger_of(std::size_t member, const std::string& blocks) const {
        auto ledger = empty_ledger(dag, member);
        give(*ledger, blocks);
        return ledger;
    }
    void give(OpenLedger& ledger, const std::string& blocks) const {
        exchange::give(ledger, dag, blocks);
        ledger.execute();
    }
    View fork_of(const OpenLedger& ledger, const std::vector<std::size_t>& members) const {
        std::vector<PublicKey> keys;
        for (std::size_t member : members)
            keys.push_back(dag.key(member));
        auto fork = ledger.make_fork(keys);
        EXPECT_TRUE(fork.ok()) << fork.error().message;
        return *fork;
    }
    bool has_account(const OpenLedger& ledger, std::size_t member, const std::string& name) const {
        const auto account = ledger.engine().find_account(hosted_account_id(dag.key(member), name));
        return account && ledger.engine().is_open(*account);
    }
    static ErrorCode code_of(const Status& status) {
        EXPECT_FALSE(status.ok());
        return status.ok() ? ErrorCode::io : status.error().code;
    }

    DrawnDag dag;
};

TEST_F(Fork, ItBeginsWithWhatIsSettledAndNothingElse) {
    const auto ledger = ledger_of(1, "A1 B1 C1 A2");
    const Digest old = ledger->view().ledger;
    const View fork = fork_of(*ledger, {1});
    EXPECT_NE(fork.ledger, old);
    EXPECT_EQ(fork.number, 2u);
    EXPECT_EQ(fork.log_length, 1u);
    EXPECT_EQ(fork.prefix_hash, ledger->settled_prefix().hash);
    const auto update = ledger->install_fork(fork);
    ASSERT_TRUE(update.ok()) << update.error().message;
    EXPECT_EQ(update->voided.size(), 3u);
    EXPECT_TRUE(has_account(*ledger, 0, "alice"));
    EXPECT_FALSE(has_account(*ledger, 1, "bob"));  // its author sends that again
    EXPECT_FALSE(has_account(*ledger, 0, "ann"));
    EXPECT_EQ(ledger->view().ledger, fork.ledger);
    const Block next = ledger->make_block({}, now);
    EXPECT_EQ(next.header.ledger, fork.ledger);
    EXPECT_EQ(next.header.seq, 1u);
    EXPECT_GT(next.header.round, fork.base_round);
}

// Rule 17: somebody signed two blocks for one place, and perhaps only one of them is here.
TEST_F(Fork, WhereSettlingIsFrozenOnlyTheEndOfTheViewSettlesMore) {
    const auto ledger = ledger_of(1, "A1 B1");
    exchange::give(*ledger, dag, "C1 A2");  // accepted, not executed yet
    ledger->freeze_settling();
    give(*ledger, "B2");
    EXPECT_EQ(ledger->settled_prefix().length, 1u);
    const auto other = ledger_of(0, "A1 B1 C1 A2 B2");
    EXPECT_EQ(other->settled_prefix().length, 2u);
    ledger->freeze_settling();  // once more changes nothing
    EXPECT_EQ(ledger->settled_prefix().length, 1u);
    const View fork = fork_of(*other, {0, 1});
    ASSERT_TRUE(ledger->install_fork(fork).ok());
    EXPECT_EQ(ledger->settled_prefix().hash, fork.prefix_hash);
}

TEST_F(Fork, ItsIdNamesMembersAndSettledLog) {
    const auto shorter = ledger_of(0, "A1 B1 C1 A2"), longer = ledger_of(1, "A1 B1 C1 A2 B2");
    ASSERT_EQ(longer->settled_prefix().length, 2u);
    EXPECT_EQ(fork_of(*shorter, {0, 1}).ledger, fork_of(*ledger_of(2, "A1 B1 C1 A2"), {1, 0}).ledger);
    EXPECT_NE(fork_of(*shorter, {0, 1}).ledger, fork_of(*shorter, {0, 2}).ledger);
    EXPECT_NE(fork_of(*shorter, {0, 1}).ledger, fork_of(*longer, {0, 1}).ledger);
    View altered = fork_of(*shorter, {0});
    altered.prefix_hash.data[0] ^= 1;
    EXPECT_EQ(code_of(shorter->check_fork(altered)), ErrorCode::invalid_input);
    View of_another = fork_of(*shorter, {0});
    of_another.ledger = forked_ledger_id(DrawnDag::network(), hash_of("another", {}), of_another);
    EXPECT_EQ(code_of(shorter->check_fork(of_another)), ErrorCode::invalid_input);
}

TEST_F(Fork, OneThatLacksBlocksFetchesThemAndOneThatHoldsThemEnters) {
    const View fork = fork_of(*ledger_of(0, "A1 B1 C1 A2"), {0, 1});
    const auto behind = ledger_of(1, "");
    EXPECT_EQ(code_of(behind->check_fork(fork)), ErrorCode::unavailable);
    give(*behind, "A1");
    EXPECT_EQ(behind->settled_prefix().length, 0u);  // by itself it settles nothing of that
    ASSERT_TRUE(behind->install_fork(fork).ok());
    EXPECT_EQ(behind->settled_prefix().hash, fork.prefix_hash);
}

TEST_F(Fork, OneThatSettledMoreDoesNotEnter) {
    const View fork = fork_of(*ledger_of(0, "A1 B1 C1 A2"), {0, 1});
    const auto ahead = ledger_of(1, "A1 B1 C1 A2 B2");
    EXPECT_EQ(code_of(ahead->check_fork(fork)), ErrorCode::conflict);
    EXPECT_FALSE(ahead->install_fork(fork).ok());
    EXPECT_TRUE(has_account(*ahead, 1, "bob"));
    EXPECT_EQ(ahead->view().number, 1u);
}

TEST_F(Fork, WhoFollowsItSettlesNoMoreOfTheOldLedgerThanItKeeps) {
    const View fork = fork_of(*ledger_of(0, "A1 B1 C1 A2"), {0});
    const auto follower = ledger_of(1, "A1");
    follower->limit_settling(fork.base_round);
    give(*follower, "B1 C1 A2 B2");
    EXPECT_EQ(follower->settled_prefix().length, 1u);
    ASSERT_TRUE(follower->install_fork(fork).ok());
    EXPECT_FALSE(has_account(*follower, 1, "bob"));
}

TEST_F(Fork, MembersStandBySeniorityAndNoneTwice) {
    const auto ledger = ledger_of(0, "A1 B1 C1 A2");
    const PublicKey stranger{{1}};
    const View fork = *ledger->make_fork({stranger, dag.key(2), dag.key(0)});
    EXPECT_EQ(fork.members, (std::vector<PublicKey>{dag.key(0), dag.key(2), stranger}));
    EXPECT_FALSE(ledger->make_fork({dag.key(0), dag.key(0)}).ok());
    EXPECT_FALSE(ledger->make_fork({}).ok());
}

}  // namespace
}  // namespace peerbook::exchange
