#include "config/network_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "config/sources.h"

namespace peerbook::config {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* member_1 = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
constexpr const char* authority = "ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1";
constexpr const char* member_2 = "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394";

// A small valid network. Tests replace a part of it.
const std::string small = R"(name = "small"
mode = "open"
members = []
[[assets]]
name = "BTC"
decimals = 8
[[assets]]
name = "USD"
decimals = 10
faucet_max = "1000"
[[markets]]
symbol = "BTC-USD"
tick = "0.01"
lot = "0.00000001"
)";

std::string with(const std::string& part, const std::string& replacement) {
    std::string text = small;
    const std::size_t at = text.find(part);
    EXPECT_NE(at, std::string::npos) << part;
    return text.replace(at, part.size(), replacement);
}

NetworkFile parse(const std::string& text, bool is_json = false) {
    Result<NetworkFile> network = parse_network_file(text, is_json, "n");
    if (network.ok()) return network.value();
    ADD_FAILURE() << network.error().message;
    return {};
}

std::string mistake(const std::string& text, bool is_json = false) {
    const Result<NetworkFile> network = parse_network_file(text, is_json, "n");
    return network.ok() ? "none" : network.error().message;
}

std::string mistake_with(const std::string& part, const std::string& replacement) {
    return mistake(with(part, replacement));
}

std::string administered(const std::string& needed, const std::string& first,
                         const std::string& second = "") {
    return "administrators = [\"" + first + (second.empty() ? "" : "\", \"" + second) +
           "\"]\nadministrators_needed = " + needed;
}

NetworkAccount account(const std::string& hex) {
    return fixed_from_hex<NetworkAccount>(hex).value();
}

std::string id_with(const std::string& part, const std::string& replacement) {
    return to_hex(network_id(parse(with(part, replacement))));
}

std::string id_of_small() {
    return to_hex(network_id(parse(small)));
}

TEST(NetworkFile, ReadsAllFields) {
    const NetworkFile network = parse(R"(
name = "all"
mode = "open"
open_orders_per_account_max = 5
accounts_max = 6
members = [")" + std::string(member_1) +
                                      R"(", ")" + member_2 + R"("]
assets = [{name = "A", decimals = 0, faucet_max = "10"}, {name = "B2", decimals = 18}]
[[markets]]
symbol = "A-B2"
base = "A"
quote = "B2"
tick = "0.5"
lot = "2"
price_max = "100"
quantity_max = "7"
maker_fee_ppm = 1
taker_fee_ppm = 2
)");
    EXPECT_EQ(network.name, "all");
    EXPECT_EQ(network.open_orders_per_account_max, 5u);
    EXPECT_EQ(network.accounts_max, 6u);
    ASSERT_EQ(network.members.size(), 2u);
    EXPECT_EQ(to_hex(network.members[0]), member_1);
    ASSERT_EQ(network.assets.size(), 2u);
    EXPECT_EQ(network.assets[0].faucet_max, "10");
    EXPECT_EQ(network.assets[1].name, "B2");
    EXPECT_EQ(network.assets[1].decimals, 18u);
    EXPECT_EQ(network.assets[1].faucet_max, "");
    ASSERT_EQ(network.markets.size(), 1u);
    const NetworkMarket& market = network.markets[0];
    EXPECT_EQ(market.symbol + " " + market.base + " " + market.quote, "A-B2 A B2");
    EXPECT_EQ(market.tick + " " + market.lot + " " + market.price_max + " " + market.quantity_max,
              "0.5 2 100 7");
    EXPECT_EQ(market.maker_fee_ppm, 1u);
    EXPECT_EQ(market.taker_fee_ppm, 2u);
}

TEST(NetworkFile, ATableNameOfZerosIsAnErrorAndNotTheEndOfTheProcess) {
    const std::string text = '[' + std::string(12, '\0') + "'\x1d";
    const auto network = parse_network_file(text, false, "input");
    ASSERT_FALSE(network.ok());
    EXPECT_THAT(network.error().message, HasSubstr("input:1"));
}

TEST(NetworkFile, JsonAndTomlOfOneNetworkHaveOneId) {
    const NetworkFile json = parse(R"({"markets": [{"symbol": "BTC-USD", "lot": 0.00000001, "tick": "0.01"}],
        "assets": [{"decimals": 8, "name": "BTC"}, {"name": "USD", "decimals": "10", "faucet_max": 1000.0}],
        "members": [], "name": "small"})",
                                   true);
    EXPECT_EQ(to_hex(network_id(json)), id_of_small());
}

