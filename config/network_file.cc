#include "config/network_file.h"

#include <algorithm>

#include "base/codec.h"
#include "base/hash.h"
#include "config/network_file_reader.h"
#include "config/sources.h"
#include "config/table_reader.h"

namespace peerbook::config {

static_assert(network_decimal_length_max == decimal_text_length_max);

namespace {

constexpr std::uint16_t canonical_format_version = 3;
constexpr std::uint16_t canonical_format_version_with_authority = 4;

constexpr NetworkLimit limits[] = {
    {"open_orders_per_account_max", &NetworkFile::open_orders_per_account_max, 1, 10'000'000},
    {"open_orders_max", &NetworkFile::open_orders_max, 1, 1'000'000'000},
    {"accounts_max", &NetworkFile::accounts_max, 1, 100'000'000},
    {"accounts_per_owner_max", &NetworkFile::accounts_per_owner_max, 1, 100'000'000},
    {"markets_max", &NetworkFile::markets_max, 1, network_markets_max},
    {"fills_per_command_max", &NetworkFile::fills_per_command_max, 1, 1'000'000},
    {"fok_orders_max", &NetworkFile::fok_orders_max, 1, 1'000'000},
    {"cancel_alls_per_commit_max", &NetworkFile::cancel_alls_per_commit_max, 1, 1'000},
    {"withdrawals_per_account_max", &NetworkFile::withdrawals_per_account_max, 1, 10'000},
    {"proposals_max", &NetworkFile::proposals_max, 1, 10'000},
    {"commands_per_second_max", &NetworkFile::commands_per_second_max, 0, 1'000'000'000},
    {"accounts_opened_per_minute_max", &NetworkFile::accounts_opened_per_minute_max, 0, 100'000'000},
    {"member_bytes_per_second_max", &NetworkFile::member_bytes_per_second_max, 0, 1'000'000'000'000},
    {"unsettled_commands_per_account_max", &NetworkFile::unsettled_commands_per_account_max, 1, 10'000'000},
};

std::string shortest_decimal(std::string text) {
    if (!is_decimal(text)) return text;
    if (text.find('.') != std::string::npos) {
        text.erase(text.find_last_not_of('0') + 1);
        if (text.back() == '.') text.pop_back();
    }
    const std::size_t point = std::min(text.find('.'), text.size());
    const std::size_t first = std::min(text.find_first_not_of('0'), point - 1);
    return text.substr(first);
}

std::string toml_line(const char* key, const std::string& text) {
    return text.empty() ? "" : std::string(key) + " = \"" + text + "\"\n";
}

std::string toml_line(const char* key, std::uint64_t number) {
    return std::string(key) + " = " + std::to_string(number) + "\n";
}

template <typename Id>
std::string toml_list(const char* key, const std::vector<Id>& ids) {
    std::string out = std::string(key) + " = [";
    for (const Id& id : ids)
        out += "\n    \"" + to_hex(id) + "\",";
    return out + (ids.empty() ? "]\n" : "\n]\n");
}

NetworkMarket demo_market(const char* base, const char* lot, std::uint32_t maker_fee_ppm) {
    NetworkMarket market;
    market.symbol = std::string(base) + "-USD";
    market.base = base;
    market.quote = "USD";
    market.tick = "0.01";
    market.lot = lot;
    market.maker_fee_ppm = maker_fee_ppm;
    market.taker_fee_ppm = 500;
    market.notional_min = "1";
    market.band_ppm = 200'000;
    return market;
}

void encode(Encoder& out, const NetworkAsset& asset) {
    out.text(asset.name);
    out.varint(asset.decimals);
    out.text(asset.faucet_max);
    out.u8(asset.issuer ? 1 : 0);
    if (asset.issuer) out.raw(asset.issuer->view());
}

void encode(Encoder& out, const NetworkMarket& market) {
    for (const std::string* text :
         {&market.symbol, &market.base, &market.quote, &market.tick, &market.lot, &market.price_max,
          &market.quantity_max, &market.quantity_min, &market.notional_min})
        out.text(*text);
    out.varint(market.maker_fee_ppm);
    out.varint(market.taker_fee_ppm);
    out.varint(market.band_ppm);
    out.text(market.matching);
    out.varint(market.auction_ms);
}

}  // namespace

std::span<const NetworkLimit> network_limits() {
    return limits;
}

NetworkFile demo_network() {
    NetworkFile network;
    network.name = "demo";
    network.joining = "anyone";
    // Ten decimals of USD make one tick times one lot of BTC-USD, 10^-2 × 10^-8, a whole unit.
    network.assets = {
        {"BTC", 8, "1000000"}, {"ETH", 18, "10000000"}, {"USD", 10, "1000000000"}, {"ACME", 0, "1000000000"}};
    network.markets = {demo_market("BTC", "0.00000001", 100), demo_market("ETH", "0.000001", 100),
                       demo_market("ACME", "1", 0)};
    network.commands_per_second_max = 1'000'000;
    network.accounts_opened_per_minute_max = 100'000;
    network.member_bytes_per_second_max = 100'000'000;
    return network;
}

Result<NetworkFile> load_network_file(const std::string& path) {
    Result<std::string> text = read_text_file(path, network_file_bytes_max);
    if (!text.ok()) return text.error();
    return parse_network_file(*text, path.ends_with(".json"), path);
}

Result<NetworkFile> parse_network_file(const std::string& text, bool is_json,
                                       const std::string& name_for_errors) {
    if (text.size() > network_file_bytes_max)
        return Error{ErrorCode::too_large,
                     name_for_errors + ": larger than " + std::to_string(network_file_bytes_max) + " bytes"};
    Result<DocumentValue> document =
        is_json ? parse_json(text, name_for_errors) : parse_toml(text, name_for_errors);
    if (!document.ok()) return document.error();
    return read_network(*document, name_for_errors);
}

NetworkFile normalised(NetworkFile network) {
    if (network.joining.empty()) network.joining = network.members.empty() ? "anyone" : "named";
    if (network.joining != "invited")
        network.invitations_needed = 0;
    else if (network.invitations_needed == 0)
        network.invitations_needed = 1;
    for (NetworkAsset& asset : network.assets) {
        asset.faucet_max = shortest_decimal(asset.faucet_max);
        if (asset.faucet_max == "0") asset.faucet_max.clear();
    }
    for (NetworkMarket& market : network.markets) {
        const std::size_t dash = std::min(market.symbol.find('-'), market.symbol.size());
        if (market.base.empty()) market.base = market.symbol.substr(0, dash);
        if (market.quote.empty())
            market.quote = market.symbol.substr(std::min(dash + 1, market.symbol.size()));
        for (std::string* text : {&market.tick, &market.lot, &market.price_max, &market.quantity_max,
                                  &market.quantity_min, &market.notional_min})
            *text = shortest_decimal(*text);
        if (market.notional_min == "0") market.notional_min.clear();
    }
    return network;
}

std::string to_toml(const NetworkFile& file) {
    const NetworkFile network = normalised(file);
    std::string out = toml_line("name", network.name) + toml_line("mode", network.mode) +
                      "ledger = " + (network.ledger ? "true" : "false") + "\n" +
                      toml_line("rules_version", network.rules_version);
    for (const NetworkLimit& limit : limits)
        out += toml_line(limit.key, network.*limit.field);
    out += toml_list("members", network.members) + toml_line("joining", network.joining);
    if (network.invitations_needed > 0) out += toml_line("invitations_needed", network.invitations_needed);
    if (!network.administrators.empty())
        out += toml_list("administrators", network.administrators) +
               toml_line("administrators_needed", network.administrators_needed);
    if (network.authority) out += toml_line("authority", to_hex(*network.authority));
    for (const NetworkAsset& asset : network.assets)
        out += "\n[[assets]]\n" + toml_line("name", asset.name) + toml_line("decimals", asset.decimals) +
               toml_line("faucet_max", asset.faucet_max) +
               toml_line("issuer", asset.issuer ? to_hex(*asset.issuer) : "");
    for (const NetworkMarket& market : network.markets)
        out += "\n[[markets]]\n" + toml_line("symbol", market.symbol) + toml_line("tick", market.tick) +
               toml_line("lot", market.lot) + toml_line("price_max", market.price_max) +
               toml_line("quantity_max", market.quantity_max) +
               toml_line("quantity_min", market.quantity_min) +
               toml_line("notional_min", market.notional_min) +
               toml_line("maker_fee_ppm", market.maker_fee_ppm) +
               toml_line("taker_fee_ppm", market.taker_fee_ppm) + toml_line("band_ppm", market.band_ppm) +
               toml_line("matching", market.matching) + toml_line("auction", market.auction_ms);
    return out;
}

Digest network_id(const NetworkFile& file) {
    const NetworkFile network = normalised(file);
    Bytes encoded;
    Encoder out(encoded);
    out.u16(network.authority ? canonical_format_version_with_authority : canonical_format_version);
    out.text(network.name);
    out.text(network.mode);
    out.u8(network.ledger ? 1 : 0);
    out.varint(network.rules_version);
    for (const NetworkLimit& limit : limits)
        out.varint(network.*limit.field);
    out.varint(network.members.size());
    for (const PublicKey& member : network.members)
        out.raw(member.view());
    out.text(network.joining);
    out.varint(network.invitations_needed);
    out.varint(network.administrators.size());
    for (const NetworkAccount& account : network.administrators)
        out.raw(account.view());
    out.varint(network.administrators_needed);
    out.varint(network.assets.size());
    for (const NetworkAsset& asset : network.assets)
        encode(out, asset);
    out.varint(network.markets.size());
    for (const NetworkMarket& market : network.markets)
        encode(out, market);
    if (network.authority) out.raw(network.authority->view());
    return hash_of("peerbook network", encoded);
}

}  // namespace peerbook::config
