// A small exchange with domain verbs: accounts alice, bob and carol with money, one market of tick 1 and lot
// 1, fees of 1,000 and 2,000 ppm. Events are told as short lines.
#pragma once

#include <string>
#include <vector>

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
    rules.assets = {{"USD", 8}, {"BTC", 8}, {"GEM", 0}};
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

    // Events of one command with a nonce, as lines.
    std::vector<std::string> run_as(const std::string& name, std::uint64_t nonce, CommandBody body) {
        CommandBatch batch;
        batch.signer = node;
        batch.commands.push_back({id(name), {nonce, 0}, std::move(body)});
        return run_batch(batch);
    }
    std::vector<std::string> run(const std::string& name, CommandBody body) {
        return run_as(name, next_nonce(name), std::move(body));
    }
    std::vector<std::string> run_batch(const CommandBatch& batch) {
        events.clear();
        engine.apply(batch, 0, events);
        std::vector<std::string> lines;
        for (const Event& event : events)
            lines.push_back(line(event));
        return lines;
    }
    // The name of the reason if the first event is a rejection, else "".
    std::string refused(const std::vector<std::string>&) const {
        return !events.empty() && events.front().kind == EventKind::rejected
                   ? to_string(events.front().reason)
                   : "";
    }

    static LimitOrder limit(Side side, std::int64_t quantity, std::int64_t price,
                            TimeInForce time_in_force = TimeInForce::gtc, bool post_only = false) {
        return {MarketId(0), side, Price(price), Quantity(quantity), time_in_force, post_only};
    }
    std::vector<std::string> buy(const std::string& name, std::int64_t quantity, std::int64_t price,
                                 TimeInForce time_in_force = TimeInForce::gtc) {
        return run(name, limit(Side::buy, quantity, price, time_in_force));
    }
    std::vector<std::string> sell(const std::string& name, std::int64_t quantity, std::int64_t price,
                                  TimeInForce time_in_force = TimeInForce::gtc) {
        return run(name, limit(Side::sell, quantity, price, time_in_force));
    }
    // The nonce of the account's last command.
    std::uint64_t last_nonce(const std::string& name) const { return next_nonce(name) - 1; }

    // "10@99 alice, 5@98 bob": best first.
    std::string book(Side side) const {
        std::string text;
        for (const RestingOrderView& order : engine.orders(MarketId(0), side, 100)) {
            if (!text.empty()) text += ", ";
            text += std::to_string(order.leaves.value()) + "@" + std::to_string(order.price.value()) + " " +
                    engine.account_name(order.order.account);
        }
        return text;
    }
    std::int64_t total(const std::string& name, std::uint32_t asset) const {
        return static_cast<std::int64_t>(engine.balances(account(name))[asset].total);
    }
    std::int64_t reserved(const std::string& name, std::uint32_t asset) const {
        return static_cast<std::int64_t>(engine.balances(account(name))[asset].reserved);
    }

    std::string line(const Event& event) const {
        const auto number = [](auto value) { return std::to_string(static_cast<std::int64_t>(value)); };
        switch (event.kind) {
            case EventKind::accepted:
                return "accepted";
            case EventKind::rejected:
                return std::string("rejected ") + to_string(event.reason);
            case EventKind::rested:
                return "rested " + number(event.quantity.value());
            case EventKind::filled:
                return "filled " + number(event.quantity.value()) + "@" + number(event.price.value()) + " " +
                       engine.account_name(event.maker.account) + " fees " + number(event.taker_fee) + "/" +
                       number(event.maker_fee) + " leaves " + number(event.leaves.value()) + "/" +
                       number(event.maker_leaves.value());
            case EventKind::reduced:
                return "reduced " + number(event.quantity.value()) + " leaves " +
                       number(event.leaves.value());
            case EventKind::cancelled:
                return "cancelled " + number(event.quantity.value()) + " " + to_string(event.reason);
            case EventKind::account_opened:
                return "opened";
            case EventKind::issued:
                return "issued " + number(event.amount);
            case EventKind::transferred:
                return "transferred " + number(event.amount);
        }
        return "?";
    }

    const PublicKey node = test_key(1);
    Engine engine;
    EventBuffer events;
};

using Lines = std::vector<std::string>;

}  // namespace peerbook::exchange
