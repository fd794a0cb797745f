// What the engine takes from the heap: nothing for traffic that it has seen the like of, and back comes what
// a burst took. This program counts every `new`.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>
#include <utility>

#include "app/bench/engine_run.h"
#include "app/bench/workloads.h"

namespace {

std::uint64_t allocations = 0;  // no test here starts a thread

void* counted(void* memory) {
    ++allocations;
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace

void* operator new(std::size_t bytes) {
    return counted(std::malloc(std::max<std::size_t>(bytes, 1)));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    const auto align = static_cast<std::size_t>(alignment);
    return counted(std::aligned_alloc(align, (std::max<std::size_t>(bytes, 1) + align - 1) / align * align));
}
// Not inlined: g++ would take the pair for a mismatched one.
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

namespace peerbook::app {
namespace {

using namespace exchange;

TEST(EngineMemory, OfAnyWorkloadThatComesAgainIsThereAlready) {
    WorkloadSize size;
    size.operations = 4'000;  // as many orders as leave their pages' memory where it is
    size.deep_orders = 20'000;
    size.level_orders = 5'000;
    size.cascade_orders = 300;
    for (const Workload& workload : generated_workloads(size)) {
        const PreparedFlow flow = *workload.make();
        EngineRun run(flow, flow.flow.size());
        run.commit_each(flow.opening);
        run.commit_each(flow.resting);
        run.settle();
        Engine& engine = run.engine();
        const UndoMark start = engine.mark();
        EventBuffer events;
        const auto execute = [&] {
            std::int64_t time = 1'000'000;
            for (const CommandBatch& commit : flow.flow) {
                events.clear();
                engine.apply({WallTime{++time}, flow.rules.rules_version, {&commit, 1}}, events);
            }
            engine.undo_to(start);
        };
        execute();
        const std::uint64_t bytes = engine.stats().memory_bytes, before = allocations;
        execute();
        EXPECT_EQ(allocations, before) << workload.name;
        EXPECT_LE(engine.stats().memory_bytes, bytes) << workload.name;
    }
}

// Accounts 0 to 7 quote, the others take; in market 0 at once, in market 1 in batches. Each round uses every
// kind of command that traders send, and leaves nothing open.
class Round {
  public:
    explicit Round(FlowWriter& writer) : writer_(writer) {}

    void write() {
        for (std::uint32_t maker = 0; maker < 8; ++maker)
            make(maker);
        writer_.commit();
        for (std::uint32_t taker = 8; taker < 12; ++taker)
            take(taker);
        writer_.commit();
        trade_in_batches();
        for (std::uint32_t account = 0; account < 12; ++account)
            writer_.add(account, CancelAll{});
        // The next round's time is behind every expiry and switch.
        writer_.commit();
    }

  private:
    static LimitOrder order(Side side, std::int64_t price, std::int64_t quantity, std::uint32_t market = 0) {
        LimitOrder order;
        order.market = MarketId(market);
        order.side = side;
        order.price = Price(price);
        order.quantity = Quantity(quantity);
        return order;
    }

    void make(std::uint32_t maker) {
        const std::int64_t away = 1 + maker;
        writer_.add(maker, CancelAfter{Duration::milliseconds(2)});
        for (const Side side : {Side::buy, Side::sell}) {
            const std::int64_t step = side == Side::buy ? -1 : 1;
            const std::int64_t price = 10'000 + step * away;
            LimitOrder plain = order(side, price, 20);
            const CommandRef reduced = writer_.add(maker, plain);
            plain.post_only = true;
            const CommandRef replaced = writer_.add(maker, plain);
            SpecialOrder special;
            special.order = order(side, price, 50);
            special.display = Quantity(5);
            writer_.add(maker, Boxed<SpecialOrder>(special));
            special.expires_at = WallTime{static_cast<std::int64_t>(writer_.commits()) + 2};
            const CommandRef cancelled = writer_.add(maker, Boxed<SpecialOrder>(special));
            writer_.add(maker, Boxed<SpecialOrder>(special));
            writer_.add(maker, order(side, price + step * 20'000, 1));  // outside of the window
            writer_.add(maker, ReduceOrder{reduced, Quantity(3)});
            ReplaceOrder replace;
            replace.target = replaced;
            replace.price = Price(price + step);
            replace.quantity = Quantity(7);
            writer_.add(maker, Boxed<ReplaceOrder>(replace));
            writer_.add(maker, CancelOrder{cancelled});
            writer_.add(maker, CancelOrder{{1, 0}});  // there is none
            // What the takers set off.
            SpecialOrder stop;
            stop.order = order(side, 10'000 - step * 100, 2);
            stop.order.time_in_force = TimeInForce::ioc;
            stop.trigger = Trigger{Price(10'000 - step * 2),
                                   side == Side::buy ? TriggerWhen::at_or_above : TriggerWhen::at_or_below};
            writer_.add(maker, Boxed<SpecialOrder>(stop));
        }
        MassQuote quotes;
        quotes.market = MarketId(0);
        for (std::int64_t level = 0; level < 5; ++level) {
            quotes.quotes.push_back({Side::buy, Price(9'990 - level), Quantity(10)});
            quotes.quotes.push_back({Side::sell, Price(10'010 + level), Quantity(10)});
        }
        writer_.add(maker, quotes);
        quotes.quotes.pop_back();
        writer_.add(maker, std::move(quotes));
    }

    void take(std::uint32_t taker) {
        for (const Side side : {Side::buy, Side::sell}) {
            const std::int64_t limit = side == Side::buy ? 10'030 : 9'970;
            for (const TimeInForce ends : {TimeInForce::gtc, TimeInForce::ioc, TimeInForce::fok}) {
                LimitOrder taking = order(side, limit, 33);
                taking.time_in_force = ends;
                writer_.add(taker, taking);
            }
            writer_.add(taker, MarketOrder{MarketId(0), side, {}, Quantity(5), Price(limit)});
            for (const SelfTradePrevention mode :
                 {SelfTradePrevention::cancel_newest, SelfTradePrevention::cancel_oldest,
                  SelfTradePrevention::cancel_both, SelfTradePrevention::decrement}) {
                writer_.add(taker, order(side, 10'000, 4));
                LimitOrder own = order(opposite(side), 10'000, 6);
                own.self_trade = mode;
                writer_.add(taker, own);
            }
        }
        writer_.add(taker, BudgetOrder{MarketId(0), {}, Price(10'030), Amount{1'000'000'000'000}});
        writer_.add(taker, Faucet{AssetId(0), 5});
        writer_.add(taker, order(Side::buy, 0, 1));  // refused
    }

    void trade_in_batches() {
        for (std::uint32_t account = 0; account < 12; ++account)
            for (const Side side : {Side::buy, Side::sell}) {
                const std::int64_t inside = side == Side::buy ? 5 : -5;
                writer_.add(account, order(side, 10'000 + inside, 7 + account, 1));
                LimitOrder at_once = order(side, 10'000 + inside, 3, 1);
                at_once.time_in_force = TimeInForce::ioc;
                writer_.add(account, at_once);
            }
        writer_.commit();
    }

    FlowWriter& writer_;
};

TEST(EngineMemory, OfSteadyTrafficOfEveryKindIsThereAlready) {
    NetworkRules rules = bench_rules(2);
    rules.markets[1].matching = MatchingMode::batch;
    FlowWriter writer("every kind", rules, 12);
    constexpr int rounds = 60, first_rounds = 40;
    constexpr std::size_t undo_kept = 4;
    writer.begin_resting();
    for (int i = 0; i < first_rounds; ++i)
        Round(writer).write();
    writer.begin_flow();
    for (int i = first_rounds; i < rounds; ++i)
        Round(writer).write();
    const PreparedFlow flow = writer.take();
    EngineRun run(flow, undo_kept);
    run.commit_each(flow.opening);
    run.commit_each(flow.resting);
    Engine& engine = run.engine();
    EventBuffer events;
    events.reserve(64 * commit_commands);
    std::array<UndoMark, undo_kept> marks{};
    marks.fill(engine.mark());
    std::size_t commits = flow.opening.size() + flow.resting.size();
    const std::uint64_t bytes = engine.stats().memory_bytes, before = allocations;
    for (const CommandBatch& commit : flow.flow) {
        events.clear();
        engine.prune_undo(std::exchange(marks[commits % undo_kept], engine.mark()));
        engine.apply({WallTime{static_cast<std::int64_t>(++commits)}, flow.rules.rules_version, {&commit, 1}},
                     events);
    }
    EXPECT_EQ(allocations, before);
    EXPECT_EQ(engine.stats().memory_bytes, bytes);
    EXPECT_EQ(engine.stats().resting_orders, 0u);
    const Status sound = engine.check_invariants();
    EXPECT_TRUE(sound.ok()) << sound.error().message;
}

// Orders of 500 accounts, plain ones or icebergs that expire; then all cancel all, and little traffic goes
// on.
PreparedFlow make_burst(std::uint64_t orders, bool are_special) {
    constexpr std::uint32_t accounts = 500;
    FlowWriter writer("burst", bench_rules(1), accounts);
    writer.begin_resting();
    for (std::uint64_t i = 0; i < orders; ++i) {
        SpecialOrder special;
        special.order.side = Side::buy;
        special.order.price = Price(50'000 - static_cast<std::int64_t>(i % 6'000));
        special.order.quantity = Quantity(10);
        special.display = Quantity(1);
        special.expires_at = WallTime{std::int64_t{1} << 40};
        const auto account = static_cast<std::uint32_t>(i % accounts);
        if (are_special)
            writer.add(account, Boxed<SpecialOrder>(special));
        else
            writer.add(account, special.order);
    }
    writer.begin_flow();
    for (std::uint32_t account = 0; account < accounts; ++account)
        writer.add(account, CancelAll{});
    // Some memory comes back bit by bit with it.
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        LimitOrder order;
        order.price = Price(1 + i % 7);
        order.quantity = Quantity(1);
        const CommandRef placed = writer.add(i % accounts, order);
        writer.add(i % accounts, CancelOrder{placed});
    }
    return writer.take();
}

std::uint64_t grown_since(std::uint64_t before) {
    return std::max(heap_bytes(), before) - before;
}

// A burst whose orders rest, all of them.
struct Burst {
    explicit Burst(const PreparedFlow& of) : flow(of), run(of, 0) {
        run.commit_each(flow.opening);
        run.settle();
        heap_before = heap_bytes();
        run.commit_each(flow.resting);
        run.settle();
        full = grown_since(heap_before);
    }
    const PreparedFlow& flow;
    EngineRun run;
    std::uint64_t heap_before = 0, full = 0;  // before the orders; by how much they made the heap grow
};

// Just after the index and the accounts' lists were doubled, and just before.
TEST(EngineMemory, OfARestingOrderIsAtMost96BytesAllIn) {
    for (const std::uint64_t orders : {130'000u, 140'000u, 260'000u, 270'000u}) {
        const PreparedFlow flow = make_burst(orders, false);
        Burst burst(flow);
        EXPECT_EQ(burst.run.engine().stats().resting_orders, orders);
        EXPECT_LE(burst.full, 96 * orders) << orders << " orders";
        EXPECT_GE(burst.full, 64 * orders) << orders << " orders";
    }
}

TEST(EngineMemory, OfABurstComesBack) {
    constexpr std::uint64_t orders = 400'000;
    // Rings of undo, spare pages and a huge page wait for the next burst, however large the last one was.
    constexpr std::uint64_t kept = 5 << 20;
    for (const bool are_special : {false, true}) {
        const PreparedFlow flow = make_burst(orders, are_special);
        Burst burst(flow);
        EXPECT_GT(burst.full, 64 * orders);
        burst.run.commit_each(flow.flow);
        burst.run.settle();
        EXPECT_EQ(burst.run.engine().stats().resting_orders, 0u);
        EXPECT_LE(grown_since(burst.heap_before), kept + burst.full / 20)
            << (are_special ? "icebergs that expire" : "plain orders");
    }
}

}  // namespace
}  // namespace peerbook::app
