#include "app/bench/workloads.h"

#include <algorithm>
#include <utility>

#include "base/random.h"

namespace peerbook::app {

namespace {

using namespace exchange;

constexpr std::int64_t middle_at_start = 58'500;

NetworkRules rules_of(const FlowShape& shape) {
    NetworkRules rules;
    rules.network.data.fill(1);
    rules.fee_account.data.fill(0xfe);
    rules.assets.push_back({"USD", 8});
    for (std::uint32_t i = 0; i < shape.markets; ++i) {
        rules.assets.push_back({"A" + std::to_string(i), 0});
        MarketRules market;
        market.symbol = "A" + std::to_string(i) + "-USD";
        market.base = AssetId(i + 1);
        market.quote = AssetId(0);
        market.notional_constant = 1'000'000;  // a tick of 0.01 USD, a lot of one share
        market.lot_units = 1;
        market.price_max = Price(1'000'000'000);
        market.quantity_max = Quantity(1'000'000'000);
        market.maker_fee_ppm = 100;
        market.taker_fee_ppm = 300;
        rules.markets.push_back(market);
    }
    rules.faucet_max.assign(rules.assets.size(), Amount{1} << 80);
    rules.open_orders_per_account_max = 10'000'000;
    return rules;
}

class FlowMaker {
  public:
    FlowMaker(const FlowShape& shape, std::uint64_t seed) : shape_(shape), random_(seed) {
        node_.data.fill(5);
        for (std::uint32_t i = 0; i < shape_.accounts; ++i) {
            names_.push_back("account-" + std::to_string(i));
            ids_.push_back(hosted_account_id(node_, names_.back()));
        }
        nonces_.assign(shape_.accounts, 0);
        middles_.assign(shape_.markets, middle_at_start);
    }

    PreparedFlow make(std::uint64_t commands) {
        PreparedFlow flow;
        flow.name = shape_.name;
        flow.rules = rules_of(shape_);
        for (std::uint32_t account = 0; account < shape_.accounts; ++account) {
            add(account, OpenAccount{names_[account]});
            for (std::uint32_t asset = 0; asset <= shape_.markets; ++asset)
                add(account, Faucet{AssetId(asset), Amount{1} << 80});
        }
        for (std::uint64_t i = 0; i < shape_.resting_before * shape_.markets; ++i)
            place();
        flow.setup = take();
        for (std::uint64_t i = 0; i < commands; ++i)
            step();
        flow.flow = take();
        return flow;
    }

  private:
    struct Live {
        std::uint32_t account;
        std::uint64_t nonce;
    };

    std::uint64_t add(std::uint32_t account, CommandBody body) {
        if (batches_.empty() || batches_.back().commands.size() == batch_commands) {
            batches_.emplace_back().signer = node_;
            batches_.back().commands.reserve(batch_commands);
        }
        batches_.back().commands.push_back({ids_[account], {++nonces_[account], 0}, std::move(body)});
        return nonces_[account];
    }
    std::vector<CommandBatch> take() { return std::exchange(batches_, {}); }
    std::int64_t below(std::int64_t bound) {
        return static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(bound)));
    }

    // Most orders stand near the middle: the smallest of three draws.
    void place() {
        const auto market = static_cast<std::uint32_t>(random_.below(shape_.markets));
        const auto account = static_cast<std::uint32_t>(random_.below(shape_.accounts));
        const Side side = random_.below(2) == 0 ? Side::buy : Side::sell;
        const std::int64_t distance =
            1 + std::min({below(shape_.depth_ticks), below(shape_.depth_ticks), below(shape_.depth_ticks)});
        const std::int64_t price = middles_[market] + (side == Side::buy ? -distance : distance);
        const std::int64_t quantity = random_.below(2) == 0 ? 100 : 1 + below(300);
        const std::uint64_t nonce =
            add(account, LimitOrder{MarketId(market), side, Price(std::max<std::int64_t>(price, 1)),
                                    Quantity(quantity), TimeInForce::gtc, false});
        live_.push_back({account, nonce});
    }

    Live any_live(bool forget) {
        Live& chosen = live_[random_.below(live_.size())];
        const Live live = chosen;
        if (forget) {
            chosen = live_.back();
            live_.pop_back();
        }
        return live;
    }

    void step() {
        const auto market = static_cast<std::uint32_t>(random_.below(shape_.markets));
        if (random_.below(20) == 0) middles_[market] += (random_.below(2) == 0 ? 1 : -1) * shape_.drift_ticks;
        if (random_.chance(shape_.jump_ppm))
            middles_[market] = middles_[market] > middle_at_start + shape_.jump_ticks / 2
                                   ? middle_at_start
                                   : middle_at_start + shape_.jump_ticks;
        const bool too_many = shape_.live_max != 0 && live_.size() > shape_.live_max;
        const auto kind = static_cast<std::uint32_t>(random_.below(1'000'000));
        if (!live_.empty() && (too_many || kind < shape_.cancel_ppm)) {
            const Live live = any_live(true);
            add(live.account, CancelOrder{{live.nonce, 0}});
        } else if (!live_.empty() && kind < shape_.cancel_ppm + shape_.reduce_ppm) {
            const Live live = any_live(false);
            add(live.account, ReduceOrder{{live.nonce, 0}, Quantity(1)});
        } else if (kind < shape_.cancel_ppm + shape_.reduce_ppm + shape_.take_ppm) {
            const Side side = random_.below(2) == 0 ? Side::buy : Side::sell;
            const std::int64_t reach = 1 + shape_.take_ticks;
            const std::int64_t price = middles_[market] + (side == Side::buy ? reach : -reach);
            add(static_cast<std::uint32_t>(random_.below(shape_.accounts)),
                LimitOrder{MarketId(market), side, Price(std::max<std::int64_t>(price, 1)),
                           Quantity(1 + below(shape_.take_quantity)), TimeInForce::ioc, false});
        } else {
            place();
        }
    }

    FlowShape shape_;
    Random random_;
    PublicKey node_;
    std::vector<std::string> names_;
    std::vector<AccountId> ids_;
    std::vector<std::uint64_t> nonces_;
    std::vector<std::int64_t> middles_;
    std::vector<Live> live_;
    std::vector<CommandBatch> batches_;
};

}  // namespace

PreparedFlow make_flow(const FlowShape& shape, std::uint64_t commands, std::uint64_t seed) {
    return FlowMaker(shape, seed).make(commands);
}

}  // namespace peerbook::app
