// What people write on the command line, as requests to a node's API. Pure. Only the shape is checked here;
// whether a price fits its tick is the node's to say.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace peerbook::app::cli {

struct NodeRequest {
    std::string method;
    std::string target;  // path and query, escaped
    std::string body;    // JSON; empty: none
};

// Options that every command that changes something takes.
struct CommandOptions {
    std::string account = "me";
    std::string nonce;  // empty: the node takes the next one
    std::string wait;   // "settled", "attested", or empty: answer when durable and executed
};

struct OrderArguments {
    std::string side;  // "buy" or "sell"
    std::string market;
    std::vector<std::string> terms;  // QUANTITY [@] PRICE, also "0.5@60000"; QUANTITY alone for market orders
    std::string time_in_force;       // empty: GTC, or GTD with expires_at
    std::string expires_at;
    std::string display;
    std::string self_trade;
    bool post_only = false;
    bool market_order = false;
    std::string budget;       // a market order that spends this, without a quantity
    std::string protection;   // market orders: the worst price; empty: the node chooses
    std::string stop;         // the trigger of an order that waits for the price to get worse
    std::string take_profit;  // or for it to get better
};

// Error: invalid_input, with an example.
Result<NodeRequest> order_request(const OrderArguments& order, const CommandOptions& options);

struct MassQuoteArguments {
    std::string market;
    std::vector<std::string> terms;  // SIDE QUANTITY [@] PRICE, again and again
};
Result<NodeRequest> mass_quote_request(const MassQuoteArguments& quotes, const CommandOptions& options);

// An order is named by its id, or by the nonce of the account's own command: "7", or "7/2" with an index.
NodeRequest cancel_request(const std::string& order, const CommandOptions& options);
struct ReduceArguments {
    std::string market;
    std::string order;
    std::string by;
};
NodeRequest reduce_request(const ReduceArguments& reduce, const CommandOptions& options);
struct ReplaceArguments {
    std::string market;
    std::string order;
    std::vector<std::string> terms;  // QUANTITY [@] PRICE
    bool post_only = false;
    std::string self_trade;
    std::string trigger;
};
Result<NodeRequest> replace_request(const ReplaceArguments& replace, const CommandOptions& options);
// Empty: all markets, both sides.
struct CancelAllArguments {
    std::string market;
    std::string side;
};
NodeRequest cancel_all_request(const CancelAllArguments& which, const CommandOptions& options);
NodeRequest cancel_after_request(const std::string& timeout, const CommandOptions& options);

struct AssetAmount {
    std::string asset;
    std::string amount;
};
NodeRequest faucet_request(const AssetAmount& what, const CommandOptions& options);
NodeRequest redeem_request(const AssetAmount& what, const CommandOptions& options);
NodeRequest transfer_request(const std::string& to, const AssetAmount& what, const CommandOptions& options);
NodeRequest issue_request(const std::string& to, const AssetAmount& what, const CommandOptions& options);
NodeRequest withdraw_request(const std::string& destination, const AssetAmount& what,
                             const CommandOptions& options);
struct SettleArguments {
    std::string account;  // that asked
    std::string request;  // its nonce, as in the list of withdrawals
    bool is_paid = false;
    bool is_refused = false;  // one of the two
};
Result<NodeRequest> settle_request(const SettleArguments& settle, const CommandOptions& options);
NodeRequest withdrawals_request(const std::string& account, const std::string& asset);

// Fields of a new market by their names in REST, in order; empty ones are left out.
using MarketTerms = std::vector<std::pair<std::string, std::string>>;
NodeRequest create_market_request(const std::string& market, const MarketTerms& terms,
                                  const CommandOptions& options);
// `op` is "halt" or "resume"; an empty reference is 0.
NodeRequest phase_request(const std::string& op, const std::string& market, const std::string& reference,
                          const CommandOptions& options);

struct TradesArguments {
    std::string market;   // empty: all
    std::string account;  // empty: everyone's
    std::string after;    // ordinal in the market
    std::string limit;
    std::string ledger = {};  // empty: the one that the node keeps
};
Result<NodeRequest> trades_request(const TradesArguments& trades);
NodeRequest book_request(const std::string& market, const std::string& depth, bool orders);
NodeRequest orders_request(const std::string& account, const std::string& limit);
NodeRequest order_show_request(const std::string& order_id);
NodeRequest balances_request(const std::string& account);

// Error: invalid_input where the id is none.
Result<NodeRequest> adopt_request(const std::string& ledger);
// Error: invalid_input where an id is none, or members are named for a fork that is accepted.
Result<NodeRequest> fork_request(const std::vector<std::string>& members, const std::string& accept);

}  // namespace peerbook::app::cli
