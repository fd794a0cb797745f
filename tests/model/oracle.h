// A slow and obvious exchange to compare the engine with: one map of open orders that is sorted whenever an
// order of priority is needed, big integers of Boost.Multiprecision, fees from their definition, reserves
// added up whenever somebody asks. Shares with the engine only the plain structs of commands, events and
// rules, the names of accounts and orders, and make_market_rules(). Copyable: a copy is a snapshot.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "exchange/engine/command.h"
#include "exchange/engine/engine.h"
#include "exchange/engine/event.h"
#include "exchange/market/market.h"

namespace peerbook::exchange::model {

using Big = boost::multiprecision::cpp_int;
using Millis = std::int64_t;
using OrderName = std::pair<AccountId, CommandRef>;

// What is asked for, and while it is open, what is left of it.
struct Order {
    AccountId account;
    CommandRef ref;
    std::uint32_t market = 0;
    Side side = Side::buy;
    std::int64_t price = 0;
    std::int64_t quantity = 0;  // as placed
    std::int64_t leaves = 0;    // hidden part included; 0 for one with a budget
    std::int64_t shown = 0;     // 0 while it waits
    TimeInForce time_in_force = TimeInForce::gtc;
    bool post_only = false;
    SelfTradePrevention self_trade = SelfTradePrevention::cancel_newest;
    std::optional<std::int64_t> display;
    std::optional<Millis> expires_at;
    std::optional<Trigger> trigger;  // while it waits
    std::optional<Big> budget;       // what is left of it
    bool is_quote = false;
    std::uint64_t sequence = 0;
    std::uint32_t refreshes = 0;  // how often an iceberg showed its next part
    Big fee_parts;                // Σ notional × rate over its fills, in millionths of a base unit
    Big fee_charged;              // so far

    OrderName name() const { return {account, ref}; }
};

struct Withdrawal {
    std::uint32_t asset = 0;
    Big amount;
    std::string destination;
};

struct Account {
    std::optional<PublicKey> owner;  // none for the fee account
    std::string name;
    std::set<std::uint64_t> nonces;       // burnt
    std::map<std::uint32_t, Big> totals;  // by asset
    std::map<CommandRef, Withdrawal> withdrawals;
    std::optional<Millis> cancels_at;  // dead-man switch
    Millis second = -1;                // that `commands` counts
    std::uint64_t commands = 0;
};

// A key that answers for accounts.
struct Owner {
    Millis second = -1;  // that `bytes` counts
    Big bytes;
    Millis minute = -1;  // that `opened` counts
    std::uint32_t opened = 0;
};

struct Market {
    MarketRules rules;
    MarketPhase phase = MarketPhase::trading;
    std::optional<Millis> auction_ends_at;
    std::optional<std::int64_t> last;
};

struct Proposal {
    AdminAction action;
    std::uint64_t reference = 0;
    std::set<AccountId> words;
    Millis since = 0;  // first word, or when it was done
    bool is_done = false;
};

// The price of an uncrossing and the lots that both sides have for it.
struct Clearing {
    std::int64_t price = 0;
    std::int64_t volume = 0;
};

// The body if it is such a command, in a box or not; else null.
template <typename Body>
const Body* body_as(const CommandBody& body) {
    return std::visit(
        [](const auto& alternative) -> const Body* {
            using Alternative = std::remove_cvref_t<decltype(alternative)>;
            if constexpr (std::is_same_v<Alternative, Body>)
                return &alternative;
            else if constexpr (std::is_same_v<Alternative, Boxed<Body>>)
                return &*alternative;
            else
                return nullptr;
        },
        body);
}

class Oracle {
  public:
    // The engine's index of an open account. Asked during apply() only.
    using IndexOf = std::function<AccountIndex(const AccountId&)>;

    explicit Oracle(NetworkRules rules);
    void apply(const CommitInput& commit, const IndexOf& index_of, EventBuffer& events);

