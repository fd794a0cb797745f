#include "app/shell/shell.h"

#include <utility>
#include <vector>

#include "app/api/json_write.h"
#include "app/api/order_entry.h"
#include "app/shell/line_language.h"
#include "app/shell/shell_text.h"

namespace peerbook::app {

namespace {

constexpr std::size_t trades_shown = 20;
constexpr std::size_t orders_shown = 1'000;

std::string line_error_json(const LineError& error, std::string_view field) {
    ApiError api(error.message, std::string(field));
    std::string json = error_json(api);
    json.pop_back();
    if (error.column) json += ",\"column\":\"" + std::to_string(*error.column) + "\"";
    if (!error.example.empty())
        json += "," + single_json("example", error.example).substr(1);
    else
        json += "}";
    return json;
}

}  // namespace

// Shared with the completions under way, which do nothing once `print` is empty.
struct Shell::State : std::enable_shared_from_this<Shell::State> {
    State(NodeService& node_service, ShellOptions chosen, Print print_)
        : node(node_service), options(std::move(chosen)), print(std::move(print_)), tables(node_service) {}

    std::shared_ptr<const MarketTable> markets() { return tables.current(); }

    void say(const std::string& answer) {
        if (print) print(answer);
    }
    void say_error(const LineError& error, std::string_view field = {}) {
        say(options.json ? line_error_json(error, field) : error_text(error));
    }
    void say_error(const ApiError& error) {
        say(options.json ? error_json(error) : error_text({error.message, std::nullopt, ""}));
    }

    void run(std::shared_ptr<std::string> line);
    void execute(PlainAction action);
    void execute(const BookAction& action);
    void execute(const TradesAction& action);
    void execute(const ShowOrderAction& action);
    void execute(const WithdrawalsAction& action);
    void execute(const ConnectAction& action);
    void execute(const UseAccountAction& action);
    void command(std::shared_ptr<std::string> line, OrderFields fields);
    void find_market_first(std::shared_ptr<std::string> line, OrderFields fields);

    // Asks, and prints what `as_json` or `as_text` make of an answer of type T.
    template <typename T, typename AsJson, typename AsText>
    void ask(Query query, AsJson as_json, AsText as_text) {
        ++under_way;
        node.ask(std::move(query), [self = shared_from_this(), as_json, as_text](Result<Answer> answer) {
            --self->under_way;
            if (!answer.ok()) return self->say_error(ApiError(answer.error()));
            const T* typed = std::get_if<T>(&*answer);
            PB_CHECK(typed, "an answer has its question's type");
            self->say(self->options.json ? as_json(*self, *typed) : as_text(*self, *typed));
        });
    }

