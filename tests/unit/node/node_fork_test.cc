// The quorum of a ledger is gone for good: rule 22.
#include "tests/unit/node/ledgers_world.h"

namespace peerbook::app::testing {
namespace {

using Source = NodeOptions::LedgerSource;

// Two nodes found a ledger and settle something; `younger` then stays alone.
struct Widow : LedgersWorld {
    explicit Widow(std::size_t nodes = 2) : LedgersWorld(nodes, 0, Source::peers) {
        world.heal(0, 1);
        world.run_for(Duration::seconds(3));
        younger = world.node(0).ledger().view().members[0] == world.key(0) ? 1 : 0;
        elder = 1 - younger;
        trade(younger);
        pay(elder, "eve", 3);
        world.run_for(Duration::seconds(1));
        old = id(younger);
    }
    void elder_goes() {
        world.cut(0, 1);
        world.run_for(Duration::seconds(3));
    }

    std::size_t younger = 1, elder = 0;
    Digest old;
};

TEST(NodeFork, TheYoungerOfTwoGoesOnAloneFromWhatSettled) {
    Widow w;
    w.elder_goes();
    const Ticket stalled = w.pay(w.younger, "alice", 5, Grade::settled);
    w.world.run_for(Duration::seconds(3));
    EXPECT_FALSE(w.world.answered(stalled));
    EXPECT_NE(w.status(w.younger).says.find("ledger fork"), std::string::npos) << w.status(w.younger).says;
    const auto before = w.status(w.younger);

    const auto answer = w.fork(w.younger);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    const ForkAnswer& fork = std::get<ForkAnswer>(*answer);
    EXPECT_EQ(fork.from, w.old);
    EXPECT_NE(fork.ledger, w.old);
    EXPECT_EQ(fork.view, before.view + 1);
    EXPECT_EQ(fork.settled_commits, before.settled_commits);
    EXPECT_TRUE(fork.is_member);
    EXPECT_EQ(fork.members, std::vector<PublicKey>{w.world.key(w.younger)});
    w.world.run_for(Duration::seconds(1));
    EXPECT_TRUE(w.world.answered(stalled) && w.world.submit_answer(stalled).ok());
    EXPECT_EQ(w.balance(w.younger, w.world.key(w.younger), "alice"), "5");
    EXPECT_EQ(w.balance(w.younger, w.world.key(w.elder), "eve"), "3");
    EXPECT_EQ(w.status(w.younger).settled_trades, 1u);
    EXPECT_EQ(w.id(w.younger), fork.ledger);
    EXPECT_EQ(w.ledgers(w.younger).forks, std::vector<Digest>{w.old});

    const DigestsAnswer digests = w.world.digests(w.younger);
    w.world.crash_and_restart_alone(w.younger);
    EXPECT_EQ(w.id(w.younger), fork.ledger);
    EXPECT_EQ(to_hex(w.world.digests(w.younger).state), to_hex(digests.state));
    const Ticket after = w.pay(w.younger, "alice", 6, Grade::settled);
    w.world.run_for(Duration::seconds(1));
    EXPECT_TRUE(w.world.answered(after) && w.world.submit_answer(after).ok());
    EXPECT_EQ(w.balance(w.younger, w.world.key(w.younger), "alice"), "11");
    w.expect_no_blame();
}

TEST(NodeFork, TheOldLedgersMemberThatReturnsStaysThereAndMayAdoptTheFork) {
    Widow w;
    w.elder_goes();
    const auto answer = w.fork(w.younger);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    const Digest fork = std::get<ForkAnswer>(*answer).ledger;
    w.pay(w.elder, "eve", 4);
    w.world.heal(0, 1);
    w.pay(w.younger, "alice", 5);
    w.world.run_for(Duration::seconds(10));
    EXPECT_EQ(w.id(w.elder), w.old);
    EXPECT_EQ(w.id(w.younger), fork);
    const auto others = w.status(w.elder).other_ledgers;
    ASSERT_EQ(others.size(), 1u);
    EXPECT_EQ(others[0].ledger, fork);
    EXPECT_TRUE(others[0].is_fork);
    EXPECT_FALSE(w.status(w.younger).other_ledgers.at(0).is_fork);
    // It settled more in the old ledger, alone, and so cannot follow.
    expect_error(w.accept(w.elder, fork), ErrorCode::conflict, "no reason to fork");
    const auto adopted = w.adopt(w.elder, fork);
    ASSERT_TRUE(adopted.ok()) << adopted.error().message;
    w.world.start_anew(w.elder);
    w.world.heal(0, 1);
    w.pay(w.elder, "eva", 7);
    w.world.run_for(Duration::seconds(8));
    EXPECT_EQ(w.members(w.younger), 2u);
    w.expect_same_log({0, 1});
    EXPECT_EQ(w.balance(w.younger, w.world.key(w.elder), "eva"), "7");
    w.world.crash_and_restart(w.elder);
    w.world.crash_and_restart(w.younger);
    w.pay(w.elder, "eva", 1);
    w.world.run_for(Duration::seconds(5));
    w.expect_same_log({0, 1});
    EXPECT_EQ(w.balance(w.younger, w.world.key(w.elder), "eva"), "8");
    w.expect_no_blame();
}

TEST(NodeFork, AFreshNodeEntersAForkedLedger) {
    Widow w(3);
    w.elder_goes();
    ASSERT_TRUE(w.fork(w.younger).ok());
    w.pay(w.younger, "alice", 5);
    w.pay(2, "carol", 9);
    w.world.run_for(Duration::seconds(2));
    w.world.heal(2, w.younger);
    w.world.run_for(Duration::seconds(6));
    EXPECT_EQ(w.members(w.younger), 2u);
    w.expect_same_log({w.younger, 2});
    EXPECT_EQ(w.balance(w.younger, w.world.key(2), "carol"), "9");
    EXPECT_EQ(w.balance(2, w.world.key(w.elder), "eve"), "3");
    w.world.crash_and_restart(2);
    w.world.run_for(Duration::seconds(3));
    w.expect_same_log({w.younger, 2});
    w.expect_no_blame();
}

TEST(NodeFork, AForkMayBeForked) {
    Widow w(3);
    w.elder_goes();
    ASSERT_TRUE(w.fork(w.younger).ok());
    w.world.heal(2, w.younger);
    w.world.run_for(Duration::seconds(6));
    ASSERT_EQ(w.members(2), 2u);
    w.world.cut(2, w.younger);
    w.world.run_for(Duration::seconds(3));
    w.pay(2, "carol", 9);
    const auto answer = w.fork(2);  // it is the younger one there
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    w.world.run();
    EXPECT_EQ(w.ledgers(2).forks.size(), 2u);
    EXPECT_EQ(w.balance(2, w.world.key(2), "carol"), "9");
    w.world.crash_and_restart_alone(2);
    EXPECT_EQ(w.id(2), std::get<ForkAnswer>(*answer).ledger);
    // The one that was left by both joins the last of them.
    w.world.heal(2, w.elder);
    w.world.run_for(Duration::seconds(1));
    ASSERT_TRUE(w.adopt(w.elder, w.id(2)).ok());
    w.world.start_anew(w.elder);
    w.world.heal(2, w.elder);
    w.world.run_for(Duration::seconds(8));
    w.expect_same_log({2, w.elder});
    EXPECT_EQ(w.members(2), 2u);
    w.expect_no_blame();
}

TEST(NodeFork, AForkThatWasAMistakeIsUndoneByAdoptingTheOldLedger) {
    Widow w;
    w.elder_goes();
    ASSERT_TRUE(w.fork(w.younger).ok());
    w.pay(w.younger, "alice", 5);
    w.pay(w.elder, "eve", 4);
    w.world.heal(0, 1);
    w.world.run_for(Duration::seconds(3));
    const auto adopted = w.adopt(w.younger, w.old);
    ASSERT_TRUE(adopted.ok()) << adopted.error().message;
    w.world.start_anew(w.younger);
    w.world.heal(0, 1);
    w.world.run_for(Duration::seconds(6));
    EXPECT_EQ(w.members(w.elder), 2u);
    EXPECT_EQ(w.id(w.younger), w.old);
    w.expect_same_log({0, 1});
    EXPECT_EQ(w.balance(w.younger, w.world.key(w.elder), "eve"), "7");
    w.expect_no_blame();
}

// View 1 of five by the network file; 3 and 4 survive.
struct Survivors : LedgersWorld {
    explicit Survivors(exchange::Joining joining = exchange::Joining::anyone)
        : LedgersWorld(5, 5, Source::network_file, joining) {
        world.run();
        trade(3);
        pay(4, "dan", 2);
        world.run_for(Duration::seconds(1));
        old = id(3);
    }
    void three_die() {
        for (std::size_t dead : {0u, 1u, 2u})
            cut_off(dead, 5);
        world.run_for(Duration::seconds(3));
    }
    ForkLedger both() const { return {{world.key(3), world.key(4)}}; }
    // Both survivors go on together; the fork's id.
    Digest both_fork() {
        const auto founded = fork(3, both());
        EXPECT_TRUE(founded.ok()) << founded.error().message;
        if (!founded.ok()) return {};
        const Digest made = std::get<ForkAnswer>(*founded).ledger;
        EXPECT_TRUE(accept(4, made).ok());
        return made;
    }
    // One of the dead is back, and hears of the survivors.
    void comes_back(std::size_t node) {
        world.heal(node, 3);
        world.heal(node, 4);
        world.run_for(Duration::seconds(2));
    }
    void expect_settled(Ticket ticket) {
        EXPECT_TRUE(world.answered(ticket) && world.submit_answer(ticket).ok());
    }
    // As an observer that the fork's members issue commands for: those that waited, and further ones.
    void expect_observer_is_served(std::size_t node, Ticket waits) {
        EXPECT_EQ(status(node).role, "observer");
        EXPECT_EQ(balance(3, world.key(node), "ann"), "6");
        expect_settled(waits);
        const Ticket after = pay(node, "ann", 1, Grade::settled);
        world.run_for(Duration::seconds(3));
        expect_settled(after);
        expect_same_log({node, 3, 4});
    }

