// Lines about money and administration.
#include <array>

#include "app/shell/line_forms.h"

namespace peerbook::app {

namespace {

// AMOUNT ASSET.
std::optional<LineError> amount_of_asset(Words& words, const Form& form, OrderFields& fields) {
    if (words.done()) return form.missing("an amount");
    fields.set_text(OrderField::amount, words.take());
    if (words.done()) return form.missing("an asset");
    fields.set_text(OrderField::asset, words.take_name());
    return std::nullopt;
}

// What may follow a new market's name.
constexpr std::array<OrderField, 14> market_terms = {
    OrderField::tick,          OrderField::lot,           OrderField::base,         OrderField::quote,
    OrderField::price_max,     OrderField::quantity_min,  OrderField::quantity_max, OrderField::notional_min,
    OrderField::maker_fee_ppm, OrderField::taker_fee_ppm, OrderField::band_ppm,     OrderField::matching,
    OrderField::auction,       OrderField::reference,
};

}  // namespace

Parsed faucet_line(Words& words) {
    const Form form(words, "faucet USD 1000");
    CommandAction action;
    action.fields.set_text(OrderField::op, "faucet");
    if (words.done()) return form.missing("an asset");
    action.fields.set_text(OrderField::asset, words.take_name());
    if (words.done()) return form.missing("an amount");
    action.fields.set_text(OrderField::amount, words.take());
    return form.finish(std::move(action));
}

Parsed payment_line(Words& words, std::string_view op, std::string_view example) {
    const Form form(words, example);
    CommandAction action;
    action.fields.set_text(OrderField::op, op);
    if (auto mistake = amount_of_asset(words, form, action.fields)) return *mistake;
    if (!words.take_if("to")) return form.missing("\"to\" and an account");
    if (words.done()) return form.missing("an account");
    action.fields.set_text(OrderField::to, words.take_lower());
    return form.finish(std::move(action));
}

Parsed redeem_line(Words& words) {
    const Form form(words, "redeem 10 USD");
    CommandAction action;
    action.fields.set_text(OrderField::op, "redeem");
    if (auto mistake = amount_of_asset(words, form, action.fields)) return *mistake;
    return form.finish(std::move(action));
}

Parsed withdraw_line(Words& words) {
    const Form form(words, "withdraw 10 USD to bank account 12-345");
    CommandAction action;
    action.fields.set_text(OrderField::op, "withdraw");
    if (auto mistake = amount_of_asset(words, form, action.fields)) return *mistake;
    if (!words.take_if("to")) return form.missing("\"to\" and a destination");
    if (words.done()) return form.missing("a destination");
    action.fields.set_text(OrderField::destination, words.take_rest());
    return form.finish(std::move(action));
}

Parsed settle_line(Words& words) {
    const Form form(words, "settle alice 7 paid");
    CommandAction action;
    auto& fields = action.fields;
    fields.set_text(OrderField::op, "settle");
    if (words.done()) return form.missing("the account that asked");
    fields.set_text(OrderField::from, words.take_lower());
    if (words.done()) return form.missing("the nonce of its request");
    const std::size_t at = words.position();
    if (const std::string_view request = words.take(); !set_ref(fields, request))
        return form.error("must be the request's nonce, not " + quoted(request), at);
    const bool is_paid = words.take_if("paid");
    if (!is_paid && !words.take_if("refused")) return form.missing("paid or refused");
    fields[OrderField::paid] = {FieldKind::boolean, is_paid ? "true" : "false"};
    return form.finish(std::move(action));
}

Parsed create_market_line(Words& words) {
    Form form(words, "create-market ETH-USD tick 0.01 lot 0.001 taker_fee_ppm 500");
    CommandAction action;
    auto& fields = action.fields;
    fields.set_text(OrderField::op, "create_market");
    if (words.done()) return form.missing("the market's name");
    fields.set_text(OrderField::market, words.take_name());
    while (!words.done()) {
        const std::size_t at = words.position();
        const std::string_view word = words.take_identifier();
        const auto field = std::find_if(market_terms.begin(), market_terms.end(),
                                        [word](OrderField known) { return to_string(known) == word; });
        if (field == market_terms.end()) {
            std::array<std::string_view, market_terms.size()> names;
            std::transform(market_terms.begin(), market_terms.end(), names.begin(),
                           [](OrderField known) { return to_string(known); });
            const std::string_view near = nearest_word(word, names.data(), names.size());
            return form.error("a market has no term " + quoted(word) +
                                  (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"),
                              at);
        }
        if (!words.done() && (*field == OrderField::base || *field == OrderField::quote)) words.raise_next();
        if (auto mistake = form.take(fields, *field, to_string(*field))) return *mistake;
    }
    return form.finish(std::move(action));
}

Parsed halt_line(Words& words, std::string_view op, std::string_view example) {
    Form form(words, example);
    CommandAction action;
    action.fields.set_text(OrderField::op, op);
    if (words.done()) return form.missing("a market");
    action.fields.set_text(OrderField::market, words.take_name());
    if (words.take_if("reference"))
        if (auto mistake = form.take(action.fields, OrderField::reference, "a number")) return *mistake;
    return form.finish(std::move(action));
}

}  // namespace peerbook::app
