// The engine against the oracle: the same random commands, events and state compared after every batch, with
// undo of random suffixes, other histories after them, and pruning.
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "exchange/engine/engine.h"
#include "tests/model/generator.h"
#include "tests/model/oracle.h"

namespace peerbook::exchange::model {
namespace {

std::string text_of(const Event& event) {
    std::ostringstream out;
    const auto key = [&](const OrderKey& order) {
        out << order.account.value() << '/' << order.ref.nonce << '.' << order.ref.index;
    };
    out << "kind=" << int(event.kind) << " reason=" << to_string(event.reason) << " side=" << int(event.side)
        << " market=" << event.market.value() << " command=" << event.command << " order=";
    key(event.order);
    out << " maker=";
    key(event.maker);
    out << " price=" << event.price.value() << " quantity=" << event.quantity.value()
        << " leaves=" << event.leaves.value() << " maker_leaves=" << event.maker_leaves.value()
        << " asset=" << event.asset.value() << " amount=" << Big(event.amount)
        << " fees=" << Big(event.taker_fee) << ',' << Big(event.maker_fee);
    return out.str();
}

std::vector<std::string> texts_of(const EventBuffer& events) {
    std::vector<std::string> texts;
    for (const Event& event : events)
        texts.push_back(text_of(event));
    return texts;
}

// Keys whose signatures are good when the generator says so.
class SignerInName final : public Signer {
  public:
    explicit SignerInName(const PublicKey& key) : key_(key) {}
    const PublicKey& public_key() const override { return key_; }
    Signature sign(ByteView) const override { return {}; }

  private:
    PublicKey key_;
};
class VerifierThatSays final : public Verifier {
  public:
    explicit VerifierThatSays(bool answer) : answer_(answer) {}
    bool verify(const PublicKey&, ByteView, const Signature&) const override { return answer_; }

  private:
    bool answer_;
};

// The batch after a way through a block's payload.
CommandBatch encoded_and_decoded(const CommandBatch& batch, const Digest& network) {
    PayloadBuilder builder;
    if (batch.kind == BatchKind::hosted_by_author) {
        for (const Command& command : batch.commands)
            EXPECT_TRUE(builder.add_hosted(command));
    } else {
        EXPECT_TRUE(builder.add_signed_batch(
            encode_signed_batch(batch.kind, network, 1, SignerInName(batch.signer), batch.commands)));
    }
    auto batches =
        decode_payload(builder.take(), batch.signer, network, 1, VerifierThatSays(batch.authorized));
    EXPECT_TRUE(batches.ok() && batches->size() == 1);
    return batches.ok() ? batches->front() : CommandBatch();
}

class ModelRun {
  public:
    ModelRun(const GeneratorConfig& config, std::uint64_t seed)
        : config_(config),
          rules_(make_rules(config)),
          generator_(config, seed),
          engine_(rules_),
          oracle_(rules_) {}

    void run() {
        for (std::uint32_t i = 0; i < config_.batches; ++i) {
            apply(generator_.next());
            if (testing::Test::HasFatalFailure()) return;
            if (generator_.below(25) == 0) undo_some();
            if (testing::Test::HasFatalFailure()) return;
            if (generator_.below(120) == 0) prune_some();
        }
        compare_state();
        compare_with_straight_run();
    }
    std::uint64_t fills() const { return fills_; }
    std::uint64_t self_trades() const { return self_trades_; }
    std::uint64_t rejections() const { return rejections_; }
    // Whose notional is too large for the fee's 64-bit arithmetic.
    std::uint64_t wide_fills() const { return wide_fills_; }
    std::uint64_t encoded() const { return encoded_; }
    const std::map<Reason, std::uint64_t>& reasons() const { return reasons_; }

  private:
    struct Step {
        CommandBatch batch;
        UndoMark before;
        Digest digest_before;
        Oracle oracle_before;
        std::vector<std::string> events;
    };

    void apply(CommandBatch batch) {
        Step step{std::move(batch), engine_.mark(), engine_.state_digest(), oracle_, {}};
        EventBuffer events, expected;
        // The author's own batch has no signature that could be wrong.
        const bool can_travel = !step.batch.commands.empty() &&
                                (step.batch.authorized || step.batch.kind != BatchKind::hosted_by_author);
        if (can_travel && generator_.below(3) == 0) {
            engine_.apply(encoded_and_decoded(step.batch, rules_.network), 10, events);
            ++encoded_;
        } else {
            engine_.apply(step.batch, 10, events);
        }
        oracle_.apply(step.batch, 10, expected);
        step.events = texts_of(events);
        ASSERT_EQ(step.events, texts_of(expected));
        for (const Event& event : events) {
            fills_ += event.kind == EventKind::filled;
            rejections_ += event.kind == EventKind::rejected;
            self_trades_ += event.reason == Reason::self_trade;
            ++reasons_[event.reason];
            if (event.amount >> 44 != 0 && event.kind == EventKind::filled) ++wide_fills_;
        }
        const Status status = engine_.check_invariants();
        ASSERT_TRUE(status.ok()) << status.error().message;
        compare_state();
        steps_.push_back(std::move(step));
    }

