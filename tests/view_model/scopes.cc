#include "tests/view_model/scopes.h"

#include <stdexcept>

namespace peerbook::view_model {

namespace {

// What has happened before a search starts, written as a scene.
class Scene {
  public:
    Scene(Universe& universe, const Setup& setup) : world_(universe, Mutation::none, setup) {}

    Scene& does(Key key, What what) {
        return apply({.what = what, .key = key, .command = world_.next_command()});
    }
    // Everything of that kind that is under way between the two.
    Scene& hears(Key to, Kind kind, Key from) {
        const SortedSet<Message> messages = world_.messages();
        for (const Message& message : messages)
            if (message.kind == kind && message.from == from && message.to == to)
                apply({.what = What::repeat, .message = message});
        return *this;
    }
    std::vector<Action> actions() const { return actions_; }

  private:
    Scene& apply(const Action& action) {
        if (!world_.apply(action)) throw std::logic_error("a scene that cannot happen");
        actions_.push_back(action);
        return *this;
    }

    World world_;
    std::vector<Action> actions_;
};

Scope founding(Universe& universe, int nodes) {
    Scope scope{.setup = {.nodes = nodes}};
    scope.beginning = Scene(universe, scope.setup).does(0, What::submit).does(1, What::submit).actions();
    scope.budget = {{What::found, 2}, {What::give_up, 1}, {What::emit, 2}, {What::crash, 1}};
    return scope;
}

Scope view_change(int nodes, int crashes) {
    Scope scope{.setup = {.nodes = nodes}};
    for (Key key = 0; key < nodes; ++key)
        scope.setup.named.push_back(key);
    scope.budget = {{What::ballot, 2}, {What::choose, 2}, {What::crash, crashes}};
    scope.suspicions = {{}, {nodes - 1}};
    scope.heal_one_of = 50;
    return scope;
}

Scope two_members(Universe& universe) {
    Scope scope = view_change(2, 1);
    scope.beginning = Scene(universe, scope.setup).does(0, What::submit).does(1, What::submit).actions();
    scope.budget[What::emit] = 2;
    scope.suspicions = {{}, {0}, {1}};
    scope.heal_one_of = 5;
    return scope;
}

Scope proposer_is_lost(Universe& universe) {
    Scope scope = view_change(3, 1);
    scope.beginning = Scene(universe, scope.setup).does(0, What::submit).does(0, What::emit).actions();
    scope.budget[What::ballot] = scope.budget[What::choose] = scope.budget[What::lose] = 1;
    scope.suspicions = {{}};
    scope.heal_one_of = 10;
    return scope;
}

Scope observer_and_leaver(Universe& universe) {
    Scope scope{.setup = {.nodes = 2, .named = {0}}};
    scope.beginning = Scene(universe, scope.setup).does(1, What::submit).actions();
    scope.budget = {{What::push, 1},    {What::join, 1},  {What::ballot, 2}, {What::choose, 2},
                    {What::forward, 1}, {What::leave, 2}, {What::exit, 1},   {What::emit, 1}};
    scope.heal_one_of = 10;
    return scope;
}

Scope settled_by_two(Universe& universe) {
    Scope scope = view_change(3, 0);
    Scene scene(universe, scope.setup);
    scene.does(0, What::submit).does(0, What::emit).does(1, What::emit).does(2, What::emit);
    scene.hears(0, Kind::block, 1).hears(0, Kind::block, 2).hears(1, Kind::block, 0).hears(1, Kind::block, 2);
    scene.does(0, What::emit).does(1, What::emit).hears(0, Kind::block, 1).hears(1, Kind::block, 0);
    scope.beginning = scene.actions();
    scope.budget[What::ballot] = scope.budget[What::choose] = 1;
    return scope;
}

Scope three_ballots(Universe& universe) {
    Scope scope = view_change(3, 0);
    Scene scene(universe, scope.setup);
    scene.does(2, What::emit).does(0, What::ballot).hears(1, Kind::prepare, 0).hears(0, Kind::promise, 1);
    scene.does(0, What::choose).does(1, What::ballot).hears(2, Kind::prepare, 1).hears(1, Kind::promise, 2);
    scene.does(1, What::choose);
    scope.beginning = scene.actions();
    scope.budget[What::ballot] = scope.budget[What::choose] = 3;
    scope.suspicions = {{}};
    return scope;
}

}  // namespace

const char* name_of(SmallScope scope) {
    static constexpr std::array<const char*, static_cast<std::size_t>(SmallScope::scopes)> names = {
        "two_found",        "three_found",         "two_members_end_a_view", "three_members_end_a_view",
        "proposer_is_lost", "observer_and_leaver", "settled_by_two",         "three_ballots"};
    return names.at(static_cast<std::size_t>(scope));
}

Scope make_scope(Universe& universe, SmallScope scope) {
    switch (scope) {
        case SmallScope::two_found:
            return founding(universe, 2);
        case SmallScope::three_found:
            return founding(universe, 3);
        case SmallScope::two_members_end_a_view:
            return two_members(universe);
        case SmallScope::three_members_end_a_view:
            return view_change(3, 1);
        case SmallScope::proposer_is_lost:
            return proposer_is_lost(universe);
        case SmallScope::observer_and_leaver:
            return observer_and_leaver(universe);
        case SmallScope::settled_by_two:
            return settled_by_two(universe);
        default:
            return three_ballots(universe);
    }
}

}  // namespace peerbook::view_model
