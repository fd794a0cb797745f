#include "tests/sim/latency_flow.h"

#include "tests/support/toy_market.h"

namespace peerbook::sim {

using namespace exchange;

namespace {

constexpr Amount funds = 1'000'000'000'000;
constexpr std::int64_t middle_ticks = 10'000;
constexpr std::size_t placed_max = 64;  // then the account cancels

LimitOrder drawn_order(Random& random, std::size_t markets) {
    const Side side = random.below(2) == 0 ? Side::buy : Side::sell;
    const bool crosses = random.below(5) == 0;
    const std::int64_t away = 1 + static_cast<std::int64_t>(random.below(crosses ? 5 : 20));
    const std::int64_t below_middle = (side == Side::buy) != crosses ? away : -away;
    LimitOrder order = testing::toy_limit(side, middle_ticks - below_middle,
                                          1 + static_cast<std::int64_t>(random.below(50)));
    order.market = MarketId(static_cast<std::uint32_t>(random.below(markets)));
    return order;
}

}  // namespace

NetworkRules latency_rules(const Digest& network, std::size_t markets) {
    NetworkRules rules = testing::toy_rules(network);
    const MarketRules toy = rules.markets.front();
    rules.assets = {{"USD", 2, {}}};
    rules.markets.clear();
    for (std::size_t i = 0; i < markets; ++i) {
        const std::string name = "M" + std::to_string(i);
        rules.assets.push_back({name, 8, {}});
        MarketRules& market = rules.markets.emplace_back(toy);
        market.symbol = name + "-USD";
        market.base = AssetId(static_cast<std::uint32_t>(i + 1));
        market.quote = AssetId(0);
    }
    rules.faucet_max.assign(rules.assets.size(), funds);
    return rules;
}

LatencyFlow::LatencyFlow(std::size_t accounts, std::size_t markets) : markets_(markets) {
    for (std::size_t i = 0; i < accounts; ++i)
        accounts_.push_back({"user" + std::to_string(i), 1, {}});
}

std::vector<app::SubmitRequest> LatencyFlow::funding() {
    std::vector<app::SubmitRequest> requests;
    for (Account& account : accounts_) {
        app::SubmitRequest& request = requests.emplace_back();
        request.by_nonce = true;
        for (std::uint32_t asset = 0; asset <= markets_; ++asset)
            request.intents.push_back(
                {account.name, ++account.nonce, Faucet{AssetId(asset), funds}, std::nullopt});
    }
    return requests;
}

app::Intent LatencyFlow::next(Random& random) {
    Account& account = accounts_[static_cast<std::size_t>(random.below(accounts_.size()))];
    std::vector<std::uint64_t>& placed = account.placed;
    const bool cancels = !placed.empty() && (placed.size() >= placed_max || random.below(2) == 0);
    ++account.nonce;
    if (!cancels) {
        placed.push_back(account.nonce);
        return {account.name, account.nonce, drawn_order(random, markets_), std::nullopt};
    }
    const auto which = static_cast<std::size_t>(random.below(placed.size()));
    const CancelOrder cancel{{placed[which], 0}};
    placed[which] = placed.back();
    placed.pop_back();
    return {account.name, account.nonce, cancel, std::nullopt};
}

}  // namespace peerbook::sim
