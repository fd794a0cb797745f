#include "tests/view_model/schedule.h"

#include <optional>
#include <utility>

#include "base/random.h"

namespace peerbook::view_model {

namespace {

constexpr int messages_max = 60;  // in flight; above it, one is lost
constexpr int commands_max = 8;

// Draws what happens next. Each schedule has its own weights, so that some are calm and some are wild.
class Chooser {
  public:
    Chooser(std::uint64_t seed, const World& world) : random_(seed), world_(world) {}

    Setup draw_setup() {
        Setup setup;
        setup.nodes = 1 + below(5);
        const int kind = below(3);
        const int named = kind == 0 ? setup.nodes - below(setup.nodes) : kind == 1 ? below(2) : 0;
        for (Key key = 0; key < named; ++key)
            setup.named.push_back(key);
        return setup;
    }
    int draw_length() { return 20 + below(140); }
    void draw_weights() {
        calm_ = percent(30);
        partitions_ = percent(60);
        losses_ = percent(40);
        departures_ = percent(30);
    }

    std::optional<Action> draw() {
        const Key key = below(static_cast<int>(world_.nodes().size()));
        if (world_.messages().size() > messages_max) return about_message(What::drop);
        const int dice = below(100);
        if (dice < 45) return about_message(percent(calm_ ? 5 : 20) ? What::repeat : What::deliver);
        if (dice < 58) return emission(key);
        if (dice < 63) return submission(key);
        if (dice < 71) return Action{.what = What::push, .key = key, .other = other_than(key)};
        if (dice < 75) return ballot(key);
        if (dice < 81) return with_key_where(What::choose, [&](const Node& node) { return node.may_choose(c()); });
        if (dice < 90) return about_ledger(key);
        return fault(key);
    }

  private:
    int below(int bound) { return static_cast<int>(random_.below(static_cast<std::uint64_t>(bound))); }
    bool percent(int chance) { return below(100) < chance; }
    Context c() const { return world_.context(); }
    Key other_than(Key key) {
        const int keys = static_cast<int>(world_.nodes().size());
        return (key + 1 + below(std::max(1, keys - 1))) % keys;
    }

    template <class Predicate>
    std::optional<Action> with_key_where(What what, Predicate predicate) {
        std::vector<Key> keys;
        for (const Node& node : world_.nodes())
            if (node.life == Life::running && predicate(node)) keys.push_back(node.key);
        if (keys.empty()) return std::nullopt;
        return Action{.what = what, .key = keys.at(static_cast<std::size_t>(below(static_cast<int>(keys.size()))))};
    }

    std::optional<Action> about_message(What what) {
        if (world_.messages().empty()) return std::nullopt;
        return Action{.what = what, .message = world_.messages().at(below(world_.messages().size()))};
    }

    std::optional<Action> emission(Key key) {
        const Node& node = world_.node(key);
        if (!node.may_emit(c()) || !(node.has_reason_to_emit(c()) || percent(5))) return std::nullopt;
        return Action{.what = What::emit, .key = key};
    }

    // Mostly a new command; at times a user sends one again through another node of the same ledger.
    std::optional<Action> submission(Key key) {
        const CommandId next = world_.next_command();
        if (next >= commands_max) return std::nullopt;
        Action action{.what = What::submit, .key = key, .command = next};
        const Node& node = world_.node(key);
        const Node& other = world_.node(other_than(key));
        const bool same_ledger = node.now.view && other.now.view &&
                                 node.view(c()).ledger == other.view(c()).ledger &&
                                 node.is_established(c()) && other.is_established(c());
        if (same_ledger && !other.now.commands.empty() && percent(30))
            action.command = other.now.commands.at(below(other.now.commands.size()));
        return action;
    }

    // Suspicion is mostly right, at times wrong, and sometimes there is none.
    std::optional<Action> ballot(Key key) {
        const Node& node = world_.node(key);
        if (!node.now.view || (calm_ && percent(70))) return std::nullopt;
        Action action{.what = What::ballot, .key = key};
        for (Key member : node.view(c()).members) {
            const bool silent = !world_.is_running(member) || !world_.are_connected(key, member);
            if (member != key && percent(silent ? 70 : 10)) action.keys.insert(member);
        }
        return action;
    }

