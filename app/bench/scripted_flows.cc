#include "app/bench/scripted_flows.h"

#include <algorithm>
#include <deque>

#include "base/random.h"

namespace peerbook::app {

using namespace exchange;

namespace {

constexpr std::uint32_t accounts = 1'000;

LimitOrder limit_order(Side side, std::int64_t price, std::int64_t quantity) {
    LimitOrder order;
    order.side = side;
    order.price = Price(price);
    order.quantity = Quantity(quantity);
    return order;
}

LimitOrder aggressor(Side side, std::int64_t price, std::int64_t quantity) {
    LimitOrder order = limit_order(side, price, quantity);
    order.time_in_force = TimeInForce::ioc;
    return order;
}

struct Placed {
    std::uint32_t account = 0;
    CommandRef order;
};

std::uint32_t any_account(Random& random) {
    return static_cast<std::uint32_t>(random.below(accounts));
}

}  // namespace

PreparedFlow make_one_level(const WorkloadSize& size) {
    constexpr std::int64_t price = 58'500;
    Random random(size.seed);
    FlowWriter writer("one-level", bench_rules(1), accounts);
    std::vector<Placed> queue;
    const auto place = [&] {
        const std::uint32_t account = any_account(random);
        queue.push_back({account, writer.add(account, limit_order(Side::buy, price, 100))});
    };
    writer.begin_resting();
    while (queue.size() < size.level_orders)
        place();
    writer.begin_flow();
    while (writer.operations() < size.operations) {
        place();
        Placed& chosen = queue[random.below(queue.size())];
        writer.add(chosen.account, CancelOrder{chosen.order});
        chosen = queue.back();
        queue.pop_back();
    }
    return writer.take();
}

PreparedFlow make_cancel_middle(const WorkloadSize& size) {
    constexpr std::int64_t middle = 58'500;
    constexpr std::size_t levels = 40, orders_a_level = 300;
    Random random(size.seed);
    FlowWriter writer("cancel-middle", bench_rules(1), accounts);
    std::vector<std::deque<Placed>> queues(levels);
    const auto place = [&](std::size_t level) {
        const Side side = level % 2 == 0 ? Side::buy : Side::sell;
        const auto distance = static_cast<std::int64_t>(1 + level / 2);
        const std::int64_t price = side == Side::buy ? middle - distance : middle + distance;
        const std::uint32_t account = any_account(random);
        queues[level].push_back({account, writer.add(account, limit_order(side, price, 100))});
    };
    writer.begin_resting();
    for (std::size_t i = 0; i < levels * orders_a_level; ++i)
        place(i % levels);
    writer.begin_flow();
    while (writer.operations() < size.operations) {
        place(random.below(levels));
        std::deque<Placed>& queue = queues[random.below(levels)];
        if (queue.size() < 4) continue;
        const std::size_t at = queue.size() / 4 + random.below(queue.size() / 2);
        writer.add(queue[at].account, CancelOrder{queue[at].order});
        queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return writer.take();
}

PreparedFlow make_alternate_best(const WorkloadSize& size) {
    constexpr std::int64_t middle = 1'000'000, gap_max = 200'000;
    Random random(size.seed);
    FlowWriter writer("alternate-best", bench_rules(1), accounts);
    writer.begin_resting();
    for (std::int64_t i = 0; i < 100; ++i)
        for (const Side side : {Side::buy, Side::sell}) {
            const std::int64_t distance = gap_max + i;
            writer.add(any_account(random),
                       limit_order(side, side == Side::buy ? middle - distance : middle + distance, 100));
        }
    writer.begin_flow();
    while (writer.operations() < size.operations) {
        const Side side = random.below(2) == 0 ? Side::buy : Side::sell;
        // Near gaps and far ones are equally likely on a logarithmic scale.
        const auto distance =
            static_cast<std::int64_t>(1 + random.below(std::uint64_t{gap_max} >> random.below(17)));
        const std::int64_t price = side == Side::buy ? middle - distance : middle + distance;
        const std::uint32_t account = any_account(random);
        const CommandRef order = writer.add(account, limit_order(side, price, 10));
        if (random.below(4) != 0)
            writer.add(account, CancelOrder{order});
        else
            writer.add((account + 1) % accounts, aggressor(opposite(side), price, 10));
    }
    return writer.take();
}

PreparedFlow make_stops_cascade(const WorkloadSize& size) {
    constexpr std::int64_t top = 500'000;
    const auto rungs = static_cast<std::int64_t>(size.cascade_orders);
    Random random(size.seed);
    FlowWriter writer("stops-cascade", bench_rules(1), accounts);
    // Makers have even accounts and takers odd ones, so that self-trade prevention never acts.
    const auto maker = [&] { return any_account(random) / 2 * 2; };
    const auto taker = [&] { return any_account(random) / 2 * 2 + 1; };
    writer.begin_resting();
    writer.add(maker(), limit_order(Side::buy, top, 1));
    writer.add(taker(), aggressor(Side::sell, top, 1));
    writer.begin_flow();
    // The last price is at `top`, going down, or rungs + 1 below it, going up.
    for (bool down = true; writer.operations() < size.operations; down = !down) {
        const std::int64_t from = down ? top : top - rungs - 1, step = down ? -1 : 1;
        const Side stop_side = down ? Side::sell : Side::buy;
        for (std::int64_t rung = 1; rung <= rungs + 1; ++rung)
            writer.add(maker(), limit_order(opposite(stop_side), from + rung * step, 1));
        for (std::int64_t rung = 1; rung <= rungs; ++rung) {
            SpecialOrder stop;
            stop.order = aggressor(stop_side, from + (rung + 1) * step, 1);
            stop.trigger = Trigger{Price(from + rung * step),
                                   down ? TriggerWhen::at_or_below : TriggerWhen::at_or_above};
            writer.add(taker(), Boxed<SpecialOrder>(stop));
        }
        writer.add(taker(), aggressor(stop_side, from + step, 1));
        // Stops that wait must be there before what sets them off, also where a commit reorders.
        writer.commit();
    }
    return writer.take();
}

PreparedFlow make_mass_quotes(const WorkloadSize& size) {
    constexpr std::uint32_t markets = 4, makers = 20;
    constexpr std::int64_t levels = 10, nearest = 10, quantity = 50;
    Random random(size.seed);
    FlowWriter writer("mass-quotes", bench_rules(markets), accounts);
    std::vector<std::int64_t> middles(markets, 58'500);
    const auto quote = [&](std::uint32_t maker, std::uint32_t market) {
        MassQuote mass;
        mass.market = MarketId(market);
        for (std::int64_t level = 0; level < levels; ++level)
            for (const Side side : {Side::buy, Side::sell}) {
                const std::int64_t distance = nearest + level + static_cast<std::int64_t>(random.below(3));
                mass.quotes.push_back({side,
                                       Price(middles[market] + (side == Side::buy ? -distance : distance)),
                                       Quantity(quantity)});
            }
        writer.add(maker, std::move(mass));
    };
    writer.begin_resting();
    for (std::uint32_t maker = 0; maker < makers; ++maker)
        for (std::uint32_t market = 0; market < markets; ++market)
            quote(maker, market);
    writer.begin_flow();
    while (writer.operations() < size.operations) {
        const auto market = static_cast<std::uint32_t>(random.below(markets));
        if (random.below(makers) == 0) middles[market] += random.below(2) == 0 ? 1 : -1;
        quote(static_cast<std::uint32_t>(random.below(makers)), market);
        if (random.below(2) != 0) continue;
        const Side side = random.below(2) == 0 ? Side::buy : Side::sell;
        LimitOrder take = aggressor(side, middles[market] + (side == Side::buy ? 2 : -2) * nearest, quantity);
        take.market = MarketId(market);
        writer.add(makers + static_cast<std::uint32_t>(random.below(accounts - makers)), take);
    }
    return writer.take();
}

}  // namespace peerbook::app
