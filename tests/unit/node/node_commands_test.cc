// What clients are told about each kind of command.
#include <gtest/gtest.h>

#include "tests/unit/node/node_world.h"

namespace peerbook::app::testing {
namespace {

using exchange::Reason;
using exchange::Side;

Intent intent(const std::string& account, exchange::CommandBody body) {
    return {account, std::nullopt, std::move(body), std::nullopt};
}

class NodeCommands : public ::testing::Test {
  protected:
    NodeCommands() {
        world.submit(0, {NodeWorld::faucet("maker", 0, 1'000), NodeWorld::faucet("maker", 1, 100'000),
                         NodeWorld::faucet("taker", 0, 1'000), NodeWorld::faucet("taker", 1, 100'000)});
        world.run();
    }
    std::vector<CommandResult> done(std::vector<Intent> intents, bool by_nonce = false) {
        SubmitRequest request;
        request.intents = std::move(intents);
        request.by_nonce = by_nonce;
        const Ticket ticket = world.submit(0, std::move(request));
        world.run();
        const auto answer = world.submit_answer(ticket);
        EXPECT_TRUE(answer.ok()) << answer.error().message;
        return answer.ok() ? answer->results : std::vector<CommandResult>(9);
    }
    CommandResult one(Intent intent) { return done({std::move(intent)}).at(0); }
    OrderAnswer order(const exchange::OrderId& id) { return world.ask_for<OrderAnswer>(0, OrderQuery{id}); }

