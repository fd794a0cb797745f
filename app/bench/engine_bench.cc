#include "app/bench/engine_bench.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>

#include "app/bench/workloads.h"
#include "exchange/engine/engine.h"

namespace peerbook::app {

namespace {

using namespace exchange;
using Timer = std::chrono::steady_clock;

// Below this the fixed parts (windows of levels, tables) hide what one order costs.
constexpr std::uint64_t orders_for_bytes_min = 100'000;
constexpr std::size_t percentile_commands_max = 200'000;

std::uint64_t ns_since(Timer::time_point start) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(Timer::now() - start).count());
}

std::uint64_t median_timer_overhead() {
    std::vector<std::uint64_t> times(10'001);
    for (std::uint64_t& time : times)
        time = ns_since(Timer::now());
    std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
    return times[times.size() / 2];
}

// An engine after its setup, with undo pruned as a node prunes it.
class Run {
  public:
    explicit Run(const PreparedFlow& flow) : engine_(flow.rules) {
        events_.reserve(64 * batch_commands);
        memory_empty_ = engine_.stats().memory_bytes;
        for (const CommandBatch& batch : flow.setup)
            apply(batch);
    }

    void apply(const CommandBatch& batch) {
        events_.clear();
        marks_.push_back(engine_.mark());
        engine_.apply(batch, 0, events_);
        if (marks_.size() > undo_batches_kept) {
            marks_.pop_front();
            engine_.prune_undo(marks_.front());
        }
    }
    const Engine& engine() const { return engine_; }
    const EventBuffer& events() const { return events_; }
    std::uint64_t memory_empty() const { return memory_empty_; }

  private:
    Engine engine_;
    EventBuffer events_;
    std::deque<UndoMark> marks_;
    std::uint64_t memory_empty_ = 0;
};

double measure_mean(const PreparedFlow& flow, std::uint64_t commands) {
    Run run(flow);
    const Timer::time_point start = Timer::now();
    for (const CommandBatch& batch : flow.flow)
        run.apply(batch);
    return static_cast<double>(ns_since(start)) / static_cast<double>(commands);
}

void measure_percentiles(const PreparedFlow& flow, WorkloadFigures& figures) {
    Run run(flow);
    std::vector<std::uint64_t> times;
    times.reserve(percentile_commands_max);
    CommandBatch single;
    single.commands.resize(1);
    for (const CommandBatch& batch : flow.flow) {
        single.kind = batch.kind;
        single.signer = batch.signer;
        for (const Command& command : batch.commands) {
            single.commands[0] = command;
            const Timer::time_point start = Timer::now();
            run.apply(single);
            times.push_back(ns_since(start));
        }
        if (times.size() >= percentile_commands_max) break;
    }
    if (times.empty()) return;
    std::sort(times.begin(), times.end());
    figures.p50_ns = times[times.size() / 2];
    figures.p99_ns = times[times.size() * 99 / 100];
}

void count_outcomes(const PreparedFlow& flow, WorkloadFigures& figures) {
    Run run(flow);
    std::uint64_t undo_bytes = 0, orders_max = run.engine().stats().resting_orders;
    std::uint64_t undo_commands = 0;
    for (const CommandBatch& batch : flow.flow) {
        run.apply(batch);
        figures.commands += batch.commands.size();
        for (const Event& event : run.events()) {
            figures.fills += event.kind == EventKind::filled;
            figures.rejected += event.kind == EventKind::rejected;
        }
    }
    const EngineStats stats = run.engine().stats();
    for (std::size_t i = 0; i < std::min(undo_batches_kept, flow.flow.size()); ++i)
        undo_commands += flow.flow[flow.flow.size() - 1 - i].commands.size();
    undo_bytes = stats.undo_bytes;
    figures.resting_orders = stats.resting_orders;
    orders_max = std::max(orders_max, stats.resting_orders);
    if (orders_max >= orders_for_bytes_min)
        figures.bytes_per_resting_order =
            static_cast<double>(stats.memory_bytes - run.memory_empty()) / static_cast<double>(orders_max);
    if (undo_commands > 0)
        figures.undo_bytes_per_command = static_cast<double>(undo_bytes) / static_cast<double>(undo_commands);
}

WorkloadFigures measure(const PreparedFlow& flow, std::uint32_t rounds) {
    WorkloadFigures figures;
    figures.name = flow.name;
    count_outcomes(flow, figures);
    if (figures.commands == 0) return figures;
    for (std::uint32_t round = 0; round < std::max(rounds, 1u); ++round) {
        const double mean = measure_mean(flow, figures.commands);
        figures.mean_ns = round == 0 ? mean : std::min(figures.mean_ns, mean);
    }
    measure_percentiles(flow, figures);
    return figures;
}

std::vector<FlowShape> shapes(const EngineBenchOptions& options) {
    std::vector<FlowShape> all;
    FlowShape shape;
    shape.name = "stock-like";
    all.push_back(shape);
    shape.name = "64-markets";
    shape.markets = 64;
    shape.resting_before = 500;
    all.push_back(shape);
    shape = FlowShape();
    shape.name = "add-cancel";
    shape.cancel_ppm = 500'000;
    shape.reduce_ppm = 0;
    shape.take_ppm = 0;
    all.push_back(shape);
    shape = FlowShape();
    shape.name = "sweeps";
    shape.cancel_ppm = 100'000;
    shape.take_ppm = 100'000;
    shape.take_ticks = 10;
    shape.take_quantity = 3'000;
    all.push_back(shape);
    shape = FlowShape();
    shape.name = "wide-swings";
    shape.jump_ppm = 20'000;
    shape.jump_ticks = 100'000;
    shape.depth_ticks = 1'000;
    all.push_back(shape);
    shape = FlowShape();
    shape.name = "deep-book";
    shape.depth_ticks = 1'500;
    shape.resting_before = options.deep_book_orders;
    all.push_back(shape);
    return all;
}

std::string printed(const char* format, double value) {
    char text[64];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

}  // namespace

EngineBenchReport run_engine_bench(const EngineBenchOptions& options) {
    EngineBenchReport report;
    report.seed = options.seed;
    report.timer_overhead_ns = median_timer_overhead();
    for (const PreparedFlow& flow : options.recorded)
        if (options.only.empty() || options.only == flow.name)
            report.workloads.push_back(measure(flow, options.rounds));
    for (const FlowShape& shape : shapes(options))
        if (options.only.empty() || options.only == shape.name)
            report.workloads.push_back(
                measure(make_flow(shape, options.commands, options.seed), options.rounds));
    return report;
}

std::string to_table(const EngineBenchReport& report) {
    std::string text =
        "workload          commands     fills  rejected  ns/command     p50     p99   resting  bytes/order  "
        "undo B/cmd\n";
    for (const WorkloadFigures& row : report.workloads) {
        char line[200];
        std::snprintf(
            line, sizeof line, "%-14s %11llu %9llu %9llu %11.1f %7llu %7llu %9llu %12s %11.1f\n",
            row.name.c_str(), static_cast<unsigned long long>(row.commands),
            static_cast<unsigned long long>(row.fills), static_cast<unsigned long long>(row.rejected),
            row.mean_ns, static_cast<unsigned long long>(row.p50_ns),
            static_cast<unsigned long long>(row.p99_ns), static_cast<unsigned long long>(row.resting_orders),
            row.bytes_per_resting_order > 0 ? printed("%.1f", row.bytes_per_resting_order).c_str() : "-",
            row.undo_bytes_per_command);
        text += line;
    }
    text += "One thread; p50 and p99 time each command alone and include " +
            std::to_string(report.timer_overhead_ns) + " ns of the timer.\n";
    return text;
}

std::string to_json(const EngineBenchReport& report) {
    std::string text = "{\"seed\":" + std::to_string(report.seed) +
                       ",\"timer_overhead_ns\":" + std::to_string(report.timer_overhead_ns) +
                       ",\"workloads\":[";
    const char* separator = "";
    for (const WorkloadFigures& row : report.workloads) {
        text += separator;
        text += "{\"name\":\"" + row.name + "\",\"commands\":" + std::to_string(row.commands) +
                ",\"fills\":" + std::to_string(row.fills) + ",\"rejected\":" + std::to_string(row.rejected) +
                ",\"mean_ns\":" + printed("%.2f", row.mean_ns) + ",\"p50_ns\":" + std::to_string(row.p50_ns) +
                ",\"p99_ns\":" + std::to_string(row.p99_ns) +
                ",\"resting_orders\":" + std::to_string(row.resting_orders) +
                ",\"bytes_per_resting_order\":" + printed("%.2f", row.bytes_per_resting_order) +
                ",\"undo_bytes_per_command\":" + printed("%.2f", row.undo_bytes_per_command) + "}";
        separator = ",";
    }
    return text + "]}";
}

}  // namespace peerbook::app
