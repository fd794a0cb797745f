#include "app/replay/flow.h"

#include <algorithm>
#include <optional>
#include <string>

#include "app/replay/flow_builder.h"
#include "exchange/market/decimal.h"

namespace peerbook::app::replay {

namespace {

constexpr unsigned scale_decimals = 18;

// Units of 10^-18 in one unit of 10^-decimals.
__int128 power_of_ten(unsigned exponent) {
    __int128 value = 1;
    while (exponent-- > 0)
        value *= 10;
    return value;
}

struct Ratio {
    std::int64_t divisor = 1, factor = 1;
};

// `step` (a decimal) against units of 10^-decimals.
Result<Ratio> ratio_of(const std::string& step, unsigned decimals, const char* what) {
    Result<exchange::Amount> size = exchange::parse_amount(step, scale_decimals);
    if (!size.ok()) return size.error().within(what);
    const __int128 unit = power_of_ten(scale_decimals - decimals);
    if (*size > 0 && *size % unit == 0 && *size / unit <= INT64_MAX)
        return Ratio{static_cast<std::int64_t>(*size / unit), 1};
    if (*size > 0 && unit % *size == 0 && unit / *size <= INT64_MAX)
        return Ratio{1, static_cast<std::int64_t>(unit / *size)};
    return Error{
        ErrorCode::invalid_input,
        std::string(what) + " " + step + " does not fit the file's unit of 10^-" + std::to_string(decimals)};
}

}  // namespace

std::optional<std::int64_t> FlowScale::ticks(std::int64_t file_price) const {
    if (file_price % price_divisor != 0) return std::nullopt;
    const __int128 value = static_cast<__int128>(file_price / price_divisor) * price_factor;
    if (value < 1 || value > price_max) return std::nullopt;
    return static_cast<std::int64_t>(value);
}

std::int64_t FlowScale::lots(std::int64_t file_quantity) const {
    const __int128 value = static_cast<__int128>(file_quantity / quantity_divisor) * quantity_factor;
    return static_cast<std::int64_t>(std::min(value, static_cast<__int128>(quantity_max)));
}

Result<FlowScale> make_scale(const Recording& recording, const exchange::MarketRules& market) {
    Result<Ratio> price = ratio_of(market.tick_text, recording.price_decimals, "tick");
    if (!price.ok()) return price.error().within(market.symbol);
    Result<Ratio> quantity = ratio_of(market.lot_text, recording.quantity_decimals, "lot");
    if (!quantity.ok()) return quantity.error().within(market.symbol);
    FlowScale scale;
    scale.price_divisor = price->divisor;
    scale.price_factor = price->factor;
    scale.quantity_divisor = quantity->divisor;
    scale.quantity_factor = quantity->factor;
    scale.price_max = market.price_max.value();
    scale.quantity_max = market.quantity_max.value();
    return scale;
}

Result<Flow> build_flow(const Recording& recording, const FlowScale& scale, const OfficialBook* official,
                        Repair repair) {
    if (official != nullptr && official->rows.size() < recording.rows)
        return Error{ErrorCode::invalid_input,
                     "the order-book file has " + std::to_string(official->rows.size()) +
                         " rows, the message file " + std::to_string(recording.rows)};
    if (official == nullptr && repair == Repair::levels)
        return Error{ErrorCode::invalid_input, "levels can only be repaired with an order-book file"};
    return FlowBuilder(recording, scale, official, repair).build();
}

}  // namespace peerbook::app::replay
