// A small exchange for what scenarios (scenario.h) cannot say: accounts alice, bob and carol with money, one
// market of tick 1 and lot 1, fees of 1,000 and 2,000 ppm.
#pragma once

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "exchange/engine/engine.h"

namespace peerbook::exchange {

inline PublicKey test_key(std::uint8_t byte) {
    PublicKey key;
    key.data.fill(byte);
    return key;
}

inline NetworkRules test_rules() {
    NetworkRules rules;
    rules.network.data.fill(9);
    rules.fee_account.data.fill(0xfe);
    rules.assets = {{"USD", 8, {}}, {"BTC", 8, {}}, {"GEM", 0, {}}};
    rules.faucet_max = {1'000'000'000, 1'000'000'000, 0};
    MarketRules market;
    market.symbol = "BTC-USD";
    market.base = AssetId(1);
    market.quote = AssetId(0);
    market.notional_constant = 1;
    market.lot_units = 1;
    market.tick_text = "1";
    market.lot_text = "1";
    market.price_max = Price(1'000'000);
    market.quantity_max = Quantity(1'000'000);
    market.maker_fee_ppm = 1'000;
    market.taker_fee_ppm = 2'000;
    rules.markets = {market};
    rules.open_orders_per_account_max = 5;
    rules.accounts_max = 4;
    return rules;
}

class Market : public testing::Test {
  protected:
    explicit Market(NetworkRules rules = test_rules(), Amount funds = 1'000'000) : engine(std::move(rules)) {
        for (const char* name : {"alice", "bob", "carol"}) {
            run(name, OpenAccount{name});
            run(name, Faucet{AssetId(0), funds});
            run(name, Faucet{AssetId(1), funds});
            EXPECT_EQ(refused(), "");
        }
    }
    ~Market() override {
        const Status status = engine.check_invariants();
        EXPECT_TRUE(status.ok()) << status.error().message;
    }

    AccountId id(const std::string& name) const { return hosted_account_id(node, name); }
    AccountIndex account(const std::string& name) const { return engine.find_account(id(name)).value(); }
    std::uint64_t next_nonce(const std::string& name) const {
        const auto index = engine.find_account(id(name));
        return index ? engine.next_nonce(*index) : 1;
    }

    // One command in a commit of its own, at `time`.
    void run_as(const std::string& name, std::uint64_t nonce, CommandBody body) {
        CommandBatch batch;
        batch.signer = node;
        batch.add(id(name), {nonce, 0}, std::move(body));
        run_batch(batch);
    }
    void run(const std::string& name, CommandBody body) { run_as(name, next_nonce(name), std::move(body)); }
    void run_batch(const CommandBatch& batch) {
        events.clear();
        engine.apply({time, engine.rules().rules_version, {&batch, 1}}, events);
    }
    // The names of the reasons of all rejections, with blanks between.
    std::string refused() const {
        std::string names;
        for (const Event& event : events) {
            if (event.kind != EventKind::rejected) continue;
            if (!names.empty()) names += " ";
            names += to_string(event.reason);
        }
        return names;
    }

    static LimitOrder limit(Side side, std::int64_t quantity, std::int64_t price) {
        LimitOrder order;
        order.market = MarketId(0);
        order.side = side;
        order.price = Price(price);
        order.quantity = Quantity(quantity);
        return order;
    }
    void buy(const std::string& name, std::int64_t quantity, std::int64_t price) {
        run(name, limit(Side::buy, quantity, price));
    }
    void sell(const std::string& name, std::int64_t quantity, std::int64_t price) {
        run(name, limit(Side::sell, quantity, price));
    }
    // The nonce of the account's last command.
    std::uint64_t last_nonce(const std::string& name) const { return next_nonce(name) - 1; }

    const PublicKey node = test_key(1);
    Engine engine;
    EventBuffer events;                // of the last commit
    WallTime time{1'700'000'000'000};  // of the next commit
};

}  // namespace peerbook::exchange
