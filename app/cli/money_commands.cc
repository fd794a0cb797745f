#include <CLI/CLI.hpp>

#include "app/cli/commands.h"

namespace peerbook::app::cli {

namespace {

CLI::App& add_money(CLI::App& app, const char* name, const char* description) {
    return *app.add_subcommand(name, description)->group("Money");
}

std::shared_ptr<AssetAmount> add_asset_amount(CLI::App& command) {
    auto what = std::make_shared<AssetAmount>();
    command.add_option("asset", what->asset, "e.g. USD")->required();
    command.add_option("amount", what->amount, "how much")->required();
    return what;
}

struct Sending {
    std::string to;
    AssetAmount what;
};

// Transfer and issue differ in whose money it is.
using SendingRequest = NodeRequest (*)(const std::string&, const AssetAmount&, const CommandOptions&);
void add_sending(CLI::App& command, Invocation& invocation, SendingRequest make) {
    const Posting posting = add_posting(command);
    const auto sending = std::make_shared<Sending>();
    command.add_option("to", sending->to, "account name on this node, or an account's id (64 hex digits)")
        ->required();
    command.add_option("asset", sending->what.asset, "e.g. USD")->required();
    command.add_option("amount", sending->what.amount, "how much")->required();
    post_when_named(command, invocation, posting, [sending, make](const CommandOptions& options) {
        return make(sending->to, sending->what, options);
    });
}

void add_withdraw(CLI::App& app, Invocation& invocation) {
    CLI::App& command = add_money(app, "withdraw", "ask the issuer of an asset to pay out");
    const Posting posting = add_posting(command);
    const auto what = add_asset_amount(command);
    const auto destination = std::make_shared<std::string>();
    command.add_option("destination", *destination, "where to, in words that the issuer understands")
        ->required();
    post_when_named(command, invocation, posting, [what, destination](const CommandOptions& options) {
        return withdraw_request(*destination, *what, options);
    });
}

void add_settle(CLI::App& app, Invocation& invocation) {
    CLI::App& command = add_money(app, "settle", "by an issuer: a withdrawal was paid, or is refused");
    const Posting posting = add_posting(command);
    const auto settle = std::make_shared<SettleArguments>();
    command.add_option("holder", settle->account, "account that asked, by name or id")->required();
    command.add_option("request", settle->request, "its nonce, as `peerbook withdrawals` shows it")
        ->required();
    command.add_flag("--paid", settle->is_paid, "it was paid: the amount is destroyed");
    command.add_flag("--refused", settle->is_refused, "it is not: the amount is the account's again");
    post_when_named(command, invocation, posting,
                    [settle](const CommandOptions& options) { return settle_request(*settle, options); });
}

// Faucet and redeem.
using AmountRequest = NodeRequest (*)(const AssetAmount&, const CommandOptions&);
void add_amount_command(CLI::App& command, Invocation& invocation, AmountRequest make) {
    const Posting posting = add_posting(command);
    const auto what = add_asset_amount(command);
    post_when_named(command, invocation, posting,
                    [what, make](const CommandOptions& options) { return make(*what, options); });
}

}  // namespace

void add_money_commands(CLI::App& app, Invocation& invocation) {
    add_amount_command(add_money(app, "faucet", "play money, where the network has it"), invocation,
                       faucet_request);
    add_sending(add_money(app, "transfer", "send an asset to another account"), invocation, transfer_request);
    add_withdraw(app, invocation);
    add_sending(add_money(app, "issue", "by an issuer: create units of its asset"), invocation,
                issue_request);
    add_amount_command(add_money(app, "redeem", "by an issuer: destroy own units of its asset"), invocation,
                       redeem_request);
    add_settle(app, invocation);
}

}  // namespace peerbook::app::cli
