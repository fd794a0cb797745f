#include "config/network_file_reader.h"

#include <algorithm>
#include <set>

#include "config/table_reader.h"

namespace peerbook::config {

namespace {

using Kind = DocumentValue::Kind;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_asset_name(const std::string& text) {
    return !text.empty() && text.size() <= 12 && std::all_of(text.begin(), text.end(), [](char c) {
        return is_digit(c) || (c >= 'A' && c <= 'Z');
    });
}

bool is_network_name(const std::string& text) {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
               c == '-';
    });
}

std::string place_of(const char* list, std::size_t index) {
    return std::string(list) + "[" + std::to_string(index) + "]";
}

constexpr const char* needs_ledger =
    "has no meaning on a network that keeps no ledger; leave it out, or say ledger = true";

Status read_assets(NetworkFile& network, const std::vector<DocumentValue>& items, const std::string& file) {
    std::set<std::string> names;
    for (const DocumentValue& item : items) {
        TableReader in(item, file, place_of("assets", network.assets.size()));
        in.allow_only({"name", "decimals", "faucet_max", "issuer"});
        NetworkAsset asset;
        asset.name = in.text("name", true);
        if (!is_asset_name(asset.name))
            in.refuse("name",
                      TableReader::shown(asset.name) + " is not allowed; allowed: 1 to 12 of A-Z and 0-9");
        if (!names.insert(asset.name).second)
            in.refuse("name", TableReader::shown(asset.name) + " comes twice");
        asset.decimals =
            static_cast<unsigned>(in.integer("decimals", asset.decimals, 0, network_decimals_max));
        asset.faucet_max = in.decimal("faucet_max", false, true);
        if (const std::string issuer = in.text("issuer", false); !issuer.empty()) {
            const auto account = fixed_from_hex<NetworkAccount>(issuer);
            if (account.ok())
                asset.issuer = *account;
            else
                in.refuse("issuer", TableReader::shown(issuer) +
                                        " is no account id: 64 hex digits, as `peerbook balances` shows it");
        }
        for (const char* key : {"faucet_max", "issuer"})
            if (!network.ledger && in.has(key)) in.refuse(key, needs_ledger);
        if (!in.status().ok()) return in.status();
        network.assets.push_back(std::move(asset));
    }
    return {};
}

bool has_asset(const NetworkFile& network, const std::string& name) {
    return std::any_of(network.assets.begin(), network.assets.end(),
                       [&](const NetworkAsset& asset) { return asset.name == name; });
}

void read_pair(const NetworkFile& network, NetworkMarket& market, TableReader& in) {
    market.symbol = in.text("symbol", true);
    const std::size_t dash = market.symbol.find('-');
    if (dash == std::string::npos)
        return in.refuse("symbol", TableReader::shown(market.symbol) + " is no pair; write it as BTC-USD");
    market.base = market.symbol.substr(0, dash);
    market.quote = market.symbol.substr(dash + 1);
    for (const std::string& name : {market.base, market.quote})
        if (!has_asset(network, name))
            in.refuse("symbol", TableReader::shown(market.symbol) + " names " + TableReader::shown(name) +
                                    ", which is not among the assets");
    if (market.base == market.quote)
        in.refuse("symbol", TableReader::shown(market.symbol) + " trades an asset for itself");
    const std::string base = in.text("base", false);
    const std::string quote = in.text("quote", false);
    if (!base.empty() && base != market.base) in.refuse("base", "differs from the symbol's " + market.base);
    if (!quote.empty() && quote != market.quote)
        in.refuse("quote", "differs from the symbol's " + market.quote);
}

void read_terms(const NetworkFile& network, NetworkMarket& market, TableReader& in) {
    market.tick = in.decimal("tick", true, false);
    market.lot = in.decimal("lot", true, false);
    market.price_max = in.decimal("price_max", false, false);
    market.quantity_max = in.decimal("quantity_max", false, false);
    market.quantity_min = in.decimal("quantity_min", false, false);
    market.notional_min = in.decimal("notional_min", false, true);
    auto number = [&](const char* key, std::uint32_t max) {
        return static_cast<std::uint32_t>(in.integer(key, 0, 0, max));
    };
    market.maker_fee_ppm = number("maker_fee_ppm", network_fee_ppm_max);
    market.taker_fee_ppm = number("taker_fee_ppm", network_fee_ppm_max);
    market.band_ppm = number("band_ppm", network_band_ppm_max);
    market.auction_ms = number("auction", network_auction_ms_max);
    market.matching = in.choice("matching", {"continuous", "batch"});
    if (!network.ledger && market.maker_fee_ppm != 0) in.refuse("maker_fee_ppm", needs_ledger);
    if (!network.ledger && market.taker_fee_ppm != 0) in.refuse("taker_fee_ppm", needs_ledger);
}

Status read_markets(NetworkFile& network, const std::vector<DocumentValue>& items, const std::string& file) {
    std::set<std::string> symbols;
    for (const DocumentValue& item : items) {
        TableReader in(item, file, place_of("markets", network.markets.size()));
        in.allow_only({"symbol", "base", "quote", "tick", "lot", "price_max", "quantity_min", "quantity_max",
                       "notional_min", "band_ppm", "maker_fee_ppm", "taker_fee_ppm", "matching", "auction"});
        NetworkMarket market;
        read_pair(network, market, in);
        if (!symbols.insert(market.symbol).second)
            in.refuse("symbol", TableReader::shown(market.symbol) + " comes twice");
        read_terms(network, market, in);
        if (!in.status().ok()) return in.status();
        network.markets.push_back(std::move(market));
    }
    return {};
}

