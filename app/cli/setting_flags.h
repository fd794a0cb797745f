// The settings of a node as command-line flags, made from config::setting_rows(), so that a new setting needs
// no work here.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "config/settings.h"

namespace CLI {
class App;
}

namespace peerbook::app::cli {

// The settings of the node in a data directory. `flags` by key; `file`: the settings file, or empty:
// <data_dir>/peerbook.toml where that exists.
Result<config::LoadedSettings> load_node_settings(const std::map<std::string, std::string>& flags,
                                                  std::map<std::string, std::string> environment,
                                                  std::string file = {});

class SettingFlags {
  public:
    // Adds a flag for every setting, and --config for the file.
    static std::shared_ptr<SettingFlags> add_to(CLI::App& command);

    // The settings of this process. `file` is --config, else <data_dir>/peerbook.toml where that exists.
    Result<config::LoadedSettings> load(std::map<std::string, std::string> environment) const;

  private:
    struct Given;
    std::shared_ptr<Given> given_;
};

}  // namespace peerbook::app::cli
