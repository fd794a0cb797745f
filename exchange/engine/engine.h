// The deterministic state machine: books, matching and ledger of all markets of one network.
//
// apply() executes one commit and never fails: a user's mistake is a rejected event. Each command gives one
// accepted or rejected event (a mass quote one for each quote), and after accepted its consequences. Equal
// sequences of apply() give equal events and equal state_digest() on every machine. Every change is recorded,
// so that undo_to() restores the exact earlier state; open mode rolls back late blocks with it. Logic thread
// only. No clock, no randomness, no I/O. How each command behaves: exchange/README.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "exchange/engine/command.h"
#include "exchange/engine/event.h"
#include "exchange/engine/frozen_state.h"
#include "exchange/market/market.h"

namespace peerbook::exchange {

// A position in the undo log.
using UndoMark = StrongId<struct UndoMarkTag, std::uint64_t>;

struct LevelView {
    Price price;
    Quantity quantity;  // sum over the level
    std::uint32_t orders = 0;
};

// An open order: in the book, or waiting for its trigger.
struct RestingOrderView {
    OrderKey order;
    MarketId market;
    Side side = Side::buy;
    Price price;                 // limit; of a waiting one, what it will have
    Quantity quantity;           // as placed
    Quantity leaves;             // hidden part included
    Quantity shown;              // ≤ leaves; 0 while it waits
    std::uint64_t sequence = 0;  // priority: among equal prices the lower one is first
    std::optional<Quantity> display;
    std::optional<WallTime> expires_at;
    std::optional<Trigger> trigger;
    std::optional<Amount> budget;
    // Of a waiting one, what it will be placed with; one in the book is GTC.
    TimeInForce time_in_force = TimeInForce::gtc;
    bool post_only = false;
};

struct MarketView {
    MarketPhase phase = MarketPhase::trading;
    std::optional<Price> last;                // last price
    std::optional<WallTime> auction_ends_at;  // while phase is auction
    // While phase is auction: what it would trade if it ended now. Both zero if nothing would.
    Price indicative_price;
    Quantity indicative_quantity;
};

struct WithdrawalView {
    CommandRef request;
    AssetId asset;
    Amount amount = 0;
    std::string destination;
};

// What one commit executes.
struct CommitInput {
    WallTime time;  // of the commit; earlier than the last one's counts as equal to it
    std::uint16_t rules_version = rules_version_latest;  // precondition: 1 … rules_version_latest
    std::span<const CommandBatch> batches;
};

struct BalanceView {
    AssetId asset;
    Amount total = 0;
    Amount reserved = 0;
};

struct EngineStats {
    std::uint64_t resting_orders = 0;
    std::uint64_t accounts = 0;
    std::uint64_t undo_bytes = 0;
    std::uint64_t memory_bytes = 0;  // book, index, ledger and undo, as allocated
};

struct EngineState;  // internal

class Engine {
  public:
    explicit Engine(NetworkRules rules);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Executes one commit and appends its events: first what became due by time, then the commands.
    // Precondition: batches are as decode_payload gives them.
    void apply(const CommitInput& commit, EventBuffer& events);
    // The earliest time at which something becomes due without a command: an expiry, a dead-man switch, the
    // end of an auction. A member whose clock passes it emits a block, so that a commit gets there.
    std::optional<WallTime> next_deadline() const;

    // --- undo ---
    UndoMark mark() const;
    // Restores the state at `mark`. Precondition: mark was taken on this history and not pruned.
    void undo_to(UndoMark mark);
    // Forgets how to undo anything before `mark`.
    void prune_undo(UndoMark mark);

    // --- reading ---
    // With the markets created so far.
    const NetworkRules& rules() const;
    // BLAKE2b over the canonical state. Independent of internal indexes and of how the state was reached.
    // Walks everything; state roots at checkpoints are incremental (state_root.h).
    Digest state_digest() const;
    // The same over the books alone.
    Digest book_digest() const;
    Digest balances_digest() const;

    std::vector<LevelView> levels(MarketId market, Side side, std::size_t depth) const;  // best first
    std::vector<RestingOrderView> orders(MarketId market, Side side,
                                         std::size_t count_max) const;  // priority order
    std::vector<RestingOrderView> open_orders(AccountIndex account, std::size_t count_max) const;  // by nonce
    std::optional<RestingOrderView> find_order(OrderKey key) const;
    // Both resting and waiting orders are open orders; levels() and orders() are of the book alone.
    std::vector<RestingOrderView> waiting_orders(MarketId market, std::size_t count_max) const;
    MarketView market_view(MarketId market) const;
    std::vector<WithdrawalView> withdrawals(AccountIndex account) const;  // that wait, by request
    std::vector<AccountIndex> accounts_with_withdrawals() const;          // that wait; each once, ascending
    std::optional<Price> last_price(MarketId market) const;
    std::optional<Price> best(MarketId market, Side side) const;

    std::optional<AccountIndex> find_account(const AccountId& id) const;
    const AccountId& account_id(AccountIndex account) const;
    // Name of a hosted account, empty for others.
    const std::string& account_name(AccountIndex account) const;
    // Every index below it was given to an account. An account whose opening was undone keeps its index.
    std::uint32_t account_count() const;
    bool is_open(AccountIndex account) const;
    std::vector<BalanceView> balances(AccountIndex account) const;  // one an asset, in asset order
    // True if a command with this nonce would not be refused for its nonce.
    bool nonce_is_free(AccountIndex account, std::uint64_t nonce) const;
    // One above the highest nonce burnt; 1 for a new account. Nonce 0 is never valid.
    std::uint64_t next_nonce(AccountIndex account) const;
    Amount issued(AssetId asset) const;
    EngineStats stats() const;

    // A view of the state as it is now that stays as it is while the engine goes on; for state roots and
    // snapshots. Costs a few microseconds and later a copy of each page of 64 entries that is changed.
    FrozenState freeze();

    // Verifies the invariants (conservation, reserved = sum over open orders, books not crossed, level
    // totals, index and FIFO links). Walks everything; for tests and `peerbook replay --verify`. Error: which
    // one broke.
    Status check_invariants() const;

  private:
    friend class EngineRestorer;  // restore.cc
    struct State;
    EngineState& internals();
    std::unique_ptr<State> state_;
};

}  // namespace peerbook::exchange
