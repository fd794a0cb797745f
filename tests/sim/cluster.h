// N ledgers in virtual time: real OpenLedgers behind a network that delays, reorders, loses, duplicates and
// splits, with order flow, acknowledgements, fetches, anti-entropy, clock skew and restarts. Everything is
// drawn from one seed. Checkers run after each step; the first complaint stops the run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "exchange/ordering/open_ledger.h"
#include "tests/sim/checkers.h"
#include "tests/sim/naive_settling.h"
#include "tests/sim/order_flow.h"
#include "tests/sim/scheduler.h"
#include "tests/support/cheap_keys.h"

namespace peerbook::sim {

struct Options {
    std::uint64_t seed = 1;
    std::size_t members = 3;
    std::size_t observers = 0;
    std::int64_t delay_us_min = 200;
    std::int64_t delay_us_max = 3'000;
    std::uint32_t late_ppm = 0;  // messages that take ten times as long
    std::uint32_t loss_ppm = 0;
    std::uint32_t duplicate_ppm = 0;
    std::size_t partitions = 0;  // while orders come in; each lasts 50 to 300 ms
    std::size_t restarts = 0;
    std::int64_t skew_ms_max = 0;
    std::int64_t active_us = 800'000;
    bool fetches = true;              // off: what is lost stays lost, for showing that it is noticed
    std::optional<SettleRule> naive;  // settle by this rule as well
    bool naive_decides = false;       // and check that log instead of the product's

    static Options draw(std::uint64_t seed);
};

// What a run saw; rare states are counted over all seeds, so that one never reached is noticed.
struct Tally {
    std::uint64_t commands = 0;
    std::uint64_t commits = 0;
    std::uint64_t empty_blocks = 0;
    std::uint64_t rollbacks = 0;
    std::uint64_t retractions = 0;
    std::uint64_t suspended = 0;
    std::uint64_t held_back = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t fetches = 0;
    std::uint64_t fills = 0;
    std::uint64_t due = 0;                 // events that no command caused
    std::uint64_t roots = 0;               // state roots that were compared with another node's
    std::uint64_t commits_executed = 0;    // at all nodes, replays included
    std::uint64_t checkpoint_replays = 0;  // of them, only to get at the state of a checkpoint
    Digest log;                            // of everything settled: equal for equal seeds
};

class Cluster {
  public:
    explicit Cluster(Options options);
    ~Cluster();
    // "" or what went wrong and when.
    std::string run();
    const Tally& tally() const { return tally_; }

  private:
    struct Node;

    using SharedBlock = std::shared_ptr<const exchange::VerifiedBlock>;

    exchange::NetworkRules rules() const;
    WallTime wall(const Node& node) const;
    void fail(const std::string& what);

    void start(std::size_t index);
    void restart(std::size_t index);
    void flow_tick(std::size_t index);
    void acknowledge_tick(std::size_t index);
    void deadline_tick(std::size_t index);
    void gossip_tick(std::size_t index);
    void partition();

    void emit(std::size_t index, std::vector<exchange::Command> commands);
    void send(std::size_t from, std::size_t to, std::function<void()> deliver);
    void send_block(std::size_t from, std::size_t to, SharedBlock block);
    void receive(std::size_t index, std::size_t from, SharedBlock block);
    void ask(std::size_t from, std::size_t to, const std::vector<exchange::ParentRef>& refs);
    void offer_versions(std::size_t from, std::size_t to);
    void note_accepted(std::size_t index);
    void schedule_execute(std::size_t index, std::int64_t delay_us);
    void execute(std::size_t index);
    void check_naive(std::size_t index);
    bool quiet() const;
    void check_end();

    Options options_;
    Random random_;
    Scheduler scheduler_;
    exchange::View view_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::vector<std::uint64_t> sides_;  // nodes on different sides of a partition do not hear each other
    std::vector<std::vector<SharedBlock>> chains_;  // every block ever signed, by author and seq
    AgreementChecker agreement_;
    RootChecker roots_;
    std::uint64_t command_blocks_ = 0;
    std::uint64_t deadline_blocks_ = 0;
    std::string failure_;
    Tally tally_;
};

}  // namespace peerbook::sim
