#include "tests/unit/exchange/scenario_parser.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/hash.h"
#include "exchange/market/decimal.h"

namespace peerbook::exchange::scenario {

namespace {

constexpr WallTime noon{12 * 3'600'000};
constexpr Amount faucet_unlimited = Amount{1} << 119;
constexpr std::int64_t default_funds = 1'000'000;

std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(" \t\r");
    if (first == std::string::npos) return "";
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// Runs of blanks become one.
std::string squeezed(const std::string& text) {
    std::string result;
    for (const char c : trimmed(text))
        if (c != ' ' || result.back() != ' ') result += c;
    return result;
}

std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    std::size_t from = 0;
    for (std::size_t bar; (bar = line.find('|', from)) != std::string::npos; from = bar + 1)
        cells.push_back(squeezed(line.substr(from, bar - from)));
    cells.push_back(squeezed(line.substr(from)));
    return cells;
}

// Rules that are plain numbers.
const std::map<std::string, std::uint32_t NetworkRules::*>& rule_numbers() {
    static const std::map<std::string, std::uint32_t NetworkRules::*> numbers = {
        {"open-orders-per-account", &NetworkRules::open_orders_per_account_max},
        {"open-orders", &NetworkRules::open_orders_max},
        {"accounts", &NetworkRules::accounts_max},
        {"accounts-per-owner", &NetworkRules::accounts_per_owner_max},
        {"fills-per-command", &NetworkRules::fills_per_command_max},
        {"fills-per-commit", &NetworkRules::fills_per_commit_max},
        {"fok-orders", &NetworkRules::fok_orders_max},
        {"markets", &NetworkRules::markets_max},
        {"commands-per-second", &NetworkRules::commands_per_second_max},
        {"accounts-per-minute", &NetworkRules::accounts_opened_per_minute_max},
        {"cancel-alls-per-commit", &NetworkRules::cancel_alls_per_commit_max},
        {"withdrawals-per-account", &NetworkRules::withdrawals_per_account_max},
        {"proposals", &NetworkRules::proposals_max},
        {"administrators-needed", &NetworkRules::administrators_needed},
    };
    return numbers;
}

}  // namespace

