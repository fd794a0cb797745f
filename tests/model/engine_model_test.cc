// The engine against the oracle, on random rules and commands: events and state are equal after every commit,
// invariants hold, money is conserved, what is undone is as if it had never been, and done again it is the
// same.
//
// PEERBOOK_MODEL_CASES=N sets how many random scripts are run; RC_PARAMS="seed=N" repeats a run, whose seed
// is printed at its start. A failure is shrunk and shown with its commands and events.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <ostream>
#include <set>
#include <string>

#include "base/random.h"
#include "tests/model/comparison.h"
#include "tests/model/recipe.h"
#include "tests/model/text.h"

namespace peerbook::exchange::model {

void showValue(const Script& script, std::ostream& out) {
    out << "rules";
    for (std::uint8_t byte : script.rules)
        out << ' ' << static_cast<int>(byte);
    out << ", " << script.commits.size() << " commits";
}

namespace {

// RapidCheck reads its parameters once, from the environment, at its first use.
const bool parameters_are_set = [] {
    const char* given = std::getenv("RC_PARAMS");
    std::string parameters = given == nullptr ? "" : given;
    if (parameters.find("max_success") == std::string::npos) {
        const char* cases = std::getenv("PEERBOOK_MODEL_CASES");
        parameters += std::string(" max_success=") + (cases == nullptr ? "300" : cases);
    }
    return setenv("RC_PARAMS", parameters.c_str(), 1) == 0;
}();

rc::Gen<std::uint8_t> any_byte() {
    return rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint8_t>());
}

template <std::size_t N>
rc::Gen<std::array<std::uint8_t, N>> any_bytes() {
    return rc::gen::container<std::array<std::uint8_t, N>>(any_byte());
}

rc::Gen<Script> any_script() {
    const auto commands = rc::gen::resize(8, rc::gen::container<std::vector<CommandRecipe>>(any_bytes<16>()));
    const auto commit = rc::gen::build<CommitRecipe>(rc::gen::set(&CommitRecipe::head, any_bytes<4>()),
                                                     rc::gen::set(&CommitRecipe::commands, commands));
    const auto commits = rc::gen::scale(0.8, rc::gen::container<std::vector<CommitRecipe>>(commit));
    return rc::gen::build<Script>(rc::gen::set(&Script::rules, any_bytes<24>()),
                                  rc::gen::set(&Script::commits, commits));
}

RC_GTEST_PROP(EngineModel, AgreesOnAnyScript, ()) {
    const Script script = *any_script();
    Reached reached;
    try {
        run(script, reached);
    } catch (const Difference& difference) {
        RC_FAIL(difference.what());
    }
}

Script random_script(Random& random) {
    Script script;
    const auto fill = [&](auto& bytes) {
        for (std::uint8_t& byte : bytes)
            byte = static_cast<std::uint8_t>(random.below(256));
    };
    fill(script.rules);
    script.commits.resize(20 + random.below(60));
    for (CommitRecipe& commit : script.commits) {
        fill(commit.head);
        commit.commands.resize(random.below(8));
        for (CommandRecipe& command : commit.commands)
            fill(command);
    }
    return script;
}

// A generator that never reaches what it is for tests nothing.
TEST(EngineModel, FixedScriptsReachEveryKindAndReason) {
    // Reasons of cancelled and reduced orders only.
    const std::set<Reason> never_rejected{
        Reason::none,       Reason::requested,      Reason::immediate_or_cancel,
        Reason::self_trade, Reason::too_many_fills, Reason::cancel_after,
        Reason::requoted,   Reason::auction_ended};
    // Reasons of those, some of which are rejections too.
    const std::set<Reason> reached_otherwise{Reason::requested,     Reason::immediate_or_cancel,
                                             Reason::self_trade,    Reason::too_many_fills,
                                             Reason::cancel_after,  Reason::requoted,
                                             Reason::auction_ended, Reason::price_band,
                                             Reason::would_trade,   Reason::not_fillable};
    Reached reached;
    for (std::uint64_t seed = 1; seed <= 160; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        ASSERT_NO_THROW(run(random_script(random), reached));
    }
    for (int kind = 0; kind <= static_cast<int>(last_event_kind); ++kind)
        EXPECT_GT(reached.kinds[static_cast<EventKind>(kind)], 0u) << text_of(static_cast<EventKind>(kind));
    for (int number = 0; number <= static_cast<int>(last_reason); ++number) {
        const Reason reason = static_cast<Reason>(number);
        if (never_rejected.count(reason) == 0) {
            EXPECT_GT(reached.rejected[reason], 0u) << to_string(reason);
        }
        if (reached_otherwise.count(reason) > 0) {
            EXPECT_GT(reached.others[reason], 0u) << to_string(reason);
        }
    }
    for (const std::string& state : states_looked_for())
        EXPECT_GT(reached.states[state], 0u) << state;
    EXPECT_GT(reached.undone, 100u);
    EXPECT_GT(reached.encoded, 100u);
}

}  // namespace
}  // namespace peerbook::exchange::model
