// The language of standard input, one command a line:
//
//   buy BTC-USD 0.5 @ 60000 [gtc|ioc|fok|gtd 60s] [post] [display 0.1] [self-trade cancel_oldest]
//                           [stop 61000|take-profit 59000]      sell …
//   market buy BTC-USD 0.1|budget 1000 [protect 61000] [self-trade …] [stop …|take-profit …]
//   market sell …      mass-quote BTC-USD [buy|sell 0.5 @ 59000]…
//   cancel ID|NONCE      reduce ID|NONCE by 0.1 [in BTC-USD]
//   replace ID|NONCE 0.5 @ 60100 [post] [self-trade …] [trigger 61000] [in BTC-USD]
//   cancel-all [BTC-USD] [buy|sell]      cancel-after 60s|off
//   faucet USD 1000      transfer 10 USD to bob      issue 1000 USD to bob      redeem 10 USD
//   withdraw 10 USD to ANY WORDS      withdrawals [USD]      settle alice 7 paid|refused
//   create-market ETH-USD tick 0.01 lot 0.001 [FIELD VALUE]…      halt|resume BTC-USD [reference 1]
//   open      as alice      show ID      book BTC-USD [LEVELS]   trades [BTC-USD]   orders   balances markets
//   peers   connect host:port   status   help
//
// or one JSON object with the fields of POST /api/v1/orders. Words may be in either case, with '_' for '-';
// market and asset names are read as upper case. NONCE is 7, or 7/2 for the third of a mass quote. Blank
// lines and lines that begin with # say nothing. Pure.
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
struct ShowOrderAction {
    std::string_view id;
};
struct WithdrawalsAction {
    std::string_view asset;  // everyone's of it; empty: the account's own
};
struct ConnectAction {
    std::string_view address;
};
struct UseAccountAction {
    std::string_view name;
};
enum class PlainAction : unsigned char { nothing, orders, balances, markets, peers, status, help };

using Action = std::variant<PlainAction, CommandAction, BookAction, TradesAction, ShowOrderAction,
                            WithdrawalsAction, ConnectAction, UseAccountAction>;

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