Compiler::Compiler(const Block& block) : block_(block) {
    scenario_.block = block;
    NetworkRules& rules = scenario_.rules;
    rules.network.data.fill(9);
    rules.fee_account.data.fill(0xfe);
    rules.assets = {{"USD", 2, {}}, {"BTC", 8, {}}, {"ETH", 8, {}}, {"GEM", 0, {}}};
    rules.faucet_max = {faucet_unlimited, faucet_unlimited, faucet_unlimited, 0};
    scenario_.names.accounts[rules.fee_account] = "fees";
    MarketSpec spec;
    spec.symbol = "BTC-USD";
    spec.tick = spec.lot = "1";
    specs_.push_back(spec);
    nowhere_ = {"nowhere", "1", "1", AssetId(1), AssetId(0), MarketId(4'095)};
    clock_ = noon;
}

Scenario Compiler::compile() {
    for (const Line& line : block_.lines)
        compile_line(line);
    if (is_setting_up_) finish_setup();
    make_funding();
    const bool expects = std::any_of(scenario_.steps.begin(), scenario_.steps.end(), [](const Step& step) {
        return step.events || step.next_due || !step.tables.empty();
    });
    if (!expects) throw SyntaxError{block_.line, "the block expects nothing"};
    return std::move(scenario_);
}

void Compiler::compile_line(const Line& line) {
    if (line.text.find('|') != std::string::npos) return compile_table_line(line);
    in_table_ = false;
    Words words(line);
    const bool is_indented = line.text.front() == ' ';
    if (words.accept(">")) {
        Step& step = last_step(line.number);
        const std::string text = squeezed(line.text.substr(line.text.find('>') + 1));
        if (!step.events) step.events.emplace();
        if (text != "nothing") step.events->push_back(text);
        in_commit_ = false;
        return;
    }
    if (is_setting_up_) {
        if (compile_setup(words)) return words.expect_end();
        finish_setup();
    }
    if (is_indented && !in_commit_) words.fail("an indented line that follows no commit");
    if (!is_indented) in_commit_ = false;
    if (words.accept("time")) {
        clock_ = time_of_day(words);
        begin_step(line.number, squeezed(line.text), clock_);
    } else if (words.accept("commit")) {
        compile_commit(words, line);
    } else if (words.accept("next")) {
        words.expect("due");
        std::string due = words.next("a time or 'nothing'");
        if (due.starts_with("+")) due += " " + words.next("a time");
        last_step(line.number).next_due = std::move(due);
    } else {
        if (!is_indented) begin_step(line.number, squeezed(line.text), clock_);
        compile_command(words);
    }
    words.expect_end();
}

void Compiler::compile_commit(Words& words, const Line& line) {
    if (words.accept("at")) clock_ = time_of_day(words);
    begin_step(line.number, squeezed(line.text), clock_);
    in_commit_ = true;
}

Step& Compiler::begin_step(int line, const std::string& text, WallTime time) {
    Step step;
    step.line = line;
    step.text = text;
    step.time = time;
    scenario_.steps.push_back(std::move(step));
    return scenario_.steps.back();
}

Step& Compiler::last_step(int line) {
    if (scenario_.steps.empty()) throw SyntaxError{line, "expects something before anything happened"};
    return scenario_.steps.back();
}

// --- tables ---

// True if the cells name a kind of table, and of which market.
bool Compiler::accept_header(int line, std::vector<std::string> cells, Table& table) const {
    const std::size_t of = cells.front().find(" of ");
    std::string symbol;
    if (of != std::string::npos) {
        symbol = cells.front().substr(of + 4);
        cells.front().resize(of);
    }
    static const std::map<std::vector<std::string>, TableKind> kinds = {
        {{"bids", "asks"}, TableKind::book},
        {{"waiting", "trigger", "limit"}, TableKind::waiting},
        {{"balance", "total", "reserved"}, TableKind::balances},
        {{"market", "phase", "last", "would trade"}, TableKind::markets},
        {{"withdrawal", "amount", "destination"}, TableKind::withdrawals},
    };
    const auto kind = kinds.find(cells);
    if (kind == kinds.end()) return false;
    Words words(Line{line, symbol});
    table = {line, kind->second, symbol.empty() ? MarketId(0) : market(words).id, {}};
    return true;
}

void Compiler::compile_table_line(const Line& line) {
    in_commit_ = false;
    Step& step = last_step(line.number);
    std::vector<std::string> cells = cells_of(line.text);
    if (Table table; accept_header(line.number, cells, table)) {
        step.tables.push_back(std::move(table));
        in_table_ = true;
        return;
    }
    if (!in_table_) throw SyntaxError{line.number, "unknown table '" + squeezed(line.text) + "'"};
    Table& table = step.tables.back();
    const std::size_t width = table.kind == TableKind::book ? 2 : table.kind == TableKind::markets ? 4 : 3;
    if (cells.size() != width)
        throw SyntaxError{line.number, "a row of " + std::to_string(cells.size()) + " cells instead of " +
                                           std::to_string(width)};
    table.rows.push_back(std::move(cells));
}

// --- setup ---

bool Compiler::compile_setup(Words& words) {
    Words start = words;
    if (words.accept("rules")) {
        set_rule(words);
        return true;
    }
    if (words.accept("market")) {
        set_market(words);
        return true;
    }
    const std::string name = words.next("a word");
    if (compile_account_setup(name, words)) return true;
    words = start;
    return false;
}

bool Compiler::compile_account_setup(const std::string& name, Words& words) {
    if (words.accept("has")) {
        auto& funds = account(name).funds.emplace();
        if (words.accept("nothing")) return true;
        do {
            funds.push_back(money(words));
        } while (words.accept(","));
        return true;
    }
    if (words.accept("signs")) {
        Account& signer = account(name);
        signer.signs = true;
        scenario_.names.accounts.erase(signer.id);
        signer.id.data = key_of(name).data;
        scenario_.names.accounts[signer.id] = name;
        return true;
    }
    if (!words.accept("is")) return false;
    if (words.accept("not")) {
        words.expect("open");
        account(name).is_open = false;
        return true;
    }
    words.expect("hosted");
    words.expect("by");
    Account& hosted = account(name);
    hosted.host = key_of(words.next("a node"));
    scenario_.names.accounts.erase(hosted.id);
    hosted.id = hosted_account_id(hosted.host, name);
    scenario_.names.accounts[hosted.id] = name;
    return true;
}

void Compiler::set_rule(Words& words) {
    NetworkRules& rules = scenario_.rules;
    const std::string key = words.next("a rule");
    const auto known = rule_numbers().find(key);
    if (known != rule_numbers().end()) {
        rules.*known->second = static_cast<std::uint32_t>(number(words));
        has_quotas_ = has_quotas_ || key == "commands-per-second" || key == "accounts-per-minute";
    } else if (key == "bytes-per-second") {
        rules.member_bytes_per_second_max = number(words);
        has_quotas_ = true;
    } else if (key == "orders-looked-through") {
        rules.orders_looked_through_max = number(words);
    } else if (key == "version") {
        rules.rules_version = static_cast<std::uint16_t>(number(words));
    } else if (key == "ledger") {
        words.expect("off");
        rules.has_ledger = false;
    } else if (key == "administrators") {
        do {
            rules.administrators.push_back(account(words.next("an account")).id);
        } while (!words.done());
    } else if (key == "issuer") {
        const AssetId issued = asset(words);
        rules.assets[issued.value()].issuer = account(words.next("an account")).id;
    } else if (key == "faucet") {
        const AssetId given = asset(words);
        rules.faucet_max[given.value()] = amount(words, words.next("an amount"), given);
    } else {
        words.fail("unknown rule '" + key + "'");
    }
}

void Compiler::set_market(Words& words) {
    const std::string symbol = words.next("a market");
    auto spec = std::find_if(specs_.begin(), specs_.end(),
                             [&](const MarketSpec& other) { return other.symbol == symbol; });
    if (spec == specs_.end()) {
        MarketSpec added;
        added.symbol = symbol;
        added.tick = added.lot = "1";
        spec = specs_.insert(specs_.end(), added);
    }
    while (accept_market_option(words, *spec)) {
    }
}

bool Compiler::accept_market_option(Words& words, MarketSpec& spec) const {
    static const std::map<std::string, std::string MarketSpec::*> texts = {
        {"tick", &MarketSpec::tick},
        {"lot", &MarketSpec::lot},
        {"price-max", &MarketSpec::price_max},
        {"quantity-max", &MarketSpec::quantity_max},
        {"quantity-min", &MarketSpec::quantity_min},
        {"notional-min", &MarketSpec::notional_min},
    };
    static const std::map<std::string, std::uint32_t MarketSpec::*> shares = {
        {"maker-fee", &MarketSpec::maker_fee_ppm},
        {"taker-fee", &MarketSpec::taker_fee_ppm},
        {"band", &MarketSpec::band_ppm},
    };
    const std::string key = words.peek();
    if (const auto text = texts.find(key); text != texts.end()) {
        words.accept(key);
        spec.*text->second = words.next("a number");
    } else if (const auto share = shares.find(key); share != shares.end()) {
        words.accept(key);
        spec.*share->second = per_million(words);
    } else if (words.accept("batch")) {
        spec.matching = MatchingMode::batch;
    } else if (words.accept("auction")) {
        spec.auction = duration(words);
    } else {
        return false;
    }
    return true;
}

void Compiler::add_market(const MarketSpec& spec) {
    const std::size_t dash = spec.symbol.find('-');
    const auto find = [&](std::string name) {
        for (char& c : name)
            c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        const auto& assets = scenario_.rules.assets;
        const auto found = std::find_if(assets.begin(), assets.end(),
                                        [&](const AssetRules& each) { return each.name == name; });
        return AssetId(static_cast<std::uint32_t>(found - assets.begin()));
    };
    const AssetId base = find(spec.symbol.substr(0, dash));
    const AssetId quote = dash == std::string::npos ? base : find(spec.symbol.substr(dash + 1));
    markets_.push_back({spec.symbol, spec.tick, spec.lot, base, quote,
                        MarketId(static_cast<std::uint32_t>(markets_.size()))});
}

void Compiler::finish_setup() {
    is_setting_up_ = false;
    for (const MarketSpec& spec : specs_) {
        add_market(spec);
        const MarketText& added = markets_.back();
        const auto& assets = scenario_.rules.assets;
        if (std::max(added.base, added.quote).value() >= assets.size())
            throw SyntaxError{block_.line, "the assets of " + spec.symbol + " are unknown"};
        Result<MarketRules> rules = make_market_rules(spec, added.base, assets[added.base.value()],
                                                      added.quote, assets[added.quote.value()]);
        if (!rules.ok()) throw SyntaxError{block_.line, rules.error().message};
        scenario_.rules.markets.push_back(std::move(*rules));
    }
    // Commands begin at 11, so that the setup has room below.
    for (auto& [name, each] : accounts_)
        each.next_nonce = each.is_open ? 11 : 1;
}

// One commit at noon; with quotas one for each command, a minute apart, so that none is used up.
void Compiler::make_funding() {
    Step step;
    step.line = block_.line;
    step.text = "the setup";
    step.time = noon;
    std::vector<Step> pieces;
    for (const std::string& name : account_order_) {
        const Account& opened = accounts_.at(name);
        if (!opened.is_open) continue;
        std::vector<CommandBody> bodies = {OpenAccount{opened.signs ? "" : name}};
        if (opened.funds) {
            for (const auto& [what, much] : *opened.funds)
                bodies.push_back(Faucet{what, much});
        } else if (scenario_.rules.has_ledger) {
            for (std::uint32_t i = 0; i < 3; ++i)
                bodies.push_back(Faucet{AssetId(i), base_units(default_funds, AssetId(i))});
        }
        std::uint64_t nonce = 0;
        for (CommandBody& body : bodies) {
            CommandBatch batch;
            batch.kind = opened.signs ? BatchKind::self_custodied : BatchKind::hosted_by_author;
            batch.signer.data = opened.signs ? opened.id.data : opened.host.data;
            batch.add(opened.id, {++nonce, 0}, std::move(body));
            step.batches.push_back(std::move(batch));
            step.senders.push_back(name);
            if (has_quotas_)
                pieces.push_back(std::exchange(step, {step.line, step.text, {}, {}, {}, {}, {}, {}}));
        }
    }
    if (!has_quotas_) pieces.push_back(step);
    for (std::size_t i = 0; i < pieces.size(); ++i)
        pieces[i].time.ms = noon.ms - static_cast<std::int64_t>(pieces.size() - 1 - i) * 60'000;
    if (has_quotas_)
        for (Step& piece : pieces)
            piece.time.ms -= 60'000;
    scenario_.setup = std::move(pieces);
}

Result<Scenario> parse_scenario(const Block& block) {
    try {
        return Compiler(block).compile();
    } catch (const SyntaxError& error) {
        return Error{ErrorCode::invalid_input, block.place(error.line) + ": " + error.what};
    }
}

}  // namespace peerbook::exchange::scenario
