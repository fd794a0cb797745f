#include "app/node/view_keeper.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/support/cheap_keys.h"
#include "tests/support/toy_market.h"

namespace peerbook::app {
namespace {

using exchange::ViewMessage;
using exchange::ViewMessageKind;
using peerbook::testing::CheapSigner;

const Digest network = hash_of("test network", {});

// Member 0 of three, or of fewer once a view was installed.
class ViewKeeperTest : public ::testing::Test {
  protected:
    ViewKeeperTest() {
        std::vector<PublicKey> keys;
        for (std::size_t i = 0; i < 3; ++i)
            keys.push_back(signers.emplace_back(i).public_key());
        ledger = std::make_unique<exchange::OpenLedger>(peerbook::testing::toy_rules(network),
                                                        exchange::make_first_view(network, keys).value(),
                                                        keys[0], exchange::LedgerLimits{});
        options.suspect_after = Duration::seconds(4);
        make();
    }
    void make() { keeper = std::make_unique<ViewKeeper>(*ledger, signers[0], options, Random(1)); }
    const PublicKey& key(std::size_t i) const { return signers[i].public_key(); }
    ViewKeeper::Step step() { return keeper->step(now, {true, true, connected}, effects); }
    void later(Duration time) { now = now + time; }
    // Time passes in which these are heard.
    void pass(Duration time, const std::vector<std::size_t>& heard) {
        for (const MonoTime end = now + time; now < end;) {
            later(std::min(Duration::seconds(1), end - now));
            for (std::size_t i : heard)
                keeper->heard(key(i), now);
            step();
        }
    }
    // The view of these members follows, as if it had been decided.
    void install(const std::vector<std::size_t>& members) {
        const exchange::View closed = ledger->view();
        exchange::Decision decision;
        decision.next.ledger = closed.ledger;
        decision.next.number = closed.number + 1;
        decision.next.previous = exchange::digest_of(closed);
        for (std::size_t i : members)
            decision.next.members.push_back(key(i));
        for (const PublicKey& member : closed.members)
            decision.next.cut.push_back({member, 0, {}});
        ASSERT_TRUE(ledger->install(decision.next).ok());
        keeper->installed(closed, decision, now);
    }
    ViewMessage message(ViewMessageKind kind, std::size_t sender) const {
        ViewMessage made;
        made.kind = kind;
        made.sender = key(sender);
        made.view = exchange::digest_of(ledger->view());
        made.tips.assign(ledger->view().members.size(), {});
        if (kind == ViewMessageKind::prepare) made.ballot = {1, *ledger->view().index_of(key(sender))};
        return made;
    }
    bool proposes() {
        step();
        return keeper->wedged();
    }

