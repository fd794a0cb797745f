// Answers about orders, books, trades and accounts.
#include "app/api/json_rules.h"
#include "app/api/json_write.h"
#include "app/api/json_writer.h"
#include "app/api/words.h"
#include "exchange/market/decimal.h"

namespace peerbook::app {

namespace {

void write_fill(Json& json, const FillView& fill, const exchange::MarketRules& market,
                unsigned quote_decimals) {
    json.begin();
    json.key("trade_id").hex(fill.trade);
    json.key("maker_order_id").hex(fill.maker_order);
    json.key("price").text(exchange::format_price(fill.price, market));
    json.key("quantity").text(exchange::format_quantity(fill.quantity, market));
    json.key("fee").text(exchange::format_amount(fill.fee, quote_decimals));
    json.end();
}

// One quote of a mass quote: it rests, or was refused by itself.
void write_quote(Json& json, const CommandResult& quote, const MarketTable& markets) {
    json.begin();
    json.key("order_id").hex(quote.order);
    json.key("index").small(quote.ref.index);
    json.key("status").text(to_string(quote.status));
    json.key("reason").text(exchange::to_string(quote.reason));
    json.key("message").text(message_of(quote));
    if (quote.market)
        json.key("leaves").text(exchange::format_quantity(quote.leaves, markets.market(*quote.market)));
    json.end();
}

// False for what the node itself refused, such as a cancel of an order that it does not know: nothing of that
// is on disk. In an answer with others it is told by having no nonce.
bool is_in_block(const CommandResult& result, const SubmitAnswer& answer) {
    const bool refused_by_node = result.status == CommandStatus::rejected &&
                                 result.reason == exchange::Reason::unknown_order && result.ref.nonce == 0;
    return answer.block != 0 && !refused_by_node;
}

void write_result(Json& json, const CommandResult& result, const SubmitAnswer& answer,
                  const MarketTable& markets, bool with_error_code) {
    const bool rejected = result.status == CommandStatus::rejected;
    json.begin();
    if (rejected && with_error_code) json.key("code").text("rejected");
    json.key("order_id").hex(result.order);
    json.key("nonce").number(result.ref.nonce);
    if (result.ref.index != 0) json.key("index").small(result.ref.index);
    json.key("status").text(to_string(result.status));
    json.key("reason").text(exchange::to_string(result.reason));
    json.key("message").text(message_of(result));
    if (result.limit != 0) json.key("limit").number(result.limit);
    if (result.try_again_at) json.key("try_again_at").number_signed(result.try_again_at->ms);
    if (result.market) {
        const auto& market = markets.market(*result.market);
        const unsigned decimals = markets.quote_of(*result.market).decimals;
        json.key("filled").text(exchange::format_quantity(result.filled, market));
        json.key("leaves").text(exchange::format_quantity(result.leaves, market));
        json.key("fills").begin_list();
        for (const FillView& fill : result.fills)
            write_fill(json, fill, market, decimals);
        json.end_list();
    } else {
        json.key("filled").text("0").key("leaves").text("0").key("fills").begin_list().end_list();
    }
    if (result.orders_cancelled != 0) json.key("orders_cancelled").number(result.orders_cancelled);
    if (result.approvals_needed != 0)
        json.key("approvals").small(result.approvals).key("approvals_needed").small(result.approvals_needed);
    if (!result.quotes.empty()) {
        json.key("quotes").begin_list();
        for (const CommandResult& quote : result.quotes)
            write_quote(json, quote, markets);
        json.end_list();
    }
    const bool in_block = is_in_block(result, answer);
    json.key("durable").flag(in_block);
    if (in_block) {
        json.key("grade").text(to_string(answer.grade));
        json.key("block").number(answer.block);
    }
    json.end();
}

// Without the braces around it.
void write_order(Json& json, const OrderView& order, const char* state, const MarketTable& markets) {
    const auto& market = markets.market(order.market);
    json.key("order_id").hex(order.id);
    json.key("nonce").number(order.ref.nonce);
    json.key("index").small(order.ref.index);
    json.key("account").hex(order.account);
    json.key("market").text(market.symbol);
    json.key("side").text(text_of(order.side));
    json.key("price").text(exchange::format_price(order.price, market));
    json.key("quantity").text(exchange::format_quantity(order.quantity, market));
    json.key("leaves").text(exchange::format_quantity(order.leaves, market));
    json.key("type").text(type_of(order));
    json.key("state").text(state);
    json.key("time_in_force").text(time_in_force_of(order));
    json.key("shown").text(exchange::format_quantity(order.shown, market));
    if (order.display) json.key("display").text(exchange::format_quantity(*order.display, market));
    if (order.expires_at) json.key("expires_at").number_signed(order.expires_at->ms);
    if (order.trigger) {
        json.key("trigger").text(exchange::format_price(order.trigger->price, market));
        json.key("trigger_when").text(text_of(order.trigger->when));
        json.key("post_only").flag(order.post_only);
    }
    if (order.budget)
        json.key("budget").text(
            exchange::format_amount(*order.budget, markets.quote_of(order.market).decimals));
}

void write_levels(Json& json, const std::vector<exchange::LevelView>& levels,
                  const exchange::MarketRules& market) {
    json.begin_list();
    for (const auto& level : levels) {
        json.begin_list();
        json.text(exchange::format_price(level.price, market));
        json.text(exchange::format_quantity(level.quantity, market));
        json.small(level.orders);
        json.end_list();
    }
    json.end_list();
}

void write_book_orders(Json& json, const std::vector<BookAnswer::Order>& orders,
                       const exchange::MarketRules& market) {
    json.begin_list();
    for (const auto& order : orders) {
        json.begin_list();
        json.text(exchange::format_price(order.price, market));
        json.text(exchange::format_quantity(order.leaves, market));
        json.hex(order.id);
        json.end_list();
    }
    json.end_list();
}

void write_trade(Json& json, const TradeView& trade, const MarketTable& markets) {
    const auto& market = markets.market(trade.market);
    const unsigned decimals = markets.quote_of(trade.market).decimals;
    json.begin();
    json.key("trade_id").hex(trade.id);
    json.key("market").text(market.symbol);
    json.key("ordinal").number(trade.ordinal);
    json.key("grade").text(to_string(trade.grade));
    if (trade.grade == Grade::retracted) json.key("reason").text(to_string(trade.why));
    json.key("price").text(exchange::format_price(trade.price, market));
    json.key("quantity").text(exchange::format_quantity(trade.quantity, market));
    json.key("taker_side").text(text_of(trade.taker_side));
    json.key("maker_order_id").hex(trade.maker_order);
    json.key("taker_order_id").hex(trade.taker_order);
    json.key("maker_account").hex(trade.maker_account);
    json.key("taker_account").hex(trade.taker_account);
    json.key("maker_fee").text(exchange::format_amount(trade.maker_fee, decimals));
    json.key("taker_fee").text(exchange::format_amount(trade.taker_fee, decimals));
    json.key("time").number_signed(trade.time.ms);
    json.end();
}

void write_account_head(Json& json, const AccountView& account) {
    json.key("account").foreign(account.name);
    json.key("id").hex(account.id);
    json.key("next_nonce").number(account.next_nonce);
}

}  // namespace

std::string submit_json(const SubmitAnswer& answer, const MarketTable& markets, bool as_array) {
    Json json;
    if (!as_array && answer.results.size() == 1) {
        write_result(json, answer.results.front(), answer, markets, true);
        return json.take();
    }
    json.begin().key("results").begin_list();
    for (const CommandResult& result : answer.results)
        write_result(json, result, answer, markets, false);
    json.end_list().end();
    return json.take();
}

std::string book_json(const BookAnswer& book, const MarketTable& markets, bool with_orders) {
    const auto& market = markets.market(book.market);
    Json json;
    json.begin();
    json.key("market").text(market.symbol);
    json.key("commit").number(book.commit);
    if (book.last)
        json.key("last").text(exchange::format_price(*book.last, market));
    else
        json.key("last").text("");
    write_phase(json, book.state, market);
    json.key("bids");
    with_orders ? write_book_orders(json, book.bid_orders, market) : write_levels(json, book.bids, market);
    json.key("asks");
    with_orders ? write_book_orders(json, book.ask_orders, market) : write_levels(json, book.asks, market);
    json.end();
    return json.take();
}

std::string trades_json(const TradesAnswer& trades, const MarketTable& markets) {
    Json json;
    json.begin();
    if (!trades.ledger.is_zero()) json.key("ledger").hex(trades.ledger);
    json.key("trades").begin_list();
    for (const TradeView& trade : trades.trades)
        write_trade(json, trade, markets);
    json.end_list().end();
    return json.take();
}

std::string orders_json(const OrdersAnswer& orders, const MarketTable& markets) {
    Json json;
    json.begin().key("orders").begin_list();
    for (const OrderView& order : orders.orders) {
        json.begin();
        write_order(json, order, state_of(order), markets);
        json.end();
    }
    json.end_list().end();
    return json.take();
}

std::string order_json(const OrderAnswer& answer, const MarketTable& markets) {
    Json json;
    json.begin();
    write_order(json, answer.order, state_of(answer), markets);
    json.key("grade").text(to_string(answer.grade));
    if (answer.was_triggered) json.key("was_triggered").flag(true);
    if (answer.reason != exchange::Reason::none) {
        json.key("reason").text(exchange::to_string(answer.reason));
        json.key("message").text(exchange::describe(answer.reason));
    }
    if (answer.replaced_by) json.key("replaced_by").hex(*answer.replaced_by);
    json.end();
    return json.take();
}

std::string accounts_json(const AccountsAnswer& accounts) {
    Json json;
    json.begin().key("accounts").begin_list();
    for (const AccountView& account : accounts.accounts) {
        json.begin();
        write_account_head(json, account);
        json.end();
    }
    json.end_list().end();
    return json.take();
}

std::string account_json(const AccountView& account, const MarketTable& markets) {
    Json json;
    json.begin();
    write_account_head(json, account);
    json.key("balances").begin_list();
    for (const auto& balance : account.balances) {
        const auto& asset = markets.asset(balance.asset);
        json.begin();
        json.key("asset").text(asset.name);
        json.key("total").text(exchange::format_amount(balance.total, asset.decimals));
        json.key("reserved").text(exchange::format_amount(balance.reserved, asset.decimals));
        json.key("available").text(exchange::format_amount(balance.total - balance.reserved, asset.decimals));
        json.end();
    }
    json.end_list().end();
    return json.take();
}

std::string withdrawals_json(const WithdrawalsAnswer& withdrawals, const MarketTable& markets) {
    Json json;
    json.begin().key("withdrawals").begin_list();
    for (const WithdrawalsAnswer::Item& item : withdrawals.withdrawals) {
        const auto& asset = markets.asset(item.withdrawal.asset);
        json.begin();
        json.key("account").foreign(item.name);
        json.key("id").hex(item.account);
        json.key("nonce").number(item.withdrawal.request.nonce);
        json.key("index").small(item.withdrawal.request.index);
        json.key("asset").text(asset.name);
        json.key("amount").text(exchange::format_amount(item.withdrawal.amount, asset.decimals));
        json.key("destination").foreign(item.withdrawal.destination, exchange::destination_length_max);
        json.end();
    }
    json.end_list().end();
    return json.take();
}

}  // namespace peerbook::app
