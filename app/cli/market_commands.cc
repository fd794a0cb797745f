#include <CLI/CLI.hpp>

#include "app/cli/commands.h"

namespace peerbook::app::cli {

namespace {

struct TermFlag {
    const char* flag;
    const char* field;  // of REST
    const char* help;
};
constexpr TermFlag term_flags[] = {
    {"--tick", "tick", "price step"},
    {"--lot", "lot", "quantity step"},
    {"--base", "base", "asset that is traded; default: the first part of the name"},
    {"--quote", "quote", "asset that prices are in; default: the second part"},
    {"--price-max", "price_max", "highest price"},
    {"--quantity-min", "quantity_min", "smallest order [one lot]"},
    {"--quantity-max", "quantity_max", "largest order"},
    {"--notional-min", "notional_min", "smallest quantity × price [none]"},
    {"--maker-fee-ppm", "maker_fee_ppm", "millionths of the notional [0]"},
    {"--taker-fee-ppm", "taker_fee_ppm", "millionths of the notional [0]"},
    {"--band-ppm", "band_ppm", "how far from the last price orders may be [no band]"},
    {"--matching", "matching", "continuous or batch [continuous]"},
    {"--auction", "auction", "length of the auction at open and after a halt, such as 30s [none]"},
    {"--reference", "reference", "number that tells this action from an earlier equal one [0]"},
};

void add_create_market(CLI::App& app, Invocation& invocation) {
    CLI::App& command =
        *app.add_subcommand("create-market", "open a market for two assets")->group("Administration");
    const Posting posting = add_posting(command);
    const auto market = std::make_shared<std::string>();
    const auto terms = std::make_shared<MarketTerms>();
    command.add_option("market", *market, "its name, e.g. ETH-USD")->required();
    terms->reserve(std::size(term_flags));  // options keep references to its values
    for (const TermFlag& term : term_flags) {
        terms->emplace_back(term.field, "");
        CLI::Option* option = command.add_option(term.flag, terms->back().second, term.help);
        if (std::string(term.field) == "tick" || std::string(term.field) == "lot") option->required();
    }
    post_when_named(command, invocation, posting, [market, terms](const CommandOptions& options) {
        return create_market_request(*market, *terms, options);
    });
}

void add_phase(CLI::App& app, Invocation& invocation, const char* op, const char* description) {
    CLI::App& command = *app.add_subcommand(op, description)->group("Administration");
    const Posting posting = add_posting(command);
    const auto market = std::make_shared<std::string>();
    const auto reference = std::make_shared<std::string>();
    command.add_option("market", *market, "e.g. BTC-USD")->required();
    command.add_option("--reference", *reference,
                       "number that tells this action from an earlier equal one [0]");
    post_when_named(command, invocation, posting, [op, market, reference](const CommandOptions& options) {
        return phase_request(op, *market, *reference, options);
    });
}

}  // namespace

void add_market_commands(CLI::App& app, Invocation& invocation) {
    add_create_market(app, invocation);
    add_phase(app, invocation, "halt", "a market takes no orders until it is resumed");
    add_phase(app, invocation, "resume", "a halted market trades again, through an auction if it has one");
}

}  // namespace peerbook::app::cli
