#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/views.h"

namespace peerbook::app::cli {

namespace {

constexpr const char* order_footer =
    "TIME is 60s, 5m, 2h from now, or 2026-11-20T12:00:00Z. Examples:\n"
    "  order buy BTC-USD 0.5 @ 60000 --tif gtd --expires-at 5m\n"
    "  order sell BTC-USD 2 @ 60000 --display 0.1\n"
    "  order buy BTC-USD --budget 1000\n"
    "  order sell BTC-USD 0.5 --market-order --stop 55000\n"
    "  order sell BTC-USD 0.5 @ 54900 --stop 55000";

void add_self_trade(CLI::App& command, std::string& value) {
    command.add_option("--self-trade", value, "where it meets the account's own order [cancel_newest]")
        ->check(CLI::IsMember({"cancel_newest", "cancel_oldest", "cancel_both", "decrement"}))
        ->option_text("cancel_newest|cancel_oldest|cancel_both|decrement");
}

void add_order_side(CLI::App& order_app, Invocation& invocation, const char* side) {
    CLI::App& command = *order_app.add_subcommand(side, std::string(side) + " MARKET QUANTITY @ PRICE");
    const Posting posting = add_posting(command);
    const auto order = std::make_shared<OrderArguments>();
    order->side = side;
    command.add_option("market", order->market, "e.g. BTC-USD")->required();
    command.add_option("terms", order->terms, "QUANTITY [@] PRICE, or QUANTITY with --market-order");
    command.add_option("--tif", order->time_in_force, "time in force [gtc; gtd with --expires-at]")
        ->check(CLI::IsMember({"gtc", "gtd", "ioc", "fok"}))
        ->option_text("gtc|gtd|ioc|fok")
        ->group("Limit orders");
    command.add_option("--expires-at", order->expires_at, "when a gtd order leaves the book")
        ->option_text("TIME")
        ->group("Limit orders");
    command.add_flag("--post-only", order->post_only, "refuse to trade at once")->group("Limit orders");
    command.add_option("--display", order->display, "iceberg: the most that is shown at once")
        ->option_text("QUANTITY")
        ->group("Limit orders");
    command.add_flag("--market-order", order->market_order, "take what the book offers")
        ->group("Market orders");
    command.add_option("--budget", order->budget, "a market order that spends this, instead of a quantity")
        ->option_text("AMOUNT")
        ->group("Market orders");
    command
        .add_option("--protection", order->protection,
                    "worst price; default: 5 % or half the market's band from the last trade or the trigger")
        ->option_text("PRICE")
        ->group("Market orders");
    command.add_option("--stop", order->stop, "wait until the price is as bad as this")
        ->option_text("PRICE")
        ->group("All orders");
    command.add_option("--take-profit", order->take_profit, "wait until the price is as good as this")
        ->option_text("PRICE")
        ->group("All orders");
    add_self_trade(command, order->self_trade);
    command.get_option("--self-trade")->group("All orders");
    command.footer(order_footer);
    post_when_named(command, invocation, posting,
                    [order](const CommandOptions& options) { return order_request(*order, options); });
}

CLI::App& add_trading(CLI::App& app, const char* name, const char* description) {
    return *app.add_subcommand(name, description)->group("Trading");
}

void add_order_show(CLI::App& order, Invocation& invocation) {
    CLI::App& command = *order.add_subcommand("show", "where is my order?");
    const auto client = add_client_options(command);
    const auto id = std::make_shared<std::string>();
    command.add_option("id", *id, "the order's id, 32 hex digits")->required();
    command.callback([=, &invocation] {
        invocation.run = [=] { return ask_node(*client, order_show_request(*id), view_order); };
    });
}

constexpr const char* order_help = "the order's id (32 hex digits), or its nonce";

void add_changes_of_one(CLI::App& app, Invocation& invocation) {
    {
        CLI::App& command = add_trading(app, "cancel", "cancel an order");
        const Posting posting = add_posting(command);
        const auto target = std::make_shared<std::string>();
        command.add_option("order", *target, order_help)->required();
        post_when_named(command, invocation, posting,
                        [target](const CommandOptions& options) { return cancel_request(*target, options); });
    }
    {
        CLI::App& command =
            add_trading(app, "reduce", "take quantity off an order; it keeps its place in the queue");
        const Posting posting = add_posting(command);
        const auto reduce = std::make_shared<ReduceArguments>();
        command.add_option("market", reduce->market, "e.g. BTC-USD")->required();
        command.add_option("order", reduce->order, order_help)->required();
        command.add_option("quantity", reduce->by, "how much to take off")->required();
        post_when_named(command, invocation, posting,
                        [reduce](const CommandOptions& options) { return reduce_request(*reduce, options); });
    }
    {
        CLI::App& command = add_trading(app, "replace", "cancel an order and place another: both or neither");
        const Posting posting = add_posting(command);
        const auto replace = std::make_shared<ReplaceArguments>();
        command.add_option("market", replace->market, "e.g. BTC-USD")->required();
        command.add_option("order", replace->order, order_help)->required();
        command.add_option("terms", replace->terms, "QUANTITY [@] PRICE of the new one")->required();
        command.add_flag("--post-only", replace->post_only, "refuse to trade at once");
        command.add_option("--trigger", replace->trigger, "of a waiting order; default: the old one's")
            ->option_text("PRICE");
        add_self_trade(command, replace->self_trade);
        post_when_named(command, invocation, posting, [replace](const CommandOptions& options) {
            return replace_request(*replace, options);
        });
    }
}

void add_changes_of_many(CLI::App& app, Invocation& invocation) {
    {
        CLI::App& command = add_trading(app, "cancel-all", "cancel all orders of the account");
        const Posting posting = add_posting(command);
        const auto which = std::make_shared<CancelAllArguments>();
        command.add_option("--market", which->market, "only those of this market");
        command.add_option("--side", which->side, "only those of this side")
            ->check(CLI::IsMember({"buy", "sell"}))
            ->option_text("buy|sell");
        post_when_named(command, invocation, posting, [which](const CommandOptions& options) {
            return cancel_all_request(*which, options);
        });
    }
    {
        CLI::App& command =
            add_trading(app, "cancel-after", "dead-man switch: cancel all orders unless it is set again");
        const Posting posting = add_posting(command);
        const auto timeout = std::make_shared<std::string>();
        command.add_option("time", *timeout, "such as 60s, or off")->required();
        post_when_named(command, invocation, posting, [timeout](const CommandOptions& options) {
            return cancel_after_request(*timeout, options);
        });
    }
    {
        CLI::App& command = add_trading(app, "mass-quote",
                                        "replace the account's quotes in a market by these post-only orders");
        const Posting posting = add_posting(command);
        const auto quotes = std::make_shared<MassQuoteArguments>();
        command.add_option("market", quotes->market, "e.g. BTC-USD")->required();
        command.add_option("quotes", quotes->terms,
                           "SIDE QUANTITY @ PRICE, again and again; none: only cancel");
        post_when_named(command, invocation, posting, [quotes](const CommandOptions& options) {
            return mass_quote_request(*quotes, options);
        });
    }
}

}  // namespace

void add_trading_commands(CLI::App& app, Invocation& invocation) {
    CLI::App& order = add_trading(app, "order", "place an order, or show one");
    order.require_subcommand(1);
    add_order_side(order, invocation, "buy");
    add_order_side(order, invocation, "sell");
    add_order_show(order, invocation);
    add_changes_of_one(app, invocation);
    add_changes_of_many(app, invocation);
}

}  // namespace peerbook::app::cli
