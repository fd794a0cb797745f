#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>

#include "app/api/order_drafts.h"
#include "app/cli/commands.h"
#include "app/cli/json_text.h"
#include "app/node_keys/node_keys.h"
#include "config/network_file.h"

namespace peerbook::app::cli {

namespace {

// A seed is 64 digits; a file that is much longer is some other file.
constexpr std::size_t key_text_bytes_max = 4096;

std::shared_ptr<std::string> add_data_dir_option(CLI::App& command) {
    auto data_dir = std::make_shared<std::string>();
    command.add_option("--data-dir", *data_dir, "default: PEERBOOK_DATA_DIR, else ~/.peerbook");
    return data_dir;
}

// Makes `network` the network of the node in `data_dir` by writing its peerbook.toml. An existing file is the
// operator's and stays as it is. The path is made absolute, for the node may be started elsewhere.
Status remember_network(const std::string& data_dir, const std::string& network) {
    if (Result<config::NetworkFile> file = config::load_network_file(network); !file) return file.error();
    std::error_code error;
    const std::string absolute = std::filesystem::absolute(network, error).string();
    if (error) return Error{ErrorCode::io, network + ": " + error.message()};
    const std::string path = data_dir + "/peerbook.toml";
    // JSON's escapes are all escapes of a TOML basic string as well.
    const std::string text = "network = " + json_string(absolute) + "\n";
    if (std::filesystem::exists(path, error)) {
        std::ifstream present(path);
        const std::string content{std::istreambuf_iterator<char>(present), {}};
        if (content.find(text) != std::string::npos) return {};
        return Error{ErrorCode::conflict, path + " exists and was left as it is; it needs the line " +
                                              text.substr(0, text.size() - 1)};
    }
    std::ofstream out(path);
    out << text;
    out.close();
    if (!out) return Error{ErrorCode::io, "cannot write " + path + ": " + std::strerror(errno)};
    return {};
}

Exit initialise(const std::string& data_dir, const std::string& network, bool json) {
    const bool existed = load_node_key(data_dir).ok();
    const Result<KeySeed> seed = load_or_create_node_key(data_dir);
    if (!seed) return report(failure_of(seed.error()), json);
    if (!network.empty()) {
        if (Status remembered = remember_network(data_dir, network); !remembered) {
            return report(failure_of(remembered.error()), json);
        }
    }
    const std::string id = to_hex(node_id_of(*seed));
    if (json) {
        print(JsonObject().text("node_id", id).text("data_dir", data_dir).flag("created", !existed).str() +
              "\n");
    } else {
        print((existed ? "The node in " : "Made a node in ") + data_dir + "\nnode id  " + id + "\n");
    }
    return Exit::ok;
}

// From a file, or from standard input for "-", so that a seed need not stand in the shell's history.
Result<KeySeed> read_seed(const std::string& source) {
    std::string text(key_text_bytes_max, '\0');
    errno = 0;
    std::ifstream file;
    if (source != "-") {
        file.open(source);
        if (!file) return Error{ErrorCode::io, "cannot read " + source + ": " + std::strerror(errno)};
    }
    std::istream& in = source == "-" ? std::cin : file;
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    Result<KeySeed> seed = parse_key_seed(text);
    if (!seed) return seed.error().within(source == "-" ? "standard input" : source);
    return seed;
}

enum class KeyAction { show, export_seed };

Exit print_key(const std::string& data_dir, KeyAction action, bool json) {
    const Result<KeySeed> seed = load_node_key(data_dir);
    if (!seed) return report(failure_of(seed.error()), json);
    const std::string id = to_hex(node_id_of(*seed));
    if (json) {
        JsonObject object;
        object.text("node_id", id);
        action == KeyAction::export_seed ? object.text("seed", to_hex(*seed))
                                         : object.text("path", node_key_path(data_dir));
        print(object.str() + "\n");
    } else if (action == KeyAction::export_seed) {
        print(to_hex(*seed) + "\n");
    } else {
        print("node id  " + id + "\nkey      " + node_key_path(data_dir) + "\n");
    }
    return Exit::ok;
}

// A network file names its issuers and administrators by their ids, before there is a network to ask.
Exit print_account_id(const std::string& data_dir, const std::string& name, bool json) {
    if (!is_account_name(name))
        return report({Exit::usage, "invalid_input",
                       "an account name has 1 to 64 of a-z, 0-9, '.', '_' and '-', not '" +
                           terminal_text(name, 64) + "'"},
                      json);
    const Result<KeySeed> seed = load_node_key(data_dir);
    if (!seed) return report(failure_of(seed.error()), json);
    const std::string id = to_hex(exchange::hosted_account_id(node_id_of(*seed), name));
    print(json ? JsonObject().text("account", name).text("id", id).str() + "\n" : id + "\n");
    return Exit::ok;
}

Exit import_key(const std::string& data_dir, const std::string& source, bool json) {
    const Result<KeySeed> seed = read_seed(source);
    if (!seed) return report(failure_of(seed.error()), json);
    if (Status written = write_new_node_key(data_dir, *seed); !written)
        return report(failure_of(written.error()), json);
    return print_key(data_dir, KeyAction::show, json);
}

}  // namespace

void add_key_commands(CLI::App& app, Invocation& invocation) {
    {
        CLI::App& command =
            *app.add_subcommand("init", "make a data directory and a node key")->group("Node");
        const auto data_dir = add_data_dir_option(command);
        const auto json = add_json_option(command);
        const auto network = std::make_shared<std::string>();
        command.add_option("--network", *network, "network file that the node shall use");
        command.callback([=, &invocation] {
            invocation.run = [=] {
                return initialise(data_directory(*data_dir, process_environment()), *network, *json);
            };
        });
    }
    CLI::App& keys = *app.add_subcommand("keys", "the node's key")->group("Node");
    keys.require_subcommand(1);
    for (const KeyAction action : {KeyAction::show, KeyAction::export_seed}) {
        CLI::App& command = action == KeyAction::show
                                ? *keys.add_subcommand("show", "print the node's id, which is its public key")
                                : *keys.add_subcommand("export", "print the secret seed, for a backup");
        const auto data_dir = add_data_dir_option(command);
        const auto json = add_json_option(command);
        command.callback([=, &invocation] {
            invocation.run = [=] {
                return print_key(data_directory(*data_dir, process_environment()), action, *json);
            };
        });
    }
    {
        CLI::App& command = *keys.add_subcommand(
            "account", "print the id of an account that the node hosts, for network files");
        const auto data_dir = add_data_dir_option(command);
        const auto json = add_json_option(command);
        const auto name = std::make_shared<std::string>();
        command.add_option("name", *name, "the account's name")->required();
        command.callback([=, &invocation] {
            invocation.run = [=] {
                return print_account_id(data_directory(*data_dir, process_environment()), *name, *json);
            };
        });
    }
    {
        CLI::App& command = *keys.add_subcommand("import", "use a seed from a backup; never replaces a key");
        const auto data_dir = add_data_dir_option(command);
        const auto json = add_json_option(command);
        const auto source = std::make_shared<std::string>("-");
        command.add_option("file", *source, "file with the seed; -, the default, is standard input");
        command.callback([=, &invocation] {
            invocation.run = [=] {
                return import_key(data_directory(*data_dir, process_environment()), *source, *json);
            };
        });
    }
}

}  // namespace peerbook::app::cli
