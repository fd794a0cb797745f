// The network file: what makes two nodes parts of one exchange. TOML or JSON; its canonical hash is the network id.
// Text and decimals as people write them; app/node turns it into exchange rules.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"

namespace peerbook::config {

struct NetworkAsset {
    std::string name;       // [A-Z0-9]{1,12}
    unsigned decimals = 8;  // ≤ 18
    std::string faucet_max; // decimal; empty: no faucet
};

struct NetworkMarket {
    std::string symbol;  // BASE-QUOTE
    std::string base, quote;
    std::string tick, lot;
    std::string price_max, quantity_max;  // empty: as high as the bounds allow
    std::uint32_t maker_fee_ppm = 0, taker_fee_ppm = 0;
};

struct NetworkFile {
    std::string name;
    std::string mode = "open";
    std::vector<NetworkAsset> assets;
    std::vector<NetworkMarket> markets;
    std::vector<PublicKey> members;  // view 1; empty: the operator says --found
    std::uint32_t open_orders_per_account_max = 100'000;
    std::uint32_t accounts_max = 1'000'000;
};

inline constexpr std::size_t network_assets_max = 1'024;
inline constexpr std::size_t network_markets_max = 4'096;
inline constexpr std::size_t network_file_bytes_max = 1024 * 1024;

// The built-in network: play money from a faucet, markets BTC-USD, ETH-USD and ACME-USD (a share).
NetworkFile demo_network();
// Errors name the file, the line or key, what is wrong, and for an unknown key the nearest known one.
Result<NetworkFile> load_network_file(const std::string& path);
Result<NetworkFile> parse_network_file(const std::string& text, bool is_json, const std::string& name_for_errors);
std::string to_toml(const NetworkFile& network);
Digest network_id(const NetworkFile& network);

}  // namespace peerbook::config
