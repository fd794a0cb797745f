#include "tests/view_model/attestation.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/random.h"
#include "tests/view_model/records.h"

namespace peerbook::view_model {

namespace {

using Log = std::vector<BlockId>;

// The place of a block in its author's chain.
int place_of(const Universe& universe, BlockId id) {
    const Block& block = universe.block(id);
    int place = 1;
    for (BlockId earlier : block.past)
        place += earlier != id && universe.block(earlier).author == block.author;
    return place;
}

bool has_fork(const Universe& universe, const BlockSet& blocks) {
    SortedSet<std::pair<Key, int>> places;
    for (BlockId id : blocks)
        if (!places.insert({universe.block(id).author, place_of(universe, id)})) return true;
    return false;
}

// Whether `log` begins with `prefix`.
bool begins_with(const Log& log, const Log& prefix) {
    return prefix.size() <= log.size() && std::equal(prefix.begin(), prefix.end(), log.begin());
}

class OneView {
  public:
    OneView(std::uint64_t seed, const AttestationRules& rules) : random_(seed), rules_(rules) {
        const int members = percent(60) ? 4 : 5 + below(3);
        std::vector<Key> keys;
        for (Key key = 0; key < members; ++key)
            keys.push_back(key);
        view_ = universe_.make_first_view(keys, true, 0);
        equivocator_ = below(members);
        for (Key key : keys)
            if (percent(30)) sides_.insert(key);
        held_.resize(static_cast<std::size_t>(members));
    }

    AttestationRun run() {
        const int steps = 40 + below(100);
        for (int step = 0; step < steps; ++step) {
            const Key key = below(members());
            if (percent(45))
                emit(key);
            else
                learn(key, below(members()));
            note_attested(key);
        }
        for (int present = 1; !attested_.empty() && present < 1 << members(); ++present)
            end_view(present);
        result_.attested = !attested_.empty();
        return result_;
    }

  private:
    int below(int bound) { return static_cast<int>(random_.below(static_cast<std::uint64_t>(bound))); }
    bool percent(int chance) { return below(100) < chance; }
    const View& view() const { return universe_.view(view_); }
    int members() const { return static_cast<int>(view().members.size()); }
    BlockSet& held(Key key) { return held_.at(static_cast<std::size_t>(key)); }

    // An honest member that has seen a fork never emits in this view again. The other forks its chain once,
    // and then emits on either side.
    void emit(Key key) {
        BlockSet known = held(key);
        if (key == equivocator_) {
            std::optional<BlockId> tip = tip_of(universe_, known, key);
            const bool forks = fork_.empty() && tip && percent(20);
            known = fork_.empty() ? known : seen_by(percent(50));
            if (forks) drop_with_descendants(known, *tip);
            if (forks && rules_.twins_go_back && percent(50)) {
                const std::optional<BlockId> previous = tip_of(universe_, known, key);
                known = previous ? universe_.block(*previous).past : BlockSet{};
            }
            emit_after(key, known);
            if (forks) fork_ = {*tip, last_};
        } else if (!has_fork(universe_, known)) {
            emit_after(key, known);
        }
    }

    void emit_after(Key key, const BlockSet& known) {
        BlockSet parents;
        for (Key author : view().members)
            if (std::optional<BlockId> tip = tip_of(universe_, known, author)) parents.insert(*tip);
        // A command of its own makes the two sides differ.
        last_ = universe_.make_block(view_, key, parents, {next_command_++});
        held(key).insert(last_);
    }

    // What the equivocator lets one side see.
    BlockSet seen_by(bool second_side) {
        BlockSet blocks = held(equivocator_);
        if (!fork_.empty()) drop_with_descendants(blocks, fork_.at(second_side ? 0 : 1));
        return blocks;
    }

    void drop_with_descendants(BlockSet& blocks, BlockId dropped) const {
        const BlockSet all = blocks;
        for (BlockId id : all)
            if (universe_.block(id).past.contains(dropped)) blocks.erase(id);
    }

    // Once there is a fork, members of the two sides seldom meet.
    void learn(Key key, Key from) {
        const bool side = sides_.contains(key);
        if (from == equivocator_ && key != equivocator_) return held(key).insert_all(seen_by(side));
        if (key != equivocator_ && !fork_.empty() && side != sides_.contains(from) && percent(90)) return;
        held(key).insert_all(held(from));
    }

    // The log that a member's block says is settled, signed with it; anyone can work it out from its past. A
    // past with a fork votes for nothing.
    const std::optional<Log>& vote_of(BlockId id) {
        auto [place, is_new] = votes_.try_emplace(id);
        const Block& block = universe_.block(id);
        if (is_new && !has_fork(universe_, block.past))
            place->second = settled_log(universe_, view(), block.past, Mutation::none);
        return place->second;
    }

