#include "config/network_file.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "base/codec.h"
#include "base/hash.h"
#include "config/nearest_name.h"
#include "config/sources.h"

namespace peerbook::config {

namespace {

using Kind = DocumentValue::Kind;

constexpr std::uint16_t canonical_format_version = 1;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Digits with at most one point between digits.
bool is_decimal(const std::string& text) {
    if (text.empty() || text.size() > network_decimal_length_max) return false;
    if (!is_digit(text.front()) || !is_digit(text.back())) return false;
    return std::count(text.begin(), text.end(), '.') <= 1 &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
}

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

// Reads the keys of one table. The first mistake is kept; reads after it give empty values.
class TableReader {
  public:
    TableReader(const DocumentValue& table, std::string file, std::string place)
        : table_(table), file_(std::move(file)), place_(std::move(place)) {}

    // Call before reading.
    void allow_only(const std::vector<std::string>& known) {
        if (table_.kind != Kind::table) return fail("", table_, "must be a table of keys and values");
        for (const auto& [name, value] : table_.members)
            if (std::find(known.begin(), known.end(), name) == known.end())
                return fail(name, value,
                            "unknown key; the nearest known one is \"" + nearest_name(name, known) + "\"");
    }

    std::string text(const char* key, bool required) {
        const DocumentValue* value = find(key, required);
        if (!value) return {};
        if (value->kind == Kind::text) return value->text;
        fail(key, *value, "must be a text in quotes");
        return {};
    }

    // A positive decimal, or with `zero_allowed` any. Empty if absent or written as "".
    std::string decimal(const char* key, bool required, bool zero_allowed) {
        const DocumentValue* value = find(key, required);
        if (!value || (!required && value->kind == Kind::text && value->text.empty())) return {};
        if (value->kind != Kind::text && value->kind != Kind::integer) {
            fail(key, *value, "must be a decimal in quotes, as \"0.01\"");
        } else if (!is_decimal(value->text)) {
            fail(key, *value,
                 shown(value->text) + " is no decimal: digits with at most one point, at most " +
                     std::to_string(network_decimal_length_max) + " characters, as \"0.01\"");
        } else if (!zero_allowed && value->text.find_first_not_of("0.") == std::string::npos) {
            fail(key, *value, shown(value->text) + " is not allowed; allowed: above zero");
        }
        return value->text;
    }

    std::uint32_t integer(const char* key, std::uint32_t fallback, std::uint32_t min, std::uint32_t max) {
        const DocumentValue* value = find(key, false);
        if (!value) return fallback;
        std::uint32_t number = 0;
        const std::string& text = value->text;
        const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
        const bool scalar = value->kind == Kind::integer || value->kind == Kind::text;
        if (!scalar || failure != std::errc() || end != text.data() + text.size() || number < min ||
            number > max)
            fail(key, *value,
                 shown(text) + " is not allowed; allowed: an integer from " + std::to_string(min) + " to " +
                     std::to_string(max));
        return number;
    }

    const std::vector<DocumentValue>& list(const char* key, bool required, std::size_t count_max) {
        static const std::vector<DocumentValue> none;
        const DocumentValue* value = find(key, required);
        if (!value) return none;
        if (value->kind != Kind::list)
            fail(key, *value, "must be a list");
        else if (value->items.size() > count_max)
            fail(key, *value,
                 std::to_string(value->items.size()) + " entries; at most " + std::to_string(count_max));
        else if (required && value->items.empty())
            fail(key, *value, "needs at least one entry");
        else
            return value->items;
        return none;
    }

    // A mistake in the value of `key`.
    void refuse(const char* key, const std::string& what) {
        const DocumentValue* value = find(key, false);
        fail(key, value ? *value : table_, what);
    }

    Status status() const { return failure_; }

    static std::string shown(const std::string& text) {
        return "\"" + (text.size() > 80 ? text.substr(0, 80) + "…" : text) + "\"";
    }

  private:
    const DocumentValue* find(const char* key, bool required) {
        for (const auto& [name, value] : table_.members)
            if (name == key) return &value;
        if (required) fail(key, table_, "missing");
        return nullptr;
    }

    void fail(const std::string& key, const DocumentValue& where, const std::string& what) {
        if (!failure_.ok()) return;
        std::string message = file_;
        if (where.line > 0) message += ":" + std::to_string(where.line);
        message += ": " + place_ + (place_.empty() || key.empty() ? "" : ".") + key;
        failure_ = Error{ErrorCode::invalid_input, message + ": " + what};
    }

