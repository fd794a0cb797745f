// The deterministic state machine: books, matching and ledger of all markets of one network.
//
// apply() never fails: a user's mistake is a rejected event. Each command gives one accepted or rejected
// event, and after accepted its consequences. Equal sequences of apply() give equal events and equal
// state_digest() on every machine. Every change is recorded, so that undo_to() restores the exact earlier
// state; open mode rolls back late blocks with it. Logic thread only. No clock, no randomness, no I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "exchange/engine/command.h"
#include "exchange/engine/event.h"
#include "exchange/market/market.h"

namespace peerbook::exchange {

// A position in the undo log.
using UndoMark = StrongId<struct UndoMarkTag, std::uint64_t>;

struct LevelView {
    Price price;
    Quantity quantity;  // sum over the level
    std::uint32_t orders = 0;
};

struct RestingOrderView {
    OrderKey order;
    MarketId market;
    Side side = Side::buy;
    Price price;
    Quantity quantity;  // as placed
    Quantity leaves;
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

class Engine {
  public:
    explicit Engine(NetworkRules rules);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Executes one batch of a commit and appends its events. `first_command` numbers its first command within
    // the commit. Precondition: every command's account and ref are as decoded.
    void apply(const CommandBatch& batch, std::uint32_t first_command, EventBuffer& events);

    // --- undo ---
    UndoMark mark() const;
    // Restores the state at `mark`. Precondition: mark was taken on this history and not pruned.
    void undo_to(UndoMark mark);
    // Forgets how to undo anything before `mark`.
    void prune_undo(UndoMark mark);

    // --- reading ---
    const NetworkRules& rules() const;
    // BLAKE2b over the canonical state: accounts by id with nonces and balances, orders by market, side,
    // price and time. Independent of internal indexes and of how the state was reached. Walks everything.
    Digest state_digest() const;
    // The same over the books alone.
    Digest book_digest() const;
    Digest balances_digest() const;

    std::vector<LevelView> levels(MarketId market, Side side, std::size_t depth) const;  // best first
    std::vector<RestingOrderView> orders(MarketId market, Side side,
                                         std::size_t count_max) const;  // priority order
    std::vector<RestingOrderView> open_orders(AccountIndex account, std::size_t count_max) const;  // by nonce
    std::optional<RestingOrderView> find_order(OrderKey key) const;
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

    // Verifies the invariants (conservation, reserved = sum over open orders, books not crossed, level
    // totals, index and FIFO links). Walks everything; for tests and `peerbook replay --verify`. Error: which
    // one broke.
    Status check_invariants() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace peerbook::exchange
