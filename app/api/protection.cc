#include "app/api/protection.h"

#include <algorithm>

namespace peerbook::app {

exchange::Price protection_price(exchange::Price reference, exchange::Side side,
                                 const exchange::MarketRules& market) {
    const std::uint32_t ppm =
        market.band_ppm == 0 ? protection_ppm : std::min(protection_ppm, market.band_ppm / 2);
    // Integer division of positive numbers rounds the distance down, which is towards the reference.
    const __int128 distance = static_cast<__int128>(reference.value()) * ppm / 1'000'000;
    const __int128 price =
        side == exchange::Side::buy ? reference.value() + distance : reference.value() - distance;
    const __int128 bounded = std::clamp<__int128>(price, 1, market.price_max.value());
    return exchange::Price(static_cast<std::int64_t>(bounded));
}

}  // namespace peerbook::app
