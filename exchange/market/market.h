// The rules of one market and of one network, as the engine needs them: integers only. Decimals live at the
// edge (market/decimal.h); text lives in the network file (config/network_file.h); app/node translates.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "exchange/market/types.h"

namespace peerbook::exchange {

struct AssetRules {
    std::string name;       // "BTC"
    unsigned decimals = 8;  // base units = 10^-decimals, at most 18
};

struct MarketRules {
    std::string symbol;  // "BTC-USD"
    AssetId base;
    AssetId quote;
    // Quote base units that one tick × one lot is worth (the "constant"): tick × lot must be a whole number
    // of them.
    Amount notional_constant = 0;
    // Base-asset base units in one lot.
    Amount lot_units = 0;
    // For printing: tick and lot as decimal text, as in the network file.
    std::string tick_text;
    std::string lot_text;
    Price price_max{0};        // inclusive; prices are 1 … price_max
    Quantity quantity_max{0};  // inclusive, of one order; quantities are 1 … quantity_max
    std::uint32_t maker_fee_ppm = 0;
    std::uint32_t taker_fee_ppm = 0;
};

// What every node of a network must agree on to execute the same log to the same state.
struct NetworkRules {
    Digest network;  // hash of the network file; in every signature, so that nothing replays elsewhere
    std::uint16_t rules_version = 1;
    std::vector<AssetRules> assets;
    std::vector<MarketRules> markets;
    // The account that collects fees; it exists from the start, at index 0, and nobody can command it.
    AccountId fee_account;
    // Base units of each asset that one faucet command may issue; 0 = that asset has no faucet. Same length
    // as assets.
    std::vector<Amount> faucet_max;
    std::uint32_t open_orders_per_account_max = 100'000;
    std::uint32_t open_orders_max = 50'000'000;  // of all accounts together
    std::uint32_t accounts_max = 1'000'000;
    std::uint32_t accounts_per_owner_max = 100'000;  // that one key answers for
    // The most fills of one order; what is left of it then is cancelled. Bounds the events of one command.
    std::uint32_t fills_per_command_max = 10'000;
    // The most resting orders that a fill-or-kill order may need. Far below the fills of other orders,
    // because finding out costs work, and a rejected order pays nothing for it.
    std::uint32_t fok_orders_max = 1'000;
    // Of this process only, from the system's randomness: see index_hash.h. Nothing that nodes agree on may
    // depend on it.
    std::uint64_t index_seed = 0;
};

// Bounds of EXCHANGE numbers: notional of a maximal order ≤ 2^100; supply of an asset ≤ 2^120.
inline constexpr int notional_bits_max = 100;
inline constexpr int supply_bits_max = 120;
inline constexpr unsigned asset_decimals_max = 18;
inline constexpr std::uint32_t fee_ppm_max = 100'000;  // 10 %

// Builds the rules of a market from decimals, or says why they are refused: tick × lot not a whole number of
// quote base units, lot not a whole number of base units, maxima beyond the bounds, fees above fee_ppm_max.
struct MarketSpec {
    std::string symbol;
    std::string tick;
    std::string lot;
    std::string price_max;     // decimal price; empty: as high as the bounds allow, at most 10^9 ticks
    std::string quantity_max;  // decimal quantity; empty: as high as the bounds allow, at most 10^12 lots
    std::uint32_t maker_fee_ppm = 0;
    std::uint32_t taker_fee_ppm = 0;
};
Result<MarketRules> make_market_rules(const MarketSpec& spec, AssetId base, const AssetRules& base_asset,
                                      AssetId quote, const AssetRules& quote_asset);

}  // namespace peerbook::exchange