TEST(NetworkFile, JsonNumbersAreTextOfAnyLength) {
    const auto json = [](const std::string& tick) {
        return R"({"name": "n", "assets": [{"name": "A"}, {"name": "B"}], "markets": [{"symbol": "A-B", "lot": 1, "tick": )" +
               tick + "}]}";
    };
    const std::string many_digits = "0.1234567890123456789012345678901234567890";
    EXPECT_EQ(parse(json(many_digits), true).markets[0].tick, "0.123456789012345678901234567890123456789");
    EXPECT_THAT(mistake(json("1e-2"), true), HasSubstr("n: markets[0].tick: \"1e-2\" is no decimal"));
    EXPECT_THAT(mistake(json("-1"), true), HasSubstr("\"-1\" is no decimal"));
    EXPECT_THAT(mistake(json(std::string(61, '9')), true), HasSubstr("is no decimal"));
    EXPECT_THAT(mistake(json(std::string(400, '9')), true), HasSubstr("n:1: Number too big"));
    EXPECT_THAT(mistake(json("\"" + std::string(400, '9') + "\""), true), HasSubstr("is no decimal"));
    EXPECT_THAT(mistake(json("null"), true), HasSubstr("must be a decimal in quotes"));
}

TEST(NetworkFile, ADifferenceInAnyFieldChangesTheId) {
    const std::vector<std::pair<std::string, std::string>> changes = {
        {"\"small\"", "\"smaller\""},
        {"members = []", "members = [\"" + std::string(member_1) + "\"]"},
        {"decimals = 8", "decimals = 9"},
        {"\"1000\"", "\"1001\""},
        {"faucet_max = \"1000\"", ""},
        {"\"0.01\"", "\"0.02\""},
        {"\"0.00000001\"", "\"0.00000002\""},
        {"tick", "price_max = \"5\"\ntick"},
        {"tick", "quantity_max = \"5\"\ntick"},
        {"tick", "quantity_min = \"5\"\ntick"},
        {"tick", "notional_min = \"5\"\ntick"},
        {"tick", "maker_fee_ppm = 1\ntick"},
        {"tick", "taker_fee_ppm = 1\ntick"},
        {"tick", "band_ppm = 1\ntick"},
        {"tick", "matching = \"batch\"\ntick"},
        {"tick", "auction = 1\ntick"},
        {"members = []", "rules_version = 1"},
        {"members = []", "joining = \"invited\""},
        {"members = []", "joining = \"invited\"\ninvitations_needed = 2"},
        {"members = []", "members = [\"" + std::string(member_1) + "\"]\njoining = \"anyone\""},
        {"members = []", "members = [\"" + std::string(member_1) + "\"]\njoining = \"invited\""},
        {"members = []", administered("1", member_1)},
        {"members = []", administered("1", member_1, member_2)},
        {"members = []", administered("2", member_1, member_2)},
        {"decimals = 8", "decimals = 8\nissuer = \"" + std::string(member_1) + "\""},
        {"name = \"BTC\"", "name = \"XYZ\"\n[[assets]]\nname = \"BTC\""},
    };
    std::set<std::string> ids = {id_of_small()};
    for (const auto& [part, replacement] : changes)
        EXPECT_TRUE(ids.insert(id_with(part, replacement)).second) << part << " → " << replacement;
    for (const NetworkLimit& limit : network_limits())
        EXPECT_TRUE(ids.insert(id_with("members = []", std::string(limit.key) + " = 7")).second) << limit.key;
    const std::string dry = with("faucet_max = \"1000\"", "");
    EXPECT_NE(network_id(parse(dry)), network_id(parse("ledger = false\n" + dry)));
}

TEST(NetworkFile, OrderOfMembersAndAdministratorsChangesTheId) {
    const std::string a = std::string("members = [\"") + member_1 + "\", \"" + member_2 + "\"]";
    const std::string b = std::string("members = [\"") + member_2 + "\", \"" + member_1 + "\"]";
    EXPECT_NE(id_with("members = []", a), id_with("members = []", b));
    EXPECT_NE(id_with("members = []", administered("1", member_1, member_2)),
              id_with("members = []", administered("1", member_2, member_1)));
}

