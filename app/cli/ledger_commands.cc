#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/views.h"

namespace peerbook::app::cli {

namespace {

// What cannot be taken back is said first, and done only when it is asked for again with --yes.
Exit ask_first(const char* what, bool as_json) {
    return report({Exit::refused, "not_confirmed", std::string(what) + " Give --yes to do it."}, as_json);
}

constexpr const char* adopt_warning =
    "This gives up the ledger that the node keeps now, for good: all its trades are retracted on this node, "
    "commands of its users that have not settled are void and are not sent again, and what its accounts own "
    "stays behind with the old key, which never signs again. Journal, index and key are kept in the data "
    "directory. The node leaves the old ledger, starts again under a new key, and joins the other one with "
    "empty accounts.";

constexpr const char* fork_warning =
    "This founds a new ledger that goes on from what has settled on this node, for when the other members "
    "are "
    "gone for good: the node never goes back to the old ledger, even if they come back. What its users sent "
    "and has not settled is sent again in the new one; what only the lost members had is void.";

constexpr const char* accept_warning =
    "This takes the node over to a fork of its ledger, for when its quorum is gone for good: it never goes "
    "back to the old ledger. What its users sent and has not settled is sent again in the fork.";

void add_adopt(CLI::App& ledger, Invocation& invocation) {
    CLI::App& command =
        *ledger.add_subcommand("adopt", "give the own ledger up and join one that a peer has");
    const auto client = add_client_options(command);
    const auto id = std::make_shared<std::string>();
    const auto is_sure = std::make_shared<bool>(false);
    command.add_option("id", *id, "the ledger's id, 64 hex digits; `peerbook ledger` lists them")->required();
    command.add_flag("--yes", *is_sure, "do it; without, it is only said what would happen");
    command.footer(adopt_warning);
    command.callback([=, &invocation] {
        invocation.run = [=] {
            const Result<NodeRequest> request = adopt_request(*id);
            if (!request) return report({Exit::usage, "usage", request.error().message}, client->json);
            if (!*is_sure) return ask_first(adopt_warning, client->json);
            return ask_node(*client, *request, view_given_up);
        };
    });
}

void add_fork(CLI::App& ledger, Invocation& invocation) {
    CLI::App& command = *ledger.add_subcommand(
        "fork", "go on in a new ledger where the quorum of the own one is gone for good");
    const auto client = add_client_options(command);
    const auto members = std::make_shared<std::vector<std::string>>();
    const auto accept = std::make_shared<std::string>();
    const auto is_sure = std::make_shared<bool>(false);
    command
        .add_option("--members", *members,
                    "ids of the nodes that go on together, commas between; this one always does [this one]")
        ->delimiter(',')
        ->option_text("ID,ID");
    command.add_option("--accept", *accept, "enter this fork, which another node founded")->option_text("ID");
    command.add_flag("--yes", *is_sure, "do it; without, it is only said what would happen");
    command.footer(fork_warning);
    command.callback([=, &invocation] {
        invocation.run = [=] {
            const Result<NodeRequest> request = fork_request(*members, *accept);
            if (!request) return report({Exit::usage, "usage", request.error().message}, client->json);
            if (!*is_sure) return ask_first(accept->empty() ? fork_warning : accept_warning, client->json);
            return ask_node(*client, *request, view_fork);
        };
    });
}

}  // namespace

void add_ledger_commands(CLI::App& app, Invocation& invocation) {
    CLI::App& ledger = *app.add_subcommand("ledger", "which ledger the node keeps, and those of its peers")
                            ->group("Network");
    const auto client = add_client_options(ledger);
    ledger.callback([=, &invocation, &ledger] {
        if (!ledger.get_subcommands().empty()) return;
        invocation.run = [=] { return ask_node(*client, {"GET", "/api/v1/ledgers", {}}, view_ledgers); };
    });
    add_adopt(ledger, invocation);
    add_fork(ledger, invocation);
}

}  // namespace peerbook::app::cli
