// Lines that place orders and change them.
#include <array>

#include "app/shell/line_forms.h"

namespace peerbook::app {

namespace {

constexpr std::size_t order_id_digits = 32;

void set_flag(OrderFields& fields, OrderField field, bool value) {
    fields[field] = {FieldKind::boolean, value ? "true" : "false"};
}

using Mistake = std::optional<LineError>;

// "self-trade cancel_oldest", the first word taken already.
Mistake self_trade_term(Words& words, Form& form, OrderFields& fields) {
    if (fields.has(OrderField::self_trade))
        return form.error("self-trade is given twice", words.position() - 1);
    if (words.done()) return form.missing("cancel_newest, cancel_oldest, cancel_both or decrement");
    fields.set_text(OrderField::self_trade, words.take_identifier());
    return std::nullopt;
}

// "stop PRICE" or "take-profit PRICE" turn an order into one that waits. `limit` is "_limit" for limit
// orders.
Mistake trigger_term(Words& words, Form& form, OrderFields& fields, bool is_limit) {
    const bool is_stop = words.take_if("stop");
    if (!is_stop) words.take();
    if (auto mistake = form.take(fields, OrderField::trigger, "a trigger price")) return mistake;
    fields.set_text(OrderField::op, is_stop ? (is_limit ? "stop_limit" : "stop")
                                            : (is_limit ? "take_profit_limit" : "take_profit"));
    return std::nullopt;
}

bool at_trigger(const Words& words) {
    return !words.done() && (words.next_is("stop") || words.next_is("take-profit"));
}

// One of the terms behind a limit order's price.
Mistake limit_term(Words& words, Form& form, OrderFields& fields) {
    if (at_trigger(words)) return trigger_term(words, form, fields, true);
    if (words.take_if("post")) {
        set_flag(fields, OrderField::post_only, true);
        return std::nullopt;
    }
    if (words.take_if("display")) return form.take(fields, OrderField::display, "a display quantity");
    if (words.take_if("self-trade")) return self_trade_term(words, form, fields);
    for (const std::string_view known : {"gtc", "gtd", "ioc", "fok"}) {
        if (!words.take_if(known)) continue;
        if (fields.has(OrderField::time_in_force))
            return form.error("the time in force is given twice", words.position() - 1);
        fields.set_text(OrderField::time_in_force, known);
        if (known == "gtd") return form.take(fields, OrderField::expires_at, "a time such as 60s");
        return std::nullopt;
    }
    return form.missing("gtc, gtd, ioc, fok, post, display, self-trade, stop, take-profit or nothing");
}

Mistake quantity_at_price(Words& words, Form& form, OrderFields& fields) {
    if (auto mistake = form.take(fields, OrderField::quantity, "a quantity")) return mistake;
    if (!words.take_if("@")) return form.missing("\"@\" and a price");
    return form.take(fields, OrderField::price, "a price");
}

// An order's id, or what names the account's own command.
bool take_target(Words& words, OrderFields& fields) {
    if (words.done()) return false;
    const std::string_view word = words.take();
    if (word.size() >= order_id_digits || !set_ref(fields, word)) fields.set_text(OrderField::order_id, word);
    return true;
}

// "in BTC-USD" has been read, or a nonce does without its market, whose quantities mean nothing then.
Mistake require_market(Words& words, const OrderFields& fields, std::string example) {
    if (!fields.has(OrderField::target_nonce) || fields.has(OrderField::market)) return std::nullopt;
    return LineError{"with a nonce, say the market too: add \"in\" and a market", words.column(words.count()),
                     std::move(example)};
}

Mistake market_term(Words& words, Form& form, OrderFields& fields) {
    if (words.done()) return form.missing("a market");
    if (fields.has(OrderField::market)) return form.error("the market is given twice", words.position());
    fields.set_text(OrderField::market, words.take_name());
    return std::nullopt;
}

}  // namespace

bool set_ref(OrderFields& fields, std::string_view word) {
    const std::size_t slash = word.find('/');
    const std::string_view index = slash == std::string_view::npos ? "0" : word.substr(slash + 1);
    if (!is_digits(word.substr(0, slash)) || !is_digits(index)) return false;
    fields.set_text(OrderField::target_nonce, word.substr(0, slash));
    if (slash != std::string_view::npos) fields.set_text(OrderField::target_index, index);
    return true;
}

Parsed limit_line(Words& words, bool buy) {
    Form form(words, buy ? order_example : std::string_view("sell BTC-USD 0.5 @ 60000"));
    CommandAction action;
    auto& fields = action.fields;
    fields.set_text(OrderField::op, "limit");
    fields.set_text(OrderField::side, buy ? "buy" : "sell");
    if (auto mistake = market_term(words, form, fields)) return *mistake;
    if (auto mistake = quantity_at_price(words, form, fields)) return *mistake;
    while (!words.done())
        if (auto mistake = limit_term(words, form, fields)) return *mistake;
    return form.finish(std::move(action));
}

Parsed market_line(Words& words) {
    Form form(words, "market buy BTC-USD 0.1 protect 61000");
    CommandAction action;
    auto& fields = action.fields;
    fields.set_text(OrderField::op, "market");
    if (words.take_if("buy"))
        fields.set_text(OrderField::side, "buy");
    else if (words.take_if("sell"))
        fields.set_text(OrderField::side, "sell");
    else
        return form.missing("buy or sell");
    if (auto mistake = market_term(words, form, fields)) return *mistake;
    const bool by_budget = words.take_if("budget");
    if (auto mistake = form.take(fields, by_budget ? OrderField::budget : OrderField::quantity,
                                 by_budget ? "a budget" : "a quantity, or \"budget\" and an amount,"))
        return *mistake;
    while (!words.done()) {
        std::optional<LineError> mistake;
        if (at_trigger(words))
            mistake = trigger_term(words, form, fields, false);
        else if (words.take_if("protect") || words.take_if("protection"))
            mistake = form.take(fields, OrderField::protection, "a protection price");
        else if (words.take_if("self-trade"))
            mistake = self_trade_term(words, form, fields);
        else
            mistake = form.missing("protect, self-trade, stop, take-profit or nothing");
        if (mistake) return *mistake;
    }
    return form.finish(std::move(action));
}

Parsed mass_quote_line(Words& words) {
    const Form form(words, "mass-quote BTC-USD buy 0.5 @ 59000 sell 0.5 @ 61000");
    CommandAction action;
    auto& fields = action.fields;
    fields.set_text(OrderField::op, "mass_quote");
    fields[OrderField::quotes].kind = FieldKind::list;
    if (words.done()) return form.missing("a market");
    fields.set_text(OrderField::market, words.take_name());
    while (!words.done()) {
        QuoteFields& quote = fields.quotes.emplace_back();
        if (!words.next_is("buy") && !words.next_is("sell")) return form.missing("buy, sell or nothing");
        quote.side = {FieldKind::text, words.take_lower()};
        if (words.done()) return form.missing("a quantity");
        quote.quantity = {FieldKind::text, words.take()};
        if (!words.take_if("@")) return form.missing("\"@\" and a price");
        if (words.done()) return form.missing("a price");
        quote.price = {FieldKind::text, words.take()};
    }
    return form.finish(std::move(action));
}

Parsed cancel_line(Words& words) {
    const Form form(words, "cancel 0123456789abcdef0123456789abcdef");
    CommandAction action;
    action.fields.set_text(OrderField::op, "cancel");
    if (!take_target(words, action.fields)) return form.missing("an order id");
    return form.finish(std::move(action));
}

Parsed reduce_line(Words& words) {
    Form form(words, "reduce 0123456789abcdef0123456789abcdef by 0.1");
    CommandAction action;
    auto& fields = action.fields;
    fields.set_text(OrderField::op, "reduce");
    if (!take_target(words, fields)) return form.missing("an order id");
    if (!words.take_if("by")) return form.missing("\"by\" and a quantity");
    if (auto mistake = form.take(fields, OrderField::by, "a quantity")) return *mistake;
    if (!words.done()) {
        if (!words.take_if("in")) return form.missing("\"in\" and a market, or nothing");
        if (auto mistake = market_term(words, form, fields)) return *mistake;
    }
    if (auto mistake = require_market(words, fields, "reduce 7 by 0.1 in BTC-USD")) return *mistake;
    return form.finish(std::move(action));
}

Parsed replace_line(Words& words) {
    Form form(words, "replace 0123456789abcdef0123456789abcdef 0.5 @ 60100");
    CommandAction action;
    auto& fields = action.fields;
    fields.set_text(OrderField::op, "replace");
    if (!take_target(words, fields)) return form.missing("an order id");
    if (auto mistake = quantity_at_price(words, form, fields)) return *mistake;
    while (!words.done()) {
        std::optional<LineError> mistake;
        if (words.take_if("post"))
            set_flag(fields, OrderField::post_only, true);
        else if (words.take_if("self-trade"))
            mistake = self_trade_term(words, form, fields);
        else if (words.take_if("trigger"))
            mistake = form.take(fields, OrderField::trigger, "a trigger price");
        else if (words.take_if("in"))
            mistake = market_term(words, form, fields);
        else
            mistake = form.missing("post, self-trade, trigger, in or nothing");
        if (mistake) return *mistake;
    }
    if (auto mistake = require_market(words, fields, "replace 7 0.5 @ 60100 in BTC-USD")) return *mistake;
    return form.finish(std::move(action));
}

Parsed cancel_all_line(Words& words) {
    const Form form(words, "cancel-all BTC-USD sell");
    CommandAction action;
    auto& fields = action.fields;
    fields.set_text(OrderField::op, "cancel_all");
    const auto at_side = [&words] {
        return !words.done() && (words.next_is("buy") || words.next_is("sell"));
    };
    if (!words.done() && !at_side()) fields.set_text(OrderField::market, words.take_name());
    if (at_side()) fields.set_text(OrderField::side, words.take_lower());
    return form.finish(std::move(action));
}

Parsed cancel_after_line(Words& words) {
    const Form form(words, "cancel-after 60s");
    CommandAction action;
    action.fields.set_text(OrderField::op, "cancel_after");
    if (words.done()) return form.missing("a time such as 60s, or off,");
    action.fields.set_text(OrderField::timeout, words.take_lower());
    return form.finish(std::move(action));
}

}  // namespace peerbook::app
