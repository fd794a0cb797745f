// The grade attested: a settled state that so many members of the view signed that no view change can take it
// back, even if up to f = ⌊(members − 1) / 3⌋ of them sign two blocks for one place. RULES.md, rule 17.
//
// Members put votes (StateVote) into their blocks. A vote counts if its prefix is that of this node's own
// settled log, and its root, where this node made one of the same commit, is the own one; it then stands for
// everything up to its commit. Where one differs, a member executes wrongly, or members signed two blocks for
// one place: that is never silent.
//
// Memory: the last prefixes_max commits, roots_max roots, and votes_kept votes of each member. A vote for
// what is older than that counts no more. Logic thread only, pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "exchange/ordering/block.h"

namespace peerbook::exchange {

class Attestation {
  public:
    static constexpr std::size_t prefixes_max = 16'384;
    static constexpr std::size_t roots_max = 64;
    static constexpr std::size_t votes_kept = 4;  // of a member: those that cannot be judged yet, the newest

    // More than members / 2 + f.
    static std::size_t votes_needed(std::size_t members);

    // The view is a new one: votes of its members count from here on. What was attested stays so.
    void begin(std::size_t members);
    // Each settled commit in order.
    void settled(std::uint64_t commit, const Digest& prefix);
    // The own root of the state after a settled commit.
    void made_root(std::uint64_t commit, const Digest& root);
    // In a block of this member that was accepted.
    void vote(MemberIndex member, const StateVote& vote);

    // What this node may vote for: its last root.
    std::optional<StateVote> own_vote() const;

    // Length of the log that is attested.
    std::uint64_t attested() const { return attested_; }
    // The last commit for which this member's vote counted, 0 for none.
    std::uint64_t counted(MemberIndex member) const { return by_member_[member.value()].counted; }

    // A member's state or log is not this node's.
    struct Disagreement {
        MemberIndex member;
        std::uint64_t commit = 0;
        bool is_log = false;  // the prefixes differ; else only the roots
    };
    // New ones since the last call; the first one of each member.
    std::vector<Disagreement> take_disagreements();
    // The commit of a member's disagreement, 0 for none.
    std::uint64_t disagrees_at(MemberIndex member) const { return by_member_[member.value()].disagrees_at; }
    std::size_t disagreeing() const;

  private:
    struct Member {
        std::deque<StateVote> waiting;  // for commits that are not settled here, or have no root here
        std::uint64_t counted = 0;
        std::uint64_t disagrees_at = 0;
    };
    enum class Verdict : std::uint8_t {
        too_early,
        forgotten,
        counts,
        counts_without_root,
        other_log,
        other_root
    };
    Verdict judge(const StateVote& vote) const;
    void judge_waiting(MemberIndex member);
    void raise();

    std::vector<Member> by_member_;
    std::uint64_t settled_ = 0;
    std::deque<Digest> prefixes_;  // of the last commits up to settled_
    struct Root {
        std::uint64_t commit = 0;
        Digest root;
    };
    std::deque<Root> roots_;
    std::uint64_t attested_ = 0;
    std::vector<Disagreement> disagreements_;
};

}  // namespace peerbook::exchange
