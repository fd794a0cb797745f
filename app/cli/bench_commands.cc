#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>

#include "app/bench/bench_report.h"
#include "app/bench/compression_bench.h"
#include "app/bench/engine_bench.h"
#include "app/bench/recorded_flows.h"
#include "app/bench/transport_bench.h"
#include "app/cli/commands.h"
#include "app/cli/json_text.h"

namespace peerbook::app::cli {

namespace {

// Commands are prepared in memory before they are timed, at some hundred bytes each.
constexpr std::uint64_t bench_commands_max = 20'000'000;

constexpr std::uint32_t bench_peers_max = 2'000;

struct BenchArguments {
    EngineBenchOptions options;
    TransportBenchOptions transport;
    std::string part = "engine";
    // Options that mean something to these parts alone.
    std::vector<const CLI::Option*> of_engine, of_flows, of_transport;
    std::string data_directory;
    std::string json_path;
};

// Writes to `path`, or to standard output if it is empty.
Status write_json(const std::string& text, const std::string& path) {
    if (path.empty()) {
        print(text);
        return {};
    }
    std::ofstream file(path);
    file << text;
    file.close();
    if (!file) return Error{ErrorCode::io, "cannot write " + path};
    return {};
}

Exit bench_engine(const BenchArguments& arguments, bool json) {
    EngineBenchOptions options = arguments.options;
    std::vector<std::string> skipped;
    if (!arguments.data_directory.empty())
        options.recorded = recorded_workloads(arguments.data_directory, options.size, skipped);
    options.on_begin = [](const std::string& name) { std::fprintf(stderr, "measuring %s\n", name.c_str()); };
    Result<EngineBenchReport> figures = run_engine_bench(options);
    if (!figures.ok()) {
        if (figures.error().code == ErrorCode::not_found)
            return report({Exit::usage, "usage", terminal_text(figures.error().message)}, json);
        return report(failure_of(figures.error()), json);
    }
    figures->skipped = skipped;
    const bool as_json_only = json && arguments.json_path.empty();
    if (!as_json_only) print(to_table(*figures));
    if (!json) return Exit::ok;
    const Status written = write_json(to_json(*figures) + "\n", arguments.json_path);
    return written.ok() ? Exit::ok : report(failure_of(written.error()), true);
}

Exit show(const char* part, const Result<std::vector<Figure>>& figures, const BenchArguments& arguments,
          bool json) {
    if (!figures.ok()) return report(failure_of(figures.error()), json);
    if (!json || !arguments.json_path.empty()) print(to_table(*figures));
    if (!json) return Exit::ok;
    const Status written = write_json(to_json(part, *figures) + "\n", arguments.json_path);
    return written.ok() ? Exit::ok : report(failure_of(written.error()), true);
}

Exit bench_transport(const BenchArguments& arguments, bool json) {
    TransportBenchOptions options = arguments.transport;
    options.rounds = arguments.options.rounds;
    options.on_begin = [](const std::string& what) { std::fprintf(stderr, "measuring %s\n", what.c_str()); };
    return show("transport", run_transport_bench(options), arguments, json);
}

// Recorded flow where there is a directory of it, else generated ones; of those the ones that were named.
Exit bench_compression(const BenchArguments& arguments, bool json) {
    const EngineBenchOptions& options = arguments.options;
    const bool recorded = !arguments.data_directory.empty();
    std::vector<std::string> missing, only = options.only;
    std::vector<Workload> workloads =
        recorded ? recorded_workloads(arguments.data_directory, options.size, missing)
                 : generated_workloads(options.size);
    if (only.empty() && !recorded) only = {"stock-like", "64-markets"};
    std::erase_if(workloads, [&](const Workload& workload) {
        return !only.empty() && std::find(only.begin(), only.end(), workload.name) == only.end();
    });
    if (workloads.empty()) return report({Exit::usage, "usage", "no such workload"}, json);
    return show("compression", measure_compression(workloads, options.rounds), arguments, json);
}

Exit run_bench(const BenchArguments& arguments, bool json) {
    const std::string& part = arguments.part;
    const auto stranger = [&](const std::vector<const CLI::Option*>& options, bool mine) {
        const auto used = std::find_if(options.begin(), options.end(),
                                       [](const CLI::Option* option) { return option->count() > 0; });
        return mine || used == options.end() ? nullptr : *used;
    };
    const CLI::Option* wrong = stranger(arguments.of_engine, part == "engine");
    if (!wrong) wrong = stranger(arguments.of_flows, part != "transport");
    if (!wrong) wrong = stranger(arguments.of_transport, part == "transport");
    if (wrong)
        return report({Exit::usage, "usage", wrong->get_name() + " means nothing to `bench " + part + "`"},
                      json);
    if (part == "transport") return bench_transport(arguments, json);
    return part == "compression" ? bench_compression(arguments, json) : bench_engine(arguments, json);
}

void add_engine_options(CLI::App& command, BenchArguments& arguments) {
    EngineBenchOptions& options = arguments.options;
    arguments.of_flows = {
        command
            .add_option("--data", arguments.data_directory,
                        "engine, compression: measure the recorded order flow in this directory "
                        "(app/bench/README.md)")
            ->check(CLI::ExistingDirectory)
            ->option_text("DIR"),
        command
            .add_option("--workload", options.only,
                        "engine, compression: only those of these names; default: all")
            ->allow_extra_args(false)
            ->delimiter(',')
            ->option_text("NAME..."),
        command
            .add_option("--commands", options.size.operations,
                        "engine, compression: in each generated workload [500000]")
            ->check(CLI::Range(std::uint64_t{1'000}, bench_commands_max))
            ->option_text("NUMBER"),
        command.add_option("--seed", options.size.seed,
                           "engine, compression: equal seeds make equal commands [1]")};
    arguments.of_engine = {
        command
            .add_option("--deep-book", options.size.deep_orders,
                        "engine: resting orders of the deep book [1000000]")
            ->check(CLI::Range(std::uint64_t{1'000}, bench_commands_max))
            ->option_text("NUMBER"),
        command.add_flag("--parts", options.parts,
                         "engine: also each part alone: decode, admission, book, ledger, undo, events, state "
                         "root")};
}

void add_transport_options(CLI::App& command, BenchArguments& arguments) {
    TransportBenchOptions& options = arguments.transport;
    arguments.of_transport = {
        command.add_flag("--plain-tcp", options.plain_tcp, "transport: also without TLS"),
        command.add_option("--peers", options.peers, "transport: idle ones whose memory is measured [200]")
            ->check(CLI::Range(1U, bench_peers_max))
            ->option_text("NUMBER"),
        command.add_option("--seconds", options.seconds, "transport: of each round [1]")
            ->check(CLI::Range(0.05, 60.0))
            ->option_text("NUMBER")};
}

}  // namespace

void add_bench_commands(CLI::App& app, Invocation& invocation) {
    CLI::App& command = *app.add_subcommand("bench", "measure this program on this machine")->group("Node");
    const auto arguments = std::make_shared<BenchArguments>();
    EngineBenchOptions& options = arguments->options;
    command.add_option("part", arguments->part, "what to measure: engine, transport, compression [engine]")
        ->check(CLI::IsMember({"engine", "transport", "compression"}));
    const CLI::Option* json =
        command
            .add_option("--json", arguments->json_path, "the figures as one JSON object: to FILE, or printed")
            ->expected(0, 1)
            ->option_text("[FILE]");
    command
        .add_option("--rounds", options.rounds,
                    "of each commit the fastest counts; of transport the best [5]")
        ->check(CLI::Range(1U, 100U))
        ->option_text("NUMBER");
    add_engine_options(command, *arguments);
    add_transport_options(command, *arguments);
    command.callback(
        [=, &invocation] { invocation.run = [=] { return run_bench(*arguments, json->count() > 0); }; });
}

}  // namespace peerbook::app::cli
