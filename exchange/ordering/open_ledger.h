// Open mode's replicated ledger: DAG of blocks in, one ordered and executed log out. Vector clocks order and
// settle (RULES.md, rules 4 to 8); late blocks roll the engine back and replay. The log is the cuts of
// successive views one after another; install() goes from one to the next.
//
//   K = (round, H(author key ‖ round), digest) extends causality and orders the unsettled blocks.
//   S(m) = least, over members a, of the round of a's last block in the past of m's tip (base if none).
//   L*   = the largest L such that the members with S(m) ≥ L are a quorum. Blocks with round ≤ L* are
//   settled.
//
// Logic thread only. Pure: no clock, disk or socket. Signatures were checked before (verify_block).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "exchange/engine/engine.h"
#include "exchange/ordering/block.h"
#include "exchange/ordering/dag.h"
#include "exchange/ordering/open_order.h"
#include "exchange/ordering/view.h"

namespace peerbook::exchange {

struct LedgerLimits : DagLimits {
    std::size_t unsettled_commands_max = 2'000'000;  // above, `overloaded()` asks the gateway to push back
};

// What changed since the last execute().
struct LedgerUpdate {
    // Commits that were executed before and now have other events: their former events, in former log order.
    // Every fill in here that is not in `applied` again is to be retracted. Each is in `applied` as well,
    // with the new ones, unless its block is voided.
    std::vector<Commit> retracted;
    // Commits executed for the first time, or with other events than before, in log order. A commit whose
    // index or time alone moved is in neither list; both are final in `settled`.
    std::vector<Commit> applied;
    // Commits that became settled, in log order. A settled commit never changes.
    std::vector<Commit> settled;
    // Only of install(): blocks of the closed view that its cut leaves out, in log order. They never come
    // back; their authors issue the commands again.
    struct VoidBlock {
        MemberIndex author;  // in the closed view, as in all commits of this update
        std::uint64_t seq = 0;
        Digest block;
        std::vector<CommandBatch> batches;
    };
    std::vector<VoidBlock> voided;
};

// Whether a node holds all blocks that tips of its view name.
enum class Holding : std::uint8_t {
    all,
    lacks_blocks,
    other_blocks,  // some author signed two blocks with one seq, and the other one is here
};

struct LedgerStats {
    std::uint64_t blocks_accepted = 0;
    std::uint64_t blocks_suspended = 0;  // now
    std::uint64_t blocks_held_back = 0;  // now
    std::uint64_t blocks_refused = 0;    // invalid or equivocation, those that had been suspended included
    std::uint64_t commits = 0;           // executed now, settled included
    std::uint64_t settled_commits = 0;
    std::uint64_t settled_round = 0;       // L*
    std::uint64_t unsettled_commands = 0;  // a mass quote counts as its quotes
    std::uint64_t commits_executed = 0;    // with replays; unchanged: the engine's state is, too
    std::uint64_t commands_executed = 0;   // with replays
    std::uint64_t commands_replayed = 0;
    std::uint64_t rollbacks = 0;
    std::uint64_t checkpoints = 0;         // settled, and handed out or passed over for a later one
    std::uint64_t checkpoint_replays = 0;  // commits executed again only to get at the state of one
};

// The state right after a settled commit.
struct Checkpoint {
    std::uint64_t commit = 0;
    FrozenState state;
};

class OpenLedger {
  public:
    // `self` is this node's key; it emits if the view names it.
    OpenLedger(NetworkRules rules, View view, PublicKey self, LedgerLimits limits);
    ~OpenLedger();
    OpenLedger(const OpenLedger&) = delete;
    OpenLedger& operator=(const OpenLedger&) = delete;

    const View& view() const;
    const Digest& view_digest() const;  // digest_of(view()), kept
    bool is_member() const;

    // Offers a block. Blocks that were suspended for it are accepted with it. While replaying our own journal
    // at start, pass the later of our clock and the block's timestamp, so that a clock set back holds nothing
    // back. A block of another view is `other_view` and not kept: after install() it is fetched.
    // `from_journal`: it was accepted before, and so were its parents.
    AcceptOutcome accept(VerifiedBlock block, WallTime now, bool from_journal = false);
    void release_held_back(WallTime now);
    // Blocks accepted since the last call, in causal order: the order in which the journal must get them
    // (rule 5).
    struct AcceptedBlock {
        MemberIndex author;
        std::uint64_t seq = 0;
        std::uint64_t round = 0;
        SharedBytes encoded;
        std::optional<StateVote> vote = std::nullopt;
        Digest digest;
    };
    std::vector<AcceptedBlock> take_accepted();

    // Rolls back once to the smallest new K, executes everything new, settles what rule 6 allows, prunes
    // undo. Call after a batch of accept().
    LedgerUpdate execute();
    // The last checkpoint (checkpoints.h) that settled, if one did since the last call. Its state root is for
    // the caller to make (engine/state_root.h), on whatever thread. Frozen states of checkpoints are kept
    // while their commits wait to settle, so that nothing has to be executed again for them; only where more
    // than frozen_states_max wait, as in a long partition, settling one rolls back to it once. Each may keep
    // a copy of the whole state in memory, so they are few.
    std::optional<Checkpoint> take_checkpoint();
    static constexpr std::size_t frozen_states_max = 3;
    // The state after the last settled commit, checkpoint or not: takes what is not settled out of the engine
    // and puts it back, so it is for idle times. Nullopt where blocks wait for execute(), or nothing settled.
    std::optional<Checkpoint> checkpoint_settled();

