// `peerbook replay`: plays recorded order flow against running nodes, measures, compares with the record (one
// node) or the nodes with each other (several), and prints what it saw. README.md in this folder says what is
// compared.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "app/replay/load.h"
#include "base/result.h"

namespace peerbook::app::replay {

struct ReplayOptions {
    std::string file;             // LOBSTER messages or Bitstamp orders, plain or .gz; told apart by content
    std::string node;             // URL of one node; or
    std::string cookie_path;      // of that node; empty: none is sent
    std::string testnet;          // directory made by scripts/testnet: all its nodes
    std::string speed = "full";   // or "Nx": N times the recorded speed, with decimals
    std::uint64_t rate = 0;       // commands a second over all lanes, instead of a speed; 0: none
    std::string market;           // empty: the first that fits the file
    std::string markets;          // "all" or a count: the file on several markets at once; empty: one
    std::uint32_t limit = 0;      // rows of the file; 0: all
    std::string check_book;       // LOBSTER order-book file of the same rows
    std::string repair = "best";  // or "levels": how much of the order-book file repairs the flow (flow.h)
    std::uint32_t connections = 0;    // a node; 0: chosen
    std::uint32_t batch = 0;          // commands; 0: chosen
    std::uint32_t retry_for_s = 60;   // how long to wait for a node that went away
    std::uint32_t settle_for_s = 60;  // how long to wait at the end until all nodes agree
    bool verify = false;              // compare with the record: keeps the order, or is refused
    bool probe = false;               // ask again for each acknowledged command
    bool json = false;
};

struct ReplayOutcome {
    std::string format;
    std::uint32_t rows = 0;
    std::vector<std::string> markets;
    FlowCounts counts;  // of the file on one market
    bool has_official = false;
    bool market_was_empty = true;  // else the record was not compared
    LoadReport load;
    struct NodeEnd {
        std::string url;
        NodeDigests digests;
        NodeStatus status;
    };
    std::vector<NodeEnd> nodes;
    bool equal = true;       // all nodes: book, balances, trades, state
    bool quiet = true;       // they settled everything in time
    Duration settled_after;  // from the last acknowledgement until all nodes were settled and equal
};

// How it ends; the same numbers as the program's exit codes.
enum class ReplayEnd : int { ok = 0, failed = 1, usage = 2, unreachable = 3, environment = 4 };

// Errors: invalid_input (options or file), unavailable (nodes), io.
Result<ReplayOutcome> replay(const ReplayOptions& options, std::FILE* progress);

// Failed: nodes differ, an acknowledged command is missing, or they did not become quiet.
ReplayEnd end_of(const ReplayOutcome& outcome);
std::string to_text(const ReplayOutcome& outcome);
// One object; counts and microseconds are numbers, digests hex texts.
std::string to_json(const ReplayOutcome& outcome);

// Does it all: progress on standard error, the result on standard output, an error as {"code","message"} with
// json or as a sentence on standard error.
ReplayEnd run_replay(const ReplayOptions& options);

// `peerbook replay --generate`: writes `messages_path` ("-": standard output) and, where not empty,
// `book_path`.
struct GenerateOptions {
    std::uint32_t rows = 10'000;
    std::uint64_t seed = 1;
    std::uint32_t unknown_orders = 20;
    std::string messages_path = "-";
    std::string book_path;
};
ReplayEnd run_generate(const GenerateOptions& options);

// LOBSTER or Bitstamp, by the first line. Error: neither.
Result<Recording> read_recording(const std::string& path, std::uint32_t rows_max);
// "full" → 0; "2x", "0.5x" → thousandths. Error: anything else.
Result<std::uint64_t> parse_speed(const std::string& text);

}  // namespace peerbook::app::replay
