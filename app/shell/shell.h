// Executes lines of the line language against a node and prints one answer a line that asks something: words
// and tables for people, or one JSON object, the same as REST gives, in JSON mode.
//
// I/O thread only. Answers of the node come later, perhaps out of order; every line gets exactly one print,
// blank lines and comments none.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/node/requests.h"
#include "app/terminal/tables.h"
#include "base/keys.h"
#include "base/time.h"
#include "p2p/peer_network.h"

namespace peerbook::app {

struct ShellOptions {
    bool json = false;
    std::string account = "me";           // until the line `as NAME`
    PublicKey node;                       // this node's key: names of hosted accounts mean its accounts
    p2p::PeerNetwork* network = nullptr;  // null: peer-to-peer is switched off; else outlives the Shell
    TerminalStyle style;
    // What spans of time such as `gtd 60s` are counted from; null: they are refused.
    std::shared_ptr<const Clock> clock = nullptr;
};

class Shell {
  public:
    // An answer without its line break; for people it may have several lines.
    using Print = std::function<void(const std::string&)>;

    // `node` outlives every completion.
    Shell(NodeService& node, ShellOptions options, Print print);
    // Answers still under way are dropped.
    ~Shell();

    // One line without its line break.
    void run(std::string line);
    // Lines whose answer has not come yet. The reader of standard input pauses above lines_under_way_max.
    std::size_t under_way() const;
    const std::string& account() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

inline constexpr std::size_t lines_under_way_max = 1'024;

}  // namespace peerbook::app
