#include "tests/view_model/checker.h"

namespace peerbook::view_model {

void Checker::report(const std::string& violation) {
    if (violation_.empty()) violation_ = violation;
}

std::optional<ViewId> Checker::ledger_of(CommandId command) const {
    auto place = ledgers_.find(command);
    if (place == ledgers_.end()) return std::nullopt;
    return place->second;
}

bool Checker::ran_in(const Context& c, CommandId command, ViewId ledger) const {
    const View& first = c.universe.view(ledger);
    return (first.is_fork && first.executed.contains(command)) || ledger_of(command) == ledger;
}

void Checker::forked(const Context& c, ViewId ledger, const std::vector<BlockId>& log) {
    CommandSet kept;
    for (CommandId command : c.universe.run(log, Mutation::none))
        kept.insert(command);
    std::erase_if(ledgers_,
                  [&](const auto& ran) { return ran.second == ledger && !kept.contains(ran.first); });
    logs_[ledger] = log;
}

void Checker::observe(const Context& c, const Node& node) {
    if (!node.now.view) return;
    observe_view(c, node);
    observe_claim(c, node);
}

void Checker::observe_view(const Context& c, const Node& node) {
    const View& view = node.view(c);
    bound_[view.ledger].insert(node.key);
    const View& first = c.universe.view(view.ledger);
    if (first.is_fork) forked_from_[node.key].insert(c.universe.view(*first.previous).ledger);
    const auto left = forked_from_.find(node.key);
    if (left != forked_from_.end() && left->second.contains(view.ledger))
        report("a node came back to a ledger that it had forked");
    if (!view.previous || view.is_fork) return;
    auto [place, is_new] = successors_.try_emplace(*view.previous, *node.now.view);
    if (!is_new && place->second != *node.now.view) report("a view has two successors");
}

void Checker::observe_claim(const Context& c, const Node& node) {
    const View& view = node.view(c);
    const std::vector<BlockId> claim = node.settled(c);
    std::vector<BlockId>& log = logs_[view.ledger];
    const std::size_t common = std::min(claim.size(), log.size());
    if (!std::equal(claim.begin(), claim.begin() + static_cast<std::ptrdiff_t>(common), log.begin()))
        return report("two settled logs of one ledger differ");
    if (claim.size() <= log.size()) return;
    log = claim;

    const View& first = c.universe.view(view.ledger);
    for (Key founder : first.members)
        if (!first.named && !bound_[view.ledger].contains(founder))
            report("a ledger settled before its second node took part");
    CommandSet seen;
    for (CommandId command : c.universe.run(claim, c.mutation)) {
        if (!seen.insert(command)) report("a command ran twice");
        if (first.is_fork && first.executed.contains(command)) continue;  // before it was forked
        auto [place, is_new] = ledgers_.try_emplace(command, view.ledger);
        if (!is_new && place->second != view.ledger) report("a command ran in two ledgers");
    }
}

}  // namespace peerbook::view_model
