#include "app/cli/program.h"

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

#include "app/cli/commands.h"
#include "config/nearest_name.h"

namespace peerbook::app::cli {

namespace {

constexpr const char* footer =
    "Exit codes: 0 done, 1 refused by the node, 2 wrong usage, 3 no node answers, 4 trouble with this "
    "machine\n"
    "(files, keys, disk). With --json each command prints one JSON object; errors are "
    "{\"code\",\"message\"}.\n"
    "Example: peerbook faucet USD 100000 && peerbook order buy BTC-USD 0.5 @ 60000";

bool is_json_flag(const char* word) {
    return std::string_view(word) == "--json";
}

// A node holds a descriptor for each client, peer and open table, and replay one for each connection. Soft
// limits are low for the sake of programs that use select(), which none of this does.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);  // where this is refused, the lower limit stays in force
}

// CLI11 calls a mistyped command a missing one; people want to know which word was wrong.
std::string describe_mistake(const CLI::App& app, const CLI::ParseError& mistake) {
    const std::vector<std::string> left_over = app.remaining();
    if (!app.get_subcommands().empty() || left_over.empty()) return mistake.what();
    const std::string& word = left_over.front();
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(command->get_name());
    }
    const std::string near = config::nearest_name(word, names);
    if (word.size() > 64) return "there is no such command";
    return "there is no command '" + terminal_text(word) + "'" +
           (config::edit_distance(word, near) <= 2 ? "; did you mean '" + near + "'?" : "");
}

}  // namespace

std::shared_ptr<bool> add_json_option(CLI::App& command) {
    auto json = std::make_shared<bool>(false);
    command.add_flag("--json", *json, "print one JSON object");
    return json;
}

std::shared_ptr<ClientOptions> add_client_options(CLI::App& command) {
    auto options = std::make_shared<ClientOptions>();
    command.add_flag("--json", options->json, "print the node's answer as one JSON object");
    command
        .add_option("--node", options->node,
                    "URL of the node; default: PEERBOOK_NODE, else the one of the data directory")
        ->group("Connection");
    command
        .add_option("--data-dir", options->data_dir,
                    "the node's data directory; default: PEERBOOK_DATA_DIR, else ~/.peerbook")
        ->group("Connection");
    command.add_option("--cookie-file", options->cookie_file, "default: cookie in the data directory")
        ->group("Connection");
    command.add_option("--timeout", options->timeout_s, "longest wait for the answer [75]")
        ->check(CLI::Range(1U, 86'400U))
        ->option_text("SECONDS")
        ->group("Connection");
    return options;
}

int run_program(int argc, const char* const* argv) {
    raise_descriptor_limit();
    CLI::App app("Peerbook: an exchange without a middle. Trade, and run a node of it.", "peerbook");
    app.set_version_flag("--version", "peerbook " PEERBOOK_VERSION);
    app.require_subcommand(1);
    app.get_formatter()->column_width(26);
    Invocation invocation;
    add_trading_commands(app, invocation);
    add_money_commands(app, invocation);
    add_reading_commands(app, invocation);
    add_market_commands(app, invocation);
    add_network_commands(app, invocation);
    add_ledger_commands(app, invocation);
    add_invitation_commands(app, invocation);
    add_authority_commands(app, invocation);
    add_run_commands(app, invocation);
    add_bench_commands(app, invocation);
    add_config_commands(app, invocation);
    add_key_commands(app, invocation);
    app.footer(footer);  // after the subcommands, which would inherit it
    if (argc <= 1) {
        print(app.help());
        return static_cast<int>(finish_output(Exit::usage));
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& help_or_version) {
        app.exit(help_or_version);
        return static_cast<int>(finish_output(Exit::ok));
    } catch (const CLI::ParseError& mistake) {
        const bool json = std::any_of(argv, argv + argc, is_json_flag);
        const std::string hint = json ? "" : " (see --help)";
        const Failure failure{Exit::usage, "usage", describe_mistake(app, mistake) + hint};
        return static_cast<int>(finish_output(report(failure, json)));
    }
    return static_cast<int>(finish_output(invocation.run()));
}

}  // namespace peerbook::app::cli
