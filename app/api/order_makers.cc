// Orders and their changes.
#include "app/api/draft_parts.h"
#include "app/api/protection.h"

namespace peerbook::app::drafts {

namespace {

using enum OrderField;
using exchange::CommandBody;
using exchange::LimitOrder;
using exchange::SpecialOrder;
using exchange::TimeInForce;

// Time in force and what must agree with it.
void read_time_terms(FieldReader& reader, SpecialOrder& special) {
    LimitOrder& order = special.order;
    bool is_gtd = reader.has(expires_at);
    if (reader.has(time_in_force)) {
        const std::string_view text = reader.word(time_in_force, "gtc");
        is_gtd = text == "gtd";
        if (text == "ioc")
            order.time_in_force = TimeInForce::ioc;
        else if (text == "fok")
            order.time_in_force = TimeInForce::fok;
        else if (text != "gtc" && !is_gtd)
            reader.fail(time_in_force, "must be \"gtc\", \"gtd\", \"ioc\" or \"fok\", not " + quoted(text));
    }
    const bool rests = order.time_in_force == TimeInForce::gtc;
    order.post_only = reader.flag(post_only);
    if (order.post_only && !rests)
        reader.fail_excluded(post_only, "post_only goes only with time_in_force \"gtc\" or \"gtd\".");
    if (reader.has(display) && !rests)
        reader.fail_excluded(display, "display goes only with time_in_force \"gtc\" or \"gtd\".");
    if (is_gtd) {
        special.expires_at = reader.time(expires_at);
    } else if (reader.has(expires_at)) {
        reader.fail_excluded(expires_at, "expires_at goes only with time_in_force \"gtd\".");
    }
}

// All of a limit order but its trigger.
SpecialOrder limit_terms(FieldReader& reader) {
    SpecialOrder special;
    LimitOrder& order = special.order;
    order.market = reader.market_id();
    if (reader.failed()) return special;
    const exchange::MarketRules& rules = reader.markets().market(order.market);
    order.side = reader.side();
    order.price = reader.price(price, rules);
    order.quantity = reader.quantity(quantity, rules);
    read_time_terms(reader, special);
    order.self_trade = reader.self_trade();
    if (reader.has(display)) {
        special.display = reader.quantity(display, rules);
        if (!reader.failed() && *special.display > order.quantity)
            reader.fail(display, "must not be above the quantity");
    }
    return special;
}

// What a market order and its waiting forms share.
struct MarketTerms {
    exchange::MarketId market;
    exchange::Side side = exchange::Side::buy;
    exchange::SelfTradePrevention self_trade = exchange::SelfTradePrevention::cancel_newest;
    std::optional<exchange::Quantity> quantity;  // this
    std::optional<exchange::Amount> budget;      // or this
    std::optional<exchange::Price> protection;
};

MarketTerms market_terms(FieldReader& reader) {
    MarketTerms terms;
    terms.market = reader.market_id();
    if (reader.failed()) return terms;
    const exchange::MarketRules& rules = reader.markets().market(terms.market);
    terms.side = reader.side();
    terms.self_trade = reader.self_trade();
    if (reader.has(budget)) {
        terms.budget = reader.amount(budget, rules.quote);
        if (reader.has(quantity))
            reader.fail_excluded(budget, "Give either quantity or budget.");
        else if (terms.side == exchange::Side::sell)
            reader.fail_excluded(budget,
                                 "A budget spends the quote asset, so it goes only with side \"buy\".");
        else if (terms.self_trade == exchange::SelfTradePrevention::decrement)
            reader.fail_excluded(self_trade, "\"decrement\" does not go with a budget.");
    } else if (!reader.has(quantity)) {
        reader.fail(quantity, "is missing; give for example \"0.5\", or a budget");
    } else {
        terms.quantity = reader.quantity(quantity, rules);
    }
    if (reader.has(protection)) terms.protection = reader.price(protection, rules);
    return terms;
}

// Stop orders wait for the price to get worse for them, take-profit orders for better.
exchange::Trigger trigger_of(FieldReader& reader, const LimitOrder& order, bool is_stop) {
    const bool rising = (order.side == exchange::Side::buy) == is_stop;
    return {reader.price(trigger, reader.markets().market(order.market)),
            rising ? exchange::TriggerWhen::at_or_above : exchange::TriggerWhen::at_or_below};
}

CommandBody waiting_market(FieldReader& reader, bool is_stop) {
    const MarketTerms terms = market_terms(reader);
    if (reader.failed()) return SpecialOrder{};
    SpecialOrder special;
    LimitOrder& order = special.order;
    order.market = terms.market;
    order.side = terms.side;
    order.time_in_force = TimeInForce::ioc;
    order.self_trade = terms.self_trade;
    if (terms.quantity) order.quantity = *terms.quantity;
    special.budget = terms.budget;
    special.trigger = trigger_of(reader, order, is_stop);
    if (reader.failed()) return special;
    // It trades when the last price is near its trigger, wherever that price is today.
    order.price = terms.protection ? *terms.protection
                                   : protection_price(special.trigger->price, order.side,
                                                      reader.markets().market(order.market));
    return special;
}

CommandBody waiting_limit(FieldReader& reader, bool is_stop) {
    SpecialOrder special = limit_terms(reader);
    if (!reader.failed()) special.trigger = trigger_of(reader, special.order, is_stop);
    return special;
}

// What cancel, reduce and replace mean: by id, or by the account's own nonce.
exchange::CommandRef target_of(FieldReader& reader, Draft& draft) {
    if (reader.has(order_id)) {
        if (reader.has(target_nonce) || reader.has(target_index)) {
            reader.fail(order_id, "give either order_id or target_nonce, not both");
            return {};
        }
        auto parsed = parse_order_id(reader.word(order_id, std::string(32, '0')), to_string(order_id));
        if (parsed.ok())
            draft.intent.target_order = parsed.value();
        else
            reader.fail(order_id, "must be 32 hexadecimal digits");
        return {};
    }
    if (!reader.has(target_nonce)) {
        reader.fail(order_id, "is missing; give the order's id, or target_nonce");
        return {};
    }
    return target_by_nonce(reader);
}

}  // namespace

exchange::CommandRef target_by_nonce(FieldReader& reader) {
    exchange::CommandRef ref;
    ref.nonce = reader.u64(target_nonce, UINT64_MAX);
    ref.index = reader.u32_or(target_index, 0, exchange::signed_batch_commands_max - 1);
    return ref;
}

CommandBody limit(FieldReader& reader, Draft&) {
    SpecialOrder special = limit_terms(reader);
    if (!special.display && !special.expires_at) return special.order;
    return special;
}

CommandBody market(FieldReader& reader, Draft& draft) {
    const MarketTerms terms = market_terms(reader);
    draft.needs_protection = !terms.protection;
    const exchange::Price protection = terms.protection.value_or(exchange::Price());
    if (terms.budget) return exchange::BudgetOrder{terms.market, terms.self_trade, protection, *terms.budget};
    return exchange::MarketOrder{terms.market, terms.side, terms.self_trade,
                                 terms.quantity.value_or(exchange::Quantity()), protection};
}

CommandBody stop(FieldReader& reader, Draft&) {
    return waiting_market(reader, true);
}
CommandBody stop_limit(FieldReader& reader, Draft&) {
    return waiting_limit(reader, true);
}
CommandBody take_profit(FieldReader& reader, Draft&) {
    return waiting_market(reader, false);
}
CommandBody take_profit_limit(FieldReader& reader, Draft&) {
    return waiting_limit(reader, false);
}

CommandBody mass_quote(FieldReader& reader, Draft&) {
    exchange::MassQuote body;
    body.market = reader.market_id();
    if (reader.failed()) return body;
    if (reader.fields()[quotes].kind != FieldKind::list) {
        reader.fail(quotes, R"(must be a list such as [{"side":"buy","price":"59000","quantity":"0.5"}]; an )"
                            "empty one only cancels what earlier mass quotes left");
        return body;
    }
    const std::size_t count = reader.fields().quotes.size();
    if (count > exchange::signed_batch_commands_max) {
        reader.fail(quotes, "has " + std::to_string(count) + " quotes; at most " +
                                std::to_string(exchange::signed_batch_commands_max) + " are taken");
        return body;
    }
    body.quotes.reserve(count);
    for (std::size_t i = 0; i < count && !reader.failed(); ++i)
        body.quotes.push_back(reader.quote(i, reader.markets().market(body.market)));
    return body;
}

CommandBody cancel(FieldReader& reader, Draft& draft) {
    return exchange::CancelOrder{target_of(reader, draft)};
}

CommandBody reduce(FieldReader& reader, Draft& draft) {
    exchange::ReduceOrder body;
    body.target = target_of(reader, draft);
    const exchange::MarketId id = reader.market_id();
    draft.intent.target_market = id;
    if (!reader.failed()) body.by = reader.quantity(by, reader.markets().market(id));
    return body;
}

CommandBody replace(FieldReader& reader, Draft& draft) {
    exchange::ReplaceOrder body;
    body.target = target_of(reader, draft);
    const exchange::MarketId id = reader.market_id();
    if (reader.failed()) return body;
    draft.intent.target_market = id;
    const exchange::MarketRules& rules = reader.markets().market(id);
    body.price = reader.price(price, rules);
    body.quantity = reader.quantity(quantity, rules);
    body.post_only = reader.flag(post_only);
    body.self_trade = reader.self_trade();
    if (reader.has(trigger)) body.trigger = reader.price(trigger, rules);
    return body;
}

CommandBody cancel_all(FieldReader& reader, Draft&) {
    exchange::CancelAll body;
    if (reader.has(OrderField::market)) body.market = reader.market_id();
    if (reader.has(side)) body.side = reader.side();
    return body;
}

CommandBody cancel_after(FieldReader& reader, Draft&) {
    if (reader.fields()[timeout].text == "off") return exchange::CancelAfter{};
    const Duration span = reader.span(timeout, "60s");
    if (!reader.failed() && (span < Duration::milliseconds(1) || span > exchange::cancel_after_max))
        reader.fail(timeout, "must be from 1ms to " +
                                 std::to_string(exchange::cancel_after_max.ms() / 1'000) + "s, or \"off\"");
    return exchange::CancelAfter{span};
}

}  // namespace peerbook::app::drafts
