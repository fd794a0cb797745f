#include "app/bench/prepared_flow.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace peerbook::app {

using namespace exchange;

namespace {

constexpr Amount money_each = Amount{1} << 80;
constexpr std::uint32_t open_orders_max = 50'000'000;

}  // namespace

std::uint64_t operation_count(const std::vector<CommandBatch>& commits) {
    std::uint64_t operations = 0;
    for (const CommandBatch& commit : commits)
        for (const BatchCommand& command : commit.commands)
            operations += std::max<std::uint32_t>(index_count(command.body), 1);
    return operations;
}

NetworkRules bench_rules(std::uint32_t markets) {
    NetworkRules rules;
    rules.network.data.fill(1);
    rules.fee_account.data.fill(0xfe);
    rules.assets.push_back({"USD", 8, {}});
    for (std::uint32_t i = 0; i < markets; ++i) {
        rules.assets.push_back({"A" + std::to_string(i), 0, {}});
        MarketRules market;
        market.symbol = "A" + std::to_string(i) + "-USD";
        market.base = AssetId(i + 1);
        market.quote = AssetId(0);
        market.notional_constant = 1'000'000;
        market.lot_units = 1;
        market.price_max = Price(1'000'000'000);
        market.quantity_max = Quantity(1'000'000'000);
        market.maker_fee_ppm = 100;
        market.taker_fee_ppm = 300;
        rules.markets.push_back(market);
    }
    rules.faucet_max.assign(rules.assets.size(), money_each);
    rules.open_orders_per_account_max = open_orders_max;
    rules.open_orders_max = open_orders_max;
    return rules;
}

FlowWriter::FlowWriter(const std::string& name, const NetworkRules& rules, std::uint32_t accounts)
    : engine_(rules), nonces_(accounts, 0), places_(accounts) {
    flow_.name = name;
    flow_.rules = rules;
    node_.data.fill(5);
    begin(flow_.opening);
    for (std::uint32_t account = 0; account < accounts; ++account) {
        const std::string account_name = "account-" + std::to_string(account);
        ids_.push_back(hosted_account_id(node_, account_name));
        add(account, OpenAccount{account_name});
    }
    commit();
    for (const AccountId& id : ids_) {
        const std::optional<AccountIndex> index = engine_.find_account(id);
        PB_CHECK(index.has_value(), "an account of a benchmark did not open");
        indexes_.push_back(*index);
    }
    for (std::uint32_t account = 0; account < accounts; ++account)
        for (std::uint32_t asset = 0; asset < rules.assets.size(); ++asset)
            add(account, Faucet{AssetId(asset), money_each});
    commit();
}

CommandRef FlowWriter::add(std::uint32_t account, CommandBody body) {
    Place& place = places_[account];
    if (place.commit != commits_ + 1) {
        place = {commits_ + 1, static_cast<std::uint32_t>(open_.accounts.size())};
        open_.accounts.push_back(ids_[account]);
    }
    operations_ += std::max<std::uint32_t>(index_count(body), 1);
    const CommandRef ref{++nonces_[account], 0};
    open_.commands.push_back({ref.nonce, ref.index, place.place, std::move(body)});
    if (open_.commands.size() == commit_commands) commit();
    return ref;
}

void FlowWriter::commit() {
    if (open_.commands.empty()) return;
    ++commits_;
    open_.signer = node_;
    part_->push_back(std::exchange(open_, {}));
    open_.commands.reserve(commit_commands);
    events_.clear();
    engine_.apply(
        {WallTime{static_cast<std::int64_t>(commits_)}, flow_.rules.rules_version, {&part_->back(), 1}},
        events_);
    engine_.prune_undo(engine_.mark());
}

void FlowWriter::begin(std::vector<CommandBatch>& part) {
    commit();
    part_ = &part;
    operations_ = 0;
}

PreparedFlow FlowWriter::take() {
    commit();
    return std::move(flow_);
}

bool FlowWriter::is_open(std::uint32_t account, CommandRef order) const {
    return engine_.find_order(OrderKey(indexes_[account], order)).has_value();
}

}  // namespace peerbook::app
