// Observers that are connected to no member: their users' commands travel sealed through others.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/node/node_world.h"

namespace peerbook::app::testing {
namespace {

using Verdict = FarAnswer::Verdict;

Duration s(std::int64_t seconds) {
    return Duration::seconds(seconds);
}

Ticket pay(NodeWorld& world, std::size_t node, const std::string& account, std::int64_t amount,
           Grade grade = Grade::provisional) {
    return world.submit(node, {NodeWorld::faucet(account, 1, amount)}, grade);
}

// 0 … members − 1 are members and connected; two observers follow, the first one connected to all members,
// the last one to the first one alone.
struct Far {
    explicit Far(std::size_t members, NodeOptions options = {})
        : world(members + 2, members, options), middle(members), far(members + 1) {
        for (std::size_t member = 0; member < members; ++member)
            world.cut(member, far);
        world.run_for(s(2));
    }
    StatusAnswer status() { return world.ask_for<StatusAnswer>(far, StatusQuery{}); }
    void expect_all_executed(const std::vector<Ticket>& tickets) {
        for (const Ticket ticket : tickets) {
            ASSERT_TRUE(world.answered(ticket));
            const auto answer = world.submit_answer(ticket);
            ASSERT_TRUE(answer.ok()) << answer.error().message;
            EXPECT_EQ(answer->results[0].reason, exchange::Reason::none);
        }
        world.expect_equal_digests();
    }
    NodeWorld world;
    std::size_t middle, far;
};

TEST(NodeFar, CommandsReachAMemberThroughAnotherObserverAndTheirResultComesBack) {
    Far net(3);
    EXPECT_FALSE(net.status().ready);
    const auto began = net.world.now().mono;
    const Ticket ticket = pay(net.world, net.far, "oscar", 5, Grade::settled);
    while (!net.world.answered(ticket) && net.world.now().mono < began + s(10))
        net.world.run_for(Duration::milliseconds(50));
    ASSERT_TRUE(net.world.answered(ticket));
    const auto answer = net.world.submit_answer(ticket);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_LT((net.world.now().mono - began).ms(), 1'500);
    EXPECT_EQ(net.world.sealed_by(net.far, MessageKind::far_batch), 1U);
    EXPECT_EQ(net.world.sealed_by(0, MessageKind::far_answer), 1U);
    EXPECT_TRUE(net.status().ready) << net.status().says;
    net.world.run_for(s(5));
    net.world.expect_equal_digests();
    EXPECT_TRUE(net.world.violations().empty());
}

TEST(NodeFar, ManyCommandsKeepTheOrderOfTheUser) {
    Far net(3);
    std::vector<Ticket> tickets;
    // Each needs what the one before it brought.
    tickets.push_back(pay(net.world, net.far, "oscar", 100));
    for (int i = 0; i < 20; ++i) {
        tickets.push_back(
            net.world.submit(net.far, {NodeWorld::limit("oscar", exchange::Side::buy, 1 + i % 3, 1)}));
        net.world.run_for(Duration::milliseconds(7));
    }
    net.world.run_for(s(5));
    net.expect_all_executed(tickets);
}

TEST(NodeFar, MoreThanMayBeOnTheWayKeepTheirOrderToo) {
    Far net(3);
    std::vector<Ticket> tickets{pay(net.world, net.far, "oscar", 1'000)};
    net.world.set_link_delay(Duration::milliseconds(200));  // so that they gather
    for (int i = 0; i < 400; ++i) {
        tickets.push_back(
            net.world.submit(net.far, {NodeWorld::limit("oscar", exchange::Side::buy, 1 + i % 2, 1)}));
        net.world.run_for(Duration::milliseconds(1));
    }
    EXPECT_LE(net.world.sealed_by(net.far, MessageKind::far_batch), 129U);
    net.world.run_for(s(20));
    net.expect_all_executed(tickets);
}

TEST(NodeFar, WhatOthersDoIsSeenWithinASecondOrSo) {
    Far net(3);
    (void)pay(net.world, 0, "alice", 5);
    net.world.run_for(Duration::milliseconds(1'500));
    net.world.expect_equal_digests();
}

TEST(NodeFar, AMemberThatCannotBeReachedIsLeftForTheNextOne) {
    Far net(3);
    net.world.drop_sealed_at(0);  // the one that is tried first
    const Ticket ticket = pay(net.world, net.far, "oscar", 5, Grade::settled);
    net.world.run_for(s(3));
    ASSERT_TRUE(net.world.answered(ticket));
    EXPECT_TRUE(net.world.submit_answer(ticket).ok());
    EXPECT_EQ(net.world.sealed_by(1, MessageKind::far_answer), 1U);
}

TEST(NodeFar, AMemberThatSaysItCannotIsLeftForTheNextOne) {
    NodeOptions options;
    options.leave_on_stop = false;
    Far net(3, options);
    net.world.drain(0);
    const Ticket ticket = pay(net.world, net.far, "oscar", 5);
    net.world.run_for(s(3));
    ASSERT_TRUE(net.world.answered(ticket));
    EXPECT_TRUE(net.world.submit_answer(ticket).ok());
    EXPECT_GE(net.world.sealed_by(0, MessageKind::far_answer), 1U);
    EXPECT_GE(net.world.sealed_by(1, MessageKind::far_answer), 1U);
    net.world.expect_equal_digests();
}

TEST(NodeFar, WhereNobodyCarriesIsTheUserToldThatItIsNotKnown) {
    Far net(3);
    for (std::size_t member = 0; member < 3; ++member)
        net.world.drop_sealed_at(member);
    const Ticket ticket = pay(net.world, net.far, "oscar", 5);
    net.world.run_for(s(60));
    ASSERT_TRUE(net.world.answered(ticket));
    EXPECT_EQ(net.world.submit_answer(ticket).error().code, ErrorCode::timed_out);
    // Tried again and again, and no more often than every half second.
    EXPECT_LE(net.world.sealed_by(net.far, MessageKind::far_batch), 80U);
    EXPECT_GE(net.world.sealed_by(net.far, MessageKind::far_batch), 3U);
}

TEST(NodeFar, WhenAMemberIsConnectedItGetsTheCommandsItself) {
    Far net(3);
    for (std::size_t member = 0; member < 3; ++member)
        net.world.drop_sealed_at(member);
    const Ticket ticket = pay(net.world, net.far, "oscar", 5);
    net.world.run_for(s(1));
    EXPECT_FALSE(net.world.answered(ticket));
    net.world.heal(1, net.far);
    net.world.run_for(s(1));
    ASSERT_TRUE(net.world.answered(ticket));
    EXPECT_TRUE(net.world.submit_answer(ticket).ok());
    const std::size_t far_batches = net.world.sealed_by(net.far, MessageKind::far_batch);
    (void)pay(net.world, net.far, "oscar", 6);
    net.world.run_for(s(3));
    EXPECT_EQ(net.world.sealed_by(net.far, MessageKind::far_batch), far_batches);
}

TEST(NodeFar, ARestartLosesNoCommandThatWasTaken) {
    Far net(3);
    for (std::size_t member = 0; member < 3; ++member)
        net.world.drop_sealed_at(member);
    (void)pay(net.world, net.far, "oscar", 5);
    net.world.run_for(s(1));
    net.world.crash_and_restart_alone(net.far);
    net.world.run_for(s(1));
    for (std::size_t member = 0; member < 3; ++member)
        net.world.heal(member, net.far);
    net.world.run_for(s(5));
    net.world.expect_equal_digests();
    const auto accounts = net.world.ask_for<AccountsAnswer>(0, AccountQuery{}).accounts;
    EXPECT_TRUE(
        std::ranges::any_of(accounts, [](const AccountView& account) { return account.name == "oscar"; }));
}

// What a far node may say to a member, and what it may not.
struct FarSenders : ::testing::Test {
    FarSenders() : world(3, 2) { world.run_for(s(1)); }
    Bytes batch(std::uint64_t nonce) {
        const exchange::NetworkRules& rules = *world.node(0).rules();
        const exchange::AccountId account = exchange::hosted_account_id(world.key(2), "oscar");
        const std::vector<exchange::Command> commands{{account, {nonce, 0}, exchange::OpenAccount{"oscar"}}};
        return exchange::encode_signed_batch(exchange::BatchKind::hosted_by_other, rules.network,
                                             rules.rules_version, world.signer(2), commands);
    }
    void offer(std::size_t to, const Digest& ledger, std::uint64_t nonce) {
        const Bytes bytes = batch(nonce);
        world.deliver_sealed(to, 2, MessageKind::far_batch,
                             SharedBytes(encode_far_batch({ledger, ++number, bytes})));
        world.run_for(s(1));
    }
    std::size_t accounts_opened() { return world.node(0).ledger().engine().stats().accounts - before; }
    NodeWorld world;
    std::uint64_t number = 0;
    std::size_t before = world.node(0).ledger().engine().stats().accounts;  // that of fees
};

TEST_F(FarSenders, ABatchForAnotherLedgerIsNotTaken) {
    offer(0, Digest{}, 1);
    EXPECT_EQ(accounts_opened(), 0U);
    EXPECT_EQ(world.sealed_by(0, MessageKind::far_answer), 1U) << "and its sender hears so";
    offer(0, world.node(0).ledger().view().ledger, 1);
    EXPECT_EQ(accounts_opened(), 1U);
}

TEST_F(FarSenders, WhatRanIsNotTakenAgain) {
    const Digest ledger = world.node(0).ledger().view().ledger;
    offer(0, ledger, 1);
    const auto blocks = world.node(0).ledger().stats().commands_executed;
    offer(0, ledger, 1);
    offer(1, ledger, 1);
    EXPECT_EQ(world.node(0).ledger().stats().commands_executed, blocks);
    EXPECT_EQ(world.sealed_by(0, MessageKind::far_answer), 2U);
}

TEST_F(FarSenders, AnObserverTakesNone) {
    offer(2, world.node(2).ledger().view().ledger, 1);
    EXPECT_EQ(accounts_opened(), 0U);
}

TEST_F(FarSenders, AnAnswerThatNobodyWaitsForChangesNothing) {
    for (const Verdict verdict : {Verdict::taken, Verdict::ran, Verdict::not_here, Verdict::busy})
        world.deliver_sealed(2, 0, MessageKind::far_answer, SharedBytes(encode_far_answer({77, verdict})));
    const Ticket ticket = pay(world, 2, "oscar", 5);
    world.run_for(s(1));
    ASSERT_TRUE(world.answered(ticket));
    EXPECT_TRUE(world.submit_answer(ticket).ok());
}

TEST(FarMessages, WhatIsWrittenIsReadAndNothingElse) {
    const Bytes batch(10, 7);
    Digest ledger;
    ledger.data.fill(3);
    const Bytes bytes = encode_far_batch({ledger, 9, batch});
    const auto read = decode_far_batch(bytes);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->ledger, ledger);
    EXPECT_EQ(read->number, 9U);
    EXPECT_EQ(read->batch.size(), 10U);
    for (std::size_t size = 0; size < 40; ++size)
        EXPECT_FALSE(decode_far_batch(ByteView(bytes).first(size)).ok()) << size;
    for (const Verdict verdict : {Verdict::taken, Verdict::ran, Verdict::not_here, Verdict::busy}) {
        const auto answer = decode_far_answer(encode_far_answer({5, verdict}));
        ASSERT_TRUE(answer.ok());
        EXPECT_EQ(answer->verdict, verdict);
    }
    Bytes unknown = encode_far_answer({5, Verdict::busy});
    ++unknown.back();
    EXPECT_FALSE(decode_far_answer(unknown).ok());
    unknown.push_back(0);
    EXPECT_FALSE(decode_far_answer(unknown).ok());
}

}  // namespace
}  // namespace peerbook::app::testing
