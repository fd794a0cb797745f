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
#include "p2p/peer_network.h"
#include "storage/directory_lock.h"

namespace peerbook::app::cli {

namespace {

// A seed is 64 digits; a file that is much longer is some other file.
constexpr std::size_t key_text_bytes_max = 4096;

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

// Where a command finds the key: the flags that all of them have.
struct KeyPlace {
    std::string data_dir, passphrase_file;
    bool json = false;

    std::string directory() const { return data_directory(data_dir, process_environment()); }
    PassphraseSource passphrase() const { return {passphrase_file, true, false}; }
};

std::shared_ptr<KeyPlace> add_key_place(CLI::App& command) {
    auto place = std::make_shared<KeyPlace>();
    command.add_option("--data-dir", place->data_dir, "default: PEERBOOK_DATA_DIR, else ~/.peerbook");
    command.add_option("--passphrase-file", place->passphrase_file,
                       "its first line is the key's passphrase; default: PEERBOOK_PASSPHRASE, "
                       "PEERBOOK_PASSPHRASE_FILE, else the terminal; only if the key is encrypted");
    command.add_flag("--json", place->json, "print one JSON object");
    return place;
}

Exit initialise(const KeyPlace& place, const std::string& network) {
    const std::string data_dir = place.directory();
    const bool json = place.json;
    const bool existed = is_node_key_encrypted(data_dir).ok();
    const Result<KeySeed> seed = load_or_create_node_key(data_dir, place.passphrase());
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

Exit print_key(const KeyPlace& place, KeyAction action) {
    const std::string data_dir = place.directory();
    const bool json = place.json;
    const Result<bool> encrypted = is_node_key_encrypted(data_dir);
    if (!encrypted) return report(failure_of(encrypted.error()), json);
    const Result<KeySeed> seed = load_node_key(data_dir, place.passphrase());
    if (!seed) return report(failure_of(seed.error()), json);
    const std::string id = to_hex(node_id_of(*seed));
    if (json) {
        JsonObject object;
        object.text("node_id", id).flag("encrypted", *encrypted);
        action == KeyAction::export_seed ? object.text("seed", to_hex(*seed))
                                         : object.text("path", node_key_path(data_dir));
        print(object.str() + "\n");
    } else if (action == KeyAction::export_seed) {
        print(to_hex(*seed) + "\n");
    } else {
        print("node id  " + id + "\nkey      " + node_key_path(data_dir) +
              (*encrypted ? ", encrypted\n" : ", not encrypted\n"));
    }
    return Exit::ok;
}

// A network file names its issuers and administrators by their ids, before there is a network to ask.
Exit print_account_id(const KeyPlace& place, const std::string& name) {
    const std::string data_dir = place.directory();
    const bool json = place.json;
    if (!is_account_name(name))
        return report({Exit::usage, "invalid_input",
                       "an account name has 1 to 64 of a-z, 0-9, '.', '_' and '-', not '" +
                           terminal_text(name, 64) + "'"},
                      json);
    const Result<KeySeed> seed = load_node_key(data_dir, place.passphrase());
    if (!seed) return report(failure_of(seed.error()), json);
    const std::string id = to_hex(exchange::hosted_account_id(node_id_of(*seed), name));
    print(json ? JsonObject().text("account", name).text("id", id).str() + "\n" : id + "\n");
    return Exit::ok;
}

Exit import_key(const KeyPlace& place, const std::string& source) {
    const Result<KeySeed> seed = read_seed(source);
    if (!seed) return report(failure_of(seed.error()), place.json);
    if (Status written = write_new_node_key(place.directory(), *seed); !written)
        return report(failure_of(written.error()), place.json);
    return print_key(place, KeyAction::show);
}

Exit encrypt_key(const KeyPlace& place) {
    const std::string data_dir = place.directory();
    Result<bool> encrypted = is_node_key_encrypted(data_dir);
    if (encrypted && *encrypted)
        encrypted = Error{ErrorCode::conflict,
                          "the node key is encrypted already; `peerbook keys decrypt` "
                          "first to give it another passphrase"};
    if (!encrypted) return report(failure_of(encrypted.error()), place.json);
    Result<std::string> passphrase = read_passphrase({place.passphrase_file, true, true});
    if (!passphrase) return report(failure_of(passphrase.error()), place.json);
    const Status done = encrypt_node_key(data_dir, *passphrase);
    wipe(*passphrase);
    if (!done) return report(failure_of(done.error()), place.json);
    print(place.json
              ? JsonObject().text("path", node_key_path(data_dir)).flag("encrypted", true).str() + "\n"
              : "encrypted " + node_key_path(data_dir) +
                    "\nWithout the passphrase the key is lost. Copies of the old file are as they were: "
                    "backups, and blocks of the disk that it stood in.\n");
    return Exit::ok;
}

Exit decrypt_key(const KeyPlace& place) {
    const std::string data_dir = place.directory();
    if (Status done = decrypt_node_key(data_dir, place.passphrase()); !done)
        return report(failure_of(done.error()), place.json);
    print(place.json
              ? JsonObject().text("path", node_key_path(data_dir)).flag("encrypted", false).str() + "\n"
              : "decrypted " + node_key_path(data_dir) + "\n");
    return Exit::ok;
}

Result<std::string> view_rotation(const rapidjson::Value& answer, const TerminalStyle&) {
    const std::string certificate = text_at(answer, "rotated");
    if (certificate.empty())
        return Error{ErrorCode::invalid_input, "it does not say which certificate holds"};
    return "rotated: connections from now on show certificate " + terminal_text(certificate) +
           "\nThose that are open keep the old one until they end.\n";
}

// The running node does it, since it has the old key in use; without one, this process does.
Exit rotate_transport(const ClientOptions& client) {
    const std::string data_dir = data_directory(client.data_dir, process_environment());
    const auto lock = storage::lock_data_directory(data_dir);
    if (!lock && lock.error().code == ErrorCode::conflict)
        return ask_node(client, {"POST", "/api/v1/peers/rotate-transport", {}}, view_rotation);
    if (!lock) return report(failure_of(lock.error()), client.json);
    const Result<Digest> certificate = p2p::rotate_transport_key(data_dir);
    if (!certificate) return report(failure_of(certificate.error()), client.json);
    const std::string id = to_hex(*certificate);
    print(client.json ? JsonObject().text("rotated", id).str() + "\n"
                      : "rotated: the node will show certificate " + id + " when it starts\n");
    return Exit::ok;
}

}  // namespace

void add_key_commands(CLI::App& app, Invocation& invocation) {
    {
        CLI::App& command =
            *app.add_subcommand("init", "make a data directory and a node key")->group("Node");
        const auto place = add_key_place(command);
        const auto network = std::make_shared<std::string>();
        command.add_option("--network", *network, "network file that the node shall use");
        command.callback([=, &invocation] { invocation.run = [=] { return initialise(*place, *network); }; });
    }
    CLI::App& keys = *app.add_subcommand("keys", "the node's keys")->group("Node");
    keys.require_subcommand(1);
    const auto add = [&](const char* name, const char* help, Exit (*run)(const KeyPlace& place)) {
        CLI::App& command = *keys.add_subcommand(name, help);
        const auto place = add_key_place(command);
        command.callback([=, &invocation] { invocation.run = [=] { return run(*place); }; });
    };
    add("show", "print the node's id, which is its public key",
        [](const KeyPlace& place) { return print_key(place, KeyAction::show); });
    add("export", "print the secret seed, for a backup",
        [](const KeyPlace& place) { return print_key(place, KeyAction::export_seed); });
    add("encrypt", "put the node key under a passphrase", encrypt_key);
    add("decrypt", "take the passphrase off the node key", decrypt_key);
    {
        CLI::App& command = *keys.add_subcommand(
            "account", "print the id of an account that the node hosts, for network files");
        const auto place = add_key_place(command);
        const auto name = std::make_shared<std::string>();
        command.add_option("name", *name, "the account's name")->required();
        command.callback(
            [=, &invocation] { invocation.run = [=] { return print_account_id(*place, *name); }; });
    }
    {
        CLI::App& command = *keys.add_subcommand("import", "use a seed from a backup; never replaces a key");
        const auto place = add_key_place(command);
        const auto source = std::make_shared<std::string>("-");
        command.add_option("file", *source, "file with the seed; -, the default, is standard input");
        command.callback([=, &invocation] { invocation.run = [=] { return import_key(*place, *source); }; });
    }
    {
        CLI::App& command = *keys.add_subcommand(
            "rotate-transport", "make a new key for TLS, whether the node runs or not; its id stays");
        const auto client = add_client_options(command);
        command.callback([=, &invocation] { invocation.run = [=] { return rotate_transport(*client); }; });
    }
}

}  // namespace peerbook::app::cli
