// Commands to measure, made before any time is taken, and what builds them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "exchange/engine/command.h"
#include "exchange/engine/engine.h"
#include "exchange/market/market.h"

namespace peerbook::app {

// One batch is one commit. Commit k, counted through all three parts from 1, has the commit time k ms.
struct PreparedFlow {
    std::string name;
    exchange::NetworkRules rules;
    std::vector<exchange::CommandBatch> opening;  // not timed: accounts and money
    std::vector<exchange::CommandBatch> resting;  // not timed: orders that are there before
    std::vector<exchange::CommandBatch> flow;     // what is measured
};

// Commands of one commit. A node's commit holds what came within a few milliseconds.
inline constexpr std::size_t commit_commands = 256;

// A mass quote counts one for each of its quotes, at least one; everything else counts one.
std::uint64_t operation_count(const std::vector<exchange::CommandBatch>& commits);

// How many markets, all of shares against dollars: a tick is a cent, a lot is one share.
exchange::NetworkRules bench_rules(std::uint32_t markets);

// Writes a flow command by command. An engine executes every commit as soon as it is full, so that the writer
// of a flow knows which of its orders are still open; a flow is therefore a function of what is asked for and
// of the exchange's rules. Not thread-safe.
class FlowWriter {
  public:
    // Opens `accounts` accounts of one node and gives each a lot of every asset.
    FlowWriter(const std::string& name, const exchange::NetworkRules& rules, std::uint32_t accounts);

    // What comes from here on rests before the measurement; is measured.
    void begin_resting() { begin(flow_.resting); }
    void begin_flow() { begin(flow_.flow); }
    // Adds to the open commit. The result names the command, and the order that it places.
    exchange::CommandRef add(std::uint32_t account, exchange::CommandBody body);
    // Ends the open commit early; nothing if it is empty.
    void commit();
    PreparedFlow take();

    std::uint32_t account_count() const { return static_cast<std::uint32_t>(ids_.size()); }
    // Of the part that was begun last, the open commit included.
    std::uint64_t operations() const { return operations_; }
    // Commits ended so far, in all parts.
    std::uint64_t commits() const { return commits_; }
    // As of the last ended commit.
    bool is_open(std::uint32_t account, exchange::CommandRef order) const;
    const exchange::Engine& engine() const { return engine_; }

  private:
    void begin(std::vector<exchange::CommandBatch>& part);

    PreparedFlow flow_;
    exchange::Engine engine_;
    exchange::EventBuffer events_;
    PublicKey node_;
    std::vector<exchange::AccountId> ids_;
    std::vector<exchange::AccountIndex> indexes_;  // of the engine
    std::vector<std::uint64_t> nonces_;            // highest used
    std::vector<exchange::CommandBatch>* part_ = nullptr;
    exchange::CommandBatch open_;
    struct Place {
        std::uint64_t commit = 0;  // the place is one in that commit's accounts
        std::uint32_t place = 0;
    };
    std::vector<Place> places_;
    std::uint64_t operations_ = 0;
    std::uint64_t commits_ = 0;
};

}  // namespace peerbook::app
