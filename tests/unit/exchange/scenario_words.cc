// Words of the scenario language, and values as people write them.
#include <map>
#include <utility>

#include "base/hash.h"
#include "exchange/market/decimal.h"
#include "tests/unit/exchange/scenario_parser.h"

namespace peerbook::exchange::scenario {

Words::Words(const Line& line) : line_(line.number) {
    std::string word;
    const auto finish = [&] {
        if (!word.empty()) words_.push_back(std::exchange(word, ""));
    };
    for (const char c : line.text) {
        if (c == ' ' || c == '\t' || c == '\r') {
            finish();
        } else if (c == ',') {
            finish();
            words_.push_back(",");
        } else {
            word += c;
        }
    }
    finish();
}

const std::string& Words::peek() const {
    static const std::string nothing;
    return done() ? nothing : words_[at_];
}

bool Words::accept(const std::string& word) {
    if (peek() != word) return false;
    ++at_;
    return true;
}

void Words::expect(const std::string& word) {
    if (!accept(word)) fail("expected '" + word + "' instead of '" + peek() + "'");
}

std::string Words::next(const char* what) {
    if (done()) fail(std::string("the line ends before ") + what);
    return words_[at_++];
}

void Words::fail(const std::string& what) const {
    throw SyntaxError{line_, what};
}

void Words::fail_unknown() const {
    fail(done() ? "the line ends too early" : "unknown word '" + peek() + "'");
}

void Words::expect_end() const {
    if (!done()) fail_unknown();
}

Compiler::Account& Compiler::account(const std::string& name) {
    const auto found = accounts_.find(name);
    if (found != accounts_.end()) return found->second;
    Account added;
    added.host = key_of("node");
    added.id = hosted_account_id(added.host, name);
    added.next_nonce = 11;
    scenario_.names.accounts[added.id] = name;
    account_order_.push_back(name);
    return accounts_.emplace(name, std::move(added)).first->second;
}

const Compiler::MarketText& Compiler::market(Words& words) const {
    const std::string symbol = words.next("a market");
    if (symbol == nowhere_.symbol) return nowhere_;
    for (const MarketText& each : markets_)
        if (each.symbol == symbol) return each;
    words.fail("unknown market '" + symbol + "'");
}

AssetId Compiler::asset(Words& words) const {
    const std::string name = words.next("an asset");
    const auto& assets = scenario_.rules.assets;
    for (std::uint32_t i = 0; i < assets.size(); ++i)
        if (assets[i].name == name) return AssetId(i);
    if (name == "NONE") return AssetId(999);
    words.fail("unknown asset '" + name + "'");
}

Amount Compiler::base_units(std::int64_t whole, AssetId asset) const {
    Amount units = whole;
    for (unsigned i = 0; i < scenario_.rules.assets[asset.value()].decimals; ++i)
        units *= 10;
    return units;
}

std::int64_t Compiler::units(const Words& words, const std::string& text, const std::string& unit) const {
    const bool is_negative = text.starts_with("-");
    const Result<Amount> value = parse_amount(is_negative ? text.substr(1) : text, 18);
    const Result<Amount> one = parse_amount(unit, 18);
    if (!value.ok()) words.fail(value.error().message);
    if (!one.ok() || *one == 0 || *value % *one != 0) words.fail(text + " is no multiple of " + unit);
    const auto count = static_cast<std::int64_t>(*value / *one);
    return is_negative ? -count : count;
}

Amount Compiler::amount(const Words& words, const std::string& text, AssetId asset) const {
    const auto& assets = scenario_.rules.assets;
    const bool is_negative = text.starts_with("-");
    const Result<Amount> value =
        parse_amount(is_negative ? text.substr(1) : text,
                     asset.value() < assets.size() ? assets[asset.value()].decimals : 0);
    if (!value.ok()) words.fail(value.error().message);
    return is_negative ? -*value : *value;
}

std::pair<AssetId, Amount> Compiler::money(Words& words) const {
    const std::string text = words.next("an amount");
    const AssetId what = asset(words);
    return {what, amount(words, text, what)};
}

std::uint64_t Compiler::number(Words& words) {
    const Result<Amount> value = parse_amount(words.next("a number"), 0);
    if (!value.ok()) words.fail(value.error().message);
    return static_cast<std::uint64_t>(*value);
}

// "12:00:05" or "12:00:05.250".
WallTime Compiler::time_of_day(Words& words) {
    const std::string text = words.next("a time");
    const auto digits = [&](std::size_t from, std::size_t count) {
        std::int64_t value = 0;
        for (std::size_t i = from; i < from + count; ++i) {
            if (i >= text.size() || text[i] < '0' || text[i] > '9') words.fail("'" + text + "' is no time");
            value = value * 10 + (text[i] - '0');
        }
        return value;
    };
    const bool has_ms = text.size() == 12 && text[8] == '.';
    if ((text.size() != 8 && !has_ms) || text[2] != ':' || text[5] != ':')
        words.fail("'" + text + "' is no time like 12:00:05 or 12:00:05.250");
    return {(digits(0, 2) * 3'600 + digits(3, 2) * 60 + digits(6, 2)) * 1'000 + (has_ms ? digits(9, 3) : 0)};
}

// "5s", "250ms", "10m", "36h", and "1us", which is too short for everything.
Duration Compiler::duration(Words& words) {
    const std::string text = words.next("a duration");
    const std::size_t end = text.find_first_not_of("0123456789");
    static const std::map<std::string, Duration> known = {{"us", Duration::microseconds(1)},
                                                          {"ms", Duration::milliseconds(1)},
                                                          {"s", Duration::seconds(1)},
                                                          {"m", Duration::seconds(60)},
                                                          {"h", Duration::seconds(3'600)}};
    const auto unit = end == std::string::npos ? known.end() : known.find(text.substr(end));
    if (end == 0 || unit == known.end()) words.fail("'" + text + "' is no duration like 5s or 250ms");
    return unit->second * std::stoll(text.substr(0, end));
}

std::uint32_t Compiler::per_million(Words& words) {
    std::string text = words.next("a percentage");
    if (!text.ends_with("%")) words.fail("'" + text + "' is no percentage like 0.1%");
    text.pop_back();
    const Result<Amount> value = parse_amount(text, 4);
    if (!value.ok()) words.fail(value.error().message);
    return static_cast<std::uint32_t>(*value);
}

PublicKey Compiler::key_of(const std::string& name) {
    PublicKey key;
    key.data = hash_of("scenario key", as_bytes(name)).data;
    return key;
}

}  // namespace peerbook::exchange::scenario
