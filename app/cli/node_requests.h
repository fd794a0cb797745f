// What people write on the command line, as requests to a node's API. Pure. Only the shape is checked here;
// whether a price fits its tick is the node's to say.
#pragma once

#include <optional>
#include <string>
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
    std::string wait;   // "settled", or empty: answer when durable and executed
};

struct OrderArguments {
    std::string side;  // "buy" or "sell"
    std::string market;
    std::vector<std::string> terms;  // QUANTITY [@] PRICE, also "0.5@60000"; QUANTITY alone for market orders
    std::string time_in_force = "gtc";
    bool post_only = false;
    bool market_order = false;
    std::string protection;  // market orders: the worst price; empty: the node chooses
};

// Error: invalid_input, with an example.
Result<NodeRequest> order_request(const OrderArguments& order, const CommandOptions& options);

NodeRequest cancel_request(const std::string& order_id, const CommandOptions& options);
struct ReduceArguments {
    std::string market;
    std::string order_id;
    std::string by;
};
NodeRequest reduce_request(const ReduceArguments& reduce, const CommandOptions& options);
struct AssetAmount {
    std::string asset;
    std::string amount;
};
NodeRequest faucet_request(const AssetAmount& what, const CommandOptions& options);
NodeRequest transfer_request(const std::string& to, const AssetAmount& what, const CommandOptions& options);

struct TradesArguments {
    std::string market;   // empty: all
    std::string account;  // empty: everyone's
    std::string after;    // ordinal in the market
    std::string limit;
};
Result<NodeRequest> trades_request(const TradesArguments& trades);
NodeRequest book_request(const std::string& market, const std::string& depth, bool orders);
NodeRequest orders_request(const std::string& account, const std::string& limit);
NodeRequest order_show_request(const std::string& order_id);
NodeRequest balances_request(const std::string& account);

}  // namespace peerbook::app::cli
