#include "exchange/market/decimal.h"

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <optional>

namespace peerbook::exchange {

namespace {

using boost::multiprecision::cpp_int;

constexpr int price_ticks_default_max_exponent = 9;
constexpr int quantity_lots_default_max_exponent = 12;
constexpr int maximum_exponent = 18;  // of explicit maxima: they stay within 64 bits

// value = digits × 10^-places
struct Decimal {
    cpp_int digits;
    unsigned places = 0;
};

Error wrong(std::string_view text, const std::string& why) {
    std::string shown(text.substr(0, 40));
    for (char& c : shown)
        if (c < 0x20 || c > 0x7e) c = '?';
    if (text.size() > 40) shown += "...";
    return {ErrorCode::invalid_input, "'" + shown + "' " + why};
}

cpp_int power_of_ten(unsigned exponent) {
    return boost::multiprecision::pow(cpp_int(10), exponent);
}

Result<Decimal> parse_decimal(std::string_view text) {
    if (text.size() > decimal_length_max)
        return wrong(text, "is longer than " + std::to_string(decimal_length_max) + " characters");
    if (!text.empty() && text.front() == '-') return wrong(text, "is negative");
    Decimal decimal;
    bool seen_point = false;
    char last = '.';
    for (char c : text) {
        if (c == '.' && !seen_point && last != '.') {
            seen_point = true;
        } else if (c >= '0' && c <= '9') {
            decimal.digits = decimal.digits * 10 + (c - '0');
            if (seen_point) ++decimal.places;
        } else {
            return wrong(text, "is not a decimal number; write it like 12 or 0.5");
        }
        last = c;
    }
    if (last == '.') return wrong(text, "is not a decimal number; write it like 12 or 0.5");
    // Trailing zeros carry no value, so that 1.50 fits where one decimal does.
    while (decimal.places > 0 && decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        --decimal.places;
    }
    return decimal;
}

// value / unit if that is whole.
std::optional<cpp_int> count_of(const Decimal& value, const Decimal& unit) {
    const cpp_int numerator = value.digits * power_of_ten(unit.places);
    const cpp_int denominator = unit.digits * power_of_ten(value.places);
    if (numerator % denominator != 0) return std::nullopt;
    return cpp_int(numerator / denominator);
}

Result<cpp_int> parse_multiple(std::string_view text, const std::string& unit_text, std::int64_t max,
                               const char* unit_name) {
    Result<Decimal> value = parse_decimal(text);
    if (!value.ok()) return value.error();
    if (value->digits == 0) return wrong(text, "is zero");
    Result<Decimal> unit = parse_decimal(unit_text);
    PB_CHECK(unit.ok() && unit->digits != 0, "a market's tick and lot are checked when its rules are made");
    const std::optional<cpp_int> count = count_of(*value, *unit);
    if (!count)
        return wrong(text, std::string("is not a multiple of the market's ") + unit_name + " " + unit_text);
    if (*count > max) return wrong(text, "is above the market's maximum");
    return *count;
}

std::string format_decimal(const cpp_int& digits, unsigned places) {
    std::string text = (digits < 0 ? cpp_int(-digits) : digits).str();
    if (text.size() <= places) text.insert(0, places + 1 - text.size(), '0');
    if (places > 0) {
        text.insert(text.size() - places, 1, '.');
        text.erase(text.find_last_not_of('0') + 1);
        if (text.back() == '.') text.pop_back();
    }
    return digits < 0 ? "-" + text : text;
}

std::string format_multiple(std::int64_t count, const std::string& unit_text) {
    Result<Decimal> unit = parse_decimal(unit_text);
    PB_CHECK(unit.ok(), "a market's tick and lot are checked when its rules are made");
    return format_decimal(unit->digits * count, unit->places);
}

Amount to_amount(const cpp_int& value) {
    return static_cast<Amount>(value);
}

Error refused(const MarketSpec& spec, const std::string& why) {
    return {ErrorCode::invalid_input, "market " + spec.symbol + ": " + why};
}

// The given maximum in units, or none if the text is empty.
Result<std::optional<cpp_int>> parse_maximum(const std::string& text, const Decimal& unit, const char* what) {
    if (text.empty()) return std::optional<cpp_int>();
    Result<Decimal> value = parse_decimal(text);
    if (!value.ok()) return value.error().within(what);
    const std::optional<cpp_int> count = count_of(*value, unit);
    if (!count) return wrong(text, "is no multiple of its unit").within(what);
    if (*count == 0) return wrong(text, "is zero").within(what);
    if (*count > power_of_ten(maximum_exponent)) return wrong(text, "is above 10^18 units").within(what);
    return std::optional<cpp_int>(*count);
}

}  // namespace

Result<Amount> parse_amount(std::string_view text, unsigned decimals) {
    Result<Decimal> value = parse_decimal(text);
    if (!value.ok()) return value.error();
    if (value->places > decimals)
        return wrong(text, "has more than " + std::to_string(decimals) + " decimal places");
    const cpp_int units = value->digits * power_of_ten(decimals - value->places);
    if (units > cpp_int(1) << supply_bits_max) return wrong(text, "is too large");
    return to_amount(units);
}

std::string format_amount(Amount units, unsigned decimals) {
    return format_decimal(cpp_int(units), decimals);
}

Result<Price> parse_price(std::string_view text, const MarketRules& market) {
    Result<cpp_int> ticks = parse_multiple(text, market.tick_text, market.price_max.value(), "tick");
    if (!ticks.ok()) return ticks.error().within("price");
    return Price(static_cast<std::int64_t>(*ticks));
}

Result<Quantity> parse_quantity(std::string_view text, const MarketRules& market) {
    Result<cpp_int> lots = parse_multiple(text, market.lot_text, market.quantity_max.value(), "lot");
    if (!lots.ok()) return lots.error().within("quantity");
    return Quantity(static_cast<std::int64_t>(*lots));
}

std::string format_price(Price price, const MarketRules& market) {
    return format_multiple(price.value(), market.tick_text);
}

std::string format_quantity(Quantity quantity, const MarketRules& market) {
    return format_multiple(quantity.value(), market.lot_text);
}

std::string format_i128(__int128 value) {
    return cpp_int(value).str();
}

Result<MarketRules> make_market_rules(const MarketSpec& spec, AssetId base, const AssetRules& base_asset,
                                      AssetId quote, const AssetRules& quote_asset) {
    if (base == quote) return refused(spec, "base and quote are the same asset");
    if (base_asset.decimals > asset_decimals_max || quote_asset.decimals > asset_decimals_max)
        return refused(spec, "an asset has more than " + std::to_string(asset_decimals_max) + " decimals");
    if (spec.maker_fee_ppm > fee_ppm_max || spec.taker_fee_ppm > fee_ppm_max)
        return refused(spec, "a fee is above " + std::to_string(fee_ppm_max) + " parts per million");
    const Result<Decimal> tick = parse_decimal(spec.tick);
    if (!tick.ok()) return refused(spec, "tick " + tick.error().message);
    const Result<Decimal> lot = parse_decimal(spec.lot);
    if (!lot.ok()) return refused(spec, "lot " + lot.error().message);
    if (tick->digits == 0 || lot->digits == 0) return refused(spec, "tick and lot must be above zero");

    const std::optional<cpp_int> constant =
        count_of({tick->digits * lot->digits, tick->places + lot->places}, {1, quote_asset.decimals});
    if (!constant)
        return refused(spec, "one tick times one lot is not a whole number of base units of " +
                                 quote_asset.name + "; it needs " +
                                 std::to_string(tick->places + lot->places) + " decimals");
    const std::optional<cpp_int> lot_units = count_of(*lot, {1, base_asset.decimals});
    if (!lot_units) return refused(spec, "one lot is not a whole number of base units of " + base_asset.name);

    const Result<std::optional<cpp_int>> price_given = parse_maximum(spec.price_max, *tick, "price_max");
    if (!price_given.ok()) return refused(spec, price_given.error().message);
    const Result<std::optional<cpp_int>> quantity_given =
        parse_maximum(spec.quantity_max, *lot, "quantity_max");
    if (!quantity_given.ok()) return refused(spec, quantity_given.error().message);

    const cpp_int bound = cpp_int(1) << notional_bits_max;
    cpp_int price_max = price_given->value_or(power_of_ten(price_ticks_default_max_exponent));
    if (!*price_given && *quantity_given)
        price_max = std::min(price_max, cpp_int(bound / (**quantity_given * *constant)));
    cpp_int quantity_max = quantity_given->value_or(power_of_ten(quantity_lots_default_max_exponent));
    if (!*quantity_given && price_max > 0) {
        quantity_max = std::min(quantity_max, cpp_int(bound / (price_max * *constant)));
        quantity_max = std::min(quantity_max, cpp_int(bound / *lot_units));
    }
    if (price_max < 1 || quantity_max < 1 || price_max * quantity_max * *constant > bound ||
        quantity_max * *lot_units > bound)
        return refused(spec, "its largest order would be worth more than 2^" +
                                 std::to_string(notional_bits_max) +
                                 " base units; lower price_max or quantity_max");

    MarketRules rules;
    rules.symbol = spec.symbol;
    rules.base = base;
    rules.quote = quote;
    rules.notional_constant = to_amount(*constant);
    rules.lot_units = to_amount(*lot_units);
    rules.tick_text = spec.tick;
    rules.lot_text = spec.lot;
    rules.price_max = Price(static_cast<std::int64_t>(price_max));
    rules.quantity_max = Quantity(static_cast<std::int64_t>(quantity_max));
    rules.maker_fee_ppm = spec.maker_fee_ppm;
    rules.taker_fee_ppm = spec.taker_fee_ppm;
    return rules;
}

}  // namespace peerbook::exchange