    // --- reading ---
    const std::map<AccountId, Account>& accounts() const { return accounts_; }
    const std::map<OrderName, Order>& orders() const { return orders_; }
    const std::vector<Market>& markets() const { return markets_; }
    const std::vector<Big>& issued() const { return issued_; }
    const NetworkRules& rules() const { return rules_; }
    Millis time() const { return time_; }
    // Resting orders of one side in order of priority.
    std::vector<Order> side_orders(std::uint32_t market, Side side) const;
    Big total(const AccountId& account, std::uint32_t asset) const;
    Big reserved(const AccountId& account, std::uint32_t asset) const;
    bool nonce_is_free(const AccountId& account, std::uint64_t nonce) const;
    std::uint64_t highest_nonce(const AccountId& account) const;
    std::optional<Millis> next_deadline() const;
    // What an uncrossing would do now; none if the book is not crossed.
    std::optional<Clearing> clearing(std::uint32_t market) const;
    // Sum of all balances of the asset, the fee account's included.
    Big sum_of_balances(std::uint32_t asset) const;

  private:
    struct Entry {
        const CommandBatch* batch = nullptr;
        const BatchCommand* command = nullptr;
        AccountId account;
        std::uint32_t number = 0;
        bool target_is_too_new = false;  // of a cancel: its target's nonce could not be burnt yet

        CommandRef ref() const { return command->ref(); }
        template <typename Body>
        const Body* as() const {
            return body_as<Body>(command->body);
        }
    };
    struct BatchState {
        bool is_over_bytes = false;
        std::optional<std::uint64_t> burnt;  // the one nonce of a self-custodied batch
    };
    // What is running; empty while nothing but time does.
    struct Running {
        EventBuffer* events = nullptr;
        const IndexOf* index_of = nullptr;
        const Entry* entry = nullptr;
        std::uint64_t first_sequence = 0;   // of this commit
        std::uint32_t steps = 0;            // of all sweeps of this commit
        std::vector<std::uint32_t> traded;  // markets, in order of first fill
        std::set<std::uint32_t> placed;     // markets whose book got an order while they traded
        std::map<AccountId, std::uint32_t> cancel_alls;
        std::map<AccountId, std::uint64_t> looked_through;  // open orders, by cancel-alls and mass quotes
    };

    // --- the commit (oracle_commit.cc) ---
    void start_auctions_at_open();
    void do_what_is_due();
    void run_in_order(const CommitInput& commit);
    void run_in_passes(const CommitInput& commit);
    void run_with_attached(const Entry& entry,
                           const std::map<std::uint32_t, std::vector<const Entry*>>& attached);
    void fire_where_it_traded(const Entry& entry);
    BatchState enter(const CommandBatch& batch);
    // True if the command may run; otherwise it was answered.
    bool admit(Entry& entry, BatchState& batch, bool in_passes);
    Reason open(const Entry& entry, const OpenAccount& opening, BatchState& batch);
    bool is_over_rate(const Entry& entry);
    Reason nonce_reason(const AccountId& account, std::uint64_t nonce) const;
    void burn_target(Entry& entry, const CancelOrder& cancel);
    void execute(const Entry& entry);

    // --- orders (oracle_orders.cc) ---
    void run(const LimitOrder& command);
    void run(const MarketOrder& command);
    void run(const BudgetOrder& command);
    void run(const SpecialOrder& command);
    void run(const CancelOrder& command);
    void run(const ReduceOrder& command);
    void run(const ReplaceOrder& command);
    void run(const CancelAll& command);
    void run(const CancelAfter& command);
    void run(const MassQuote& command);
    Order new_order(MarketId market, Side side, Price price, Quantity quantity) const;
    // `replaced` is the order that leaves when this one comes.
    Reason check(const Order& order, const Order* replaced, bool are_terms_bad) const;
    Reason check_room(const Order& order, const Order* replaced) const;
    void place(const Order& order, const Order* replaced, bool are_terms_bad);
    void enter_market(Order order);
    // True, and the running command was rejected, if it would look through too many orders.
    bool looks_through_too_many();
    void cancel_left_by(const Entry& placing, const CancelAll& cancel);
    void cancel_matching(const CancelAll& cancel, const std::function<bool(const Order&)>& wanted);
    void cancel(OrderName name, Reason reason);
    Order* find_own(CommandRef target);

