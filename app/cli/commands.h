// The subcommands, a file a group. Each add_ function declares its flags and puts what is to run into the
// Invocation when its subcommand was named; nothing runs while the command line is still being read.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/cli/client.h"
#include "app/cli/outcome.h"

namespace CLI {
class App;
}

namespace peerbook::app::cli {

struct Invocation {
    std::function<Exit()> run;
};

// Orders and their changes.
void add_trading_commands(CLI::App& app, Invocation& invocation);
// Faucet, transfers, what issuers do, withdrawals.
void add_money_commands(CLI::App& app, Invocation& invocation);
// What administrators do: create-market, halt, resume.
void add_market_commands(CLI::App& app, Invocation& invocation);
// Book, trades, orders, balances, withdrawals.
void add_reading_commands(CLI::App& app, Invocation& invocation);
// Status, peers.
void add_network_commands(CLI::App& app, Invocation& invocation);
// Ledger: those there are, adopt, fork.
void add_ledger_commands(CLI::App& app, Invocation& invocation);
// Invite, join.
void add_invitation_commands(CLI::App& app, Invocation& invocation);
// Authority: init, issue, inspect, take.
void add_authority_commands(CLI::App& app, Invocation& invocation);
// Init, keys.
void add_key_commands(CLI::App& app, Invocation& invocation);
// What keeps the process busy: node, replay.
void add_run_commands(CLI::App& app, Invocation& invocation);
// Bench.
void add_bench_commands(CLI::App& app, Invocation& invocation);
// Config.
void add_config_commands(CLI::App& app, Invocation& invocation);

// --node, --data-dir, --cookie-file, --timeout, --json; the options live as long as the lambdas that hold
// them.
std::shared_ptr<ClientOptions> add_client_options(CLI::App& command);
// A command that changes something: the flags that all of them have.
struct Posting {
    std::shared_ptr<ClientOptions> client;
    std::shared_ptr<CommandOptions> options;  // --account, --nonce, --wait
};
Posting add_posting(CLI::App& command);
// When the command is named it posts what `make` returns and shows what became of it.
using MakeRequest = std::function<Result<NodeRequest>(const CommandOptions& options)>;
void post_when_named(CLI::App& command, Invocation& invocation, const Posting& posting, MakeRequest make);

// --json alone.
std::shared_ptr<bool> add_json_option(CLI::App& command);

}  // namespace peerbook::app::cli
