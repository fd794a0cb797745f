#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/json_text.h"
#include "app/cli/setting_flags.h"
#include "app/node/run_node.h"
#include "app/replay/replay.h"

namespace peerbook::app::cli {

namespace {

void add_node_command(CLI::App& app, Invocation& invocation) {
    CLI::App& command = *app.add_subcommand("node", "run a node until it is told to stop")->group("Node");
    command.footer(
        "Flags beat environment variables, which beat the settings file; `peerbook config show` tells which "
        "is in\n"
        "force. SIGTERM and SIGINT stop the node cleanly. A network of one: peerbook node --found");
    const auto flags = SettingFlags::add_to(command);
    const CLI::Option* json = command.get_option("--json");
    command.callback([=, &invocation] {
        invocation.run = [=] {
            const Result<config::LoadedSettings> loaded = flags->load(process_environment());
            if (!loaded) return report(failure_of(loaded.error()), json->count() > 0);
            return static_cast<Exit>(run_node(*loaded));
        };
    });
}

struct ReplayArguments {
    replay::ReplayOptions play;
    replay::GenerateOptions generate;
    std::string generated_path;
    std::string data_dir;
};

Exit generate_flow(const ReplayArguments& arguments) {
    if (!arguments.play.file.empty()) {
        return report({Exit::usage, "usage", "--generate writes a file, so name none to play"},
                      arguments.play.json);
    }
    replay::GenerateOptions options = arguments.generate;
    options.messages_path = arguments.generated_path;
    const Exit exit = static_cast<Exit>(replay::run_generate(options));
    if (exit == Exit::ok && arguments.play.json && options.messages_path != "-") {
        print(JsonObject()
                  .text("file", options.messages_path)
                  .text("rows", std::to_string(options.rows))
                  .text("seed", std::to_string(options.seed))
                  .str() +
              "\n");
    }
    return exit;
}

Exit play_flow(const ReplayArguments& arguments) {
    if (arguments.play.file.empty()) {
        return report({Exit::usage, "usage", "name the file to play, e.g. peerbook replay messages.csv.gz"},
                      arguments.play.json);
    }
    replay::ReplayOptions options = arguments.play;
    if (options.testnet.empty()) {
        const NodeTarget target =
            find_node({options.node, arguments.data_dir, options.cookie_path, {}, {}}, process_environment());
        if (const std::optional<Failure> withheld = cookie_withheld(target))
            return report(*withheld, options.json);
        options.node = target.url;
        options.cookie_path = target.cookie_path;
    }
    return static_cast<Exit>(replay::run_replay(options));
}

void add_replay_command(CLI::App& app, Invocation& invocation) {
    CLI::App& command =
        *app.add_subcommand("replay", "play recorded order flow against nodes, and measure")->group("Node");
    const auto arguments = std::make_shared<ReplayArguments>();
    replay::ReplayOptions& play = arguments->play;
    command.add_option("file", play.file, "LOBSTER messages or Bitstamp orders, plain or .gz");
    command.add_flag("--json", play.json, "print the report as one JSON object");
    command.add_option("--testnet", play.testnet, "all nodes of this directory of scripts/testnet")
        ->option_text("DIR");
    command.add_option("--speed", play.speed, "as fast as it goes, or N times as fast as recorded [full]")
        ->option_text("full|Nx");
    command.add_option("--rate", play.rate, "commands a second instead of a speed");
    command.add_option("--market", play.market, "market to feed; default: the first that fits the file");
    command.add_option("--markets", play.markets, "feed several markets at once")->option_text("all|N");
    command.add_option("--limit", play.limit, "rows of the file; default: all");
    command.add_option("--connections", play.connections, "connections to each node; default: chosen");
    command.add_option("--batch", play.batch, "commands a request; default: chosen");
    command.add_flag("--verify", play.verify, "compare executions with the record (one node, one market)");
    command.add_option("--check-book", play.check_book, "LOBSTER order-book file to compare the book with");
    command
        .add_option("--repair", play.repair,
                    "what to repair the flow with from that file: its best prices, or all its levels [best]")
        ->option_text("best|levels");
    command.add_flag("--probe", play.probe, "ask again at the end for each acknowledged command");
    command.add_option("--retry-for", play.retry_for_s, "wait for a node that went away [60]")
        ->option_text("SECONDS");
    command.add_option("--settle-for", play.settle_for_s, "wait at the end until all nodes agree [60]")
        ->option_text("SECONDS");
    const char* connection = "Connection";
    command.add_option("--node", play.node, "URL of one node; default as for other commands")
        ->group(connection);
    command.add_option("--data-dir", arguments->data_dir, "the node's data directory")->group(connection);
    command.add_option("--cookie-file", play.cookie_path, "default: cookie in the data directory")
        ->group(connection);
    const char* generation = "Making a flow instead of playing one";
    command
        .add_option("--generate", arguments->generated_path,
                    "write a flow in LOBSTER's format; - is standard output")
        ->option_text("FILE")
        ->group(generation);
    command.add_option("--rows", arguments->generate.rows, "how many [10000]")->group(generation);
    command.add_option("--seed", arguments->generate.seed, "equal seeds make equal flows [1]")
        ->group(generation);
    command
        .add_option("--unknown-orders", arguments->generate.unknown_orders,
                    "orders from before the file [20]")
        ->group(generation);
    command.add_option("--book", arguments->generate.book_path, "write the order-book file too")
        ->option_text("FILE")
        ->group(generation);
    command.callback([=, &invocation] {
        invocation.run = [=] {
            return arguments->generated_path.empty() ? play_flow(*arguments) : generate_flow(*arguments);
        };
    });
}

}  // namespace

void add_run_commands(CLI::App& app, Invocation& invocation) {
    add_node_command(app, invocation);
    add_replay_command(app, invocation);
}

}  // namespace peerbook::app::cli
