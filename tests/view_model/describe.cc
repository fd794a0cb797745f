// Schedules as text, for a person who reads why one failed.
#include <array>
#include <string>

#include "tests/view_model/schedule.h"

namespace peerbook::view_model {

namespace {

template <class Items>
std::string list(const Items& items) {
    std::string text;
    for (const auto& item : items)
        text += (text.empty() ? "" : " ") + std::to_string(item);
    return "[" + text + "]";
}

std::string describe_view(const Universe& universe, ViewId id) {
    const View& view = universe.view(id);
    return "view " + std::to_string(id) + " (ledger " + std::to_string(view.ledger) + " number " +
           std::to_string(view.number) + " members " + list(view.members) + " cut " + list(view.cut) + ")";
}

std::string describe_message(const Universe& universe, const Message& message) {
    static constexpr std::array names = {"block",   "prepare", "promise", "alive",   "propose", "accepted",
                                         "install", "join",    "leave",   "forward", "offer",   "tombstone"};
    std::string text = std::string(names.at(static_cast<std::size_t>(message.kind))) + " " +
                       std::to_string(message.from) + " -> " + std::to_string(message.to) + ", view " +
                       std::to_string(message.view);
    if (message.ballot.counter > 0)
        text +=
            ", ballot " + std::to_string(message.ballot.counter) + "." + std::to_string(message.ballot.key);
    if (message.kind == Kind::block) {
        const Block& block = universe.block(message.block);
        text += ", block " + std::to_string(message.block) + " of " + std::to_string(block.author) +
                " round " + std::to_string(block.round) + " parents " + list(block.parents) + " commands " +
                list(block.commands);
    }
    if (message.kind == Kind::promise) text += ", blocks " + list(message.blocks);
    if (message.accepted)
        text += ", accepted " + std::to_string(message.accepted->ballot.counter) + "." +
                std::to_string(message.accepted->ballot.key) + " " +
                describe_view(universe, message.accepted->value);
    if (message.kind == Kind::propose || message.kind == Kind::accepted || message.kind == Kind::install)
        text += ", " + describe_view(universe, message.value);
    if (message.kind == Kind::forward) text += ", command " + std::to_string(message.command);
    return text;
}

}  // namespace

std::string describe(const Universe& universe, const Action& action) {
    static constexpr std::array<const char*, static_cast<std::size_t>(What::count)> names = {
        "submits",
        "emits",
        "deliver",
        "deliver and keep",
        "drop",
        "pushes to",
        "starts a ballot",
        "chooses",
        "crashes",
        "restarts",
        "loses its store",
        "partition",
        "partition ends",
        "founds with",
        "gives up",
        "asks to join",
        "wishes to leave",
        "exits",
        "forwards to",
        "adopts",
        "forks",
        "accepts the fork of"};
    const std::string name = names.at(static_cast<std::size_t>(action.what));
    const std::string key = std::to_string(action.key);
    switch (action.what) {
        case What::deliver:
        case What::repeat:
        case What::drop:
            return name + ": " + describe_message(universe, action.message);
        case What::split:
            return name + " " + list(action.keys);
        case What::reunite:
            return name;
        case What::ballot:
            return key + " " + name + ", suspects " + list(action.keys);
        case What::submit:
            return key + " " + name + " command " + std::to_string(action.command);
        case What::push:
        case What::found:
        case What::forward:
        case What::accept:
            return key + " " + name + " " + std::to_string(action.other);
        default:
            return key + " " + name;
    }
}

std::string describe(const Universe& universe, const Outcome& run) {
    std::string text =
        std::to_string(run.setup.nodes) + " nodes, named view 1: " + list(run.setup.named) + "\n";
    for (const Action& action : run.actions)
        text += "  " + describe(universe, action) + "\n";
    return text + "  => " + run.violation + "\n";
}

}  // namespace peerbook::view_model
