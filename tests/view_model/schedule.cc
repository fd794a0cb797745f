#include "tests/view_model/schedule.h"

#include <array>
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
    Chooser(std::uint64_t seed, const World& world, bool with_forks)
        : random_(seed), world_(world), with_forks_(with_forks) {}

    Setup draw_setup() {
        theme_ = static_cast<Theme>(below(themes));
        Setup setup;
        setup.nodes = theme_ == ballots ? 2 + below(4) : 1 + below(5);
        int named = 0;
        if (theme_ == ballots) named = setup.nodes;
        if (theme_ == moves) named = 1 + below(setup.nodes);
        for (Key key = 0; key < named; ++key)
            setup.named.push_back(key);
        return setup;
    }
    int draw_length() { return 20 + below(140); }
    // Each schedule leaves some things out and does others often: what is rare on average is common
    // somewhere.
    void draw_weights() {
        //                        deliver choose emit submit push ballot found join leave crash split lose
        static constexpr std::array<std::array<int, topics>, themes> usual = {{
            {50, 8, 8, 4, 2, 8, 0, 1, 1, 4, 1, 1},   // ballots
            {40, 4, 8, 4, 4, 2, 12, 4, 1, 3, 1, 1},  // beginnings
            {40, 6, 8, 4, 6, 5, 0, 8, 8, 2, 2, 1},   // moves
        }};
        static constexpr std::array factors = {0, 1, 1, 2, 4};
        weights_ = usual.at(theme_);
        for (std::size_t topic = emit; topic < topics; ++topic)
            weights_.at(topic) *= factors.at(static_cast<std::size_t>(below(factors.size())));
        repeats_ = below(30);
    }

    std::optional<Action> draw() {
        if (follow_up_) return std::exchange(follow_up_, std::nullopt);
        const Key key = below(static_cast<int>(world_.nodes().size()));
        if (with_forks_ && percent(10)) return fork_or_loss(key);
        if (world_.messages().size() > messages_max) return about_message(What::drop);
        switch (draw_topic()) {
            case deliver:
                return about_message(percent(repeats_) ? What::repeat : What::deliver);
            case choose:
                return with_key_where(What::choose, [&](const Node& node) { return node.may_choose(c()); });
            case emit:
                return emission(key);
            case submit:
                return submission(key);
            case push:
                return Action{.what = What::push, .key = key, .other = other_than(key)};
            case ballot:
                return start_of_ballot(key);
            case found:
                return founding(key);
            case join:
                return Action{
                    .what = percent(50) ? What::join : What::forward, .key = key, .other = other_than(key)};
            case leave:
                if (percent(10) && world_.may_lose(key)) return Action{.what = What::adopt, .key = key};
                if (percent(30)) return Action{.what = What::leave, .key = key};
                return with_key_where(What::exit, [&](const Node& node) { return node.may_exit(c()); });
            case crash:
                return crash_or_restart(key);
            case split:
                return partition();
            case lose:
                if (!world_.may_lose(key) || percent(50)) return std::nullopt;
                return Action{.what = What::lose, .key = key};
            default:
                return std::nullopt;
        }
    }

  private:
    enum Topic {
        deliver,
        choose,
        emit,
        submit,
        push,
        ballot,
        found,
        join,
        leave,
        crash,
        split,
        lose,
        topics
    };
    enum Theme { ballots, beginnings, moves, themes };

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
        return Action{.what = what,
                      .key = keys.at(static_cast<std::size_t>(below(static_cast<int>(keys.size()))))};
    }

    std::optional<Action> about_message(What what) {
        if (world_.messages().empty()) return std::nullopt;
        // A kind first: blocks are many.
        const Kind kind = static_cast<Kind>(below(12));
        std::vector<Message> candidates;
        for (const Message& message : world_.messages())
            if (message.kind == kind) candidates.push_back(message);
        if (candidates.empty() || what == What::drop)
            return Action{.what = what, .message = world_.messages().at(below(world_.messages().size()))};
        const int place = below(static_cast<int>(candidates.size()));
        return Action{.what = what, .message = candidates.at(static_cast<std::size_t>(place))};
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
    std::optional<Action> start_of_ballot(Key key) {
        const Node& node = world_.node(key);
        if (!node.now.view) return std::nullopt;
        Action action{.what = What::ballot, .key = key};
        for (Key member : node.view(c()).members) {
            const bool silent = !world_.is_running(member) || !world_.are_connected(key, member);
            if (member != key && percent(silent ? 70 : 10)) action.keys.insert(member);
        }
        return action;
    }

    std::optional<Action> founding(Key key) {
        if (percent(25) && world_.may_lose(key)) return Action{.what = What::adopt, .key = key};
        const What bound = world_.node(key).now.view ? What::give_up : What::found;
        const What fresh = percent(15) ? What::forward : What::found;  // forwarding is a mutation's
        return Action{.what = bound == What::give_up ? bound : fresh, .key = key, .other = other_than(key)};
    }

    // Often a node is back at once and has only forgotten what it had in memory.
    Action crash_or_restart(Key key) {
        const Action back{.what = What::restart, .key = key};
        if (percent(30)) return back;
        if (percent(60)) follow_up_ = back;
        return {.what = What::crash, .key = key};
    }

    Action partition() {
        if (percent(40)) return Action{.what = What::reunite};
        Action action{.what = What::split};
        for (Key side = 0; side < keys_max; ++side)
            if (percent(50)) action.keys.insert(side);
        return action;
    }

    // Stores are lost also where that takes a quorum away.
    Action fork_or_loss(Key key) {
        if (percent(20)) return {.what = What::lose, .key = key};
        if (percent(50)) return {.what = What::accept, .key = key, .other = other_than(key)};
        return {.what = What::fork, .key = key};
    }

    int draw_topic() {
        int total = 0;
        for (int weight : weights_)
            total += weight;
        int dice = below(total), topic = 0;
        while (dice >= weights_[static_cast<std::size_t>(topic)])
            dice -= weights_[static_cast<std::size_t>(topic++)];
        return topic;
    }

    Random random_;
    const World& world_;
    const bool with_forks_;
    std::array<int, topics> weights_ = {};
    int repeats_ = 0;  // in percent
    Theme theme_ = ballots;
    std::optional<Action> follow_up_;
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
    reached["adopted"] += world.count(What::adopt) > 0;
    reached["forked"] += world.count(What::fork) > 0;
    reached["accepted"] += world.count(What::accept) > 0;
    reached["forked twice"] += world.count(What::fork) > 1;
    reached["given up"] += world.count(What::give_up) > 0;
    reached["ran"] += [&] {
        int ran = 0;
        for (CommandId id = 0; id < commands_max; ++id)
            ran += world.has_run(id);
        return ran;
    }();
}

}  // namespace

Outcome run_schedule(Universe& universe, std::uint64_t seed, Mutation mutation, Reached* reached,
                     bool with_forks) {
    Outcome run;
    World world(universe, mutation, {});
    Chooser chooser(seed, world, with_forks);
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

std::string replay(Universe& universe, Mutation mutation, const Setup& setup,
                   const std::vector<Action>& actions) {
    World world(universe, mutation, setup);
    for (const Action& action : actions)
        if (world.violation().empty()) world.apply(action);
    world.heal();
    return world.violation();
}

Outcome shrink(Universe& universe, Mutation mutation, Outcome run) {
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
