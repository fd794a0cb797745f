// The DAG of accepted blocks of one view: who may enter, what waits for its parents, and each block's causal
// past as a vector clock. RULES.md, rules 4 and 17.
//
// A block is accepted when all its parents are, so what is accepted is always closed under parents. Each
// author's accepted blocks are one chain: the first block accepted for an (author, seq) is in it, another one
// is `equivocation`. Such a one is accepted as well, on a *branch*, where others build on it or
// take_branches() was called; the next view's cut says which of the two counts. From then on the Dag is
// forked: what vector clocks say of settling holds no more, and no block is made over it.
//
// What is kept: the tips always; of older blocks only what a later valid block can still name. A valid block
// names, of every other author, a block newer than the newest in the past of its own previous block. So once
// a block lies in the past of every member's tip nobody can name it again, and it is forgotten,
// `pruned_margin_rounds` later.
//
// Cost: a block costs O(parents × members); pruning is amortized over acceptances. Memory for blocks that are
// not accepted is bounded for each author alone, so that no member crowds out another. Logic thread only,
// pure.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "exchange/ordering/block.h"
#include "exchange/ordering/vector_clock.h"
#include "exchange/ordering/view.h"

namespace peerbook::exchange {

struct DagLimits {
    std::size_t suspended_per_author_max =
        1'024;  // blocks waiting for parents; beyond, the highest rounds are dropped
    std::size_t suspended_bytes_max = 64u
                                      << 20;  // all together, an equal share for each author (but one block
                                              // always fits); what is dropped is fetched again later
    Duration clock_ahead_max = Duration::seconds(2);  // a block further ahead of our clock is held back
    std::size_t branch_blocks_per_author_max = 1'024;
};

enum class AcceptKind : std::uint8_t {
    accepted,
    duplicate,
    suspended,     // parents are missing; `missing` names them
    held_back,     // its timestamp is too far ahead; call release_held_back() later
    dropped,       // no room among the suspended; offer it again later
    invalid,       // breaks a rule that any honest author keeps; `why` says which
    equivocation,  // a second block of this author and seq
    other_view,    // of a view that is closed or not installed yet; never returned by a Dag
};

struct AcceptOutcome {
    AcceptKind kind = AcceptKind::accepted;
    std::vector<ParentRef> missing;  // suspended: all parents that are neither accepted nor suspended here
    std::string why;
};

// author → highest seq accepted, in member order; 0 for none. Author chains have no gaps.
using VersionVector = std::vector<std::uint64_t>;

// Rounds that a forgotten block stays known for, so that a slow peer's request for it by digest can be
// answered.
inline constexpr std::uint64_t pruned_margin_rounds = 256;

class Dag {
  public:
    // `view` outlives the Dag. Blocks by `self` are never held back: our own clock stamped them.
    Dag(const View& view, PublicKey self, DagLimits limits);

    // `from_journal`: it was accepted before, so it may be on a branch.
    AcceptOutcome offer(VerifiedBlock block, WallTime now, bool from_journal = false);
    // Offers again what was held back and no longer lies too far ahead.
    void release_held_back(WallTime now);

    struct Accepted {
        MemberIndex author;
        VerifiedBlock block;
        bool is_on_branch = false;
    };
    // Blocks accepted since the last call, in causal order.
    std::vector<Accepted> take_accepted();

    // Nothing with a round at or below it can be accepted any more. By rule 6 no block that keeps the other
    // rules can have one: each member of the quorum that settled the round holds, in its tip's past, a block
    // of every author at or above it; those are accepted here too, and an author's rounds rise. Kept as a
    // last line.
    void set_settled_round(std::uint64_t round) { settled_round_ = round; }
    // Forgets what nobody can name any more.
    void prune();

    const VersionVector& version_vector() const { return tip_seqs_; }
    ChainTips tips() const;
    // Of an accepted block that is not forgotten.
    std::optional<Digest> digest_at(MemberIndex author, std::uint64_t seq) const;

    // This author signed two blocks with one seq: both are accepted from here on.
    void take_branches(MemberIndex author) { chains_[author.value()].takes_branches = true; }
    bool takes_branches(MemberIndex author) const { return chains_[author.value()].takes_branches; }
    bool is_forked() const { return branch_blocks_ > 0; }
    bool is_forked(MemberIndex author) const { return chains_[author.value()].branch_blocks > 0; }
    // The author's own blocks from this one back, newest first, as far as they are not forgotten.
    std::vector<Digest> own_chain(MemberIndex author, const Digest& last) const;
    std::uint64_t tip_round(MemberIndex member) const { return chains_[member.value()].tip_round; }
    // S of each member (rule 6); of a forked Dag as it was before.
    std::vector<std::uint64_t> stable_rounds() const;
    std::uint64_t stable_round(MemberIndex member) const;

