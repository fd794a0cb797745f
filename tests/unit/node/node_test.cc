#include "app/node/node.h"

#include <gtest/gtest.h>

#include "tests/unit/node/node_world.h"

namespace peerbook::app::testing {
namespace {

using exchange::Side;

std::vector<Intent> funded_maker(std::int64_t price, std::int64_t quantity) {
    return {NodeWorld::faucet("maker", 0, 1'000'000), NodeWorld::limit("maker", Side::sell, price, quantity)};
}

std::vector<Intent> funded_taker(std::int64_t price, std::int64_t quantity) {
    return {NodeWorld::faucet("taker", 1, 100'000'000),
            NodeWorld::limit("taker", Side::buy, price, quantity)};
}

TEST(Node, AloneInItsViewItSettlesAtOnce) {
    NodeWorld world(1, 1);
    world.submit(0, funded_maker(100, 5));
    world.run();
    const Ticket ticket = world.submit(0, funded_taker(100, 2));
    world.run();
    const auto answer = world.submit_answer(ticket);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->grade, Grade::settled);
    EXPECT_EQ(answer->results[1].status, CommandStatus::filled);
    ASSERT_EQ(answer->results[1].fills.size(), 1u);
    EXPECT_EQ(answer->results[1].fills[0].price, exchange::Price(100));
    EXPECT_EQ(world.digests(0).settled_trades, 1u);
    world.expect_equal_digests();
}

TEST(Node, NothingIsSentExecutedOrAnsweredBeforeItIsDurable) {
    NodeWorld world(2, 2);
    world.run();
    world.hold_disk(0);
    const std::size_t sent_before = world.sent_by(0).size();
    const Ticket ticket = world.submit(0, funded_maker(100, 5));
    world.run();
    EXPECT_FALSE(world.answered(ticket));
    EXPECT_EQ(world.sent_by(0).size(), sent_before);
    EXPECT_EQ(world.digests(0).commits, 0u);
    world.release_disk(0);
    world.run();
    EXPECT_TRUE(world.answered(ticket));
    EXPECT_GT(world.sent_by(0).size(), sent_before);
    world.expect_equal_digests();
}

TEST(Node, TwoNodesTradeAndBothSettleTheTrade) {
    NodeWorld world(2, 2);
    const Ticket maker = world.submit(0, funded_maker(100, 5));
    world.run();
    const Ticket taker = world.submit(1, funded_taker(101, 2), Grade::settled);
    world.run();
    ASSERT_TRUE(world.submit_answer(maker).ok());
    const auto answer = world.submit_answer(taker);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->grade, Grade::settled);
    ASSERT_EQ(answer->results[1].fills.size(), 1u);
    EXPECT_EQ(answer->results[1].fills[0].price, exchange::Price(100)) << "fills print at the resting price";
    EXPECT_EQ(world.digests(0).settled_trades, 1u);
    world.expect_equal_digests();
}

TEST(Node, AcknowledgementsEndInSilence) {
    NodeWorld world(3, 3);
    world.submit(0, funded_maker(100, 5));
    world.run();
    const auto blocks = world.ask_for<StatusAnswer>(0, StatusQuery{}).blocks_accepted;
    world.run_for(Duration::seconds(20));
    EXPECT_EQ(world.ask_for<StatusAnswer>(0, StatusQuery{}).blocks_accepted, blocks);
    EXPECT_LE(blocks, 1u + 3u * 3u) << "at most two empty blocks a command and member, and one for its vote";
}

TEST(Node, ACutLinkIsMendedThroughTheThirdNodeAndAfterHealing) {
    NodeWorld world(3, 3);
    world.run();
    world.cut(0, 1);
    world.submit(0, funded_maker(100, 5));
    world.submit(1, funded_taker(100, 2));
    world.run();
    world.heal(0, 1);
    world.run();
    EXPECT_EQ(world.digests(2).settled_trades, 1u);
    world.expect_equal_digests();
}

