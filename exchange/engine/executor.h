// Executes admitted commands: validates them against rules, balances and book, matches, moves money, writes
// events. Internal to exchange/engine; commit.h decides what is executed when.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "exchange/book/auction.h"
#include "exchange/book/matcher.h"
#include "exchange/engine/account_counts.h"
#include "exchange/engine/command.h"
#include "exchange/engine/engine_state.h"
#include "exchange/engine/event.h"

namespace peerbook::exchange {

// A command that passed admission.
struct AdmittedCommand {
    const BatchCommand* command = nullptr;
    std::uint64_t nonce = 0;
    AccountIndex account;
    std::uint32_t number = 0;  // in the commit
    // Of a command that names a target: its slot when it was looked up.
    OrderSlot target = no_order;
    // Of a cancel whose target's nonce is too far ahead to be burnt.
    bool target_is_too_new = false;
    bool is_attached = false;  // runs right after the command that placed its target
    std::uint8_t kind = 0;     // which alternative of CommandBody it is
};
static_assert(sizeof(AdmittedCommand) == 32);

// A sell that an order of its own account may cross in an auction.
struct OwnSell {
    std::uint32_t account = 0;
    std::uint32_t next = 0;  // of the account's first one: how many of them have nothing left
    AuctionOrder order;
};

// What one commit gathers besides state. Kept from commit to commit, so that nothing is allocated.
struct CommitNotes {
    // `seed`: market/index_hash.h.
    explicit CommitNotes(std::uint64_t seed) : looked_through(seed) {}

    std::vector<MarketId> traded;         // had fills since triggers were fired last, in order of the first
    std::vector<MarketId> batch_markets;  // got orders to match in a batch
    std::vector<OrderKey> immediate;      // IOC orders that stand in them until the batch was matched
    std::uint64_t first_sequence = 0;     // of this commit
    std::uint32_t steps_left = 0;         // fills that its orders may still make
    AccountCounts looked_through;         // open orders, by cancel-alls and mass quotes of this commit

    // Lists of one command, here for their memory.
    std::vector<OrderSlot> slots;
    AuctionBook crossing;
    std::vector<OwnSell> own_sells;
    std::vector<std::int64_t> prices;
    std::vector<HiddenLots> hidden;
    std::vector<std::pair<OrderId, std::size_t>> by_id;

    // What an uncrossing of very many orders took.
    void give_back() {
        if (crossing.buys.capacity() + crossing.sells.capacity() <= crossing_kept) return;
        crossing = {};
        own_sells = {};
        prices = {};
        by_id = {};
    }
    static constexpr std::size_t crossing_kept = 128 * 1024;  // orders
};

class Executor {
  public:
    // All references outlive the executor, which lives for one commit.
    Executor(EngineState& state, CommitNotes& notes, EventBuffer& events)
        : state_(state), notes_(notes), events_(events) {}

    void execute(const AdmittedCommand& command);
    // A rejection of a command that was not admitted. Returns it for details.
    Event& reject_unadmitted(AccountIndex account, CommandRef ref, std::uint32_t number, Reason reason);
    // The cancel-all `cancel` meets the orders that the command `placed` left open.
    void cancel_placed(const AdmittedCommand& cancel, const AdmittedCommand& placed);
    // What is due by time.
    void expire_orders();
    void fire_switches();
    void end_auctions();
    // Active become the waiting orders that the last prices of traded markets meet. `number`: events'.
    void fire_triggers(std::uint32_t number);
    // At the end of the commit: markets that match in batches.
    void match_batches();

  private:
    // What a special order has beyond a limit order.
    struct Extras {
        std::int64_t display = 0;        // 0: all is shown
        std::int64_t expires_at_ms = 0;  // 0: never
        std::optional<Trigger> trigger;
        std::optional<Amount> budget;
        std::int64_t placed = 0;  // lots as placed, if some were taken off since; 0: all are there
    };
    // All orders in one shape.
    struct Placement {
        OrderKey key;
        MarketId market;
        Side side = Side::buy;
        std::int64_t price = 0;
        std::int64_t quantity = 0;
        TimeInForce time_in_force = TimeInForce::gtc;
        bool post_only = false;
        SelfTradePrevention self_trade = SelfTradePrevention::cancel_newest;
        bool is_quote = false;
        const Extras* extras = nullptr;

        bool has_trigger() const { return extras != nullptr && extras->trigger.has_value(); }
        Amount budget() const { return extras != nullptr ? extras->budget.value_or(0) : 0; }
        bool has_budget() const { return extras != nullptr && extras->budget.has_value(); }
    };
    // An open order that a new one takes the place of.
    struct Replaced {
        OrderSlot slot = no_order;
        Amount reserve = 0;
        std::int64_t leaves = 0;
    };
    // What the fills of one incoming order moved, so that its own balances and the fee account's change once.
    struct Proceeds {
        Amount notional = 0;
        Amount taker_fees = 0;
        Amount maker_fees = 0;
        std::int64_t quantity = 0;
        std::int64_t last_price = 0;
    };
    class Steps;
    friend class Steps;

