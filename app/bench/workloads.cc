#include "app/bench/workloads.h"

#include <utility>

#include "app/bench/scripted_flows.h"
#include "app/bench/shaped_flow.h"

namespace peerbook::app {

namespace {

struct Shaped {
    FlowShape shape;
    const char* what;
};

FlowShape named(const char* name) {
    FlowShape shape;
    shape.name = name;
    return shape;
}

std::vector<Shaped> everyday_shapes() {
    std::vector<Shaped> all;
    all.push_back({named("stock-like"), "adds, cancels and trades in the shares of a busy stock"});
    FlowShape shape = named("quiet");
    shape.depth_ticks = 5;
    shape.drift_ppm = 500;
    shape.cancel_ppm = 480'000;
    shape.take_ppm = 10'000;
    all.push_back({shape, "few prices, hardly a trade"});
    shape = named("wide-swings");
    shape.jump_ppm = 500;
    shape.jump_ticks = 100'000;
    shape.depth_ticks = 1'000;
    all.push_back({shape, "the price jumps by 100,000 ticks and back"});
    shape = named("flash-crash");
    shape.crash_every = 50'000;
    shape.crash_ticks = 6'000;
    all.push_back({shape, "every 50,000 commands the price falls by a tenth, and recovers"});
    shape = named("64-markets");
    shape.markets = 64;
    shape.resting_before = 500;
    all.push_back({shape, "as stock-like, each command in any of 64 markets"});
    return all;
}

std::vector<Shaped> one_sided_shapes(const WorkloadSize& size) {
    std::vector<Shaped> all;
    FlowShape shape = named("add-cancel");
    shape.cancel_ppm = 490'000;
    shape.reduce_ppm = 0;
    shape.take_ppm = 0;
    all.push_back({shape, "adds and cancels alone"});
    shape = named("replaces");
    shape.cancel_ppm = 200'000;
    shape.replace_ppm = 500'000;
    all.push_back({shape, "half of the commands replace an open order"});
    shape = named("sweeps");
    shape.cancel_ppm = 100'000;
    shape.take_ppm = 100'000;
    shape.take_ticks = 10;
    shape.take_quantity = 3'000;
    all.push_back({shape, "each tenth command takes up to twenty orders"});
    shape = named("icebergs");
    shape.iceberg_ppm = 300'000;
    shape.cancel_ppm = 350'000;
    shape.take_ppm = 200'000;
    shape.take_quantity = 1'500;
    all.push_back({shape, "three in ten orders hide nine tenths of themselves"});
    shape = named("batch-auction");
    shape.matches_in_batches = true;
    shape.depth_ticks = 50;
    shape.take_ppm = 100'000;
    all.push_back({shape, "a market that trades at one price at the end of each commit"});
    shape = named("deep-book");
    shape.depth_ticks = 1'500;
    shape.resting_before = size.deep_orders;
    all.push_back({shape, "as stock-like, in front of very many resting orders"});
    return all;
}

}  // namespace

std::vector<Workload> generated_workloads(const WorkloadSize& size) {
    std::vector<Workload> all;
    const auto add_shapes = [&](const std::vector<Shaped>& shapes) {
        for (const Shaped& shaped : shapes)
            all.push_back({shaped.shape.name, shaped.what, [shape = shaped.shape, size] {
                               return Result<PreparedFlow>(
                                   make_shaped_flow(shape, size.operations, size.seed));
                           }});
    };
    const auto add_script = [&](const char* name, const char* what,
                                PreparedFlow (*make)(const WorkloadSize&)) {
        all.push_back({name, what, [make, size] { return Result<PreparedFlow>(make(size)); }});
    };
    add_shapes(everyday_shapes());
    add_shapes(one_sided_shapes(size));
    add_script("one-level", "all orders at one price, cancelled anywhere in the queue", make_one_level);
    add_script("cancel-middle", "cancels out of the middle of forty queues", make_cancel_middle);
    add_script("alternate-best", "the best price flips with each command, over wide gaps",
               make_alternate_best);
    add_script("stops-cascade", "stops that trigger each other by the thousand", make_stops_cascade);
    add_script("mass-quotes", "makers replace twenty quotes at once", make_mass_quotes);
    return all;
}

}  // namespace peerbook::app
