#include "app/api/field_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "app/api/time_text.h"
#include "exchange/market/decimal.h"

namespace peerbook::app {

namespace {

struct SelfTradeName {
    std::string_view name;
    exchange::SelfTradePrevention mode;
};
constexpr std::array<SelfTradeName, 4> self_trade_names = {{
    {"cancel_newest", exchange::SelfTradePrevention::cancel_newest},
    {"cancel_oldest", exchange::SelfTradePrevention::cancel_oldest},
    {"cancel_both", exchange::SelfTradePrevention::cancel_both},
    {"decrement", exchange::SelfTradePrevention::decrement},
}};

bool is_hex_id(std::string_view text) {
    return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
           });
}

}  // namespace

void FieldReader::fail_at(std::string path, const std::string& message) {
    if (failed_) return;
    failed_ = true;
    error_ = ApiError(path + ": " + message, path);
}

void FieldReader::fail_excluded(OrderField field, const std::string& message) {
    fail(field, std::string(exchange::describe(exchange::Reason::bad_order_terms)) + " " + message);
}

std::string_view FieldReader::word_at(const FieldValue& value, const std::string& path,
                                      std::string_view example) {
    if (value.kind == FieldKind::absent) {
        fail_at(path, "is missing; give for example \"" + std::string(example) + "\"");
        return {};
    }
    if (value.kind == FieldKind::boolean || value.kind == FieldKind::list) {
        fail_at(path, "must be a text such as \"" + std::string(example) + "\", not " +
                          (value.kind == FieldKind::list ? "a list" : std::string(value.text)));
        return {};
    }
    return value.text;
}

std::string_view FieldReader::word(OrderField field, std::string_view example) {
    return word_at(fields_[field], std::string(to_string(field)), example);
}

std::string_view FieldReader::decimal_at(const FieldValue& value, const std::string& path,
                                         std::string_view example) {
    const std::string_view text = word_at(value, path, example);
    if (failed_) return {};
    if (text.size() > exchange::decimal_length_max) {
        fail_at(path, "the number has " + std::to_string(text.size()) + " characters; at most " +
                          std::to_string(exchange::decimal_length_max) + " are read");
    } else if (text.find_first_of("eE") != std::string_view::npos && text.find_first_of("0123456789") == 0) {
        fail_at(path, "exponents are not accepted: " + quoted(text) + "; write the number in full");
    }
    return text;
}

template <typename T>
T FieldReader::checked(const std::string& path, Result<T> parsed) {
    if (parsed.ok()) return *parsed;
    // The parsers say "price: " or "quantity: " themselves; the field's own name says more.
    std::string_view message = parsed.error().message;
    for (std::string_view prefix : {"price: ", "quantity: "})
        if (message.starts_with(prefix)) message.remove_prefix(prefix.size());
    fail_at(path, std::string(message));
    return T{};
}

exchange::MarketId FieldReader::market_id() {
    const auto& known = markets().rules().markets;
    const std::string_view text =
        word(OrderField::market, known.empty() ? std::string_view("BTC-USD") : known.front().symbol);
    if (failed_) return {};
    if (const auto found = markets().find_market(text)) return *found;
    fail(OrderField::market,
         "no market " + quoted(text) + " in this network; GET /api/v1/markets lists them");
    return {};
}

exchange::AssetId FieldReader::asset_id(OrderField field) {
    const std::string_view text = word(field, "USD");
    if (failed_) return {};
    if (const auto found = markets().find_asset(text)) return *found;
    fail(field, "no asset " + quoted(text) + " in this network; GET /api/v1/network lists them");
    return {};
}

exchange::Side FieldReader::side_at(const FieldValue& value, const std::string& path) {
    const std::string_view text = word_at(value, path, "buy");
    if (text == "buy") return exchange::Side::buy;
    if (text == "sell") return exchange::Side::sell;
    fail_at(path, "must be \"buy\" or \"sell\", not " + quoted(text));
    return {};
}

exchange::Side FieldReader::side() {
    return side_at(fields_[OrderField::side], std::string(to_string(OrderField::side)));
}

exchange::Price FieldReader::price_at(const FieldValue& value, const std::string& path,
                                      const exchange::MarketRules& rules) {
    const std::string_view text = decimal_at(value, path, "60000");
    if (failed_) return {};
    return checked(path, exchange::parse_price(text, rules));
}

exchange::Price FieldReader::price(OrderField field, const exchange::MarketRules& rules) {
    return price_at(fields_[field], std::string(to_string(field)), rules);
}

exchange::Quantity FieldReader::quantity_at(const FieldValue& value, const std::string& path,
                                            const exchange::MarketRules& rules) {
    const std::string_view text = decimal_at(value, path, "0.5");
    if (failed_) return {};
    return checked(path, exchange::parse_quantity(text, rules));
}