TEST(Node, WithoutAQuorumTradesStayProvisionalUntilItReturns) {
    NodeWorld world(3, 3);
    world.run();
    world.cut(0, 1);
    world.cut(0, 2);
    world.submit(0, funded_maker(100, 5));
    const Ticket taker = world.submit(0, funded_taker(100, 2));
    world.run();
    ASSERT_TRUE(world.submit_answer(taker).ok());
    EXPECT_EQ(world.submit_answer(taker)->grade, Grade::provisional);
    EXPECT_EQ(world.digests(0).settled_trades, 0u);
    const auto status = world.ask_for<StatusAnswer>(0, StatusQuery{});
    EXPECT_FALSE(status.ready);
    EXPECT_NE(status.says.find("cut off"), std::string::npos) << status.says;
    world.heal(0, 1);
    world.heal(0, 2);
    world.run();
    EXPECT_EQ(world.digests(0).settled_trades, 1u);
    world.expect_equal_digests();
}

TEST(Node, ALateBlockRetractsAProvisionalTradeForAllToSee) {
    NodeWorld world(3, 3);
    world.submit(0, funded_maker(100, 5));
    world.submit(1, {NodeWorld::faucet("first", 1, 1'000'000)});
    world.submit(2, {NodeWorld::faucet("second", 1, 1'000'000)});
    world.run();
    // Both sides of a partition buy the same five lots; only one of them can have them in the end.
    world.cut(0, 1);
    world.cut(1, 2);
    const Ticket first = world.submit(1, {NodeWorld::limit("first", Side::buy, 100, 5)});
    const Ticket second = world.submit(2, {NodeWorld::limit("second", Side::buy, 100, 5)});
    world.run_for(Duration::milliseconds(1));
    ASSERT_EQ(world.submit_answer(first)->results[0].status, CommandStatus::filled);
    ASSERT_EQ(world.submit_answer(second)->results[0].status, CommandStatus::filled);
    world.heal(0, 1);
    world.heal(1, 2);
    world.run();
    world.expect_equal_digests();
    EXPECT_EQ(world.digests(0).settled_trades, 1u);
    std::uint64_t retracted = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        const auto trades = world.ask_for<TradesAnswer>(i, TradesQuery{});
        for (const TradeView& trade : trades.trades)
            retracted += trade.grade == Grade::retracted;
        EXPECT_EQ(world.ask_for<StatusAnswer>(i, StatusQuery{}).retracted_trades > 0,
                  std::any_of(trades.trades.begin(), trades.trades.end(),
                              [](const TradeView& trade) { return trade.grade == Grade::retracted; }));
    }
    EXPECT_GE(retracted, 1u);
    for (const TradeView& trade : world.ask_for<TradesAnswer>(0, TradesQuery{}).trades)
        EXPECT_EQ(trade.grade == Grade::settled, trade.ordinal > 0)
            << "a settled trade is not listed as retracted";
}

TEST(Node, ARestartReplaysToTheSameDigestAndGoesOnWithTheNextSlot) {
    NodeWorld world(3, 3);
    world.submit(0, funded_maker(100, 5));
    world.submit(1, funded_taker(100, 2));
    world.run();
    const DigestsAnswer before = world.digests(1);
    const auto seq = world.ask_for<StatusAnswer>(1, StatusQuery{}).own_seq;
    world.crash_and_restart(1);
    EXPECT_EQ(to_hex(world.digests(1).state), to_hex(before.state));
    world.run();
    EXPECT_EQ(to_hex(world.digests(1).trades), to_hex(before.trades));
    const Ticket ticket = world.submit(1, {NodeWorld::limit("taker", Side::buy, 50, 1)});
    world.run();
    ASSERT_TRUE(world.submit_answer(ticket).ok());
    EXPECT_GT(world.submit_answer(ticket)->block, seq);
    EXPECT_EQ(world.submit_answer(ticket)->results[0].status, CommandStatus::resting);
    world.expect_equal_digests();
}

TEST(Node, WhatWasAcknowledgedSurvivesACrashAndWhatWasNotIsNotPretended) {
    NodeWorld world(3, 3);
    const Ticket kept = world.submit(0, funded_maker(100, 5));
    world.run();
    ASSERT_TRUE(world.submit_answer(kept).ok());
    world.hold_disk(0);
    const Ticket lost = world.submit(0, {NodeWorld::limit("maker", Side::sell, 101, 1)});
    world.run();
    EXPECT_FALSE(world.answered(lost));
    world.crash_and_restart(0);
    world.release_disk(0);
    world.run();
    EXPECT_EQ(world.ask_for<OrdersAnswer>(0, OrdersQuery{"maker"}).orders.size(), 1u);
    world.expect_equal_digests();
}

