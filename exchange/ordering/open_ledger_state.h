// The inside of OpenLedger: what it keeps, and how blocks go from the DAG through the order and the engine
// into the settled log. Private to exchange/ordering.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "exchange/ordering/open_ledger.h"

namespace peerbook::exchange {

// Of the settled log with one more block.
Digest log_hash(const Digest& previous, const Digest& block);

struct OpenLedger::State {
    State(NetworkRules rules, View first_view, PublicKey self_key, LedgerLimits ledger_limits)
        : self(self_key),
          limits(ledger_limits),
          engine(std::move(rules)),
          order(first_view.base_round),
          prefix{first_view.log_length, first_view.prefix_hash},
          last_round(first_view.base_round),
          commits(first_view.log_length) {
        begin(std::move(first_view));
    }

    // Which blocks a cut has in it.
    class InCut {
      public:
        InCut(const State& state, const ChainTips& cut);
        bool contains(const Commit& block) const;

      private:
        const ChainTips& cut_;
        std::vector<std::optional<std::set<Digest>>> chains_;  // of members with branches
    };

    void begin(View next);
    void close(const ChainTips& cut, LedgerUpdate& update);
    void collect_accepted();
    void execute(LedgerUpdate& update);
    void execute_and_settle(OpenOrder::Position first, LedgerUpdate& update);
    void undo_from(OpenOrder::Position first);
    OpenOrder::Position last_checkpoint_up_to(std::uint64_t round);
    void replay_from(OpenOrder::Position first, OpenOrder::Position changed_from, LedgerUpdate& update);
    void execute_block(OpenOrder::Position position);
    void freeze_if_wanted(const LogKey& key, OrderedBlock& block);
    void freeze(OrderedBlock& block);
    void thaw(OrderedBlock& block);
    void settle(LedgerUpdate& update);
    // L*, as far as the view lets it rise.
    std::uint64_t settled_round_now() const;
    // On its author's chain or on a branch.
    bool holds(MemberIndex author, const ChainTip& tip) const {
        const auto place = dag->find(tip.digest);
        return place && place->author == author && place->seq == tip.seq;
    }

    View view;
    Digest view_digest;
    const PublicKey self;
    std::optional<MemberIndex> self_index;
    const LedgerLimits limits;
    Engine engine;
    std::unique_ptr<Dag> dag;  // of `view`
    OpenOrder order;
    std::vector<AcceptedBlock> accepted;
    ChainTips settled_tips;  // of each member
    Prefix prefix;
    std::uint64_t last_round;  // of the last settled block; the base round before the first one
    WallTime settled_time;
    CheckpointSchedule settled_checkpoints;
    std::optional<Checkpoint> checkpoint;
    // While execute() runs: up to which round it will settle, and the checkpoint to hand out then.
    std::uint64_t settling_round = 0;
    std::uint64_t settling_limit = std::numeric_limits<std::uint64_t>::max();
    std::optional<LogKey> wanted_checkpoint;
    std::size_t frozen_states = 0;  // kept by unsettled blocks
    std::uint64_t commits = 0;      // executed, settled included
    std::uint64_t commits_executed = 0;
    std::uint64_t commands_executed = 0;
    std::uint64_t commands_replayed = 0;
    std::uint64_t rollbacks = 0;
    std::uint64_t checkpoints = 0;
    std::uint64_t checkpoint_replays = 0;
    std::uint64_t accepted_before = 0, refused_before = 0;  // in closed views
};

}  // namespace peerbook::exchange
