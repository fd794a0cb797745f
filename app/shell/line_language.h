// The language of standard input, one command a line:
//
//   buy BTC-USD 0.5 @ 60000 [gtc|ioc|fok|post]      sell …
//   market buy BTC-USD 0.1 [protect 61000]          market sell …
//   cancel ID|NONCE      reduce ID|NONCE by 0.1 [in BTC-USD]
//   faucet USD 1000      transfer 10 USD to bob     open      as alice
//   book BTC-USD [LEVELS]   trades [BTC-USD]   orders   balances   markets
//   peers   connect host:port   status   help
//
// or one JSON object with the fields of POST /api/v1/orders. Words may be in either case; market and asset
// names are read as upper case. Blank lines and lines that begin with # say nothing. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "app/api/order_fields.h"

namespace peerbook::app {

inline constexpr std::size_t line_bytes_max = 64 * 1024;

// Views in the actions point into the line.
struct CommandAction {
    OrderFields fields;
};
struct BookAction {
    std::string_view market;
    std::size_t depth = 10;
};
struct TradesAction {
    std::string_view market;  // empty: all
};
struct ConnectAction {
    std::string_view address;
};
struct UseAccountAction {
    std::string_view name;
};
enum class PlainAction : unsigned char { nothing, orders, balances, markets, peers, status, help };

using Action =
    std::variant<PlainAction, CommandAction, BookAction, TradesAction, ConnectAction, UseAccountAction>;

struct LineError {
    std::string message;
    std::optional<std::size_t> column;  // from 1; bytes
    std::string example;                // a line that would work; empty if the form was right
};

// Changes `line` in place (JSON, case of names); it must outlive the action.
std::variant<Action, LineError> parse_line(std::string& line);

// Where in `line` the value of an action's field stands, for errors found after parsing.
std::optional<std::size_t> column_of(const std::string& line, const OrderFields& fields,
                                     std::string_view field);

// The text that `help` prints.
std::string_view help_text();

}  // namespace peerbook::app