    // --- matching (oracle_matching.cc) ---
    std::uint32_t steps_left() const { return rules_.fills_per_commit_max - running_.steps; }
    void match_and_rest(Order order);
    // What stopped it; none if it is filled or nothing more meets it.
    Reason match(Order& taker);
    // True if the taker stops.
    bool meet_own(Order& taker, Order& maker);
    std::int64_t lots_for(const Order& taker, const Order& maker) const;
    Event& trade(Order& order, Order& maker, std::int64_t price, std::int64_t quantity, std::uint32_t rate);
    void rest(Order order);
    void wait(Order order);
    void show_next_part(Order& order);
    Reason check_fill_or_kill(const Order& taker) const;
    bool would_trade(const Order& order) const;
    bool is_outside_band(const Order& order) const;
    void note_traded(std::uint32_t market);
    void fire(std::uint32_t market);
    const Order* first_triggered(std::uint32_t market) const;
    void activate(Order order);

    // --- auctions (oracle_auction.cc) ---
    void end_auction(std::uint32_t market);
    void end_batches();
    // Price and lots that traded, both 0 if none did.
    Clearing uncross(std::uint32_t market, bool is_batch);
    std::map<OrderName, std::int64_t> allocate(const Clearing& at, std::uint32_t market, Side side,
                                               bool is_batch) const;
    // Returns how many lots traded.
    std::int64_t pair_off(const Clearing& at, std::uint32_t market, std::map<OrderName, std::int64_t> lots);
    void take_own_off(std::uint32_t market);
    void lose(Order& order, std::int64_t quantity);
    void show_or_erase(Order& order);
    void cancel_immediate_orders(std::uint32_t market);

    // --- accounts and money (oracle_money.cc) ---
    void run(const OpenAccount& command);
    void run(const Faucet& command);
    void run(const Transfer& command);
    void run(const Issue& command);
    void run(const Redeem& command);
    void run(const RequestWithdrawal& command);
    void run(const SettleWithdrawal& command);
    void run(const Administer& command);
    Reason check_issuer(AssetId asset) const;
    Reason check_action(const AdminAction& action) const;
    void forget_proposals();
    void do_action(const AdminAction& action);
    void open_market(Market& market) const;

    // --- small things (oracle.cc) ---
    Event& emit(EventKind kind);                      // about the running command
    Event& emit(EventKind kind, const Order& order);  // with side, market and price
    void reject(Reason reason) { emit(EventKind::rejected).reason = reason; }
    OrderKey key_of(const AccountId& account, CommandRef ref) const;
    const AccountId& sender() const { return running_.entry->account; }
    Account& sending() { return accounts_.at(sender()); }
    Market& market_of(const Order& order) { return markets_[order.market]; }
    const Market& market_of(const Order& order) const { return markets_[order.market]; }
    bool is_batch_market(const Order& order) const {
        return market_of(order).rules.matching == MatchingMode::batch;
    }
    std::vector<Order*> book(std::uint32_t market, Side side);
    std::vector<OrderName> open_names(const AccountId& account) const;  // by nonce and index
    Big available(const AccountId& account, std::uint32_t asset) const;
    std::uint32_t reserve_asset(const Order& order) const;
    Big notional(const Order& order, std::int64_t price, std::int64_t quantity) const;
    Big held_by(const Order& order) const;
    Big next_fee(const Order& order, const Big& notional, std::uint32_t rate) const;
    Big charge(Order& order, const Big& notional, std::uint32_t rate) const;

    NetworkRules rules_;
    std::map<AccountId, Account> accounts_;
    std::map<PublicKey, Owner> owners_;
    std::map<OrderName, Order> orders_;
    std::vector<Market> markets_;
    std::vector<Big> issued_;
    std::vector<Proposal> proposals_;
    bool has_started_ = false;
    Millis time_ = 0;
    std::uint64_t next_sequence_ = 1;
    Running running_;
};

Amount to_amount(const Big& value);
// Does a price of `side` with this limit meet a price of the other side?
bool meets(Side side, std::int64_t limit, std::int64_t other);
bool is_met(const Trigger& trigger, std::int64_t last);

}  // namespace peerbook::exchange::model