    // The parents, round and least timestamp of `author`'s next block over everything accepted.
    struct NextBlock {
        std::uint64_t seq = 1;
        std::uint64_t round = 1;
        WallTime timestamp_min;
        std::vector<ParentRef> parents;
    };
    NextBlock next_block(MemberIndex author) const;

    bool has(const Digest& digest) const;  // accepted and not forgotten, suspended or held back
    struct Place {
        MemberIndex author;
        std::uint64_t seq = 0;
        std::uint64_t round = 0;
    };
    std::optional<Place> find(const Digest& digest) const;    // accepted and not forgotten
    const VectorClock* clock_of(const Digest& digest) const;  // of the same; null for none

    // Parents of suspended blocks that are neither accepted nor suspended here, lowest rounds first.
    std::vector<ParentRef> missing(std::size_t count_max) const;

    std::size_t suspended_count() const { return waiting_.size(); }
    std::size_t held_back_count() const { return held_.size(); }
    std::size_t node_count() const { return nodes_.size(); }
    std::uint64_t accepted_count() const { return accepted_count_; }
    // Blocks refused as invalid or as equivocation so far, those that had been suspended included.
    std::uint64_t refused_count() const { return refused_count_; }

  private:
    struct Node {
        MemberIndex author;
        std::uint64_t seq = 0;
        std::uint64_t round = 0;
        WallTime timestamp;
        VectorClock clock;
        Digest previous;  // its author's block before it; zero for none
    };
    using WaitingKey = std::pair<std::uint64_t, Digest>;  // round, digest
    struct Waiting {
        MemberIndex author;
        VerifiedBlock block;
        std::size_t missing_count = 0;
    };
    struct Chain {
        std::uint64_t tip_seq = 0;
        std::uint64_t tip_round = 0;
        Digest tip;                      // zero for none
        std::deque<Digest> kept;         // digests of the last blocks, up to the tip
        std::uint64_t pruned_round = 0;  // of the last block that was forgotten
        std::set<WaitingKey> suspended;  // its suspended blocks
        std::size_t held_back = 0;
        std::size_t waiting_bytes = 0;  // suspended and held back
        bool takes_branches = false;
        std::size_t branch_blocks = 0;
    };

    AcceptOutcome try_accept(VerifiedBlock block, MemberIndex author, WallTime now, bool from_journal);
    std::optional<AcceptOutcome> refuse_known(const VerifiedBlock& block, const Chain& chain,
                                              bool may_branch) const;
    const char* parents_fault(const VerifiedBlock& block, MemberIndex author, std::vector<ParentRef>& missing,
                              std::size_t& missing_count) const;
    AcceptOutcome hold_back(VerifiedBlock block, MemberIndex author);
    AcceptOutcome suspend(VerifiedBlock block, MemberIndex author, std::vector<ParentRef> missing,
                          std::size_t missing_count);
    // Whether accepting it would begin or prolong a branch, as far as can be told from its header.
    bool is_on_branch(const BlockHeader& header, const Chain& chain) const;
    void insert(VerifiedBlock block, MemberIndex author);
    void wake(const Digest& digest);
    void accept_woken(WallTime now);
    VerifiedBlock take_waiting(const Digest& digest);
    void drop_dead_suspended(Chain& chain);
    bool has_room(const Chain& chain, std::size_t bytes) const;
    bool too_far_ahead(WallTime timestamp, WallTime now) const;
    const Node* find_node(const Digest& digest) const;
    const Node* tip_node(MemberIndex member) const;

    const View& view_;
    PublicKey self_;
    DagLimits limits_;
    std::size_t bytes_share_ = 0;
    std::unordered_map<PublicKey, MemberIndex> members_;  // looked up, never walked; so are the two below
    std::unordered_map<Digest, Node> nodes_;
    std::unordered_map<Digest, Waiting> waiting_;
    std::unordered_map<Digest, std::set<Digest>> waiters_;  // missing parent → suspended blocks that name it
    std::map<std::pair<std::int64_t, Digest>, Waiting> held_;  // by timestamp
    std::unordered_map<Digest, std::int64_t> held_at_;         // digest → timestamp
    std::vector<Chain> chains_;
    VersionVector tip_seqs_;
    std::vector<Digest> woken_;
    std::vector<Accepted> accepted_;
    std::uint64_t settled_round_ = 0;
    std::size_t branch_blocks_ = 0;
    std::vector<std::uint64_t> stable_before_fork_;
    std::uint64_t accepted_count_ = 0;
    std::uint64_t refused_count_ = 0;
};

}  // namespace peerbook::exchange
