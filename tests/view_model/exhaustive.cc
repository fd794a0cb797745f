#include "tests/view_model/exhaustive.h"

#include <unordered_set>
#include <utility>

#include "tests/view_model/fingerprint.h"

namespace peerbook::view_model {

namespace {

// Depth first; the path of actions is the schedule so far.
class Searcher {
  public:
    Searcher(Universe& universe, Mutation mutation, const Scope& scope)
        : universe_(universe), mutation_(mutation), scope_(scope) {}

    Search run() {
        World world(universe_, mutation_, scope_.setup);
        for (const Action& action : scope_.beginning)
            world.apply(action);
        path_ = scope_.beginning;
        visit(world);
        result_.states = seen_.size();
        return std::move(result_);
    }

  private:
    void visit(const World& world) {
        if (!result_.run.violation.empty()) return;
        if (!world.violation().empty()) return fail(world.violation());
        Fingerprint fingerprint;
        fingerprint.add(world);
        if (seen_.size() >= scope_.states_max) {
            result_.is_complete = false;
            return;
        }
        if (!seen_.insert(fingerprint.value()).second) return;
        if (fingerprint.value() % scope_.heal_one_of == 0) {
            World healed = world;
            healed.heal();
            if (!healed.violation().empty()) return fail(healed.violation());
        }
        for (const Action& action : choices(world))
            follow(world, action);
    }

    void follow(const World& world, const Action& action) {
        World next = world;
        if (!next.apply(action)) return;
        path_.push_back(action);
        // A node that stays down does no more than one that is never scheduled again.
        const bool down = action.what == What::crash;
        if (down) {
            path_.push_back({.what = What::restart, .key = action.key});
            next.apply(path_.back());
        }
        visit(next);
        path_.resize(path_.size() - (down ? 2 : 1));
    }

    void fail(const std::string& violation) {
        if (!result_.run.violation.empty()) return;
        result_.run = {scope_.setup, path_, violation};
    }

    std::vector<Action> choices(const World& world) const {
        std::vector<Action> actions;
        for (const Message& message : world.messages())
            if (world.has_effect(message)) actions.push_back({.what = What::repeat, .message = message});
        for (const auto& [what, most] : scope_.budget) {
            if (world.count(what) >= most) continue;
            for (const Node& node : world.nodes())
                if (node.life != Life::lost && node.life != Life::left) add(actions, what, node.key, world);
        }
        return actions;
    }

    void add(std::vector<Action>& actions, What what, Key key, const World& world) const {
        const Action action{.what = what, .key = key, .command = world.next_command()};
        if (what == What::ballot) {
            for (const SortedSet<Key>& suspects : scope_.suspicions)
                if (!suspects.contains(key)) actions.push_back({.what = what, .key = key, .keys = suspects});
        } else if (what == What::found || what == What::push || what == What::forward) {
            for (const Node& other : world.nodes())
                if (other.key != key) actions.push_back({.what = what, .key = key, .other = other.key});
        } else if (what != What::lose || world.may_lose(key)) {
            actions.push_back(action);
        }
    }

    Universe& universe_;
    const Mutation mutation_;
    const Scope& scope_;
    std::vector<Action> path_;
    std::unordered_set<std::uint64_t> seen_;
    Search result_;
};

}  // namespace

Search search(Universe& universe, Mutation mutation, const Scope& scope) {
    return Searcher(universe, mutation, scope).run();
}

}  // namespace peerbook::view_model
