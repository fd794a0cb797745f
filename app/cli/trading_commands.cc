#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/views.h"

namespace peerbook::app::cli {

namespace {

std::shared_ptr<CommandOptions> add_command_options(CLI::App& command) {
    auto options = std::make_shared<CommandOptions>();
    command.add_option("--account", options->account, "account of this node that commands [me]");
    command.add_option("--nonce", options->nonce,
                       "number of the command within its account; default: the next");
    command.add_option("--wait", options->wait, "answer only when it is settled")
        ->check(CLI::IsMember({"settled"}))
        ->option_text("settled");
    return options;
}

void add_order_side(CLI::App& order_app, Invocation& invocation, const char* side) {
    CLI::App& command = *order_app.add_subcommand(side, std::string(side) + " MARKET QUANTITY @ PRICE");
    const auto client = add_client_options(command);
    const auto options = add_command_options(command);
    const auto order = std::make_shared<OrderArguments>();
    order->side = side;
    command.add_option("market", order->market, "e.g. BTC-USD")->required();
    command.add_option("terms", order->terms, "QUANTITY [@] PRICE, or QUANTITY with --market-order");
    command.add_option("--tif", order->time_in_force, "time in force [gtc]")
        ->check(CLI::IsMember({"gtc", "ioc", "fok"}))
        ->option_text("gtc|ioc|fok");
    command.add_flag("--post-only", order->post_only, "refuse to trade at once");
    command.add_flag("--market-order", order->market_order, "take what the book offers");
    command.add_option("--protection", order->protection,
                       "worst price of a market order; default: 5 % from the last trade");
    command.callback([=, &invocation] {
        invocation.run = [=] {
            const Result<NodeRequest> request = order_request(*order, *options);
            if (!request) return report(failure_of(request.error()), client->json);
            return ask_node(*client, *request, view_result);
        };
    });
}

}  // namespace

void add_trading_commands(CLI::App& app, Invocation& invocation) {
    CLI::App& order = *app.add_subcommand("order", "place an order, or show one")->group("Trading");
    order.require_subcommand(1);
    add_order_side(order, invocation, "buy");
    add_order_side(order, invocation, "sell");
    {
        CLI::App& command = *order.add_subcommand("show", "where is my order?");
        const auto client = add_client_options(command);
        const auto id = std::make_shared<std::string>();
        command.add_option("id", *id, "the order's id, 32 hex digits")->required();
        command.callback([=, &invocation] {
            invocation.run = [=] { return ask_node(*client, order_show_request(*id), view_order); };
        });
    }
    {
        CLI::App& command = *app.add_subcommand("cancel", "cancel an order")->group("Trading");
        const auto client = add_client_options(command);
        const auto options = add_command_options(command);
        const auto id = std::make_shared<std::string>();
        command.add_option("id", *id, "the order's id, 32 hex digits")->required();
        command.callback([=, &invocation] {
            invocation.run = [=] { return ask_node(*client, cancel_request(*id, *options), view_result); };
        });
    }
    {
        CLI::App& command =
            *app.add_subcommand("reduce", "take quantity off an order; it keeps its place in the queue")
                 ->group("Trading");
        const auto client = add_client_options(command);
        const auto options = add_command_options(command);
        const auto reduce = std::make_shared<ReduceArguments>();
        command.add_option("market", reduce->market, "e.g. BTC-USD")->required();
        command.add_option("id", reduce->order_id, "the order's id, 32 hex digits")->required();
        command.add_option("quantity", reduce->by, "how much to take off")->required();
        command.callback([=, &invocation] {
            invocation.run = [=] {
                return ask_node(*client, reduce_request(*reduce, *options), view_result);
            };
        });
    }
    {
        CLI::App& command =
            *app.add_subcommand("faucet", "play money, where the network has it")->group("Trading");
        const auto client = add_client_options(command);
        const auto options = add_command_options(command);
        const auto what = std::make_shared<AssetAmount>();
        command.add_option("asset", what->asset, "e.g. USD")->required();
        command.add_option("amount", what->amount, "how much")->required();
        command.callback([=, &invocation] {
            invocation.run = [=] { return ask_node(*client, faucet_request(*what, *options), view_result); };
        });
    }
    {
        CLI::App& command =
            *app.add_subcommand("transfer", "send an asset to another account")->group("Trading");
        const auto client = add_client_options(command);
        const auto options = add_command_options(command);
        const auto what = std::make_shared<AssetAmount>();
        const auto to = std::make_shared<std::string>();
        command.add_option("to", *to, "account name on this node, or an account's id (64 hex digits)")
            ->required();
        command.add_option("asset", what->asset, "e.g. USD")->required();
        command.add_option("amount", what->amount, "how much")->required();
        command.callback([=, &invocation] {
            invocation.run = [=] {
                return ask_node(*client, transfer_request(*to, *what, *options), view_result);
            };
        });
    }
}

}  // namespace peerbook::app::cli