    // Back over a random number of batches, then again, or other ones in their place.
    void undo_some() {
        const std::size_t count = generator_.below(std::min<std::size_t>(steps_.size() - pruned_, 60) + 1);
        if (count == 0) return;
        const Digest digest_after = engine_.state_digest();
        std::vector<Step> undone(std::make_move_iterator(steps_.end() - static_cast<std::ptrdiff_t>(count)),
                                 std::make_move_iterator(steps_.end()));
        steps_.resize(steps_.size() - count, undone.front());
        engine_.undo_to(undone.front().before);
        ASSERT_EQ(engine_.state_digest(), undone.front().digest_before);
        const Status status = engine_.check_invariants();
        ASSERT_TRUE(status.ok()) << status.error().message;
        oracle_ = undone.front().oracle_before;
        compare_state();
        if (generator_.below(2) == 0) return;
        for (Step& step : undone) {
            const std::vector<std::string> events = step.events;
            apply(std::move(step.batch));
            if (testing::Test::HasFatalFailure()) return;
            ASSERT_EQ(steps_.back().events, events);
        }
        ASSERT_EQ(engine_.state_digest(), digest_after);
    }

    void prune_some() {
        if (steps_.size() == pruned_) return;
        pruned_ += generator_.below(steps_.size() - pruned_);
        engine_.prune_undo(steps_[pruned_].before);
    }

