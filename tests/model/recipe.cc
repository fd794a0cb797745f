#include "tests/model/recipe.h"

#include <algorithm>

namespace peerbook::exchange::model {

namespace {

PublicKey key_of(std::uint8_t byte) {
    PublicKey key;
    key.data.fill(byte);
    return key;
}

User hosted(const std::string& name, std::uint8_t key) {
    return {name, key_of(key), hosted_account_id(key_of(key), name)};
}

User self_custodied(std::uint8_t key) {
    User user{"", key_of(key), {}};
    user.account.data = user.key.data;
    return user;
}

constexpr std::size_t opened_at_start = 5;

// The first choice for bytes below `plain`, the others in turn above.
template <typename T>
T choose(std::uint8_t byte, std::uint8_t plain, std::initializer_list<T> choices) {
    if (byte < plain || choices.size() == 1) return *choices.begin();
    return *(choices.begin() + 1 + (byte - plain) % (choices.size() - 1));
}

MarketRules make_market(const RulesRecipe& recipe, std::uint32_t number) {
    MarketRules market;
    market.symbol = "M" + std::to_string(number) + "-USD";
    market.base = AssetId(number + 1);
    market.quote = AssetId(0);
    market.tick_text = market.lot_text = "1";
    market.lot_units = 3;
    market.notional_constant = choose<Amount>(recipe[20], 170, {1, 7, Amount{1} << 37, 1}) * (1 + number);
    const bool is_huge = recipe[20] >= 170 && market.notional_constant == Amount(1 + number);
    market.quantity_max = Quantity(is_huge ? std::int64_t{1} << 62 : 1'000'000);
    market.price_max = Price(choose<std::int64_t>(recipe[22], 230, {2'000'000, 104}));
    market.quantity_min = Quantity(choose<std::int64_t>(recipe[21], 200, {1, 2}));
    market.notional_min = choose<Amount>(recipe[5], 160, {0, 300});
    market.band_ppm = choose<std::uint32_t>(recipe[4], 150, {0, 20'000, 300'000});
    constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 5> fees{
        {{333, 1'777}, {0, 0}, {100'000, 77'777}, {0, 500}, {2'000, 1}}};
    std::tie(market.maker_fee_ppm, market.taker_fee_ppm) = fees[(recipe[3] + number) % fees.size()];
    if ((recipe[6] >> number & 9) == 9) market.matching = MatchingMode::batch;
    if ((recipe[7] >> number & 9) == 9)
        market.auction = Duration::milliseconds(choose<std::int64_t>(recipe[7], 200, {9'000, 90'000}));
    return market;
}

}  // namespace

Millis CommitRecipe::time_step() const {
    if (head[0] == 254 && head[3] >= 192) return Millis{1} << 53;  // the end of time
    return choose<Millis>(head[0], 100,
                          {1,      0,      1,       10, 50, 200, 500, 900, 1'000, 1'500,    3'000,
                           10'000, 60'000, 100'000, -5, 0,  7,   40,  100, 300,   3'600'000});
}

std::uint16_t CommitRecipe::rules_version(const RulesRecipe& rules) const {
    if (rules[1] < 150) return 2;
    if (rules[1] < 210) return 1;
    return head[2] % 2 == 0 ? 2 : 1;
}

std::size_t CommitRecipe::undone() const {
    return head[1] < 215 ? 0 : 1 + head[1] % 9 / 2;
}

std::optional<std::size_t> CommitRecipe::kept() const {
    if (head[2] < 240) return std::nullopt;
    return head[2] % 6;
}

const std::vector<User>& users() {
    static const std::vector<User> all{hosted("ann", 1), hosted("bob", 2), self_custodied(101),
                                       hosted("cy", 1),  hosted("dan", 2), self_custodied(102),
                                       hosted("eve", 1), hosted("flo", 2)};
    return all;
}

NetworkRules make_rules(const RulesRecipe& recipe) {
    NetworkRules rules;
    rules.network.data.fill(7);
    rules.fee_account.data.fill(0xfe);
    rules.has_ledger = recipe[2] < 225;
    const std::uint32_t markets = 1 + recipe[0] % 3;
    for (std::uint32_t i = 0; i < markets; ++i)
        rules.markets.push_back(make_market(recipe, i));
    const Amount scale = rules.markets[0].quantity_max.value() > 1'000'000
                             ? Amount{1} << 55
                             : rules.markets[0].notional_constant * (rules.markets[0].lot_units - 2);
    for (std::uint32_t i = 0; i <= markets; ++i) {
        rules.assets.push_back({"ASSET" + std::to_string(i), 8, {}});
        rules.faucet_max.push_back((Amount{1} << 20) * scale);
    }
    rules.assets[1].issuer = users()[0].account;
    rules.assets.push_back({"RARE", 8, users()[2].account});
    rules.faucet_max.push_back(0);
    rules.fills_per_command_max = choose<std::uint32_t>(recipe[8], 150, {10'000, 1, 2, 3});
    rules.fills_per_commit_max = choose<std::uint32_t>(recipe[17], 200, {200'000, 1, 4, 9});
    rules.fok_orders_max = choose<std::uint32_t>(recipe[9], 150, {1'000, 1, 2, 3});
    rules.open_orders_per_account_max = choose<std::uint32_t>(recipe[10], 200, {100'000, 3, 8});
    rules.open_orders_max = choose<std::uint32_t>(recipe[11], 220, {1'000'000, 9, 20});
    rules.accounts_max = choose<std::uint32_t>(recipe[12], 170, {1'000'000, 6, 5});
    rules.accounts_per_owner_max = choose<std::uint32_t>(recipe[12], 210, {100'000, 2});
    rules.commands_per_second_max = choose<std::uint32_t>(recipe[13], 190, {0, 2, 5});
    rules.accounts_opened_per_minute_max = choose<std::uint32_t>(recipe[14], 150, {0, 2, 1});
    rules.member_bytes_per_second_max = choose<std::uint64_t>(recipe[15], 190, {0, 600, 2'000});
    rules.cancel_alls_per_commit_max = choose<std::uint32_t>(recipe[16], 150, {8, 1, 2});
    rules.orders_looked_through_max = choose<std::uint64_t>(recipe[21], 205, {1'000'000, 2, 8});
    rules.withdrawals_per_account_max = choose<std::uint32_t>(recipe[17], 100, {100, 1, 2});
    rules.proposals_max = choose<std::uint32_t>(recipe[18], 150, {256, 1, 2});
    rules.administrators = {users()[0].account, users()[1].account, users()[2].account};
    rules.administrators_needed = choose<std::uint32_t>(recipe[19], 100, {2, 1, 3});
    rules.markets_max = choose<std::uint32_t>(recipe[23], 150, {4'096, markets + 1, markets});
    return rules;
}

std::vector<std::vector<CommandBatch>> make_prelude(const NetworkRules& rules) {
    std::vector<std::vector<CommandBatch>> commits;
    const auto everybody = [&](std::uint64_t nonce, const std::function<CommandBody(std::size_t)>& body_of) {
        std::vector<CommandBatch>& batches = commits.emplace_back();
        for (std::size_t i = 0; i < opened_at_start; ++i) {
            const User& user = users()[i];
            CommandBatch& batch = batches.emplace_back();
            batch.kind = user.name.empty() ? BatchKind::self_custodied : BatchKind::hosted_by_author;
            batch.signer = user.key;
            batch.add(user.account, {nonce, 0}, body_of(i));
        }
    };
    everybody(1, [](std::size_t i) { return OpenAccount{users()[i].name}; });
    for (std::uint32_t asset = 0; rules.has_ledger && asset < rules.assets.size(); ++asset)
        if (rules.faucet_max[asset] > 0)
            everybody(2 + asset, [&](std::size_t i) {
                return Faucet{AssetId(asset), rules.faucet_max[asset] >> (2 * i)};
            });
    return commits;
}

Script script_from(std::span<const std::uint8_t> bytes) {
    Script script;
    const auto take = [&](auto& array) {
        const std::size_t count = std::min(array.size(), bytes.size());
        std::copy_n(bytes.begin(), count, array.begin());
        bytes = bytes.subspan(count);
    };
    take(script.rules);
    while (!bytes.empty()) {
        std::array<std::uint8_t, 1> count{};
        take(count);
        CommitRecipe& commit = script.commits.emplace_back();
        take(commit.head);
        for (std::size_t i = 0; i < count[0] % 8u && !bytes.empty(); ++i)
            take(commit.commands.emplace_back());
    }
    return script;
}

}  // namespace peerbook::exchange::model
