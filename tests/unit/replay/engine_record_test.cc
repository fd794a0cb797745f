// The engine itself, fed with a flow: it must do what the record says, and the book rebuilt from its events
// must be its own.
#include "app/replay/generator.h"
#include "app/replay/lobster.h"
#include "app/replay/record.h"
#include "exchange/engine/engine.h"
#include "tests/unit/replay/temp_file.h"

namespace peerbook::app::replay {
namespace {

using namespace exchange;

// One market, and the three accounts that a replay uses.
class EngineMarket {
  public:
    EngineMarket() : engine_(rules()) {
        signer_.data[0] = 1;
        for (const char* name : {"bids", "asks", "taker"}) {
            const AccountId id = hosted_account_id(signer_, name);
            accounts_.push_back({id, 1});
            apply(accounts_.size() - 1, OpenAccount{name});
            for (std::uint32_t asset : {0U, 1U})
                apply(accounts_.size() - 1, Faucet{AssetId(asset), static_cast<Amount>(1) << 100});
        }
    }

    FlowOutcome execute(const FlowCommand& command) {
        const std::size_t account = command.kind == FlowKind::take ? 2 : (command.side == Side::buy ? 0 : 1);
        CommandBody body;
        if (command.kind == FlowKind::place || command.kind == FlowKind::take) {
            LimitOrder order;
            order.side = command.side;
            order.price = Price(command.price);
            order.quantity = Quantity(command.quantity);
            if (command.kind == FlowKind::take) order.time_in_force = TimeInForce::ioc;
            if (command.kind == FlowKind::place) {
                refs_[command.order] = {accounts_[account].next_nonce, 0};
                orders_[{account, accounts_[account].next_nonce}] = command.order;
            }
            body = order;
        } else if (command.kind == FlowKind::reduce) {
            body = ReduceOrder{refs_[command.order], Quantity(command.quantity)};
        } else {
            body = CancelOrder{refs_[command.order]};
        }
        apply(account, std::move(body));
        FlowOutcome outcome;
        for (const Event& event : events_) {
            if (event.kind == EventKind::rejected) {
                outcome.rejected = true;
                outcome.reason = event.reason;
            } else if (event.kind == EventKind::rested) {
                outcome.leaves = event.quantity.value();
            } else if (event.kind == EventKind::filled) {
                const std::size_t maker = engine_.account_id(event.maker.account) == accounts_[0].id ? 0 : 1;
                outcome.fills.push_back({orders_.at({maker, event.maker.ref.nonce}), event.price.value(),
                                         event.quantity.value()});
            }
        }
        return outcome;
    }

    std::vector<MarketLevel> levels(Side side, std::size_t depth) const {
        std::vector<MarketLevel> out;
        for (const LevelView& level : engine_.levels(MarketId(0), side, depth))
            out.push_back({level.price.value(), level.quantity.value()});
        return out;
    }

    Engine& engine() { return engine_; }

  private:
    struct Account {
        AccountId id;
        std::uint64_t next_nonce;
    };

    static NetworkRules rules() {
        NetworkRules rules;
        rules.assets = {{"ACME", 0}, {"USD", 8}};
        rules.markets = {share_market()};
        rules.faucet_max.assign(2, static_cast<Amount>(1) << 110);
        rules.fee_account.data[0] = 0xFE;
        return rules;
    }

    void apply(std::size_t account, CommandBody body) {
        CommandBatch batch;
        batch.signer = signer_;
        batch.commands.push_back(
            {accounts_[account].id, {accounts_[account].next_nonce++, 0}, std::move(body)});
        events_.clear();
        engine_.apply(batch, 0, events_);
    }

    Engine engine_;
    PublicKey signer_;
    std::vector<Account> accounts_;
    std::map<std::uint32_t, CommandRef> refs_;
    std::map<std::pair<std::size_t, std::uint64_t>, std::uint32_t> orders_;
    EventBuffer events_;
};

Flow generated_flow(std::uint32_t unknown_orders, std::uint32_t rows) {
    const TempFile file(generate_lobster({17, rows, unknown_orders, 0}).messages);
    const Recording recording = *read_lobster(file.path(), rows);
    return *build_flow(recording, *make_scale(recording, share_market()), nullptr);
}

TEST(EngineRecord, TheEngineReproducesAGeneratedRecord) {
    const Flow flow = generated_flow(0, 8'000);
    EngineMarket market;
    RecordCheck check(flow, nullptr);
    for (std::uint32_t i = 0; i < flow.commands.size(); ++i)
        check.outcome(i, market.execute(flow.commands[i]));
    const RecordReport report = check.finish();
    EXPECT_GT(report.executions, 100u);
    EXPECT_EQ(report.executions_same, report.executions);
    EXPECT_EQ(report.rejected_unknown + report.rejected_other, 0u);
    EXPECT_TRUE(market.engine().check_invariants().ok());
}

TEST(EngineRecord, TheBookRebuiltFromEventsIsTheEnginesOwn) {
    const Flow flow = generated_flow(60, 4'000);
    EXPECT_GT(flow.counts.restored, 0u);
    EngineMarket market;
    RecordCheck check(flow, nullptr);
    for (std::uint32_t i = 0; i < flow.commands.size(); ++i) {
        check.outcome(i, market.execute(flow.commands[i]));
        if (i % 50 != 0) continue;
        ASSERT_EQ(check.levels(Side::buy, 20), market.levels(Side::buy, 20)) << "after command " << i;
        ASSERT_EQ(check.levels(Side::sell, 20), market.levels(Side::sell, 20)) << "after command " << i;
    }
    EXPECT_EQ(check.finish().rejected_unknown, 0u);
    EXPECT_TRUE(market.engine().check_invariants().ok());
}

}  // namespace
}  // namespace peerbook::app::replay