    // --- the end of the view (rules 8 and 10 to 13) ---
    ChainTips tips() const;
    // Precondition: one tip a member.
    Holding holding(const ChainTips& tips) const;
    // Members of whom the tips name another block than the one that is held in its place.
    std::vector<MemberIndex> others_in(const ChainTips& tips) const;

    // --- a member that signed two blocks for one place (rule 17) ---
    // Its second blocks are accepted as well from here on, until the view ends.
    void take_branches(MemberIndex author);
    bool takes_branches(MemberIndex author) const;
    // Two blocks of one place are accepted: nothing settles any more before the view ends, and no block may
    // be made.
    bool is_forked() const;
    bool is_forked(MemberIndex author) const;
    // In this view nothing settles any more but what does by the blocks that are accepted: somebody signed
    // two for one place, though perhaps only one of them is here.
    void freeze_settling();
    // Whether the author's chain up to `last` contains `first`, which may be none. Both are held.
    bool continues(MemberIndex author, const ChainTip& first, const ChainTip& last) const;
    // The block that this node holds in a place, if it is not forgotten.
    std::optional<Digest> digest_at(MemberIndex author, std::uint64_t seq) const;
    // As version_vector(), but of members with branches only what is settled: whoever is told it sends all
    // their blocks.
    VersionVector claimed_blocks() const;
    // The log after all blocks up to `cut`: the round of its last block (the view's base round if the view
    // has none), its length and hash. Precondition: holding(cut) == Holding::all.
    struct LogEnd {
        std::uint64_t round = 0;
        std::uint64_t length = 0;
        Digest hash;
    };
    LogEnd log_end(const ChainTips& cut) const;
    // Whether `next` may end this view as far as can be seen here. Errors: invalid_input (no successor of
    // this view), unavailable (blocks of the cut are missing here), conflict (the log up to the cut is
    // another one here, which only equivocation or damage bring about; once `next` was decided this is for
    // ever).
    Status check_end(const View& next) const;
    // Ends the view and begins `next`: blocks outside its cut leave the log, all of the cut settles, and L*
    // starts again at the new base. That the view was decided is the caller's to know. Errors: as
    // check_end(), and then nothing has changed. Precondition: take_accepted() was emptied.
    Result<LedgerUpdate> install(View next);

    // --- a fork (fork.h, rule 22) ---
    // The record that goes on from what is settled here, with these members. Errors: those of a list of
    // members.
    Result<View> make_fork(const std::vector<PublicKey>& members) const;
    // As check_end(): a conflict also where more is settled here than the fork keeps.
    Status check_fork(const View& fork) const;
    // As install(): the ledger is the new one from here on.
    Result<LedgerUpdate> install_fork(View fork);
    // In this view nothing with a higher round settles: the fork that ends it goes on from there, and who
    // follows it may come to hold more of the old ledger than its founder did.
    void limit_settling(std::uint64_t round);

    // Enters view 1 of a ledger from view 0, or goes back to view 0 from a ledger in which nothing has
    // settled. All blocks are void. Preconditions: nothing has settled, one of the two views is view 0,
    // take_accepted() was emptied.
    LedgerUpdate rebind(View first);

    // --- emitting (members only) ---
    // The next own block over everything accepted; unsigned. The caller signs it, makes it durable, and only
    // then offers it to accept(). Precondition: is_member(), and the previous own block was accepted here.
    Block make_block(Bytes payload, WallTime now, std::optional<StateVote> vote = std::nullopt) const;
    // Rule 7: an empty block is owed, because it would help an unsettled command to settle. The caller waits
    // T_ack and asks again; at most two empty blocks a command and member, then silence.
    bool acknowledgement_due() const;

    // --- reading ---
    const Engine& engine() const;
    const VersionVector& version_vector() const;
    bool has_block(const Digest& digest) const;  // accepted or suspended
    // (author, seq) of an accepted block that is still in memory.
    struct BlockPlace {
        MemberIndex author;
        std::uint64_t seq = 0;
    };
    std::optional<BlockPlace> find_block(const Digest& digest) const;
    // True if (author, seq) is settled.
    bool is_settled(MemberIndex author, std::uint64_t seq) const;
    // An executed commit that is not settled has an event about the order. Looks through all of them.
    bool is_changed_unsettled(const OrderKey& order) const;
    // Length and hash chain of the settled log: hash = H('peerbook log', previous ‖ block digest).
    struct Prefix {
        std::uint64_t length = 0;
        Digest hash;
    };
    Prefix settled_prefix() const;
    bool overloaded() const;
    // Missing parents of what is suspended, bounded; for fetching again.
    std::vector<ParentRef> missing(std::size_t count_max) const;
    // S of each member and the round of its tip; for status.
    struct MemberProgress {
        std::uint64_t tip_seq = 0;
        std::uint64_t tip_round = 0;
        std::uint64_t stable_round = 0;  // S(m)
    };
    std::vector<MemberProgress> progress() const;
    LedgerStats stats() const;

  private:
    struct State;
    Status check_cut(const View& next) const;
    LedgerUpdate end_with(View next);
    std::unique_ptr<State> state_;
};

}  // namespace peerbook::exchange
