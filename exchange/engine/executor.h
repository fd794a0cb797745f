// Executes the admitted commands of one batch: validates them against rules, balances and book, matches,
// moves money, writes events. Internal to exchange/engine.
#pragma once

#include <cstdint>

#include "exchange/book/matcher.h"
#include "exchange/engine/admission.h"
#include "exchange/engine/command.h"
#include "exchange/engine/engine_state.h"
#include "exchange/engine/event.h"

namespace peerbook::exchange {

class Executor {
  public:
    // All references outlive the executor, which lives for one batch.
    Executor(EngineState& state, const CommandBatch& batch, EventBuffer& events)
        : state_(state), events_(events), context_{batch, state.accounts.find_owner(batch.signer), {}} {}

    // `number` counts the command within its commit.
    void execute(const Command& command, std::uint32_t number);

  private:
    // A limit order and a market order in one shape.
    struct Placement {
        MarketId market;
        Side side = Side::buy;
        std::int64_t price = 0;
        std::int64_t quantity = 0;
        TimeInForce time_in_force = TimeInForce::gtc;
        bool post_only = false;
    };
    // What the fills of one incoming order moved, so that its own balances and the fee account's change once.
    struct Proceeds {
        Amount notional = 0;
        Amount taker_fees = 0;
        Amount maker_fees = 0;
        std::int64_t quantity = 0;
        std::int64_t last_price = 0;
    };

    Event& emit(EventKind kind) {
        Event& event = events_.emplace_back();
        event.kind = kind;
        event.command = number_;
        event.order = {account_, ref_};
        return event;
    }
    void accept() { emit(EventKind::accepted); }
    void reject(Reason reason) { emit(EventKind::rejected).reason = reason; }

    void run(const LimitOrder& order);
    void run(const MarketOrder& order);
    void run(const CancelOrder& cancel);
    void run(const ReduceOrder& reduce);
    void run(const OpenAccount& open);
    void run(const Faucet& faucet);
    void run(const Transfer& transfer);

    void place(const Placement& order);
    Reason check(const Placement& order, const MarketTerms& market, BalanceSlot paying) const;
    // Fills what the book offers. `carry` is the order's fee carry, before and after.
    SweepEnd match(Taker& taker, const MarketTerms& market, Proceeds& proceeds, std::uint32_t& carry);
    void settle_maker(OrderSlot slot, const Order& maker, std::int64_t quantity, Amount notional,
                      const MarketTerms& market, Event& event);
    void settle_taker(const Placement& order, const MarketTerms& market, const Proceeds& proceeds,
                      Amount reserve, BalanceSlot paying);
    // For a cancel that finds no order: burns the target's nonce if it is free. Returns the rejection.
    Reason keep_from_appearing(CommandRef target);
    void cancel_order(OrderSlot slot);

    EngineState& state_;
    EventBuffer& events_;
    BatchContext context_;
    AccountIndex account_;
    CommandRef ref_;
    std::uint32_t number_ = 0;
};

}  // namespace peerbook::exchange