TEST(Node, APeersBlockIsWrittenWithTheNextOwnBlock) {
    NodeWorld world(2, 2);
    world.run();
    world.submit(0, funded_maker(100, 5));
    world.run_for(Duration::milliseconds(3));
    EXPECT_EQ(world.node(1).ledger().stats().blocks_accepted, 1u);
    EXPECT_EQ(world.journal_size(1), 0u);
    world.submit(1, funded_taker(100, 2));
    world.run_for(Duration::microseconds(100));
    EXPECT_EQ(world.journal_size(1), 2u);
    world.run();
    world.expect_equal_digests();
}

TEST(Node, WhatWaitsForTheDiskIsForgottenInACrashAndComesAgain) {
    NodeWorld world(3, 2);
    world.run();
    world.submit(0, funded_maker(100, 5));
    world.run_for(Duration::milliseconds(3));
    EXPECT_EQ(world.node(2).ledger().stats().blocks_accepted, 1u);
    EXPECT_EQ(world.journal_size(2), 0u);
    world.crash_and_restart(2);
    EXPECT_EQ(world.node(2).ledger().stats().blocks_accepted, 0u);
    world.run();
    world.expect_equal_digests();
    EXPECT_GT(world.journal_size(2), 0u);  // an observer has no own blocks to wait for
}

TEST(Node, AnObserverFollowsAndItsUsersTradeThroughAMember) {
    NodeWorld world(4, 3);
    world.submit(0, funded_maker(100, 5));
    world.run();
    const Ticket ticket = world.submit(3, funded_taker(100, 2), Grade::settled);
    world.run();
    const auto answer = world.submit_answer(ticket);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->grade, Grade::settled);
    EXPECT_EQ(answer->results[1].status, CommandStatus::filled);
    EXPECT_EQ(world.ask_for<StatusAnswer>(3, StatusQuery{}).role, "observer");
    world.expect_equal_digests();
}

TEST(Node, AnObserverSendsAgainToAnotherMemberWhenTheFirstDoesNotCarryIt) {
    NodeWorld world(3, 2);
    world.run();
    world.hold_disk(0);  // member 0 takes the batch and never gets it to disk
    const Ticket ticket = world.submit(2, funded_taker(100, 2));
    world.run_for(Duration::seconds(6));
    ASSERT_TRUE(world.answered(ticket));
    ASSERT_TRUE(world.submit_answer(ticket).ok()) << world.submit_answer(ticket).error().message;
    world.release_disk(0);
    world.run();
    EXPECT_EQ(world.ask_for<OrdersAnswer>(2, OrdersQuery{"taker"}).orders.size(), 1u) << "executed once only";
    world.expect_equal_digests();
}

TEST(Node, AnObserverThatReachesNoMemberSaysSoInsteadOfPretending) {
    NodeWorld world(2, 1);
    world.run();
    world.cut(0, 1);
    const Ticket ticket = world.submit(1, funded_taker(100, 2));
    world.run_for(Duration::seconds(40));
    ASSERT_TRUE(world.answered(ticket));
    ASSERT_FALSE(world.submit_answer(ticket).ok());
    EXPECT_EQ(world.submit_answer(ticket).error().code, ErrorCode::timed_out);
}

TEST(Node, ANonceUsedTwiceIsRefusedTheSecondTime) {
    NodeWorld world(1, 1);
    world.submit(0, funded_maker(100, 5));
    world.run();
    Intent order = NodeWorld::limit("maker", Side::sell, 105, 1);
    order.nonce = 40;
    const Ticket first = world.submit(0, {order});
    const Ticket second = world.submit(0, {order});
    world.run();
    EXPECT_EQ(world.submit_answer(first)->results[0].status, CommandStatus::resting);
    EXPECT_EQ(world.submit_answer(second)->results[0].reason, exchange::Reason::nonce_used);
    // The node's own count goes on above what the client chose.
    const Ticket third = world.submit(0, {NodeWorld::limit("maker", Side::sell, 106, 1)});
    world.run();
    EXPECT_EQ(world.submit_answer(third)->results[0].ref.nonce, 41u);
}

