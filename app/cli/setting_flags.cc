#include "app/cli/setting_flags.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include "app/cli/client.h"

namespace peerbook::app::cli {

// Values as given, by key; a repeated flag has several. Filled by CLI11 while it reads the command line.
struct SettingFlags::Given {
    std::map<std::string, std::vector<std::string>> values;
    std::string file;
};

std::shared_ptr<SettingFlags> SettingFlags::add_to(CLI::App& command) {
    auto flags = std::make_shared<SettingFlags>();
    flags->given_ = std::make_shared<Given>();
    Given& given = *flags->given_;
    for (const config::SettingRow& row : config::setting_rows()) {
        if (row.flag.empty()) continue;
        std::vector<std::string>& values = given.values[row.key];
        const std::string help = row.help + (row.fallback.empty() ? "" : " [" + row.fallback + "]");
        CLI::Option* option = command.add_option(row.flag, values, help);
        switch (row.kind) {
            case config::SettingKind::boolean:
                // "--found" alone means true; "--p2p=false" switches off.
                option->expected(0, 1)->default_str("true")->option_text("[true|false]");
                break;
            case config::SettingKind::integer:
                option->expected(1)->option_text("NUMBER");
                break;
            case config::SettingKind::text:
                option->expected(1)->option_text("TEXT");
                break;
            case config::SettingKind::list:
                option->expected(1)->take_all()->option_text("A,B");
                break;
        }
    }
    command.add_option("--config", given.file, "settings file; default: peerbook.toml in the data directory");
    return flags;
}

Result<config::LoadedSettings> SettingFlags::load(std::map<std::string, std::string> environment) const {
    std::map<std::string, std::string> flags;
    for (const auto& [key, values] : given_->values) {
        if (values.empty()) continue;
        std::string& joined = flags[key];
        for (const std::string& value : values)
            joined += (&value == &values.front() ? "" : ",") + value;
    }
    return load_node_settings(flags, std::move(environment), given_->file);
}

Result<config::LoadedSettings> load_node_settings(const std::map<std::string, std::string>& flags,
                                                  std::map<std::string, std::string> environment,
                                                  std::string file) {
    if (file.empty()) {
        const auto flag = flags.find("data_dir");
        const std::string beside_data =
            data_directory(flag == flags.end() ? std::string() : flag->second, environment) +
            "/peerbook.toml";
        std::error_code error;
        if (std::filesystem::exists(beside_data, error)) file = beside_data;
    }
    // Read by client commands, no setting of a node.
    environment.erase("PEERBOOK_NODE");
    return config::load_settings(flags, environment, file);
}

}  // namespace peerbook::app::cli