    Digest old;
};

TEST(NodeFork, TwoOfFiveGoOnTogetherOnceBothOperatorsSayIt) {
    Survivors w;
    w.three_die();
    const Ticket at_3 = w.pay(3, "cat", 5, Grade::settled), at_4 = w.pay(4, "dan", 7, Grade::settled);
    w.world.run_for(Duration::seconds(1));
    EXPECT_FALSE(w.world.answered(at_3));
    const auto founded = w.fork(3, w.both());
    ASSERT_TRUE(founded.ok()) << founded.error().message;
    const Digest fork = std::get<ForkAnswer>(*founded).ledger;
    w.world.run_for(Duration::seconds(2));
    EXPECT_EQ(w.id(4), w.old);  // not by itself
    EXPECT_EQ(w.status(4).other_ledgers.at(0).ledger, fork);
    expect_error(w.fork(4), ErrorCode::conflict, "--accept");
    const auto accepted = w.accept(4, fork);
    ASSERT_TRUE(accepted.ok()) << accepted.error().message;
    EXPECT_TRUE(std::get<ForkAnswer>(*accepted).is_member);
    w.world.run_for(Duration::seconds(3));
    EXPECT_TRUE(w.world.answered(at_3) && w.world.answered(at_4));
    w.expect_same_log({3, 4});
    EXPECT_EQ(w.members(3), 2u);
    EXPECT_EQ(w.balance(3, w.world.key(4), "dan"), "9");
    EXPECT_EQ(w.balance(4, w.world.key(3), "cat"), "5");
    for (std::size_t node : {3u, 4u})
        w.world.crash_and_restart(node);
    w.pay(4, "dan", 1);
    w.world.run_for(Duration::seconds(3));
    w.expect_same_log({3, 4});
    EXPECT_EQ(w.balance(3, w.world.key(4), "dan"), "10");
    w.expect_no_blame();
}

TEST(NodeFork, TheSameCommandAtBothGivesOneLedger) {
    Survivors w;
    w.three_die();
    const Ticket first = w.world.request(3, w.both()), second = w.world.request(4, w.both());
    w.world.run_for(Duration::milliseconds(100));
    const auto at_3 = w.world.taken(first), at_4 = w.world.taken(second);
    ASSERT_TRUE(at_3.ok() && at_4.ok());
    EXPECT_EQ(std::get<ForkAnswer>(*at_3).ledger, std::get<ForkAnswer>(*at_4).ledger);
    w.pay(3, "cat", 5);
    w.world.run_for(Duration::seconds(3));
    w.expect_same_log({3, 4});
    EXPECT_EQ(w.balance(4, w.world.key(3), "cat"), "5");
    w.expect_no_blame();
}

TEST(NodeFork, OneThatLacksAPartOfTheLogFetchesItBeforeItEnters) {
    Survivors w;
    w.cut_off(4, 5);
    w.world.run_for(Duration::milliseconds(300));
    w.pay(0, "ann", 6);
    w.world.run_for(Duration::seconds(4));  // the others settle it in a view without it
    ASSERT_EQ(w.members(3), 4u);
    for (std::size_t dead : {0u, 1u, 2u})
        w.cut_off(dead, 5);
    w.world.run_for(Duration::seconds(3));
    expect_error(w.fork(3, w.both()), ErrorCode::unavailable, "Connect to it first");
    const auto founded = w.fork(3);
    ASSERT_TRUE(founded.ok()) << founded.error().message;
    const Digest fork = std::get<ForkAnswer>(*founded).ledger;
    EXPECT_EQ(w.balance(4, w.world.key(0), "ann"), "none");
    w.world.set_link_delay(Duration::milliseconds(30));
    w.world.heal(3, 4);
    w.world.run_for(Duration::milliseconds(40));
    expect_error(w.fork(4, {{}, fork}), ErrorCode::unavailable, "fetching");
    w.world.run_for(Duration::seconds(2));
    EXPECT_EQ(w.balance(4, w.world.key(0), "ann"), "6");
    EXPECT_EQ(w.id(4), w.old);
    const auto accepted = w.accept(4, fork);
    ASSERT_TRUE(accepted.ok()) << accepted.error().message;
    EXPECT_FALSE(std::get<ForkAnswer>(*accepted).is_member);
    w.pay(4, "dan", 1);
    w.world.run_for(Duration::seconds(6));
    EXPECT_EQ(w.members(3), 2u);
    w.expect_same_log({3, 4});
    w.expect_no_blame();
}

TEST(NodeFork, OneThatSettledMoreRefusesLoudlyAndItsForkIsAnotherLedger) {
    Survivors w;
    w.cut_off(3, 5);
    w.world.run_for(Duration::milliseconds(100));
    w.pay(0, "ann", 6);
    w.world.run_for(Duration::milliseconds(200));  // four of five settle it in the same view
    const std::uint64_t settled = w.status(4).settled_commits;
    ASSERT_GT(settled, w.status(3).settled_commits);
    for (std::size_t dead : {0u, 1u, 2u})
        w.cut_off(dead, 5);
    w.world.run_for(Duration::seconds(3));
    const auto shorter = w.fork(3);
    ASSERT_TRUE(shorter.ok()) << shorter.error().message;
    const Digest short_fork = std::get<ForkAnswer>(*shorter).ledger;
    w.world.heal(3, 4);
    w.world.run_for(Duration::seconds(1));
    expect_error(w.accept(4, short_fork), ErrorCode::conflict, "REFUSED");
    EXPECT_EQ(w.id(4), w.old);
    const auto longer = w.fork(4);
    ASSERT_TRUE(longer.ok()) << longer.error().message;
    EXPECT_NE(std::get<ForkAnswer>(*longer).ledger, short_fork);
    w.world.run();
    EXPECT_GE(std::get<ForkAnswer>(*longer).settled_commits, settled);
    w.expect_no_blame();
}

TEST(NodeFork, AnotherMemberOfTheOldLedgerMayFollowAndAskToJoin) {
    Survivors w;
    w.three_die();
    const Digest fork = w.both_fork();
    w.pay(0, "ann", 6);
    w.world.run_for(Duration::seconds(1));
    w.comes_back(0);  // it saw a quorum, until they said where they are
    EXPECT_EQ(w.id(0), w.old);
    const auto accepted = w.accept(0, fork);
    ASSERT_TRUE(accepted.ok()) << accepted.error().message;
    EXPECT_FALSE(std::get<ForkAnswer>(*accepted).is_member);
    w.world.run_for(Duration::seconds(8));
    EXPECT_EQ(w.members(3), 3u);
    w.expect_same_log({0, 3, 4});
    EXPECT_EQ(w.balance(3, w.world.key(0), "ann"), "6");
    w.expect_no_blame();
}

TEST(NodeFork, WhereTheNetworkNamesItsMembersAFollowerHasTheForksMembersIssueItsCommands) {
    Survivors w(exchange::Joining::named);
    w.three_die();
    const Digest fork = w.both_fork();
    const Ticket waits = w.pay(0, "ann", 6, Grade::settled);
    w.world.run_for(Duration::seconds(1));
    w.comes_back(0);
    ASSERT_TRUE(w.accept(0, fork).ok());
    w.world.run_for(Duration::seconds(8));
    EXPECT_EQ(w.members(3), 2u);
    w.expect_observer_is_served(0, waits);
    w.world.crash_and_restart(0);
    w.world.run_for(Duration::seconds(3));
    w.expect_same_log({0, 3, 4});
    w.expect_no_blame();
}

// It could make no block of them in the old ledger, so nothing of it is void.
TEST(NodeFork, WhatWaitedForABlockAtAFollowerThatStaysAnObserverIsIssuedByTheForksMembers) {
    Survivors w(exchange::Joining::named);
    w.three_die();
    const Digest fork = w.both_fork();
    w.world.crash_and_restart_alone(0);
    const std::uint64_t made = w.status(0).own_seq;
    const Ticket waits = w.pay(0, "ann", 6, Grade::settled);
    w.world.run_for(Duration::seconds(3));
    EXPECT_EQ(w.status(0).own_seq, made) << "no quorum says how much of its chain it holds";
    w.comes_back(0);
    ASSERT_TRUE(w.accept(0, fork).ok());
    w.world.run_for(Duration::seconds(8));
    w.expect_observer_is_served(0, waits);
    w.expect_no_blame();
}

// Seed 1056: a batch was on the disk before the fork, and left before it was there that the node had entered
// that.
TEST(NodeFork, AnObserversBatchGoesIntoAForkOnceItIsDurableThatItIsThere) {
    Survivors w(exchange::Joining::named);
    w.three_die();
    const Digest first = w.both_fork();
    w.comes_back(0);
    ASSERT_TRUE(w.accept(0, first).ok());
    w.world.run_for(Duration::seconds(3));
    w.cut_off(3, 5);
    w.world.run_for(Duration::seconds(3));
    const Ticket waits = w.pay(0, "ann", 6, Grade::settled);
    w.world.run_for(Duration::milliseconds(100));
    const auto second = w.fork(4, {{w.world.key(4)}});
    ASSERT_TRUE(second.ok()) << second.error().message;
    const auto batches = [&] {
        return std::ranges::count(w.world.sent_by(0), static_cast<std::uint8_t>(MessageKind::signed_batch),
                                  &SendEffect::kind);
    };
    const auto before = batches();
    w.world.hold_disk(0);
    w.world.request(0, ForkLedger{{}, std::get<ForkAnswer>(*second).ledger});
    w.world.run_for(Duration::milliseconds(500));
    EXPECT_EQ(w.world.node(0).ledger().view().ledger, std::get<ForkAnswer>(*second).ledger);
    EXPECT_EQ(batches(), before);
    w.world.release_disk(0);
    w.world.run_for(Duration::seconds(3));
    EXPECT_GT(batches(), before);
    w.expect_settled(waits);
    w.expect_no_blame();
}

TEST(NodeFork, ALostMemberThatReturnsIsToldToAcceptTheForkThatItCanEnter) {
    Survivors w;
    w.three_die();
    const auto founded = w.fork(3);
    ASSERT_TRUE(founded.ok());
    const Digest fork = std::get<ForkAnswer>(*founded).ledger;
    w.world.heal(0, 3);
    w.world.run_for(Duration::seconds(2));
    expect_error(w.adopt(0, fork), ErrorCode::unavailable, "ledger fork");
    expect_error(w.fork(0), ErrorCode::conflict, "--accept");
    ASSERT_TRUE(w.accept(0, fork).ok());
    w.pay(0, "anna", 4);
    w.world.run_for(Duration::seconds(8));
    EXPECT_EQ(w.members(3), 2u);
    w.expect_same_log({0, 3});
    EXPECT_EQ(w.balance(3, w.world.key(0), "anna"), "4");
    w.expect_no_blame();
}

TEST(NodeFork, ARequestThatMakesNoSenseSaysWhy) {
    Survivors w;
    expect_error(w.fork(3, w.both()), ErrorCode::conflict, "no reason to fork");
    for (std::size_t dead : {0u, 1u, 2u})
        w.cut_off(dead, 5);
    w.world.run_for(Duration::milliseconds(300));
    expect_error(w.fork(3, w.both()), ErrorCode::unavailable, "gone for good");
    w.world.run_for(Duration::seconds(3));
    expect_error(w.accept(3, w.old), ErrorCode::invalid_input, "already");
    expect_error(w.accept(3, Digest{{1}}), ErrorCode::not_found, "no connected peer");
    ForkLedger invalid;
    invalid.members.emplace_back();
    invalid.members[0].data.fill(0xff);
    expect_error(w.fork(3, invalid), ErrorCode::invalid_input, "no node's key");
    expect_error(w.fork(3, {{w.world.key(4), w.world.key(4)}}), ErrorCode::invalid_input, "twice");
    LedgersWorld fresh(1, 0, Source::peers);
    expect_error(fresh.fork(0), ErrorCode::conflict, "no ledger");
    LedgersWorld alone(1, 0, Source::operator_found);
    expect_error(alone.fork(0), ErrorCode::conflict, "no reason to fork");
}

TEST(NodeFork, AForkThatDoesNotComeFromTheOwnLedgerIsNotAccepted) {
    Widow w(4);
    w.elder_goes();
    w.world.heal(2, 3);
    w.world.run_for(Duration::seconds(3));
    w.world.heal(w.younger, 2);
    w.world.run_for(Duration::seconds(2));
    expect_error(w.accept(w.younger, w.id(2)), ErrorCode::invalid_input, "ledger adopt");
}

}  // namespace
}  // namespace peerbook::app::testing