    std::optional<Action> about_ledger(Key key) {
        const Node& node = world_.node(key);
        if (!node.now.view) {
            if (percent(15)) return Action{.what = What::forward, .key = key, .other = other_than(key)};
            return Action{.what = What::found, .key = key, .other = other_than(key)};
        }
        switch (below(4)) {
            case 0:
                return Action{.what = What::join, .key = key};
            case 1:
                return Action{.what = What::forward, .key = key, .other = other_than(key)};
            case 2:
                return Action{.what = What::give_up, .key = key};
            default:
                if (!departures_) return std::nullopt;
                if (percent(30)) return Action{.what = What::leave, .key = key};
                return with_key_where(What::exit, [&](const Node& n) { return n.may_exit(c()); });
        }
    }

    std::optional<Action> fault(Key key) {
        const int dice = below(10);
        if (dice < 4 || calm_) {
            const bool down = world_.node(key).life == Life::crashed;
            return Action{.what = down ? What::restart : What::crash, .key = key};
        }
        if (dice < 6) return Action{.what = What::restart, .key = key};
        if (dice < 8) {
            if (!partitions_ || percent(40)) return Action{.what = What::reunite};
            Action action{.what = What::split};
            for (Key side = 0; side < keys_max; ++side)
                if (percent(50)) action.keys.insert(side);
            return action;
        }
        if (!losses_ || !world_.may_lose(key)) return std::nullopt;
        return Action{.what = What::lose, .key = key};
    }

    Random random_;
    const World& world_;
    bool calm_ = false;
    bool partitions_ = false;
    bool losses_ = false;
    bool departures_ = false;
};

void note(Reached& reached, const World& world, const std::string& violation) {
    ++reached["schedules"];
    if (!violation.empty()) ++reached["violations"];
    Context c = world.context();
    int ledgers = 0, latest = 0, left = 0;
    SortedSet<ViewId> seen;
    for (const Node& node : world.nodes()) {
        left += node.life == Life::left;
        if (node.life != Life::running || !node.now.view) continue;
        latest = std::max(latest, node.view(c).number);
        if (seen.insert(node.view(c).ledger)) ++ledgers;
        reached["unrecoverable"] += !world.is_recoverable(node.view(c).ledger, {});
    }
    reached["two ledgers"] += ledgers > 1;
    reached["three views"] += latest > 3;
    reached["left"] += left > 0;
    reached["lost stores"] += world.count(What::lose) > 0;
    reached["given up"] += world.count(What::give_up) > 0;
    reached["ran"] += [&] {
        int ran = 0;
        for (CommandId id = 0; id < commands_max; ++id)
            ran += world.has_run(id);
        return ran;
    }();
}

}  // namespace

Run run_schedule(Universe& universe, std::uint64_t seed, Mutation mutation, Reached* reached) {
    Run run;
    World world(universe, mutation, {});
    Chooser chooser(seed, world);
    run.setup = chooser.draw_setup();
    world = World(universe, mutation, run.setup);
    chooser.draw_weights();
    const int length = chooser.draw_length();
    for (int step = 0; step < length && world.violation().empty(); ++step) {
        std::optional<Action> action = chooser.draw();
        if (action && world.apply(*action)) run.actions.push_back(*action);
    }
    world.heal();
    run.violation = world.violation();
    if (reached) note(*reached, world, run.violation);
    return run;
}

std::string replay(Universe& universe, Mutation mutation, const Setup& setup, const std::vector<Action>& actions) {
    World world(universe, mutation, setup);
    for (const Action& action : actions)
        if (world.violation().empty()) world.apply(action);
    world.heal();
    return world.violation();
}

Run shrink(Universe& universe, Mutation mutation, Run run) {
    for (std::size_t width = run.actions.size(); width > 0;) {
        bool removed = false;
        for (std::size_t start = 0; start + width <= run.actions.size();) {
            std::vector<Action> fewer = run.actions;
            const auto first = fewer.begin() + static_cast<std::ptrdiff_t>(start);
            fewer.erase(first, first + static_cast<std::ptrdiff_t>(width));
            const std::string violation = replay(universe, mutation, run.setup, fewer);
            if (violation.empty()) {
                start += width;
                continue;
            }
            run.actions = std::move(fewer);
            run.violation = violation;
            removed = true;
        }
        if (!removed || width > 1) width /= 2;
    }
    return run;
}

}  // namespace peerbook::view_model
