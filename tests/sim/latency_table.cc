#include "tests/sim/latency_table.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace peerbook::sim {

namespace {

constexpr std::array heads = {"links",       "nodes",   "orders/s",     "prov. p50 ms", "p99",
                              "settled p50", "p99",     "replays/cmd",  "bytes/cmd",    "KB/s a node",
                              "blocks/s",    "empty %", "sent again %", "refused",      "CPU s/node s"};
using Cells = std::array<std::string, heads.size()>;

// `value` / `by`, with so many places.
std::string ratio(std::uint64_t value, std::uint64_t by, int places) {
    char text[40];
    const double quotient = by == 0 ? 0 : static_cast<double>(value) / static_cast<double>(by);
    std::snprintf(text, sizeof text, "%.*f", places, quotient);
    return text;
}

std::string milliseconds(const std::vector<std::int64_t>& sorted_us, std::uint32_t percent) {
    if (sorted_us.empty()) return "-";
    return ratio(static_cast<std::uint64_t>(percentile(sorted_us, percent)), 1'000, 1);
}

Cells cells_of(const LatencyRow& row) {
    const LatencyResult& result = row.result;
    const std::uint64_t nodes = row.plan.nodes;
    const auto us = static_cast<std::uint64_t>(row.plan.measured_us);
    return {row.links,
            std::to_string(nodes),
            std::to_string(row.plan.orders_per_second),
            milliseconds(result.provisional_us, 50),
            milliseconds(result.provisional_us, 99),
            milliseconds(result.settled_us, 50),
            milliseconds(result.settled_us, 99),
            ratio(result.replayed, result.executed_first, 2),
            ratio(result.bytes, result.submitted, 0),
            ratio(result.bytes * 1'000, us * nodes, 0),
            ratio(result.blocks * 1'000'000, us, 0),
            ratio(result.empty_blocks * 100, result.blocks, 0),
            ratio(result.blocks_again * 100, result.blocks * (nodes - 1), 1),
            std::to_string(result.refused),
            ratio(static_cast<std::uint64_t>(row.cpu_us),
                  static_cast<std::uint64_t>(result.virtual_us) * nodes, 3)};
}

}  // namespace

std::string latency_table(const std::vector<LatencyRow>& rows, bool markdown) {
    std::vector<Cells> lines(1);
    std::copy(heads.begin(), heads.end(), lines.front().begin());
    for (const LatencyRow& row : rows)
        lines.push_back(cells_of(row));
    if (markdown) {
        lines.insert(lines.begin() + 1, Cells());
        lines[1].fill("---");
    }
    std::array<std::size_t, heads.size()> widths{};
    for (const Cells& line : lines)
        for (std::size_t i = 0; i < line.size(); ++i)
            widths[i] = std::max(widths[i], line[i].size());
    std::string text;
    for (const Cells& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            if (markdown)
                text += "| " + line[i] + " ";
            else
                text += (i == 0 ? "" : "  ") + std::string(widths[i] - line[i].size(), ' ') + line[i];
        }
        text += markdown ? "|\n" : "\n";
    }
    return text;
}

std::string latency_notes(const std::vector<LatencyRow>& rows) {
    std::uint64_t orders = 0, traded = 0, answered = 0, rejected = 0;
    for (const LatencyRow& row : rows) {
        orders += row.result.orders;
        traded += row.result.orders_traded;
        rejected += row.result.rejected;
        answered += row.result.provisional_us.size() + row.result.settled_us.size();
    }
    std::string text =
        "Virtual time: work costs none of it and bandwidth has no limit, so these figures are the "
        "protocol's\n"
        "and not a machine's. Modelled are links, one disk write at a time, and HAND_OVER us until a node "
        "takes\n"
        "what came in.\n"
        "prov., settled  from submit() to the answer at that node; half of the commands wait for each\n"
        "replays/cmd     executions beyond the first, mean of the nodes\n"
        "bytes/cmd       sent by all nodes together, with kind and frame, without TLS\n"
        "sent again      blocks sent because a peer asked for them, of all that were pushed\n"
        "CPU             real seconds a node and virtual second, with the simulator's own work. Not in it:\n"
        "                Ed25519 (a real node checks one signature a block, about 45 us on another core), "
        "TLS, disk\n";
    const std::string hand_over = std::to_string(rows.empty() ? 0 : rows.front().plan.hand_over_us);
    text.replace(text.find("HAND_OVER"), 9, hand_over);
    return text + "Of the orders " + ratio(traded * 100, orders, 0) + " % traded at once. " +
           ratio(rejected * 100, answered, 0) + " % of the commands were rejected: cancels after the fill.\n";
}

}  // namespace peerbook::sim
