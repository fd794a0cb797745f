#include "tests/view_model/records.h"

#include <cstdint>
#include <limits>
#include <utility>

namespace peerbook::view_model {

namespace {

// Breaks ties between blocks of one round; any fixed function of author and round will do.
std::uint64_t tie_break(Key author, Round round) {
    std::uint64_t z = static_cast<std::uint64_t>(author + 1) * 0x9e3779b97f4a7c15 +
                      static_cast<std::uint64_t>(round) * 0xd1b54a32d192ed03;
    z = (z ^ (z >> 31)) * 0xbf58476d1ce4e5b9;
    return z ^ (z >> 29);
}

}  // namespace

bool View::has_member(Key key) const {
    return std::find(members.begin(), members.end(), key) != members.end();
}

BlockId Universe::make_block(ViewId view, Key author, const BlockSet& parents, const CommandSet& commands) {
    auto [place, is_new] =
        block_ids_.try_emplace({view, author, parents, commands}, static_cast<BlockId>(blocks_.size()));
    if (!is_new) return place->second;
    Block block{.view = view, .author = author, .parents = parents, .commands = commands};
    block.round = this->view(view).base;
    for (BlockId id : parents) {
        const Block& parent = this->block(id);
        block.round = std::max(block.round, parent.round);
        block.past.insert_all(parent.past);
        for (std::size_t i = 0; i < keys_max; ++i)
            block.clock[i] = std::max(block.clock[i], parent.clock[i]);
    }
    ++block.round;
    block.past.insert(place->second);
    block.clock.at(static_cast<std::size_t>(author)) = block.round;
    blocks_.push_back(std::move(block));
    return place->second;
}

ViewId Universe::intern(View view) {
    auto [place, is_new] = view_ids_.try_emplace(
        {view.previous, view.members, view.cut, view.named, view.founding, view.is_fork},
        static_cast<ViewId>(views_.size()));
    if (!is_new) return place->second;
    if (!view.previous || view.is_fork) view.ledger = place->second;
    for (CommandId command : run(view.log, Mutation::none))
        view.executed.insert(command);
    views_.push_back(std::move(view));
    return place->second;
}

ViewId Universe::make_first_view(const std::vector<Key>& members, bool named, int founding) {
    View first;
    first.members = members;
    first.named = named;
    first.founding = founding;
    return intern(std::move(first));
}

ViewId Universe::make_next_view(ViewId previous, const std::vector<Key>& members, const BlockSet& cut) {
    return intern(after(previous, members, cut));
}

ViewId Universe::make_fork(ViewId previous, const std::vector<Key>& members, const BlockSet& settled) {
    View fork = after(previous, members, settled);
    fork.named = fork.is_fork = true;
    return intern(std::move(fork));
}

View Universe::after(ViewId previous, const std::vector<Key>& members, const BlockSet& cut) const {
    const View& old = view(previous);
    View next;
    next.ledger = old.ledger;
    next.number = old.number + 1;
    next.previous = previous;
    next.members = members;
    next.cut = cut;
    next.base = old.base;
    next.log = old.log;
    for (BlockId id : in_order(cut)) {
        next.base = std::max(next.base, block(id).round);
        next.log.push_back(id);
    }
    return next;
}

std::vector<BlockId> Universe::in_order(const BlockSet& blocks) const {
    std::vector<std::tuple<Round, std::uint64_t, BlockId>> keys;
    for (BlockId id : blocks)
        keys.emplace_back(block(id).round, tie_break(block(id).author, block(id).round), id);
    std::sort(keys.begin(), keys.end());
    std::vector<BlockId> ordered;
    for (const auto& key : keys)
        ordered.push_back(std::get<2>(key));
    return ordered;
}

std::vector<CommandId> Universe::run(const std::vector<BlockId>& log, Mutation mutation) const {
    std::vector<CommandId> executed;
    CommandSet seen;
    for (BlockId id : log)
        for (CommandId command : block(id).commands)
            if (seen.insert(command) || mutation == Mutation::no_nonce_check) executed.push_back(command);
    return executed;
}

bool is_quorum(const View& view, const SortedSet<Key>& present, Mutation mutation) {
    const int members = static_cast<int>(view.members.size());
    int count = 0;
    for (Key member : view.members)
        count += present.contains(member);
    const bool half_counts =
        present.contains(view.members.front()) || mutation == Mutation::both_halves_continue;
    return 2 * count > members || (2 * count == members && half_counts);
}

std::optional<BlockId> tip_of(const Universe& universe, const BlockSet& held, Key author) {
    std::optional<BlockId> tip;
    for (BlockId id : held) {
        const Block& block = universe.block(id);
        if (block.author == author && (!tip || block.round > universe.block(*tip).round)) tip = id;
    }
    return tip;
}

Round said_to_hold(const Universe& universe, const View& view, const BlockSet& held, Key member) {
    std::optional<BlockId> tip = tip_of(universe, held, member);
    if (!tip) return view.base;
    Round least = std::numeric_limits<Round>::max();
    for (Key author : view.members)
        least = std::min(least, universe.block(*tip).clock.at(static_cast<std::size_t>(author)));
    return std::max(least, view.base);
}

Round settled_round(const Universe& universe, const View& view, const BlockSet& held, Mutation mutation) {
    std::map<Key, Round> reached;
    Round lowest = std::numeric_limits<Round>::max();
    for (Key member : view.members) {
        reached[member] = said_to_hold(universe, view, held, member);
        if (mutation == Mutation::settle_when_quorum_sent || mutation == Mutation::settle_at_least_tip) {
            std::optional<BlockId> tip = tip_of(universe, held, member);
            reached[member] = tip ? universe.block(*tip).round : view.base;
        }
        lowest = std::min(lowest, reached[member]);
    }
    if (mutation == Mutation::settle_at_least_tip) return lowest;
    Round best = view.base;
    for (const auto& candidate : reached) {
        SortedSet<Key> present;
        for (const auto& [member, round] : reached)
            if (round >= candidate.second) present.insert(member);
        if (is_quorum(view, present, mutation)) best = std::max(best, candidate.second);
    }
    return mutation == Mutation::settle_one_round_too_far ? best + 1 : best;
}

std::vector<BlockId> settled_log(const Universe& universe, const View& view, const BlockSet& held,
                                 Mutation mutation) {
    const Round settled = settled_round(universe, view, held, mutation);
    BlockSet blocks;
    for (BlockId id : held)
        if (universe.block(id).round <= settled) blocks.insert(id);
    std::vector<BlockId> log = view.log;
    for (BlockId id : universe.in_order(blocks))
        log.push_back(id);
    return log;
}

}  // namespace peerbook::view_model
