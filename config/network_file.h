// The network file: what makes two nodes parts of one exchange. TOML or JSON; its canonical hash is the
// network id. Text and decimals as people write them; app/node turns it into exchange rules.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"

namespace peerbook::config {

// An account of the exchange, as it is named everywhere: a public key, or the hash that a hosted one has.
using NetworkAccount = FixedBytes<struct NetworkAccountTag, 32>;

struct NetworkAsset {
    std::string name;                                     // [A-Z0-9]{1,12}
    unsigned decimals = 8;                                // ≤ 18
    std::string faucet_max;                               // decimal; empty: no faucet
    std::optional<NetworkAccount> issuer = std::nullopt;  // may issue, redeem and pay out; absent: nobody
    friend bool operator==(const NetworkAsset&, const NetworkAsset&) = default;
};

// Decimals here are checked for their form only (digits with at most one point); whether tick, lot and bounds
// fit the assets and each other is for the exchange's rules to say.
struct NetworkMarket {
    std::string symbol;  // BASE-QUOTE
    std::string base = {}, quote = {};
    std::string tick, lot;
    std::string price_max = {}, quantity_max = {};  // empty: as high as the bounds allow
    std::uint32_t maker_fee_ppm = 0, taker_fee_ppm = 0;
    std::string quantity_min = {};        // empty: one lot
    std::string notional_min = {};        // of the quote asset; empty: none
    std::uint32_t band_ppm = 0;           // how far a price may lie from the last one; 0: anywhere
    std::string matching = "continuous";  // or "batch"
    std::uint32_t auction_ms = 0;         // the call auction at open and after a halt; key `auction`; 0: none
    friend bool operator==(const NetworkMarket&, const NetworkMarket&) = default;
};

struct NetworkFile {
    std::string name;           // [A-Za-z0-9._-]{1,64}
    std::string mode = "open";  // the one mode there is
    bool ledger = true;         // false: no balances and no fees
    std::uint64_t rules_version = 2;
    std::vector<NetworkAsset> assets;
    std::vector<NetworkMarket> markets;
    std::vector<PublicKey> members;  // view 1, eldest first; empty: the operator says --found
    // Who may become a member later: "named" (the members above), "invited" by members, or "anyone", which
    // does not resist Sybils. Empty: named if there are members, else anyone.
    std::string joining = {};
    std::uint64_t invitations_needed = 0;  // by different members; 0 where nobody is invited
    // Who may create, halt and resume markets, and how many of them must agree; none: nobody may.
    std::vector<NetworkAccount> administrators;
    std::uint64_t administrators_needed = 0;
    // The network's own authority: whoever connects needs a certificate by it, of one e-mail address for one
    // node. Absent: nobody needs one.
    std::optional<PublicKey> authority = std::nullopt;

    // Limits: network_limits has their bounds, exchange/README.md what they bound.
    std::uint64_t open_orders_per_account_max = 100'000;
    std::uint64_t open_orders_max = 50'000'000;
    std::uint64_t accounts_max = 1'000'000;
    std::uint64_t accounts_per_owner_max = 100'000;
    std::uint64_t markets_max = 4'096;
    std::uint64_t fills_per_command_max = 10'000;
    std::uint64_t fok_orders_max = 1'000;
    std::uint64_t cancel_alls_per_commit_max = 8;
    std::uint64_t withdrawals_per_account_max = 100;
    std::uint64_t proposals_max = 256;
    // Quotas; 0: none.
    std::uint64_t commands_per_second_max = 0;
    std::uint64_t accounts_opened_per_minute_max = 0;
    std::uint64_t member_bytes_per_second_max = 0;
    // Of one hosted account; its node asks its user to wait.
    std::uint64_t unsettled_commands_per_account_max = 100'000;
    friend bool operator==(const NetworkFile&, const NetworkFile&) = default;
};

// A limit's key in the file and what it may be.
struct NetworkLimit {
    const char* key;
    std::uint64_t NetworkFile::*field;
    std::uint64_t min, max;
};
// In the order of the canonical encoding.
std::span<const NetworkLimit> network_limits();

inline constexpr std::size_t network_assets_max = 1'024;
inline constexpr std::size_t network_markets_max = 4'096;
inline constexpr std::size_t network_members_max = 128;
inline constexpr std::uint64_t network_invitations_needed_max = 8;
inline constexpr unsigned network_decimals_max = 18;
inline constexpr std::size_t network_decimal_length_max = 60;  // a supply of 2^120 has 37 digits
inline constexpr std::uint32_t network_fee_ppm_max = 100'000;  // 10 %
inline constexpr std::uint32_t network_band_ppm_max = 999'999;
inline constexpr std::uint32_t network_auction_ms_max = 86'400'000;  // a day
inline constexpr std::size_t network_administrators_max = 64;
inline constexpr std::uint64_t network_rules_version_max = 2;
inline constexpr std::size_t network_file_bytes_max = 1024 * 1024;

// The built-in network: play money from a faucet, markets BTC-USD, ETH-USD and ACME-USD (a share), prices
// within 20 % of the last one, orders worth at least 1 USD, and quotas that only programs reach.
NetworkFile demo_network();
// Errors name the file, the line or key, what is wrong, and for an unknown key the nearest known one.
// JSON if the name ends in ".json", else TOML. Error codes: invalid_input, and those of reading the file.
Result<NetworkFile> load_network_file(const std::string& path);
// The answer is normalised: see normalised().
Result<NetworkFile> parse_network_file(const std::string& text, bool is_json,
                                       const std::string& name_for_errors);
// Equal networks come back equal: decimals in their shortest form ("0.010" is "0.01", a faucet or least
// notional of "0" is none), base and quote filled in from the symbol, joining from the members. Text that is
// no decimal stays as it is.
NetworkFile normalised(NetworkFile network);
// The normalised network as a file. Parsing it gives the same network, if it was a valid one.
std::string to_toml(const NetworkFile& network);
// BLAKE2b-256 of the canonical encoding of the normalised network; PROTOCOL.md, "Network file". Order of
// assets, markets, members and administrators counts, order of keys in the file and the file's form do not.
Digest network_id(const NetworkFile& network);

}  // namespace peerbook::config
