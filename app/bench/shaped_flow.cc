#include "app/bench/shaped_flow.h"

#include <algorithm>

#include "base/random.h"

namespace peerbook::app {

using namespace exchange;

namespace {

constexpr std::int64_t middle_at_start = 58'500;
constexpr std::int64_t crash_quantity = 2'000;  // lots of one order of a crash, at most

NetworkRules rules_of(const FlowShape& shape) {
    NetworkRules rules = bench_rules(shape.markets);
    for (MarketRules& market : rules.markets)
        if (shape.matches_in_batches) market.matching = MatchingMode::batch;
    return rules;
}

class ShapedFlow {
  public:
    ShapedFlow(const FlowShape& shape, std::uint64_t seed)
        : shape_(shape), random_(seed), writer_(shape.name, rules_of(shape), shape.accounts) {
        middles_.assign(shape_.markets, middle_at_start);
    }

    PreparedFlow make(std::uint64_t operations) {
        writer_.begin_resting();
        for (std::uint64_t i = 0; i < shape_.resting_before * shape_.markets; ++i)
            place();
        writer_.begin_flow();
        while (writer_.operations() < operations)
            step();
        return writer_.take();
    }

  private:
    struct Live {
        std::uint32_t account = 0;
        std::uint32_t market = 0;
        CommandRef order;
        std::uint64_t commit = 0;  // commits ended when it was placed
        Side side = Side::buy;
    };

    std::int64_t below(std::int64_t bound) {
        return static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(bound)));
    }
    std::uint32_t any_account() { return static_cast<std::uint32_t>(random_.below(shape_.accounts)); }
    std::uint32_t any_market() { return static_cast<std::uint32_t>(random_.below(shape_.markets)); }
    Side any_side() { return random_.below(2) == 0 ? Side::buy : Side::sell; }
    // Where the middle is; a crash of the only market moves it for a while.
    std::int64_t middle(std::uint32_t market) const { return middles_[market] - fallen_; }

    // Most orders stand near the middle: the smallest of three draws.
    Price resting_price(std::uint32_t market, Side side) {
        const std::int64_t distance =
            1 + std::min({below(shape_.depth_ticks), below(shape_.depth_ticks), below(shape_.depth_ticks)});
        const std::int64_t price = middle(market) + (side == Side::buy ? -distance : distance);
        return Price(std::max<std::int64_t>(price, 1));
    }
    Quantity resting_quantity() { return Quantity(random_.below(2) == 0 ? 100 : 1 + below(300)); }

    void place() {
        const std::uint32_t market = any_market();
        const std::uint32_t account = any_account();
        LimitOrder order;
        order.market = MarketId(market);
        order.side = any_side();
        order.price = resting_price(market, order.side);
        order.quantity = resting_quantity();
        Live live{account, market, {}, writer_.commits(), order.side};
        if (random_.chance(shape_.iceberg_ppm)) {
            SpecialOrder iceberg;
            iceberg.order = order;
            iceberg.display = order.quantity;
            iceberg.order.quantity = Quantity(order.quantity.value() * 10);
            live.order = writer_.add(account, Boxed<SpecialOrder>(iceberg));
        } else {
            live.order = writer_.add(account, order);
        }
        live_.push_back(live);
    }

    // An order that was open after the last commit, or came since; none if there is none.
    const Live* any_live() {
        while (!live_.empty()) {
            Live& chosen = live_[random_.below(live_.size())];
            if (chosen.commit == writer_.commits() || writer_.is_open(chosen.account, chosen.order))
                return &chosen;
            forget(&chosen);
        }
        return nullptr;
    }
    void forget(const Live* gone) {
        live_[static_cast<std::size_t>(gone - live_.data())] = live_.back();
        live_.pop_back();
    }

    void take(std::uint32_t market, Side side, std::int64_t reach, std::int64_t quantity_max) {
        LimitOrder order;
        order.market = MarketId(market);
        order.side = side;
        order.time_in_force = TimeInForce::ioc;
        order.price = Price(std::max<std::int64_t>(middle(market) + (side == Side::buy ? reach : -reach), 1));
        order.quantity = Quantity(1 + below(quantity_max));
        writer_.add(any_account(), order);
    }

    bool change_one(std::uint32_t kind) {
        const Live* live = any_live();
        if (live == nullptr) return false;
        Live target = *live;
        if (kind < shape_.cancel_ppm) {
            forget(live);
            writer_.add(target.account, CancelOrder{target.order});
        } else if (kind < shape_.cancel_ppm + shape_.reduce_ppm) {
            writer_.add(target.account, ReduceOrder{target.order, Quantity(1)});
        } else {
            forget(live);
            ReplaceOrder replace;
            replace.target = target.order;
            replace.price = resting_price(target.market, target.side);
            replace.quantity = resting_quantity();
            target.commit = writer_.commits();
            target.order = writer_.add(target.account, replace);
            live_.push_back(target);
        }
        return true;
    }

    void move_middle(std::uint32_t market) {
        if (random_.chance(shape_.drift_ppm))
            middles_[market] += (random_.below(2) == 0 ? 1 : -1) * shape_.drift_ticks;
        if (random_.chance(shape_.jump_ppm))
            middles_[market] = middles_[market] > middle_at_start + shape_.jump_ticks / 2
                                   ? middle_at_start
                                   : middle_at_start + shape_.jump_ticks;
        middles_[market] = std::max(middles_[market], shape_.depth_ticks + 1);
    }

    // True if this command was part of a crash.
    bool crash() {
        if (shape_.crash_every == 0) return false;
        const std::uint64_t phase = (writer_.operations() + shape_.crash_every / 2) % shape_.crash_every;
        const std::uint64_t fall = shape_.crash_commands, recovery = 8 * fall;
        const std::uint64_t left = phase < fall              ? phase * 8
                                   : phase < fall + recovery ? fall + recovery - phase
                                                             : 0;
        fallen_ = shape_.crash_ticks * static_cast<std::int64_t>(left) / static_cast<std::int64_t>(recovery);
        if (phase >= fall) return false;
        take(0, Side::sell, shape_.depth_ticks, crash_quantity);
        return true;
    }

    void step() {
        const std::uint32_t market = any_market();
        move_middle(market);
        if (crash()) return;
        const auto kind = static_cast<std::uint32_t>(random_.below(1'000'000));
        const std::uint32_t changes = shape_.cancel_ppm + shape_.reduce_ppm + shape_.replace_ppm;
        if (kind < changes && change_one(kind)) return;
        if (kind >= changes && kind < changes + shape_.take_ppm) {
            take(market, any_side(), 1 + shape_.take_ticks, shape_.take_quantity);
        } else {
            place();
        }
    }

    FlowShape shape_;
    Random random_;
    FlowWriter writer_;
    std::vector<std::int64_t> middles_;
    std::int64_t fallen_ = 0;  // ticks, in a crash
    std::vector<Live> live_;
};

}  // namespace

PreparedFlow make_shaped_flow(const FlowShape& shape, std::uint64_t operations, std::uint64_t seed) {
    return ShapedFlow(shape, seed).make(operations);
}

}  // namespace peerbook::app