TEST(NetworkFile, TheFormOfTheFileDoesNotChangeTheId) {
    EXPECT_EQ(id_with("\"0.01\"", "\"0.0100\""), id_of_small());
    EXPECT_EQ(id_with("\"0.01\"", "\"00.01\""), id_of_small());
    EXPECT_EQ(id_with("\"1000\"", "\"1000.0\""), id_of_small());
    EXPECT_EQ(id_with("\"1000\"", "1000"), id_of_small());
    EXPECT_EQ(id_with("mode = \"open\"\nmembers = []", "# a comment"), id_of_small());
    EXPECT_EQ(id_with("tick", "base = \"BTC\"\nquote = \"USD\"\nmaker_fee_ppm = 0\nprice_max = \"\"\ntick"),
              id_of_small());
    EXPECT_EQ(id_with("decimals = 8", "decimals = 8\nfaucet_max = \"0.0\"\nissuer = \"\""), id_of_small());
    EXPECT_EQ(id_with("tick", "notional_min = \"0.0\"\nquantity_min = \"\"\nband_ppm = 0\nauction = 0\ntick"),
              id_of_small());
    EXPECT_EQ(id_with("tick", "matching = \"continuous\"\ntick"), id_of_small());
    EXPECT_EQ(id_with("members = []", "joining = \"anyone\""), id_of_small());
    const std::string one_member = std::string("members = [\"") + member_1 + "\"]\n";
    EXPECT_EQ(id_with("members = []", one_member),
              id_with("members = []", one_member + "joining = \"named\""));
    EXPECT_EQ(id_with("members = []", "joining = \"invited\""),
              id_with("members = []", "joining = \"invited\"\ninvitations_needed = 1"));
    EXPECT_EQ(id_with("members = []", "ledger = true\nrules_version = 2\nadministrators = []"),
              id_of_small());
    EXPECT_EQ(id_with("members = []", std::string("members = [\"") + member_1 + "\"]"),
              id_with("members = []",
                      "members = [\"8A88E3DD7409F195FD52DB2D3CBA5D72CA6709BF1D94121BF3748801B40F6F5C\"]"));
}

// The canonical encoding is a protocol constant: a change of it splits every network.
TEST(NetworkFile, TheDemoNetworkKeepsItsId) {
    EXPECT_EQ(to_hex(network_id(demo_network())),
              "f6b674e9b17e670c5ad583e9e5ca38f84915c3682fe4cf3139f460bf9602312a");
}

TEST(NetworkFile, NormalisedDecimalsAreTheirShortestForm) {
    const auto shortest = [](const std::string& text) {
        NetworkFile network;
        network.markets.resize(1);
        network.markets[0].symbol = "A-B";
        network.markets[0].tick = text;
        return normalised(network).markets[0].tick;
    };
    EXPECT_EQ(shortest("0.010"), "0.01");
    EXPECT_EQ(shortest("10"), "10");
    EXPECT_EQ(shortest("10.00"), "10");
    EXPECT_EQ(shortest("007.50"), "7.5");
    EXPECT_EQ(shortest("0.0"), "0");
    EXPECT_EQ(shortest("000"), "0");
    EXPECT_EQ(shortest("00.1"), "0.1");
    EXPECT_EQ(shortest(""), "");
    EXPECT_EQ(shortest("1.x0"), "1.x0");
}

TEST(NetworkFile, WritingAndReadingGivesTheSameNetwork) {
    NetworkFile network = demo_network();
    network.members = {
        parse(with("members = []", std::string("members = [\"") + member_1 + "\"]")).members[0]};
    network.accounts_max = 77;
    network.open_orders_per_account_max = 5;
    network.markets[0].price_max = "100000.50";
    network.markets[0].quantity_max = "1000";
    network.markets[0].quantity_min = "0.5";
    network.markets[1].matching = "batch";
    network.markets[2].auction_ms = 60'000;
    network.rules_version = 1;
    network.administrators = {account(member_1), account(member_2)};
    network.administrators_needed = 2;
    network.authority = fixed_from_hex<PublicKey>(authority).value();
    network.joining = "invited";
    network.invitations_needed = 3;
    network.assets[0].issuer = account(member_2);
    std::uint64_t value = 5;
    for (const NetworkLimit& limit : network_limits())
        network.*limit.field = value++;
    const std::string text = to_toml(network);
    const NetworkFile again = parse(text);
    EXPECT_TRUE(again == normalised(network));
    EXPECT_EQ(network_id(again), network_id(network));
    EXPECT_EQ(to_toml(again), text);
}