// The ids in the list `key`, no two equal. `what` is what one of them is.
template <typename Id>
std::vector<Id> read_ids(TableReader& in, const char* key, std::size_t count_max, const char* what) {
    std::vector<Id> ids;
    for (const DocumentValue& item : in.list(key, false, count_max)) {
        const std::string entry =
            "entry " + std::to_string(ids.size() + 1) + ": " + TableReader::shown(item.text);
        const Result<Id> id = fixed_from_hex<Id>(item.text);
        if (item.kind != Kind::text || !id.ok()) {
            in.refuse(key, entry + " is no " + what + " id: 64 hex digits");
            return ids;
        }
        if (std::find(ids.begin(), ids.end(), *id) != ids.end()) {
            in.refuse(key, entry + " comes twice");
            return ids;
        }
        ids.push_back(*id);
    }
    return ids;
}

void read_members(NetworkFile& network, TableReader& in) {
    network.members = read_ids<PublicKey>(in, "members", network_members_max, "node");
    for (std::size_t i = 0; i < network.members.size(); ++i)
        if (!is_valid_public_key(network.members[i]))
            return in.refuse("members", "entry " + std::to_string(i + 1) + ": " +
                                            TableReader::shown(to_hex(network.members[i])) +
                                            " is no Ed25519 public key");
}

void read_joining(NetworkFile& network, TableReader& in) {
    const bool has_members = !network.members.empty();
    network.joining =
        in.choice("joining", has_members ? std::vector<std::string>{"named", "invited", "anyone"}
                                         : std::vector<std::string>{"anyone", "invited", "named"});
    if (network.joining == "named" && !has_members)
        in.refuse("joining", "\"named\" needs members; name them, or say \"invited\" or \"anyone\"");
    const char* key = "invitations_needed";
    if (network.joining == "invited")
        network.invitations_needed = in.integer(key, 1, 1, network_invitations_needed_max);
    else if (in.has(key))
        in.refuse(key, "only has a meaning with joining = \"invited\"; leave it out");
}

void read_administrators(NetworkFile& network, TableReader& in) {
    network.administrators =
        read_ids<NetworkAccount>(in, "administrators", network_administrators_max, "account");
    const std::size_t count = network.administrators.size();
    const char* key = "administrators_needed";
    if (count == 0) {
        if (in.has(key)) in.refuse(key, "there are no administrators; name them, or leave this out");
        return;
    }
    network.administrators_needed = in.integer(key, 0, 1, count);
    if (!in.has(key))
        in.refuse(key, "missing; say how many of the " + std::to_string(count) +
                           " administrators must ask for the same: an integer from 1 to " +
                           std::to_string(count));
}

void read_authority(NetworkFile& network, TableReader& in) {
    const char* key = "authority";
    if (!in.has(key)) return;
    const std::string text = in.text(key, true);
    const auto authority = fixed_from_hex<PublicKey>(text);
    if (!authority.ok() || !is_valid_public_key(*authority))
        return in.refuse(key,
                         TableReader::shown(text) +
                             " is no public key: 64 hex digits, as `peerbook authority init` prints them");
    if (std::find(network.members.begin(), network.members.end(), *authority) != network.members.end())
        return in.refuse(key, "is the key of a member; an authority has a key of its own");
    network.authority = *authority;
}

}  // namespace

Result<NetworkFile> read_network(const DocumentValue& document, const std::string& file) {
    TableReader in(document, file, "");
    std::vector<std::string> known = {"name",
                                      "mode",
                                      "ledger",
                                      "rules_version",
                                      "members",
                                      "administrators",
                                      "assets",
                                      "markets",
                                      "administrators_needed",
                                      "joining",
                                      "invitations_needed",
                                      "authority"};
    for (const NetworkLimit& limit : network_limits())
        known.emplace_back(limit.key);
    in.allow_only(known);
    NetworkFile network;
    network.name = in.text("name", true);
    if (!is_network_name(network.name))
        in.refuse("name",
                  TableReader::shown(network.name) +
                      " is not allowed; allowed: 1 to 64 letters, digits, points, dashes and underscores");
    network.mode = in.choice("mode", {network.mode});
    network.ledger = in.flag("ledger", network.ledger);
    network.rules_version = in.integer("rules_version", network.rules_version, 1, network_rules_version_max);
    for (const NetworkLimit& limit : network_limits())
        network.*limit.field = in.integer(limit.key, network.*limit.field, limit.min, limit.max);
    read_members(network, in);
    read_joining(network, in);
    read_administrators(network, in);
    read_authority(network, in);
    const std::vector<DocumentValue>& assets = in.list("assets", true, network_assets_max);
    const std::vector<DocumentValue>& markets = in.list("markets", true, network_markets_max);
    if (markets.size() > network.markets_max)
        in.refuse("markets_max", std::to_string(network.markets_max) + " is too few for the " +
                                     std::to_string(markets.size()) + " markets of this file");
    if (!in.status().ok()) return in.status().error();
    if (Status status = read_assets(network, assets, file); !status.ok()) return status.error();
    if (Status status = read_markets(network, markets, file); !status.ok()) return status.error();
    return normalised(std::move(network));
}

}  // namespace peerbook::config
