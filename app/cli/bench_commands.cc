#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "app/bench/bench_report.h"
#include "app/bench/engine_bench.h"
#include "app/bench/recorded_flows.h"
#include "app/cli/commands.h"
#include "app/cli/json_text.h"

namespace peerbook::app::cli {

namespace {

// Commands are prepared in memory before they are timed, at some hundred bytes each.
constexpr std::uint64_t bench_commands_max = 20'000'000;

struct BenchArguments {
    EngineBenchOptions options;
    std::string part = "engine";
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

}  // namespace

void add_bench_commands(CLI::App& app, Invocation& invocation) {
    CLI::App& command = *app.add_subcommand("bench", "measure the engine on this machine")->group("Node");
    const auto arguments = std::make_shared<BenchArguments>();
    EngineBenchOptions& options = arguments->options;
    command.add_option("part", arguments->part, "what to measure [engine]")->check(CLI::IsMember({"engine"}));
    const CLI::Option* json =
        command
            .add_option("--json", arguments->json_path, "the figures as one JSON object: to FILE, or printed")
            ->expected(0, 1)
            ->option_text("[FILE]");
    command
        .add_option("--data", arguments->data_directory,
                    "also measure the recorded order flow in this directory (app/bench/README.md)")
        ->check(CLI::ExistingDirectory)
        ->option_text("DIR");
    command.add_option("--workload", options.only, "only those of these names; default: all")
        ->allow_extra_args(false)
        ->delimiter(',')
        ->option_text("NAME...");
    command.add_option("--commands", options.size.operations, "in each generated workload [500000]")
        ->check(CLI::Range(std::uint64_t{1'000}, bench_commands_max))
        ->option_text("NUMBER");
    command.add_option("--deep-book", options.size.deep_orders, "resting orders of the deep book [1000000]")
        ->check(CLI::Range(std::uint64_t{1'000}, bench_commands_max))
        ->option_text("NUMBER");
    command.add_option("--rounds", options.rounds, "of each commit the fastest counts [5]")
        ->check(CLI::Range(1U, 100U))
        ->option_text("NUMBER");
    command.add_option("--seed", options.size.seed, "equal seeds make equal commands [1]");
    command.add_flag("--parts", options.parts,
                     "also each part alone: decode, admission, book, ledger, undo, events, state root");
    command.callback(
        [=, &invocation] { invocation.run = [=] { return bench_engine(*arguments, json->count() > 0); }; });
}

}  // namespace peerbook::app::cli
