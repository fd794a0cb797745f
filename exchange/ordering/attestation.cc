#include "exchange/ordering/attestation.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/check.h"

namespace peerbook::exchange {

std::size_t Attestation::votes_needed(std::size_t members) {
    const std::size_t f = members == 0 ? 0 : (members - 1) / 3;
    return (members + 2 * f) / 2 + 1;
}

void Attestation::begin(std::size_t members) {
    by_member_.assign(members, Member{});
    disagreements_.clear();
}

void Attestation::settled(std::uint64_t commit, const Digest& prefix) {
    PB_CHECK(prefixes_.empty() || commit == settled_ + 1, "the settled log has no gaps");
    settled_ = commit;
    prefixes_.push_back(prefix);
    if (prefixes_.size() > prefixes_max) prefixes_.pop_front();
    bool is_judged = false;
    for (std::uint32_t i = 0; i < by_member_.size(); ++i) {
        const auto waits = [&](const StateVote& vote) { return vote.commit == commit; };
        if (std::ranges::none_of(by_member_[i].waiting, waits)) continue;
        judge_waiting(MemberIndex(i));
        is_judged = true;
    }
    if (is_judged) raise();
}

void Attestation::made_root(std::uint64_t commit, const Digest& root) {
    if (!roots_.empty() && roots_.back().commit >= commit) return;
    roots_.push_back({commit, root});
    if (roots_.size() > roots_max) roots_.pop_front();
    for (std::uint32_t i = 0; i < by_member_.size(); ++i)
        judge_waiting(MemberIndex(i));
    raise();
}

void Attestation::vote(MemberIndex member, const StateVote& vote) {
    std::deque<StateVote>& waiting = by_member_[member.value()].waiting;
    // Its chain only goes on, and so do an honest member's votes.
    if (!waiting.empty() && waiting.back().commit >= vote.commit) return;
    waiting.push_back(vote);
    if (waiting.size() > votes_kept) waiting.pop_front();
    judge_waiting(member);
    raise();
}

Attestation::Verdict Attestation::judge(const StateVote& vote) const {
    if (vote.commit > settled_) return Verdict::too_early;
    const std::uint64_t behind = settled_ - vote.commit;
    if (behind >= prefixes_.size()) return Verdict::forgotten;
    if (prefixes_[prefixes_.size() - 1 - static_cast<std::size_t>(behind)] != vote.prefix)
        return Verdict::other_log;
    const auto root = std::find_if(roots_.begin(), roots_.end(),
                                   [&](const Root& one) { return one.commit == vote.commit; });
    if (root == roots_.end()) return Verdict::counts_without_root;
    return root->root == vote.root ? Verdict::counts : Verdict::other_root;
}

void Attestation::judge_waiting(MemberIndex index) {
    Member& member = by_member_[index.value()];
    std::erase_if(member.waiting, [&](const StateVote& vote) {
        const Verdict verdict = judge(vote);
        switch (verdict) {
            case Verdict::too_early:
                return false;
            case Verdict::forgotten:
                return true;
            case Verdict::counts_without_root:
            case Verdict::counts:
                member.counted = std::max(member.counted, vote.commit);
                // The own root of that commit may still be under way.
                return verdict == Verdict::counts || (!roots_.empty() && roots_.back().commit > vote.commit);
            case Verdict::other_log:
            case Verdict::other_root:
                if (member.disagrees_at == 0)
                    disagreements_.push_back({index, vote.commit, verdict == Verdict::other_log});
                member.disagrees_at = vote.commit;
                // What it said of earlier commits may be wrong as well.
                if (member.counted >= vote.commit) member.counted = 0;
                return true;
        }
        return true;
    });
}

void Attestation::raise() {
    const std::size_t needed = votes_needed(by_member_.size());
    if (needed > by_member_.size()) return;
    std::vector<std::uint64_t> counted;
    for (const Member& member : by_member_)
        counted.push_back(member.disagrees_at > 0 ? 0 : member.counted);
    std::nth_element(counted.begin(), counted.begin() + static_cast<std::ptrdiff_t>(needed - 1),
                     counted.end(), std::greater<>());
    attested_ = std::max(attested_, counted[needed - 1]);
}

std::optional<StateVote> Attestation::own_vote() const {
    if (roots_.empty() || roots_.back().commit > settled_) return std::nullopt;
    const std::uint64_t behind = settled_ - roots_.back().commit;
    if (behind >= prefixes_.size()) return std::nullopt;
    return StateVote{roots_.back().commit, prefixes_[prefixes_.size() - 1 - static_cast<std::size_t>(behind)],
                     roots_.back().root};
}

std::vector<Attestation::Disagreement> Attestation::take_disagreements() {
    return std::exchange(disagreements_, {});
}

std::size_t Attestation::disagreeing() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(by_member_, [](const Member& member) { return member.disagrees_at > 0; }));
}

}  // namespace peerbook::exchange