TEST(Node, AnOrderIsCancelledByItsIdAndOnlyByItsOwner) {
    NodeWorld world(1, 1);
    const Ticket placed = world.submit(0, funded_maker(100, 5));
    world.submit(0, {NodeWorld::faucet("other", 1, 10)});
    world.run();
    const exchange::OrderId id = world.submit_answer(placed)->results[1].order;
    const Ticket theft = world.submit(0, {{"other", std::nullopt, exchange::CancelOrder{}, id}});
    world.run();
    EXPECT_EQ(world.submit_answer(theft)->results[0].reason, exchange::Reason::unknown_order);
    const Ticket cancel = world.submit(0, {{"maker", std::nullopt, exchange::CancelOrder{}, id}});
    world.run();
    EXPECT_EQ(world.submit_answer(cancel)->results[0].status, CommandStatus::done);
    EXPECT_TRUE(world.ask_for<OrdersAnswer>(0, OrdersQuery{"maker"}).orders.empty());
}

TEST(Node, TooManyWaitingCommandsAreRefusedWholeWithAWordWhenToReturn) {
    NodeOptions options;
    options.pending_commands_max = 10;
    NodeWorld world(1, 1, options);
    world.hold_disk(0);
    world.submit(0, funded_maker(100, 5));
    world.run();
    std::vector<Intent> many(9, NodeWorld::limit("maker", Side::sell, 100, 1));
    const Ticket taken = world.submit(0, many);
    const Ticket refused = world.submit(0, many);
    ASSERT_TRUE(world.answered(refused));
    EXPECT_EQ(world.submit_answer(refused).error().code, ErrorCode::unavailable);
    world.release_disk(0);
    world.run();
    EXPECT_TRUE(world.submit_answer(taken).ok());
    EXPECT_EQ(world.ask_for<OrdersAnswer>(0, OrdersQuery{"maker"}).orders.size(), 10u);
}

TEST(Node, ANodeWhoseStoreIsOlderThanItsKeySignsNothingMore) {
    NodeWorld world(2, 2);
    world.submit(0, funded_maker(100, 5));
    world.run();
    // Another machine with node 0's key and an empty store hears of its own block from node 1.
    NodeWorld restored(2, 2);
    for (const SendEffect& sent : world.sent_by(0))
        if (sent.kind == static_cast<std::uint8_t>(MessageKind::block))
            restored.deliver_block(0, 1, sent.payload);
    restored.run();
    const Ticket ticket = restored.submit(0, funded_maker(100, 5));
    ASSERT_TRUE(restored.answered(ticket));
    EXPECT_EQ(restored.submit_answer(ticket).error().code, ErrorCode::unavailable);
    ASSERT_EQ(restored.retired_keys().size(), 1u);
    EXPECT_NE(restored.retired_keys()[0].find("this key is retired"), std::string::npos);
}

TEST(Node, AfterARestartItSignsNothingBeforeAQuorumSaidHowFarItKnowsItsChain) {
    NodeWorld world(3, 3);
    world.submit(0, funded_maker(100, 5));
    world.run();
    world.cut(0, 1);
    world.cut(0, 2);
    world.crash_and_restart(0);
    const Ticket ticket = world.submit(0, {NodeWorld::limit("maker", Side::sell, 101, 1)});
    world.run_for(Duration::seconds(1));
    EXPECT_FALSE(world.answered(ticket));
    EXPECT_NE(world.ask_for<StatusAnswer>(0, StatusQuery{}).says.find("before this node signs"),
              std::string::npos);
    world.heal(0, 2);
    world.run();
    ASSERT_TRUE(world.answered(ticket));
    EXPECT_TRUE(world.submit_answer(ticket).ok());
    world.heal(0, 1);
    world.run();
    world.expect_equal_digests();
}

TEST(Node, ARestoredOlderStoreIsFoundOutBeforeItSignsASlotTwice) {
    NodeWorld world(3, 3);
    world.submit(0, funded_maker(100, 5));
    world.run();
    world.lose_store(0);
    const Ticket ticket = world.submit(0, {NodeWorld::limit("maker", Side::sell, 101, 1)});
    world.run();
    EXPECT_EQ(world.journal_size(0), 0u) << "nothing was signed over the lost blocks";
    ASSERT_TRUE(world.answered(ticket));
    EXPECT_FALSE(world.submit_answer(ticket).ok());
    EXPECT_EQ(world.retired_keys().size(), 1u);
}

