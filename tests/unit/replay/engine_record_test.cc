// The engine itself, fed with a flow: it must do what the record says, and the book rebuilt from its events
// must be its own.
#include <span>

#include "app/replay/generator.h"
#include "app/replay/lobster.h"
#include "app/replay/record.h"
#include "app/replay/same_commit.h"
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

    std::pair<std::size_t, CommandBody> body_of(const FlowCommand& command) {
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
        return {account, std::move(body)};
    }

    // All in one commit.
    void execute_together(std::span<const FlowCommand> commands) {
        CommandBatch batch;
        for (const FlowCommand& command : commands) {
            auto [account, body] = body_of(command);
            add(batch, account, std::move(body));
        }
        commit(batch);
    }

    FlowOutcome execute(const FlowCommand& command) {
        auto [account, body] = body_of(command);
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
                outcome.fills.push_back(
                    {orders_.at({maker, event.maker.nonce}), event.price.value(), event.quantity.value()});
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
        rules.assets = {{"ACME", 0, {}}, {"USD", 8, {}}};
        rules.markets = {share_market()};
        rules.faucet_max.assign(2, static_cast<Amount>(1) << 110);
        rules.fee_account.data[0] = 0xFE;
        return rules;
    }

    void apply(std::size_t account, CommandBody body) {
        CommandBatch batch;
        add(batch, account, std::move(body));
        commit(batch);
    }
    void add(CommandBatch& batch, std::size_t account, CommandBody body) {
        batch.add(accounts_[account].id, {accounts_[account].next_nonce++, 0}, std::move(body));
    }
    void commit(CommandBatch& batch) {
        batch.signer = signer_;
        events_.clear();
        engine_.apply({WallTime{0}, rules_version_latest, {&batch, 1}}, events_);
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

TEST(EngineRecord, CommandsThatShareACommitComeToTheSame) {
    const Flow flow = generated_flow(60, 4'000);
    EngineMarket one_by_one, together;
    SameCommit commit;
    std::size_t begin = 0, commits = 0;
    for (std::size_t i = 0; i <= flow.commands.size(); ++i) {
        if (i < flow.commands.size()) {
            one_by_one.execute(flow.commands[i]);
            if (commit.add(flow.commands[i])) continue;
        }
        together.execute_together(std::span(flow.commands).subspan(begin, i - begin));
        ++commits;
        begin = i;
        commit.clear();
        if (i == flow.commands.size()) break;
        ASSERT_TRUE(commit.add(flow.commands[i]));
    }
    EXPECT_LT(commits, flow.commands.size() / 2);
    EXPECT_EQ(to_hex(together.engine().state_digest()), to_hex(one_by_one.engine().state_digest()));
}

TEST(SameCommit, ACancelMayNotOvertakeAnOrderThatReachesItsTarget) {
    const auto command = [](FlowKind kind, Side side, std::int64_t price) {
        FlowCommand made;
        made.kind = kind;
        made.side = side;
        made.price = price;
        return made;
    };
    SameCommit commit;
    EXPECT_TRUE(commit.add(command(FlowKind::cancel, Side::buy, 100)));
    EXPECT_TRUE(commit.add(command(FlowKind::take, Side::sell, 100)));
    EXPECT_TRUE(commit.add(command(FlowKind::cancel, Side::buy, 99))) << "the sale does not go that deep";
    EXPECT_TRUE(commit.add(command(FlowKind::cancel, Side::sell, 101)));
    EXPECT_FALSE(commit.add(command(FlowKind::cancel, Side::buy, 100)));
    EXPECT_FALSE(commit.add(command(FlowKind::reduce, Side::buy, 101)));
    EXPECT_TRUE(commit.add(command(FlowKind::place, Side::buy, 101)));
    EXPECT_FALSE(commit.add(command(FlowKind::cancel, Side::sell, 101)));
    commit.clear();
    EXPECT_TRUE(commit.add(command(FlowKind::cancel, Side::sell, 101)));
}

}  // namespace
}  // namespace peerbook::app::replay
