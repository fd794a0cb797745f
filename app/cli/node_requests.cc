#include "app/cli/node_requests.h"

#include "app/cli/http_client.h"
#include "app/cli/json_text.h"

namespace peerbook::app::cli {

namespace {

constexpr const char* orders_path = "/api/v1/orders";

// Collects "?a=b&c=d"; empty values are left out.
class Query {
  public:
    Query& add(const char* name, const std::string& value) {
        if (value.empty()) return *this;
        text_ += (text_.empty() ? "?" : "&") + std::string(name) + "=" + url_escape(value);
        return *this;
    }
    const std::string& str() const { return text_; }

  private:
    std::string text_;
};

JsonObject command_object(const char* op, const CommandOptions& options) {
    JsonObject object;
    object.text("op", op).text("account", options.account);
    if (!options.nonce.empty()) object.text("nonce", options.nonce);
    return object;
}

NodeRequest posted(const JsonObject& object, const CommandOptions& options) {
    return {"POST", orders_path + Query().add("wait", options.wait).str(), object.str()};
}

Error order_mistake(const OrderArguments& order, const std::string& what) {
    return {ErrorCode::invalid_input, what + ". Example: peerbook order " + order.side +
                                          " BTC-USD 0.5 @ 60000, or with --market-order: peerbook order " +
                                          order.side + " BTC-USD 0.5 --market-order"};
}

// "0.5", "@", "60000" in any of the ways people write them, as one list without the sign.
std::vector<std::string> words_of(const std::vector<std::string>& terms) {
    std::vector<std::string> words;
    for (const std::string& term : terms) {
        std::size_t start = 0;
        for (;;) {
            const std::size_t at = term.find('@', start);
            if (const std::string word = term.substr(start, at - start); !word.empty()) words.push_back(word);
            if (at == std::string::npos) break;
            start = at + 1;
        }
    }
    return words;
}

}  // namespace

Result<NodeRequest> order_request(const OrderArguments& order, const CommandOptions& options) {
    std::size_t signs = 0;
    for (const std::string& term : order.terms) {
        for (const char c : term)
            signs += c == '@' ? 1 : 0;
    }
    const std::vector<std::string> words = words_of(order.terms);
    if (words.empty()) return order_mistake(order, "the quantity is missing");
    if (order.market_order) {
        if (words.size() != 1 || signs != 0) {
            return order_mistake(
                order, "a market order has a quantity and no price; its worst price is --protection");
        }
        if (order.post_only) return order_mistake(order, "a market order cannot be post-only");
        JsonObject object = command_object("market", options);
        object.text("market", order.market).text("side", order.side).text("quantity", words[0]);
        if (!order.protection.empty()) object.text("protection", order.protection);
        return posted(object, options);
    }
    if (words.size() == 1) return order_mistake(order, "the price is missing");
    if (words.size() != 2 || signs > 1 || order.terms.front().front() == '@' ||
        order.terms.back().back() == '@') {
        return order_mistake(order, "an order is QUANTITY @ PRICE");
    }
    if (!order.protection.empty()) return order_mistake(order, "--protection belongs to --market-order");
    JsonObject object = command_object("limit", options);
    object.text("market", order.market)
        .text("side", order.side)
        .text("quantity", words[0])
        .text("price", words[1]);
    object.text("time_in_force", order.time_in_force);
    if (order.post_only) object.flag("post_only", true);
    return posted(object, options);
}

NodeRequest cancel_request(const std::string& order_id, const CommandOptions& options) {
    return posted(command_object("cancel", options).text("order_id", order_id), options);
}

NodeRequest reduce_request(const ReduceArguments& reduce, const CommandOptions& options) {
    JsonObject object = command_object("reduce", options);
    object.text("market", reduce.market).text("order_id", reduce.order_id).text("by", reduce.by);
    return posted(object, options);
}

NodeRequest faucet_request(const AssetAmount& what, const CommandOptions& options) {
    return posted(command_object("faucet", options).text("asset", what.asset).text("amount", what.amount),
                  options);
}

NodeRequest transfer_request(const std::string& to, const AssetAmount& what, const CommandOptions& options) {
    JsonObject object = command_object("transfer", options);
    object.text("to", to).text("asset", what.asset).text("amount", what.amount);
    return posted(object, options);
}

Result<NodeRequest> trades_request(const TradesArguments& trades) {
    if (!trades.after.empty() && trades.market.empty()) {
        return Error{ErrorCode::invalid_input,
                     "--after counts the trades of one market: name the market too"};
    }
    Query query;
    query.add("market", trades.market).add("account", trades.account);
    query.add("after", trades.after).add("limit", trades.limit);
    return NodeRequest{"GET", "/api/v1/trades" + query.str(), {}};
}

NodeRequest book_request(const std::string& market, const std::string& depth, bool orders) {
    const Query query = Query().add("depth", depth).add("level", orders ? "3" : "2");
    return {"GET", "/api/v1/book/" + url_escape(market) + query.str(), {}};
}

NodeRequest orders_request(const std::string& account, const std::string& limit) {
    return {"GET", orders_path + Query().add("account", account).add("limit", limit).str(), {}};
}

NodeRequest order_show_request(const std::string& order_id) {
    return {"GET", std::string(orders_path) + "/" + url_escape(order_id), {}};
}

NodeRequest balances_request(const std::string& account) {
    return {"GET", "/api/v1/accounts/" + url_escape(account), {}};
}

}  // namespace peerbook::app::cli