TEST(Node, WhileAMemberIsAwayTradesStayProvisionalAndStatusSaysWhy) {
    NodeWorld world(3, 3);
    world.submit(0, funded_maker(100, 5));
    world.run();
    world.cut(0, 2);
    world.cut(1, 2);
    const Ticket provisional = world.submit(1, funded_taker(100, 2));
    const Ticket settled = world.submit(1, {NodeWorld::limit("taker", Side::buy, 99, 1)}, Grade::settled);
    world.run_for(Duration::seconds(10));
    ASSERT_TRUE(world.submit_answer(provisional).ok());
    EXPECT_EQ(world.submit_answer(provisional)->grade, Grade::provisional);
    EXPECT_FALSE(world.answered(settled));
    const auto status = world.ask_for<StatusAnswer>(0, StatusQuery{});
    EXPECT_NE(status.says.find("until every member is back"), std::string::npos) << status.says;
    world.run_for(Duration::seconds(50));
    ASSERT_TRUE(world.answered(settled)) << "a client is not left waiting for ever";
    EXPECT_EQ(world.submit_answer(settled).error().code, ErrorCode::timed_out);
    world.heal(0, 2);
    world.heal(1, 2);
    world.run();
    EXPECT_EQ(world.digests(2).settled_trades, 1u);
    world.expect_equal_digests();
}

TEST(Node, AnObserversOrderWhoseNonceACancelBurntIsAnsweredAllTheSame) {
    NodeWorld world(3, 2);
    world.submit(2, funded_taker(100, 2));
    world.run();
    const auto accounts = world.ask_for<AccountsAnswer>(2, AccountQuery{"taker"});
    const std::uint64_t nonce = accounts.accounts.at(0).next_nonce + 5;
    exchange::CancelOrder cancel;
    cancel.target = {nonce, 0};
    const Ticket burn = world.submit(2, {{"taker", std::nullopt, cancel, std::nullopt}});
    Intent late = NodeWorld::limit("taker", Side::buy, 90, 1);
    late.nonce = nonce;
    const Ticket order = world.submit(2, {late});
    world.run_for(Duration::seconds(5));
    EXPECT_TRUE(world.answered(burn));
    ASSERT_TRUE(world.answered(order));
    ASSERT_TRUE(world.submit_answer(order).ok());
    EXPECT_EQ(world.submit_answer(order)->results[0].reason, exchange::Reason::nonce_used);
    EXPECT_EQ(world.ask_for<OrdersAnswer>(2, OrdersQuery{"taker"}).orders.size(), 1u)
        << "no resurrected order";
}

// Found by the simulator of nodes.
TEST(Node, ABatchWhoseFirstNonceACancelBurntIsCarriedForItsOtherCommands) {
    NodeWorld world(3, 2);
    world.submit(2, funded_taker(100, 2));
    world.run();
    const AccountView taker = world.ask_for<AccountsAnswer>(2, AccountQuery{"taker"}).accounts.at(0);
    exchange::CancelOrder cancel;
    cancel.target = {taker.next_nonce + 1, 0};
    world.submit(2, {{"taker", std::nullopt, cancel, std::nullopt}});
    world.run_for(Duration::microseconds(50));  // on its way to the member, and not executed here yet
    Intent burnt = NodeWorld::limit("taker", Side::buy, 90, 1);
    burnt.nonce = cancel.target.nonce;
    world.submit(2, {burnt, NodeWorld::limit("taker", Side::buy, 91, 1)});
    world.run_for(Duration::seconds(5));
    EXPECT_EQ(world.ask_for<OrdersAnswer>(0, OrdersQuery{to_hex(taker.id)}).orders.size(), 2u)
        << "the resting order of before and the batch's second command";
}

