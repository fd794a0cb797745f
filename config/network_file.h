// The network file: what makes two nodes parts of one exchange. TOML or JSON; its canonical hash is the
// network id. Text and decimals as people write them; app/node turns it into exchange rules.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"

namespace peerbook::config {

struct NetworkAsset {
    std::string name;        // [A-Z0-9]{1,12}
    unsigned decimals = 8;   // ≤ 18
    std::string faucet_max;  // decimal; empty: no faucet
};

// Decimals here are checked for their form only (digits with at most one point); whether tick, lot and maxima
// fit the assets and each other is for the exchange's rules to say.
struct NetworkMarket {
    std::string symbol;  // BASE-QUOTE
    std::string base, quote;
    std::string tick, lot;
    std::string price_max, quantity_max;  // empty: as high as the bounds allow
    std::uint32_t maker_fee_ppm = 0, taker_fee_ppm = 0;
};

struct NetworkFile {
    std::string name;           // [A-Za-z0-9._-]{1,64}
    std::string mode = "open";  // the one mode there is
    std::vector<NetworkAsset> assets;
    std::vector<NetworkMarket> markets;
    std::vector<PublicKey> members;  // view 1, eldest first; empty: the operator says --found
    std::uint32_t open_orders_per_account_max = 100'000;
    std::uint32_t accounts_max = 1'000'000;
};

inline constexpr std::size_t network_assets_max = 1'024;
inline constexpr std::size_t network_markets_max = 4'096;
inline constexpr std::size_t network_members_max = 128;
inline constexpr unsigned network_decimals_max = 18;
inline constexpr std::size_t network_decimal_length_max = 60;  // a supply of 2^120 has 37 digits
inline constexpr std::uint32_t network_fee_ppm_max = 100'000;  // 10 %
inline constexpr std::uint32_t network_open_orders_max = 10'000'000;
inline constexpr std::uint32_t network_accounts_max = 100'000'000;
inline constexpr std::size_t network_file_bytes_max = 1024 * 1024;

// The built-in network: play money from a faucet, markets BTC-USD, ETH-USD and ACME-USD (a share).
NetworkFile demo_network();
// Errors name the file, the line or key, what is wrong, and for an unknown key the nearest known one.
// JSON if the name ends in ".json", else TOML. Error codes: invalid_input, and those of reading the file.
Result<NetworkFile> load_network_file(const std::string& path);
// The answer is normalised: see normalised().
Result<NetworkFile> parse_network_file(const std::string& text, bool is_json,
                                       const std::string& name_for_errors);
// Equal networks come back equal: decimals in their shortest form ("0.010" is "0.01", a faucet of "0" is
// none), base and quote filled in from the symbol. Text that is no decimal stays as it is.
NetworkFile normalised(NetworkFile network);
// The normalised network as a file. Parsing it gives the same network, if it was a valid one.
std::string to_toml(const NetworkFile& network);
// BLAKE2b-256 of the canonical encoding of the normalised network; PROTOCOL.md, "Network file". Order of
// assets, markets and members counts, order of keys in the file and the file's form do not.
Digest network_id(const NetworkFile& network);

}  // namespace peerbook::config
