#include "app/cli/node_requests.h"

#include <algorithm>
#include <optional>

#include "app/cli/http_client.h"
#include "app/cli/json_text.h"
#include "app/terminal/tables.h"
#include "base/hash.h"

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

// Before anybody is asked whether they are sure.
Status check_id(const std::string& id, const std::string& whose) {
    if (fixed_from_hex<Digest>(id).ok()) return {};
    return Error{ErrorCode::invalid_input, "\"" + terminal_text(id, 80) + "\" is no " + whose +
                                               "'s id, which has 64 hexadecimal digits"};
}

JsonObject command_object(const char* op, const CommandOptions& options) {
    JsonObject object;
    object.text("op", op).text("account", options.account);
    if (!options.nonce.empty()) object.text("nonce", options.nonce);
    return object;
}

NodeRequest posted(const JsonObject& object, const CommandOptions& options) {
    return {"POST", orders_path + Query().add("wait", options.wait).str(), object.str()};
}

void add_if_given(JsonObject& object, const char* name, const std::string& value) {
    if (!value.empty()) object.text(name, value);
}

Error mistake(const std::string& what, const std::string& example) {
    return {ErrorCode::invalid_input, what + ". Example: " + example};
}

Error order_mistake(const OrderArguments& order, const std::string& what) {
    const std::string command = "peerbook order " + order.side + " BTC-USD 0.5 ";
    return mistake(what, command + "@ 60000, or with --market-order: " + command + "--market-order");
}

