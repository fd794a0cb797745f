// A node's answers as people want to read them. Pure: JSON in, text out. Every function has the shape of Draw
// (client.h); an answer without the expected members is an Error, never a crash.
#pragma once

#include <rapidjson/document.h>

#include <string>

#include "app/terminal/tables.h"
#include "base/result.h"

namespace peerbook::app::cli {

using Answer = rapidjson::Value;

// The result of one command: what became of it, and its fills.
Result<std::string> view_result(const Answer& answer, const TerminalStyle& style);
// GET orders/{id}.
Result<std::string> view_order(const Answer& answer, const TerminalStyle& style);
Result<std::string> view_orders(const Answer& answer, const TerminalStyle& style);
Result<std::string> view_book(const Answer& answer, const TerminalStyle& style);
// Level 3: every order.
Result<std::string> view_book_orders(const Answer& answer, const TerminalStyle& style);
Result<std::string> view_markets(const Answer& answer, const TerminalStyle& style);
Result<std::string> view_trades(const Answer& answer, const TerminalStyle& style);
Result<std::string> view_balances(const Answer& answer, const TerminalStyle& style);
Result<std::string> view_withdrawals(const Answer& answer, const TerminalStyle& style);
Result<std::string> view_peers(const Answer& answer, const TerminalStyle& style);
Result<std::string> view_services(const Answer& answer, const TerminalStyle& style);
// The node's own sentence first, then the figures.
Result<std::string> view_status(const Answer& answer, const TerminalStyle& style);
// GET ledgers, and what adopting and forking answer.
Result<std::string> view_ledgers(const Answer& answer, const TerminalStyle& style);
Result<std::string> view_given_up(const Answer& answer, const TerminalStyle& style);
Result<std::string> view_fork(const Answer& answer, const TerminalStyle& style);
Result<std::string> view_digests(const Answer& answer, const TerminalStyle& style);

// Milliseconds since the epoch as "2026-11-20 12:00:36.123" in UTC; the text itself where it is no such
// number.
std::string time_text(const std::string& epoch_ms);
// Milliseconds as "850 ms", "12 s", "3 min 20 s", "2 h 5 min", "4 d 3 h".
std::string span_text(const std::string& ms);
// "12.5 kB"; powers of 1,000.
std::string size_text(const std::string& bytes);

}  // namespace peerbook::app::cli
