#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/json_text.h"
#include "app/cli/setting_flags.h"
#include "app/terminal/tables.h"
#include "config/network_file.h"

namespace peerbook::app::cli {

namespace {

Exit show_settings(const config::LoadedSettings& loaded, bool json) {
    if (json) {
        JsonObject settings;
        for (const auto& [key, value] : loaded.origin) {
            settings.raw(key, JsonObject().text("value", value.text).text("source", value.source).str());
        }
        print(JsonObject().raw("settings", settings.str()).str() + "\n");
        return Exit::ok;
    }
    Table table({{"setting"}, {"value"}, {"source"}});
    for (const auto& [key, value] : loaded.origin) {
        table.add_row({key, value.text, value.source}, value.source == "default" ? Paint::dim : Paint::plain);
    }
    print(table.draw(TerminalStyle::of(stdout)));
    return Exit::ok;
}

// Settings and the network file that they name.
Exit check_settings(const config::LoadedSettings& loaded, bool json) {
    std::string network_name = config::demo_network().name;
    if (const std::string& path = loaded.settings.network_file; !path.empty()) {
        const Result<config::NetworkFile> network = config::load_network_file(path);
        if (!network) return report(failure_of(network.error()), json);
        network_name = network->name;
    }
    if (json) {
        print(JsonObject()
                  .flag("ok", true)
                  .text("network_name", network_name)
                  .text("data_dir", loaded.settings.data_dir)
                  .str() +
              "\n");
    } else {
        print("The settings are good: network " + terminal_text(network_name) + ", data in " +
              loaded.settings.data_dir + "\n");
    }
    return Exit::ok;
}

}  // namespace

void add_config_commands(CLI::App& app, Invocation& invocation) {
    CLI::App& config_app =
        *app.add_subcommand("config", "settings, and where each comes from")->group("Node");
    config_app.require_subcommand(1);
    for (const bool is_show : {true, false}) {
        CLI::App& command =
            is_show ? *config_app.add_subcommand("show", "print every setting with its source")
                    : *config_app.add_subcommand("check", "find mistakes without starting a node");
        const auto flags = SettingFlags::add_to(command);
        CLI::Option* json = command.get_option("--json");
        command.callback([=, &invocation] {
            invocation.run = [=] {
                const bool as_json = json->count() > 0;
                const Result<config::LoadedSettings> loaded = flags->load(process_environment());
                if (!loaded) return report(failure_of(loaded.error()), as_json);
                return is_show ? show_settings(*loaded, as_json) : check_settings(*loaded, as_json);
            };
        });
    }
}

}  // namespace peerbook::app::cli