    void compare_state() {
        std::uint32_t open = 0;
        for (std::uint32_t i = 0; i < engine_.account_count(); ++i)
            open += engine_.is_open(AccountIndex(i));
        ASSERT_EQ(open, oracle_.accounts().size());
        for (const auto& [id, account] : oracle_.accounts()) {
            const std::optional<AccountIndex> index = engine_.find_account(id);
            ASSERT_TRUE(index.has_value());
            for (const BalanceView& balance : engine_.balances(*index)) {
                ASSERT_EQ(Big(balance.total), oracle_.total(id, balance.asset.value()));
                ASSERT_EQ(Big(balance.reserved), oracle_.reserved(id, balance.asset.value()));
            }
            ASSERT_EQ(engine_.next_nonce(*index), oracle_.highest_nonce(id) + 1);
            const std::uint64_t near = oracle_.highest_nonce(id) + 3;
            for (std::uint64_t nonce = near > 12 ? near - 12 : 0; nonce < near; ++nonce)
                ASSERT_EQ(engine_.nonce_is_free(*index, nonce), oracle_.nonce_is_free(id, nonce)) << nonce;
            const std::uint64_t far = generator_.below(70'000);
            ASSERT_EQ(engine_.nonce_is_free(*index, far), oracle_.nonce_is_free(id, far)) << far;
        }
        for (std::uint32_t market = 0; market < config_.markets; ++market) {
            ASSERT_EQ(engine_.last_price(MarketId(market)).has_value(), oracle_.last()[market].has_value());
            if (oracle_.last()[market]) {
                ASSERT_EQ(engine_.last_price(MarketId(market))->value(), *oracle_.last()[market]);
            }
            for (Side side : {Side::buy, Side::sell})
                compare_side(market, side);
        }
        for (std::uint32_t asset = 0; asset < rules_.assets.size(); ++asset)
            ASSERT_EQ(Big(engine_.issued(AssetId(asset))), oracle_.issued()[asset]);
    }

    void compare_side(std::uint32_t market, Side side) {
        const std::vector<RestingOrderView> orders = engine_.orders(MarketId(market), side, 1'000'000);
        const std::vector<OracleOrder> expected = oracle_.side_orders(market, side);
        ASSERT_EQ(orders.size(), expected.size());
        std::vector<LevelView> levels;
        for (std::size_t i = 0; i < orders.size(); ++i) {
            ASSERT_EQ(engine_.account_id(orders[i].order.account), expected[i].account);
            ASSERT_EQ(orders[i].order.ref, expected[i].ref);
            ASSERT_EQ(orders[i].price.value(), expected[i].price);
            ASSERT_EQ(orders[i].leaves.value(), expected[i].leaves);
            ASSERT_EQ(orders[i].quantity.value(), expected[i].quantity);
            if (levels.empty() || levels.back().price != orders[i].price)
                levels.push_back({orders[i].price, Quantity(0), 0});
            levels.back().quantity = Quantity(levels.back().quantity.value() + expected[i].leaves);
            ++levels.back().orders;
        }
        const std::vector<LevelView> seen = engine_.levels(MarketId(market), side, 1'000'000);
        ASSERT_EQ(seen.size(), levels.size());
        for (std::size_t i = 0; i < levels.size(); ++i) {
            ASSERT_EQ(seen[i].price, levels[i].price);
            ASSERT_EQ(seen[i].quantity, levels[i].quantity);
            ASSERT_EQ(seen[i].orders, levels[i].orders);
        }
    }

    // The digest depends on the history only, not on what was undone on the way.
    void compare_with_straight_run() {
        Engine straight(rules_);
        EventBuffer events;
        for (const Step& step : steps_)
            straight.apply(step.batch, 0, events);
        ASSERT_EQ(straight.state_digest(), engine_.state_digest());
        ASSERT_EQ(straight.book_digest(), engine_.book_digest());
        ASSERT_EQ(straight.balances_digest(), engine_.balances_digest());
    }

    GeneratorConfig config_;
    NetworkRules rules_;
    Generator generator_;
    Engine engine_;
    Oracle oracle_;
    std::vector<Step> steps_;
    std::size_t pruned_ = 0;
    std::uint64_t fills_ = 0, self_trades_ = 0, rejections_ = 0, encoded_ = 0, wide_fills_ = 0;
    std::map<Reason, std::uint64_t> reasons_;
};

constexpr std::uint64_t seeds = 3;

struct Reached {
    std::uint64_t fills = 0, wide_fills = 0;
    std::map<Reason, std::uint64_t> reasons;
};

Reached run_all(const GeneratorConfig& config) {
    std::uint64_t fills = 0, rejections = 0, self_trades = 0, encoded = 0;
    Reached reached;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE(config.name + ", seed " + std::to_string(seed));
        ModelRun run(config, seed);
        run.run();
        if (testing::Test::HasFatalFailure()) return reached;
        fills += run.fills();
        rejections += run.rejections();
        self_trades += run.self_trades();
        encoded += run.encoded();
        reached.wide_fills += run.wide_fills();
        for (const auto& [reason, count] : run.reasons())
            reached.reasons[reason] += count;
    }
    reached.fills = fills;
    // A stream that never reaches what it is for tests nothing.
    EXPECT_GT(fills, 200u);
    EXPECT_GT(rejections, 50u);
    EXPECT_GT(self_trades, 0u);
    EXPECT_GT(encoded, 100u);
    return reached;
}

TEST(EngineModel, AgreesWhenFewPricesCrossOften) {
    GeneratorConfig config;
    config.name = "few prices";
    config.price_low = 99;
    config.price_high = 102;
    run_all(config);
}

TEST(EngineModel, AgreesOverManyPricesAndDeepBooks) {
    GeneratorConfig config;
    config.name = "deep books";
    config.accounts = 12;
    config.price_low = 900;
    config.price_high = 1'100;
    config.open_orders_max = 200;
    config.batches = 500;
    run_all(config);
}

TEST(EngineModel, AgreesOverSeveralMarkets) {
    GeneratorConfig config;
    config.name = "several markets";
    config.markets = 4;
    config.accounts = 8;
    config.price_low = 98;
    config.price_high = 103;
    config.free_markets = 2;
    run_all(config);
}

TEST(EngineModel, AgreesWhereFeesNeedMoreThan64BitsAndWhereThereAreNone) {
    GeneratorConfig config;
    config.name = "large amounts";
    config.markets = 3;
    config.notional_constant = Amount{1} << 37;
    config.faucet_max = Amount{1} << 60;
    config.free_markets = 1;
    config.maker_fee_ppm = 100'000;
    const Reached reached = run_all(config);
    EXPECT_GT(reached.wide_fills, 100u);
    EXPECT_GT(reached.fills - reached.wide_fills, 20u);  // and the other branch
}

TEST(EngineModel, AgreesWhenEveryLimitIsReached) {
    GeneratorConfig config;
    config.name = "low limits";
    config.price_low = 99;
    config.price_high = 102;
    config.fills_max = 3;
    config.fok_orders_max = 2;
    config.open_orders_of_all_max = 25;
    config.accounts_per_owner_max = 2;
    Reached reached = run_all(config);
    for (Reason reason :
         {Reason::too_deep, Reason::too_many_fills, Reason::open_order_limit, Reason::account_limit,
          Reason::bad_order_terms, Reason::nonce_out_of_window, Reason::target_comes_later})
        EXPECT_GT(reached.reasons[reason], 0u) << to_string(reason);
}

TEST(EngineModel, AgreesWhenPricesSwingFarBeyondTheWindow) {
    GeneratorConfig config;
    config.name = "wide swings";
    config.price_low = 1'000;
    config.price_high = 1'010;
    config.jump_ppm = 400'000;
    config.faucet_max = 1'000'000'000;
    run_all(config);
}

TEST(EngineModel, AgreesOnBadInputAndUnorderedNonces) {
    GeneratorConfig config;
    config.name = "bad input";
    config.bad_ppm = 120'000;
    config.out_of_order_ppm = 400'000;
    config.batches = 800;
    run_all(config);
}

TEST(EngineModel, AgreesWhenFeesAreTheHighestAndBatchesLong) {
    GeneratorConfig config;
    config.name = "high fees";
    config.maker_fee_ppm = 100'000;
    config.taker_fee_ppm = 77'777;
    config.quantity_max = 3;
    config.batch_commands_max = 20;
    config.batches = 300;
    run_all(config);
}

}  // namespace
}  // namespace peerbook::exchange::model