    std::vector<CheapSigner> signers;
    std::unique_ptr<exchange::OpenLedger> ledger;
    ViewKeeperOptions options;
    std::unique_ptr<ViewKeeper> keeper;
    std::set<PublicKey> connected;
    Effects effects;
    MonoTime now{1'000'000'000'000};
};

TEST_F(ViewKeeperTest, AMemberIsSuspectedWhenItWasSilentForTSuspect) {
    connected = {key(1)};
    step();
    pass(Duration::milliseconds(3'999), {1});
    EXPECT_FALSE(keeper->is_suspected(key(2), now));
    pass(Duration::milliseconds(1), {1});
    EXPECT_TRUE(keeper->is_suspected(key(2), now));
    EXPECT_FALSE(keeper->is_suspected(key(1), now));
    EXPECT_FALSE(keeper->is_suspected(key(0), now));
    EXPECT_TRUE(keeper->wedged());  // and it is this member's turn
}

TEST_F(ViewKeeperTest, WithoutTSuspectNobodyIsSuspected) {
    options.suspect_after = {};
    make();
    step();
    later(Duration::seconds(1'000'000));
    step();
    EXPECT_FALSE(keeper->is_suspected(key(1), now));
    EXPECT_FALSE(keeper->alive_interval());
}

TEST_F(ViewKeeperTest, AProcessThatStoodStillSuspectsNobody) {
    connected = {key(1), key(2)};
    step();
    later(Duration::seconds(100));
    EXPECT_FALSE(proposes());
    EXPECT_FALSE(keeper->is_suspected(key(1), now));
}

TEST_F(ViewKeeperTest, NobodyIsHeardWhoIsNotConnected) {
    step();
    pass(Duration::seconds(5), {1});
    EXPECT_TRUE(keeper->is_suspected(key(2), now));
    EXPECT_FALSE(keeper->wedged());
    connected = {key(1)};
    EXPECT_TRUE(proposes());
}

TEST_F(ViewKeeperTest, AMessageInTheInboxStopsBlocksAtOnce) {
    EXPECT_FALSE(keeper->is_stopped());
    keeper->on_message(message(ViewMessageKind::prepare, 1), now);
    EXPECT_TRUE(keeper->is_stopped());
    EXPECT_EQ(step().records.size(), 1u);
    EXPECT_TRUE(keeper->wedged());
}

TEST_F(ViewKeeperTest, OneThatMayNotVotePromisesNothing) {
    keeper->on_message(message(ViewMessageKind::prepare, 1), now);
    EXPECT_TRUE(keeper->step(now, {false, true, connected}, effects).records.empty());
    EXPECT_FALSE(keeper->wedged());
}

TEST_F(ViewKeeperTest, TheInboxIsBounded) {
    for (std::size_t i = 0; i < 3 * ViewKeeper::inbox_max; ++i) {
        ViewMessage prepare = message(ViewMessageKind::prepare, 1);
        prepare.ballot.number = i + 1;
        keeper->on_message(std::move(prepare), now);
    }
    EXPECT_EQ(step().records.size(), ViewKeeper::inbox_max);
}

TEST_F(ViewKeeperTest, AMessageOfTheViewBeforeIsNotKept) {
    const ViewMessage late = message(ViewMessageKind::prepare, 1);
    install({0, 1});
    keeper->on_message(late, now);
    EXPECT_FALSE(keeper->is_stopped());
}

TEST_F(ViewKeeperTest, OneWhoReturnsIsLetInWhenItsHoldOffIsOver) {
    connected = {key(1)};
    step();
    install({0, 1});
    keeper->on_message(message(ViewMessageKind::join, 2), now);
    EXPECT_FALSE(proposes());
    pass(Duration::milliseconds(1'999), {1});
    keeper->on_message(message(ViewMessageKind::join, 2), now);
    EXPECT_FALSE(proposes());
    pass(Duration::milliseconds(1), {1});
    keeper->on_message(message(ViewMessageKind::join, 2), now);
    EXPECT_TRUE(proposes());
}

TEST_F(ViewKeeperTest, TheHoldOffDoublesWithEachDropUpToItsMaximum) {
    options.hold_off_max = Duration::seconds(8);
    make();
    connected = {key(1)};
    step();
    for (const std::int64_t seconds : {2, 4, 8, 8}) {
        install({0, 1});
        pass(Duration::milliseconds(seconds * 1'000 - 1), {1});
        keeper->on_message(message(ViewMessageKind::join, 2), now);
        EXPECT_FALSE(proposes()) << seconds;
        pass(Duration::milliseconds(1), {1});
        keeper->on_message(message(ViewMessageKind::join, 2), now);
        EXPECT_TRUE(proposes()) << seconds;
        install({0, 1, 2});
    }
}

TEST_F(ViewKeeperTest, OneThatStayedForLongStartsWithTheFirstHoldOffAgain) {
    connected = {key(1), key(2)};
    step();
    for (int i = 0; i < 3; ++i) {
        install({0, 1});
        install({0, 1, 2});
    }
    pass(options.hold_off_forget, {1, 2});
    install({0, 1});
    pass(options.hold_off, {1});
    keeper->on_message(message(ViewMessageKind::join, 2), now);
    EXPECT_TRUE(proposes());
}

TEST_F(ViewKeeperTest, AJoinThatIsNotRepeatedIsForgotten) {
    options.hold_off = Duration::seconds(10);
    make();
    connected = {key(1)};
    step();
    install({0, 1});
    keeper->on_message(message(ViewMessageKind::join, 2), now);
    pass(options.hold_off, {1});
    EXPECT_FALSE(proposes());
    keeper->on_message(message(ViewMessageKind::join, 2), now);
    EXPECT_TRUE(proposes());
}

TEST_F(ViewKeeperTest, OnlyKeysOfTheFirstViewMayJoin) {
    signers.emplace_back(9);
    EXPECT_FALSE(keeper->may_join(key(3)));
    EXPECT_FALSE(keeper->may_join(key(2)));  // is a member
    install({0, 1});
    EXPECT_TRUE(keeper->may_join(key(2)));
    connected = {key(1)};
    keeper->on_message(message(ViewMessageKind::join, 3), now);
    EXPECT_FALSE(proposes());
}

TEST_F(ViewKeeperTest, OneThatWasLeftOutAsksMembersEverySecond) {
    install({1, 2});
    connected = {key(1)};
    step();
    ASSERT_EQ(effects.sends.size(), 1u);
    EXPECT_EQ(effects.sends[0].peer, key(1));
    EXPECT_EQ(effects.wake_at, now + options.join_interval);
    step();
    EXPECT_EQ(effects.sends.size(), 1u);
    later(options.join_interval);
    step();
    EXPECT_EQ(effects.sends.size(), 2u);
    later(options.join_interval);
    keeper->step(now, {true, false, connected}, effects);  // it lacks blocks: not yet
    EXPECT_EQ(effects.sends.size(), 2u);
}

TEST_F(ViewKeeperTest, RemembersSoManyClosedViews) {
    const Digest first = exchange::digest_of(ledger->view());
    install({0, 1, 2});
    const Digest second = exchange::digest_of(ledger->view());
    ASSERT_NE(keeper->closed(first), nullptr);
    EXPECT_EQ(keeper->closed(first)->view.number, 1u);
    EXPECT_EQ(keeper->closed(second), nullptr);
    for (std::size_t i = 0; i < ViewKeeper::closed_views_max; ++i)
        install({0, 1, 2});
    EXPECT_EQ(keeper->closed(first), nullptr);
    EXPECT_NE(keeper->closed(second), nullptr);
}

TEST_F(ViewKeeperTest, TellsAPeerInAnotherViewNotTooOften) {
    EXPECT_TRUE(keeper->other_view_due(key(1), now));
    EXPECT_FALSE(keeper->other_view_due(key(1), now));
    EXPECT_TRUE(keeper->other_view_due(key(2), now));
    later(ViewKeeper::other_view_interval);
    EXPECT_TRUE(keeper->other_view_due(key(1), now));
    keeper->disconnected(key(1));
    EXPECT_TRUE(keeper->other_view_due(key(1), now));
}

}  // namespace
}  // namespace peerbook::app
