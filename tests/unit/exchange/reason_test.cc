// Rejections that scenarios cannot say. tests/unit/exchange/scenarios/ has an example of each reason, and
// scenario_test.cc checks that.
#include <set>

#include "exchange/market/index_hash.h"
#include "tests/unit/exchange/market_fixture.h"

namespace peerbook::exchange {
namespace {

class Rejections : public Market {
  protected:
    std::string reason(const std::string& name, CommandBody body) {
        run(name, std::move(body));
        return refused();
    }
};

TEST_F(Rejections, OfACommandWithoutAccountNameNone) {
    EXPECT_EQ(reason("nobody", limit(Side::buy, 1, 1)), "unknown_account");
    EXPECT_EQ(events.front().order.account, no_account);
}

TEST_F(Rejections, NobodyCommandsTheFeeAccount) {
    CommandBatch batch;
    batch.signer.data = engine.rules().fee_account.data;
    batch.kind = BatchKind::self_custodied;
    batch.add(engine.rules().fee_account, {1, 0}, OpenAccount{});
    batch.add(engine.rules().fee_account, {1, 1}, Transfer{id("alice"), AssetId(0), 1});
    run_batch(batch);
    EXPECT_EQ(refused(), "not_owner not_owner");
}

TEST_F(Rejections, AHostedAccountHasAName) {
    EXPECT_EQ(reason("", OpenAccount{""}), "bad_account_name");
}

TEST_F(Rejections, ASelfCustodiedAccountIsItsKey) {
    CommandBatch batch;
    batch.kind = BatchKind::self_custodied;
    batch.signer = test_key(2);
    batch.add(id("dave"), {1, 0}, OpenAccount{});
    run_batch(batch);
    EXPECT_EQ(refused(), "not_owner");
}

TEST_F(Rejections, AmountsBeyondWhatIsCounted) {
    EXPECT_EQ(reason("alice", Transfer{id("bob"), AssetId(0), -1}), "amount_out_of_range");
    EXPECT_EQ(reason("alice", Transfer{id("bob"), AssetId(0), (Amount{1} << 120) + 1}),
              "amount_out_of_range");
    EXPECT_EQ(reason("alice", BudgetOrder{MarketId(0), {}, Price(1), (Amount{1} << 100) + 1}),
              "amount_out_of_range");
}

TEST_F(Rejections, ABudgetHasNoQuantity) {
    SpecialOrder stop;
    stop.order = limit(Side::buy, 1, 100);
    stop.order.time_in_force = TimeInForce::ioc;
    stop.trigger = Trigger{Price(90), TriggerWhen::at_or_above};
    stop.budget = 1'000;
    EXPECT_EQ(reason("alice", stop), "bad_order_terms");
    stop.order.quantity = Quantity(0);
    EXPECT_EQ(reason("alice", stop), "");
}

TEST(HandMadeRules, MustKeepTheLargestOrderWithinTheBounds) {
    NetworkRules rules = test_rules();
    rules.markets[0].price_max = Price(1'000'000'000'000'000'000);
    rules.markets[0].quantity_max = Quantity(1'000'000'000'000);
    const Engine at_the_bound(rules);  // 10^30 < 2^100
    EXPECT_FALSE(at_the_bound.last_price(MarketId(0)).has_value());
    rules.markets[0].notional_constant = 2;
    EXPECT_DEATH(Engine{rules}, "2\\^100");
    rules = test_rules();
    rules.markets[0].lot_units = Amount{1} << 100;
    EXPECT_DEATH(Engine{rules}, "2\\^100");
}

TEST(IndexSeed, ChangesNothingThatCanBeSeen) {
    NetworkRules rules = test_rules();
    Engine plain(rules);
    rules.index_seed = 0x1234'5678'9abc'def0;
    Engine seeded(rules);
    CommandBatch batch;
    batch.signer = test_key(1);
    const AccountId alice = hosted_account_id(batch.signer, "alice");
    batch.add(alice, {1, 0}, OpenAccount{"alice"});
    batch.add(alice, {2, 0}, Faucet{AssetId(0), 1'000'000});
    for (std::uint64_t nonce = 3; nonce < 8; ++nonce) {
        LimitOrder order;
        order.price = Price(static_cast<std::int64_t>(nonce));
        order.quantity = Quantity(1);
        batch.add(alice, {nonce, 0}, order);
    }
    batch.add(alice, {8, 0}, CancelOrder{{4, 0}});
    EventBuffer events, seeded_events;
    plain.apply({WallTime{1}, rules_version_latest, {&batch, 1}}, events);
    seeded.apply({WallTime{1}, rules_version_latest, {&batch, 1}}, seeded_events);
    EXPECT_EQ(plain.state_digest(), seeded.state_digest());
    EXPECT_EQ(events, seeded_events);
    EXPECT_FALSE(events.empty());
    EXPECT_TRUE(seeded.check_invariants().ok());
    EXPECT_NE(IndexHash(0)(1, 2), IndexHash(rules.index_seed)(1, 2));
}

TEST(Reasons, EachHasItsOwnNameAndSentence) {
    std::set<std::string> names, sentences;
    for (int i = 0; i <= static_cast<int>(last_reason); ++i) {
        const auto reason = static_cast<Reason>(i);
        names.insert(to_string(reason));
        sentences.insert(describe(reason));
        EXPECT_EQ(std::string(describe(reason)).back(), '.');
    }
    EXPECT_EQ(names.size(), static_cast<std::size_t>(last_reason) + 1);
    EXPECT_EQ(sentences.size(), names.size());
    EXPECT_EQ(names.count("unknown"), 0u);
}

}  // namespace
}  // namespace peerbook::exchange
