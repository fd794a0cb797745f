#include "app/node/view_keeper.h"

#include <gtest/gtest.h>

#include <deque>
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
    void tell(ViewMessage told) { keeper->on_message(std::move(told), {now, wall}); }
    bool proposes() {
        step();
        return keeper->wedged();
    }

    std::deque<CheapSigner> signers;  // in one place, for the keeper has a reference
    std::unique_ptr<exchange::OpenLedger> ledger;
    ViewKeeperOptions options;
    std::unique_ptr<ViewKeeper> keeper;
    std::set<PublicKey> connected;
    Effects effects;
    MonoTime now{1'000'000'000'000};
    WallTime wall{1'700'000'000'000};
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
    tell(message(ViewMessageKind::prepare, 1));
    EXPECT_TRUE(keeper->is_stopped());
    EXPECT_EQ(step().records.size(), 1u);
    EXPECT_TRUE(keeper->wedged());
}

TEST_F(ViewKeeperTest, OneThatMayNotVotePromisesNothing) {
    tell(message(ViewMessageKind::prepare, 1));
    EXPECT_TRUE(keeper->step(now, {false, true, connected}, effects).records.empty());
    EXPECT_FALSE(keeper->wedged());
}

TEST_F(ViewKeeperTest, TheInboxIsBounded) {
    for (std::size_t i = 0; i < 3 * ViewKeeper::inbox_max; ++i) {
        ViewMessage prepare = message(ViewMessageKind::prepare, 1);
        prepare.ballot.number = i + 1;
        tell(std::move(prepare));
    }
    EXPECT_EQ(step().records.size(), ViewKeeper::inbox_max);
}

TEST_F(ViewKeeperTest, AMessageOfTheViewBeforeIsNotKept) {
    const ViewMessage late = message(ViewMessageKind::prepare, 1);
    install({0, 1});
    tell(late);
    EXPECT_FALSE(keeper->is_stopped());
}