TEST(Node, AStrangersBatchThatNamesAnObserversOrderDoesNotAnswerForIt) {
    NodeWorld world(4, 2);
    world.submit(2, funded_taker(100, 2));
    world.run();
    const AccountView taker = world.ask_for<AccountsAnswer>(2, AccountQuery{"taker"}).accounts.at(0);
    const std::uint64_t nonce = taker.next_nonce + 1;
    world.hold_disk(0);  // the member that takes the order is slow
    Intent order = NodeWorld::limit("taker", Side::buy, 90, 1);
    order.nonce = nonce;
    const Ticket ticket = world.submit(2, {order});
    const exchange::NetworkRules& rules = world.node(0).ledger().engine().rules();
    const exchange::Command forged{taker.id, {nonce, 0}, order.body};
    world.deliver_batch(1, 3,
                        exchange::encode_signed_batch(exchange::BatchKind::hosted_by_other, rules.network,
                                                      rules.rules_version, world.signer(3), {forged}));
    world.run_for(Duration::milliseconds(500));
    EXPECT_FALSE(world.answered(ticket));
    world.release_disk(0);
    world.run_for(Duration::seconds(3));
    ASSERT_TRUE(world.answered(ticket));
    EXPECT_EQ(world.submit_answer(ticket)->results[0].status, CommandStatus::resting);
}

TEST(Node, BadAccountNamesAreRefusedBeforeAnythingIsQueued) {
    NodeWorld world(1, 1);
    const Ticket ticket =
        world.submit(0, {NodeWorld::faucet("good", 0, 1), NodeWorld::faucet("Not Good", 0, 1)});
    ASSERT_TRUE(world.answered(ticket));
    EXPECT_EQ(world.submit_answer(ticket).error().code, ErrorCode::invalid_input);
    world.run();
    EXPECT_EQ(world.digests(0).commits, 0u);
}

TEST(Node, ASelfCustodiedBatchRunsUnderItsOwnersSignatureOnly) {
    NodeWorld world(2, 2);
    world.run();
    KeySeed seed;
    seed.data.fill(77);
    const auto owner = make_ed25519_signer(seed);
    exchange::AccountId account;
    account.data = owner->public_key().data;
    const exchange::NetworkRules& rules = world.node(0).ledger().engine().rules();
    std::vector<exchange::Command> commands = {
        {account, {1, 0}, exchange::OpenAccount{}},
        {account, {1, 1}, exchange::Faucet{exchange::AssetId(1), 1'000}},
        {account, {1, 2}, NodeWorld::limit("", Side::buy, 10, 3).body}};
    SubmitRequest request;
    request.signed_batch = exchange::encode_signed_batch(exchange::BatchKind::self_custodied, rules.network,
                                                         rules.rules_version, *owner, commands);
    SubmitRequest forged = request;
    forged.signed_batch.back() ^= 1;
    const Ticket refused = world.submit(0, std::move(forged));
    ASSERT_TRUE(world.answered(refused));
    EXPECT_EQ(world.submit_answer(refused).error().code, ErrorCode::unauthorized);
    SubmitRequest of_a_node;
    of_a_node.signed_batch = exchange::encode_signed_batch(
        exchange::BatchKind::hosted_by_other, rules.network, rules.rules_version, *owner, {commands[0]});
    const Ticket not_taken = world.submit(0, std::move(of_a_node));
    ASSERT_TRUE(world.answered(not_taken));
    EXPECT_EQ(world.submit_answer(not_taken).error().code, ErrorCode::invalid_input);
    const Ticket taken = world.submit(1, std::move(request));
    world.run();
    const auto answer = world.submit_answer(taken);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->results[2].status, CommandStatus::resting);
    EXPECT_EQ(answer->results[2].market, exchange::MarketId(0)) << "its quantities can be written";

    commands = {{account, {2, 0}, NodeWorld::limit("", Side::buy, 10, 3).body}};
    std::get<exchange::LimitOrder>(commands[0].body).market = exchange::MarketId(4'000'000'000);
    request.signed_batch = exchange::encode_signed_batch(exchange::BatchKind::self_custodied, rules.network,
                                                         rules.rules_version, *owner, commands);
    const Ticket nowhere = world.submit(1, std::move(request));
    world.run();
    const auto refusal = world.submit_answer(nowhere);
    ASSERT_TRUE(refusal.ok()) << refusal.error().message;
    EXPECT_EQ(refusal->results[0].status, CommandStatus::rejected);
    EXPECT_FALSE(refusal->results[0].market) << "no such market";
    world.expect_equal_digests();
}

}  // namespace
}  // namespace peerbook::app::testing
