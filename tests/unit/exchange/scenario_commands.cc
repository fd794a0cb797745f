#include <utility>

#include "tests/unit/exchange/scenario_parser.h"

namespace peerbook::exchange::scenario {

namespace {

// So that quotas of bytes can be told in examples.
constexpr std::uint32_t bytes_per_command = 100;

bool accept_self_trade(Words& words, SelfTradePrevention& mode) {
    static const std::map<std::string, SelfTradePrevention> modes = {
        {"cancel-newest", SelfTradePrevention::cancel_newest},
        {"cancel-oldest", SelfTradePrevention::cancel_oldest},
        {"cancel-both", SelfTradePrevention::cancel_both},
        {"decrement", SelfTradePrevention::decrement},
    };
    const auto found = modes.find(words.peek());
    if (found == modes.end()) return false;
    mode = found->second;
    return words.accept(found->first);
}

}  // namespace

// An order as read; numbers become integers once its market is known.
struct Compiler::OrderText {
    Side side = Side::buy;
    bool at_market = false;
    std::string quantity, price, budget, display, trigger;
    bool is_take_profit = false;
    std::optional<WallTime> expires_at;
    TimeInForce time_in_force = TimeInForce::gtc;
    bool post_only = false;
    SelfTradePrevention self_trade = SelfTradePrevention::cancel_newest;
    const MarketText* market = nullptr;
};

void Compiler::compile_command(Words& words) {
    const std::string name = words.next("an account");
    if (labels_.count(name) > 0) words.fail("'" + name + "' is the label of an order, not an account");
    account(name);
    Envelope envelope;
    const CommandBody body = command_body(name, words, envelope);
    while (accept_envelope(words, envelope)) {
    }
    words.expect_end();
    if (!envelope.label.empty() && (labels_.count(envelope.label) > 0 || accounts_.count(envelope.label) > 0))
        words.fail("'" + envelope.label + "' names something already");
    send(name, body, envelope);
}

CommandBody Compiler::command_body(const std::string& name, Words& words, Envelope& envelope) {
    const std::string verb = words.next("a command");
    if (verb == "buys" || verb == "sells" || verb == "spends") return order_body(verb, words, envelope);
    if (verb == "cancels") return cancel_body(words);
    if (verb == "replaces") return replace_body(words, envelope);
    if (verb == "quotes") return quote_body(words);
    if (verb == "asks") return admin_body(words);
    if (verb == "reduces") {
        const CommandRef reduced = target(words);
        words.expect("by");
        const std::string by = words.next("a quantity");
        const MarketText& in = words.accept("in") ? market(words) : markets_.front();
        return ReduceOrder{reduced, Quantity(units(words, by, in.lot))};
    }
    if (verb == "opens") {
        words.expect("account");
        return OpenAccount{account(name).signs && !words.accept("named") ? "" : name};
    }
    if (verb == "takes") {
        const auto [what, much] = money(words);
        words.expect("from");
        words.expect("faucet");
        return Faucet{what, much};
    }
    if (verb == "transfers" || verb == "issues") {
        const auto [what, much] = money(words);
        words.expect("to");
        const AccountId to = account(words.next("an account")).id;
        if (verb == "issues") return Issue{to, what, much};
        return Transfer{to, what, much};
    }
    if (verb == "redeems") {
        const auto [what, much] = money(words);
        return Redeem{what, much};
    }
    if (verb == "withdraws") {
        const auto [what, much] = money(words);
        words.expect("to");
        return RequestWithdrawal{what, much, words.next("a destination")};
    }
    if (verb == "pays" || verb == "refuses") {
        const std::string request = words.next("a withdrawal");
        const auto found = labels_.find(request);
        if (found != labels_.end())
            return SettleWithdrawal{found->second.owner, found->second.ref, verb == "pays"};
        const AccountId owner = account(request).id;
        words.expect("nonce");
        return SettleWithdrawal{owner, {number(words), 0}, verb == "pays"};
    }
    words.fail("unknown word '" + verb + "'");
}

CommandBody Compiler::order_body(const std::string& verb, Words& words, Envelope& envelope) {
    OrderText text;
    text.market = &markets_.front();
    text.side = verb == "sells" ? Side::sell : Side::buy;
    (verb == "spends" ? text.budget : text.quantity) = words.next("a quantity");
    words.expect("at");
    if (words.accept("market")) {
        text.at_market = true;
        text.time_in_force = TimeInForce::ioc;
        words.expect("protected");
        words.expect("at");
    }
    text.price = words.next("a price");
    while (accept_order_option(words, text) || accept_envelope(words, envelope)) {
    }

    const MarketText& in = *text.market;
    LimitOrder order;
    order.market = in.id;
    order.side = text.side;
    order.time_in_force = text.time_in_force;
    order.post_only = text.post_only;
    order.self_trade = text.self_trade;
    order.price = Price(units(words, text.price, in.tick));
    if (!text.quantity.empty()) order.quantity = Quantity(units(words, text.quantity, in.lot));
    SpecialOrder special;
    special.order = order;
    if (!text.display.empty()) special.display = Quantity(units(words, text.display, in.lot));
    special.expires_at = text.expires_at;
    if (!text.trigger.empty()) {
        const bool above = (text.side == Side::buy) != text.is_take_profit;
        special.trigger = Trigger{Price(units(words, text.trigger, in.tick)),
                                  above ? TriggerWhen::at_or_above : TriggerWhen::at_or_below};
    }
    if (!text.budget.empty()) special.budget = amount(words, text.budget, in.quote);
    if (special.display || special.expires_at || special.trigger) return special;
    if (special.budget && text.at_market && !text.post_only)
        return BudgetOrder{in.id, text.self_trade, order.price, *special.budget};
    if (special.budget) return special;
    if (text.at_market && !text.post_only)
        return MarketOrder{in.id, text.side, text.self_trade, order.quantity, order.price};
    return order;
}

bool Compiler::accept_order_option(Words& words, OrderText& text) {
    if (accept_self_trade(words, text.self_trade)) return true;
    if (words.accept("ioc")) {
        text.time_in_force = TimeInForce::ioc;
    } else if (words.accept("fok")) {
        text.time_in_force = TimeInForce::fok;
    } else if (words.accept("post-only")) {
        text.post_only = true;
    } else if (words.accept("showing")) {
        text.display = words.next("a quantity");
    } else if (words.accept("until")) {
        text.expires_at = time_of_day(words);
    } else if (words.accept("stop")) {
        text.trigger = words.next("a price");
    } else if (words.accept("take-profit")) {
        text.trigger = words.next("a price");
        text.is_take_profit = true;
    } else if (words.accept("in")) {
        text.market = &market(words);
    } else {
        return false;
    }
    return true;
}

CommandRef Compiler::target(Words& words) const {
    if (words.accept("nonce")) {
        CommandRef ref{number(words), 0};
        if (words.accept("index")) ref.index = static_cast<std::uint32_t>(number(words));
        return ref;
    }
    const std::string label = words.next("an order");
    const auto found = labels_.find(label);
    if (found == labels_.end()) words.fail("unknown order '" + label + "'");
    return found->second.ref;
}

CommandBody Compiler::cancel_body(Words& words) {
    if (words.accept("all")) {
        CancelAll all;
        if (words.accept("buys")) all.side = Side::buy;
        if (words.accept("sells")) all.side = Side::sell;
        if (words.accept("in")) all.market = market(words).id;
        return all;
    }
    if (words.accept("after")) {
        if (words.accept("never")) return CancelAfter{};
        return CancelAfter{duration(words)};
    }
    return CancelOrder{target(words)};
}

CommandBody Compiler::replace_body(Words& words, Envelope& envelope) {
    ReplaceOrder replace;
    replace.target = target(words);
    words.expect("with");
    const std::string quantity = words.next("a quantity");
    words.expect("at");
    const std::string price = words.next("a price");
    const MarketText* in = &markets_.front();
    std::string trigger;
    for (bool more = true; more;) {
        if (words.accept("post-only")) {
            replace.post_only = true;
        } else if (words.accept("trigger")) {
            trigger = words.next("a price");
        } else if (words.accept("in")) {
            in = &market(words);
        } else {
            more = accept_self_trade(words, replace.self_trade) || accept_envelope(words, envelope);
        }
    }
    replace.quantity = Quantity(units(words, quantity, in->lot));
    replace.price = Price(units(words, price, in->tick));
    if (!trigger.empty()) replace.trigger = Price(units(words, trigger, in->tick));
    return replace;
}

CommandBody Compiler::quote_body(Words& words) {
    struct QuoteText {
        Side side;
        std::string quantity, price;
    };
    std::vector<QuoteText> texts;
    if (!words.accept("nothing")) {
        do {
            QuoteText quote{};
            if (words.accept("sell"))
                quote.side = Side::sell;
            else
                words.expect("buy");
            quote.quantity = words.next("a quantity");
            words.expect("at");
            quote.price = words.next("a price");
            texts.push_back(std::move(quote));
        } while (words.accept(","));
    }
    const MarketText& in = words.accept("in") ? market(words) : markets_.front();
    MassQuote mass;
    mass.market = in.id;
    for (const QuoteText& text : texts)
        mass.quotes.push_back({text.side, Price(units(words, text.price, in.tick)),
                               Quantity(units(words, text.quantity, in.lot))});
    return mass;
}

CommandBody Compiler::admin_body(Words& words) {
    words.expect("to");
    Administer administer;
    if (words.accept("halt")) {
        administer.action = HaltMarket{market(words).id};
    } else if (words.accept("resume")) {
        administer.action = ResumeMarket{market(words).id};
    } else {
        words.expect("create");
        CreateMarket create;
        create.spec.symbol = words.next("a market");
        create.spec.tick = create.spec.lot = "1";
        while (accept_market_option(words, create.spec)) {
        }
        bool is_known = false;
        for (const MarketText& each : markets_)
            if (each.symbol == create.spec.symbol) {
                is_known = true;
                std::tie(create.base, create.quote) = std::make_pair(each.base, each.quote);
            }
        if (!is_known) {
            add_market(create.spec);
            std::tie(create.base, create.quote) = std::make_pair(markets_.back().base, markets_.back().quote);
        }
        administer.action = std::move(create);
    }
    if (words.accept("reference")) administer.reference = number(words);
    return administer;
}

bool Compiler::accept_envelope(Words& words, Envelope& envelope) const {
    if (words.accept("as")) {
        envelope.label = words.next("a label");
    } else if (words.accept("nonce")) {
        envelope.nonce = number(words);
    } else if (words.accept("sent")) {
        words.expect("by");
        envelope.sender = words.next("a node");
    } else if (words.accept("signed")) {
        words.expect("badly");
        envelope.is_signed_badly = true;
    } else {
        return false;
    }
    return true;
}

void Compiler::send(const std::string& name, const CommandBody& body, const Envelope& envelope) {
    Account& sender = account(name);
    Step& step = scenario_.steps.back();
    CommandBatch batch;
    batch.kind = sender.signs ? BatchKind::self_custodied : BatchKind::hosted_by_author;
    batch.authorized = !envelope.is_signed_badly;
    batch.signer.data = sender.signs ? sender.id.data : sender.host.data;
    if (!envelope.sender.empty()) batch.signer = key_of(envelope.sender);
    if (!sender.signs && batch.signer != key_of("node")) batch.kind = BatchKind::hosted_by_other;

    const bool joins = !step.batches.empty() && step.batches.back().kind == batch.kind &&
                       step.batches.back().authorized == batch.authorized &&
                       step.batches.back().signer == batch.signer && !(sender.signs && envelope.nonce);
    if (!joins) step.batches.push_back(std::move(batch));
    CommandBatch& joined = step.batches.back();
    CommandRef ref;
    if (sender.signs && joins) {
        const BatchCommand& last = joined.commands.back();
        ref = {last.nonce, last.index + index_count(last.body)};
    } else {
        ref = {envelope.nonce.value_or(sender.next_nonce), 0};
        if (ref.nonce == sender.next_nonce) ++sender.next_nonce;
    }
    joined.add(sender.id, ref, body);
    joined.encoded_bytes += bytes_per_command;
    step.senders.push_back(envelope.label.empty() ? name : envelope.label);
    if (!envelope.label.empty()) give_label(envelope, sender.id, ref, body);
}

// The quotes of a mass quote q are q.1, q.2 and so on.
void Compiler::give_label(const Envelope& envelope, const AccountId& owner, CommandRef ref,
                          const CommandBody& body) {
    const auto give = [&](const std::string& label, CommandRef named) {
        labels_[label] = {owner, named};
        scenario_.names.labels[{owner, named}] = label;
    };
    const auto* mass = std::get_if<MassQuote>(&body);
    if (mass == nullptr) return give(envelope.label, ref);
    for (std::uint32_t i = 0; i < mass->quotes.size(); ++i)
        give(envelope.label + "." + std::to_string(i + 1), {ref.nonce, ref.index + i});
}

}  // namespace peerbook::exchange::scenario
