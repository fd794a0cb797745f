// What the API, the command line and standard input may ask of a node, and what it answers: plain values that
// cross from the I/O thread to the logic thread and back. Numbers are integers of the exchange; text is made
// at the edge.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "exchange/engine/command.h"
#include "exchange/engine/engine.h"
#include "exchange/engine/event.h"

namespace peerbook::app {

// How sure a result is. Never pay out on a provisional one. Settled assumes that no member signs two blocks
// for one place, attested does not (exchange/ordering/RULES.md, 17). A trade that a late block undid is
// retracted; it may come back as provisional under the same id.
enum class Grade : std::uint8_t { provisional, settled, attested, retracted };
const char* to_string(Grade grade);
// Why a trade is retracted.
enum class Retraction : std::uint8_t {
    late_block,      // one came that stands in front of it
    view_end,        // a block that it needs is outside the view's cut
    two_blocks,      // so it is, because its author signed another one for its place
    ledger_adopted,  // it had settled in a ledger that this node gave up for another
};
const char* to_string(Retraction why);

// --- submitting
// ---------------------------------------------------------------------------------------------------

// A command of a hosted account before the node gave it a nonce.
struct Intent {
    std::string account;                 // hosted account name on this node; opened at its first use
    std::optional<std::uint64_t> nonce;  // chosen by the client; else the node takes the next one
    exchange::CommandBody body;
    // Cancel, reduce, replace: names the target instead of body.target.
    std::optional<exchange::OrderId> target_order;
    // Reduce, replace: the market whose scale body's price and quantity have. Where the target is known and
    // of another, the request is refused.
    std::optional<exchange::MarketId> target_market = std::nullopt;
};

inline constexpr std::size_t intents_per_request_max = 4'096;

struct SubmitRequest {
    std::vector<Intent> intents;
    Bytes signed_batch;  // self-custodied commands instead of intents; encoded as exchange/engine/command.h
                         // says
    Grade wait_for = Grade::provisional;  // answer when durable and executed, or settled, or attested
    // The client names its orders by their nonces and wants no ids: the node computes and remembers none for
    // it, so an id of such an order costs a search when somebody asks by it. Ids in the answer are then zero,
    // makers' excepted.
    bool by_nonce = false;
};

enum class CommandStatus : std::uint8_t {
    done,  // executed; not an order, or a change of orders that worked
    resting,
    partially_filled,  // and the rest rests
    filled,
    cancelled,  // the rest, or all of it, did not rest (IOC, market, self-trade prevention)
    rejected,
    // Clients of the binary batch read numbers, so a status keeps its number.
    waiting,  // for its trigger
};
inline constexpr CommandStatus last_command_status = CommandStatus::waiting;
const char* to_string(CommandStatus status);

struct FillView {
    exchange::TradeId trade;
    exchange::OrderId maker_order;
    exchange::Price price;
    exchange::Quantity quantity;
    exchange::Amount fee = 0;  // taker's, quote base units
};

struct CommandResult {
    exchange::CommandRef ref;
    exchange::OrderId order;  // the order's id, for orders; the command's otherwise
    std::optional<exchange::MarketId> market;
    CommandStatus status = CommandStatus::done;
    exchange::Reason reason = exchange::Reason::none;
    exchange::Quantity filled;
    exchange::Quantity leaves;
    std::vector<FillView> fills;
    // Replace, cancel all, mass quote: how many earlier orders this took away.
    std::uint64_t orders_cancelled = 0;
    // Mass quote: one for each quote, in order; `fills` of each is empty.
    std::vector<CommandResult> quotes;
    // Rejected as rate_limit or byte_limit: how many, and the commit time from which to try again.
    std::uint64_t limit = 0;
    std::optional<WallTime> try_again_at;
    // Administration: words for the action so far, this one included, and how many it needs; 0 elsewhere.
    std::uint32_t approvals = 0;
    std::uint32_t approvals_needed = 0;
};

// Sent when every command of the request is durable (and settled, if asked for).
struct SubmitAnswer {
    std::uint64_t block =
        0;  // seq of this node's (for an observer: the carrying member's) block with the last of them
    Grade grade = Grade::provisional;
    std::vector<CommandResult> results;
};

// A ledger that this node's operator gave up to adopt another one. Its trades are retracted: this node stands
// for none of them any more.
struct GivenUpLedger {
    Digest ledger;   // zero: the node had none
    PublicKey node;  // the key under which this node kept it
    std::uint64_t view = 0;
    std::uint64_t settled_commits = 0;
    std::uint64_t settled_trades = 0;
    std::uint64_t unsettled_commands = 0;  // of whoever, when it was given up
    Digest settled_prefix;
    Digest adopted;  // for this one
    WallTime time;
    std::string archive;  // the folder where its journal, index and key lie
};

// --- asking
// -------------------------------------------------------------------------------------------------------

struct StatusQuery {};
struct StatusAnswer {
    PublicKey node;
    Digest network;
    Digest ledger;
    std::string role;  // "member" or "observer"
    std::string says;  // one sentence for people: what it does or waits for
    bool ready = false;
    std::uint64_t members = 0;
    std::uint64_t members_connected = 0;  // this node included, if it is one
    std::uint64_t members_suspected = 0;  // silent for so long that the others go on without them
    std::uint64_t view = 1;               // number of the view; rises with each change of members
    std::uint64_t commits = 0;
    std::uint64_t settled_commits = 0;
    Digest settled_prefix;
    std::uint64_t attested_commits = 0;
    std::uint64_t votes_needed = 0;  // members whose votes make a settled state an attested one
    // What no honest member's doing explains, or why this node stopped trading; empty: nothing.
    std::string alarm;
    // Root of the state right after a settled commit, the last checkpoint; equal on all nodes. Commit 0: none
    // yet.
    Digest state_root;
    std::uint64_t state_root_commit = 0;
    std::uint64_t settled_trades = 0;
    std::uint64_t retracted_trades = 0;  // since the start of the process
    std::uint64_t commands_executed = 0;
    std::uint64_t commands_replayed = 0;
    std::uint64_t rollbacks = 0;
    std::uint64_t unsettled_commands = 0;
    std::uint64_t blocks_accepted = 0;
    std::uint64_t blocks_suspended = 0;
    std::uint64_t own_seq = 0;
    std::uint64_t resting_orders = 0;
    std::uint64_t accounts = 0;
    std::uint64_t engine_memory_bytes = 0;
    std::int64_t uptime_ms = 0;
    struct Member {
        PublicKey key;
        bool self = false;
        bool connected = false;
        bool suspected = false;
        std::uint64_t tip_seq = 0;
        std::uint64_t tip_round = 0;
        std::uint64_t stable_round = 0;
        std::uint64_t voted_commit = 0;  // the last state of which it signed what this node has too
        std::uint64_t disagrees_at = 0;  // commit where it signed another state or log than this node's
    };
    std::vector<Member> member_list;
    // Other ledgers of this network that peers have or had.
    struct OtherLedger {
        Digest ledger;
        std::uint64_t view = 0;
        std::uint64_t members = 0;
        std::uint64_t reachable = 0;  // connected peers that have it
        bool is_fork = false;         // of this node's ledger
    };
    std::vector<OtherLedger> other_ledgers;
};

// This node's ledger, those of its peers, and those that it gave up.
struct LedgersQuery {};
struct LedgersAnswer {
    Digest ledger;              // zero: none
    std::vector<Digest> forks;  // the ledgers that this one goes on from, oldest first
    bool is_established = false;
    std::uint64_t view = 0;
    std::uint64_t members = 0;
    std::optional<Digest> adopts;  // the only one that this node enters
    std::vector<StatusAnswer::OtherLedger> others;
    std::vector<GivenUpLedger> given_up;
};

// Gives up the own ledger for this one, which a peer has: leaves if there are other members, and ends; the
// process archives what it has and starts again under a new key. Answered when that is noted durably. Errors:
// invalid_input, not_found (no connected peer has it), conflict, unavailable, timed_out (could not leave).
struct AdoptLedger {
    Digest ledger;
};

// Where the quorum is gone for good: founds a ledger that goes on from what is settled here (`members`, this
// node always among them), or enters one that another member founded so (`accept`). Answered when it is
// durable. Errors: invalid_input, not_found, conflict, unavailable.
struct ForkLedger {
    std::vector<PublicKey> members;
    std::optional<Digest> accept = std::nullopt;
};
struct ForkAnswer {
    Digest ledger, from;
    std::uint64_t view = 0;
    std::vector<PublicKey> members;
    bool is_member = false;
    std::uint64_t settled_commits = 0;
    std::uint64_t void_blocks = 0;  // of the old ledger's last view; this node's own are issued again
};

// Digests of the whole state; equal on all nodes that executed the same log.
struct DigestsQuery {};
struct DigestsAnswer {
    std::uint64_t commits = 0;
    std::uint64_t settled_commits = 0;
    Digest settled_prefix;
    Digest book;
    Digest balances;
    Digest state;
    std::uint64_t settled_trades = 0;
    Digest trades;  // hash chain over settled trades
};

struct BookQuery {
    exchange::MarketId market;
    std::size_t depth = 20;  // levels (or orders, with orders = true) a side
    bool orders = false;
};
struct BookAnswer {
    exchange::MarketId market;
    std::uint64_t commit = 0;  // the log position it shows
    std::optional<exchange::Price> last;
    exchange::MarketView state;
    std::vector<exchange::LevelView> bids, asks;
    struct Order {
        exchange::OrderId id;
        exchange::Price price;
        exchange::Quantity leaves;
    };
    std::vector<Order> bid_orders, ask_orders;
};

struct TradeView {
    exchange::TradeId id;
    exchange::MarketId market;
    std::uint64_t ordinal = 0;  // counts the market's settled trades from 1; 0 while provisional
    Grade grade = Grade::provisional;
    Retraction why = Retraction::late_block;  // retracted
    exchange::Price price;
    exchange::Quantity quantity;
    exchange::Side taker_side = exchange::Side::buy;
    exchange::OrderId maker_order, taker_order;
    exchange::AccountId maker_account, taker_account;
    exchange::Amount maker_fee = 0, taker_fee = 0;
    WallTime time;  // commit time
};
struct TradesQuery {
    std::optional<exchange::MarketId> market;  // with `after`: required
    std::optional<std::uint64_t>
        after;                // settled trades with a higher ordinal, oldest first; else the latest
    std::string account;      // name or id in hex; empty: everyone's
    std::size_t limit = 100;  // ≤ 1,000
    // Of this ledger: the own one, or one that was given up, whose trades are all retracted (then market or
    // account is required). Absent: the own one.
    std::optional<Digest> ledger = std::nullopt;
};
struct TradesAnswer {
    std::vector<TradeView> trades;
    Digest ledger = {};
};

struct OrderView {
    exchange::OrderId id;
    exchange::CommandRef ref;
    exchange::AccountId account;
    exchange::MarketId market;
    exchange::Side side = exchange::Side::buy;
    exchange::Price price;
    exchange::Quantity quantity, leaves;
    exchange::Quantity shown{};  // 0 while it waits for its trigger
    std::optional<exchange::Quantity> display = std::nullopt;
    std::optional<WallTime> expires_at = std::nullopt;
    std::optional<exchange::Trigger> trigger = std::nullopt;  // while it waits
    std::optional<exchange::Amount> budget = std::nullopt;    // then quantity and leaves are 0
    exchange::TimeInForce time_in_force = exchange::TimeInForce::gtc;
    bool post_only = false;  // of a waiting one
};
struct OrdersQuery {
    std::string account;  // name or id in hex
    std::size_t limit = 1'000;
};
struct OrdersAnswer {
    std::vector<OrderView> orders;
};
struct OrderQuery {
    exchange::OrderId id;
};
enum class OrderState : std::uint8_t { open, waiting, filled, cancelled, expired, replaced };
const char* to_string(OrderState state);
// Of an order that ended only while this node remembers it (NodeOptions::known_orders_max, since its start);
// its quantities are those at its end.
struct OrderAnswer {
    OrderView order;
    OrderState state = OrderState::open;
    Grade grade = Grade::provisional;                             // of the last change of the order
    bool was_triggered = false;                                   // it waited before
    exchange::Reason reason = exchange::Reason::none;             // cancelled: why
    std::optional<exchange::OrderId> replaced_by = std::nullopt;  // replaced: the order in its place
};

struct AccountQuery {
    std::string account;  // name or id in hex; empty: all accounts, without balances
};
struct AccountView {
    exchange::AccountId id;
    std::string name;
    std::uint64_t next_nonce = 1;
    std::vector<exchange::BalanceView> balances;
};
struct AccountsAnswer {
    std::vector<AccountView> accounts;
};

// What every market does now; its rules are in NodeService::rules().
struct MarketsQuery {};
struct MarketsAnswer {
    std::vector<exchange::MarketView> markets;  // by MarketId
};

// Withdrawals that wait to be settled, by account id and request.
struct WithdrawalsQuery {
    std::string account;                     // name or id in hex; empty: everyone's
    std::optional<exchange::AssetId> asset;  // absent: all assets
    std::size_t limit = 1'000;
};
struct WithdrawalsAnswer {
    struct Item {
        exchange::AccountId account;
        std::string name;  // of a hosted account, empty for others
        exchange::WithdrawalView withdrawal;
    };
    std::vector<Item> withdrawals;
};

// Answered when the member's block `seq` is settled (own blocks; for an observer, never needed).
struct SettledQuery {
    std::uint64_t seq = 0;
};
struct SettledAnswer {
    std::uint64_t seq = 0;
};

using Query =
    std::variant<StatusQuery, DigestsQuery, BookQuery, TradesQuery, OrdersQuery, OrderQuery, AccountQuery,
                 MarketsQuery, WithdrawalsQuery, SettledQuery, LedgersQuery, AdoptLedger, ForkLedger>;
using Answer = std::variant<StatusAnswer, DigestsAnswer, BookAnswer, TradesAnswer, OrdersAnswer, OrderAnswer,
                            AccountsAnswer, MarketsAnswer, WithdrawalsAnswer, SettledAnswer, LedgersAnswer,
                            GivenUpLedger, ForkAnswer>;

// The node as the API sees it. Both calls return at once; `done` runs later on the caller's I/O thread,
// exactly once. Errors: unavailable (queue full: try again; not ready; shutting down), invalid_input,
// not_found.
class NodeService {
  public:
    virtual ~NodeService() = default;
    virtual void submit(SubmitRequest request, std::function<void(Result<SubmitAnswer>)> done) = 0;
    virtual void ask(Query query, std::function<void(Result<Answer>)> done) = 0;
    // With the markets created so far; never null. A new value, made before the first answer that mentions a
    // new market, replaces it between two completions. Its list of markets never gets shorter: one whose
    // creation was undone stays until another takes its place.
    virtual std::shared_ptr<const exchange::NetworkRules> rules() const = 0;
    virtual const std::string& network_name() const = 0;
};

}  // namespace peerbook::app
