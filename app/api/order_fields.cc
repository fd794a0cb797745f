#include "app/api/order_fields.h"

#include <algorithm>
#include <charconv>

#include "app/api/api_error.h"

namespace peerbook::app {

namespace {

constexpr std::array<std::string_view, order_field_count> field_names = {
    "op",           "account",       "nonce",         "market",       "side",
    "price",        "quantity",      "time_in_force", "expires_at",   "post_only",
    "self_trade",   "display",       "trigger",       "budget",       "protection",
    "quotes",       "order_id",      "target_nonce",  "target_index", "by",
    "timeout",      "asset",         "amount",        "to",           "destination",
    "from",         "paid",          "reference",     "base",         "quote",
    "tick",         "lot",           "price_max",     "quantity_min", "quantity_max",
    "notional_min", "maker_fee_ppm", "taker_fee_ppm", "band_ppm",     "matching",
    "auction"};

constexpr std::string_view quotes_start = "quotes[";

}  // namespace

std::string_view to_string(OrderField field) {
    return field_names[static_cast<std::size_t>(field)];
}

std::size_t find_order_field(std::string_view name) {
    return static_cast<std::size_t>(std::find(field_names.begin(), field_names.end(), name) -
                                    field_names.begin());
}

std::string_view nearest_order_field(std::string_view name) {
    return nearest_word(name, field_names.data(), field_names.size());
}

std::string quote_path(std::size_t index, std::string_view field) {
    return std::string(quotes_start) + std::to_string(index) + "]" +
           (field.empty() ? "" : "." + std::string(field));
}

const FieldValue* OrderFields::find(std::string_view path) const {
    if (path.starts_with(quotes_start)) {
        path.remove_prefix(quotes_start.size());
        std::size_t index = 0;
        const auto [end, failure] = std::from_chars(path.data(), path.data() + path.size(), index);
        if (failure != std::errc{} || index >= quotes.size()) return nullptr;
        path.remove_prefix(static_cast<std::size_t>(end - path.data()));
        const QuoteFields& quote = quotes[index];
        for (const auto& [name, value] :
             {std::pair{"].side", &quote.side}, std::pair{"].price", &quote.price},
              std::pair{"].quantity", &quote.quantity}})
            if (path == name) return value;
        return nullptr;
    }
    const std::size_t index = find_order_field(path);
    return index == order_field_count ? nullptr : &values[index];
}

}  // namespace peerbook::app
