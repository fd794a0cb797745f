// Two ledgers of one network meet: rule 21.
#include "tests/unit/node/ledgers_world.h"

namespace peerbook::app::testing {
namespace {

using Source = NodeOptions::LedgerSource;

TEST(NodeAdopt, TwoLedgersThatMeetGoOnAndSayWhatTheySee) {
    LedgersWorld w(2, 0, Source::operator_found);
    w.world.heal(0, 1);
    w.world.run_for(Duration::seconds(60));
    for (std::size_t node : {0u, 1u}) {
        const Ticket settled = w.pay(node, "alice", 5, Grade::settled);
        w.world.run_for(Duration::milliseconds(100));
        EXPECT_TRUE(w.world.answered(settled));
        EXPECT_EQ(w.members(node), 1u);
        const auto others = w.status(node).other_ledgers;
        ASSERT_EQ(others.size(), 1u);
        EXPECT_EQ(others[0].ledger, w.id(1 - node));
        EXPECT_EQ(others[0].members, 1u);
        EXPECT_EQ(others[0].view, 1u);
        EXPECT_EQ(others[0].reachable, 1u);
        EXPECT_FALSE(others[0].is_fork);
        EXPECT_NE(w.status(node).says.find("Peers have another ledger"), std::string::npos)
            << w.status(node).says;
    }
    w.world.cut(0, 1);
    w.world.run();
    EXPECT_EQ(w.status(0).other_ledgers.at(0).reachable, 0u);
    EXPECT_EQ(w.status(0).says.find("Peers have"), std::string::npos);
    w.expect_no_blame();
}

TEST(NodeAdopt, WhatIsSaidOfAnotherLedgerFollowsItsViews) {
    LedgersWorld w(3, 0, Source::peers);
    w.world.heal(0, 1);
    w.world.run_for(Duration::seconds(3));
    w.world.cut(0, 1);
    w.world.run_for(Duration::seconds(4));  // the elder goes on alone
    const std::size_t elder = w.members(0) == 1 ? 0 : 1;
    w.world.heal(0, 1);
    w.world.run_for(Duration::seconds(8));
    ASSERT_EQ(w.members(0), 2u);
    const std::uint64_t view = w.world.node(elder).ledger().view().number;
    EXPECT_GE(view, 3u);
    EXPECT_TRUE(w.ledgers(elder).is_established);
    EXPECT_EQ(w.ledgers(elder).view, view);
    EXPECT_TRUE(w.ledgers(2).ledger.is_zero());
}

TEST(NodeAdopt, ASoleMemberGivesUpItsLedgerAndJoinsTheOtherUnderANewKey) {
    LedgersWorld w(2, 0, Source::operator_found);
    w.world.heal(0, 1);
    w.trade(1);
    w.pay(0, "alice", 5);
    w.world.run();
    const PublicKey old_key = w.world.key(1);
    const Digest old_ledger = w.id(1), wanted = w.id(0);
    const auto settled = w.status(1);
    ASSERT_EQ(settled.settled_trades, 1u);
    const auto answer = w.adopt(1, wanted);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    const GivenUpLedger& given_up = std::get<GivenUpLedger>(*answer);
    EXPECT_EQ(given_up.ledger, old_ledger);
    EXPECT_EQ(given_up.adopted, wanted);
    EXPECT_EQ(given_up.node, old_key);
    EXPECT_EQ(given_up.settled_trades, 1u);
    EXPECT_EQ(given_up.settled_commits, settled.settled_commits);
    EXPECT_EQ(given_up.settled_prefix, settled.settled_prefix);

    w.world.start_anew(1);
    EXPECT_NE(w.world.key(1), old_key);
    w.world.run_for(Duration::seconds(3));
    EXPECT_NE(w.status(1).says.find("adopted ledger"), std::string::npos) << w.status(1).says;
    w.world.heal(0, 1);
    w.pay(1, "bob", 7);
    w.world.run_for(Duration::seconds(5));
    EXPECT_EQ(w.id(1), wanted);
    EXPECT_EQ(w.members(0), 2u);
    w.expect_same_log({0, 1});
    EXPECT_EQ(w.balance(0, w.world.key(1), "bob"), "7");
    EXPECT_EQ(w.balance(1, w.world.key(0), "alice"), "5");
    EXPECT_EQ(w.status(1).settled_trades, 0u);
    w.world.crash_and_restart(1);
    w.world.run_for(Duration::seconds(3));
    EXPECT_EQ(w.id(1), wanted);
    w.expect_same_log({0, 1});
    w.expect_no_blame();
}

TEST(NodeAdopt, AnotherMemberLeavesFirstAndTheOthersGoOn) {
    LedgersWorld w(4, 0, Source::peers);
    w.world.heal(0, 1);
    w.world.heal(2, 3);
    w.world.run_for(Duration::seconds(3));
    const Digest ours = w.id(1), theirs = w.id(2);
    ASSERT_NE(ours, theirs);
    w.world.heal(1, 2);
    w.world.run_for(Duration::seconds(1));
    EXPECT_EQ(w.id(1), ours);
    const PublicKey old_key = w.world.key(1);
    const Ticket last = w.pay(1, "alice", 5, Grade::settled);
    const auto answer = w.adopt(1, theirs);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    // What it took settled in the old ledger before it was gone, for those who stay.
    EXPECT_TRUE(w.world.answered(last) && w.world.submit_answer(last).ok());
    EXPECT_EQ(w.balance(0, old_key, "alice"), "5");
    EXPECT_EQ(w.members(0), 1u);
    const Ticket alone = w.pay(0, "ann", 3, Grade::settled);
    w.world.start_anew(1);
    w.world.heal(1, 2);
    w.world.heal(1, 3);
    w.world.run_for(Duration::seconds(6));
    EXPECT_TRUE(w.world.answered(alone));
    EXPECT_EQ(w.members(2), 3u);
    w.expect_same_log({1, 2, 3});
    EXPECT_EQ(w.balance(1, old_key, "alice"), "none");
    w.expect_no_blame();
}

TEST(NodeAdopt, OneThatCannotLeaveIsToldSo) {
    LedgersWorld w(4, 0, Source::peers);
    w.world.heal(0, 1);
    w.world.heal(2, 3);
    w.world.run_for(Duration::seconds(3));
    const std::size_t younger = w.world.node(0).ledger().view().members[0] == w.world.key(0) ? 1 : 0;
    w.world.heal(younger, 2);
    w.world.run_for(Duration::seconds(1));
    w.world.cut(0, 1);
    w.world.run_for(Duration::seconds(3));
    expect_error(w.adopt(younger, w.id(2)), ErrorCode::unavailable, "has to leave it first");
    EXPECT_TRUE(w.world.given_up().empty());
}

TEST(NodeAdopt, WhereTheOthersDoNotAgreeInTimeNothingIsGivenUp) {
    for (const bool is_elder : {false, true}) {
        SCOPED_TRACE(is_elder ? "the elder adopts" : "the younger adopts");
        LedgersWorld w(4, 0, Source::peers);
        w.world.heal(0, 1);
        w.world.heal(2, 3);
        w.world.run_for(Duration::seconds(3));
        const std::size_t elder = w.world.node(0).ledger().view().members[0] == w.world.key(0) ? 0 : 1;
        const std::size_t leaver = is_elder ? elder : 1 - elder, other = 1 - leaver;
        w.world.heal(leaver, 2);
        w.world.run_for(Duration::seconds(1));
        w.world.hold_disk(other);
        const auto refused = w.adopt(leaver, w.id(2));
        expect_error(refused, ErrorCode::timed_out, "nothing was given up");
        EXPECT_TRUE(w.world.given_up().empty());
        w.world.release_disk(other);
        w.world.run_for(Duration::seconds(20));
        EXPECT_EQ(w.members(leaver), 2u);
        EXPECT_EQ(w.id(0), w.id(1));
        const Ticket again = w.pay(leaver, "alice", 5, Grade::settled);
        w.world.run_for(Duration::seconds(1));
        EXPECT_TRUE(w.world.answered(again) && w.world.submit_answer(again).ok());
        w.expect_same_log({0, 1});
        const auto answer = w.adopt(leaver, w.id(2));
        EXPECT_TRUE(answer.ok()) << answer.error().message;
    }
}

TEST(NodeAdopt, ItLeavesAlsoWhereItWouldNotWhenItStops) {
    NodeOptions options = ledgers_options(Source::peers);
    options.leave_on_stop = false;
    NodeWorld world(4, 0, options);
    world.heal(0, 1);
    world.heal(2, 3);
    world.run_for(Duration::seconds(3));
    world.heal(1, 2);
    world.run_for(Duration::seconds(1));
    const Ticket ticket = world.request(1, AdoptLedger{world.ask_for<StatusAnswer>(2, StatusQuery{}).ledger});
    world.run_for(Duration::seconds(3));
    EXPECT_TRUE(world.taken(ticket).ok());
    EXPECT_EQ(world.node(0).ledger().view().members.size(), 1u);
}

TEST(NodeAdopt, ARequestThatMakesNoSenseSaysWhy) {
    LedgersWorld w(3, 0, Source::operator_found);
    w.world.heal(0, 1);
    w.world.run();
    expect_error(w.adopt(0, w.id(0)), ErrorCode::invalid_input, "already");
    expect_error(w.adopt(0, w.id(2)), ErrorCode::not_found, to_hex(w.id(1)));
    expect_error(w.adopt(2, w.id(0)), ErrorCode::not_found, "peers connect");
    const Ticket first = w.world.request(0, AdoptLedger{w.id(1)});
    const Ticket second = w.world.request(0, AdoptLedger{w.id(1)});
    expect_error(w.world.taken(second), ErrorCode::conflict, "already on its way");
    const Ticket refused = w.pay(0, "alice", 5);
    w.world.run();
    EXPECT_TRUE(w.world.taken(first).ok());
    EXPECT_FALSE(w.world.submit_answer(refused).ok());
    EXPECT_NE(w.status(0).says.find("gave its ledger up"), std::string::npos);
}

TEST(NodeAdopt, ANodeWithoutALedgerHasNothingToGiveUp) {
    LedgersWorld w(2, 0, Source::peers);
    expect_error(w.adopt(0, Digest{{1}}), ErrorCode::conflict, "no ledger to give up");
    const std::size_t founder = w.world.key(0) < w.world.key(1) ? 0 : 1;
    w.world.hold_disk(1 - founder);  // it cannot bind, so it says nothing
    w.world.heal(0, 1);
    w.world.run_for(Duration::seconds(2));
    EXPECT_FALSE(w.ledgers(founder).ledger.is_zero());
    EXPECT_FALSE(w.ledgers(founder).is_established);
    expect_error(w.adopt(founder, Digest{{1}}), ErrorCode::unavailable, "being founded");
    expect_error(w.fork(founder), ErrorCode::unavailable, "being founded");
}

TEST(NodeAdopt, OneWhoseAdoptedLedgerIsGoneMayAdoptAnother) {
    LedgersWorld w(3, 0, Source::operator_found);
    w.world.heal(0, 1);
    w.world.run();
    const auto first = w.adopt(1, w.id(0));
    ASSERT_TRUE(first.ok());
    w.world.start_anew(1);  // and the other is gone
    w.world.heal(1, 2);
    w.pay(1, "bob", 7);
    w.world.run_for(Duration::seconds(30));
    EXPECT_TRUE(w.id(1).is_zero()) << "it enters no other by itself";
    expect_error(w.adopt(1, w.id(0)), ErrorCode::conflict, "no ledger to give up");
    const auto second = w.adopt(1, w.id(2));
    ASSERT_TRUE(second.ok()) << second.error().message;
    EXPECT_TRUE(std::get<GivenUpLedger>(*second).ledger.is_zero());
    w.world.start_anew(1);
    w.world.heal(1, 2);
    w.world.run_for(Duration::seconds(5));
    EXPECT_EQ(w.members(2), 2u);
    w.expect_same_log({1, 2});
}

TEST(NodeAdopt, TradesOfALedgerThatWasGivenUpAreAskedForByItsId) {
    NodeOptions options = ledgers_options(Source::operator_found);
    GivenUpLedger given_up;
    given_up.ledger.data.fill(9);
    given_up.settled_trades = 3;
    options.given_up = {given_up};
    NodeWorld world(1, 0, options);
    EXPECT_EQ(world.ask_for<LedgersAnswer>(0, LedgersQuery{}).given_up.at(0).settled_trades, 3u);
    const auto ask = [&](TradesQuery query) {
        Effects effects;
        world.node(0).ask(Ticket(77), std::move(query), world.now(), effects);
        return effects;
    };
    TradesQuery query;
    query.ledger = given_up.ledger;
    EXPECT_EQ(std::get<Result<Answer>>(ask(query).answers.at(0).answer).error().code,
              ErrorCode::invalid_input);
    query.market = exchange::MarketId(0);
    const Effects read = ask(query);
    ASSERT_EQ(read.index_reads.size(), 1u);
    EXPECT_EQ(read.index_reads[0].given_up->settled_trades, 3u);
    EXPECT_EQ(read.index_reads[0].query.after, 0u);
    query.ledger->data.fill(8);
    EXPECT_EQ(std::get<Result<Answer>>(ask(query).answers.at(0).answer).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace peerbook::app::testing
