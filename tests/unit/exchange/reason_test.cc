// Each reason for a rejection, once.
#include <set>

#include "exchange/market/index_hash.h"
#include "tests/unit/exchange/market_fixture.h"

namespace peerbook::exchange {
namespace {

class Rejections : public Market {
  protected:
    std::string reason(const std::string& name, CommandBody body) {
        return refused(run(name, std::move(body)));
    }
};

TEST_F(Rejections, BadSignatureSkipsTheBatchAndKeepsItsNonces) {
    CommandBatch batch;
    batch.signer = node;
    batch.authorized = false;
    const std::uint64_t nonce = next_nonce("alice");
    batch.commands.push_back({id("alice"), {nonce, 0}, limit(Side::buy, 1, 1)});
    EXPECT_EQ(run_batch(batch), (Lines{"rejected bad_signature"}));
    EXPECT_TRUE(engine.nonce_is_free(account("alice"), nonce));
}

TEST_F(Rejections, UnknownAccount) {
    EXPECT_EQ(reason("nobody", limit(Side::buy, 1, 1)), "unknown_account");
    EXPECT_EQ(events.front().order.account, no_account);
    EXPECT_EQ(reason("alice", Transfer{id("nobody"), AssetId(0), 1}), "unknown_account");
}

TEST_F(Rejections, NotOwnerKeepsTheNonce) {
    CommandBatch batch;
    batch.signer = test_key(2);
    const std::uint64_t nonce = next_nonce("alice");
    batch.commands.push_back({id("alice"), {nonce, 0}, limit(Side::buy, 1, 1)});
    EXPECT_EQ(run_batch(batch), (Lines{"rejected not_owner"}));
    EXPECT_TRUE(engine.nonce_is_free(account("alice"), nonce));
    batch.commands = {{id("dave"), {1, 0}, OpenAccount{"dave"}}};  // the id is of another node's dave
    EXPECT_EQ(run_batch(batch), (Lines{"rejected not_owner"}));
    batch.kind = BatchKind::self_custodied;
    batch.commands = {{id("dave"), {1, 0}, OpenAccount{}}};
    EXPECT_EQ(run_batch(batch), (Lines{"rejected not_owner"}));
}

TEST_F(Rejections, NobodyCommandsTheFeeAccount) {
    CommandBatch batch;
    batch.signer.data = engine.rules().fee_account.data;
    batch.kind = BatchKind::self_custodied;
    batch.commands = {{engine.rules().fee_account, {1, 0}, OpenAccount{}},
                      {engine.rules().fee_account, {1, 1}, Transfer{id("alice"), AssetId(0), 1}}};
    EXPECT_EQ(run_batch(batch), (Lines{"rejected not_owner", "rejected not_owner"}));
}

TEST_F(Rejections, AccountExists) {
    EXPECT_EQ(reason("alice", OpenAccount{"alice"}), "account_exists");
}

TEST_F(Rejections, BadAccountName) {
    EXPECT_EQ(reason("Alice", OpenAccount{"Alice"}), "bad_account_name");
    EXPECT_EQ(reason("", OpenAccount{""}), "bad_account_name");
    CommandBatch batch;
    batch.kind = BatchKind::self_custodied;
    batch.signer = test_key(42);
    AccountId own;
    own.data = batch.signer.data;
    batch.commands = {{own, {1, 0}, OpenAccount{"named"}}};
    EXPECT_EQ(run_batch(batch), (Lines{"rejected bad_account_name"}));
}

TEST_F(Rejections, AccountLimit) {
    EXPECT_EQ(reason("dave", OpenAccount{"dave"}), "");
    EXPECT_EQ(reason("erin", OpenAccount{"erin"}), "account_limit");
}

TEST_F(Rejections, NonceUsed) {
    EXPECT_EQ(run_as("alice", 1, limit(Side::buy, 1, 1)), (Lines{"rejected nonce_used"}));
}

TEST_F(Rejections, NonceOutOfWindow) {
    const std::uint64_t highest = last_nonce("alice");
    EXPECT_EQ(run_as("alice", 0, limit(Side::buy, 1, 1)), (Lines{"rejected nonce_out_of_window"}));
    EXPECT_EQ(run_as("alice", highest + 65'537, limit(Side::buy, 1, 1)),
              (Lines{"rejected nonce_out_of_window"}));
    EXPECT_EQ(run_as("alice", highest + 65'536, limit(Side::buy, 1, 1)), (Lines{"accepted", "rested 1"}));
    EXPECT_EQ(run_as("alice", highest, limit(Side::buy, 1, 1)), (Lines{"rejected nonce_out_of_window"}));
    EXPECT_EQ(run_as("alice", highest + 1, limit(Side::buy, 1, 1)), (Lines{"accepted", "rested 1"}));
    EXPECT_EQ(run_as("dave", 65'537, OpenAccount{"dave"}), (Lines{"rejected nonce_out_of_window"}));
}

TEST_F(Rejections, ARejectedCommandBurnsItsNonce) {
    const std::uint64_t nonce = next_nonce("alice");
    EXPECT_EQ(run_as("alice", nonce, limit(Side::buy, 1, 0)), (Lines{"rejected price_out_of_range"}));
    EXPECT_EQ(run_as("alice", nonce, limit(Side::buy, 1, 1)), (Lines{"rejected nonce_used"}));
}

TEST_F(Rejections, UnknownMarketAndAsset) {
    LimitOrder order = limit(Side::buy, 1, 1);
    order.market = MarketId(1);
    EXPECT_EQ(reason("alice", order), "unknown_market");
    EXPECT_EQ(reason("alice", Faucet{AssetId(3), 1}), "unknown_asset");
    EXPECT_EQ(reason("alice", Transfer{id("bob"), AssetId(3), 1}), "unknown_asset");
}

TEST_F(Rejections, PriceOutOfRange) {
    EXPECT_EQ(reason("alice", limit(Side::buy, 1, 0)), "price_out_of_range");
    EXPECT_EQ(reason("alice", limit(Side::buy, 1, -5)), "price_out_of_range");
    EXPECT_EQ(reason("alice", limit(Side::sell, 1, 1'000'001)), "price_out_of_range");
    EXPECT_EQ(reason("alice", MarketOrder{MarketId(0), Side::buy, Quantity(1), Price(0)}),
              "price_out_of_range");
}

TEST_F(Rejections, QuantityOutOfRange) {
    EXPECT_EQ(reason("alice", limit(Side::buy, 0, 1)), "quantity_out_of_range");
    EXPECT_EQ(reason("alice", limit(Side::buy, -1, 1)), "quantity_out_of_range");
    EXPECT_EQ(reason("alice", limit(Side::sell, 1'000'001, 1)), "quantity_out_of_range");
}

TEST_F(Rejections, AmountOutOfRange) {
    EXPECT_EQ(reason("alice", Faucet{AssetId(0), 0}), "amount_out_of_range");
    EXPECT_EQ(reason("alice", Faucet{AssetId(0), 1'000'000'001}), "amount_out_of_range");
    EXPECT_EQ(reason("alice", Transfer{id("bob"), AssetId(0), -1}), "amount_out_of_range");
    EXPECT_EQ(reason("alice", Transfer{id("bob"), AssetId(0), (Amount{1} << 120) + 1}),
              "amount_out_of_range");
}

TEST_F(Rejections, InsufficientBalanceCountsTheHighestFeeAndWhatIsReserved) {
    // 1,000,000 pays for 9,980 × 100 and 1,996 of fees, but not for 9,981.
    EXPECT_EQ(reason("alice", limit(Side::buy, 9'981, 100)), "insufficient_balance");
    EXPECT_EQ(reason("alice", limit(Side::buy, 9'980, 100)), "");
    EXPECT_EQ(reason("alice", limit(Side::buy, 100, 100)), "insufficient_balance");
    EXPECT_EQ(reason("bob", limit(Side::sell, 1'000'000, 100)), "");
    EXPECT_EQ(reason("bob", limit(Side::sell, 1, 100)), "insufficient_balance");
    EXPECT_EQ(reason("bob", Transfer{id("alice"), AssetId(1), 1}), "insufficient_balance");
    EXPECT_EQ(reason("carol", MarketOrder{MarketId(0), Side::buy, Quantity(9'981), Price(100)}),
              "insufficient_balance");
}

TEST_F(Rejections, WouldTradeAndNotFillableAndUnknownOrder) {
    run("alice", limit(Side::sell, 5, 100));
    EXPECT_EQ(reason("bob", limit(Side::buy, 1, 100, TimeInForce::gtc, true)), "would_trade");
    EXPECT_EQ(reason("bob", limit(Side::buy, 6, 100, TimeInForce::fok)), "not_fillable");
    EXPECT_EQ(reason("bob", CancelOrder{{1, 0}}), "unknown_order");
}

TEST_F(Rejections, BadOrderTerms) {
    EXPECT_EQ(reason("bob", limit(Side::buy, 1, 100, TimeInForce::ioc, true)), "bad_order_terms");
    EXPECT_EQ(reason("bob", limit(Side::buy, 1, 100, TimeInForce::fok, true)), "bad_order_terms");
}

TEST_F(Rejections, CancelOfATargetBeyondTheWindowSaysThatItMayStillAppear) {
    const std::uint64_t nonce = next_nonce("alice");
    EXPECT_EQ(run_as("alice", nonce, CancelOrder{{nonce + 65'537, 0}}),
              (Lines{"rejected nonce_out_of_window"}));
    EXPECT_EQ(run_as("alice", nonce + 1, CancelOrder{{nonce + 65'537, 0}}),
              (Lines{"rejected unknown_order"}));
    EXPECT_EQ(run_as("alice", nonce + 65'537, limit(Side::buy, 1, 1)), (Lines{"rejected nonce_used"}));
    // Too old to appear any more.
    EXPECT_EQ(run_as("alice", nonce + 65'538, CancelOrder{{1, 0}}), (Lines{"rejected unknown_order"}));
}

TEST_F(Rejections, TargetComesLaterInItsOwnBatch) {
    CommandBatch batch;
    batch.kind = BatchKind::self_custodied;
    batch.signer = test_key(42);
    AccountId own;
    own.data = batch.signer.data;
    batch.commands = {{own, {1, 0}, OpenAccount{}},       {own, {1, 1}, Faucet{AssetId(0), 1'000}},
                      {own, {1, 2}, CancelOrder{{1, 3}}}, {own, {1, 3}, limit(Side::buy, 1, 50)},
                      {own, {1, 4}, CancelOrder{{1, 3}}}, {own, {1, 5}, CancelOrder{{1, 5}}}};
    EXPECT_EQ(run_batch(batch),
              (Lines{"accepted", "opened", "accepted", "issued 1000", "rejected target_comes_later",
                     "accepted", "rested 1", "accepted", "cancelled 1 requested", "rejected unknown_order"}));
}

TEST_F(Rejections, OpenOrderLimit) {
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(reason("alice", limit(Side::buy, 1, 10 + i)), "");
    EXPECT_EQ(reason("alice", limit(Side::buy, 1, 20)), "open_order_limit");
    EXPECT_EQ(reason("alice", limit(Side::buy, 1, 20, TimeInForce::ioc)), "");
}

TEST_F(Rejections, NoFaucetAndSelfTransfer) {
    EXPECT_EQ(reason("alice", Faucet{AssetId(2), 1}), "no_faucet");
    EXPECT_EQ(reason("alice", Transfer{id("alice"), AssetId(0), 1}), "self_transfer");
}

NetworkRules narrow_rules() {
    NetworkRules rules = test_rules();
    rules.fills_per_command_max = 3;
    rules.fok_orders_max = 2;
    rules.open_orders_max = 6;
    rules.accounts_per_owner_max = 3;
    return rules;
}

class NarrowLimits : public Market {
  protected:
    NarrowLimits() : Market(narrow_rules()) {}
    std::string reason_of_opening(const PublicKey& owner) {
        CommandBatch batch;
        batch.signer = owner;
        batch.commands = {{hosted_account_id(owner, "dave"), {1, 0}, OpenAccount{"dave"}}};
        return refused(run_batch(batch));
    }
};

TEST_F(NarrowLimits, TooDeep) {
    sell("alice", 1, 100);
    sell("carol", 1, 100);
    sell("alice", 1, 101);
    EXPECT_EQ(buy("bob", 3, 101, TimeInForce::fok), (Lines{"rejected too_deep"}));
    EXPECT_EQ(buy("bob", 3, 100, TimeInForce::fok), (Lines{"rejected not_fillable"}));
    // The same, seen order by order, because an own order may be in the way.
    sell("bob", 1, 101);
    EXPECT_EQ(buy("bob", 3, 101, TimeInForce::fok), (Lines{"rejected too_deep"}));
    EXPECT_EQ(buy("bob", 2, 101, TimeInForce::fok).size(), 3u);
}

TEST_F(NarrowLimits, TooManyFillsCancelTheRestOfAnyOrder) {
    for (int i = 0; i < 4; ++i)
        sell("alice", 1, 100);
    EXPECT_EQ(buy("bob", 5, 100).back(), "cancelled 2 too_many_fills");
    EXPECT_EQ(book(Side::sell), "1@100 alice");
    EXPECT_EQ(book(Side::buy), "");
    EXPECT_EQ(reserved("bob", 0), 0);
}

TEST_F(NarrowLimits, ARestThatMeetsNothingAfterItsLastFillRests) {
    for (int i = 0; i < 3; ++i)
        sell("alice", 1, 100);
    EXPECT_EQ(buy("bob", 5, 100).back(), "rested 2");
}

TEST_F(NarrowLimits, OpenOrdersOfTheNetwork) {
    for (int i = 0; i < 3; ++i)
        sell("alice", 1, 100);
    for (int i = 0; i < 3; ++i)
        sell("bob", 1, 100);
    EXPECT_EQ(refused(sell("carol", 1, 100)), "open_order_limit");
    run("bob", CancelOrder{{last_nonce("bob"), 0}});
    EXPECT_EQ(refused(sell("carol", 1, 100)), "");
}

TEST_F(NarrowLimits, AccountsOfOneOwner) {
    EXPECT_EQ(reason_of_opening(node), "account_limit");
    EXPECT_EQ(reason_of_opening(test_key(3)), "");
}

NetworkRules huge_rules() {
    NetworkRules rules = test_rules();
    rules.faucet_max = {Amount{1} << 119, Amount{1} << 119, 0};
    rules.markets[0].price_max = Price(1);
    rules.markets[0].quantity_max = Quantity(1'000'000'000'000'000'000);
    rules.open_orders_per_account_max = 100;
    return rules;
}

class HugeNumbers : public Market {
  protected:
    HugeNumbers() : Market(huge_rules(), Amount{1} << 117) {}
};

TEST_F(HugeNumbers, SupplyLimit) {
    EXPECT_EQ(refused(run("alice", Faucet{AssetId(0), Amount{1} << 119})), "");
    EXPECT_EQ(refused(run("alice", Faucet{AssetId(0), Amount{1} << 119})), "supply_limit");
}

TEST_F(HugeNumbers, OverflowOfASidesQuantity) {
    for (int i = 0; i < 9; ++i)
        EXPECT_EQ(refused(sell("alice", 1'000'000'000'000'000'000, 1)), "");
    EXPECT_EQ(refused(sell("alice", 1'000'000'000'000'000'000, 1)), "overflow");
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
    batch.commands = {{alice, {1, 0}, OpenAccount{"alice"}}, {alice, {2, 0}, Faucet{AssetId(0), 1'000'000}}};
    for (std::uint64_t nonce = 3; nonce < 8; ++nonce)
        batch.commands.push_back({alice,
                                  {nonce, 0},
                                  LimitOrder{MarketId(0), Side::buy, Price(static_cast<std::int64_t>(nonce)),
                                             Quantity(1), TimeInForce::gtc, false}});
    batch.commands.push_back({alice, {8, 0}, CancelOrder{{4, 0}}});
    EventBuffer events, seeded_events;
    plain.apply(batch, 0, events);
    seeded.apply(batch, 0, seeded_events);
    EXPECT_EQ(plain.state_digest(), seeded.state_digest());
    EXPECT_EQ(events.size(), seeded_events.size());
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
