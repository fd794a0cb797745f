// sim_latency: how long commands take to settle, for numbers of nodes, links and rates, in virtual time.
// scripts/settle_latency builds and calls it.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/latency_table.h"

namespace peerbook::sim {
namespace {

constexpr const char* usage =
    "usage: sim_latency [--nodes 3,5,20] [--rates 200,2000,20000] [--links lan,wan] [--seconds N]\n"
    "                   [--seed S] [--sync-us N] [--ack-ms N] [--batch-ms N] [--late-ppm N] [--markdown]\n"
    "  --nodes    numbers of nodes, 1 to 64; all are members\n"
    "  --rates    orders a second of the whole network, 1 to 200000\n"
    "  --seconds  measured, after 2 s of warm-up; 1 to 600\n"
    "  --sync-us  one write to disk, in microseconds (1000)\n"
    "  --ack-ms   the nodes' ack_delay (5 on a LAN, 20 on a WAN)\n"
    "  --batch-ms the nodes' batch_delay: the least time between two blocks of a node (1)\n"
    "  --late-ppm so many of a million messages are three times as late (0 on a LAN, 10000 on a WAN)\n";
constexpr std::uint64_t nodes_max = 64, rate_max = 200'000, seconds_max = 600;

struct Arguments {
    std::vector<std::uint64_t> nodes = {3, 5, 20}, rates = {200, 2'000, 20'000};
    std::vector<std::string> links = {"lan", "wan"};
    std::uint64_t seconds = 10, seed = 1, sync_us = 1'000;
    std::optional<std::uint64_t> ack_ms, batch_ms, late_ppm;  // else as the plan has it
    bool markdown = false, help = false;
};

bool complain(const std::string& what) {
    std::fprintf(stderr, "sim_latency: %s\n%s", what.c_str(), usage);
    return false;
}

std::vector<std::string> parts_of(const std::string& list) {
    std::vector<std::string> parts(1);
    for (const char c : list) {
        if (c == ',')
            parts.emplace_back();
        else
            parts.back() += c;
    }
    return parts;
}

bool parse_number(const std::string& name, const std::string& text, std::uint64_t low, std::uint64_t high,
                  std::uint64_t& number) {
    const bool digits =
        !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string::npos;
    if (digits) number = std::strtoull(text.c_str(), nullptr, 10);
    if (digits && number >= low && number <= high) return true;
    return complain(name + " takes numbers from " + std::to_string(low) + " to " + std::to_string(high) +
                    ", not \"" + text + "\"");
}

bool parse_numbers(const std::string& name, const std::string& list, std::uint64_t high,
                   std::vector<std::uint64_t>& numbers) {
    numbers.clear();
    for (const std::string& part : parts_of(list))
        if (!parse_number(name, part, 1, high, numbers.emplace_back())) return false;
    return true;
}

bool parse(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--markdown" || name == "--help") {
            (name == "--help" ? arguments.help : arguments.markdown) = true;
            continue;
        }
        const bool known = name == "--nodes" || name == "--rates" || name == "--links" ||
                           name == "--seconds" || name == "--seed" || name == "--sync-us" ||
                           name == "--ack-ms" || name == "--batch-ms" || name == "--late-ppm";
        if (!known) return complain("there is no option " + name);
        if (++i == argc) return complain(name + " needs a value");
        const std::string value = argv[i];
        bool ok = true;
        if (name == "--nodes") {
            ok = parse_numbers(name, value, nodes_max, arguments.nodes);
        } else if (name == "--rates") {
            ok = parse_numbers(name, value, rate_max, arguments.rates);
        } else if (name == "--seconds") {
            ok = parse_number(name, value, 1, seconds_max, arguments.seconds);
        } else if (name == "--seed") {
            ok = parse_number(name, value, 0, 1'000'000'000, arguments.seed);
        } else if (name == "--sync-us") {
            ok = parse_number(name, value, 1, 1'000'000, arguments.sync_us);
        } else if (name == "--ack-ms") {
            ok = parse_number(name, value, 1, 10'000, arguments.ack_ms.emplace());
        } else if (name == "--batch-ms") {
            ok = parse_number(name, value, 1, 1'000, arguments.batch_ms.emplace());
        } else if (name == "--late-ppm") {
            ok = parse_number(name, value, 0, 1'000'000, arguments.late_ppm.emplace());
        } else {
            arguments.links = parts_of(value);
            for (const std::string& link : arguments.links)
                if (link != "lan" && link != "wan")
                    return complain("--links takes lan and wan, not \"" + link + "\"");
        }
        if (!ok) return false;
    }
    return true;
}

LatencyRow measure(const Arguments& arguments, const std::string& links, std::uint64_t nodes,
                   std::uint64_t rate) {
    LatencyRow row;
    row.links = links == "lan" ? "LAN" : "WAN";
    row.plan = links == "lan" ? LatencyPlan::lan() : LatencyPlan::wan();
    row.plan.seed = arguments.seed;
    row.plan.nodes = nodes;
    row.plan.orders_per_second = rate;
    row.plan.measured_us = static_cast<std::int64_t>(arguments.seconds) * 1'000'000;
    row.plan.sync_us = static_cast<std::int64_t>(arguments.sync_us);
    if (arguments.ack_ms)
        row.plan.ack_delay = Duration::milliseconds(static_cast<std::int64_t>(*arguments.ack_ms));
    if (arguments.batch_ms)
        row.plan.batch_delay = Duration::milliseconds(static_cast<std::int64_t>(*arguments.batch_ms));
    if (arguments.late_ppm) row.plan.late_ppm = static_cast<std::uint32_t>(*arguments.late_ppm);
    const auto cpu_us = [] { return static_cast<std::int64_t>(std::clock()) * 1'000'000 / CLOCKS_PER_SEC; };
    const std::int64_t before_us = cpu_us();
    row.result = measure_latency(row.plan, [&](std::int64_t second) {
        std::fprintf(stderr, "\r%s, %llu nodes, %llu orders/s: %lld virtual seconds, %.1f s of CPU ",
                     row.links.c_str(), static_cast<unsigned long long>(nodes),
                     static_cast<unsigned long long>(rate), static_cast<long long>(second),
                     static_cast<double>(cpu_us() - before_us) / 1e6);
    });
    row.cpu_us = cpu_us() - before_us;
    std::fprintf(stderr, "\n");
    return row;
}

int run(const Arguments& arguments) {
    std::vector<LatencyRow> rows;
    bool failed = false;
    for (const std::string& links : arguments.links)
        for (const std::uint64_t nodes : arguments.nodes)
            for (const std::uint64_t rate : arguments.rates) {
                rows.push_back(measure(arguments, links, nodes, rate));
                if (rows.back().result.failure.empty()) continue;
                failed = true;
                std::fprintf(stderr, "WRONG: %s\n", rows.back().result.failure.c_str());
            }
    std::printf("%s\n%s", latency_table(rows, arguments.markdown).c_str(), latency_notes(rows).c_str());
    return failed ? 1 : 0;
}

}  // namespace
}  // namespace peerbook::sim

int main(int argc, char** argv) {
    using namespace peerbook::sim;
    Arguments arguments;
    if (!parse(argc, argv, arguments)) return 2;
    if (arguments.help) {
        std::fputs(usage, stdout);
        return 0;
    }
    return run(arguments);
}
