// What happens by time, by triggers and by administrators, on several nodes.
#include <gtest/gtest.h>

#include "tests/unit/node/node_world.h"

namespace peerbook::app::testing {
namespace {

using exchange::CommandRef;
using exchange::Side;

Intent intent(const std::string& account, exchange::CommandBody body) {
    return {account, std::nullopt, std::move(body), std::nullopt};
}

exchange::SpecialOrder special(Side side, std::int64_t price, std::int64_t quantity) {
    exchange::SpecialOrder order;
    order.order = std::get<exchange::LimitOrder>(NodeWorld::limit("", side, price, quantity).body);
    return order;
}

Intent until(WallTime expires_at, const std::string& account, Side side, std::int64_t price,
             std::int64_t quantity) {
    exchange::SpecialOrder order = special(side, price, quantity);
    order.expires_at = expires_at;
    return intent(account, Boxed<exchange::SpecialOrder>(order));
}

Intent stop(std::int64_t trigger, const std::string& account, Side side, std::int64_t price,
            std::int64_t quantity) {
    exchange::SpecialOrder order = special(side, price, quantity);
    const bool buys = side == Side::buy;
    order.trigger = exchange::Trigger{exchange::Price(trigger), buys ? exchange::TriggerWhen::at_or_above
                                                                     : exchange::TriggerWhen::at_or_below};
    return intent(account, Boxed<exchange::SpecialOrder>(order));
}

WallTime in(const NodeWorld& world, std::int64_t ms) {
    return {world.now().wall.ms + ms};
}

OrderAnswer order_of(NodeWorld& world, std::size_t node, Ticket ticket, std::size_t position) {
    return world.ask_for<OrderAnswer>(node, OrderQuery{world.submit_answer(ticket)->results[position].order});
}

std::uint64_t blocks(NodeWorld& world) {
    return world.ask_for<StatusAnswer>(0, StatusQuery{}).blocks_accepted;
}

TEST(NodeTime, AnOrderExpiresOnAllNodesOfAnIdleNetworkByOneEmittedEmptyBlock) {
    NodeWorld world(4, 3);
    const Ticket placed = world.submit(
        0, {NodeWorld::faucet("maker", 0, 100), until(in(world, 2'000), "maker", Side::sell, 100, 5)});
    world.run();
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_EQ(world.node(i).ledger().engine().stats().resting_orders, 1u);
    const std::uint64_t before = blocks(world);
    world.run_for(Duration::seconds(3));
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(world.node(i).ledger().engine().stats().resting_orders, 0u) << "node " << i;
        EXPECT_EQ(world.node(i).ledger().engine().next_deadline(), std::nullopt) << "node " << i;
    }
    EXPECT_LE(blocks(world) - before, 1u + 3u * 3u)
        << "one for the deadline, its acknowledgements, and the votes for what came of it";
    EXPECT_GE(world.ask_for<StatusAnswer>(0, StatusQuery{}).settled_commits, before + 1)
        << "an expiry settles, too";
    EXPECT_EQ(order_of(world, 0, placed, 1).state, OrderState::expired);
    const std::uint64_t after = blocks(world);
    world.run_for(Duration::seconds(20));
    EXPECT_EQ(blocks(world), after) << "then silence";
    world.expect_equal_digests();
}

TEST(NodeTime, WhenTheFirstMemberIsAwayTheNextOneMeetsTheDeadlineALittleLater) {
    NodeWorld world(3, 3);
    const WallTime deadline = in(world, 2'000);
    world.submit(1, {NodeWorld::faucet("maker", 0, 100), until(deadline, "maker", Side::sell, 100, 5)});
    world.run();
    world.cut(0, 1);
    world.cut(0, 2);
    world.hold_disk(0);
    const std::uint64_t own_1 = world.ask_for<StatusAnswer>(1, StatusQuery{}).own_seq;
    const std::uint64_t own_2 = world.ask_for<StatusAnswer>(2, StatusQuery{}).own_seq;
    world.run_for(Duration::milliseconds(deadline.ms + 40 - world.now().wall.ms));
    EXPECT_EQ(world.ask_for<StatusAnswer>(1, StatusQuery{}).own_seq, own_1);
    world.run_for(Duration::milliseconds(30));
    EXPECT_GT(world.ask_for<StatusAnswer>(1, StatusQuery{}).own_seq, own_1);
    world.run_for(Duration::milliseconds(100));
    EXPECT_LE(world.ask_for<StatusAnswer>(2, StatusQuery{}).own_seq, own_2 + 2) << "it only acknowledges";
    for (std::size_t i : {1u, 2u})
        EXPECT_EQ(world.node(i).ledger().engine().stats().resting_orders, 0u);
    world.release_disk(0);
    world.heal(0, 1);
    world.heal(0, 2);
    world.run();
    world.expect_equal_digests();
}

TEST(NodeTime, AMemberThatComesBackLeavesTheTradesItMissedAsTheyWere) {
    NodeWorld world(3, 3);
    world.submit(0,
                 {NodeWorld::faucet("maker", 0, 100), until(in(world, 2'000), "maker", Side::sell, 100, 5)});
    world.run();
    for (const std::size_t other : {0u, 1u})
        world.cut(2, other);
    world.hold_disk(2);            // as good as down: nothing that it does from here on lasts
    for (int i = 0; i < 5; ++i) {  // so that what follows is well above the round of the member's next block
        world.submit(1, {NodeWorld::faucet("taker", 1, 1'000)});
        world.run_for(Duration::milliseconds(20));
    }
    const Ticket bought = world.submit(1, {NodeWorld::limit("taker", Side::buy, 100, 2)}, Grade::settled);
    world.run_for(Duration::seconds(5));
    EXPECT_EQ(world.node(1).ledger().engine().stats().resting_orders, 0u) << "the rest has expired";
    EXPECT_FALSE(world.answered(bought)) << "it waits for the third member";
    world.crash_and_restart_alone(2);
    world.release_disk(2);
    for (const std::size_t other : {0u, 1u})
        world.heal(2, other);
    world.run_for(Duration::seconds(6));
    ASSERT_TRUE(world.answered(bought));
    ASSERT_TRUE(world.submit_answer(bought).ok());
    EXPECT_EQ(world.submit_answer(bought)->results[0].status, CommandStatus::filled);
    for (std::size_t i = 0; i < 3; ++i) {
        const auto status = world.ask_for<StatusAnswer>(i, StatusQuery{});
        EXPECT_EQ(status.settled_trades, 1u) << "node " << i;
        EXPECT_EQ(status.retracted_trades, 0u) << "node " << i;
    }
    world.expect_equal_digests();
}

TEST(NodeTime, ARestartedNetworkStillMeetsItsDeadlines) {
    NodeWorld world(2, 2);
    world.submit(0,
                 {NodeWorld::faucet("maker", 0, 100), until(in(world, 1'000), "maker", Side::sell, 100, 5)});
    world.run();
    world.crash_and_restart_alone(0);
    world.crash_and_restart_alone(1);
    world.run_for(Duration::seconds(3));
    world.heal(0, 1);
    world.run_for(Duration::seconds(3));
    for (std::size_t i = 0; i < 2; ++i)
        EXPECT_EQ(world.node(i).ledger().engine().stats().resting_orders, 0u) << "node " << i;
    world.expect_equal_digests();
}

TEST(NodeTime, AnObserverEmitsNothingAndSeesTheExpiryAllTheSame) {
    NodeWorld world(2, 1);
    world.submit(1, {NodeWorld::faucet("user", 0, 100), until(in(world, 1'500), "user", Side::sell, 100, 5)});
    world.run();
    ASSERT_EQ(world.ask_for<OrdersAnswer>(1, OrdersQuery{"user"}).orders.size(), 1u);
    world.cut(0, 1);
    const std::size_t sent = world.sent_by(1).size();
    world.run_for(Duration::seconds(2));
    EXPECT_EQ(world.ask_for<OrdersAnswer>(1, OrdersQuery{"user"}).orders.size(), 1u);
    EXPECT_EQ(world.sent_by(1).size(), sent);
    world.heal(0, 1);
    world.run();
    EXPECT_TRUE(world.ask_for<OrdersAnswer>(1, OrdersQuery{"user"}).orders.empty());
    world.expect_equal_digests();
}

TEST(NodeTime, TheDeadMansSwitchCancelsOrdersOfAClientThatWentSilent) {
    NodeWorld world(2, 2);
    const Ticket placed =
        world.submit(0, {NodeWorld::faucet("maker", 0, 100), NodeWorld::limit("maker", Side::sell, 100, 5),
                         intent("maker", exchange::CancelAfter{Duration::seconds(1)})});
    world.run_for(Duration::milliseconds(900));
    world.submit(0, {intent("maker", exchange::CancelAfter{Duration::seconds(1)})});
    world.run_for(Duration::milliseconds(900));
    EXPECT_EQ(order_of(world, 0, placed, 1).state, OrderState::open) << "it was set again in time";
    world.run_for(Duration::milliseconds(300));
    EXPECT_EQ(order_of(world, 0, placed, 1).state, OrderState::cancelled);
    EXPECT_EQ(order_of(world, 0, placed, 1).reason, exchange::Reason::cancel_after);
    world.run();
    world.expect_equal_digests();
}

TEST(NodeTime, AStopTriggersOnEveryNodeEquallyAfterARollback) {
    NodeWorld world(3, 3);
    world.submit(
        0, {NodeWorld::faucet("maker", 0, 1'000), NodeWorld::limit("maker", Side::sell, 100, 5),
            NodeWorld::limit("maker", Side::sell, 110, 5), NodeWorld::limit("maker", Side::sell, 120, 5)});
    const Ticket waiting = world.submit(
        1, {NodeWorld::faucet("stopper", 1, 1'000'000), stop(110, "stopper", Side::buy, 120, 5)});
    world.submit(1, {NodeWorld::faucet("first", 1, 1'000'000)});
    world.submit(2, {NodeWorld::faucet("second", 1, 1'000'000)});
    world.run();
    EXPECT_EQ(world.submit_answer(waiting)->results[1].status, CommandStatus::waiting);
    EXPECT_EQ(order_of(world, 1, waiting, 1).state, OrderState::waiting);
    // Each side of a partition takes the offer at 100; together they reach 110 and the stop.
    world.cut(0, 1);
    world.cut(1, 2);
    world.submit(1, {NodeWorld::limit("first", Side::buy, 110, 5)});
    world.submit(2, {NodeWorld::limit("second", Side::buy, 110, 5)});
    world.run_for(Duration::milliseconds(2));
    EXPECT_EQ(world.node(1).ledger().engine().last_price(exchange::MarketId(0)), exchange::Price(100));
    EXPECT_EQ(order_of(world, 1, waiting, 1).state, OrderState::waiting);
    world.heal(0, 1);
    world.heal(1, 2);
    world.run();
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(world.node(i).ledger().engine().last_price(exchange::MarketId(0)), exchange::Price(120))
            << "node " << i;
        EXPECT_EQ(world.digests(i).settled_trades, 3u) << "node " << i;
    }
    const OrderAnswer order = order_of(world, 1, waiting, 1);
    EXPECT_EQ(order.state, OrderState::filled);
    EXPECT_TRUE(order.was_triggered);
    world.expect_equal_digests();
}

TEST(NodeTime, ATriggerThatALateBlockTakesBackIsForgotten) {
    NodeWorld world(2, 2);
    world.submit(0, {NodeWorld::faucet("maker", 0, 1'000), NodeWorld::limit("maker", Side::sell, 100, 5)});
    const Ticket waiting =
        world.submit(1, {NodeWorld::faucet("stopper", 1, 1'000'000), stop(100, "stopper", Side::buy, 90, 5)});
    world.submit(1, {NodeWorld::faucet("taker", 1, 1'000'000)});
    world.run();
    world.cut(0, 1);
    world.submit(0, {intent("maker", exchange::CancelAll{})});
    world.run_for(Duration::milliseconds(2));
    world.submit(1, {NodeWorld::faucet("taker", 1, 1)});
    world.run_for(Duration::milliseconds(3));
    world.submit(1, {NodeWorld::limit("taker", Side::buy, 100, 5)});
    world.run_for(Duration::milliseconds(3));
    EXPECT_TRUE(order_of(world, 1, waiting, 1).was_triggered);
    EXPECT_EQ(order_of(world, 1, waiting, 1).state, OrderState::open) << "it rests at 90";
    world.heal(0, 1);
    world.run();
    EXPECT_EQ(order_of(world, 1, waiting, 1).state, OrderState::waiting) << "the offer was cancelled before";
    EXPECT_FALSE(order_of(world, 1, waiting, 1).was_triggered);
    world.expect_equal_digests();
}

// --- administrators ---

struct Administrators {
    Administrators() {
        for (std::uint8_t i = 0; i < 3; ++i) {
            KeySeed seed;
            seed.data.fill(static_cast<std::uint8_t>(90 + i));
            signers.push_back(make_ed25519_signer(seed));
            accounts.emplace_back().data = signers.back()->public_key().data;
        }
    }
    void set(exchange::NetworkRules& rules) const {
        rules.administrators = accounts;
        rules.administrators_needed = 2;
    }
    SubmitRequest sign(std::size_t i, const exchange::NetworkRules& rules, std::uint64_t nonce,
                       exchange::CommandBody body) const {
        SubmitRequest request;
        request.signed_batch = exchange::encode_signed_batch(exchange::BatchKind::self_custodied,
                                                             rules.network, rules.rules_version, *signers[i],
                                                             {{accounts[i], {nonce, 0}, std::move(body)}});
        return request;
    }
    SubmitRequest ask(std::size_t i, const exchange::NetworkRules& rules, std::uint64_t nonce,
                      exchange::AdminAction action) const {
        return sign(i, rules, nonce, Boxed<exchange::Administer>(exchange::Administer{std::move(action), 1}));
    }

    std::vector<std::unique_ptr<Signer>> signers;
    std::vector<exchange::AccountId> accounts;
};

class AdministeredWorld : public ::testing::Test {
  protected:
    AdministeredWorld() : world(3, 3, {}, [this](auto& rules) { admins.set(rules); }) {
        for (std::size_t i = 0; i < 3; ++i)
            world.submit(i, admins.sign(i, rules(), 1, exchange::OpenAccount{}));
        world.submit(0,
                     {NodeWorld::faucet("maker", 0, 1'000), NodeWorld::limit("maker", Side::sell, 100, 5)});
        world.run();
    }
    const exchange::NetworkRules& rules() { return world.node(0).ledger().engine().rules(); }

    Administrators admins;
    NodeWorld world;
};

TEST_F(AdministeredWorld, TwoOfThreeAdministratorsHaltAMarketBySignedBatchesAtDifferentNodes) {
    const exchange::HaltMarket halt{exchange::MarketId(0)};
    const Ticket first = world.submit(0, admins.ask(0, rules(), 2, halt));
    world.run();
    EXPECT_EQ(world.submit_answer(first)->results[0].approvals, 1u);
    EXPECT_EQ(world.submit_answer(first)->results[0].approvals_needed, 2u);
    for (std::size_t i = 0; i < 3; ++i)
        EXPECT_EQ(world.ask_for<MarketsAnswer>(i, MarketsQuery{}).markets[0].phase,
                  exchange::MarketPhase::trading);
    const Ticket again = world.submit(2, admins.ask(0, rules(), 3, halt));
    world.run();
    EXPECT_EQ(world.submit_answer(again)->results[0].reason, exchange::Reason::already_approved);
    const Ticket second = world.submit(1, admins.ask(2, rules(), 2, halt));
    world.run();
    EXPECT_EQ(world.submit_answer(second)->results[0].approvals, 2u);
    for (std::size_t i = 0; i < 3; ++i)
        EXPECT_EQ(world.ask_for<BookAnswer>(i, BookQuery{exchange::MarketId(0)}).state.phase,
                  exchange::MarketPhase::halted);
    const Ticket order = world.submit(
        1, {NodeWorld::faucet("taker", 1, 10'000), NodeWorld::limit("taker", Side::buy, 100, 5)});
    world.run();
    EXPECT_EQ(world.submit_answer(order)->results[1].reason, exchange::Reason::market_halted);
    world.expect_equal_digests();
}

TEST_F(AdministeredWorld, AMarketCreatedAtRunTimeIsInQueriesOfEveryNodeAndTrades) {
    exchange::CreateMarket create;
    create.base = exchange::AssetId(1);
    create.quote = exchange::AssetId(0);
    create.spec.symbol = "USD-BTC";
    create.spec.tick = create.spec.lot = "1";
    world.submit(0, admins.ask(0, rules(), 2, create));
    world.submit(1, admins.ask(1, rules(), 2, create));
    world.run();
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(world.ask_for<MarketsAnswer>(i, MarketsQuery{}).markets.size(), 2u);
        ASSERT_EQ(world.node(i).rules()->markets.size(), 2u);
        EXPECT_EQ(world.node(i).rules()->markets[1].symbol, "USD-BTC");
    }
    Intent sell = NodeWorld::limit("seller", Side::sell, 2, 3),
           buy = NodeWorld::limit("maker", Side::buy, 2, 3);
    for (Intent* order : {&sell, &buy})
        std::get<exchange::LimitOrder>(order->body).market = exchange::MarketId(1);
    world.submit(1, {NodeWorld::faucet("seller", 1, 100), sell});
    world.run();
    const Ticket bought = world.submit(0, {buy});
    world.run();
    EXPECT_EQ(world.submit_answer(bought)->results[0].status, CommandStatus::filled);
    EXPECT_EQ(world.digests(2).settled_trades, 1u);
    world.crash_and_restart(2);
    world.run();
    EXPECT_EQ(world.node(2).rules()->markets.size(), 2u);
    EXPECT_EQ(world.ask_for<BookAnswer>(2, BookQuery{exchange::MarketId(1)}).last, exchange::Price(2));
    world.expect_equal_digests();
}

TEST(NodeAuctions, AnOpeningAuctionTradesOnAllNodesWhenItsTimeIsOver) {
    NodeWorld world(3, 3, {},
                    [](exchange::NetworkRules& rules) { rules.markets[0].auction = Duration::seconds(2); });
    const Ticket sell =
        world.submit(0, {NodeWorld::faucet("maker", 0, 100), NodeWorld::limit("maker", Side::sell, 90, 5)});
    const Ticket buy = world.submit(
        1, {NodeWorld::faucet("taker", 1, 10'000), NodeWorld::limit("taker", Side::buy, 110, 3)});
    world.run();
    EXPECT_EQ(world.submit_answer(buy)->results[1].status, CommandStatus::resting);
    const auto state = world.ask_for<BookAnswer>(2, BookQuery{exchange::MarketId(0)}).state;
    EXPECT_EQ(state.phase, exchange::MarketPhase::auction);
    EXPECT_EQ(state.indicative_quantity, exchange::Quantity(3));
    world.run_for(Duration::seconds(3));
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(world.ask_for<MarketsAnswer>(i, MarketsQuery{}).markets[0].phase,
                  exchange::MarketPhase::trading);
        EXPECT_EQ(world.digests(i).settled_trades, 1u) << "node " << i;
    }
    EXPECT_EQ(order_of(world, 1, buy, 1).state, OrderState::filled);
    EXPECT_EQ(order_of(world, 0, sell, 1).order.leaves, exchange::Quantity(2));
    world.expect_equal_digests();
}

TEST(NodeAuctions, InABatchMarketTheAnswerHasWhatTheEndOfTheCommitGave) {
    NodeWorld world(1, 1, {}, [](exchange::NetworkRules& rules) {
        rules.markets[0].matching = exchange::MatchingMode::batch;
    });
    Intent at_once = NodeWorld::limit("taker", Side::buy, 100, 7);
    std::get<exchange::LimitOrder>(at_once.body).time_in_force = exchange::TimeInForce::ioc;
    const Ticket ticket =
        world.submit(0, {NodeWorld::faucet("maker", 0, 100), NodeWorld::faucet("taker", 1, 10'000),
                         NodeWorld::limit("maker", Side::sell, 100, 5), at_once});
    world.run();
    const auto answer = world.submit_answer(ticket);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->results[2].status, CommandStatus::filled);
    ASSERT_EQ(answer->results[2].fills.size(), 1u);
    EXPECT_EQ(answer->results[3].status, CommandStatus::cancelled);
    EXPECT_EQ(answer->results[3].reason, exchange::Reason::auction_ended);
    EXPECT_EQ(answer->results[3].filled, exchange::Quantity(5));
    EXPECT_EQ(answer->results[3].fills[0].trade, answer->results[2].fills[0].trade);
    world.expect_equal_digests();
}

// --- state roots ---

TEST(NodeStateRoots, AllNodesShowTheSameRootOfTheSameCommit) {
    NodeWorld world(3, 2);
    world.submit(0, {NodeWorld::faucet("maker", 0, 1'000)});
    for (int second = 0; second < 5; ++second) {
        world.submit(static_cast<std::size_t>(second % 2), {NodeWorld::faucet("maker", 0, 1'000)});
        world.run_for(Duration::milliseconds(1'100));
    }
    world.run();
    EXPECT_GE(world.state_roots().size(), 4u);
    const auto status = world.ask_for<StatusAnswer>(0, StatusQuery{});
    EXPECT_GT(status.state_root_commit, 1u);
    EXPECT_EQ(to_hex(status.state_root), to_hex(world.state_roots().at(status.state_root_commit)));
    for (std::size_t i = 1; i < 3; ++i)
        EXPECT_EQ(to_hex(world.ask_for<StatusAnswer>(i, StatusQuery{}).state_root),
                  to_hex(status.state_root));
    world.crash_and_restart(1);
    world.run();
    EXPECT_EQ(to_hex(world.ask_for<StatusAnswer>(1, StatusQuery{}).state_root), to_hex(status.state_root));
}

}  // namespace
}  // namespace peerbook::app::testing
