#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "app/cli/commands.h"
#include "app/cli/http_client.h"
#include "app/cli/json_text.h"
#include "app/cli/views.h"
#include "config/sources.h"

namespace peerbook::app::cli {

namespace {

// The answers to changes have one member, whose name says what happens: {"connecting":"host:port"}.
Result<std::string> view_change(const Answer& answer, const TerminalStyle&) {
    for (const char* word : {"connecting", "disconnected", "banned", "unbanned"}) {
        if (const std::string peer = text_at(answer, word); !peer.empty()) {
            return std::string(word) + " " + terminal_text(peer) + "\n";
        }
    }
    if (const std::string broadcast = text_at(answer, "broadcast"); !broadcast.empty())
        return std::string(broadcast == "on" ? "this node is announced" : "this node is announced no more") +
               ", until it stops or is told otherwise\n";
    if (const std::string known = text_at(answer, "imported"); !known.empty())
        return "imported; " + known + " addresses are known now\n";
    return Error{ErrorCode::invalid_input, "it does not say what became of it"};
}

Status write_whole_file(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) return Error{ErrorCode::io, "cannot write " + path + ": " + std::strerror(errno)};
    return {};
}

constexpr std::size_t import_bytes_max = 1024 * 1024;  // what a node takes as a body

Exit export_peers(ClientOptions client, const std::string& path) {
    std::string text;
    const Exit exit = ask_node_for(client, {"GET", "/api/v1/peers/export", {}},
                                   [&text](const std::string& body) { text = body; });
    if (exit != Exit::ok) return exit;
    if (Status written = write_whole_file(path, text); !written)
        return report(failure_of(written.error()), client.json);
    print(client.json ? JsonObject().text("exported", path).str() + "\n" : "exported to " + path + "\n");
    return Exit::ok;
}

Exit import_peers(const ClientOptions& client, const std::string& path) {
    const Result<std::string> text = config::read_text_file(path, import_bytes_max);
    if (!text) return report(failure_of(text.error()), client.json);
    return ask_node(client, {"POST", "/api/v1/peers/import", *text}, view_change);
}

// A command that posts one object to /api/v1/peers/<name>.
void add_peer_call(CLI::App& peers, Invocation& invocation, const char* name, const char* help,
                   const char* argument, const char* argument_help) {
    CLI::App& command = *peers.add_subcommand(name, help);
    const auto options = add_client_options(command);
    const auto value = std::make_shared<std::string>();
    command.add_option(argument, *value, argument_help)->required();
    const auto hours = std::make_shared<std::string>();
    const bool is_ban = std::string_view(name) == "ban";
    if (is_ban) command.add_option("--hours", *hours, "how long [24]")->option_text("HOURS");
    command.callback([=, &invocation] {
        invocation.run = [=] {
            // An id has no colon, an address has one.
            const bool is_address = value->find(':') != std::string::npos;
            JsonObject body;
            body.text(is_address                             ? "address"
                      : std::string_view(argument) == "peer" ? "id"
                                                             : argument,
                      *value);
            if (!hours->empty()) body.text("hours", *hours);
            return ask_node(*options, {"POST", std::string("/api/v1/peers/") + name, body.str()},
                            view_change);
        };
    });
}

}  // namespace

void add_network_commands(CLI::App& app, Invocation& invocation) {
    {
        CLI::App& command =
            *app.add_subcommand("status", "what the node does or waits for")->group("Network");
        const auto client = add_client_options(command);
        const auto digests = std::make_shared<bool>(false);
        command.add_flag("--digests", *digests,
                         "digests of the whole state instead; equal nodes have equal ones");
        command.callback([=, &invocation] {
            invocation.run = [=] {
                if (*digests) return ask_node(*client, {"GET", "/api/v1/digests", {}}, view_digests);
                return ask_node(*client, {"GET", "/api/v1/status", {}}, view_status);
            };
        });
    }
    CLI::App& peers = *app.add_subcommand("peers", "connections to other nodes")->group("Network");
    const auto client = add_client_options(peers);
    const auto sort = std::make_shared<std::string>();
    const auto rising = std::make_shared<bool>(false);
    peers.add_option("--sort", *sort, "by health, availability, performance, round_trip_us, bytes_in, …")
        ->option_text("FIELD");
    peers.add_flag("--ascending", *rising, "smallest first");
    peers.callback([=, &invocation, &peers] {
        if (!peers.get_subcommands().empty()) return;
        invocation.run = [=] {
            std::string target = "/api/v1/peers";
            if (!sort->empty()) target += "?sort=" + url_escape(*sort) + (*rising ? "&order=asc" : "");
            return ask_node(*client, {"GET", target, {}}, view_peers);
        };
    });
    constexpr const char* peer_help = "its id, or the first 8 or more digits";
    add_peer_call(peers, invocation, "connect", "connect to a node", "address", "host:port");
    add_peer_call(peers, invocation, "disconnect", "close the connection and forget the address", "peer",
                  "its id, the first 8 or more digits, or host:port");
    add_peer_call(peers, invocation, "ban", "refuse a peer, also a configured one", "peer", peer_help);
    add_peer_call(peers, invocation, "unban", "end a ban", "peer", peer_help);
    {
        CLI::App& command = *peers.add_subcommand("find", "nodes that offer a service");
        const auto options = add_client_options(command);
        const auto service = std::make_shared<std::string>();
        command.add_option("service", *service, "for example market/BTC-USD, or registry")->required();
        command.callback([=, &invocation] {
            invocation.run = [=] {
                return ask_node(*options, {"GET", "/api/v1/peers/services?name=" + url_escape(*service), {}},
                                view_services);
            };
        });
    }
    add_peer_call(peers, invocation, "broadcast", "announce this node and let its address be shared, or not",
                  "broadcast", "on or off");
    for (const bool is_export : {true, false}) {
        CLI::App& command = is_export ? *peers.add_subcommand("export", "write addresses and bans to a file")
                                      : *peers.add_subcommand("import", "add those of a file");
        const auto options = add_client_options(command);
        const auto path = std::make_shared<std::string>();
        command.add_option("file", *path, "for example saved.peers.json")->required();
        command.callback([=, &invocation] {
            invocation.run = [=] {
                return is_export ? export_peers(*options, *path) : import_peers(*options, *path);
            };
        });
    }
}

}  // namespace peerbook::app::cli