    void note_attested(Key key) {
        if (key == equivocator_) return;
        const Log claim = settled_log(universe_, view(), held(key), Mutation::none);
        for (std::size_t length = claim.size(); length > 0; --length) {
            const Log prefix(claim.begin(), claim.begin() + static_cast<std::ptrdiff_t>(length));
            SortedSet<Key> voters;
            for (BlockId id : held(key)) {
                const std::optional<Log>& vote = vote_of(id);
                if (vote && begins_with(*vote, prefix)) voters.insert(universe_.block(id).author);
            }
            const int f = (members() - 1) / 3;
            const int needed = rules_.asks_for_more_votes ? members() + 2 * f : members() + f;
            if (2 * voters.size() <= needed) continue;
            attested_.insert(prefix);
            return;
        }
    }

    // Each honest member of the quorum promises what it holds; the equivocator shows one side, or everything.
    void end_view(int present) {
        SortedSet<Key> quorum;
        for (Key key = 0; key < members(); ++key)
            if (present >> key & 1) quorum.insert(key);
        if (!is_quorum(view(), quorum, Mutation::none)) return;
        BlockSet honest;
        for (Key key : quorum)
            if (key != equivocator_) honest.insert_all(held(key));
        check_cut(honest);
        if (!quorum.contains(equivocator_)) return;
        for (BlockId id : held(equivocator_)) {
            BlockSet cut = honest;
            cut.insert_all(universe_.block(id).past);
            check_cut(cut);
        }
    }

    // Of the equivocator's chain, what runs: up to its first fork, and there one block.
    Log log_of(const BlockSet& cut) {
        return rules_.cut == Keeps::past_of_the_furthest_vote ? log_by_pasts(cut) : log_by_places(cut);
    }

    Log chain_in(const BlockSet& past) const {
        Log chain;
        for (BlockId id : universe_.in_order(past))
            if (universe_.block(id).author == equivocator_) chain.push_back(id);
        return chain;
    }

    Log log_by_pasts(const BlockSet& cut) {
        std::vector<std::pair<Round, BlockId>> votes;
        for (BlockId id : universe_.in_order(cut))
            if (vote_of(id))
                votes.emplace_back(
                    -settled_round(universe_, view(), universe_.block(id).past, Mutation::none), id);
        std::stable_sort(votes.begin(), votes.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
        Log kept;
        for (const auto& [round, id] : votes)
            if (Log chain = chain_in(universe_.block(id).past); begins_with(chain, kept)) kept = chain;
        Log log;
        for (BlockId id : universe_.in_order(cut))
            if (universe_.block(id).author != equivocator_ ||
                std::find(kept.begin(), kept.end(), id) != kept.end())
                log.push_back(id);
        return log;
    }

    Log log_by_places(const BlockSet& cut) {
        SortedSet<BlockId> voted;
        for (BlockId id : cut)
            if (vote_of(id))
                for (BlockId settled : *vote_of(id))
                    voted.insert(settled);
        std::map<int, Log> places;
        for (BlockId id : universe_.in_order(cut))
            if (universe_.block(id).author == equivocator_) places[place_of(universe_, id)].push_back(id);
        BlockSet void_blocks;
        bool forked = false;
        for (const auto& [place, blocks] : places) {
            auto winner = blocks.begin();
            if (rules_.cut == Keeps::what_votes_settle)
                winner = std::find_if(blocks.begin(), blocks.end(),
                                      [&](BlockId id) { return voted.contains(id); });
            if (winner == blocks.end() && !forked) winner = blocks.begin();
            forked = forked || blocks.size() > 1;
            for (auto block = blocks.begin(); block != blocks.end(); ++block)
                if (block != winner) void_blocks.insert(*block);
        }
        Log log;
        for (BlockId id : universe_.in_order(cut))
            if (!void_blocks.contains(id)) log.push_back(id);
        return log;
    }

    void check_cut(const BlockSet& cut) {
        const Log log = log_of(cut);
        for (const Log& prefix : attested_)
            if (!begins_with(log, prefix)) result_.violation = "a view change took back an attested block";
    }

    Random random_;
    const AttestationRules rules_;
    Universe universe_;
    ViewId view_ = 0;
    Key equivocator_ = 0;
    CommandId next_command_ = 0;
    BlockId last_ = 0;         // emitted
    SortedSet<BlockId> fork_;  // two blocks for one place, once there are
    SortedSet<Key> sides_;     // who is shown the second
    std::vector<BlockSet> held_;
    std::map<BlockId, std::optional<Log>> votes_;
    SortedSet<Log> attested_;  // ever called so by an honest member
    AttestationRun result_;
};

}  // namespace

AttestationRun run_attestation(std::uint64_t seed, const AttestationRules& rules) {
    return OneView(seed, rules).run();
}

}  // namespace peerbook::view_model