    const DocumentValue& table_;
    std::string file_;
    std::string place_;
    Status failure_;
};

std::string place_of(const char* list, std::size_t index) {
    return std::string(list) + "[" + std::to_string(index) + "]";
}

Status read_assets(NetworkFile& network, const std::vector<DocumentValue>& items, const std::string& file) {
    std::set<std::string> names;
    for (const DocumentValue& item : items) {
        TableReader in(item, file, place_of("assets", network.assets.size()));
        in.allow_only({"name", "decimals", "faucet_max"});
        NetworkAsset asset;
        asset.name = in.text("name", true);
        if (!is_asset_name(asset.name))
            in.refuse("name",
                      TableReader::shown(asset.name) + " is not allowed; allowed: 1 to 12 of A-Z and 0-9");
        if (!names.insert(asset.name).second)
            in.refuse("name", TableReader::shown(asset.name) + " comes twice");
        asset.decimals = in.integer("decimals", asset.decimals, 0, network_decimals_max);
        asset.faucet_max = in.decimal("faucet_max", false, true);
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

Status read_markets(NetworkFile& network, const std::vector<DocumentValue>& items, const std::string& file) {
    std::set<std::string> symbols;
    for (const DocumentValue& item : items) {
        TableReader in(item, file, place_of("markets", network.markets.size()));
        in.allow_only({"symbol", "base", "quote", "tick", "lot", "price_max", "quantity_max", "maker_fee_ppm",
                       "taker_fee_ppm"});
        NetworkMarket market;
        read_pair(network, market, in);
        if (!symbols.insert(market.symbol).second)
            in.refuse("symbol", TableReader::shown(market.symbol) + " comes twice");
        market.tick = in.decimal("tick", true, false);
        market.lot = in.decimal("lot", true, false);
        market.price_max = in.decimal("price_max", false, false);
        market.quantity_max = in.decimal("quantity_max", false, false);
        market.maker_fee_ppm = in.integer("maker_fee_ppm", 0, 0, network_fee_ppm_max);
        market.taker_fee_ppm = in.integer("taker_fee_ppm", 0, 0, network_fee_ppm_max);
        if (!in.status().ok()) return in.status();
        network.markets.push_back(std::move(market));
    }
    return {};
}

void read_members(NetworkFile& network, const std::vector<DocumentValue>& items, TableReader& in) {
    for (const DocumentValue& item : items) {
        const std::string place = "entry " + std::to_string(network.members.size() + 1) + ": ";
        const Result<PublicKey> key = fixed_from_hex<PublicKey>(item.text);
        if (item.kind != Kind::text || !key.ok())
            return in.refuse("members",
                             place + TableReader::shown(item.text) + " is no node id: 64 hex digits");
        if (!is_valid_public_key(*key))
            return in.refuse("members", place + TableReader::shown(item.text) + " is no Ed25519 public key");
        if (std::find(network.members.begin(), network.members.end(), *key) != network.members.end())
            return in.refuse("members", place + TableReader::shown(item.text) + " comes twice");
        network.members.push_back(*key);
    }
}

Result<NetworkFile> read_network(const DocumentValue& document, const std::string& file) {
    TableReader in(document, file, "");
    in.allow_only(
        {"name", "mode", "members", "open_orders_per_account_max", "accounts_max", "assets", "markets"});
    NetworkFile network;
    network.name = in.text("name", true);
    if (!is_network_name(network.name))
        in.refuse("name",
                  TableReader::shown(network.name) +
                      " is not allowed; allowed: 1 to 64 letters, digits, points, dashes and underscores");
    if (const std::string mode = in.text("mode", false); !mode.empty() && mode != network.mode)
        in.refuse("mode", TableReader::shown(mode) + " is not allowed; allowed: \"open\"");
    network.open_orders_per_account_max = in.integer(
        "open_orders_per_account_max", network.open_orders_per_account_max, 1, network_open_orders_max);
    network.accounts_max = in.integer("accounts_max", network.accounts_max, 1, network_accounts_max);
    read_members(network, in.list("members", false, network_members_max), in);
    const std::vector<DocumentValue>& assets = in.list("assets", true, network_assets_max);
    const std::vector<DocumentValue>& markets = in.list("markets", true, network_markets_max);
    if (!in.status().ok()) return in.status().error();
    if (Status status = read_assets(network, assets, file); !status.ok()) return status.error();
    if (Status status = read_markets(network, markets, file); !status.ok()) return status.error();
    return normalised(std::move(network));
}

std::string toml_line(const char* key, const std::string& text) {
    return text.empty() ? "" : std::string(key) + " = \"" + text + "\"\n";
}

std::string toml_line(const char* key, std::uint32_t number) {
    return std::string(key) + " = " + std::to_string(number) + "\n";
}

}  // namespace

NetworkFile demo_network() {
    NetworkFile network;
    network.name = "demo";
    // Ten decimals of USD make one tick times one lot of BTC-USD, 10^-2 × 10^-8, a whole unit.
    network.assets = {
        {"BTC", 8, "1000000"}, {"ETH", 18, "10000000"}, {"USD", 10, "1000000000"}, {"ACME", 0, "1000000000"}};
    network.markets = {
        {"BTC-USD", "BTC", "USD", "0.01", "0.00000001", "", "", 100, 500},
        {"ETH-USD", "ETH", "USD", "0.01", "0.000001", "", "", 100, 500},
        {"ACME-USD", "ACME", "USD", "0.01", "1", "", "", 0, 500},
    };
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
    for (NetworkAsset& asset : network.assets) {
        asset.faucet_max = shortest_decimal(asset.faucet_max);
        if (asset.faucet_max == "0") asset.faucet_max.clear();
    }
    for (NetworkMarket& market : network.markets) {
        const std::size_t dash = std::min(market.symbol.find('-'), market.symbol.size());
        if (market.base.empty()) market.base = market.symbol.substr(0, dash);
        if (market.quote.empty())
            market.quote = market.symbol.substr(std::min(dash + 1, market.symbol.size()));
        for (std::string* text : {&market.tick, &market.lot, &market.price_max, &market.quantity_max})
            *text = shortest_decimal(*text);
    }
    return network;
}

std::string to_toml(const NetworkFile& file) {
    const NetworkFile network = normalised(file);
    std::string out = toml_line("name", network.name) + toml_line("mode", network.mode) +
                      toml_line("open_orders_per_account_max", network.open_orders_per_account_max) +
                      toml_line("accounts_max", network.accounts_max);
    out += "members = [";
    for (const PublicKey& member : network.members)
        out += "\n    \"" + to_hex(member) + "\",";
    out += network.members.empty() ? "]\n" : "\n]\n";
    for (const NetworkAsset& asset : network.assets)
        out += "\n[[assets]]\n" + toml_line("name", asset.name) + toml_line("decimals", asset.decimals) +
               toml_line("faucet_max", asset.faucet_max);
    for (const NetworkMarket& market : network.markets)
        out += "\n[[markets]]\n" + toml_line("symbol", market.symbol) + toml_line("tick", market.tick) +
               toml_line("lot", market.lot) + toml_line("price_max", market.price_max) +
               toml_line("quantity_max", market.quantity_max) +
               toml_line("maker_fee_ppm", market.maker_fee_ppm) +
               toml_line("taker_fee_ppm", market.taker_fee_ppm);
    return out;
}

Digest network_id(const NetworkFile& file) {
    const NetworkFile network = normalised(file);
    Bytes encoded;
    Encoder out(encoded);
    out.u16(canonical_format_version);
    out.text(network.name);
    out.text(network.mode);
    out.varint(network.open_orders_per_account_max);
    out.varint(network.accounts_max);
    out.varint(network.members.size());
    for (const PublicKey& member : network.members)
        out.raw(member.view());
    out.varint(network.assets.size());
    for (const NetworkAsset& asset : network.assets) {
        out.text(asset.name);
        out.varint(asset.decimals);
        out.text(asset.faucet_max);
    }
    out.varint(network.markets.size());
    for (const NetworkMarket& market : network.markets) {
        out.text(market.symbol);
        out.text(market.base);
        out.text(market.quote);
        out.text(market.tick);
        out.text(market.lot);
        out.text(market.price_max);
        out.text(market.quantity_max);
        out.varint(market.maker_fee_ppm);
        out.varint(market.taker_fee_ppm);
    }
    return hash_of("peerbook network", encoded);
}

}  // namespace peerbook::config
