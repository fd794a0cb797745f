#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/http_client.h"
#include "app/cli/json_text.h"
#include "app/cli/views.h"

namespace peerbook::app::cli {

namespace {

// The answers to connect and disconnect have one member, whose name says what happens:
// {"connecting":"host:port"}.
Result<std::string> view_change(const Answer& answer, const TerminalStyle&) {
    for (const char* word : {"connecting", "disconnected"}) {
        if (const std::string peer = text_at(answer, word); !peer.empty()) {
            return std::string(word) + " " + terminal_text(peer) + "\n";
        }
    }
    return Error{ErrorCode::invalid_input, "it does not say what became of the connection"};
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
    peers.callback([=, &invocation, &peers] {
        if (!peers.get_subcommands().empty()) return;
        invocation.run = [=] { return ask_node(*client, {"GET", "/api/v1/peers", {}}, view_peers); };
    });
    {
        CLI::App& command = *peers.add_subcommand("connect", "connect to a node");
        const auto options = add_client_options(command);
        const auto address = std::make_shared<std::string>();
        command.add_option("address", *address, "host:port")->required();
        command.callback([=, &invocation] {
            invocation.run = [=] {
                const std::string body = JsonObject().text("address", *address).str();
                return ask_node(*options, {"POST", "/api/v1/peers", body}, view_change);
            };
        });
    }
    {
        CLI::App& command = *peers.add_subcommand("disconnect", "close the connection to a peer");
        const auto options = add_client_options(command);
        const auto id = std::make_shared<std::string>();
        command.add_option("id", *id, "the peer's id, 64 hex digits; peers --json prints it")->required();
        command.callback([=, &invocation] {
            invocation.run = [=] {
                return ask_node(*options, {"DELETE", "/api/v1/peers/" + url_escape(*id), {}}, view_change);
            };
        });
    }
}

}  // namespace peerbook::app::cli
