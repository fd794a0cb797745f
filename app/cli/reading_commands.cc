#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/views.h"

namespace peerbook::app::cli {

void add_reading_commands(CLI::App& app, Invocation& invocation) {
    {
        CLI::App& command =
            *app.add_subcommand("markets", "what can be traded, its rules and what it does now")
                 ->group("Reading");
        const auto client = add_client_options(command);
        command.callback([=, &invocation] {
            invocation.run = [=] { return ask_node(*client, {"GET", "/api/v1/markets", {}}, view_markets); };
        });
    }
    {
        CLI::App& command = *app.add_subcommand("book", "the order book of a market")->group("Reading");
        const auto client = add_client_options(command);
        const auto market = std::make_shared<std::string>();
        const auto depth = std::make_shared<std::string>("10");
        const auto orders = std::make_shared<bool>(false);
        command.add_option("market", *market, "e.g. BTC-USD")->required();
        command.add_option("--depth", *depth, "levels on each side [10]");
        command.add_flag("--orders", *orders, "every order instead of levels");
        command.callback([=, &invocation] {
            invocation.run = [=] {
                return ask_node(*client, book_request(*market, *depth, *orders),
                                *orders ? view_book_orders : view_book);
            };
        });
    }
    {
        CLI::App& command = *app.add_subcommand("trades", "trades, the latest last")->group("Reading");
        const auto client = add_client_options(command);
        const auto trades = std::make_shared<TradesArguments>();
        trades->limit = "20";
        command.add_option("market", trades->market, "e.g. BTC-USD; default: all");
        command.add_option("--account", trades->account, "only trades of this account");
        command.add_option("--after", trades->after, "only settled trades after this ordinal of the market");
        command.add_option("--limit", trades->limit, "how many [20]");
        command.add_option("--ledger", trades->ledger,
                           "of a ledger that this node gave up, whose trades are retracted");
        command.callback([=, &invocation] {
            invocation.run = [=] {
                const Result<NodeRequest> request = trades_request(*trades);
                if (!request) return report(failure_of(request.error()), client->json);
                return ask_node(*client, *request, view_trades);
            };
        });
    }
    {
        CLI::App& command = *app.add_subcommand("orders", "open orders of an account")->group("Reading");
        const auto client = add_client_options(command);
        const auto account = std::make_shared<std::string>("me");
        const auto limit = std::make_shared<std::string>();
        command.add_option("--account", *account, "account name, or id [me]");
        command.add_option("--limit", *limit, "how many at most");
        command.callback([=, &invocation] {
            invocation.run = [=] { return ask_node(*client, orders_request(*account, *limit), view_orders); };
        });
    }
    {
        CLI::App& command =
            *app.add_subcommand("withdrawals", "withdrawals that wait for their issuer")->group("Reading");
        const auto client = add_client_options(command);
        const auto account = std::make_shared<std::string>();
        const auto asset = std::make_shared<std::string>();
        command.add_option("--account", *account, "only of this account, by name or id");
        command.add_option("--asset", *asset, "only of this asset");
        command.callback([=, &invocation] {
            invocation.run = [=] {
                return ask_node(*client, withdrawals_request(*account, *asset), view_withdrawals);
            };
        });
    }
    {
        CLI::App& command = *app.add_subcommand("balances", "what an account owns")->group("Reading");
        const auto client = add_client_options(command);
        const auto account = std::make_shared<std::string>("me");
        command.add_option("--account", *account, "account name, or id [me]");
        command.callback([=, &invocation] {
            invocation.run = [=] { return ask_node(*client, balances_request(*account), view_balances); };
        });
    }
}

}  // namespace peerbook::app::cli
