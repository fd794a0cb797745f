#include "app/shell/shell_text.h"

#include <utility>

#include "app/api/time_text.h"
#include "app/api/words.h"
#include "app/terminal/ladder.h"
#include "exchange/market/decimal.h"

namespace peerbook::app {

namespace {

constexpr std::size_t short_id_digits = 8;

std::string without_last_break(std::string text) {
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text;
}

LadderLevel ladder_level(const exchange::LevelView& level, const exchange::MarketRules& market) {
    return {exchange::format_price(level.price, market), exchange::format_quantity(level.quantity, market),
            std::to_string(level.orders)};
}

// "7", or "7/2" for one of several that share a nonce.
std::string ref_text(exchange::CommandRef ref) {
    return std::to_string(ref.nonce) + (ref.index == 0 ? "" : "/" + std::to_string(ref.index));
}

std::string quote_text(const CommandResult& quote, const exchange::MarketRules& market) {
    const std::string status = to_string(quote.status);
    if (quote.status == CommandStatus::rejected) return status + ": " + message_of(quote);
    return status + "  id " + to_hex(quote.order) + "  leaves " +
           exchange::format_quantity(quote.leaves, market);
}

// What is special about an open order, in the words that place one.
std::string terms_text(const OrderView& order, const MarketTable& markets) {
    const auto& market = markets.market(order.market);
    std::string text;
    const auto add = [&text](const std::string& term) { text += (text.empty() ? "" : "  ") + term; };
    if (order.trigger) {
        add(std::string(type_of(order)) + " " + exchange::format_price(order.trigger->price, market));
        if (order.time_in_force == exchange::TimeInForce::fok) add("fok");
        if (order.post_only) add("post");
    }
    if (order.budget)
        add("budget " + exchange::format_amount(*order.budget, markets.quote_of(order.market).decimals));
    if (order.display)
        add("shows " + exchange::format_quantity(order.shown, market) + " of display " +
            exchange::format_quantity(*order.display, market));
    if (order.expires_at) add("gtd " + format_time(*order.expires_at));
    return text;
}

}  // namespace

std::string result_text(const CommandResult& result, const SubmitAnswer& answer, const MarketTable& markets) {
    std::string text = to_string(result.status);
    if (result.status == CommandStatus::rejected) return text + ": " + message_of(result);
    if (!result.market) {
        if (result.orders_cancelled != 0)
            text += "  cancelled " + std::to_string(result.orders_cancelled) + " orders";
        if (result.approvals_needed != 0)
            text += "  approved by " + std::to_string(result.approvals) + " of " +
                    std::to_string(result.approvals_needed) + " administrators";
        return text + "  (" + to_string(answer.grade) + ")";
    }
    const auto& market = markets.market(*result.market);
    text += "  id " + to_hex(result.order);
    if (result.filled.value() != 0) text += "  filled " + exchange::format_quantity(result.filled, market);
    if (result.leaves.value() != 0) text += "  leaves " + exchange::format_quantity(result.leaves, market);
    if (result.orders_cancelled != 0)
        text += "  cancelled " + std::to_string(result.orders_cancelled) + " orders";
    text += std::string("  (") + to_string(answer.grade) + ")";
    if (const std::string why = message_of(result); !why.empty()) text += "  " + why;
    for (const CommandResult& quote : result.quotes)
        text += "\n  " + quote_text(quote, market);
    for (const FillView& fill : result.fills) {
        text += "\n  " + exchange::format_quantity(fill.quantity, market) + " at " +
                exchange::format_price(fill.price, market) + ", fee " +
                exchange::format_amount(fill.fee, markets.quote_of(*result.market).decimals) + " " +
                markets.quote_of(*result.market).name + ", trade " + to_hex(fill.trade);
    }
    return text;
}

std::string book_text(const BookAnswer& book, const MarketTable& markets, const TerminalStyle& style) {
    const auto& market = markets.market(book.market);
    Ladder ladder;
    ladder.market = market.symbol;
    if (book.last) ladder.last = exchange::format_price(*book.last, market);
    ladder.commit = std::to_string(book.commit);
    for (const auto& level : book.bids)
        ladder.bids.push_back(ladder_level(level, market));
    for (const auto& level : book.asks)
        ladder.asks.push_back(ladder_level(level, market));
    auto drawn = draw_ladder(ladder, style);
    PB_CHECK(drawn.ok(), "prices and quantities of the exchange are decimals");
    return without_last_break(std::move(*drawn));
}

std::string trades_text(const TradesAnswer& trades, const MarketTable& markets, const TerminalStyle& style) {
    if (trades.trades.empty()) return "no trades";
    Table table(
        {{"market"}, {"side"}, {"price", Align::right}, {"quantity", Align::right}, {"grade"}, {"trade"}});
    for (const TradeView& trade : trades.trades) {
        const auto& market = markets.market(trade.market);
        table.add_row(
            {market.symbol, text_of(trade.taker_side), exchange::format_price(trade.price, market),
             exchange::format_quantity(trade.quantity, market), to_string(trade.grade), to_hex(trade.id)},
            trade.taker_side == exchange::Side::buy ? Paint::green : Paint::red);
    }
    return without_last_break(table.draw(style));
}

namespace {

// The columns that open orders have, and for one that ended what became of it.
Table orders_table() {
    return Table({{"order"},
                  {"nonce", Align::right},
                  {"market"},
                  {"side"},
                  {"price", Align::right},
                  {"quantity", Align::right},
                  {"leaves", Align::right},
                  {"state"},
                  {"terms"}});
}

void add_order(Table& table, const OrderView& order, const char* state, const MarketTable& markets) {
    const auto& market = markets.market(order.market);
    table.add_row(
        {to_hex(order.id), ref_text(order.ref), market.symbol, text_of(order.side),
         exchange::format_price(order.price, market), exchange::format_quantity(order.quantity, market),
         exchange::format_quantity(order.leaves, market), state, terms_text(order, markets)},
        order.side == exchange::Side::buy ? Paint::green : Paint::red);
}

}  // namespace

std::string orders_text(const OrdersAnswer& orders, const MarketTable& markets, const TerminalStyle& style) {
    if (orders.orders.empty()) return "no open orders";
    Table table = orders_table();
    for (const OrderView& order : orders.orders)
        add_order(table, order, state_of(order), markets);
    return without_last_break(table.draw(style));
}

std::string order_text(const OrderAnswer& answer, const MarketTable& markets, const TerminalStyle& style) {
    Table table = orders_table();
    add_order(table, answer.order, state_of(answer), markets);
    std::string text = without_last_break(table.draw(style));
    if (answer.reason != exchange::Reason::none)
        text += std::string("\n") + exchange::describe(answer.reason);
    if (answer.replaced_by) text += "\nreplaced by " + to_hex(*answer.replaced_by);
    return text + "\nthis is " + to_string(answer.grade);
}

std::string balances_text(const AccountView& account, const MarketTable& markets,
                          const TerminalStyle& style) {
    Table table(
        {{"asset"}, {"total", Align::right}, {"reserved", Align::right}, {"available", Align::right}});
    for (const auto& balance : account.balances) {
        if (balance.total == 0 && balance.reserved == 0) continue;
        const auto& asset = markets.asset(balance.asset);
        table.add_row({asset.name, exchange::format_amount(balance.total, asset.decimals),
                       exchange::format_amount(balance.reserved, asset.decimals),
                       exchange::format_amount(balance.total - balance.reserved, asset.decimals)});
    }
    if (table.empty()) return "nothing yet; on a demo network, try: faucet USD 1000";
    return without_last_break(table.draw(style));
}

std::string markets_text(const MarketsAnswer& states, const MarketTable& markets,
                         const TerminalStyle& style) {
    Table table({{"market"},
                 {"phase"},
                 {"matching"},
                 {"last", Align::right},
                 {"tick", Align::right},
                 {"lot", Align::right},
                 {"quantity min", Align::right},
                 {"notional min", Align::right},
                 {"band ppm", Align::right},
                 {"maker fee ppm", Align::right},
                 {"taker fee ppm", Align::right},
                 {"auction"}});
    const auto& rules = markets.rules().markets;
    for (std::size_t i = 0; i < rules.size() && i < states.markets.size(); ++i) {
        const exchange::MarketRules& market = rules[i];
        const exchange::MarketView& state = states.markets[i];
        std::string auction;
        if (state.auction_ends_at) {
            auction = "ends " + format_time(*state.auction_ends_at);
            if (state.indicative_quantity != exchange::Quantity(0))
                auction += ", now " + exchange::format_quantity(state.indicative_quantity, market) + " at " +
                           exchange::format_price(state.indicative_price, market);
        }
        table.add_row({market.symbol, text_of(state.phase), text_of(market.matching),
                       state.last ? exchange::format_price(*state.last, market) : "", market.tick_text,
                       market.lot_text, exchange::format_quantity(market.quantity_min, market),
                       exchange::format_amount(market.notional_min, markets.asset(market.quote).decimals),
                       std::to_string(market.band_ppm), std::to_string(market.maker_fee_ppm),
                       std::to_string(market.taker_fee_ppm), auction});
    }
    return without_last_break(table.draw(style));
}

std::string withdrawals_text(const WithdrawalsAnswer& withdrawals, const MarketTable& markets,
                             const TerminalStyle& style) {
    if (withdrawals.withdrawals.empty()) return "no withdrawals wait";
    Table table({{"account"}, {"nonce", Align::right}, {"amount", Align::right}, {"asset"}, {"destination"}});
    for (const WithdrawalsAnswer::Item& item : withdrawals.withdrawals) {
        const auto& asset = markets.asset(item.withdrawal.asset);
        table.add_row({item.name.empty() ? to_hex(item.account) : item.name,
                       ref_text(item.withdrawal.request),
                       exchange::format_amount(item.withdrawal.amount, asset.decimals), asset.name,
                       item.withdrawal.destination});
    }
    return without_last_break(table.draw(style));
}

std::string peers_text(const p2p::PeerNetwork* network, const TerminalStyle& style) {
    if (!network) return "peer-to-peer is switched off";
    const auto peers = network->peers();
    if (peers.empty()) return "no peers; add one with: connect HOST:PORT";
    Table table({{"peer"},
                 {"address"},
                 {"state"},
                 {"found by"},
                 {"round trip", Align::right},
                 {"agent"},
                 {"last error"}});
    for (const auto& peer : peers) {
        table.add_row({to_hex(peer.id).substr(0, short_id_digits), peer.address, peer.state, peer.found_by,
                       std::to_string(peer.round_trip.ns / 1'000) + " us", peer.agent, peer.last_error});
    }
    return without_last_break(table.draw(style));
}

std::string status_text(const StatusAnswer& status, const std::string& network_name,
                        const TerminalStyle& style) {
    Properties properties;
    properties.add("status", status.says);
    properties.add("node", to_hex(status.node));
    properties.add("network", network_name + " " + to_hex(status.network));
    properties.add("role", status.role);
    properties.add("members connected",
                   std::to_string(status.members_connected) + " of " + std::to_string(status.members));
    properties.add("commits", std::to_string(status.commits) + ", settled " +
                                  std::to_string(status.settled_commits) + ", attested " +
                                  std::to_string(status.attested_commits));
    if (!status.alarm.empty()) properties.add("alarm", status.alarm);
    properties.add("settled trades", std::to_string(status.settled_trades));
    properties.add("resting orders", std::to_string(status.resting_orders));
    properties.add("accounts", std::to_string(status.accounts));
    return without_last_break(properties.draw(style));
}

std::string error_text(const LineError& error) {
    std::string text = "error: ";
    if (error.column) text += "column " + std::to_string(*error.column) + ": ";
    text += error.message;
    if (!error.example.empty()) text += "\n  example: " + error.example;
    return text;
}

}  // namespace peerbook::app
