// Open mode's total order and settling rule. RULES.md, rule 6.
//
//   K = (round, H(author key ‖ round), digest). A block's round is above its parents', so K extends
//   causality; the middle part gives no author a fixed priority, and a payload cannot be ground to win a tie
//   by it. L* = the largest L such that the members with S(m) ≥ L are a quorum. Blocks with round ≤ L* are
//   settled.
//
// OpenOrder holds the unsettled blocks in K order with what executing each one gave. Inserting and settling
// cost O(log unsettled). Logic thread only, pure.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/time.h"
#include "exchange/engine/engine.h"
#include "exchange/ordering/block.h"
#include "exchange/ordering/checkpoints.h"
#include "exchange/ordering/view.h"

namespace peerbook::exchange {

// One executed block.
struct Commit {
    std::uint64_t index = 0;  // position in the log, from 1; may change until settled
    Digest block;
    MemberIndex author;
    std::uint64_t seq = 0;
    std::uint64_t round = 0;
    WallTime time;  // commit time: max(previous commit's, the block's); may change until settled
    std::uint32_t commands = 0;
    EventBuffer events;
    Digest log;  // settled: hash chain over the log up to here
};

// K. Compared field by field in this order.
struct LogKey {
    std::uint64_t round = 0;
    Digest tie;
    Digest block;
    friend auto operator<=>(const LogKey&, const LogKey&) = default;
};
LogKey make_log_key(const PublicKey& author, std::uint64_t round, const Digest& block);

// L* from S of each member. Precondition: one entry a member.
std::uint64_t settled_round_of(const View& view, const std::vector<std::uint64_t>& stable_rounds);

struct OrderedBlock {
    WallTime timestamp;  // the block's own
    std::uint16_t rules_version = rules_version_latest;
    std::vector<CommandBatch> batches;
    bool executed = false;           // at least once; its commit is what that gave
    bool in_engine = false;          // its effects are in the engine now
    UndoMark before;                 // in_engine: the engine's state in front of it
    Commit commit;                   // author, seq, round, block and commands always; the rest once executed
    CheckpointSchedule checkpoints;  // executed: with this block's commit
    std::unique_ptr<FrozenState> frozen;  // of a checkpoint: the state right after it, if it was kept
    // It has commands, or what became due by its time gave events: somebody waits for it to settle.
    bool is_awaited = false;
    std::uint64_t indexes = 0;  // that its commands take; OpenOrder counts them
};

class OpenOrder {
  public:
    using Blocks = std::map<LogKey, OrderedBlock>;
    using Position = Blocks::iterator;

    explicit OpenOrder(std::uint64_t base_round) : settled_round_(base_round) {}

    // Precondition: round above settled_round(); the Dag accepts no other.
    void insert(LogKey key, OrderedBlock block);

    Blocks& unsettled() { return blocks_; }
    const Blocks& unsettled() const { return blocks_; }
    // From here on the log has to be executed, again where it was before; end() if it is executed as it
    // stands.
    Position first_new();
    // The caller executed this one.
    void note_executed(Position block);
    // The caller executed everything from first_new() on.
    void mark_all_executed() { has_new_ = false; }

    // Takes a block off that no later view contains. Precondition: it is not in the engine.
    void erase(Position block);
    // Takes the first block off, as settled. Precondition: there is one, and it is executed.
    Commit settle_first();
    // Precondition: not below the one before, and no unsettled block is at or below it.
    void set_settled_round(std::uint64_t round);
    std::uint64_t settled_round() const { return settled_round_; }

    // A mass quote counts as its quotes.
    std::uint64_t unsettled_commands() const { return unsettled_commands_; }
    // An unsettled block that somebody waits for has a round above `low`, and at most `high`.
    bool has_awaited_between(std::uint64_t low, std::uint64_t high) const;

  private:
    void set_awaited(std::uint64_t round, OrderedBlock& block, bool is_awaited);

    Blocks blocks_;
    LogKey first_new_;
    bool has_new_ = false;
    std::uint64_t settled_round_;
    std::uint64_t unsettled_commands_ = 0;
    std::map<std::uint64_t, std::uint32_t> awaited_rounds_;  // round → unsettled blocks that are awaited
};

}  // namespace peerbook::exchange
