// Finding the node that a command is for, asking it, and showing what it said.
#pragma once

#include <rapidjson/document.h>

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "app/cli/node_requests.h"
#include "app/cli/outcome.h"
#include "app/terminal/tables.h"
#include "base/result.h"

namespace peerbook::app::cli {

using Environment = std::map<std::string, std::string>;

// Options of every command that talks to a node, as given; empty: not given.
struct ClientOptions {
    std::string node;  // URL or host:port
    std::string data_dir;
    std::string cookie_file;
    std::uint32_t timeout_s = 75;  // more than the 60 s that a node lets a caller wait for settling
    bool json = false;
};

struct NodeTarget {
    std::string url;
    std::string source;       // where the URL came from, for people; empty: it is the default
    std::string cookie_path;  // empty: none may be sent there, see cookie_withheld()
};

// The cookie of this machine's node goes to this machine only, or to where the node's own api.address says.
// The failure to report where a node elsewhere was named without a cookie of its own.
std::optional<Failure> cookie_withheld(const NodeTarget& target);

// The flag, else PEERBOOK_DATA_DIR, else ~/.peerbook, with a leading "~" replaced by HOME.
std::string data_directory(const std::string& flag, const Environment& environment);

// Flag, else PEERBOOK_NODE, else <data_dir>/api.address, else http://127.0.0.1:8080. Reads api.address. The
// cookie is the file that was named, else the one in the data directory.
NodeTarget find_node(const ClientOptions& options, const Environment& environment);

// What a successful answer looks like to people. Error: the answer is not as expected.
using Draw = std::function<Result<std::string>(const rapidjson::Value& answer, const TerminalStyle& style)>;

// Sends the request and prints the answer: the node's JSON as one line with --json, else what `draw` makes of
// it. A refusal is printed by report() without --json, and as the node's own JSON with it.
Exit ask_node(const ClientOptions& options, const NodeRequest& request, const Draw& draw);

// Sends the request and gives the body of the answer to `take` as it came. Failures are reported as by
// ask_node().
Exit ask_node_for(const ClientOptions& options, const NodeRequest& request,
                  const std::function<void(const std::string& body)>& take);

// All variables of this process.
Environment process_environment();

}  // namespace peerbook::app::cli
