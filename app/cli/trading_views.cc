// Orders, withdrawals and markets.
#include "app/cli/json_text.h"
#include "app/cli/view_parts.h"

namespace peerbook::app::cli {

namespace {

Table quotes_table(const Answer& quotes) {
    Table table({{"quote", Align::right}, {"order"}, {"status"}, {"leaves", Align::right}, {"message"}});
    for (const Answer& quote : quotes.GetArray()) {
        table.add_row({text_at(quote, "index"), text_at(quote, "order_id"), text_at(quote, "status"),
                       text_at(quote, "leaves"), text_at(quote, "message")});
    }
    return table;
}

// What is special about an open order, in the words that place one.
std::string terms_text(const Answer& order) {
    std::string text;
    const auto add = [&text](const std::string& term) { text += (text.empty() ? "" : "  ") + term; };
    if (const std::string trigger = text_at(order, "trigger"); !trigger.empty())
        add(text_at(order, "type") + " " + trigger);
    if (text_at(order, "time_in_force") == "fok") add("fok");
    if (is_true(order, "post_only")) add("post-only");
    if (const std::string budget = text_at(order, "budget"); !budget.empty()) add("budget " + budget);
    if (const std::string display = text_at(order, "display"); !display.empty())
        add("shows " + text_at(order, "shown") + " of display " + display);
    if (const std::string expires = text_at(order, "expires_at"); !expires.empty())
        add("until " + time_text(expires));
    return text;
}

// "7", or "7/2" for one of several that share a nonce.
std::string ref_text(const Answer& object) {
    const std::string index = text_at(object, "index");
    return text_at(object, "nonce") + (index.empty() || index == "0" ? "" : "/" + index);
}

std::string state_sentence(const Answer& order) {
    const std::string state = text_at(order, "state");
    if (state == "waiting") return "The order waits for its trigger.";
    if (state == "filled") return "The order was filled.";
    if (state == "expired") return "The order expired.";
    if (state == "replaced") return "The order was replaced by another.";
    if (state == "cancelled") {
        const std::string why = text_at(order, "message");
        return "The order was cancelled" + (why.empty() ? "." : ": " + terminal_text(why));
    }
    return "The order rests in the book.";
}

std::string auction_text(const Answer& market) {
    const std::string ends = text_at(market, "auction_ends_at");
    if (ends.empty()) return {};
    const std::string quantity = text_at(market, "indicative_quantity");
    return "ends " + time_text(ends) +
           (quantity.empty() ? "" : ", now " + quantity + " at " + text_at(market, "indicative_price"));
}

}  // namespace

Result<std::string> view_result(const Answer& answer, const TerminalStyle& style) {
    const std::string status = text_at(answer, "status");
    if (status.empty()) return missing("status");
    std::string text = painted(terminal_text(status), Paint::bold, style);
    if (const std::string message = text_at(answer, "message"); !message.empty())
        text += ": " + terminal_text(message);
    text += "\n";
    Properties properties;
    const bool is_order = status != "done";
    properties.add(is_order ? "order" : "command", text_at(answer, "order_id"));
    properties.add("nonce", text_at(answer, "nonce"));
    if (is_order) {
        properties.add("filled", text_at(answer, "filled"));
        properties.add("leaves", text_at(answer, "leaves"));
    }
    if (const std::string count = text_at(answer, "orders_cancelled"); !count.empty())
        properties.add("cancelled", count + (count == "1" ? " order" : " orders"));
    if (const std::string words = text_at(answer, "approvals"); !words.empty())
        properties.add("approved",
                       "by " + words + " of " + text_at(answer, "approvals_needed") + " administrators");
    if (const std::string block = text_at(answer, "block"); !block.empty())
        properties.add("grade", text_at(answer, "grade") + (is_true(answer, "durable") ? ", durable" : "") +
                                    ", block " + block);
    text += properties.draw(style);
    if (const Answer* quotes = array_at(answer, "quotes"); quotes != nullptr)
        text += "\n" + quotes_table(*quotes).draw(style);
    const Answer* fills = array_at(answer, "fills");
    if (fills == nullptr || fills->Empty()) return text;
    Table table({{"price", Align::right},
                 {"quantity", Align::right},
                 {"fee", Align::right},
                 {"trade"},
                 {"maker order"}});
    for (const Answer& fill : fills->GetArray()) {
        table.add_row({text_at(fill, "price"), text_at(fill, "quantity"), text_at(fill, "fee"),
                       text_at(fill, "trade_id"), text_at(fill, "maker_order_id")});
    }
    return text + "\n" + table.draw(style);
}

Result<std::string> view_order(const Answer& answer, const TerminalStyle& style) {
    if (text_at(answer, "order_id").empty()) return missing("order_id");
    Properties properties;
    for (const char* name : {"order_id", "account", "market", "side", "type", "time_in_force", "price",
                             "quantity", "leaves", "shown"}) {
        properties.add(name, text_at(answer, name));
    }
    for (const char* name : {"display", "trigger", "trigger_when", "budget"}) {
        if (const std::string value = text_at(answer, name); !value.empty()) properties.add(name, value);
    }
    if (const std::string expires = text_at(answer, "expires_at"); !expires.empty())
        properties.add("expires_at", time_text(expires));
    properties.add("nonce", ref_text(answer));
    if (const std::string id = text_at(answer, "replaced_by"); !id.empty()) properties.add("replaced_by", id);
    properties.add("grade", text_at(answer, "grade"));
    return state_sentence(answer) + "\n" + properties.draw(style);
}

Result<std::string> view_orders(const Answer& answer, const TerminalStyle& style) {
    const Answer* orders = array_at(answer, "orders");
    if (orders == nullptr) return missing("orders");
    if (orders->Empty()) return std::string("No open orders.\n");
    Table table({{"order"},
                 {"market"},
                 {"side"},
                 {"price", Align::right},
                 {"quantity", Align::right},
                 {"leaves", Align::right},
                 {"state"},
                 {"terms"}});
    for (const Answer& order : orders->GetArray()) {
        const std::string side = text_at(order, "side");
        table.add_row({text_at(order, "order_id"), text_at(order, "market"), side, text_at(order, "price"),
                       text_at(order, "quantity"), text_at(order, "leaves"), text_at(order, "state"),
                       terms_text(order)},
                      side_paint(side));
    }
    return table.draw(style);
}

Result<std::string> view_withdrawals(const Answer& answer, const TerminalStyle& style) {
    const Answer* withdrawals = array_at(answer, "withdrawals");
    if (withdrawals == nullptr) return missing("withdrawals");
    if (withdrawals->Empty()) return std::string("No withdrawals wait.\n");
    Table table({{"account"}, {"nonce", Align::right}, {"amount", Align::right}, {"asset"}, {"destination"}});
    for (const Answer& item : withdrawals->GetArray()) {
        const std::string name = text_at(item, "account");
        table.add_row({name.empty() ? text_at(item, "id") : name, ref_text(item), text_at(item, "amount"),
                       text_at(item, "asset"), text_at(item, "destination")});
    }
    return table.draw(style);
}

Result<std::string> view_markets(const Answer& answer, const TerminalStyle& style) {
    const Answer* markets = array_at(answer, "markets");
    if (markets == nullptr) return missing("markets");
    if (markets->Empty()) return std::string("No markets.\n");
    Table table({{"market"},
                 {"phase"},
                 {"matching"},
                 {"last", Align::right},
                 {"tick", Align::right},
                 {"lot", Align::right},
                 {"quantity min", Align::right},
                 {"notional min", Align::right},
                 {"band ppm", Align::right},
                 {"maker fee", Align::right},
                 {"taker fee", Align::right},
                 {"auction"}});
    for (const Answer& market : markets->GetArray()) {
        table.add_row({text_at(market, "market"), text_at(market, "phase"), text_at(market, "matching"),
                       text_at(market, "last"), text_at(market, "tick"), text_at(market, "lot"),
                       text_at(market, "quantity_min"), text_at(market, "notional_min"),
                       text_at(market, "band_ppm"), text_at(market, "maker_fee_ppm") + " ppm",
                       text_at(market, "taker_fee_ppm") + " ppm", auction_text(market)});
    }
    return table.draw(style);
}

}  // namespace peerbook::app::cli
