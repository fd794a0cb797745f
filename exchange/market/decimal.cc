#include "exchange/market/decimal.h"

#include <algorithm>
#include <array>
#include <boost/multiprecision/cpp_int.hpp>
#include <cstdint>
#include <optional>

namespace peerbook::exchange {

namespace {

using boost::multiprecision::cpp_int;

constexpr int price_ticks_default_max_exponent = 9;
constexpr int quantity_lots_default_max_exponent = 12;
constexpr int maximum_exponent = 18;  // of explicit bounds: they stay within 64 bits
constexpr std::uint32_t band_ppm_end = 1'000'000;

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

// --- the same within 64 bits: nearly every text that comes in. What does not fit, and every mistake, is left
// to the code above, so that there is one place for errors ---

constexpr std::size_t short_length_max = 19;  // characters; as many digits fit 64 bits
constexpr unsigned short_exponent_max = 19;

struct ShortDecimal {
    std::uint64_t digits = 0;
    unsigned places = 0;
};

constexpr auto short_powers = [] {
    std::array<std::uint64_t, short_exponent_max + 1> powers{1};
    for (unsigned i = 1; i <= short_exponent_max; ++i)
        powers[i] = powers[i - 1] * 10;
    return powers;
}();

std::optional<ShortDecimal> parse_short(std::string_view text) {
    if (text.size() > short_length_max) return std::nullopt;
    ShortDecimal decimal;
    bool seen_point = false;
    char last = '.';
    for (char c : text) {
        if (c >= '0' && c <= '9') {
            decimal.digits = decimal.digits * 10 + static_cast<std::uint64_t>(c - '0');
            decimal.places += seen_point;
        } else if (c == '.' && !seen_point && last != '.') {
            seen_point = true;
        } else {
            return std::nullopt;
        }
        last = c;
    }
    if (last == '.') return std::nullopt;
    while (decimal.places > 0 && decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        --decimal.places;
    }
    return decimal;
}

std::optional<std::int64_t> parse_short_multiple(std::string_view text, const std::string& unit_text,
                                                 std::int64_t max) {
    const std::optional<ShortDecimal> value = parse_short(text), unit = parse_short(unit_text);
    // Without zeros at its end, a value with more places than the unit is no multiple of it.
    if (!value || !unit || unit->digits == 0 || value->places > unit->places) return std::nullopt;
    std::uint64_t numerator = 0;
    if (__builtin_mul_overflow(value->digits, short_powers[unit->places - value->places], &numerator))
        return std::nullopt;
    const std::uint64_t count = numerator / unit->digits;
    if (count == 0 || count > static_cast<std::uint64_t>(max) || count * unit->digits != numerator)
        return std::nullopt;
    return static_cast<std::int64_t>(count);
}

Result<cpp_int> parse_long_multiple(std::string_view text, const std::string& unit_text, std::int64_t max,
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

Result<std::int64_t> parse_multiple(std::string_view text, const std::string& unit_text, std::int64_t max,
                                    const char* unit_name) {
    if (const auto count = parse_short_multiple(text, unit_text, max)) return *count;
    const Result<cpp_int> count = parse_long_multiple(text, unit_text, max, unit_name);
    if (!count.ok()) return count.error();
    return static_cast<std::int64_t>(*count);
}

// `text` are the digits of the absolute value.
std::string place_point(std::string text, bool is_negative, unsigned places) {
    if (text.size() <= places) text.insert(0, places + 1 - text.size(), '0');
    if (places > 0) {
        text.insert(text.size() - places, 1, '.');
        text.erase(text.find_last_not_of('0') + 1);
        if (text.back() == '.') text.pop_back();
    }
    return is_negative ? "-" + text : text;
}

std::string format_decimal(const cpp_int& digits, unsigned places) {
    return place_point((digits < 0 ? cpp_int(-digits) : digits).str(), digits < 0, places);
}

std::string format_decimal(std::int64_t digits, unsigned places) {
    const auto absolute = static_cast<std::uint64_t>(digits);
    return place_point(std::to_string(digits < 0 ? 0 - absolute : absolute), digits < 0, places);
}

bool fits_64_bits(__int128 value) {
    return value >= INT64_MIN && value <= INT64_MAX;
}

std::string format_multiple(std::int64_t count, const std::string& unit_text) {
    if (const auto unit = parse_short(unit_text); unit && unit->digits <= INT64_MAX) {
        std::int64_t digits = 0;
        if (!__builtin_mul_overflow(count, static_cast<std::int64_t>(unit->digits), &digits))
            return format_decimal(digits, unit->places);
    }
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

// The given bound in units, or none if the text is empty.
Result<std::optional<cpp_int>> parse_bound(const std::string& text, const Decimal& unit, const char* what) {
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
    const std::optional<ShortDecimal> value_in_short = parse_short(text);
    if (value_in_short && value_in_short->places <= decimals && decimals <= asset_decimals_max) {
        const Amount units =  // below 10^37
            static_cast<Amount>(value_in_short->digits) * short_powers[decimals - value_in_short->places];
        if (units <= Amount{1} << supply_bits_max) return units;
    }
    Result<Decimal> value = parse_decimal(text);
    if (!value.ok()) return value.error();
    if (value->places > decimals)
        return wrong(text, "has more than " + std::to_string(decimals) + " decimal places");
    const cpp_int units = value->digits * power_of_ten(decimals - value->places);
    if (units > cpp_int(1) << supply_bits_max) return wrong(text, "is too large");
    return to_amount(units);
}

std::string format_amount(Amount units, unsigned decimals) {
    if (fits_64_bits(units)) return format_decimal(static_cast<std::int64_t>(units), decimals);
    return format_decimal(cpp_int(units), decimals);
}

Result<Price> parse_price(std::string_view text, const MarketRules& market) {
    const Result<std::int64_t> ticks =
        parse_multiple(text, market.tick_text, market.price_max.value(), "tick");
    if (!ticks.ok()) return ticks.error().within("price");
    return Price(*ticks);
}

Result<Quantity> parse_quantity(std::string_view text, const MarketRules& market) {
    const Result<std::int64_t> lots =
        parse_multiple(text, market.lot_text, market.quantity_max.value(), "lot");
    if (!lots.ok()) return lots.error().within("quantity");
    return Quantity(*lots);
}

std::string format_price(Price price, const MarketRules& market) {
    return format_multiple(price.value(), market.tick_text);
}

std::string format_quantity(Quantity quantity, const MarketRules& market) {
    return format_multiple(quantity.value(), market.lot_text);
}

std::string format_i128(__int128 value) {
    return fits_64_bits(value) ? std::to_string(static_cast<std::int64_t>(value)) : cpp_int(value).str();
}

namespace {

struct Units {
    Decimal tick, lot;
    cpp_int constant;   // quote base units of one tick times one lot
    cpp_int lot_units;  // base-asset base units of one lot
};

Result<Units> make_units(const MarketSpec& spec, const AssetRules& base_asset,
                         const AssetRules& quote_asset) {
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
    return Units{*tick, *lot, *constant, *lot_units};
}

// price_max and quantity_max, given or as high as the bounds allow.
Status set_maxima(const MarketSpec& spec, const Units& units, MarketRules& rules) {
    const Result<std::optional<cpp_int>> price_given = parse_bound(spec.price_max, units.tick, "price_max");
    if (!price_given.ok()) return refused(spec, price_given.error().message);
    const Result<std::optional<cpp_int>> quantity_given =
        parse_bound(spec.quantity_max, units.lot, "quantity_max");
    if (!quantity_given.ok()) return refused(spec, quantity_given.error().message);

    const cpp_int bound = cpp_int(1) << notional_bits_max;
    cpp_int price_max = price_given->value_or(power_of_ten(price_ticks_default_max_exponent));
    if (!*price_given && *quantity_given)
        price_max = std::min(price_max, cpp_int(bound / (**quantity_given * units.constant)));
    cpp_int quantity_max = quantity_given->value_or(power_of_ten(quantity_lots_default_max_exponent));
    if (!*quantity_given && price_max > 0) {
        quantity_max = std::min(quantity_max, cpp_int(bound / (price_max * units.constant)));
        quantity_max = std::min(quantity_max, cpp_int(bound / units.lot_units));
    }
    if (price_max < 1 || quantity_max < 1 || price_max * quantity_max * units.constant > bound ||
        quantity_max * units.lot_units > bound)
        return refused(spec, "its largest order would be worth more than 2^" +
                                 std::to_string(notional_bits_max) +
                                 " base units; lower price_max or quantity_max");
    rules.price_max = Price(static_cast<std::int64_t>(price_max));
    rules.quantity_max = Quantity(static_cast<std::int64_t>(quantity_max));
    return {};
}

// The least that an order may be. Precondition: the maxima are set.
Status set_minima(const MarketSpec& spec, const Units& units, const AssetRules& quote_asset,
                  MarketRules& rules) {
    const Result<std::optional<cpp_int>> quantity = parse_bound(spec.quantity_min, units.lot, "quantity_min");
    if (!quantity.ok()) return refused(spec, quantity.error().message);
    if (*quantity && **quantity > rules.quantity_max.value())
        return refused(spec, "quantity_min " + spec.quantity_min + " is above quantity_max " +
                                 format_quantity(rules.quantity_max, rules));
    if (*quantity) rules.quantity_min = Quantity(static_cast<std::int64_t>(**quantity));
    if (spec.notional_min.empty()) return {};
    const Result<Amount> notional = parse_amount(spec.notional_min, quote_asset.decimals);
    if (!notional.ok()) return refused(spec, "notional_min: " + notional.error().message);
    const Amount largest =
        static_cast<Amount>(rules.price_max.value()) * rules.quantity_max.value() * rules.notional_constant;
    if (*notional > largest)
        return refused(spec, "notional_min " + spec.notional_min +
                                 " is above what the largest order is worth, " +
                                 format_amount(largest, quote_asset.decimals) + " " + quote_asset.name);
    rules.notional_min = *notional;
    return {};
}

Status set_terms(const MarketSpec& spec, MarketRules& rules) {
    if (spec.maker_fee_ppm > fee_ppm_max || spec.taker_fee_ppm > fee_ppm_max)
        return refused(spec, "a fee is above " + std::to_string(fee_ppm_max) + " parts per million");
    if (spec.band_ppm >= band_ppm_end)
        return refused(spec, "band_ppm " + std::to_string(spec.band_ppm) + " is not below " +
                                 std::to_string(band_ppm_end) + ", the whole price");
    if (spec.auction < Duration{} || spec.auction > auction_max ||
        Duration::milliseconds(spec.auction.ms()) != spec.auction)
        return refused(spec,
                       "auction must be whole milliseconds from 0 to " + std::to_string(auction_max.ms()));
    rules.maker_fee_ppm = spec.maker_fee_ppm;
    rules.taker_fee_ppm = spec.taker_fee_ppm;
    rules.band_ppm = spec.band_ppm;
    rules.matching = spec.matching;
    rules.auction = spec.auction;
    return {};
}

}  // namespace

Result<MarketRules> make_market_rules(const MarketSpec& spec, AssetId base, const AssetRules& base_asset,
                                      AssetId quote, const AssetRules& quote_asset) {
    if (base == quote) return refused(spec, "base and quote are the same asset");
    if (base_asset.decimals > asset_decimals_max || quote_asset.decimals > asset_decimals_max)
        return refused(spec, "an asset has more than " + std::to_string(asset_decimals_max) + " decimals");
    MarketRules rules;
    rules.symbol = spec.symbol;
    rules.base = base;
    rules.quote = quote;
    rules.tick_text = spec.tick;
    rules.lot_text = spec.lot;
    if (Status status = set_terms(spec, rules); !status.ok()) return status.error();
    const Result<Units> units = make_units(spec, base_asset, quote_asset);
    if (!units.ok()) return units.error();
    if (Status status = set_maxima(spec, *units, rules); !status.ok()) return status.error();
    // Within 2^100 now, like everything that the maxima bound.
    rules.notional_constant = to_amount(units->constant);
    rules.lot_units = to_amount(units->lot_units);
    if (Status status = set_minima(spec, *units, quote_asset, rules); !status.ok()) return status.error();
    return rules;
}

}  // namespace peerbook::exchange
