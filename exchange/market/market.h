// The rules of one market and of one network, as the engine needs them: integers only. Decimals live at the
// edge (market/decimal.h); text lives in the network file (config/network_file.h); app/node translates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "exchange/market/types.h"

namespace peerbook::exchange {

struct AssetRules {
    std::string name;       // "BTC"
    unsigned decimals = 8;  // base units = 10^-decimals, at most 18
    // Who may issue, redeem and settle withdrawals of it; nobody if absent.
    std::optional<AccountId> issuer;
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
    Quantity quantity_min{1};  // inclusive, of one order
    Quantity quantity_max{0};
    Amount notional_min = 0;     // quote base units, of one order at its price
    std::uint32_t band_ppm = 0;  // prices lie within reference × (1 ± band); 0: no band
    std::uint32_t maker_fee_ppm = 0;
    std::uint32_t taker_fee_ppm = 0;
    MatchingMode matching = MatchingMode::continuous;
    Duration auction;  // of the call auction at open and after a halt; 0: none
};

inline constexpr std::uint16_t rules_version_latest = 2;
inline constexpr std::size_t administrators_max = 64;
// An iceberg shows at least this part of itself, so that no order costs more fills than that.
inline constexpr std::int64_t iceberg_parts_max = 1'000;

// What every node of a network must agree on to execute the same log to the same state.
struct NetworkRules {
    Digest network;  // hash of the network file; in every signature, so that nothing replays elsewhere
    // 1: the commands of a commit run in their order. 2: in passes and classes (exchange/README.md). An old
    // log replays under the version that its commits name.
    std::uint16_t rules_version = rules_version_latest;
    // Off: no balances, no fees; trades are agreements that the parties settle elsewhere.
    bool has_ledger = true;
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
    // The same of all orders of a commit together, those that triggers place included.
    std::uint32_t fills_per_commit_max = 200'000;
    // The most resting orders that a fill-or-kill order may need. Far below the fills of other orders,
    // because finding out costs work, and a rejected order pays nothing for it.
    std::uint32_t fok_orders_max = 1'000;
    std::uint32_t markets_max = 4'096;  // created ones included
    // By commit time; 0: no limit. Cancels and reductions may use twice as much.
    std::uint32_t commands_per_second_max = 0;         // of one account
    std::uint32_t accounts_opened_per_minute_max = 0;  // of one owner
    std::uint64_t member_bytes_per_second_max = 0;     // of batches of one signer
    // Of one account in one commit: its open orders that cancel-alls and mass quotes look through, because
    // they cost work whatever they find.
    std::uint64_t orders_looked_through_max = 1'000'000;
    std::uint32_t cancel_alls_per_commit_max = 8;     // of one account
    std::uint32_t withdrawals_per_account_max = 100;  // that wait
    std::uint32_t proposals_max = 256;                // of administrators, that wait or were done lately
    std::vector<AccountId> administrators;            // no two equal, at most 64
    std::uint32_t administrators_needed = 0;
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
    std::string quantity_min;    // decimal quantity; empty: one lot
    std::string notional_min;    // decimal amount of the quote asset; empty: none
    std::uint32_t band_ppm = 0;  // below 10^6
    MatchingMode matching = MatchingMode::continuous;
    Duration auction;  // whole milliseconds, at most auction_max
    friend bool operator==(const MarketSpec&, const MarketSpec&) = default;
};
inline constexpr Duration auction_max = Duration::seconds(86'400);
inline constexpr std::size_t markets_limit = 4'096;  // what an order's market number has room for
Result<MarketRules> make_market_rules(const MarketSpec& spec, AssetId base, const AssetRules& base_asset,
                                      AssetId quote, const AssetRules& quote_asset);

}  // namespace peerbook::exchange