    NodeService& node;
    ShellOptions options;
    Print print;
    MarketTables tables;
    std::size_t under_way = 0;
};

Shell::Shell(NodeService& node, ShellOptions options, Print print)
    : state_(std::make_shared<State>(node, std::move(options), std::move(print))) {}
Shell::~Shell() {
    state_->print = nullptr;
}
void Shell::run(std::string line) {
    state_->run(std::make_shared<std::string>(std::move(line)));
}
std::size_t Shell::under_way() const {
    return state_->under_way;
}
const std::string& Shell::account() const {
    return state_->options.account;
}

void Shell::State::run(std::shared_ptr<std::string> line) {
    auto parsed = parse_line(*line);
    if (const auto* error = std::get_if<LineError>(&parsed)) return say_error(*error);
    const Action& action = std::get<Action>(parsed);
    if (const auto* typed = std::get_if<CommandAction>(&action)) return command(line, typed->fields);
    if (const auto* typed = std::get_if<PlainAction>(&action)) return execute(*typed);
    if (const auto* typed = std::get_if<BookAction>(&action)) return execute(*typed);
    if (const auto* typed = std::get_if<TradesAction>(&action)) return execute(*typed);
    if (const auto* typed = std::get_if<ShowOrderAction>(&action)) return execute(*typed);
    if (const auto* typed = std::get_if<WithdrawalsAction>(&action)) return execute(*typed);
    if (const auto* typed = std::get_if<ConnectAction>(&action)) return execute(*typed);
    execute(std::get<UseAccountAction>(action));
}

void Shell::State::command(std::shared_ptr<std::string> line, OrderFields fields) {
    const std::string_view op = fields[OrderField::op].text;
    if ((op == "reduce" || op == "replace") && !fields.has(OrderField::market) &&
        fields.has(OrderField::order_id))
        return find_market_first(std::move(line), fields);
    const std::shared_ptr<const MarketTable> table = markets();
    std::optional<WallTime> now;
    if (options.clock) now = options.clock->now().wall;
    auto draft = make_draft(fields, {*table, options.node, options.account, now});
    if (!draft.ok()) {
        ApiError& error = draft.error();
        return say_error(LineError{error.message, column_of(*line, fields, error.field), ""}, error.field);
    }
    std::vector<Draft> drafts;
    drafts.push_back(std::move(draft.value()));
    ++under_way;
    submit_drafts(node, table, std::move(drafts), Grade::provisional,
                  [self = shared_from_this()](ApiResult<SubmitAnswer> answer) {
                      --self->under_way;
                      if (!answer.ok()) return self->say_error(answer.error());
                      const SubmitAnswer& results = answer.value();
                      if (self->options.json) return self->say(submit_json(results, *self->markets(), false));
                      std::string text;
                      for (const CommandResult& result : results.results)
                          text += (text.empty() ? "" : "\n") + result_text(result, results, *self->markets());
                      self->say(text);
                  });
}

// A quantity means nothing without its market: the order says which.
void Shell::State::find_market_first(std::shared_ptr<std::string> line, OrderFields fields) {
    auto id = parse_order_id(fields[OrderField::order_id].text, "order_id");
    if (!id.ok())
        return say_error(LineError{id.error().message, column_of(*line, fields, "order_id"), ""}, "order_id");
    ++under_way;
    node.ask(OrderQuery{id.value()},
             [self = shared_from_this(), line, fields](Result<Answer> answer) mutable {
                 --self->under_way;
                 if (!answer.ok()) return self->say_error(ApiError(answer.error()));
                 const auto* found = std::get_if<OrderAnswer>(&*answer);
                 PB_CHECK(found, "an order query is answered with an order");
                 fields.set_text(OrderField::market, self->markets()->market(found->order.market).symbol);
                 self->command(std::move(line), fields);
             });
}

void Shell::State::execute(PlainAction action) {
    switch (action) {
        case PlainAction::nothing:
            return;
        case PlainAction::help:
            return say(
                options.json
                    ? single_json("help",
                                  "see REST.md; one JSON object a line, as POST /api/v1/orders takes it")
                    : std::string(help_text()));
        case PlainAction::markets:
            return ask<MarketsAnswer>(
                MarketsQuery{},
                [](State& self, const MarketsAnswer& answer) {
                    return markets_json(answer, *self.markets());
                },
                [](State& self, const MarketsAnswer& answer) {
                    return markets_text(answer, *self.markets(), self.options.style);
                });
        case PlainAction::peers:
            return say(options.json
                           ? peers_json(options.network, options.network ? options.network->peers()
                                                                         : std::vector<p2p::PeerInfo>())
                           : peers_text(options.network, options.style));
        case PlainAction::orders:
            return ask<OrdersAnswer>(
                OrdersQuery{options.account, orders_shown},
                [](State& self, const OrdersAnswer& orders) { return orders_json(orders, *self.markets()); },
                [](State& self, const OrdersAnswer& orders) {
                    return orders_text(orders, *self.markets(), self.options.style);
                });
        case PlainAction::balances:
            return ask<AccountsAnswer>(
                AccountQuery{options.account},
                [](State& self, const AccountsAnswer& answer) {
                    return answer.accounts.empty() ? accounts_json(answer)
                                                   : account_json(answer.accounts.front(), *self.markets());
                },
                [](State& self, const AccountsAnswer& answer) {
                    return answer.accounts.empty()
                               ? std::string(
                                     "this account has not been opened yet; its first command opens it")
                               : balances_text(answer.accounts.front(), *self.markets(), self.options.style);
                });
        case PlainAction::status:
            return ask<StatusAnswer>(
                StatusQuery{},
                [](State& self, const StatusAnswer& status) {
                    return status_json(status, self.node.network_name(), self.options.network);
                },
                [](State& self, const StatusAnswer& status) {
                    return status_text(status, self.node.network_name(), self.options.style);
                });
    }
}

void Shell::State::execute(const BookAction& action) {
    const auto market = markets()->find_market(action.market);
    if (!market)
        return say_error(
            LineError{"no market " + quoted(action.market) + " in this network", std::nullopt, "markets"},
            "market");
    ask<BookAnswer>(
        BookQuery{*market, action.depth, false},
        [](State& self, const BookAnswer& book) { return book_json(book, *self.markets(), false); },
        [](State& self, const BookAnswer& book) {
            return book_text(book, *self.markets(), self.options.style);
        });
}

void Shell::State::execute(const TradesAction& action) {
    TradesQuery query;
    query.limit = trades_shown;
    if (!action.market.empty()) {
        query.market = markets()->find_market(action.market);
        if (!query.market)
            return say_error(
                LineError{"no market " + quoted(action.market) + " in this network", std::nullopt, "markets"},
                "market");
    }
    ask<TradesAnswer>(
        std::move(query),
        [](State& self, const TradesAnswer& trades) { return trades_json(trades, *self.markets()); },
        [](State& self, const TradesAnswer& trades) {
            return trades_text(trades, *self.markets(), self.options.style);
        });
}

void Shell::State::execute(const ShowOrderAction& action) {
    auto id = parse_order_id(action.id, "order_id");
    if (!id.ok()) return say_error(id.error());
    ask<OrderAnswer>(
        OrderQuery{id.value()},
        [](State& self, const OrderAnswer& answer) { return order_json(answer, *self.markets()); },
        [](State& self, const OrderAnswer& answer) {
            return order_text(answer, *self.markets(), self.options.style);
        });
}

void Shell::State::execute(const WithdrawalsAction& action) {
    WithdrawalsQuery query;
    query.limit = orders_shown;
    if (action.asset.empty()) {
        query.account = options.account;
    } else {
        query.asset = markets()->find_asset(action.asset);
        if (!query.asset)
            return say_error(LineError{"no asset " + quoted(action.asset) + " in this network", std::nullopt,
                                       "withdrawals USD"},
                             "asset");
    }
    ask<WithdrawalsAnswer>(
        std::move(query),
        [](State& self, const WithdrawalsAnswer& answer) {
            return withdrawals_json(answer, *self.markets());
        },
        [](State& self, const WithdrawalsAnswer& answer) {
            return withdrawals_text(answer, *self.markets(), self.options.style);
        });
}

void Shell::State::execute(const ConnectAction& action) {
    const std::string address(action.address);
    if (!options.network)
        return say_error(ApiError(Error{ErrorCode::unavailable, "peer-to-peer is switched off"}));
    if (Status status = options.network->connect(address); !status.ok())
        return say_error(ApiError(status.error()));
    say(options.json ? single_json("connecting", address) : "connecting to " + address + "; see: peers");
}

void Shell::State::execute(const UseAccountAction& action) {
    options.account = action.name;
    say(options.json ? single_json("account", options.account) : "now speaking for " + options.account);
}

}  // namespace peerbook::app
