// Prints what each way of gossip achieves, one line a run, columns separated by tabs; scripts/gossip_table
// makes a table and plots of it.
//
//   sim_gossip [--nodes 10,100,1000] [--messages N] [--seed S] [--only PART]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tests/sim/peers/peer_sim.h"

namespace peerbook::p2p::sim {
namespace {

struct Way {
    const char* name;
    GossipSettings settings;
    std::size_t payload_bytes;
};

struct Weather {
    const char* name;
    std::uint32_t loss_ppm, churn_ppm, silent_ppm, mute_ppm;
};

GossipSettings epidemic(std::uint32_t fanout, std::uint32_t forwards_max) {
    GossipSettings settings;
    settings.policy = GossipPolicy::epidemic;
    settings.fanout = fanout;
    settings.forwards_max = forwards_max;
    settings.interval = Duration::seconds(60);  // one push, without the rounds after it
    return settings;
}

GossipSettings of_policy(GossipPolicy policy) {
    GossipSettings settings;
    settings.policy = policy;
    return settings;
}

std::vector<Way> ways() {
    return {
        {"auto (default)", of_policy(GossipPolicy::automatic), 600},
        {"auto, 64 KiB", of_policy(GossipPolicy::automatic), 65'536},
        {"direct", of_policy(GossipPolicy::direct), 600},
        {"flood", of_policy(GossipPolicy::flood), 600},
        {"fan-out 3", epidemic(3, 32), 600},
        {"fan-out 4", epidemic(4, 32), 600},
        {"fan-out 6", epidemic(6, 32), 600},
        {"fan-out 3, 5 hops", epidemic(3, 5), 600},
        {"fan-out 4, 5 hops", epidemic(4, 5), 600},
        {"fan-out 6, 5 hops", epidemic(6, 5), 600},
        {"epidemic (all settings)", of_policy(GossipPolicy::epidemic), 600},
    };
}

std::vector<Weather> weathers() {
    return {
        {"fair", 0, 0, 0, 0},
        {"1 % loss", 10'000, 0, 0, 0},
        {"5 % loss", 50'000, 0, 0, 0},
        {"churn 10 %/min", 0, 100'000, 0, 0},
        {"silent 30 %", 0, 0, 300'000, 0},
        {"mute 10 %", 0, 0, 0, 100'000},
        {"all of these", 10'000, 100'000, 300'000, 100'000},
    };
}

std::vector<std::size_t> sizes_of(const char* text) {
    std::vector<std::size_t> sizes;
    for (char* rest = nullptr; *text != '\0'; text = *rest == ',' ? rest + 1 : rest)
        sizes.push_back(std::strtoul(text, &rest, 10));
    return sizes;
}

void print(const Way& way, const Weather& weather, const PeerSimPlan& plan) {
    const auto begin = std::chrono::steady_clock::now();
    const PeerSimResult r = run_peers(plan);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const auto share = [&](std::uint64_t part) {
        return r.expected == 0 ? 100.0 : 100.0 * static_cast<double>(part) / static_cast<double>(r.expected);
    };
    std::printf(
        "%s\t%s\t%zu\t%llu\t%.4f\t%llu\t%.4f\t%.3f\t%.3f\t%llu\t%.2f\t%llu\t%lld\t%lld\t%lld\t%.1f\n",
        way.name, weather.name, plan.nodes, static_cast<unsigned long long>(r.expected), share(r.pushed),
        static_cast<unsigned long long>(r.expected - r.pushed), share(r.pushed + r.repaired),
        static_cast<double>(r.copies_milli()) / 1e3, static_cast<double>(r.first_message_copies_milli) / 1e3,
        static_cast<unsigned long long>(r.bytes_a_message()),
        r.pushed == 0 ? 0.0 : static_cast<double>(r.hops_sum) / static_cast<double>(r.pushed),
        static_cast<unsigned long long>(r.hops_max), static_cast<long long>(r.time_median.ms()),
        static_cast<long long>(r.time_99.ms()), static_cast<long long>(r.time_max.ms()), took.count());
    std::fflush(stdout);
}

int run(int argc, char** argv) {
    std::vector<std::size_t> sizes{10, 16, 50, 100, 300, 1'000};
    std::size_t messages = 200;
    std::uint64_t seed = 1;
    std::string only;
    for (int i = 1; i + 1 < argc; i += 2) {
        const char* value = argv[i + 1];
        if (std::strcmp(argv[i], "--nodes") == 0)
            sizes = sizes_of(value);
        else if (std::strcmp(argv[i], "--messages") == 0)
            messages = std::strtoul(value, nullptr, 10);
        else if (std::strcmp(argv[i], "--seed") == 0)
            seed = std::strtoull(value, nullptr, 10);
        else if (std::strcmp(argv[i], "--only") == 0)
            only = value;
        else
            return std::fprintf(stderr, "unknown option %s\n", argv[i]), 2;
    }
    std::puts(
        "way\tweather\tnodes\texpected\tpush %\tmissed\tafter repair %\tcopies\tfirst\tbytes\thops\thops "
        "max\t"
        "ms median\tms 99 %\tms all\tseconds");
    for (const std::size_t nodes : sizes)
        for (const Way& way : ways())
            for (const Weather& weather : weathers()) {
                if (!only.empty() && std::string(way.name).find(only) == std::string::npos) continue;
                const bool is_default = std::strncmp(way.name, "auto (", 6) == 0;
                const bool is_large = way.payload_bytes > 10'000;
                if (!is_default && std::strcmp(weather.name, "fair") != 0 &&
                    (nodes != sizes.back() || std::strcmp(weather.name, "1 % loss") != 0 || is_large))
                    continue;
                PeerSimPlan plan;
                plan.nodes = nodes;
                plan.messages = is_large ? messages / 4 : messages;
                plan.gossip = way.settings;
                plan.payload_bytes = way.payload_bytes;
                plan.loss_ppm = weather.loss_ppm;
                plan.churn_ppm_a_minute = weather.churn_ppm;
                plan.silent_ppm = weather.silent_ppm;
                plan.mute_ppm = weather.mute_ppm;
                plan.seed = seed;
                print(way, weather, plan);
            }
    return 0;
}

}  // namespace
}  // namespace peerbook::p2p::sim

int main(int argc, char** argv) {
    return peerbook::p2p::sim::run(argc, argv);
}