exchange::Quantity FieldReader::quantity(OrderField field, const exchange::MarketRules& rules) {
    return quantity_at(fields_[field], std::string(to_string(field)), rules);
}

exchange::Amount FieldReader::amount(OrderField field, exchange::AssetId asset) {
    const std::string path(to_string(field));
    const std::string_view text = decimal_at(fields_[field], path, "1000");
    if (failed_) return {};
    const exchange::Amount units =
        checked(path, exchange::parse_amount(text, markets().asset(asset).decimals));
    if (units == 0) fail(field, "must be above zero");
    return units;
}

std::uint64_t FieldReader::u64(OrderField field, std::uint64_t max) {
    const std::string_view text = word(field, "7");
    if (failed_) return 0;
    auto parsed = parse_u64(text, to_string(field));
    if (!parsed.ok()) {
        failed_ = true;
        error_ = std::move(parsed.error());
        return 0;
    }
    if (parsed.value() > max) fail(field, "is too large; at most " + std::to_string(max));
    return parsed.value();
}

std::uint32_t FieldReader::u32_or(OrderField field, std::uint32_t fallback, std::uint32_t max) {
    return has(field) ? static_cast<std::uint32_t>(u64(field, max)) : fallback;
}

bool FieldReader::flag(OrderField field, bool is_required) {
    const FieldValue& value = fields_[field];
    if (value.kind == FieldKind::absent) {
        if (is_required) fail(field, "is missing; give true or false");
        return false;
    }
    if (value.kind != FieldKind::number) {
        if (value.text == "true") return true;
        if (value.text == "false") return false;
    }
    fail(field, "must be true or false, not " + quoted(value.text));
    return false;
}

exchange::SelfTradePrevention FieldReader::self_trade() {
    if (!has(OrderField::self_trade)) return exchange::SelfTradePrevention::cancel_newest;
    const std::string_view text = word(OrderField::self_trade, "cancel_newest");
    for (const SelfTradeName& row : self_trade_names)
        if (text == row.name) return row.mode;
    fail(OrderField::self_trade,
         "must be \"cancel_newest\", \"cancel_oldest\", \"cancel_both\" or \"decrement\", not " +
             quoted(text));
    return {};
}

exchange::AccountId FieldReader::account(OrderField field) {
    const std::string_view text = word(field, "bob");
    if (failed_) return {};
    if (is_hex_id(text) || is_account_name(text)) return account_id_of(text, context_.node);
    fail(field, "must be an account name of [a-z0-9._-] or an account id of 64 hexadecimal digits, not " +
                    quoted(text));
    return {};
}

WallTime FieldReader::time(OrderField field) {
    const std::string_view text = word(field, "2026-11-20T12:00:00Z");
    if (failed_) return {};
    return checked(std::string(to_string(field)), parse_time(text, context_.now));
}

Duration FieldReader::span(OrderField field, std::string_view example) {
    const std::string_view text = word(field, example);
    if (failed_) return {};
    return checked(std::string(to_string(field)), parse_span(text));
}

std::string FieldReader::decimal_text(OrderField field) {
    if (!has(field)) return {};
    return std::string(decimal_at(fields_[field], std::string(to_string(field)), "0.01"));
}

exchange::Quote FieldReader::quote(std::size_t index, const exchange::MarketRules& rules) {
    const QuoteFields& given = fields_.quotes[index];
    exchange::Quote quote;
    quote.side = side_at(given.side, quote_path(index, "side"));
    quote.price = price_at(given.price, quote_path(index, "price"), rules);
    quote.quantity = quantity_at(given.quantity, quote_path(index, "quantity"), rules);
    return quote;
}

bool is_account_name(std::string_view name) {
    return !name.empty() && name.size() <= exchange::account_name_length_max &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
           });
}

exchange::AccountId account_id_of(std::string_view name_or_id, const PublicKey& node) {
    if (is_hex_id(name_or_id)) {
        auto id = fixed_from_hex<exchange::AccountId>(name_or_id);
        if (id.ok()) return *id;
    }
    return exchange::hosted_account_id(node, name_or_id);
}

ApiResult<std::uint64_t> parse_u64(std::string_view text, std::string_view field) {
    std::uint64_t value = 0;
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure == std::errc{} && end == text.data() + text.size()) return value;
    const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
    return ApiError(
        std::string(field) + ": " +
            (digits ? "is above 64 bits: " : "must be a whole number without sign or exponent, not ") +
            quoted(text),
        std::string(field));
}

ApiResult<exchange::OrderId> parse_order_id(std::string_view text, std::string_view field) {
    auto id = fixed_from_hex<exchange::OrderId>(text);
    if (id.ok()) return *id;
    return ApiError(std::string(field) + ": an order id has 32 hexadecimal digits, not " + quoted(text),
                    std::string(field));
}

}  // namespace peerbook::app
