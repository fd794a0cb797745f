#include "app/bench/bench_report.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "app/bench/json_text.h"

namespace peerbook::app {

namespace {

constexpr double mega = 1e6;

[[gnu::format(printf, 1, 2)]] std::string printed(const char* format, ...) {
    char text[256];
    std::va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return text;
}

unsigned long long wide(std::uint64_t value) {
    return value;
}

double operations_per_second(const WorkloadFigures& row) {
    return row.mean_ns > 0 ? 1e9 / row.mean_ns : 0;
}

std::string main_table(const EngineBenchReport& report) {
    std::string text = printed("%-15s %9s %8s %8s %7s %7s %6s %6s %7s %9s %9s %7s %7s %15s\n", "workload",
                               "ops", "fills", "rejected", "M op/s", "ns/op", "p50", "p99", "p99.9", "max",
                               "resting", "B/order", "undo B", "MB peak > after");
    for (const WorkloadFigures& row : report.workloads) {
        text += printed("%-15s %9llu %8llu %8llu %7.2f %7.1f %6llu %6llu %7llu %9llu %9llu ",
                        row.name.c_str(), wide(row.operations), wide(row.fills), wide(row.rejected),
                        operations_per_second(row) / mega, row.mean_ns, wide(row.p50_ns), wide(row.p99_ns),
                        wide(row.p999_ns), wide(row.max_ns), wide(row.resting_orders));
        text += row.bytes_per_resting_order > 0 ? printed("%7.1f", row.bytes_per_resting_order)
                                                : printed("%7s", "-");
        text += printed(" %7.1f %7.1f > %5.1f\n", row.undo_bytes_per_operation,
                        static_cast<double>(row.memory_peak_bytes) / mega,
                        static_cast<double>(row.memory_after_bytes) / mega);
    }
    text += "One thread. ns/op: commits of " + std::to_string(commit_commands) +
            " commands, of each the fastest round. p50 … max: ns of a single command as a commit of its own, "
            "all rounds, "
            "with\n" +
            std::to_string(report.timer_overhead_ns) +
            " ns of the timer in each. after: when every account has cancelled everything.\n";
    return text;
}

std::string counter_table(const EngineBenchReport& report) {
    if (!report.no_counters.empty()) return "No cycles and cache misses: " + report.no_counters + ".\n";
    const auto cell = [](const std::optional<double>& value) {
        return value ? printed(" %12.2f", *value) : printed(" %12s", "-");
    };
    std::string text = printed("\n%-15s %12s %12s %12s %12s\n", "an operation", "cycles", "instructions",
                               "L1d misses", "LLC misses");
    for (const WorkloadFigures& row : report.workloads)
        text += printed("%-15s", row.name.c_str()) + cell(row.counters.cycles) +
                cell(row.counters.instructions) + cell(row.counters.l1d_misses) +
                cell(row.counters.llc_misses) + "\n";
    return text;
}

std::string parts_table(const EngineBenchReport& report) {
    // Columns in the order in which they first appear; a workload may lack some.
    std::vector<PartFigures> columns;
    for (const WorkloadFigures& row : report.workloads)
        for (const PartFigures& part : row.parts)
            if (std::none_of(columns.begin(), columns.end(),
                             [&](const PartFigures& known) { return known.name == part.name; }))
                columns.push_back(part);
    if (columns.empty()) return "";
    std::string text = printed("\n%-15s", "parts");
    for (const PartFigures& column : columns)
        text += printed(" %11s", column.name.c_str());
    text += printed("\n%-15s", "");
    for (const PartFigures& column : columns)
        text += printed(" %11s", column.unit.c_str());
    text += "\n";
    for (const WorkloadFigures& row : report.workloads) {
        text += printed("%-15s", row.name.c_str());
        for (const PartFigures& column : columns) {
            const auto part = std::find_if(row.parts.begin(), row.parts.end(),
                                           [&](const PartFigures& each) { return each.name == column.name; });
            text += part != row.parts.end() ? printed(" %11.1f", part->value) : printed(" %11s", "-");
        }
        text += "\n";
    }
    return text + "Each part alone, on warm caches: they do not add up to ns/op.\n";
}

std::string number(const char* name, double value) {
    return printed(",\"%s\":%.2f", name, value);
}

std::string number(const char* name, std::uint64_t value) {
    return printed(",\"%s\":%llu", name, wide(value));
}

std::string number(const char* name, const std::optional<double>& value) {
    return value ? number(name, *value) : "";
}

std::string to_json(const WorkloadFigures& row) {
    std::string text = "{\"name\":" + quoted(row.name) + ",\"what\":" + quoted(row.what);
    text += number("commands", row.commands) + number("operations", row.operations) +
            number("events", row.events) + number("fills", row.fills) + number("triggered", row.triggered) +
            number("rejected", row.rejected) + number("operations_per_s", operations_per_second(row)) +
            number("mean_ns", row.mean_ns) + number("p50_ns", row.p50_ns) + number("p99_ns", row.p99_ns) +
            number("p999_ns", row.p999_ns) + number("max_ns", row.max_ns) +
            number("resting_orders", row.resting_orders) +
            number("bytes_per_resting_order", row.bytes_per_resting_order) +
            number("undo_bytes_per_operation", row.undo_bytes_per_operation) +
            number("memory_peak_bytes", row.memory_peak_bytes) +
            number("memory_after_bytes", row.memory_after_bytes) + number("cycles", row.counters.cycles) +
            number("instructions", row.counters.instructions) +
            number("l1d_misses", row.counters.l1d_misses) + number("llc_misses", row.counters.llc_misses);
    text += ",\"parts\":[";
    const char* separator = "";
    for (const PartFigures& part : row.parts) {
        text += separator;
        text += "{\"name\":" + quoted(part.name) + ",\"unit\":" + quoted(part.unit) +
                number("value", part.value) + number("count", part.count) + "}";
        separator = ",";
    }
    return text + "]}";
}

std::string list_of(const std::vector<std::string>& texts) {
    std::string out = "[";
    for (const std::string& text : texts)
        out += (out.size() > 1 ? "," : "") + quoted(text);
    return out + "]";
}

}  // namespace

std::string to_table(const EngineBenchReport& report) {
    std::string text = main_table(report) + counter_table(report) + parts_table(report);
    for (const std::string& line : report.skipped)
        text += line + "\n";
    return text;
}

std::string to_json(const EngineBenchReport& report) {
    std::string text = "{\"seed\":" + std::to_string(report.seed) +
                       number("timer_overhead_ns", report.timer_overhead_ns) +
                       ",\"no_counters\":" + quoted(report.no_counters) +
                       ",\"skipped\":" + list_of(report.skipped) + ",\"workloads\":[";
    const char* separator = "";
    for (const WorkloadFigures& row : report.workloads) {
        text += separator + to_json(row);
        separator = ",";
    }
    return text + "]}";
}

}  // namespace peerbook::app
