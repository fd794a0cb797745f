#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/setting_flags.h"
#include "app/node/run_node.h"

namespace peerbook::app::cli {

void add_run_commands(CLI::App& app, Invocation& invocation) {
    CLI::App& command = *app.add_subcommand("node", "run a node until it is told to stop")->group("Node");
    command.footer(
        "Flags beat environment variables, which beat the settings file; `peerbook config show` tells which "
        "is in "
        "force.\nSIGTERM and SIGINT stop the node cleanly. A network of one: peerbook node --found");
    const auto flags = SettingFlags::add_to(command);
    command.callback([=, &invocation] {
        invocation.run = [=] {
            const Result<config::LoadedSettings> loaded = flags->load(process_environment());
            if (!loaded) return report(failure_of(loaded.error()), false);
            return static_cast<Exit>(run_node(*loaded));
        };
    });
}

}  // namespace peerbook::app::cli
