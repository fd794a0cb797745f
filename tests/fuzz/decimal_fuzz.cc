// Any text as a price, a quantity and an amount: refused, or it comes back the same value from being printed.
// First byte: how many decimals the asset has.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "exchange/market/decimal.h"

namespace {

using namespace peerbook;

const exchange::MarketRules& market() {
    static const exchange::MarketRules rules = [] {
        exchange::MarketSpec spec;
        spec.symbol = "BTC-USD";
        spec.tick = "0.01";
        spec.lot = "0.0001";
        auto made = exchange::make_market_rules(spec, exchange::AssetId(0), {"BTC", 8, {}},
                                                exchange::AssetId(1), {"USD", 6, {}});
        PB_CHECK(made.ok(), "the market is sound");
        return *made;
    }();
    return rules;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const unsigned decimals = data[0] % (exchange::asset_decimals_max + 1);
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

    if (const auto amount = exchange::parse_amount(text, decimals); amount.ok()) {
        PB_CHECK(*amount >= 0, "no sign is read");
        const auto again = exchange::parse_amount(exchange::format_amount(*amount, decimals), decimals);
        PB_CHECK(again.ok() && *again == *amount, "a printed amount is read as the same");
    }
    if (const auto price = exchange::parse_price(text, market()); price.ok()) {
        PB_CHECK(price->value() >= 1 && *price <= market().price_max, "a price is within its bounds");
        const auto again = exchange::parse_price(exchange::format_price(*price, market()), market());
        PB_CHECK(again.ok() && *again == *price, "a printed price is read as the same");
    }
    if (const auto quantity = exchange::parse_quantity(text, market()); quantity.ok()) {
        PB_CHECK(quantity->value() >= 1 && *quantity <= market().quantity_max,
                 "a quantity is within its bounds");
        const auto again = exchange::parse_quantity(exchange::format_quantity(*quantity, market()), market());
        PB_CHECK(again.ok() && *again == *quantity, "a printed quantity is read as the same");
    }
    return 0;
}