    NodeWorld world{1, 1};
};

TEST_F(NodeCommands, AReplacementIsNamedByTheIdOfItsTargetAndSaysWhatItTookAway) {
    const CommandResult old = one(NodeWorld::limit("maker", Side::sell, 100, 5));
    exchange::ReplaceOrder body;
    body.price = exchange::Price(101);
    body.quantity = exchange::Quantity(7);
    Intent replace = intent("maker", Boxed<exchange::ReplaceOrder>(body));
    replace.target_order = old.order;
    const CommandResult replaced = one(replace);
    EXPECT_EQ(replaced.status, CommandStatus::resting);
    EXPECT_EQ(replaced.leaves, exchange::Quantity(7));
    EXPECT_EQ(replaced.market, exchange::MarketId(0));
    EXPECT_EQ(replaced.orders_cancelled, 1u);
    EXPECT_EQ(order(old.order).state, OrderState::replaced);
    EXPECT_EQ(order(old.order).replaced_by, replaced.order);
    EXPECT_EQ(order(replaced.order).state, OrderState::open);
    EXPECT_EQ(order(replaced.order).order.price, exchange::Price(101));
    EXPECT_EQ(one(replace).reason, Reason::unknown_order) << "it does not live any more";
}

TEST_F(NodeCommands, AChangeThatNamesAnotherMarketThanItsTargetsIsRefusedWhole) {
    NodeWorld two(1, 1, {}, [](exchange::NetworkRules& rules) {
        rules.markets.push_back(rules.markets[0]);
        rules.markets[1].symbol = "BTC-EUR";
    });
    const Ticket placed =
        two.submit(0, {NodeWorld::faucet("maker", 0, 1'000), NodeWorld::limit("maker", Side::sell, 100, 5)});
    two.run();
    const CommandResult order = two.submit_answer(placed)->results[1];
    exchange::ReplaceOrder replacement;
    replacement.target = order.ref;
    replacement.price = exchange::Price(101);
    replacement.quantity = exchange::Quantity(7);
    Intent by_id = intent("maker", exchange::ReduceOrder{{}, exchange::Quantity(2)});
    by_id.target_order = order.order;
    Intent by_nonce = intent("maker", Boxed<exchange::ReplaceOrder>(replacement));
    for (Intent change : {by_id, by_nonce}) {
        change.target_market = exchange::MarketId(1);
        const Ticket refused = two.submit(0, {NodeWorld::faucet("maker", 0, 1), change});
        ASSERT_TRUE(two.answered(refused));
        EXPECT_EQ(two.submit_answer(refused).error().code, ErrorCode::invalid_input);
        EXPECT_EQ(two.submit_answer(refused).error().message,
                  "market: the order to change is in BTC-USD, not in BTC-EUR (command 2); nothing of this "
                  "request was taken");
    }
    for (Intent change : {by_id, by_nonce}) {
        change.target_market = exchange::MarketId(0);
        const Ticket taken = two.submit(0, {change});
        two.run();
        ASSERT_TRUE(two.submit_answer(taken).ok());
        EXPECT_NE(two.submit_answer(taken)->results[0].status, CommandStatus::rejected);
    }
}

TEST_F(NodeCommands, AMassQuoteAnswersForEachQuote) {
    exchange::MassQuote quotes;
    quotes.quotes = {{Side::sell, exchange::Price(110), exchange::Quantity(1)},
                     {Side::sell, exchange::Price(0), exchange::Quantity(1)},
                     {Side::buy, exchange::Price(90), exchange::Quantity(2)}};
    const CommandResult first = one(intent("maker", quotes));
    ASSERT_EQ(first.quotes.size(), 3u);
    EXPECT_EQ(first.status, CommandStatus::done);
    EXPECT_EQ(first.quotes[0].status, CommandStatus::resting);
    EXPECT_EQ(first.quotes[1].status, CommandStatus::rejected);
    EXPECT_EQ(first.quotes[1].reason, Reason::price_out_of_range);
    EXPECT_EQ(first.quotes[2].status, CommandStatus::resting);
    EXPECT_EQ(first.quotes[2].leaves, exchange::Quantity(2));
    EXPECT_EQ(first.quotes[2].ref, (exchange::CommandRef{first.ref.nonce, 2}));
    EXPECT_EQ(order(first.quotes[2].order).order.price, exchange::Price(90));

    const CommandResult second = one(intent("maker", quotes));
    EXPECT_EQ(second.orders_cancelled, 2u);
    EXPECT_EQ(order(first.quotes[0].order).state, OrderState::cancelled);
    EXPECT_EQ(order(first.quotes[0].order).reason, Reason::requoted);
    EXPECT_EQ(world.ask_for<OrdersAnswer>(0, OrdersQuery{"maker"}).orders.size(), 2u);

    quotes.market = exchange::MarketId(77);
    const CommandResult nowhere = one(intent("maker", quotes));
    EXPECT_EQ(nowhere.status, CommandStatus::rejected);
    EXPECT_EQ(nowhere.reason, Reason::unknown_market);
    for (const CommandResult& quote : nowhere.quotes)
        EXPECT_EQ(quote.reason, Reason::unknown_market);
}

TEST_F(NodeCommands, CancelAllSaysHowManyOrdersItTookAway) {
    done({NodeWorld::limit("maker", Side::sell, 100, 5), NodeWorld::limit("maker", Side::buy, 90, 5),
          NodeWorld::limit("taker", Side::buy, 80, 5)});
    exchange::CancelAll sells;
    sells.side = Side::sell;
    EXPECT_EQ(one(intent("maker", sells)).orders_cancelled, 1u);
    EXPECT_EQ(one(intent("maker", exchange::CancelAll{})).orders_cancelled, 1u);
    EXPECT_EQ(one(intent("maker", exchange::CancelAll{})).orders_cancelled, 0u);
}

TEST_F(NodeCommands, AnOrderTellsHowItEnded) {
    const CommandResult filled = one(NodeWorld::limit("maker", Side::sell, 100, 5));
    const CommandResult cancelled = one(NodeWorld::limit("maker", Side::sell, 101, 5));
    one(NodeWorld::limit("taker", Side::buy, 101, 7));
    EXPECT_EQ(order(filled.order).state, OrderState::filled);
    EXPECT_EQ(order(filled.order).order.quantity, exchange::Quantity(5));
    EXPECT_EQ(order(cancelled.order).state, OrderState::open);
    EXPECT_EQ(order(cancelled.order).order.leaves, exchange::Quantity(3));
    one({"maker", std::nullopt, exchange::CancelOrder{}, cancelled.order});
    EXPECT_EQ(order(cancelled.order).state, OrderState::cancelled);
    EXPECT_EQ(order(cancelled.order).reason, Reason::requested);
    EXPECT_EQ(order(cancelled.order).order.leaves, exchange::Quantity(3));
}

TEST_F(NodeCommands, AFillOfAnOrderThatThisOneTriggeredIsNotItsOwn) {
    done({NodeWorld::limit("maker", Side::sell, 100, 5), NodeWorld::limit("maker", Side::sell, 105, 5)});
    exchange::SpecialOrder stop;
    stop.order = std::get<exchange::LimitOrder>(NodeWorld::limit("", Side::buy, 105, 5).body);
    stop.trigger = exchange::Trigger{exchange::Price(100), exchange::TriggerWhen::at_or_above};
    const CommandResult waiting = one(intent("taker", Boxed<exchange::SpecialOrder>(stop)));
    EXPECT_EQ(waiting.status, CommandStatus::waiting);
    EXPECT_EQ(waiting.leaves, exchange::Quantity(5));
    const OrderView shown = order(waiting.order).order;
    EXPECT_EQ(shown.trigger->price, exchange::Price(100));
    const CommandResult taker = one(NodeWorld::limit("taker", Side::buy, 100, 5));
    EXPECT_EQ(taker.status, CommandStatus::filled);
    ASSERT_EQ(taker.fills.size(), 1u) << "the stop's fill is the stop's";
    EXPECT_EQ(taker.filled, exchange::Quantity(5));
    EXPECT_EQ(order(waiting.order).state, OrderState::filled);
    EXPECT_TRUE(order(waiting.order).was_triggered);
}

TEST_F(NodeCommands, ABudgetBuysWhatItCan) {
    one(NodeWorld::limit("maker", Side::sell, 100, 5));
    exchange::BudgetOrder buy;
    buy.protection = exchange::Price(100);
    buy.budget = 350;
    const CommandResult bought = one(intent("taker", buy));
    EXPECT_EQ(bought.filled, exchange::Quantity(3));
    EXPECT_EQ(bought.market, exchange::MarketId(0));
}

TEST_F(NodeCommands, AnIcebergShowsAPartAndQueriesShowItsWhole) {
    exchange::SpecialOrder iceberg;
    iceberg.order = std::get<exchange::LimitOrder>(NodeWorld::limit("", Side::sell, 100, 50).body);
    iceberg.display = exchange::Quantity(10);
    const CommandResult placed = one(intent("maker", Boxed<exchange::SpecialOrder>(iceberg)));
    EXPECT_EQ(placed.leaves, exchange::Quantity(50));
    const OrderView shown = order(placed.order).order;
    EXPECT_EQ(shown.quantity, exchange::Quantity(50));
    EXPECT_EQ(shown.shown, exchange::Quantity(10));
    const CommandResult taker = one(NodeWorld::limit("taker", Side::buy, 100, 25));
    EXPECT_EQ(taker.fills.size(), 3u);
    EXPECT_NE(taker.fills[0].trade, taker.fills[1].trade) << "each part makes a trade of its own";
    EXPECT_EQ(world.digests(0).settled_trades, 3u);
    EXPECT_EQ(order(placed.order).order.leaves, exchange::Quantity(25));
}

TEST(NodeQuotas, ARateLimitSaysHowManyAndWhenToTryAgain) {
    NodeWorld world(1, 1, {}, [](exchange::NetworkRules& rules) { rules.commands_per_second_max = 3; });
    const Ticket ticket = world.submit(0, std::vector<Intent>(4, NodeWorld::faucet("alice", 0, 1)));
    world.run();
    const auto answer = world.submit_answer(ticket);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    const CommandResult& last = answer->results[3];
    EXPECT_EQ(last.reason, Reason::rate_limit);
    EXPECT_EQ(last.limit, 3u);
    ASSERT_TRUE(last.try_again_at.has_value());
    EXPECT_EQ(last.try_again_at->ms % 1'000, 0);
    EXPECT_GT(last.try_again_at->ms, 1'700'000'000'000 - 1);
    world.run_for(Duration::seconds(1));
    const Ticket later = world.submit(0, {NodeWorld::faucet("alice", 0, 1)});
    world.run();
    EXPECT_EQ(world.submit_answer(later)->results[0].status, CommandStatus::done);
}

// --- unsettled commands ---

NodeOptions with_unsettled_max(std::uint64_t count) {
    NodeOptions options;
    options.unsettled_commands_per_account_max = count;
    return options;
}

TEST(NodeQuotas, AMassQuoteCountsAsItsQuotes) {
    NodeWorld world(3, 3, with_unsettled_max(10));
    world.run();
    exchange::MassQuote quotes;
    quotes.quotes.resize(11, {Side::buy, exchange::Price(1), exchange::Quantity(1)});
    const Ticket refused = world.submit(0, {intent("alice", quotes)});
    ASSERT_TRUE(world.answered(refused));
    EXPECT_EQ(world.submit_answer(refused).error().code, ErrorCode::unavailable);
    quotes.quotes.resize(9);
    for (int i = 0; i < 3; ++i) {  // what settled counts no more
        const Ticket taken = world.submit(0, {intent("alice", quotes)}, Grade::settled);
        world.run();
        ASSERT_TRUE(world.submit_answer(taken).ok()) << world.submit_answer(taken).error().message;
    }
}

TEST(NodeQuotas, AnObserverCountsNoBlockAgainThatHasSettled) {
    NodeWorld world(4, 3, with_unsettled_max(10));
    world.run();
    for (int i = 0; i < 5; ++i) {
        const Ticket taken = world.submit(3, std::vector<Intent>(8, NodeWorld::faucet("alice", 0, 1)));
        world.run();
        ASSERT_TRUE(world.submit_answer(taken).ok()) << world.submit_answer(taken).error().message;
        for (std::size_t member = 0; member < 3; ++member)  // as a peer that pushes what it has again
            for (const SendEffect& sent : std::vector<SendEffect>(world.sent_by(member)))
                if (sent.kind == static_cast<std::uint8_t>(MessageKind::block))
                    world.deliver_block(3, member, sent.payload);
    }
}

TEST(NodeQuotas, ARefusedRequestCostsNoPlaceOfAnAccount) {
    NodeWorld world(1, 1, {}, [](exchange::NetworkRules& rules) { rules.accounts_max = 2; });
    for (int i = 0; i < 5; ++i) {
        const Ticket refused = world.submit(
            0, {NodeWorld::faucet("name" + std::to_string(i), 0, 1), NodeWorld::faucet("Not Good", 0, 1)});
        ASSERT_TRUE(world.answered(refused));
        EXPECT_EQ(world.submit_answer(refused).error().code, ErrorCode::invalid_input);
    }
    const Ticket three = world.submit(
        0, {NodeWorld::faucet("a", 0, 1), NodeWorld::faucet("b", 0, 1), NodeWorld::faucet("c", 0, 1)});
    ASSERT_TRUE(world.answered(three));
    EXPECT_EQ(world.submit_answer(three).error().code, ErrorCode::unavailable);
    const Ticket two = world.submit(0, {NodeWorld::faucet("a", 0, 1), NodeWorld::faucet("b", 0, 1)});
    world.run();
    EXPECT_TRUE(world.submit_answer(two).ok());
}

TEST(NodeQuotas, AnAccountWithTooManyUnsettledCommandsIsToldTheLimitAndWhenToComeBack) {
    NodeWorld world(3, 3, with_unsettled_max(10));
    world.run();
    world.cut(0, 1);
    world.cut(0, 2);
    const Ticket taken = world.submit(0, std::vector<Intent>(9, NodeWorld::faucet("alice", 0, 1)));
    world.run();
    EXPECT_TRUE(world.submit_answer(taken).ok()) << "the opening of the account is the tenth";
    const Ticket refused =
        world.submit(0, {NodeWorld::faucet("bob", 0, 1), NodeWorld::faucet("alice", 0, 1)});
    ASSERT_TRUE(world.answered(refused));
    EXPECT_EQ(world.submit_answer(refused).error().code, ErrorCode::unavailable);
    EXPECT_EQ(
        world.submit_answer(refused).error().message,
        "account 'alice' may have at most 10 commands that are not settled; nothing of this request was "
        "taken, try again when earlier commands have settled");
    const Ticket other = world.submit(0, {NodeWorld::faucet("bob", 0, 1)});
    world.run();
    EXPECT_TRUE(world.submit_answer(other).ok()) << "the bound is of one account";
    const Ticket cancel = world.submit(0, {intent("alice", exchange::CancelAll{})});
    world.run();
    EXPECT_TRUE(world.submit_answer(cancel).ok()) << "one can always get out";
    world.heal(0, 1);
    world.heal(0, 2);
    world.run();
    const Ticket again = world.submit(0, std::vector<Intent>(10, NodeWorld::faucet("alice", 0, 1)));
    world.run();
    EXPECT_TRUE(world.submit_answer(again).ok());
    world.expect_equal_digests();
}

TEST(NodeQuotas, UnsettledCommandsCountAcrossARestart) {
    NodeWorld world(2, 2, with_unsettled_max(5));
    world.run();
    world.cut(0, 1);
    world.submit(0, std::vector<Intent>(4, NodeWorld::faucet("alice", 0, 1)));
    world.run();
    world.crash_and_restart(0);
    const Ticket refused = world.submit(0, {NodeWorld::faucet("alice", 0, 1)});
    ASSERT_TRUE(world.answered(refused));
    EXPECT_FALSE(world.submit_answer(refused).ok());
    world.heal(0, 1);
    world.run();
    const Ticket taken = world.submit(0, {NodeWorld::faucet("alice", 0, 1)});
    world.run();
    EXPECT_TRUE(world.submit_answer(taken).ok());
}

TEST(NodeQuotas, AnObserversUsersHaveTheSameBound) {
    NodeWorld world(2, 1, with_unsettled_max(5));
    world.run();
    world.cut(0, 1);
    world.submit(1, std::vector<Intent>(4, NodeWorld::faucet("alice", 0, 1)));
    world.run_for(Duration::seconds(1));
    const Ticket refused = world.submit(1, {NodeWorld::faucet("alice", 0, 1)});
    ASSERT_TRUE(world.answered(refused));
    EXPECT_FALSE(world.submit_answer(refused).ok());
    world.heal(0, 1);
    world.run_for(Duration::seconds(5));
    const Ticket taken = world.submit(1, std::vector<Intent>(5, NodeWorld::faucet("alice", 0, 1)));
    world.run();
    ASSERT_TRUE(world.answered(taken));
    EXPECT_TRUE(world.submit_answer(taken).ok()) << world.submit_answer(taken).error().message;
}

}  // namespace
}  // namespace peerbook::app::testing