TEST_F(ViewKeeperTest, OneWhoReturnsIsLetInWhenItsHoldOffIsOver) {
    connected = {key(1)};
    step();
    install({0, 1});
    tell(message(ViewMessageKind::join, 2));
    EXPECT_FALSE(proposes());
    pass(Duration::milliseconds(1'999), {1});
    tell(message(ViewMessageKind::join, 2));
    EXPECT_FALSE(proposes());
    pass(Duration::milliseconds(1), {1});
    tell(message(ViewMessageKind::join, 2));
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
        tell(message(ViewMessageKind::join, 2));
        EXPECT_FALSE(proposes()) << seconds;
        pass(Duration::milliseconds(1), {1});
        tell(message(ViewMessageKind::join, 2));
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
    tell(message(ViewMessageKind::join, 2));
    EXPECT_TRUE(proposes());
}

TEST_F(ViewKeeperTest, OneThatLeftHasNoHoldOff) {
    connected = {key(1), key(2)};
    step();
    tell(message(ViewMessageKind::leave, 2));
    install({0, 1});
    tell(message(ViewMessageKind::join, 2));
    EXPECT_TRUE(proposes());
}

TEST_F(ViewKeeperTest, OneThatLeavesSoonAfterItJoinedHasOne) {
    connected = {key(1), key(2)};
    step();
    install({0, 1});
    install({0, 1, 2});
    pass(options.hold_off - Duration::milliseconds(1), {1, 2});
    tell(message(ViewMessageKind::leave, 2));
    install({0, 1});
    tell(message(ViewMessageKind::join, 2));
    EXPECT_FALSE(proposes());
}

TEST_F(ViewKeeperTest, OneThatLeavesIsGivenAMomentInWhichTheOthersMayLeaveAsWell) {
    connected = {key(1), key(2)};
    step();
    tell(message(ViewMessageKind::leave, 2));
    EXPECT_FALSE(proposes());
    EXPECT_EQ(effects.wake_at, now + options.leave_grace);
    later(options.leave_grace);
    EXPECT_TRUE(proposes());
}

TEST_F(ViewKeeperTest, WhereAllLeaveNobodyIsLeftOut) {
    connected = {key(1), key(2)};
    step();
    tell(message(ViewMessageKind::leave, 1));
    EXPECT_TRUE(keeper->can_leave(now, {true, true, connected, true}));
    tell(message(ViewMessageKind::leave, 2));
    EXPECT_FALSE(keeper->can_leave(now, {true, true, connected, true}));
    for (int i = 0; i < 20; ++i) {
        later(Duration::milliseconds(100));
        keeper->step(now, {true, true, connected, true}, effects);
        EXPECT_FALSE(keeper->wedged());
    }
}

TEST_F(ViewKeeperTest, ALeaverTellsMembersUntilItIsLeftOut) {
    connected = {key(1), key(2)};
    keeper->step(now, {true, true, connected, true}, effects);
    EXPECT_EQ(effects.sends.size(), 2u);
    keeper->step(now, {true, true, connected, true}, effects);
    EXPECT_EQ(effects.sends.size(), 2u);
    later(options.leave_interval);
    keeper->step(now, {true, true, connected, true}, effects);
    EXPECT_EQ(effects.sends.size(), 4u);
    install({1, 2});
    later(options.join_interval);
    keeper->step(now, {false, true, connected, true}, effects);
    EXPECT_EQ(effects.sends.size(), 4u);  // and does not ask to join
}

TEST_F(ViewKeeperTest, ALeaverThatFellSilentIsOneThatWasDropped) {
    connected = {key(1)};
    step();
    tell(message(ViewMessageKind::leave, 2));
    connected = {};  // no quorum, so it is not left out at once
    pass(Duration::seconds(4), {1});
    install({0, 1});
    connected = {key(1)};
    tell(message(ViewMessageKind::join, 2));
    EXPECT_FALSE(proposes());
}

TEST_F(ViewKeeperTest, AJoinThatIsNotRepeatedIsForgotten) {
    options.hold_off = Duration::seconds(10);
    make();
    connected = {key(1)};
    step();
    install({0, 1});
    tell(message(ViewMessageKind::join, 2));
    pass(options.hold_off, {1});
    EXPECT_FALSE(proposes());
    tell(message(ViewMessageKind::join, 2));
    EXPECT_TRUE(proposes());
}

TEST_F(ViewKeeperTest, OnlyKeysOfTheFirstViewMayJoinWhereTheNetworkNamesMembers) {
    signers.emplace_back(9);
    install({0, 1});
    connected = {key(1)};
    tell(message(ViewMessageKind::join, 3));
    EXPECT_FALSE(proposes());
    EXPECT_EQ(keeper->joining_needs(wall), "");  // it is a member
}

TEST_F(ViewKeeperTest, OneThatWasLeftOutAsksMembersEverySecond) {
    install({1, 2});
    connected = {key(1)};
    step();
    ASSERT_EQ(effects.sends.size(), 2u);  // also the one that is not connected: others pass it on
    EXPECT_EQ(effects.sends[0].peer, key(1));
    EXPECT_EQ(effects.sends[1].peer, key(2));
    EXPECT_EQ(effects.wake_at, now + options.join_interval);
    step();
    EXPECT_EQ(effects.sends.size(), 2u);
    later(options.join_interval);
    step();
    EXPECT_EQ(effects.sends.size(), 4u);
    later(options.join_interval);
    keeper->step(now, {true, false, connected}, effects);  // it lacks blocks: not yet
    EXPECT_EQ(effects.sends.size(), 4u);
}

TEST_F(ViewKeeperTest, OneThatIsHeardThroughOthersCountsAsHeardUntilItFallsSilent) {
    connected = {key(1)};
    step();
    EXPECT_FALSE(keeper->is_apart(key(2), connected, now));
    EXPECT_TRUE(keeper->heard_by_relay(key(2), now));
    EXPECT_FALSE(keeper->heard_by_relay(key(2), now)) << "that is no news";
    EXPECT_TRUE(keeper->is_apart(key(2), connected, now));
    EXPECT_FALSE(keeper->is_apart(key(2), {key(1), key(2)}, now)) << "it is connected";
    later(options.suspect_after);
    EXPECT_TRUE(keeper->is_apart(key(2), connected, now));
    EXPECT_TRUE(keeper->is_suspected(key(2), now));
    later(Duration::milliseconds(1));
    EXPECT_FALSE(keeper->is_apart(key(2), connected, now));
    EXPECT_TRUE(keeper->heard_by_relay(key(2), now));
    EXPECT_FALSE(keeper->is_suspected(key(2), now));
    keeper->disconnected(key(2));
    EXPECT_FALSE(keeper->is_apart(key(2), connected, now)) << "what was heard before says nothing of now";
}

TEST_F(ViewKeeperTest, RemembersSoManyClosedViews) {
    options.closed_bytes_max = 4'096;
    make();
    const Digest first = exchange::digest_of(ledger->view());
    install({0, 1, 2});
    const Digest second = exchange::digest_of(ledger->view());
    ASSERT_NE(keeper->closed(first), nullptr);
    EXPECT_EQ(keeper->closed(first)->view.number, 1u);
    EXPECT_EQ(keeper->closed(second), nullptr);
    Digest last = second;
    for (std::size_t i = 0; i < 100 && keeper->closed(first); ++i) {
        last = exchange::digest_of(ledger->view());
        install({0, 1, 2});
    }
    EXPECT_EQ(keeper->closed(first), nullptr);
    EXPECT_NE(keeper->closed(last), nullptr);
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

// --- strangers that want to become members
// -------------------------------------------------------------------------------------------------

class ViewKeeperWithStrangers : public ViewKeeperTest {
  protected:
    void open_to(exchange::Joining joining, std::uint32_t needed = 1) {
        options.admission = {joining, needed};
        make();
        connected = {key(1), key(2)};
        step();
        stranger = add_key(9);
    }
    std::size_t add_key(std::uint64_t number) {
        signers.emplace_back(number);
        return signers.size() - 1;
    }
    exchange::Invitation invitation(std::size_t invited, std::size_t inviter,
                                    Duration lasts = Duration::seconds(60)) const {
        const WallTime expires{wall.ms + lasts.ms()};
        return exchange::make_invitation(network, ledger->view().ledger, key(invited), expires,
                                         signers[inviter]);
    }
    ViewMessage join(std::size_t sender, std::vector<exchange::Invitation> invitations) const {
        ViewMessage made = message(ViewMessageKind::join, sender);
        made.invitations = std::move(invitations);
        return made;
    }
    void be(std::size_t self) {
        keeper = std::make_unique<ViewKeeper>(*ledger, signers[self], options, Random(1));
    }
    // What was sent last.
    ViewMessage sent() const {
        const auto got = exchange::verify_view_message(effects.sends.back().payload.view(), ledger->view(),
                                                       network, peerbook::testing::CheapVerifier());
        EXPECT_TRUE(got.ok());
        return *got;
    }
    std::size_t stranger = 0;
};

TEST_F(ViewKeeperWithStrangers, AnyoneIsLetInWhereTheNetworkSaysSo) {
    open_to(exchange::Joining::anyone);
    tell(join(stranger, {}));
    EXPECT_TRUE(proposes());
}

TEST_F(ViewKeeperWithStrangers, OnlyInvitedOnesAreLetIn) {
    open_to(exchange::Joining::invited);
    tell(join(stranger, {}));
    EXPECT_FALSE(proposes());
    tell(join(stranger, {invitation(stranger, stranger)}));  // by itself
    EXPECT_FALSE(proposes());
    tell(join(stranger, {invitation(2, 1)}));  // somebody else's
    EXPECT_FALSE(proposes());
    tell(join(stranger, {invitation(stranger, 2)}));
    EXPECT_TRUE(proposes());
}

TEST_F(ViewKeeperWithStrangers, AnExpiredInvitationIsNotTaken) {
    open_to(exchange::Joining::invited);
    tell(join(stranger, {invitation(stranger, 1, {})}));
    EXPECT_FALSE(proposes());
    tell(join(stranger, {invitation(stranger, 1, Duration::milliseconds(1))}));
    wall.ms += 5;  // once taken its time is looked at no more
    EXPECT_TRUE(proposes());
}

TEST_F(ViewKeeperWithStrangers, AsManyDifferentMembersMustInviteAsTheNetworkSays) {
    open_to(exchange::Joining::invited, 2);
    tell(join(stranger, {invitation(stranger, 1)}));
    EXPECT_FALSE(proposes());
    tell(join(stranger, {invitation(stranger, 1), invitation(stranger, 1, Duration::seconds(90))}));
    EXPECT_FALSE(proposes());
    tell(join(stranger, {invitation(stranger, 1), invitation(stranger, 2)}));
    EXPECT_TRUE(proposes());
}

TEST_F(ViewKeeperWithStrangers, AnInviterMustBeAMemberOfTheViewThatEnds) {
    open_to(exchange::Joining::invited);
    install({0, 1});
    tell(join(stranger, {invitation(stranger, 2)}));
    EXPECT_FALSE(proposes());
}

TEST_F(ViewKeeperWithStrangers, OneThatWasAMemberOnceNeedsNoMoreInvitations) {
    open_to(exchange::Joining::invited);
    install({0, 1, 2, stranger});
    install({0, 1, 2});
    pass(options.hold_off, {1, 2});
    tell(join(stranger, {}));
    EXPECT_TRUE(proposes());
}

TEST_F(ViewKeeperWithStrangers, ThoseWhoAskAreBoundedAndFormerMembersGoFirst) {
    open_to(exchange::Joining::anyone);
    install({0, 1});
    pass(options.hold_off, {1});
    keeper->disconnected(key(2));
    const auto asking = [&] {
        return std::ranges::count_if(
            signers, [&](const CheapSigner& one) { return keeper->asks_to_join(one.public_key(), now); });
    };
    for (std::size_t i = 0; i < 2 * ViewKeeper::joiners_max; ++i)
        tell(join(add_key(1'000 + i), {}));
    EXPECT_EQ(asking(), static_cast<std::ptrdiff_t>(ViewKeeper::joiners_max));
    tell(join(stranger, {}));
    EXPECT_FALSE(keeper->asks_to_join(key(stranger), now));
    tell(join(2, {}));
    EXPECT_TRUE(keeper->asks_to_join(key(2), now));
    EXPECT_EQ(asking(), static_cast<std::ptrdiff_t>(ViewKeeper::joiners_max));
    // Those who no longer ask make room.
    later(options.join_interval * 4);
    tell(join(stranger, {}));
    EXPECT_TRUE(keeper->asks_to_join(key(stranger), now));
    EXPECT_EQ(asking(), 1);
}

TEST_F(ViewKeeperWithStrangers, AnInvitedOneAsksWithItsInvitations) {
    open_to(exchange::Joining::invited, 2);
    be(stranger);
    step();
    EXPECT_TRUE(effects.sends.empty());  // it would be in vain
    EXPECT_NE(keeper->joining_needs(wall).find("needs invitations by 2 of the present members and has 0"),
              std::string::npos);
    keeper->set_invitations({invitation(stranger, 1), invitation(stranger, 1, Duration::seconds(90)),
                             invitation(stranger, stranger)});
    step();
    EXPECT_TRUE(effects.sends.empty());
    EXPECT_NE(keeper->joining_needs(wall).find("and has 1:"), std::string::npos)
        << keeper->joining_needs(wall);
    keeper->set_invitations({invitation(stranger, 1), invitation(stranger, 2)});
    step();
    ASSERT_EQ(effects.sends.size(), 3u);  // to all members
    EXPECT_EQ(sent().invitations.size(), 2u);
    EXPECT_EQ(keeper->joining_needs(wall), "");
    wall.ms += 60'000;
    EXPECT_NE(keeper->joining_needs(wall).find("has 0 (2 more expired)"), std::string::npos);
}

TEST_F(ViewKeeperWithStrangers, OneThatIsNotNamedSaysWhyItStaysAnObserver) {
    open_to(exchange::Joining::named);
    be(stranger);
    keeper->set_invitations({invitation(stranger, 1)});
    step();
    EXPECT_TRUE(effects.sends.empty());
    EXPECT_NE(keeper->joining_needs(wall).find("the network names its members"), std::string::npos);
}

TEST_F(ViewKeeperWithStrangers, ALedgerThatBeganLaterHasItsOwnFounders) {
    open_to(exchange::Joining::named);
    install({0, stranger});
    keeper->began();
    install({0});
    pass(options.hold_off, {});
    tell(join(stranger, {}));
    EXPECT_TRUE(proposes());
}

}  // namespace
}  // namespace peerbook::app