TEST(NetworkFile, TheDemoNetworkIsValidAndHasItsMarkets) {
    const NetworkFile demo = parse(to_toml(demo_network()));
    EXPECT_EQ(network_id(demo), network_id(demo_network()));
    std::string symbols;
    for (const NetworkMarket& market : demo.markets)
        symbols += market.symbol + " ";
    EXPECT_EQ(symbols, "BTC-USD ETH-USD ACME-USD ");
    for (const NetworkAsset& asset : demo.assets)
        EXPECT_NE(asset.faucet_max, "") << asset.name;
    EXPECT_TRUE(demo.members.empty());
}

TEST(NetworkFile, TheSamplesAreValid) {
    const Result<NetworkFile> sample =
        load_network_file(std::string(PEERBOOK_SAMPLES) + "/network-three-nodes.toml");
    ASSERT_TRUE(sample.ok()) << sample.error().message;
    EXPECT_EQ(sample->members.size(), 3u);
    const Result<NetworkFile> everything =
        load_network_file(std::string(PEERBOOK_SAMPLES) + "/network-everything.toml");
    ASSERT_TRUE(everything.ok()) << everything.error().message;
    EXPECT_EQ(everything->administrators.size(), 3u);
    EXPECT_EQ(everything->administrators_needed, 2u);
    EXPECT_TRUE(everything->assets[1].issuer.has_value());
    EXPECT_EQ(everything->markets[0].matching, "continuous");
    EXPECT_EQ(everything->markets[1].auction_ms, 60'000u);
    EXPECT_EQ(everything->markets[2].matching, "batch");
}

TEST(NetworkFile, TheSampleOfEverythingNamesEveryKey) {
    Result<std::string> text =
        read_text_file(std::string(PEERBOOK_SAMPLES) + "/network-everything.toml", network_file_bytes_max);
    ASSERT_TRUE(text.ok());
    std::vector<std::string> keys = {
        "joining",    "invitations_needed", "ledger",       "rules_version", "administrators", "issuer",
        "faucet_max", "quantity_min",       "notional_min", "band_ppm",      "matching",       "auction"};
    for (const NetworkLimit& limit : network_limits())
        keys.emplace_back(limit.key);
    for (const std::string& key : keys)
        EXPECT_THAT(*text, HasSubstr("\n" + key + " = "));
}

TEST(NetworkFile, WhoMayJoinDependsOnWhetherMembersAreNamed) {
    EXPECT_EQ(parse(small).joining, "anyone");
    EXPECT_EQ(demo_network().joining, "anyone");
    const std::string named = std::string("members = [\"") + member_1 + "\"]\n";
    EXPECT_EQ(parse(with("members = []", named)).joining, "named");
    EXPECT_EQ(parse(with("members = []", named)).invitations_needed, 0u);
    EXPECT_EQ(parse(with("members = []", named + "joining = \"invited\"")).invitations_needed, 1u);
    EXPECT_THAT(mistake_with("members = []", "joining = \"named\""), HasSubstr("\"named\" needs members"));
    EXPECT_THAT(mistake_with("members = []", "joining = \"friends\""), HasSubstr("joining: \"friends\""));
    for (const char* count : {"0", "9"})
        EXPECT_THAT(
            mistake_with("members = []", std::string("joining = \"invited\"\ninvitations_needed = ") + count),
            HasSubstr("invitations_needed"));
    EXPECT_THAT(mistake_with("members = []", "invitations_needed = 1"),
                HasSubstr("only has a meaning with joining = \"invited\""));
}

TEST(NetworkFile, AMissingFileIsNotFoundAndNamed) {
    const Result<NetworkFile> network = load_network_file("/nonexistent/network.toml");
    ASSERT_FALSE(network.ok());
    EXPECT_EQ(network.error().code, ErrorCode::not_found);
    EXPECT_THAT(network.error().message, HasSubstr("/nonexistent/network.toml"));
}

TEST(NetworkFile, AHugeTextIsRefused) {
    const Result<NetworkFile> network =
        parse_network_file(small + std::string(network_file_bytes_max, '#'), false, "n");
    ASSERT_FALSE(network.ok());
    EXPECT_EQ(network.error().code, ErrorCode::too_large);
}

TEST(NetworkFile, BrokenSyntaxNamesTheLine) {
    EXPECT_THAT(mistake("name = \"x\"\nmode = = 1\n"), HasSubstr("n:2: "));
    EXPECT_THAT(mistake("name = "), HasSubstr("n:1: "));
    EXPECT_THAT(mistake("{\"name\": \"x\",\n\"mode\" 1}", true), HasSubstr("n:2: "));
    EXPECT_THAT(mistake("", true), HasSubstr("n:1: "));
    EXPECT_THAT(mistake("[]", true), HasSubstr("not a JSON object"));
    EXPECT_THAT(mistake("{} {}", true), HasSubstr("n:1: "));
    EXPECT_THAT(mistake("{\"name\": \"\xff\"}", true), HasSubstr("n:1: "));
}

TEST(NetworkFile, ANameTwiceIsAMistake) {
    EXPECT_THAT(mistake("name = \"x\"\nname = \"y\"\n"), HasSubstr("n:2: "));
    EXPECT_EQ(mistake(R"({"name": "x", "name": "y"})", true), "n: the name \"name\" comes twice");
}

TEST(NetworkFile, DeepNestingIsRefusedAndDoesNotExhaustTheStack) {
    EXPECT_THAT(mistake(R"({"name": [[[[[[[[[]]]]]]]]]})", true), HasSubstr("nested deeper than 8 levels"));
    EXPECT_THAT(mistake("name = [[[[[[[[[]]]]]]]]]\n"), HasSubstr("nested deeper than 8 levels"));
    EXPECT_THAT(mistake("{\"name\": " + std::string(500'000, '['), true), HasSubstr("n:1: "));
    EXPECT_THAT(mistake("name = " + std::string(500'000, '[')), HasSubstr("n:1: "));
}

TEST(NetworkFile, UnknownKeysComeWithTheNearest) {
    EXPECT_EQ(mistake_with("mode =", "mood ="), "n:2: mood: unknown key; the nearest known one is \"mode\"");
    EXPECT_EQ(mistake_with("decimals = 8", "decimal = 8"),
              "n:6: assets[0].decimal: unknown key; the nearest known one is \"decimals\"");
    EXPECT_EQ(mistake_with("tick", "tikc"),
              "n:13: markets[0].tikc: unknown key; the nearest known one is \"tick\"");
    EXPECT_EQ(mistake(R"({"asets": []})", true),
              "n: asets: unknown key; the nearest known one is \"assets\"");
}

TEST(NetworkFile, MissingKeysAreNamed) {
    EXPECT_THAT(mistake_with("name = \"small\"", ""), HasSubstr("name: missing"));
    EXPECT_THAT(mistake_with("name = \"USD\"", ""), HasSubstr("assets[1].name: missing"));
    EXPECT_THAT(mistake_with("symbol = \"BTC-USD\"", ""), HasSubstr("markets[0].symbol: missing"));
    EXPECT_THAT(mistake_with("tick = \"0.01\"", ""), HasSubstr("markets[0].tick: missing"));
    EXPECT_THAT(mistake_with("lot = \"0.00000001\"", ""), HasSubstr("markets[0].lot: missing"));
    EXPECT_THAT(mistake("name = \"x\"\n"), HasSubstr("assets: missing"));
    EXPECT_THAT(mistake("name = \"x\"\nassets = [{name = \"A\"}]\n"), HasSubstr("markets: missing"));
    EXPECT_THAT(mistake("name = \"x\"\nassets = []\nmarkets = []\n"),
                HasSubstr("assets: needs at least one entry"));
}

TEST(NetworkFile, NamesAndModeAreChecked) {
    EXPECT_THAT(mistake_with("\"small\"", "\"\""),
                HasSubstr("n:1: name: \"\" is not allowed; allowed: 1 to 64"));
    EXPECT_THAT(mistake_with("\"small\"", "\"a b\""), HasSubstr("name: \"a b\" is not allowed"));
    EXPECT_THAT(mistake_with("\"small\"", "\"" + std::string(65, 'a') + "\""), HasSubstr("name: "));
    EXPECT_THAT(mistake_with("\"small\"", "5"), HasSubstr("name: must be a text in quotes"));
    EXPECT_EQ(mistake_with("\"open\"", "\"quorum\""),
              "n:2: mode: \"quorum\" is not allowed; allowed: \"open\"");
}

TEST(NetworkFile, LimitsAreChecked) {
    EXPECT_EQ(mistake_with("members = []", "accounts_max = 0"),
              "n:3: accounts_max: \"0\" is not allowed; allowed: an integer from 1 to 100000000");
    EXPECT_THAT(mistake_with("members = []", "open_orders_per_account_max = 10000001"),
                HasSubstr("from 1 to 10000000"));
    EXPECT_THAT(mistake_with("members = []", "accounts_max = 1.5"), HasSubstr("an integer from"));
    EXPECT_THAT(mistake_with("members = []", "accounts_max = [1]"), HasSubstr("an integer from"));
}

TEST(NetworkFile, EachLimitHoldsItsOwnBounds) {
    for (const NetworkLimit& limit : network_limits()) {
        const std::string key = limit.key;
        const std::string allowed =
            "an integer from " + std::to_string(limit.min) + " to " + std::to_string(limit.max);
        EXPECT_EQ(parse(with("members = []", key + " = " + std::to_string(limit.max))).*limit.field,
                  limit.max);
        EXPECT_THAT(mistake_with("members = []", key + " = " + std::to_string(limit.max + 1)),
                    HasSubstr("n:3: " + key + ": \"" + std::to_string(limit.max + 1) +
                              "\" is not allowed; allowed: " + allowed));
        EXPECT_THAT(mistake_with("members = []", key + " = -1"), HasSubstr(allowed));
        const NetworkFile defaults;
        EXPECT_LE(limit.min, defaults.*limit.field) << key;
        EXPECT_GE(limit.max, defaults.*limit.field) << key;
    }
    EXPECT_THAT(mistake_with("members = []", "rules_version = 3"), HasSubstr("an integer from 1 to 2"));
    EXPECT_EQ(mistake_with("members = []", "ledger = \"perhaps\""),
              "n:3: ledger: \"perhaps\" is not allowed; allowed: true, false");
    EXPECT_FALSE(parse(with("members = []\n[[assets]]\nname = \"BTC\"\ndecimals = 8\n[[assets]]\nname = "
                            "\"USD\"\ndecimals = 10\nfaucet_max = \"1000\"",
                            "ledger = false\n[[assets]]\nname = \"BTC\"\n[[assets]]\nname = \"USD\""
                            "\ndecimals = 10"))
                     .ledger);
}

TEST(NetworkFile, AMarketTooManyForTheLimitIsNoticed) {
    EXPECT_EQ(mistake(with("members = []", "markets_max = 1") +
                      "[[markets]]\nsymbol = \"USD-BTC\"\ntick = \"1\"\nlot = \"1\"\n"),
              "n:3: markets_max: 1 is too few for the 2 markets of this file");
}

TEST(NetworkFile, AdministratorsAreChecked) {
    const std::string list = "administrators = [\"" + std::string(member_1) + "\", \"" + member_2 + "\"]";
    EXPECT_EQ(
        mistake_with("members = []", list),
        "n:1: administrators_needed: missing; say how many of the 2 administrators must ask for the same: an "
        "integer from 1 to 2");
    EXPECT_EQ(mistake_with("members = []", list + "\nadministrators_needed = 3"),
              "n:4: administrators_needed: \"3\" is not allowed; allowed: an integer from 1 to 2");
    EXPECT_EQ(mistake_with("members = []", "administrators_needed = 1"),
              "n:3: administrators_needed: there are no administrators; name them, or leave this out");
    EXPECT_THAT(mistake_with("members = []", administered("1", member_1, member_1)),
                HasSubstr("n:3: administrators: entry 2: \"" + std::string(member_1) + "\" comes twice"));
    EXPECT_THAT(mistake_with("members = []", administered("1", "alice")),
                HasSubstr("administrators: entry 1: \"alice\" is no account id: 64 hex digits"));
    // A hosted account's id is a hash, so it need not be a key.
    EXPECT_EQ(parse(with("members = []", administered("1", std::string(64, '0')))).administrators.size(), 1u);
}

TEST(NetworkFile, AnAuthorityIsAKeyThatNoMemberHas) {
    const std::string line = "members = []\nauthority = \"" + std::string(authority) + "\"";
    const NetworkFile network = parse(with("members = []", line));
    ASSERT_TRUE(network.authority.has_value());
    EXPECT_EQ(to_hex(*network.authority), authority);
    EXPECT_NE(id_with("members = []", line), id_of_small());
    EXPECT_NE(id_with("members = []", line),
              id_with("members = []", "members = []\nauthority = \"" + std::string(member_1) + "\""));
    EXPECT_THAT(mistake_with("members = []", "members = []\nauthority = \"12\""),
                HasSubstr("n:4: authority: \"12\" is no public key: 64 hex digits"));
    EXPECT_THAT(mistake_with("members = []", "members = []\nauthority = \"" + std::string(64, '0') + "\""),
                HasSubstr("is no public key"));
    EXPECT_THAT(mistake_with("members = []", "members = [\"" + std::string(member_1) + "\"]\nauthority = \"" +
                                                 member_1 + "\""),
                HasSubstr("authority: is the key of a member"));
}

TEST(NetworkFile, WithoutALedgerNothingIsPaid) {
    const std::string open = "ledger = false\nname = \"n\"\n[[assets]]\nname = \"A\"\n";
    const std::string rest =
        "[[assets]]\nname = \"B\"\n[[markets]]\nsymbol = \"A-B\"\ntick = \"1\"\nlot = \"1\"\n";
    EXPECT_EQ(mistake(open + rest), "none");
    EXPECT_EQ(
        mistake(open + "faucet_max = \"1\"\n" + rest),
        "n:5: assets[0].faucet_max: has no meaning on a network that keeps no ledger; leave it out, or say "
        "ledger = true");
    EXPECT_THAT(mistake(open + "issuer = \"" + member_1 + "\"\n" + rest),
                HasSubstr("assets[0].issuer: has no meaning"));
    EXPECT_THAT(mistake(open + rest + "maker_fee_ppm = 1\n"), HasSubstr("markets[0].maker_fee_ppm: has no"));
    EXPECT_THAT(mistake(open + rest + "taker_fee_ppm = 1\n"), HasSubstr("markets[0].taker_fee_ppm: has no"));
}

TEST(NetworkFile, MembersAreChecked) {
    const std::string good = "\"" + std::string(member_1) + "\"";
    EXPECT_THAT(mistake_with("members = []", "members = [" + good + ", \"12\"]"),
                HasSubstr("n:3: members: entry 2: \"12\" is no node id: 64 hex digits"));
    EXPECT_THAT(mistake_with("members = []", "members = [5]"), HasSubstr("is no node id"));
    EXPECT_THAT(mistake_with("members = []", "members = [\"" + std::string(64, '0') + "\"]"),
                HasSubstr("is no Ed25519 public key"));
    EXPECT_THAT(mistake_with("members = []", "members = [" + good + "," + good + "]"),
                HasSubstr("entry 2: \"" + std::string(member_1) + "\" comes twice"));
    EXPECT_THAT(mistake_with("members = []", "members = " + good), HasSubstr("members: must be a list"));
    std::string many = good;
    for (std::size_t i = 0; i < network_members_max; ++i)
        many += "," + good;
    EXPECT_THAT(mistake_with("members = []", "members = [" + many + "]"),
                HasSubstr("129 entries; at most 128"));
}

TEST(NetworkFile, LettersBeyondAsciiStandInCommentsOnly) {
    EXPECT_THAT(mistake("2\xd2\x8b"), HasSubstr("letters beyond ASCII"));
    EXPECT_THAT(mistake("name = \"\"\"x\\\n\xd2\x8b\"\"\""), HasSubstr("letters beyond ASCII"));
    EXPECT_THAT(mistake("# \xd2\x8b\nname = 5"), Not(HasSubstr("letters beyond ASCII")));
    EXPECT_THAT(mistake("_=[2='# \xc2\xa4[[2_"), HasSubstr("letters beyond ASCII"));
    EXPECT_THAT(mistake_with("\"USD\"", "\"\\u048b\""), HasSubstr("assets[1].name: "));
}

TEST(NetworkFile, AssetsAreChecked) {
    for (const char* name : {"", "btc", "B C", "ABCDEFGHIJKLM", "\\u00c4"})
        EXPECT_THAT(mistake_with("\"USD\"", "\"" + std::string(name) + "\""), HasSubstr("assets[1].name: "))
            << name;
    EXPECT_THAT(mistake_with("\"USD\"", "\"BTC\""), HasSubstr("assets[1].name: \"BTC\" comes twice"));
    EXPECT_THAT(mistake_with("decimals = 8", "decimals = 19"),
                HasSubstr("assets[0].decimals: \"19\" is not allowed"));
    EXPECT_THAT(mistake_with("decimals = 8", "decimals = -1"), HasSubstr("an integer from 0 to 18"));
    EXPECT_THAT(mistake_with("\"1000\"", "\"1e3\""),
                HasSubstr("assets[1].faucet_max: \"1e3\" is no decimal"));
    EXPECT_THAT(mistake_with("decimals = 8", "issuer = \"bank\""),
                HasSubstr("n:6: assets[0].issuer: \"bank\" is no account id: 64 hex digits"));
    EXPECT_THAT(mistake("name = \"x\"\nassets = [5]\nmarkets = [{}]"),
                HasSubstr("assets[0]: must be a table"));
}

TEST(NetworkFile, MarketsAreChecked) {
    EXPECT_THAT(mistake_with("\"BTC-USD\"", "\"BTCUSD\""), HasSubstr("symbol: \"BTCUSD\" is no pair"));
    EXPECT_THAT(mistake_with("\"BTC-USD\"", "\"ETH-USD\""),
                HasSubstr("symbol: \"ETH-USD\" names \"ETH\", which is not among the assets"));
    EXPECT_THAT(mistake_with("\"BTC-USD\"", "\"BTC-\""), HasSubstr("names \"\", which is not"));
    EXPECT_THAT(mistake_with("\"BTC-USD\"", "\"BTC-USD-X\""), HasSubstr("names \"USD-X\", which is not"));
    EXPECT_THAT(mistake_with("\"BTC-USD\"", "\"USD-USD\""), HasSubstr("trades an asset for itself"));
    EXPECT_THAT(mistake_with("tick", "base = \"USD\"\ntick"),
                HasSubstr("base: differs from the symbol's BTC"));
    EXPECT_THAT(mistake_with("tick", "quote = \"BTC\"\ntick"),
                HasSubstr("quote: differs from the symbol's USD"));
    EXPECT_THAT(mistake(small + "[[markets]]\nsymbol = \"BTC-USD\"\ntick = \"1\"\nlot = \"1\"\n"),
                HasSubstr("markets[1].symbol: \"BTC-USD\" comes twice"));
    EXPECT_THAT(mistake_with("tick", "maker_fee_ppm = 100001\ntick"),
                HasSubstr("an integer from 0 to 100000"));
    EXPECT_THAT(mistake_with("tick", "taker_fee_ppm = -1\ntick"), HasSubstr("an integer from 0 to 100000"));
    EXPECT_THAT(
        mistake_with("tick", "band_ppm = 1000000\ntick"),
        HasSubstr("markets[0].band_ppm: \"1000000\" is not allowed; allowed: an integer from 0 to 999999"));
    EXPECT_THAT(mistake_with("tick", "auction = 86400001\ntick"), HasSubstr("an integer from 0 to 86400000"));
    EXPECT_THAT(mistake_with("tick", "matching = \"fifo\"\ntick"),
                HasSubstr("matching: \"fifo\" is not allowed; allowed: \"continuous\", \"batch\""));
}

TEST(NetworkFile, DecimalsAreChecked) {
    for (const char* text : {"", ".", ".5", "5.", "1.2.3", "-1", "+1", "1e5", "1,5", " 1", "0x1", "nan"})
        EXPECT_THAT(mistake_with("\"0.01\"", "\"" + std::string(text) + "\""),
                    HasSubstr("n:13: markets[0].tick: \"" + std::string(text) + "\" is no decimal"))
            << text;
    EXPECT_THAT(mistake_with("\"0.01\"", "\"" + std::string(network_decimal_length_max + 1, '1') + "\""),
                HasSubstr("is no decimal"));
    EXPECT_THAT(mistake_with("\"0.01\"", "\"0.00\""),
                HasSubstr("tick: \"0.00\" is not allowed; allowed: above zero"));
    EXPECT_THAT(mistake_with("\"0.00000001\"", "\"0\""), HasSubstr("lot: \"0\" is not allowed"));
    EXPECT_THAT(mistake_with("tick", "price_max = \"0\"\ntick"),
                HasSubstr("price_max: \"0\" is not allowed"));
    EXPECT_THAT(mistake_with("tick", "quantity_max = \"0\"\ntick"),
                HasSubstr("quantity_max: \"0\" is not allowed"));
    EXPECT_THAT(mistake_with("tick", "quantity_min = \"0\"\ntick"),
                HasSubstr("quantity_min: \"0\" is not allowed"));
    EXPECT_THAT(mistake_with("tick", "notional_min = \"one\"\ntick"),
                HasSubstr("notional_min: \"one\" is no decimal"));
    EXPECT_THAT(mistake_with("\"0.01\"", "0.01"), HasSubstr("tick: must be a decimal in quotes"));
}

}  // namespace
}  // namespace peerbook::config
