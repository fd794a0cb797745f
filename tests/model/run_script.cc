#include "tests/model/comparison.h"
#include "tests/model/recipe.h"

namespace peerbook::exchange::model {

void run(const Script& script, Reached& reached) {
    const NetworkRules rules = make_rules(script.rules);
    Comparison both(rules, reached);
    Millis time = first_time;
    for (auto& batches : make_prelude(rules))
        both.apply(time += 1'000, 2, std::move(batches));
    for (const CommitRecipe& recipe : script.commits) {
        time += recipe.time_step();
        const std::uint16_t version = recipe.rules_version(script.rules);
        std::vector<CommandBatch> batches = resolve(recipe, both.oracle());
        if (recipe.is_encoded()) batches = both.through_encoding(batches, version);
        both.apply(time, version, std::move(batches));
        both.undo(recipe.undone(), recipe.are_redone());
        if (const auto kept = recipe.kept()) both.keep(*kept);
    }
    both.compare_with_straight_run();
}

}  // namespace peerbook::exchange::model
