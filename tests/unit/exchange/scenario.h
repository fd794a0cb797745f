// Examples of the exchange as text: Markdown pages with fenced blocks that start with ```book, each run as a
// test against the real Engine. The language is described in scenarios/README.md. A block is first compiled
// (parse_scenario: unknown words are errors with file and line), then run (run_scenario).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "exchange/engine/engine.h"

namespace peerbook::exchange::scenario {

struct Line {
    int number = 0;
    std::string text;
};

// A fenced block of a page.
struct Block {
    std::string file;
    int line = 0;             // of its title
    std::string heading;      // the nearest one above it
    std::string title;        // its first line, without the #
    std::vector<Line> lines;  // after the title; comments and blank lines left out

    // "file:line", as compilers write it.
    std::string place(int at) const { return file + ":" + std::to_string(at); }
};

// All ```book blocks of a page. Error: it has none, one is not closed or has no title. `file` is for
// messages.
Result<std::vector<Block>> find_blocks(const std::string& file, std::string_view markdown);

using Row = std::vector<std::string>;

enum class TableKind {
    book,         // bids | asks
    waiting,      // waiting | trigger | limit
    balances,     // balance | total | reserved
    markets,      // market | phase | last | would trade
    withdrawals,  // withdrawal | amount | destination
};

// What is expected of the state. Balances and markets list some; the other kinds list all.
struct Table {
    int line = 0;
    TableKind kind = TableKind::book;
    MarketId market;  // of books and waiting orders
    std::vector<Row> rows;
};

// One commit, and what is expected of it and after it.
struct Step {
    int line = 0;
    std::string text;
    WallTime time;
    std::vector<CommandBatch> batches;
    std::vector<std::string> senders;  // name of each command: its label, else its account
    // Lines of its events. Without: whatever comes, but no rejection.
    std::optional<std::vector<std::string>> events;
    std::optional<std::string> next_due;  // Engine::next_deadline(): a time, or "nothing"
    std::vector<Table> tables;
};

// What people call accounts and orders in events and tables.
struct Names {
    std::map<AccountId, std::string> accounts;
    std::map<std::pair<AccountId, CommandRef>, std::string> labels;
};

struct Scenario {
    Block block;
    NetworkRules rules;
    std::vector<Step> setup;  // opens the accounts and fills them
    std::vector<Step> steps;
    Names names;
};

// Error: "file:line: what is wrong"; also if the block expects nothing.
Result<Scenario> parse_scenario(const Block& block);

struct Outcome {
    std::vector<std::string> failures;  // each with file and line, and the difference
    // Of events that the scenario spelled out and that came as it said.
    std::set<EventKind> kinds;
    std::set<Reason> reasons;
};

// Executes every commit twice, with undo between, and verifies that this changes nothing and that the
// engine's invariants hold.
Outcome run_scenario(const Scenario& scenario);

// --- parts of a run, tested by themselves ---

// The event as a line of the language.
std::string event_line(const Engine& engine, const Names& names, const Step& step, const Event& event);
// What the table says at present; of balances and markets the rows that `expected` names.
std::vector<Row> actual_rows(const Engine& engine, const Names& names, const Table& expected);
// Cells in columns.
std::vector<std::string> aligned(TableKind kind, const std::vector<Row>& rows);
// Both lists in one: "- " before lines expected only, "+ " before actual only. Empty if equal.
std::string difference(const std::vector<std::string>& expected, const std::vector<std::string>& actual);
// "12:00:05", "12:00:05.250"; of days after the first with "+1 " in front.
std::string format_time(WallTime time);

}  // namespace peerbook::exchange::scenario