    Event& emit(EventKind kind) {
        static constexpr Event blank{};
        events_.push_back(blank);  // cheaper than setting 128 bytes to zero
        Event& event = events_.back();
        event.kind = kind;
        event.command = number_;
        event.order = key_;
        return event;
    }
    void accept() { emit(EventKind::accepted); }
    Event& reject(Reason reason) {
        Event& event = emit(EventKind::rejected);
        event.reason = reason;
        return event;
    }
    // An event about an open order, with what it has now; leaves is 0.
    Event& emit_order(EventKind kind, const Order& order);

    void run(const LimitOrder& order);
    void run(const MarketOrder& order);
    void run(const BudgetOrder& order);
    void run(const SpecialOrder& order);
    void run(const CancelOrder& cancel, const AdmittedCommand& admitted);
    void run(const ReduceOrder& reduce, const AdmittedCommand& admitted);
    void run(const ReplaceOrder& replace, const AdmittedCommand& admitted);
    void run(const CancelAll& cancel);
    void run(const CancelAfter& cancel);
    void run(const MassQuote& quotes);
    void run(const OpenAccount& open);
    void run(const Faucet& faucet);
    void run(const Transfer& transfer);
    void run(const Issue& issue);
    void run(const Redeem& redeem);
    void run(const RequestWithdrawal& request);
    void run(const SettleWithdrawal& settle);
    void run(const Administer& administer);

    // --- placing ---
    void place(const Placement& order);
    // What a placement needs on its account, and where.
    struct Funding {
        BalanceSlot slot = 0;
        Amount reserve = 0;
    };
    Reason check(const Placement& order, const Replaced& replaced, Funding& funding);
    Reason check_terms(const Placement& order, const MarketTerms& market) const;
    Reason check_extras(const Placement& order, const MarketTerms& market) const;
    Reason check_room(const Placement& order, const MarketTerms& market, const Replaced& replaced) const;
    Reason check_against_book(const Placement& order) const;
    // What one sweep may make, now.
    std::uint32_t steps_max() const;
    bool is_outside_band(MarketId market, std::int64_t price) const;
    // What the order needs on its account before anything is filled.
    Funding funding_of(const Placement& order, const MarketTerms& market);
    void accept_order(const Placement& order);
    // After it was accepted.
    void enter(const Placement& order, const Funding& funding);
    void wait_for_trigger(const Placement& order, const Funding& funding);
    // `funding` is for all of it.
    void rest(const Placement& order, const Funding& funding, std::int64_t leaves, std::uint32_t carry);
    void insert_extended(NewOrder& resting, const Extras& extras);
    void match_and_rest(const Placement& order, const Funding& funding);
    void end_without_rest(const Placement& order, std::int64_t leaves, Amount budget_left, Reason reason);
    void settle_taker(const Placement& order, const MarketTerms& market, const Proceeds& proceeds);
    void show_next_part(OrderSlot slot);

    // --- taking out ---
    // The open order leaves, its reserve is free, an event tells it.
    void take_out(OrderSlot slot, EventKind kind, Reason reason);
    // For an order that is not this command's own.
    void take_out_silently(OrderSlot slot);
    OrderSlot find_target(CommandRef target, const AdmittedCommand& admitted) const;
    // The account's open orders that `matches` holds for, by name.
    template <typename Matches>
    const std::vector<OrderSlot>& open_orders_by_name(Matches matches);
    void fire_triggers_of(MarketId market);
    void trigger(OrderSlot slot);

    // --- auctions ---
    struct Uncrossing {
        std::int64_t price = 0;
        std::int64_t quantity = 0;
    };
    Uncrossing uncross(MarketId market, MatchingMode mode);
    bool take_off_own_crossing(const AuctionBook& book);
    void cancel_immediate(MarketId market);
    void allocate(std::vector<AuctionOrder>& orders, std::int64_t quantity, MatchingMode mode);
    void give_one_each(std::vector<AuctionOrder>& orders, std::size_t first, std::size_t last,
                       std::int64_t lots);
    void trade_at(OrderSlot older, OrderSlot younger, Clearing trade);
    // An own order was met: the quantity is gone without a trade.
    void take_off(OrderSlot slot, std::int64_t quantity);
    // Split again into what is shown and what is hidden, in its place.
    void set_whole_leaves(OrderSlot slot, std::int64_t whole, std::uint32_t fee_carry);
    // Counts the account's open orders against what it may have looked through in one commit.
    bool may_look_through_orders();
    Amount settle_in_auction(OrderSlot slot, std::int64_t price, std::int64_t quantity);

    // --- administration ---
    Reason check_action(const AdminAction& action) const;
    void perform(const AdminAction& action);
    void open_market(MarketId market, EventKind kind);
    Reason check_issuer(AssetId asset) const;

    EngineState& state_;
    CommitNotes& notes_;
    EventBuffer& events_;
    OrderKey key_;  // account and name of the command that is executed
    std::uint32_t number_ = no_command;
};

}  // namespace peerbook::exchange