bool is_digits(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// "7" or "7/2" as nonce and index. False if it is neither; an order id of digits alone is none, by its
// length.
bool add_nonce(JsonObject& object, const std::string& word) {
    constexpr std::size_t order_id_digits = 32;
    const std::size_t slash = word.find('/');
    const std::string nonce = word.substr(0, slash);
    const std::string index = slash == std::string::npos ? "" : word.substr(slash + 1);
    if (word.size() >= order_id_digits || !is_digits(nonce) ||
        (slash != std::string::npos && !is_digits(index)))
        return false;
    object.text("target_nonce", nonce);
    add_if_given(object, "target_index", index);
    return true;
}

void add_target(JsonObject& object, const std::string& order) {
    if (!add_nonce(object, order)) object.text("order_id", order);
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

std::size_t signs_of(const std::vector<std::string>& terms) {
    std::size_t signs = 0;
    for (const std::string& term : terms)
        signs += static_cast<std::size_t>(std::count(term.begin(), term.end(), '@'));
    return signs;
}

// QUANTITY @ PRICE; nothing if it is something else.
struct AtPrice {
    std::string quantity, price;
};
std::optional<AtPrice> at_price(const std::vector<std::string>& terms) {
    const auto signs = signs_of(terms);
    const std::vector<std::string> words = words_of(terms);
    if (words.size() != 2 || signs > 1 || terms.front().starts_with('@') || terms.back().ends_with('@'))
        return std::nullopt;
    return AtPrice{words[0], words[1]};
}

std::string op_of(const OrderArguments& order, bool by_market) {
    if (!order.stop.empty()) return by_market ? "stop" : "stop_limit";
    if (!order.take_profit.empty()) return by_market ? "take_profit" : "take_profit_limit";
    return by_market ? "market" : "limit";
}

// What both kinds of order begin with.
JsonObject order_object(const OrderArguments& order, bool by_market, const CommandOptions& options) {
    JsonObject object = command_object(op_of(order, by_market).c_str(), options);
    object.text("market", order.market).text("side", order.side);
    return object;
}

void add_common_terms(JsonObject& object, const OrderArguments& order) {
    add_if_given(object, "self_trade", order.self_trade);
    add_if_given(object, "trigger", order.stop.empty() ? order.take_profit : order.stop);
}

Result<NodeRequest> market_order_request(const OrderArguments& order, const CommandOptions& options) {
    const bool by_budget = !order.budget.empty();
    const std::vector<std::string> words = words_of(order.terms);
    if (by_budget && !order.terms.empty())
        return mistake("--budget takes the place of the quantity",
                       "peerbook order " + order.side + " BTC-USD --budget 1000");
    if (!by_budget && words.empty()) return order_mistake(order, "the quantity is missing");
    if (!by_budget && (words.size() > 1 || signs_of(order.terms) > 0))
        return order_mistake(order,
                             "a market order has a quantity and no price; its worst price is --protection");
    if (order.post_only) return order_mistake(order, "a market order cannot be post-only");
    if (!order.display.empty()) return order_mistake(order, "--display belongs to orders with a price");
    if (!order.time_in_force.empty() || !order.expires_at.empty())
        return order_mistake(order, "--tif and --expires-at belong to orders with a price");
    JsonObject object = order_object(order, true, options);
    if (by_budget)
        object.text("budget", order.budget);
    else
        object.text("quantity", words[0]);
    add_if_given(object, "protection", order.protection);
    add_common_terms(object, order);
    return posted(object, options);
}

}  // namespace

Result<NodeRequest> order_request(const OrderArguments& order, const CommandOptions& options) {
    if (!order.stop.empty() && !order.take_profit.empty())
        return order_mistake(order, "an order waits for one price: --stop or --take-profit");
    if (order.market_order || !order.budget.empty()) return market_order_request(order, options);
    const std::size_t words = words_of(order.terms).size();
    if (words == 0) return order_mistake(order, "the quantity is missing");
    if (words == 1) return order_mistake(order, "the price is missing");
    const std::optional<AtPrice> terms = at_price(order.terms);
    if (!terms) return order_mistake(order, "an order is QUANTITY @ PRICE");
    if (!order.protection.empty()) return order_mistake(order, "--protection belongs to --market-order");
    JsonObject object = order_object(order, false, options);
    object.text("quantity", terms->quantity).text("price", terms->price);
    add_if_given(object, "time_in_force", order.time_in_force);
    add_if_given(object, "expires_at", order.expires_at);
    add_if_given(object, "display", order.display);
    add_common_terms(object, order);
    if (order.post_only) object.flag("post_only", true);
    return posted(object, options);
}

Result<NodeRequest> mass_quote_request(const MassQuoteArguments& quotes, const CommandOptions& options) {
    const std::vector<std::string> words = words_of(quotes.terms);
    if (words.size() % 3 != 0)
        return mistake("each quote is SIDE QUANTITY @ PRICE",
                       "peerbook mass-quote BTC-USD buy 0.5 @ 59000 sell 0.5 @ 61000");
    std::string list = "[";
    for (std::size_t i = 0; i < words.size(); i += 3)
        list += (i == 0 ? "" : ",") + JsonObject()
                                          .text("side", words[i])
                                          .text("quantity", words[i + 1])
                                          .text("price", words[i + 2])
                                          .str();
    JsonObject object = command_object("mass_quote", options);
    object.text("market", quotes.market).raw("quotes", list + "]");
    return posted(object, options);
}

NodeRequest cancel_request(const std::string& order, const CommandOptions& options) {
    JsonObject object = command_object("cancel", options);
    add_target(object, order);
    return posted(object, options);
}

NodeRequest reduce_request(const ReduceArguments& reduce, const CommandOptions& options) {
    JsonObject object = command_object("reduce", options);
    object.text("market", reduce.market);
    add_target(object, reduce.order);
    object.text("by", reduce.by);
    return posted(object, options);
}

Result<NodeRequest> replace_request(const ReplaceArguments& replace, const CommandOptions& options) {
    const std::optional<AtPrice> terms = replace.terms.empty() ? std::nullopt : at_price(replace.terms);
    if (!terms)
        return mistake("the new order is QUANTITY @ PRICE",
                       "peerbook replace BTC-USD 0123456789abcdef0123456789abcdef 0.5 @ 60100");
    JsonObject object = command_object("replace", options);
    object.text("market", replace.market);
    add_target(object, replace.order);
    object.text("quantity", terms->quantity).text("price", terms->price);
    add_if_given(object, "self_trade", replace.self_trade);
    add_if_given(object, "trigger", replace.trigger);
    if (replace.post_only) object.flag("post_only", true);
    return posted(object, options);
}

NodeRequest cancel_all_request(const CancelAllArguments& which, const CommandOptions& options) {
    JsonObject object = command_object("cancel_all", options);
    add_if_given(object, "market", which.market);
    add_if_given(object, "side", which.side);
    return posted(object, options);
}

NodeRequest cancel_after_request(const std::string& timeout, const CommandOptions& options) {
    return posted(command_object("cancel_after", options).text("timeout", timeout), options);
}

NodeRequest faucet_request(const AssetAmount& what, const CommandOptions& options) {
    return posted(command_object("faucet", options).text("asset", what.asset).text("amount", what.amount),
                  options);
}

NodeRequest redeem_request(const AssetAmount& what, const CommandOptions& options) {
    return posted(command_object("redeem", options).text("asset", what.asset).text("amount", what.amount),
                  options);
}

NodeRequest transfer_request(const std::string& to, const AssetAmount& what, const CommandOptions& options) {
    JsonObject object = command_object("transfer", options);
    object.text("to", to).text("asset", what.asset).text("amount", what.amount);
    return posted(object, options);
}

NodeRequest issue_request(const std::string& to, const AssetAmount& what, const CommandOptions& options) {
    JsonObject object = command_object("issue", options);
    object.text("to", to).text("asset", what.asset).text("amount", what.amount);
    return posted(object, options);
}

NodeRequest withdraw_request(const std::string& destination, const AssetAmount& what,
                             const CommandOptions& options) {
    JsonObject object = command_object("withdraw", options);
    object.text("asset", what.asset).text("amount", what.amount).text("destination", destination);
    return posted(object, options);
}

Result<NodeRequest> settle_request(const SettleArguments& settle, const CommandOptions& options) {
    JsonObject object = command_object("settle", options);
    object.text("from", settle.account);
    if (settle.is_paid == settle.is_refused)
        return mistake("say one of --paid and --refused", "peerbook settle alice 7 --paid");
    if (!add_nonce(object, settle.request))
        return mistake(
            "'" + settle.request + "' is not the nonce of a request; `peerbook withdrawals` lists them",
            "peerbook settle alice 7 --paid");
    object.flag("paid", settle.is_paid);
    return posted(object, options);
}

NodeRequest withdrawals_request(const std::string& account, const std::string& asset) {
    return {"GET", "/api/v1/withdrawals" + Query().add("account", account).add("asset", asset).str(), {}};
}

NodeRequest create_market_request(const std::string& market, const MarketTerms& terms,
                                  const CommandOptions& options) {
    JsonObject object = command_object("create_market", options);
    object.text("market", market);
    for (const auto& [name, value] : terms)
        add_if_given(object, name.c_str(), value);
    return posted(object, options);
}

NodeRequest phase_request(const std::string& op, const std::string& market, const std::string& reference,
                          const CommandOptions& options) {
    JsonObject object = command_object(op.c_str(), options);
    object.text("market", market);
    add_if_given(object, "reference", reference);
    return posted(object, options);
}

Result<NodeRequest> trades_request(const TradesArguments& trades) {
    if (!trades.after.empty() && trades.market.empty()) {
        return Error{ErrorCode::invalid_input,
                     "--after counts the trades of one market: name the market too"};
    }
    Query query;
    query.add("market", trades.market).add("account", trades.account);
    query.add("after", trades.after).add("limit", trades.limit).add("ledger", trades.ledger);
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

Result<NodeRequest> adopt_request(const std::string& ledger) {
    if (Status fits = check_id(ledger, "ledger"); !fits.ok()) return fits.error();
    return NodeRequest{"POST", "/api/v1/ledgers/adopt", JsonObject().text("ledger", ledger).str()};
}

Result<NodeRequest> fork_request(const std::vector<std::string>& members, const std::string& accept) {
    const std::string target = "/api/v1/ledgers/fork";
    if (!accept.empty()) {
        if (!members.empty())
            return Error{ErrorCode::invalid_input,
                         "a fork that is accepted has its members already: leave "
                         "--members out"};
        if (Status fits = check_id(accept, "ledger"); !fits.ok()) return fits.error();
        return NodeRequest{"POST", target, JsonObject().text("accept", accept).str()};
    }
    std::string list;
    for (const std::string& member : members) {
        if (Status fits = check_id(member, "node"); !fits.ok()) return fits.error();
        list += (list.empty() ? "" : ",") + json_string(member);
    }
    return NodeRequest{"POST", target, JsonObject().raw("members", "[" + list + "]").str()};
}

NodeRequest balances_request(const std::string& account) {
    return {"GET", "/api/v1/accounts/" + url_escape(account), {}};
}

}  // namespace peerbook::app::cli
